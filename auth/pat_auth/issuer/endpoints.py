"""What clients may ask beside tokens: that one be revoked (RFC 7009), that somebody be signed out (RP-Initiated Logout 1.0)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import UUID

from authlib.oauth2.rfc6749 import ClientMixin, InvalidRequestError, OAuth2Request
from authlib.oauth2.rfc7009 import RevocationEndpoint
from authlib.oidc.rpinitiated import EndSessionEndpoint
from joserfc import jwt
from joserfc.errors import JoseError

from pat_auth.issuer.clients import Client
from pat_auth.issuer.metadata import SIGNED
from pat_auth.issuer.refreshing import find_refresh
from pat_auth.issuer.requests import OAuthRequest
from pat_auth.issuer.sessions import revoke_session
from pat_auth.keys import ALGORITHM, key_set
from pat_platform.errors import Fault

if TYPE_CHECKING:
    from pat_auth.issuer.server import Server

REVOKED = "revoked by its client"
_HEADERS = {"alg", "typ", "kid"}
_TYPE = "JWT"
_NO_HINT = "id_token_hint is not an ID token of this issuer."
# What joserfc raises for a token that is malformed rather than wrong, beside its own errors.
_MALFORMED = (JoseError, ValueError, TypeError, KeyError, AttributeError, RecursionError)


@dataclass(frozen=True)
class Revocable:
    """The session behind a token, and whose token it is."""

    session: UUID = field(repr=False)
    client: str

    def check_client(self, client: ClientMixin) -> bool:
        """Whether the token was given to this client."""
        return self.client == client.get_client_id()


class Revocation(RevocationEndpoint):
    """Ends the session of a token that its client has no use for any more. A token that is not known is no mistake."""

    CLIENT_AUTH_METHODS: list[str] = ["none", SIGNED]  # noqa: RUF012  # Authlib's own
    server: Server

    def check_params(self, request: OAuthRequest, client: Client) -> None:
        """Raises InvalidRequestError without a token. What is said of its type is not needed (RFC 7009 §2.1)."""
        if "token" not in request.form:
            raise InvalidRequestError("token is missing.")

    def query_token(self, token_string: str, token_type_hint: str | None) -> Revocable | None:
        """The session of a refresh token, used or not, or of an access token; whatever the hint says."""
        refresh = find_refresh(self.server.connection, token_string)
        if refresh is not None:
            return Revocable(refresh.session, refresh.client)
        try:
            principal = self.server.service.verifier.verify(token_string)
        except Fault:
            return None
        return Revocable(principal.session, principal.client)

    def revoke_token(self, token: Revocable, request: OAuth2Request) -> None:
        """End the session: every token that it stands behind ends with it."""
        revoke_session(self.server.connection, token.session, REVOKED)


class EndSession(EndSessionEndpoint):
    """What a client that sends a browser to be signed out may name: an ID token of ours, an address of its own."""

    server: Server

    def _validate_id_token_hint(self, id_token_hint: str) -> dict[str, Any]:
        """The claims of an ID token of ours; one that has expired may still say who is meant. Raises InvalidRequestError."""
        try:
            return self._claims(id_token_hint)
        except _MALFORMED:
            raise InvalidRequestError(_NO_HINT) from None

    def _claims(self, hint: str) -> dict[str, Any]:
        keys = key_set(self.server.service.keys.read().public_set())
        token = jwt.decode(hint, keys, algorithms=[ALGORITHM])
        # Exactly what we write: an access token, signed with the same keys, names nobody here.
        if set(token.header) != _HEADERS or token.header["typ"] != _TYPE:
            raise ValueError("not an ID token's header")
        claims = token.claims
        if claims["iss"] != self.server.service.issuer or not isinstance(claims["aud"], str):
            raise ValueError("not an ID token's claims")
        return {**claims, "sid": UUID(claims["sid"])}

    def _is_valid_post_logout_redirect_uri(self, client: Client, post_logout_redirect_uri: str) -> bool:
        """Whether it is registered, letter by letter."""
        return post_logout_redirect_uri in client.logout_uris
