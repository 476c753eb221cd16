"""Questions of clients that would send people, or codes, where they do not belong."""

from __future__ import annotations

from typing import Any

from authlib.oauth2.rfc6749.grants.base import AuthorizationEndpointMixin
from tests.server.sign_in.attacks.on_codes import ENABLED, RESOURCE
from tests.server.sign_in.attacks.scene import ACCEPTED, EVIL, Attack, Scene, always, never, nothing, outcome
from tests.support.cutting import Cut, Line, Value
from tests.support.granting import BACK

from pat_auth.clients.models import ClientKind
from pat_auth.issuer import authorizing, codes, requests
from pat_auth.issuer.clients import Client
from pat_auth.issuer.codes import S256, CodeGrant
from pat_auth.issuer.id_tokens import IdToken
from pat_auth.issuer.server import Server

PAGE = "page 400"
INVALID = "told invalid_request"
LETTER_BY_LETTER = Value(Client, "check_redirect_uri", always)
PKCE = Line(
    S256.validate_code_challenge,
    'raise InvalidRequestError("PKCE is required: code_challenge, with code_challenge_method S256.")',
    "return",
)
CEILING = Value(Client, "get_allowed_scope", lambda self, scope: scope or "cases")
TWICE = Line(codes._demand, "if any(len(values) > 1 for values in payload.datalist.values()):", "if False:")
TWICE_OF_AUTHLIBS = Value(
    AuthorizationEndpointMixin, "validate_no_multiple_request_parameter", staticmethod(nothing)
)
CHARACTERS = Value(requests, "demand_plain", nothing)

ADDRESSES = {
    "another's address": EVIL,
    "a longer path": BACK + "/more",
    "a longer host": "https://client.example.evil.example/back",
    "its host as a user": "https://client.example@evil.example/back",
    "a host within its own": "https://evil.client.example/back",
    "a query": BACK + "?next=https://evil.example",
    "a way up": "https://client.example/back/../open",
    "another port": "https://client.example:8443/back",
    "without TLS": "http://client.example/back",
    "capital letters": "https://CLIENT.example/back",
    "a shorter path": "https://client.example/",
}


def asked(
    name: str, error: str, *guard: Cut, more: tuple[str, str] | None = None, **changes: str | None
) -> Attack:
    def attempt(scene: Scene) -> Any:
        return scene.authorize(*([more] if more else []), **changes)

    return Attack(f"question: {name}", error, attempt, guard)


def sent_to_evil(scene: Scene) -> str:
    """Something else is wrong too, and an error would be sent there."""
    answer = scene.authorize(redirect_uri=EVIL, response_type="token")
    return ACCEPTED if answer.headers.get("location", "").startswith(EVIL) else outcome(answer)


def mixed_up(scene: Scene, **changes: str) -> str:
    """Two issuers, and an answer that could be of either."""
    location = scene.authorize(**changes).headers["location"]
    return "says whose it is" if "iss=https%3A%2F%2Fpat.example" in location else ACCEPTED


def mixed_up_code(scene: Scene) -> str:
    scene.signed_in()
    return mixed_up(scene, prompt="none")


def by_a_disabled_client(scene: Scene) -> Any:
    scene.change("update app.clients set disabled_at = now() where id = %(client)s")
    return scene.authorize()


def by_a_machine(scene: Scene) -> Any:
    scene.granting.client = scene.granting.put_client(kind=ClientKind.MACHINE)
    return scene.authorize()


def with_a_nonce_again(scene: Scene) -> Any:
    scene.granting.code(nonce="once")
    return scene.authorize(nonce="once")


def demanded(old: str) -> Line:
    return Line(codes._demand, old, "if False:")


ISS = Value(authorizing, "_with_issuer", lambda _, location: location)

ATTACKS = (
    *(
        asked(f"to {name}", PAGE, LETTER_BY_LETTER, redirect_uri=address)
        for name, address in ADDRESSES.items()
    ),
    Attack("question: an error to another's address", PAGE, sent_to_evil, (LETTER_BY_LETTER,)),
    Attack("question: by a disabled client", PAGE, by_a_disabled_client, (ENABLED,)),
    Attack(
        "question: by a machine",
        "told unauthorized_client",
        by_a_machine,
        (Value(Client, "check_response_type", always),),
    ),
    asked("without PKCE", INVALID, PKCE, code_challenge=None, code_challenge_method=None),
    asked("with plain PKCE", INVALID, PKCE, code_challenge_method="plain"),
    asked("with PKCE whose method is not said", INVALID, PKCE, code_challenge_method=None),
    asked("with a short challenge", INVALID, PKCE, code_challenge="x" * 42),
    asked("for a scope of others", "told invalid_scope", CEILING, scope="cases health"),
    asked("for no scope", "told invalid_scope", CEILING, scope=None),
    asked(
        "for a scope that is none",
        "told invalid_scope",
        CEILING,
        Value(Server, "validate_requested_scope", nothing),
        scope="cases everything",
    ),
    asked(
        "for a token at once",
        "told unsupported_response_type",
        Value(CodeGrant, "check_authorization_endpoint", classmethod(always)),
        Value(Client, "check_response_type", always),
        response_type="token",
    ),
    asked("for another resource", "told invalid_target", RESOURCE, resource=EVIL),
    asked(
        "for an answer in a fragment",
        INVALID,
        demanded('if sent.get("response_mode", "query") != "query":'),
        response_mode="fragment",
    ),
    asked(
        "in an object", "told request_not_supported", demanded('if "request" in sent:'), request="e30.e30."
    ),
    asked(
        "in an object elsewhere",
        "told request_uri_not_supported",
        demanded('if "request_uri" in sent:'),
        request_uri=EVIL,
    ),
    asked(
        "with a long nonce",
        INVALID,
        demanded('if len(sent.get("nonce", "")) > LONGEST_NONCE:'),
        nonce="x" * 256,
    ),
    Attack(
        "question: with a nonce again", INVALID, with_a_nonce_again, (Value(IdToken, "exists_nonce", never),)
    ),
    asked(
        "with a negative max_age",
        INVALID,
        demanded("if not (max_age.isascii() and max_age.isdigit() and len(max_age) <= MOST_DIGITS):"),
        max_age="-1",
    ),
    asked("its client twice", PAGE, TWICE, TWICE_OF_AUTHLIBS, more=("client_id", "x")),
    asked("its address twice", PAGE, TWICE, TWICE_OF_AUTHLIBS, more=("redirect_uri", EVIL)),
    asked("its scope twice", PAGE, TWICE, TWICE_OF_AUTHLIBS, more=("scope", "identity")),
    asked("its nonce twice", INVALID, TWICE, more=("nonce", "x"), nonce="y"),
    asked("its prompt twice", INVALID, TWICE, more=("prompt", "x"), prompt="login"),
    asked("a line break in its state", PAGE, CHARACTERS, state="a\r\nset-cookie: x"),
    asked("a character that nobody sees in its nonce", PAGE, CHARACTERS, nonce="x\x01"),
    Attack(
        "question: an error that could be another issuer's",
        "says whose it is",
        lambda scene: mixed_up(scene, scope="health"),
        (ISS,),
    ),
    Attack("question: a code that could be another issuer's", "says whose it is", mixed_up_code, (ISS,)),
)
