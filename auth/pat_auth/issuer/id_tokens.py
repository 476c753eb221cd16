"""ID tokens (OpenID Connect Core §2): who signed in, for the client alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from authlib.oauth2.rfc6749 import BaseGrant, ClientMixin, OAuth2Request
from authlib.oidc.core import OpenIDCode, UserInfo
from joserfc.jwk import ECKey

from pat_auth.issuer.issuing import Granted
from pat_auth.keys import ALGORITHM

if TYPE_CHECKING:
    from pat_auth.issuer.server import Server

LASTS = 3600
"""Seconds that an ID token may be looked at; it opens nothing."""
_TYPE = "JWT"


class IdToken(OpenIDCode):
    """Adds an ID token to the answer where the client asked for the scope ``openid``."""

    def __init__(self, server: Server) -> None:
        super().__init__(require_nonce=False)
        self._server = server
        self._key = server.service.keys.read().current

    def exists_nonce(self, nonce: str, request: OAuth2Request) -> bool:
        """Whether a code that may still be exchanged carries it for the same client."""
        assert request.payload
        row = self._server.connection.execute(
            "select 1 from sec.codes where client = %s and nonce = %s and expires_at > %s",
            (request.payload.client_id, nonce, self._server.service.clock()),
        ).fetchone()
        return row is not None

    def get_client_algorithm(self, client: ClientMixin) -> str:
        """The one that all our tokens are signed with."""
        return ALGORITHM

    def get_encode_header(self, client: ClientMixin) -> dict[str, str]:
        """The header: it names the key, as several are published."""
        return {"alg": ALGORITHM, "typ": _TYPE, "kid": str(self._key.kid)}

    def resolve_client_private_key(self, client: ClientMixin) -> ECKey:
        """The key that signs."""
        return self._key

    def get_client_claims(self, client: ClientMixin) -> dict[str, Any]:
        """Who says it, to whom, and how long it is true."""
        now = int(self._server.service.clock().timestamp())
        return {
            "iss": self._server.service.issuer,
            "aud": client.get_client_id(),
            "iat": now,
            "exp": now + LASTS,
        }

    def generate_user_info(self, user: Granted, scope: str) -> UserInfo:
        """Who signed in, where and as what. Nobody's name: a client asks the API for that, and may be refused."""
        principal = user.principal
        return UserInfo(
            sub=str(principal.person),
            org=str(principal.organisation),
            role=principal.role.value,
            sid=str(user.handle),
        )


def with_id_token(grant: BaseGrant) -> None:
    """The extension of a grant."""
    IdToken(grant.server)(grant)
