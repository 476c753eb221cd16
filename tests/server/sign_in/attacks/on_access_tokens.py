"""Access tokens that are not ours, not for us, not now, or not what they say."""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64encode
from hashlib import sha256
from typing import Any

import orjson
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc import jwt
from joserfc.jwk import ECKey
from tests.server.sign_in.attacks.scene import Attack, Scene, always
from tests.support.cutting import Line, Value, unverified

from pat_auth import tokens
from pat_auth.issuer import userinfo
from pat_auth.tokens import Verifier

INVALID = "401 invalid_token"
HOUR = 3600
STRANGER = ECKey.generate_key("P-256")
_CHECK = Verifier._check
_UNVERIFIED = "__import__('tests.support.cutting', fromlist=['x']).unverified(token)"

SIGNATURE = Line(_CHECK, "jwt.decode(token, self._keys, algorithms=[ALGORITHM])", _UNVERIFIED)
HEADER = Line(_CHECK, 'if set(decoded.header) != _HEADERS or decoded.header["typ"] != _TYPE:', "if False:")
LONG_LIFE = Line(_CHECK, " or expires_at - issued_at > self._longest_lifetime", "")
EXPIRED = Line(_CHECK, "expires_at <= self._clock() or ", "")
AUTH_TIME = Line(
    _CHECK, "if principal.auth_time is not None and principal.auth_time > issued_at + _SKEW:", "if False:"
)


def claim(name: str, value: object) -> Line:
    """Without the check of one claim: it is taken for another value."""
    old = "self._registry.validate(claims)"
    return Line(_CHECK, old, f"self._registry.validate({{**claims, {name!r}: {value!r}}})")


def encoded(content: object) -> str:
    return urlsafe_b64encode(orjson.dumps(content)).decode().rstrip("=")


def forged(
    scene: Scene, header: dict[str, Any] | None = None, key: ECKey | None = None, **claims: Any
) -> str:
    """The client's access token, with header, claims and key changed; None leaves a claim out."""
    ours = scene.granting.service.keys.read().current
    found = unverified(scene.tokens["access_token"])
    changed = {name: value for name, value in {**found.claims, **claims}.items() if value is not None}
    headers = {**found.header, **(header or {})}
    return jwt.encode(headers, changed, key or ours, algorithms=["ES256"], default_type=None)


def later(scene: Scene, seconds: int) -> int:
    return int(scene.granting.clock().timestamp()) + seconds


def unsigned(scene: Scene) -> str:
    found = unverified(scene.tokens["access_token"])
    return f"{encoded({**found.header, 'alg': 'none'})}.{encoded(found.claims)}."


def with_our_public_key(scene: Scene) -> str:
    """HS256, with what everybody can read as its secret."""
    found = unverified(scene.tokens["access_token"])
    key = scene.granting.service.keys.read().current.public_key
    secret = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    signed = f"{encoded({**found.header, 'alg': 'HS256'})}.{encoded(found.claims)}"
    digest = hmac.new(secret, signed.encode(), sha256).digest()
    return f"{signed}.{urlsafe_b64encode(digest).decode().rstrip('=')}"


def changed_afterwards(scene: Scene) -> str:
    header, _, signature = scene.tokens["access_token"].split(".")
    found = unverified(scene.tokens["access_token"])
    return f"{header}.{encoded({**found.claims, 'role': 'secretariat_admin'})}.{signature}"


def with_its_own_key(scene: Scene) -> str:
    jwk = dict(STRANGER.as_dict(private=False))
    return forged(scene, {"jwk": jwk}, STRANGER)


def attack(name: str, token: Any, *guard: Any, error: str = INVALID) -> Attack:
    return Attack(f"access token: {name}", error, lambda scene: scene.userinfo(token(scene)), guard)


def after(name: str, statement: str) -> Attack:
    """A fresh token, once something has changed."""

    def attempt(scene: Scene) -> Any:
        scene.change(statement)
        return scene.userinfo(scene.tokens["access_token"])

    return Attack(f"access token: {name}", INVALID, attempt, (Value(userinfo, "is_live", always),))


