"""Codes that are stolen, replayed or exchanged by somebody else; and forms that can be read in two ways."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from authlib.oauth2.rfc7636 import CodeChallenge
from tests.server.sign_in.attacks.scene import EVIL, Attack, Scene, always, nothing
from tests.support.cutting import Condition, Line, Value
from tests.support.granting import VERIFIER, challenge_of

from pat_auth.clients.models import ClientKind
from pat_auth.issuer import asked, clients, codes, requests, server
from pat_auth.issuer.clients import Client
from pat_auth.issuer.codes import Code, CodeGrant
from pat_server.sign_in import asking

INVALID = "400 invalid_grant"
NOBODY = "401 invalid_client"
UNFIT = "400 invalid_request"

_QUERY = CodeGrant.query_authorization_code
REPLAYED = Line(_QUERY, "if found.used_at is not None:", "if False:")
ENDS_SESSION = Line(_QUERY, "revoke_session(connection, found.session, REPLAYED)", "pass")
ADDRESS = Value(Code, "get_redirect_uri", nothing)
VERIFIES = Value(CodeChallenge, "validate_code_verifier", nothing)
RESOURCE = Line(
    codes.demand_resource,
    'if payload.datalist.get("resource", [audience]) != [audience]:',
    "if False:",
)
ONCE = Value(requests, "once", nothing)
ENABLED = Condition("sec.find_client", "and c.disabled_at is null")


def exchanged(name: str, error: str, *guard: Any, **changes: str | None) -> Attack:
    """A code that is good, shown with something else that is not."""
    return Attack(
        f"code: {name}", error, lambda scene: scene.exchange(scene.granting.code(), **changes), guard
    )


def changed(name: str, statement: str, *guard: Any, error: str = INVALID) -> Attack:
    """A code that was good until something changed."""

    def attempt(scene: Scene) -> Any:
        code = scene.granting.code()
        scene.change(statement)
        return scene.exchange(code)

    return Attack(f"code: {name}", error, attempt, guard)


def replayed(scene: Scene) -> Any:
    code = scene.granting.code()
    scene.exchange(code)
    return scene.exchange(code)


def used_after_a_replay(scene: Scene) -> Any:
    code = scene.granting.code(scope="openid cases")
    tokens = scene.exchange(code).json()
    scene.exchange(code)
    return scene.userinfo(tokens["access_token"])


def of_another_client(scene: Scene) -> Any:
    code = scene.granting.code()
    return scene.exchange(code, client_id=str(scene.granting.put_client(scopes=("cases",))))


def too_late(scene: Scene) -> Any:
    code = scene.granting.code()
    scene.granting.clock.pass_by(seconds=60)
    return scene.exchange(code)


def challenge_for_verifier(scene: Scene) -> Any:
    """What everybody could see on the way, as PKCE's plain method would take it."""
    return scene.exchange(scene.granting.code(), code_verifier=challenge_of(VERIFIER))


def by_a_client_with_a_key(scene: Scene) -> Any:
    granting = scene.granting
    granting.client = granting.put_client(scopes=("cases",), kind=ClientKind.CONFIDENTIAL)
    return scene.exchange(granting.code())


def with_authorization(scene: Scene) -> Any:
    form = scene.granting.form(scene.granting.code())
    return scene.post("/oauth/token", *form, authorization="Basic eDp5")


def posted(name: str, error: str, *guard: Any, more: tuple[str, str] | None = None, **headers: str) -> Attack:
    def attempt(scene: Scene) -> Any:
        form = [*scene.granting.form(scene.granting.code()), *([more] if more else [])]
        return scene.post("/oauth/token", *form, **headers)

    return Attack(f"form: {name}", error, attempt, guard)


def in_the_address(scene: Scene) -> Any:
    form = scene.granting.form(scene.granting.code())
    return scene.post(f"/oauth/token?client_id={scene.granting.client}", *form)


def with_many_fields(scene: Scene) -> Any:
    form = scene.granting.form(scene.granting.code())
    return scene.post("/oauth/token", *form, *((f"a{number}", "1") for number in range(40)))


def attack(name: str, error: str, attempt: Callable[[Scene], Any], *guard: Any) -> Attack:
    return Attack(name, error, attempt, guard)


