"""Access tokens: RFC 9068, signed ES256, five minutes.

Only our issuer mints them; every request shows one.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from hashlib import sha256
from threading import Lock
from typing import Any
from uuid import UUID, uuid4

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwt import ClaimsOption, JWTClaimsRegistry

from pat_auth.keys import ALGORITHM, KeysInFile, SigningKeys, key_set
from pat_auth.policy import Role
from pat_auth.principal import Principal
from pat_platform.errors import Fault

LIFETIME = 300
"""Seconds that an access token lives."""

_TYPE = "at+jwt"
_HEADERS = {"alg", "typ", "kid"}
_REQUIRED = ("sub", "org", "role", "sid", "client_id", "iat", "exp", "jti")
_LONGEST_TOKEN = 4096
_SKEW = 5
"""Seconds that a server's clock may be behind the one that minted the token. Never added to the expiry."""

# What joserfc raises for a token that is malformed rather than wrong, beside its own errors.
_MALFORMED = (JoseError, ValueError, TypeError, KeyError, AttributeError, RecursionError)


def mint(
    principal: Principal,
    *,
    keys: SigningKeys,
    issuer: str,
    audience: str,
    lifetime: int = LIFETIME,
    clock: Callable[[], float] = time.time,
) -> str:
    """A signed access token that says who the request acts as; valid from now for `lifetime` seconds."""
    now = int(clock())
    claims: dict[str, str | int] = {
        "iss": issuer,
        "aud": audience,
        "sub": str(principal.person),
        "org": str(principal.organisation),
        "role": principal.role.value,
        "sid": str(principal.session),
        "client_id": principal.client,
        "scope": " ".join(sorted(principal.scopes)),
        "iat": now,
        "exp": now + lifetime,
        "jti": str(uuid4()),
    }
    if principal.auth_time is not None:
        claims["auth_time"] = principal.auth_time
    if principal.acr is not None:
        claims["acr"] = principal.acr
    header = {"alg": ALGORITHM, "typ": _TYPE, "kid": keys.current.kid}
    return jwt.encode(header, claims, keys.current, algorithms=[ALGORITHM])


