"""A provider that lies, somebody who stands between it and us, and what a provider says of others than its own."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey
from tests.server.sign_in.attacks.scene import ACCEPTED, always, outcome
from tests.support.cutting import Cut, Line, Value, unverified
from tests.support.granting import Granting
from tests.support.issuing import put_membership
from tests.support.provider import Provider, Way, register
from tests.support.visiting import Visitor

from pat_auth.issuer import (
    asks,
    browsers,
    members,
    upstreams,
    upstreams_http,
    upstreams_provider,
    upstreams_tokens,
)
from pat_auth.policy import Role
from pat_server.sign_in import flow, upstream_visits

DOCUMENT = "/.well-known/openid-configuration"


@dataclass
class Scene:
    """The manager of cbo-a, who is known by the provider there; and a stranger at another browser."""

    granting: Granting
    provider: Provider
    upstream: UUID
    visitor: Visitor
    stranger: Visitor

    @property
    def way(self) -> Way:
        return Way(self.visitor, self.provider, self.upstream)

    @property
    def strangers_way(self) -> Way:
        return Way(self.stranger, self.provider, self.upstream)


Attempt = Callable[[Scene], httpx.Response | str]


@dataclass(frozen=True)
class Attack:
    """What is tried, what becomes of it, and the guard without which it would succeed."""

    name: str
    is_refused_with: str
    attempt: Attempt
    guard: tuple[Cut, ...]

    def outcome(self, scene: Scene) -> str:
        found = self.attempt(scene)
        return found if isinstance(found, str) else outcome(found)


def says(name: str, *guard: Cut, **changes: Any) -> Attack:
    """The provider says something else in its ID token; a number is of seconds from now."""

    def attempt(scene: Scene) -> httpx.Response:
        now = int(scene.granting.clock().timestamp())
        scene.provider.claims = {
            claim: now + value if isinstance(value, int) else value for claim, value in changes.items()
        }
        return scene.way.sign_in()

    return Attack(f"ID token: {name}", "page 400", attempt, guard)


def is_(name: str, guard: Cut, /, **changes: Any) -> Attack:
    """The provider is another one than it should be."""

    def attempt(scene: Scene) -> httpx.Response:
        for field, value in changes.items():
            setattr(scene.provider, field, value)
        return scene.way.sign_in()

    return Attack(f"provider: {name}", "page 400", attempt, (guard,))


def unsigned(scene: Scene) -> httpx.Response:
    def made(nonce: str) -> str:
        header = {"alg": "none", "kid": scene.provider.key.kid}
        _, claims, _ = Provider.id_token(scene.provider, nonce).split(".")
        return f"{urlsafe_b64encode(json.dumps(header).encode()).decode().rstrip('=')}.{claims}."

    scene.provider.id_token = made  # type: ignore[method-assign]
    return scene.way.sign_in()


def signed_with_what_everybody_has(scene: Scene) -> httpx.Response:
    """The provider publishes a key of the kind with which whoever verifies can sign, too."""
    provider = scene.provider
    provider.key, provider.algorithm = OctKey.generate_key(256, {"kid": "shared"}), "HS256"
    provider.published = [provider.key.as_dict(private=True)]
    return scene.way.sign_in()


def signed_by_another(scene: Scene) -> httpx.Response:
    """With a key of somebody else's, which the token itself carries, and names as the provider's."""
    scene.provider.published = [scene.provider.key.as_dict(private=False)]
    forged = ECKey.generate_key("P-256", {"kid": "first"})
    scene.provider.key, scene.provider.header = forged, {"jwk": forged.as_dict(private=False)}
    return scene.way.sign_in()


def in_another_browser(scene: Scene) -> httpx.Response:
    """A stranger has signed in there as himself, and has her follow his way back."""
    address = scene.strangers_way.go()
    scene.visitor.ask(scope="openid cases")
    return scene.way.come_back(address)


def twice(scene: Scene) -> httpx.Response:
    address = scene.way.go()
    scene.way.come_back(address)
    return scene.way.come_back(address)


def late(scene: Scene) -> httpx.Response:
    address = scene.way.go()
    scene.granting.clock.pass_by(minutes=11)
    return scene.way.come_back(address)


def at_the_place_of_another(scene: Scene) -> httpx.Response:
    """What one provider was asked for is answered where another's answers come in."""
    other = register(scene.granting, scene.provider, name="Another")
    scene.granting.rows("update sec.upstream_identities set upstream_id = %s", other)
    scene.provider.is_careless = True
    scene.visitor.ask(scope="openid cases")
    link = next(link for link in scene.way.links() if str(scene.upstream) in link)
    back = scene.provider.sign_in(scene.visitor.http.get(link).headers["location"])
    return scene.visitor.get(back.replace(str(scene.upstream), str(other)))


