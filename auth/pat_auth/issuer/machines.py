"""Machines: clients that act for nobody but their organisation (RFC 6749 §4.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from authlib.oauth2.rfc6749 import ClientCredentialsGrant, InvalidScopeError, UnauthorizedClientError

from pat_auth.issuer.clients import Client
from pat_auth.issuer.codes import demand_resource
from pat_auth.issuer.issuing import Granted, Tokens
from pat_auth.issuer.metadata import SIGNED
from pat_auth.issuer.requests import OAuthRequest
from pat_auth.issuer.sessions import MACHINE_LASTS, open_machine_session
from pat_auth.policy import Role
from pat_auth.principal import Principal

if TYPE_CHECKING:
    from pat_auth.issuer.server import Server


class MachineGrant(ClientCredentialsGrant):
    """An access token for a machine: of a short session, which nothing follows. It asks anew."""

    TOKEN_ENDPOINT_AUTH_METHODS = (SIGNED,)
    server: Server
    request: OAuthRequest

    def validate_token_request(self) -> None:
        """Open the session, if the client is a machine that may have all that it names. Raises OAuth2Error."""
        super().validate_token_request()
        demand_resource(self.request.payload, self.server.service.audience)
        client = self.request.client
        assert isinstance(client, Client)
        scopes = frozenset((self.request.payload.scope or "").split())
        # Nobody signs in: there is nobody to be told of, and no scope goes without saying.
        if not scopes or not scopes <= client.scopes:
            raise InvalidScopeError
        opened = open_machine_session(self.server.connection, client=client.id, scopes=scopes)
        if opened is None:
            raise UnauthorizedClientError("The organisation has let this machine in no more.")
        principal = Principal(
            person=client.id,
            organisation=client.organisation,
            role=Role.SERVICE,
            session=opened.id,
            scopes=scopes,
            client=client.get_client_id(),
        )
        until = self.server.service.clock() + MACHINE_LASTS
        self.request.user = Granted(principal, opened.handle, until, refresh_token=None)

    def generate_token(self, *_: Any, **__: Any) -> Tokens:
        """The access token."""
        granted = self.request.user
        assert isinstance(granted, Granted)
        assert isinstance(self.request.client, Client)
        return self.server.generate_token(self.GRANT_TYPE, self.request.client, granted)

    def save_token(self, token: Tokens) -> None:
        """Nothing is kept of it but its session."""
