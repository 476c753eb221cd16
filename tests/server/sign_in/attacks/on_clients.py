"""Clients with a key of their own: assertions that are forged, replayed, or made for somebody else; machines; introspection."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import uuid4

import orjson
from joserfc import jwt
from joserfc.jwk import OctKey
from joserfc.util import urlsafe_b64encode
from tests.server.sign_in.attacks.scene import ACCEPTED, EVIL, Attack, Scene, always, never
from tests.support.asserting import TYPE, Signer, new_key, public
from tests.support.cutting import Condition, Cut, Line, Value
from tests.support.proving import ISSUER

from pat_auth.clients.models import ClientKind
from pat_auth.issuer import assertions, codes, introspection
from pat_auth.issuer.assertions import Assertion
from pat_auth.issuer.clients import Client
from pat_auth.issuer.introspection import Introspection, Looked
from pat_auth.issuer.machines import MachineGrant
from pat_auth.issuer.metadata import SIGNED
from pat_auth.issuer.server import Server

NOBODY = "401 invalid_client"
NOT_ITS = "400 unauthorized_client"
_READS, _CLAIMS, _ONCE = (
    Assertion.process_assertion_claims,
    Assertion.verify_claims,
    Assertion.validate_jti,
)
UNVERIFIED = Line(
    _READS,
    "jwt.decode(assertion, resolve_key, algorithms=[ALGORITHM])",
    "__import__('tests.support.cutting', fromlist=['x']).unverified(assertion)",
)
HEADER = Line(_READS, " or set(header) != _HEADERS", "")
TYPED = Line(_READS, 'header.pop("typ", None) not in _TYPES', 'header.pop("typ", None) is Ellipsis')
ISSUED = Line(_CLAIMS, '"iss": own, ', "")
OURS = Line(_CLAIMS, 'isinstance(claims["aud"], str) and claims["aud"] in self.get_audiences()', "True")
UNEXPIRED = Line(_CLAIMS, "now < expires_at <= now", "expires_at <= now")
SHORT = Value(assertions, "LONGEST_LIFE", 1_000_000)
SKEW = Value(assertions, "_SKEW", 1_000_000)
COUNTED = Line(_CLAIMS, ' and self.validate_jti(claims, claims["jti"])', "")
ONCE = Line(_ONCE, "return added.rowcount == 1", "return True")
LENGTH = Line(_ONCE, "not 0 < len(jti) <= LONGEST_ID", "False")
SAME = Line(
    Assertion.__call__,
    'if client is not None and request.form.get("client_id", str(client.id)) != str(client.id):',
    "if False:",
)
NO_SECRET = Line(Server.authenticate_client, ' or "client_secret" in request.form', "")
NO_HEADER = Line(Server.authenticate_client, '(request.headers or {}).get("Authorization") or ', "")
ONE_WAY = Line(Server.authenticate_client, "(method == SIGNED) is is_signed", "True")
NAMED = Line(MachineGrant.validate_token_request, "not scopes or ", "")
CEILING = (
    Line(MachineGrant.validate_token_request, "not scopes <= client.scopes", "False"),
    Condition("sec.open_machine_session", " and scopes <@ f.scopes"),
)
RESOURCE = Line(
    codes.demand_resource, 'if payload.datalist.get("resource", [audience]) != [audience]:', "if False:"
)
METHODS = Value(Client, "check_endpoint_auth_method", always)


def machine(scene: Scene, kind: ClientKind = ClientKind.MACHINE) -> Signer:
    """A new client of cbo-a's with a key."""
    key = new_key()
    client = scene.granting.put_client(kind=kind, scopes=("cases",), keys=[public(key)])
    return Signer(client, ISSUER, scene.granting.clock().timestamp(), key)


def ask(scene: Scene, signer: Signer, assertion: str | None = None, /, **changes: str | None) -> Any:
    return scene.post("/oauth/token", *signer.form(assertion, **changes).items())


def says(name: str, *guard: Cut, header: dict[str, Any] | None = None, **claims: Any) -> Attack:
    """A machine that signs something else; whole numbers are seconds from now."""

    def attempt(scene: Scene) -> Any:
        signer = machine(scene)
        moved = {
            claim: int(signer.now) + value if type(value) is int else value for claim, value in claims.items()
        }
        return ask(scene, signer, signer.signed(header, **moved))

    return Attack(f"assertion: {name}", NOBODY, attempt, guard)