class Verifier:
    """Turns tokens into principals, and remembers the verified ones until they expire.

    A session that was revoked is not seen here: the database refuses it at the start of every transaction.
    `public_set` is a JWK set as `SigningKeys.public_set` gives it; after a rotation make a new verifier, as `FollowingVerifier` does.
    Tokens that live longer than `longest_lifetime` seconds are refused whoever signed them.
    """

    def __init__(
        self,
        public_set: Mapping[str, list[dict[str, Any]]],
        *,
        issuer: str,
        audience: str,
        longest_lifetime: int = LIFETIME,
        remembered: int = 10_000,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._keys = key_set(public_set)
        self._longest_lifetime = longest_lifetime
        self._remembered = remembered
        self._clock = clock
        self._known: OrderedDict[bytes, tuple[int, Principal]] = OrderedDict()
        self._lock = Lock()
        self._registry = JWTClaimsRegistry(
            now=lambda: int(clock()),
            leeway=_SKEW,
            **_expectations(issuer, audience),
        )

    def verify(self, token: str) -> Principal:
        """Who the token speaks for. Raises `Fault` UNAUTHENTICATED, with one sentence whatever is wrong."""
        return self.verify_until(token)[1]

    def verify_until(self, token: str) -> tuple[int, Principal]:
        """When the token expires, in seconds since 1970, and who it speaks for. Raises what `verify` raises."""
        if len(token) > _LONGEST_TOKEN or not token.isascii():
            raise _unauthenticated()
        digest = sha256(token.encode()).digest()
        known = self._recall(digest)
        if known is None:
            try:
                known = self._check(token)
            except _MALFORMED as error:
                raise _unauthenticated() from error
            self._remember(digest, known)
        return known

    def _recall(self, digest: bytes) -> tuple[int, Principal] | None:
        with self._lock:
            known = self._known.get(digest)
            if known is None:
                return None
            if known[0] <= self._clock():
                del self._known[digest]
                return None
            self._known.move_to_end(digest)
            return known

    def _remember(self, digest: bytes, known: tuple[int, Principal]) -> None:
        with self._lock:
            self._known[digest] = known
            while len(self._known) > self._remembered:
                self._known.popitem(last=False)

    def _check(self, token: str) -> tuple[int, Principal]:
        """The expiry and the principal of a token whose every part is right; raises one of `_MALFORMED`."""
        decoded = jwt.decode(token, self._keys, algorithms=[ALGORITHM])
        # Exactly the parameters that we write: none that names, carries or links to a key of its own.
        if set(decoded.header) != _HEADERS or decoded.header["typ"] != _TYPE:
            raise ValueError("not an access token's header")
        claims = decoded.claims
        self._registry.validate(claims)
        issued_at, expires_at = claims["iat"], claims["exp"]
        if expires_at <= self._clock() or expires_at - issued_at > self._longest_lifetime:
            raise ValueError("expired, or lives too long")
        principal = _principal(claims)
        if principal.auth_time is not None and principal.auth_time > issued_at + _SKEW:
            raise ValueError("signed in after it was made")
        return expires_at, principal


class FollowingVerifier:
    """A verifier that follows the signing keys: once they are rotated it verifies with the new set, and remembers nothing of before.

    `make` gives a verifier for a published set.
    """

    def __init__(
        self, keys: KeysInFile, make: Callable[[Mapping[str, list[dict[str, Any]]]], Verifier]
    ) -> None:
        self._keys = keys
        self._make = make
        self._followed = keys.read()
        self._verifier = make(self._followed.public_set())

    def verify(self, token: str) -> Principal:
        """Who the token speaks for. Raises `Fault` UNAUTHENTICATED, with one sentence whatever is wrong."""
        return self.verify_until(token)[1]

    def verify_until(self, token: str) -> tuple[int, Principal]:
        """When the token expires, in seconds since 1970, and who it speaks for. Raises what `verify` raises."""
        keys = self._keys.read()
        if keys is not self._followed:
            self._verifier = self._make(keys.public_set())
            self._followed = keys
        return self._verifier.verify_until(token)


def _expectations(issuer: str, audience: str) -> dict[str, ClaimsOption]:
    expected: dict[str, ClaimsOption] = {name: {"essential": True} for name in _REQUIRED}
    expected["iss"] = {"essential": True, "value": issuer}
    expected["aud"] = {"essential": True, "value": audience}
    # A client may have been given no scope at all: it is somebody, who may ask for nothing.
    expected["scope"] = {"essential": True, "allow_blank": True}
    return expected


def _principal(claims: Mapping[str, Any]) -> Principal:
    return Principal(
        person=_uuid(claims["sub"]),
        organisation=_uuid(claims["org"]),
        role=Role(claims["role"]),
        session=_uuid(claims["sid"]),
        scopes=frozenset(_text(claims["scope"]).split()),
        client=_text(claims["client_id"]),
        auth_time=_seconds(claims["auth_time"]) if "auth_time" in claims else None,
        acr=_text(claims["acr"]) if "acr" in claims else None,
    )


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("not a text")
    return value


def _seconds(value: object) -> int:
    # To Python a truth value is a number.
    if type(value) is not int:
        raise ValueError("not whole seconds")
    return value


def _uuid(value: object) -> UUID:
    """The UUID written in its one canonical form: other spellings would be other keys to a cache or a log."""
    text = _text(value)
    parsed = UUID(text)
    if str(parsed) != text:
        raise ValueError("not a canonical UUID")
    return parsed


def _unauthenticated() -> Fault:
    return Fault("UNAUTHENTICATED", "Sign in again: the access token is missing, expired or not valid.")