def in_the_address(scene: Scene) -> Any:
    token = scene.tokens["access_token"]
    headers = {"authorization": f"Bearer {token}"}
    return scene.http.get(f"/oauth/userinfo?access_token={token}", headers=headers)


def without_openid(scene: Scene) -> Any:
    return scene.userinfo(forged(scene, scope="cases"))


FORGERIES = (
    attack("another's signature", lambda scene: forged(scene, None, STRANGER), SIGNATURE),
    attack("alg none", unsigned, SIGNATURE),
    attack("HS256 with our public key", with_our_public_key, SIGNATURE),
    attack("changed after it was signed", changed_afterwards, SIGNATURE),
    attack("kid that leads to a file", lambda s: forged(s, {"kid": "../../dev/null"}, STRANGER), SIGNATURE),
    attack("kid with SQL", lambda s: forged(s, {"kid": "' or 1=1 --"}, STRANGER), SIGNATURE),
    attack("unknown kid", lambda s: forged(s, {"kid": "x"}), SIGNATURE),
    attack("jwk in its header", with_its_own_key, SIGNATURE, HEADER),
    attack("jku in its header", lambda s: forged(s, {"jku": "https://evil.example/keys"}), HEADER),
    attack("x5u in its header", lambda s: forged(s, {"x5u": "https://evil.example/cert"}), HEADER),
    attack("type of an ID token", lambda s: forged(s, {"typ": "JWT"}), HEADER),
    attack(
        "another issuer", lambda s: forged(s, iss="https://evil.example"), claim("iss", "https://pat.example")
    ),
    attack(
        "another audience",
        lambda s: forged(s, aud="https://evil.example"),
        claim("aud", "https://pat.example/graphql"),
    ),
    attack(
        "for its client alone",
        lambda s: forged(s, aud=str(s.granting.client)),
        claim("aud", "https://pat.example/graphql"),
    ),
    attack("not valid yet", lambda s: forged(s, nbf=later(s, HOUR)), claim("nbf", 0)),
    attack(
        "issued in the future",
        lambda s: forged(s, iat=later(s, HOUR), exp=later(s, HOUR + 300)),
        claim("iat", 0),
    ),
    attack(
        "expired",
        lambda s: forged(s, iat=later(s, -HOUR), exp=later(s, 300 - HOUR), auth_time=None),
        EXPIRED,
        claim("exp", 9_999_999_999),
    ),
    attack(
        "expired a second ago",
        lambda s: forged(s, iat=later(s, -301), exp=later(s, -1), auth_time=None),
        EXPIRED,
    ),
    attack("lives for a day", lambda s: forged(s, exp=later(s, 24 * HOUR)), LONG_LIFE),
    attack("without an id", lambda s: forged(s, jti=None), claim("jti", "x")),
    attack("signed in after it was made", lambda s: forged(s, auth_time=later(s, HOUR)), AUTH_TIME),
    attack(
        "auth_time that is no number",
        lambda s: forged(s, auth_time=True),
        Line(tokens._seconds, "if type(value) is not int:", "if False:"),
    ),
    attack(
        "person in another spelling",
        lambda s: forged(s, sub=str(s.granting.who.person).upper()),
        Line(tokens._uuid, "if str(parsed) != text:", "if False:"),
    ),
    attack("huge", lambda s: forged(s, padding="x" * 5000), Value(tokens, "_LONGEST_TOKEN", 100_000)),
)

ATTACKS = (
    *FORGERIES,
    after("session revoked", "update sec.sessions set revoked_at = now() where client = %(client)s::text"),
    after("membership ended", "update app.memberships set ended_at = now() where id = %(membership)s"),
    after("person disabled", "update sec.people set disabled_at = now() where id = %(person)s"),
    after("client disabled", "update app.clients set disabled_at = now() where id = %(client)s"),
    Attack(
        "userinfo without openid",
        "403 insufficient_scope",
        without_openid,
        (Line(userinfo._Bearer.validate_token, "if not token.scopes.issuperset(scopes):", "if False:"),),
    ),
    Attack(
        "userinfo with the token in the address",
        "400 invalid_request",
        in_the_address,
        (Line(userinfo.answer_userinfo, "if asked.query:", "if False:"),),
    ),
)