def sends(name: str, error: str, *guard: Cut, **changes: str | None) -> Attack:
    """A machine that signs well, and sends something else."""
    return tries(name, error, lambda scene: ask(scene, machine(scene), None, **changes), *guard)


def encoded(part: object) -> str:
    return urlsafe_b64encode(orjson.dumps(part)).decode()


def unsigned(scene: Scene) -> Any:
    signer = machine(scene)
    token = f"{encoded({'alg': 'none', 'kid': 'one'})}.{encoded(signer.claims())}.AA"
    return ask(scene, signer, token)


def signed_with_what_everybody_may_know(scene: Scene) -> Any:
    signer = machine(scene)
    shared = OctKey.import_key(orjson.dumps(public(signer.key)))
    token = jwt.encode({"alg": "HS256", "kid": "one"}, signer.claims(), shared, algorithms=["HS256"])
    return ask(scene, signer, token)


def with_a_strangers_key(scene: Scene) -> Any:
    signer = machine(scene)
    return ask(scene, replace(signer, key=new_key()))


def with_a_retired_key(scene: Scene) -> Any:
    signer = machine(scene)
    scene.granting.rows("update app.client_keys set retired_at = now() where client_id = %s", signer.client)
    return ask(scene, signer)


def with_another_clients_key(scene: Scene) -> Any:
    signer, victim = machine(scene), machine(scene)
    return ask(scene, signer, signer.signed(iss=str(victim.client), sub=str(victim.client)))


def once_more(scene: Scene) -> Any:
    signer = machine(scene)
    assertion = signer.signed()
    ask(scene, signer, assertion)
    return ask(scene, signer, assertion)


def once_more_after_a_refusal(scene: Scene) -> Any:
    signer = machine(scene)
    assertion = signer.signed()
    assert ask(scene, signer, assertion, scope="identity").status_code == 400
    return ask(scene, signer, assertion)


def once_more_with_a_code(scene: Scene) -> Any:
    signer = machine(scene, ClientKind.CONFIDENTIAL)
    scene.granting.client, once = signer.client, dict(shown(signer))
    assert scene.exchange(scene.granting.code(scope="cases"), **once).status_code == 200
    return scene.exchange(scene.granting.code(scope="cases"), **once)


def in_the_name_of_another(scene: Scene) -> Any:
    return ask(scene, machine(scene), client_id=str(machine(scene).client))


def behind_anothers_assertion(scene: Scene) -> Any:
    shown = {"client_assertion_type": TYPE, "client_assertion": machine(scene).signed()}
    return scene.exchange(scene.granting.code(), **shown)


def with_a_header(scene: Scene) -> Any:
    return scene.post("/oauth/token", *machine(scene).form().items(), authorization="Basic eDp5")


def of_a_server_without_its_key(scene: Scene) -> Any:
    scene.granting.client = machine(scene, ClientKind.CONFIDENTIAL).client
    return scene.exchange(scene.granting.code(scope="cases"))


def as_a_server(scene: Scene) -> Any:
    return ask(scene, machine(scene, ClientKind.CONFIDENTIAL))


def disabled(scene: Scene) -> Any:
    signer = machine(scene)
    scene.granting.rows("update app.clients set disabled_at = now() where id = %s", signer.client)
    return ask(scene, signer)


def dismissed(scene: Scene) -> Any:
    signer = machine(scene)
    ask(scene, signer)
    scene.granting.rows("update app.memberships set ended_at = now() where person_id = %s", signer.client)
    return ask(scene, signer)


def introspected(scene: Scene, token: str, *shown: tuple[str, str]) -> str:
    answer = scene.post("/oauth/introspect", ("token", token), *shown)
    if answer.status_code != 200:
        return f"{answer.status_code} {answer.json()['error']}"
    return ACCEPTED if answer.json()["active"] else "inactive"


def shown(signer: Signer) -> tuple[tuple[str, str], ...]:
    return ("client_assertion_type", TYPE), ("client_assertion", signer.signed())


def after_anothers_token(scene: Scene) -> str:
    return introspected(scene, scene.tokens["access_token"], *shown(machine(scene)))


def after_a_token_that_was_ended(scene: Scene) -> str:
    signer = machine(scene)
    token = ask(scene, signer).json()["access_token"]
    scene.granting.rows("update sec.sessions set revoked_at = now() where client = %s", str(signer.client))
    return introspected(scene, token, *shown(signer))


def without_a_key(scene: Scene) -> str:
    return introspected(scene, scene.tokens["access_token"], ("client_id", str(scene.granting.client)))


