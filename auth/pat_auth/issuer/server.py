"""Authlib's authorization server over our tables: one for each request, with its connection."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping

import orjson
from authlib.oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import BaseGrant, ClientMixin, Endpoint, InvalidClientError, OAuth2Request

from pat_auth.issuer.asked import Answer, Asked, Unfit
from pat_auth.issuer.assertions import Assertion
from pat_auth.issuer.clients import Client, find_client
from pat_auth.issuer.codes import S256, CodeGrant
from pat_auth.issuer.endpoints import EndSession, Revocation
from pat_auth.issuer.id_tokens import with_id_token
from pat_auth.issuer.introspection import Introspection
from pat_auth.issuer.issuing import Granted, Tokens, tokens
from pat_auth.issuer.machines import MachineGrant
from pat_auth.issuer.metadata import SIGNED
from pat_auth.issuer.refreshing import RefreshGrant
from pat_auth.issuer.requests import OAuthRequest
from pat_auth.issuer.service import Service
from pat_auth.scopes import KNOWN_SCOPES
from pat_platform.database.threads import Connection

# It writes whole tokens into its log at DEBUG; ours print as nothing, and it is told not to besides.
logging.getLogger("authlib").setLevel(logging.INFO)

Extension = Callable[[BaseGrant], None]

GRANTS: tuple[tuple[type[BaseGrant], tuple[Extension, ...]], ...] = (
    (CodeGrant, (S256(), with_id_token)),
    (RefreshGrant, ()),
    (MachineGrant, ()),
)
"""How tokens are got, and what is added to each way."""
ENDPOINTS: tuple[type[Endpoint], ...] = (Revocation, Introspection, EndSession)
"""What else clients may ask, by name."""

_NOT_ITSELF = "The client is not known, or has not shown that it is itself."
_ASSERTED = {"client_assertion", "client_assertion_type"}


class Server(AuthorizationServer):
    """What Authlib asks of a server. Everything happens in the transaction of its connection."""

    def __init__(self, connection: Connection, service: Service) -> None:
        super().__init__(scopes_supported=KNOWN_SCOPES)
        self.connection = connection
        self.service = service
        for grant, extensions in GRANTS:
            self.register_grant(grant, extensions)
        for endpoint in ENDPOINTS:
            self.register_endpoint(endpoint)
        self.register_client_auth_method(SIGNED, Assertion(connection, service))

    def query_client(self, client_id: str) -> Client | None:  # type: ignore[override]  # Authlib asks for None where there is none
        """The client, if there is one and it is not disabled."""
        return find_client(self.connection, client_id)

    def authenticate_client(
        self, request: OAuth2Request, methods: Collection[str], endpoint: str = "token"
    ) -> Client:
        """The client that asks. Raises one InvalidClientError, 401, whatever is wrong: else it would tell which clients there are."""
        try:
            if (request.headers or {}).get("Authorization") or "client_secret" in request.form:
                raise InvalidClientError
            # Whoever signs is believed for what was signed, or not at all.
            is_signed = not _ASSERTED.isdisjoint(request.form)
            shown = [method for method in methods if (method == SIGNED) is is_signed]
            client = super().authenticate_client(request, shown, endpoint)
        except InvalidClientError:
            raise InvalidClientError(_NOT_ITSELF, status_code=401) from None
        assert isinstance(client, Client)
        return client

    def generate_token(
        self,
        grant_type: str,
        client: ClientMixin,
        user: Granted | None = None,
        scope: str | None = None,
        expires_in: int | None = None,
        include_refresh_token: bool = True,
    ) -> Tokens:
        """The tokens for whom the grant has found: all that they say is hers."""
        assert user is not None
        return tokens(self.service, user)

    def create_oauth2_request(self, request: OAuthRequest) -> OAuthRequest:
        """The request itself: it was made before."""
        return request

    def handle_response(
        self,
        status: int,
        body: Mapping[str, object] | str,
        headers: Collection[tuple[str, str]],  # type: ignore[override]  # Authlib passes pairs
    ) -> Answer:
        """The answer."""
        return Answer(status, tuple(headers), body.encode() if isinstance(body, str) else orjson.dumps(body))

    def send_signal(self, name: str, *args: object, **kwargs: object) -> None:
        """Nobody listens."""


def answer_token(service: Service, asked: Asked) -> Answer:
    """What the token endpoint answers. Whatever it says is committed: a refusal too may have ended a session.

    Raises Unfit for a request that is not read any further, and Fault UNAVAILABLE where PostgreSQL does not answer: nothing
    has happened then.
    """
    return _answer(service, asked, lambda server, request: server.create_token_response(request))


def answer_endpoint(name: str, service: Service, asked: Asked) -> Answer:
    """What another endpoint of ENDPOINTS answers, in the same way."""
    return _answer(service, asked, lambda server, request: server.create_endpoint_response(name, request))  # type: ignore[no-untyped-call]  # the stubs leave it untyped


def _answer(service: Service, asked: Asked, ask: Callable[[Server, OAuthRequest], object]) -> Answer:
    if asked.query:
        raise Unfit(400, "Parameters stand in the body alone: addresses are logged.")
    request = OAuthRequest.of_form(asked)
    with service.connections.transaction() as connection:
        answer = ask(Server(connection, service), request)
        assert isinstance(answer, Answer)
        return answer
