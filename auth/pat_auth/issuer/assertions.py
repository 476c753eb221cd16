"""How a client with a key of its own shows that it is itself: ``private_key_jwt`` (RFC 7523 §2.2, OpenID Connect Core §9)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from authlib.oauth2.rfc6749 import InvalidClientError, OAuth2Request
from authlib.oauth2.rfc7523 import JWTBearerClientAssertion
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet
from joserfc.jwt import JWTClaimsRegistry

from pat_auth.issuer.clients import Client
from pat_auth.issuer.metadata import SIGNED, TOKEN
from pat_auth.issuer.service import Service
from pat_auth.keys import ALGORITHM
from pat_platform.database.threads import Connection

LONGEST_LIFE = 300
"""Seconds from now, and from when it was made, until an assertion has expired."""
LONGEST_ASSERTION = 4096
LONGEST_ID = 255
_SKEW = 30
"""Seconds that a client's clock may be ahead of ours. Never added to the expiry."""
_TYPES = {None, "JWT", "client-authentication+jwt"}
_HEADERS = {"alg", "kid"}

# What joserfc raises for a token that is malformed rather than wrong, beside its own errors.
_MALFORMED = (JoseError, ValueError, TypeError, KeyError, AttributeError, RecursionError)


class Assertion(JWTBearerClientAssertion):
    """Believes what a client has signed with one of its own keys, for us, just now, and once.

    Authlib reads whose assertion it says it is; the header, the algorithm and every claim are looked at here, as Authlib takes
    any algorithm and any age.
    """

    CLIENT_AUTH_METHOD = SIGNED  # type: ignore[misc]  # final in the stubs alone

    def __init__(self, connection: Connection, service: Service) -> None:
        super().__init__()
        self._connection = connection
        self._service = service

    def __call__(self, query_client: Callable[[str], Client | None], request: OAuth2Request) -> Client | None:
        """The client that has signed; None where nothing was. Raises InvalidClientError for what is not believed."""
        assertion = request.form.get("client_assertion", "")
        if len(assertion) > LONGEST_ASSERTION or not assertion.isascii():
            raise InvalidClientError
        try:
            client: Client | None = super().__call__(query_client, request)  # type: ignore[no-untyped-call]  # the stubs leave it untyped
        except _MALFORMED:
            raise InvalidClientError from None
        # RFC 7521 §4.2: it need not be named besides; if it is, it is the same.
        if client is not None and request.form.get("client_id", str(client.id)) != str(client.id):
            raise InvalidClientError
        return client

    def resolve_client_public_key(self, client: Client) -> KeySet:
        """The client's keys that are not retired, and no others."""
        return KeySet([ECKey.import_key(key) for key in client.keys])

    def process_assertion_claims(self, assertion: str, resolve_key: KeySet) -> dict[str, Any]:
        """The claims, once all is right. Raises InvalidClientError, or one of _MALFORMED, for anything else."""
        token = jwt.decode(assertion, resolve_key, algorithms=[ALGORITHM])
        # None that carries a key, or says where one is: the key is the client's own, by its name.
        header = dict(token.header)
        if header.pop("typ", None) not in _TYPES or set(header) != _HEADERS:
            raise InvalidClientError
        self.verify_claims(token.claims)
        return token.claims

    def verify_claims(self, claims: Mapping[str, Any]) -> None:
        """Raises unless the client says it of itself, to us, for a short while, and for the first time."""
        now = self._service.clock().timestamp()
        own = {"essential": True, "value": claims["sub"]}
        expected: Any = {"iss": own, "sub": own, "exp": {"essential": True}}
        JWTClaimsRegistry(now=lambda: int(now), leeway=_SKEW, **expected).validate(dict(claims))
        expires_at, made_at = claims["exp"], claims.get("iat", int(now))
        is_short = now < expires_at <= now + LONGEST_LIFE and expires_at - made_at <= LONGEST_LIFE
        # One audience alone: what was signed for somebody else as well could have been shown to us by them.
        is_ours = isinstance(claims["aud"], str) and claims["aud"] in self.get_audiences()
        if not (is_short and is_ours and self.validate_jti(claims, claims["jti"])):
            raise InvalidClientError

    def get_audiences(self) -> list[str]:
        """What the issuer is called: by its name, or by the address of the token endpoint."""
        return [self._service.issuer, self._service.issuer + TOKEN]

    def validate_jti(self, claims: Mapping[str, Any], jti: str) -> bool:
        """Whether the client has not shown it before: from now on it has, whatever is answered."""
        if not isinstance(jti, str) or not 0 < len(jti) <= LONGEST_ID:
            return False
        # Kept for longer than it lasts: the database's clock may be ahead.
        until = datetime.fromtimestamp(claims["exp"], UTC) + timedelta(seconds=LONGEST_LIFE)
        added = self._connection.execute(
            "insert into sec.assertions (client, jti_hash, expires_at) values (%s, %s, %s) on conflict do nothing",
            (claims["sub"], sha256(jti.encode()).digest(), until),
        )
        return added.rowcount == 1
