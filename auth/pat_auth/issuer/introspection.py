"""Introspection (RFC 7662): a client with a key of its own asks whether a token that it was given still stands."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from uuid import UUID

import orjson
from authlib.oauth2.rfc6749 import InvalidRequestError
from authlib.oauth2.rfc7662 import IntrospectionEndpoint
from joserfc import jws

from pat_auth.issuer.clients import Client
from pat_auth.issuer.metadata import SIGNED
from pat_auth.issuer.refreshing import find_refresh
from pat_auth.issuer.requests import OAuthRequest
from pat_auth.issuer.sessions import is_live
from pat_auth.scopes import OPENID
from pat_platform.errors import Fault

if TYPE_CHECKING:
    from pat_auth.issuer.server import Server


@dataclass(frozen=True)
class Looked:
    """A token of ours, and what may be said of it. Its methods are those that Authlib asks for."""

    session: UUID = field(repr=False)
    client: str
    is_used: bool
    scopes: frozenset[str]
    told: dict[str, str | int]

    def is_expired(self) -> bool:
        """Whether it is good for nothing by itself: one that has expired is found by nobody."""
        return self.is_used

    def is_revoked(self) -> bool:
        """Never by itself: a token ends with its session, which was looked at."""
        return False


class Introspection(IntrospectionEndpoint):
    """Says of a client's own tokens whether they stand; of everything else that it does not, and no more."""

    CLIENT_AUTH_METHODS: list[str] = [SIGNED]  # noqa: RUF012  # Authlib's own
    server: Server

    def check_params(self, request: OAuthRequest, client: Client) -> None:
        """Raises InvalidRequestError without a token. What is said of its type is not needed (RFC 7662 §2.1)."""
        if "token" not in request.form:
            raise InvalidRequestError("token is missing.")

    def query_token(self, token_string: str, token_type_hint: str | None) -> Looked | None:
        """A refresh token or an access token of ours that has not expired, if its session stands."""
        looked = self._refresh_token(token_string) or self._access_token(token_string)
        return looked if looked and is_live(self.server.connection, looked.session) else None

    def check_permission(self, token: Looked, client: Client, request: OAuthRequest) -> bool:
        """Whether the token was given to this client."""
        return token.client == client.get_client_id()

    def introspect_token(self, token: Looked) -> dict[str, object]:
        """What is said of a token that stands: nothing that the client was not told, and never the session."""
        client = self.server.query_client(token.client)
        ceiling = client.scopes | {OPENID} if client else frozenset()
        return {
            "active": True,
            "iss": self.server.service.issuer,
            "client_id": token.client,
            "scope": " ".join(sorted(token.scopes & ceiling)),
            **token.told,
        }

    def _refresh_token(self, shown: str) -> Looked | None:
        found = find_refresh(self.server.connection, shown)
        if found is None or found.expires_at <= self.server.service.clock():
            return None
        told: dict[str, str | int] = {
            "sub": str(found.person),
            "exp": int(found.expires_at.timestamp()),
        }
        return Looked(found.session, found.client, found.used_at is not None, frozenset(found.scopes), told)

    def _access_token(self, shown: str) -> Looked | None:
        try:
            principal = self.server.service.verifier.verify(shown)
        except Fault:
            return None
        # It was verified: what else it says is true.
        claims = orjson.loads(jws.extract_compact(shown.encode()).payload)
        told = {name: claims[name] for name in ("sub", "aud", "exp", "iat")}
        scopes = principal.scopes
        return Looked(principal.session, principal.client, False, scopes, {"token_type": "Bearer", **told})