def after_a_used_refresh_token(scene: Scene) -> str:
    signer = machine(scene, ClientKind.CONFIDENTIAL)
    scene.granting.client = signer.client
    code = scene.granting.code(scope="cases")
    token = scene.exchange(code, *shown(signer)).json()["refresh_token"]
    scene.post("/oauth/token", ("grant_type", "refresh_token"), ("refresh_token", token), *shown(signer))
    return introspected(scene, token, *shown(signer))


def tries(name: str, error: str, attempt: Callable[[Scene], Any], *guard: Cut) -> Attack:
    return Attack(f"key: {name}", error, attempt, guard)


ATTACKS = (
    tries("signed by nobody", NOBODY, unsigned, UNVERIFIED),
    tries("signed with the public key", NOBODY, signed_with_what_everybody_may_know, UNVERIFIED),
    tries("signed with a stranger's key", NOBODY, with_a_strangers_key, UNVERIFIED),
    tries("signed with another client's key", NOBODY, with_another_clients_key, UNVERIFIED),
    tries(
        "a retired key", NOBODY, with_a_retired_key, Condition("sec.find_client", " and k.retired_at is null")
    ),
    says("a key that there is not", UNVERIFIED, header={"kid": "../two"}),
    says("a key that comes along", HEADER, header={"jwk": public(new_key())}),
    says("a key from elsewhere", HEADER, header={"jku": "https://evil.example/keys"}),
    says("a chain from elsewhere", HEADER, header={"x5u": "https://evil.example/chain"}),
    says("an access token's type", TYPED, header={"typ": "at+jwt"}),
    says("said by another", ISSUED, iss=str(uuid4())),
    says("for another server", OURS, aud=EVIL),
    says("for another endpoint", OURS, aud=f"{ISSUER}/oauth/introspect"),
    says("for us and another", OURS, aud=[ISSUER, EVIL]),
    says("expired a moment ago", UNEXPIRED, iat=-60, exp=-5),
    says("for a day", SHORT, iat=None, exp=86_400),
    says("made long ago", SHORT, iat=-600, exp=60),
    says("made tomorrow", SKEW, iat=100, exp=120),
    says("valid from tomorrow", SKEW, nbf=100),
    says("without an id", COUNTED, jti=None),
    says("huge", Value(assertions, "LONGEST_ASSERTION", 10**6), x="x" * 5000),
    says("with an endless id", LENGTH, jti="x" * 256),
    tries("once more", NOBODY, once_more, ONCE),
    tries("once more after a refusal", NOBODY, once_more_after_a_refusal, ONCE),
    tries("once more, with a code", NOBODY, once_more_with_a_code, ONCE),
    tries("in the name of another", NOBODY, in_the_name_of_another, SAME),
    tries("a public client behind another's assertion", NOBODY, behind_anothers_assertion, ONE_WAY),
    sends("a secret beside it", NOBODY, NO_SECRET, client_secret="secret"),
    tries("a password beside it", NOBODY, with_a_header, NO_HEADER),
    tries("a server's code without its key", NOBODY, of_a_server_without_its_key, METHODS),
    sends("more than its ceiling", "400 invalid_scope", *CEILING, scope="cases identity"),
    sends("who signed in", "400 invalid_scope", *CEILING, scope="openid"),
    sends("no scope", "400 invalid_scope", NAMED, scope=None),
    sends("another resource", "400 invalid_target", RESOURCE, resource="https://evil.example/"),
    tries(
        *("a server that acts for nobody", NOT_ITS, as_a_server, Value(Client, "check_grant_type", always)),
        Condition("sec.open_machine_session", "f.kind = 'MACHINE' and "),
    ),
    tries("a disabled one", NOBODY, disabled, Condition("sec.find_client", "and c.disabled_at is null")),
    tries(
        *("a dismissed one", NOT_ITS, dismissed),
        Condition("sec.open_machine_session", "\n        and m.ended_at is null"),
    ),
    tries(
        "another's token", "inactive", after_anothers_token, Value(Introspection, "check_permission", always)
    ),
    tries(
        "a token that was ended",
        "inactive",
        after_a_token_that_was_ended,
        Value(introspection, "is_live", always),
    ),
    tries("a used refresh token", "inactive", after_a_used_refresh_token, Value(Looked, "is_expired", never)),
    tries(
        "asked without a key",
        NOBODY,
        without_a_key,
        Value(Introspection, "CLIENT_AUTH_METHODS", ["none", SIGNED]),
    ),
)
