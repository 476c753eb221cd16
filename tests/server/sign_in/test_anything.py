"""Whatever is sent to the issuer is answered: by no request is it brought to fail."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random
from typing import Any
from urllib.parse import quote, quote_plus

import httpx
import pytest
from starlette.applications import Starlette
from tests.server.sign_in.attacks.scene import Scene
from tests.support.granting import BACK, VERIFIER, Granting, challenge_of
from tests.support.proving import ISSUER
from tests.support.visiting import Within

from pat_auth.issuer.metadata import AUTHORIZE, LOGOUT, REVOKE, TOKEN, USERINFO
from pat_server.sign_in.desk import PAGES
from pat_server.sign_in.routes import sign_in_routes

FORM = "application/x-www-form-urlencoded"
NAMES = (
    *("response_type", "response_mode", "client_id", "redirect_uri", "scope", "state", "nonce", "prompt"),
    *("max_age", "acr_values", "ui_locales", "resource", "request", "request_uri", "code_challenge"),
    *("code_challenge_method", "grant_type", "code", "code_verifier", "refresh_token", "token"),
    *("token_type_hint", "client_secret", "client_assertion", "client_assertion_type", "id_token_hint"),
    *("post_logout_redirect_uri", "logout_hint", "ask", "to", "lang", "email", "password", "recovery"),
    *("answer", "membership", "form_token", "access_token"),
)
HOSTILE = (
    *("", " ", "\0", "é", '"', "\\", "\r\n", "%", "-1", "1e9", "9" * 500, "x" * 3000, "None", "null", "[]"),
    *(
        "e30.e30.",
        "e30.e30.e30",
        "a.b.c",
        "javascript:alert(1)",
        "http://[",
        "https://x:99999",
        "../..",
        "١٢٣",
    ),
    *("code", "authorization_code", "refresh_token", "client_credentials", "none", "login", "none login"),
    *("openid", "cases", "openid cases identity", "S256", "plain", "query", "1", "2", "bn", "00000000"),
)
KNOWN = (
    "client",
    "access_token",
    "refresh_token",
    "id_token",
    "code",
    "back",
    "challenge",
    "verifier",
    "ask",
)

QUESTION = {
    "response_type": "code",
    "client_id": "client",
    "redirect_uri": "back",
    "scope": "openid cases",
    "code_challenge": "challenge",
    "code_challenge_method": "S256",
    "state": "x",
}
BASES: dict[str, dict[str, str]] = {
    AUTHORIZE: QUESTION,
    TOKEN: {
        "grant_type": "authorization_code",
        "client_id": "client",
        "redirect_uri": "back",
        "code": "code",
        "code_verifier": "verifier",
    },
    f"{TOKEN}?": {"grant_type": "refresh_token", "client_id": "client", "refresh_token": "refresh_token"},
    REVOKE: {"client_id": "client", "token": "refresh_token"},
    USERINFO: {},
    LOGOUT: {"id_token_hint": "id_token", "client_id": "client", "post_logout_redirect_uri": BACK},
    **{path: {"ask": "ask"} for path in PAGES},
    "/sign-in/x": {},
    "/.well-known/openid-configuration": {},
}
"""What would be in order at each endpoint, to begin with."""

Pairs = Sequence[tuple[str | bytes, str | bytes]]

KINDS = (FORM, FORM, FORM, FORM, f"{FORM}; charset=utf-8", "application/json", "")
SHOWN = ("", "", "", "Bearer", "Bearer x", "Basic eDp5", "access", "access", "DPoP x")
COOKIES = ("", "mine", "mine", "__Host-pat=x", "__Host-pat=" + "x" * 200, "pat-language=zz")
ORIGINS = ("", ISSUER, ISSUER, "null", "https://evil.example")


def value(chance: Random) -> str | bytes:
    return chance.choice(
        (chance.choice(KNOWN), chance.choice(HOSTILE).encode(), chance.randbytes(chance.randrange(9)))
    )


def more(chance: Random) -> list[tuple[str | bytes, str | bytes]]:
    names = [chance.choice((*NAMES, chance.randbytes(3))) for _ in range(max(0, chance.randrange(-4, 4)))]
    return [(name, value(chance)) for name in names]


def thrown(chance: Random) -> dict[str, Any]:
    """A request, more or less in order."""
    return {
        "method": chance.choice(("", "", "", "", "GET", "POST", "HEAD", "PUT")),
        "base": chance.choice([*sorted(BASES), *(AUTHORIZE, TOKEN, f"{TOKEN}?") * 3]),
        "left_out": chance.sample(NAMES, 2),
        "changed": [(chance.randrange(7), value(chance)) for _ in range(chance.randrange(3))],
        "query": more(chance) if chance.random() < 0.3 else [],
        "form": more(chance),
        "kind": chance.choice(KINDS),
        "authorization": chance.choice(SHOWN),
        "cookie": chance.choice(COOKIES),
        "origin": chance.choice(ORIGINS),
    }


@pytest.fixture
def scene(granting: Granting) -> Iterator[Scene]:
    app = Starlette(routes=sign_in_routes(granting.service))
    with httpx.Client(transport=Within(app), base_url=ISSUER) as http:
        yield Scene(granting, http, http)


def known(scene: Scene) -> dict[str, str]:
    """Things that a request needs to come further than the door."""
    visitor = scene.visitor
    visitor.ask()
    return {
        **scene.tokens,
        "client": str(scene.granting.client),
        "code": scene.granting.code(),
        "back": BACK,
        "challenge": challenge_of(VERIFIER),
        "verifier": VERIFIER,
        "ask": visitor.page.request.url.params["ask"],
        "mine": f"__Host-pat={visitor.secret}",
    }


def encoded(found: Pairs, things: dict[str, str]) -> str:
    return "&".join(
        f"{quote_plus(name)}={quote(things.get(value, value) if isinstance(value, str) else value)}"
        for name, value in found
    )


def sent(request: dict[str, Any], things: dict[str, str]) -> dict[str, Any]:
    """What is in order, but for what is changed, left out of it, or comes on top."""
    base: list[tuple[str | bytes, str | bytes]] = [*BASES[request["base"]].items()]
    for place, value in request["changed"] if base else ():
        base[place % len(base)] = (base[place % len(base)][0], value)
    base = [pair for pair in base if pair[0] not in request["left_out"]]
    meant = "POST" if request["base"].startswith((TOKEN, REVOKE)) else "GET"
    method = request["method"] or meant
    is_posted = method == "POST"
    in_query = not is_posted or request["base"] in PAGES
    headers = {"content-type": request["kind"], "origin": request["origin"]}
    if request["authorization"]:
        shown = {"access": f"Bearer {things['access_token']}"}
        headers["authorization"] = shown.get(request["authorization"], request["authorization"])
    if request["cookie"]:
        headers["cookie"] = things.get(request["cookie"], request["cookie"])
    query = [*(base if in_query else []), *request["query"]]
    return {
        "method": method,
        "url": f"{request['base'].rstrip('?')}?{encoded(query, things)}".rstrip("?"),
        "content": encoded([*([] if in_query else base), *request["form"]], things) if is_posted else None,
        "headers": headers,
    }


@pytest.mark.parametrize("seed", [1, 2])
def test_no_request_makes_it_fail(scene: Scene, seed: int) -> None:
    things, chance = known(scene), Random(seed)
    seen: set[int] = set()

    for _ in range(500):
        scene.http.cookies.clear()
        request = thrown(chance)
        answer = scene.http.request(**sent(request, things))
        seen.add(answer.status_code)
        assert answer.status_code < 500, (request, answer.text)

    assert {200, 303, 400, 401, 403, 404, 405, 415} <= seen