ATTACKS = (
    attack("code: replayed", INVALID, replayed, REPLAYED),
    attack(
        "code: what was got for one that comes again", "401 invalid_token", used_after_a_replay, ENDS_SESSION
    ),
    attack(
        "code: of another client",
        INVALID,
        of_another_client,
        Value(codes, "_FIND", codes._FIND.replace("client = %s", "%s::uuid is not null")),
    ),
    attack(
        "code: expired",
        INVALID,
        too_late,
        Line(
            _QUERY, "return found if found.expires_at > self.server.service.clock() else None", "return found"
        ),
    ),
    exchanged("another address", INVALID, ADDRESS, redirect_uri=EVIL),
    exchanged("no address", INVALID, ADDRESS, redirect_uri=None),
    exchanged("no verifier", UNFIT, VERIFIES, code_verifier=None),
    exchanged("another verifier", INVALID, VERIFIES, code_verifier="w" * 43),
    attack("code: its challenge for a verifier", INVALID, challenge_for_verifier, VERIFIES),
    exchanged("another resource", "400 invalid_target", RESOURCE, resource=EVIL),
    changed(
        "membership ended",
        "update app.memberships set ended_at = now() where id = %(membership)s",
        Condition("sec.memberships_of", "and m.ended_at is null"),
        Condition("sec.open_session", "and m.ended_at is null"),
    ),
    changed(
        "person disabled",
        "update sec.people set disabled_at = now() where id = %(person)s",
        Condition("sec.memberships_of", "and p.disabled_at is null"),
        Condition("sec.open_session", "and p.disabled_at is null"),
    ),
    changed(
        "signed out of its browser",
        "update sec.browsers set ended_at = now() where id = %(browser)s",
        Condition("sec.open_session", "and b.ended_at is null"),
    ),
    changed(
        "its client may do less",
        "update app.clients set scopes = '{groups}' where id = %(client)s",
        Condition("sec.open_session", "and scopes <@ (f.scopes || 'openid'::text)"),
    ),
    changed(
        "one factor alone",
        "update sec.codes set acr = '1' where client = %(client)s",
        Condition(
            "sec.open_session",
            "if coalesce(acr, '') <> '2' and place.role <> 'survivor' then return null; end if;",
        ),
    ),
    changed(
        "its client disabled",
        "update app.clients set disabled_at = now() where id = %(client)s",
        ENABLED,
        error=NOBODY,
    ),
    attack(
        "client: with a key, that shows none",
        NOBODY,
        by_a_client_with_a_key,
        Value(Client, "check_endpoint_auth_method", always),
    ),
    attack(
        "client: in another spelling",
        NOBODY,
        lambda scene: scene.exchange(scene.granting.code(), client_id=str(scene.granting.client).upper()),
        Line(clients.find_client, "if str(key) != client_id:", "if False:"),
    ),
    attack(
        "client: an assertion that nobody looks at",
        NOBODY,
        lambda scene: scene.exchange(scene.granting.code(), client_assertion="e30.e30."),
        Line(
            server.Server.authenticate_client,
            "is_signed = not _ASSERTED.isdisjoint(request.form)",
            "is_signed = False",
        ),
    ),
    attack(
        "client: a password that nobody looks at",
        NOBODY,
        with_authorization,
        Line(
            server.Server.authenticate_client,
            '(request.headers or {}).get("Authorization") or ',
            "",
        ),
    ),
    posted("a code that comes twice", UNFIT, ONCE, more=("code", "x")),
    posted("a client that comes twice", UNFIT, ONCE, more=("client_id", "x")),
    posted("an unknown parameter that comes twice in itself", UNFIT, ONCE, more=("redirect_uri", EVIL)),
    attack(
        "form: parameters in the address too",
        UNFIT,
        in_the_address,
        Line(server._answer, "if asked.query:", "if False:"),
    ),
    posted(
        "U+0000",
        UNFIT,
        Line(asked.parse_pairs, r'if any("\0" in text for pair in pairs for text in pair):', "if False:"),
        more=("x", "\0"),
    ),
    posted(
        "longer than it may be",
        "413 invalid_request",
        Value(asking, "LONGEST_FORM", 10**6),
        Value(asked, "LONGEST_FORM", 10**6),
        more=("x", "9" * 20_000),
    ),
    attack("form: of many fields", UNFIT, with_many_fields, Value(asked, "MOST_FIELDS", 100)),
    posted(
        "that is called something else",
        "415 invalid_request",
        Line(
            asked.parse_form,
            'if kind.strip().lower() != _FORM or charset not in ("", "charset=utf-8"):',
            "if False:",
        ),
        content_type="text/plain",
    ),
    posted(
        "in another encoding",
        "415 invalid_request",
        Line(asked.parse_form, 'or charset not in ("", "charset=utf-8")', ""),
        content_type="application/x-www-form-urlencoded; charset=utf-7",
    ),
    posted(
        "that says it is compressed",
        "415 invalid_request",
        Line(
            asking._body, 'if request.headers.get("content-encoding", "identity") != "identity":', "if False:"
        ),
        content_encoding="gzip",
    ),
)
