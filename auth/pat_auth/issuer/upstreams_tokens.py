"""What a provider's ID token says (OpenID Connect Core §3.1.3.7), once it is certain who says so, of whom, to whom and when."""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from pat_auth.issuer.upstreams import SKEW, Trouble

ALGORITHMS = (
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "PS384",
    "PS512",
    "ES256",
    "ES384",
    "ES512",
    "Ed25519",
)
"""Those with a key that only the provider has: never one that we have too, and never none."""
LONGEST_TOKEN = 16 * 1024
LONGEST_SUBJECT = 255
OLDEST = timedelta(minutes=10)
"""How long ago it may have been made: it was asked for just now."""
_LEAST_RSA = 2048
_KINDS: Mapping[str, type[RSAKey | ECKey | OKPKey]] = {"RSA": RSAKey, "EC": ECKey, "OKP": OKPKey}

# What joserfc raises for a token or key that is malformed rather than wrong, beside its own errors.
_MALFORMED = (JoseError, ValueError, TypeError, KeyError, AttributeError, RecursionError)


class UnknownKey(Exception):
    """It is signed with a key that the provider has not published, as far as we know."""


@dataclass(frozen=True)
class Expected:
    """What an ID token has to say."""

    issuer: str
    client_id: str
    nonce: str = field(repr=False)
    now: datetime


@dataclass(frozen=True)
class Said:
    """Whom a provider means, and how she showed it that it is she. Of what else it says, nothing is taken."""

    subject: str = field(repr=False)
    references: frozenset[str] = frozenset()
    """Its ``acr`` and its ``amr``."""
    signed_in_at: datetime | None = None
    """When she did so, if it says that."""


def public_keys(published: object) -> list[Key]:
    """The keys of a key set (RFC 7517) that sign and cannot be ours. Raises Trouble for what is no key set."""
    listed = published.get("keys") if isinstance(published, Mapping) else None
    if not isinstance(listed, list):
        raise Trouble("KEYS")
    return [key for each in listed if (key := _key(each)) is not None]


def _key(published: object) -> Key | None:
    """A key, or None for one of a kind that we have no use for: providers publish what they like."""
    if not isinstance(published, dict) or published.get("use", "sig") != "sig":
        return None
    try:
        # Each letter is six bits. What is shorter is not even read: the library warns of it.
        if published["kty"] == "RSA" and len(published["n"]) * 6 < _LEAST_RSA:
            return None
        key = _KINDS[published["kty"]].import_key(published)
    except _MALFORMED:
        return None
    return None if key.is_private else key


def read(token: object, keys: Iterable[Key], expected: Expected) -> Said:
    """What an ID token says. Raises UnknownKey, and Trouble for one that is not believed."""
    if not isinstance(token, str) or len(token) > LONGEST_TOKEN or not token.isascii():
        raise Trouble("TOKEN")
    try:
        claims = _signed(token, list(keys))
        return _said(claims, expected)
    except _MALFORMED:
        raise Trouble("TOKEN") from None


def _signed(token: str, keys: list[Key]) -> Mapping[str, Any]:
    registry = JWSRegistry(algorithms=list(ALGORITHMS), strict_check_header=False)

    def named(signature: Any) -> Key:
        # Its header says which of the provider's keys it is, and nothing more: no key that it carries or points to is looked at.
        kid = signature.headers().get("kid")
        if kid is None and len(keys) == 1:
            return keys[0]
        found = next((key for key in keys if kid is not None and key.kid == kid), None)
        if found is None:
            raise UnknownKey
        return found

    return jwt.decode(token, named, registry=registry).claims


def _said(claims: Mapping[str, Any], expected: Expected) -> Said:
    subject = claims["sub"]
    if not isinstance(subject, str) or not 0 < len(subject) <= LONGEST_SUBJECT or not subject.isascii():
        raise Trouble("SUBJECT")
    if claims["iss"] != expected.issuer:
        raise Trouble("ISSUER")
    if not _is_for(claims, expected.client_id):
        raise Trouble("AUDIENCE")
    if not hmac.compare_digest(str(claims["nonce"]).encode(), expected.nonce.encode()):
        raise Trouble("NONCE")
    made_at, ends_at = _moment(claims["iat"]), _moment(claims["exp"])
    if not expected.now - OLDEST <= made_at <= expected.now + SKEW or ends_at <= expected.now - SKEW:
        raise Trouble("TIME")
    if "nbf" in claims and _moment(claims["nbf"]) > expected.now + SKEW:
        raise Trouble("TIME")
    return Said(subject, _references(claims), _moment(claims["auth_time"]) if "auth_time" in claims else None)


def _is_for(claims: Mapping[str, Any], client_id: str) -> bool:
    """Whether it was made for us: for nobody else, or with us as who asked for it."""
    audience = claims["aud"]
    audiences = audience if isinstance(audience, list) else [audience]
    return (
        client_id in audiences and claims.get("azp", client_id if len(audiences) == 1 else None) == client_id
    )


def _moment(seconds: object) -> datetime:
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        raise Trouble("TIME")
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, OSError):
        raise Trouble("TIME") from None


def _references(claims: Mapping[str, Any]) -> frozenset[str]:
    methods = claims.get("amr", [])
    listed = [claims.get("acr"), *(methods if isinstance(methods, list) else [])]
    return frozenset(each for each in listed if isinstance(each, str))