def of_another_organisation(scene: Scene) -> httpx.Response:
    """Another organisation's program, to which the address of this provider is brought."""
    visitor = scene.visitor
    visitor.ask(scope="openid", client_id=str(scene.granting.put_client("cbo-b")))
    ask = str(visitor.page.request.url.query, "ascii")
    return visitor.http.get(f"/sign-in/upstream?{ask}&upstream={scene.upstream}")


def for_another_organisation(scene: Scene) -> str:
    """She belongs to another organisation too, for which this provider says nothing."""
    place = scene.granting.wall.organisation("cbo-b")
    put_membership(scene.granting.connections.connection, scene.granting.who.person, place, Role.CASE_MANAGER)
    scene.granting.rows("update sec.upstreams set counts_as_both = '{mfa}'")
    scene.provider.claims = {"amr": ["mfa"]}
    scene.way.sign_in()
    scene.visitor.ask(scope="openid", client_id=str(scene.granting.put_client("cbo-b")))
    return _at(scene, "/sign-in/allow")


def at_her_account(scene: Scene) -> str:
    """Where she could be given another passkey, and be signed in with it everywhere."""
    scene.granting.rows("update sec.upstreams set counts_as_both = '{mfa}'")
    scene.provider.claims = {"amr": ["mfa"]}
    scene.way.sign_in()
    scene.visitor.get("/account")
    return _at(scene, "/account")


def _at(scene: Scene, wanted: str) -> str:
    path = scene.visitor.page.request.url.path
    return ACCEPTED if path == wanted else path


def not_there_anew(scene: Scene) -> httpx.Response:
    scene.provider.claims = {"auth_time": int(scene.granting.clock().timestamp()) - 3600}
    return scene.way.sign_in()


def who_was_linked_once(scene: Scene) -> httpx.Response:
    scene.granting.rows("update sec.upstream_identities set ended_at = now()")
    return scene.way.sign_in()


def once_it_was_disabled(scene: Scene) -> httpx.Response:
    address = scene.way.go()
    scene.granting.rows("update sec.upstreams set disabled_at = now()")
    return scene.way.come_back(address)


def elsewhere(scene: Scene) -> httpx.Response:
    """It leads on: to wherever it likes."""
    provider = scene.provider
    status, document = provider.answer(DOCUMENT)
    provider.answers[DOCUMENT] = (302, {"location": f"{provider.issuer}/elsewhere"}, b"")
    provider.answers["/elsewhere"] = (
        status,
        {"content-type": "application/json"},
        json.dumps(document).encode(),
    )
    return scene.way.sign_in()


def endless(scene: Scene) -> httpx.Response:
    scene.provider.document = {"x": "x" * 300_000}
    return scene.way.sign_in()


def packed(scene: Scene) -> httpx.Response:
    """What is small on its way here could grow beyond all bounds."""
    status, document = scene.provider.answer(DOCUMENT)
    scene.provider.answers[DOCUMENT] = (status, {"content-encoding": "gzip"}, json.dumps(document).encode())
    return scene.way.sign_in()


def line(function: Any, old: str, new: str = "") -> Line:
    return Line(function, old, new)


SAID = upstreams_tokens._said
IS_FOR = upstreams_tokens._is_for
BELIEVED = upstream_visits.believed
RECEIVED = upstreams.receive
READ = Value(jwt, "decode", lambda token, *_, **__: unverified(token))

ATTACKS = (
    says("another nonce", line(SAID, "if not hmac.compare_digest(", "if False and ("), nonce="another"),
    says(
        "no nonce",
        line(SAID, 'if not hmac.compare_digest(str(claims["nonce"]).encode(), ', "if False and ("),
        nonce=None,
    ),
    says(
        "of another issuer",
        line(SAID, 'claims["iss"] != expected.issuer', "False"),
        iss="https://evil.example",
    ),
    says("for another client", line(IS_FOR, "client_id in audiences and claims", "claims"), aud="another"),
    says("for another among others", Value(upstreams_tokens, "_is_for", always), aud=["another", "third"]),
    says("for us, asked for by another", Value(upstreams_tokens, "_is_for", always), azp="another"),
    says(
        "for several, asked for by nobody",
        Value(upstreams_tokens, "_is_for", always),
        aud=["pat-at-their-own", "another"],
    ),
    says("expired", line(SAID, " or ends_at <= expected.now - SKEW"), exp=-61),
    says(
        "made long ago",
        line(SAID, "not expected.now - OLDEST <= made_at <= expected.now + SKEW or "),
        iat=-3600,
    ),
    says("made in the future", line(SAID, "<= expected.now + SKEW or", "or"), iat=3600),
    says("not valid yet", line(SAID, '"nbf" in claims and', "False and"), nbf=3600),
    says(
        "of a subject that is nobody here",
        line(upstreams.person_of, " and i.subject = %s", " and %s <> ''"),
        sub="bela",
    ),
    Attack("ID token: unsigned", "page 400", unsigned, (READ,)),
    Attack(
        "ID token: signed with a key that everybody has",
        "page 400",
        signed_with_what_everybody_has,
        (
            Value(upstreams_tokens, "ALGORITHMS", (*upstreams_tokens.ALGORITHMS, "HS256")),
            Value(upstreams_tokens, "_KINDS", {"oct": OctKey}),
            line(upstreams_tokens._key, "None if key.is_private else key", "key"),
        ),
    ),
    Attack("ID token: signed with a key that it carries", "page 400", signed_by_another, (READ,)),
    Attack(
        "ID token: she signed in there long ago",
        "page 400",
        not_there_anew,
        (line(upstreams.is_strong, "said.signed_in_at < back.sent_at - SKEW", "False"),),
    ),
    is_(
        "sends her back as another",
        line(BELIEVED, "!= upstream.issuer:", "is ...:"),
        back={"iss": "https://evil.example"},
    ),
    is_(
        "does not say who it is, though it says that it does",
        line(BELIEVED, "None if published.names_itself else upstream.issuer", "upstream.issuer"),
        back={"iss": None},
    ),
    is_(
        "publishes what another says of itself",
        line(upstreams_provider.Providers._discovered, 'document.get("issuer") != ours.issuer', "False"),
        document={"issuer": "https://evil.example"},
    ),
    Attack(
        "provider: leads on",
        "page 400",
        elsewhere,
        (line(upstreams_http.Way._answered, "response.status_code != 200", "False"),),
    ),
    Attack("provider: does not end", "page 400", endless, (Value(upstreams_http, "MOST_BYTES", 10**9),)),
    Attack(
        "provider: packs what it says",
        "page 400",
        packed,
        (
            line(
                upstreams_http._whole,
                'response.headers.get("content-encoding", "identity") != "identity"',
                "False",
            ),
        ),
    ),
    Attack(
        "way: in another browser",
        "page 404",
        in_another_browser,
        (
            line(RECEIVED, " and browser_id = %s", " and %s::uuid is not null"),
            line(asks.find_ask, " and browser_id = %s", " and %s::uuid is not null"),
        ),
    ),
    Attack("way: twice", "page 404", twice, (line(RECEIVED, " and used_at is null"),)),
    Attack("way: late", "page 404", late, (line(RECEIVED, " and expires_at > %s", " and %s is not null"),)),
    Attack(
        "way: to where another's answers come in",
        "page 404",
        at_the_place_of_another,
        (line(RECEIVED, " and upstream_id = %s", " and %s::uuid is not null"),),
    ),
    Attack(
        "way: to a provider of another organisation",
        "page 404",
        of_another_organisation,
        (line(upstreams.offered, "u.organisation_id = %s or", "%s is not null or"),),
    ),
    Attack(
        "way: once it was disabled",
        "page 404",
        once_it_was_disabled,
        (line(upstreams.find_upstream, " and u.disabled_at is null"),),
    ),
    Attack(
        "person: who was linked once",
        "page 400",
        who_was_linked_once,
        (line(upstreams.person_of, " and i.ended_at is null"),),
    ),
    Attack(
        "person: for another of her organisations",
        "/sign-in",
        for_another_organisation,
        (
            Value(members, "vouched_for", lambda found, _: list(found)),
            Value(flow, "vouched_for", lambda found, _: list(found)),
        ),
    ),
    Attack(
        "person: at her account",
        "/sign-in",
        at_her_account,
        (line(browsers.Browser.standing, " or (self.within is not None and not keeps_within)"),),
    ),
)
