"""Clients, as the issuer knows them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from authlib.oauth2.rfc6749 import ClientMixin

from pat_auth.clients.models import ClientKind, Serves
from pat_auth.scopes import OPENID
from pat_platform.database.threads import Connection

_FIND = (
    "select organisation_id, organisation_name, id, name, kind, serves, redirect_uris, logout_uris, scopes, keys"
    " from sec.find_client(%s)"
)


@dataclass(frozen=True)
class Client(ClientMixin):
    """A program that an organisation has registered and not disabled. Its methods are those that Authlib asks for."""

    organisation: UUID
    organisation_name: str
    id: UUID
    name: str
    kind: ClientKind
    serves: Serves
    redirect_uris: tuple[str, ...]
    logout_uris: tuple[str, ...]
    scopes: frozenset[str]
    """The field classes that it may ask for at most."""
    keys: tuple[dict[str, Any], ...] = field(default=(), repr=False)
    """Its public keys (JWK) that are not retired."""

    def get_client_id(self) -> str:
        """The ``client_id``."""
        return str(self.id)

    def get_default_redirect_uri(self) -> str:
        """None: a client says each time where to (OAuth 2.1, 4.1.1)."""
        return ""

    def get_allowed_scope(self, scope: str | None) -> str | None:  # type: ignore[override]  # Authlib passes and takes None
        """The scope that was asked for, as it is, or None where the client may not have all of it, or named none."""
        asked = (scope or "").split()
        if not asked or not self.scopes | {OPENID} >= set(asked):
            return None
        return " ".join(sorted(set(asked)))

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        """Whether it is registered, letter by letter."""
        return redirect_uri in self.redirect_uris

    def check_client_secret(self, client_secret: str) -> bool:
        """Never: no client has a secret."""
        return False

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        """Whether a client of its kind shows in this way that it is itself, at every endpoint alike."""
        return method == ("none" if self.kind is ClientKind.PUBLIC else "private_key_jwt")

    def check_response_type(self, response_type: str) -> bool:
        """Whether people may be sent to us by it: with a code, unless it is a machine."""
        return response_type == "code" and self.kind is not ClientKind.MACHINE

    def check_grant_type(self, grant_type: str) -> bool:
        """Whether a client of its kind gets tokens in this way."""
        if self.kind is ClientKind.MACHINE:
            return grant_type == "client_credentials"
        return grant_type in ("authorization_code", "refresh_token")


def find_client(connection: Connection, client_id: str) -> Client | None:
    """The client, unless there is none, or it is disabled, or the text is no id of ours."""
    try:
        key = UUID(client_id)
    except ValueError:
        return None
    if str(key) != client_id:
        return None
    row = connection.execute(_FIND, (key,)).fetchone()
    if row is None:
        return None
    organisation, organisation_name, found, name, kind, serves, redirect_uris, logout_uris, scopes, keys = row
    return Client(
        organisation=organisation,
        organisation_name=organisation_name,
        id=found,
        name=name,
        kind=ClientKind(kind),
        serves=Serves(serves),
        redirect_uris=tuple(redirect_uris),
        logout_uris=tuple(logout_uris),
        scopes=frozenset(scopes),
        keys=tuple({**each["jwk"], "kid": each["kid"]} for each in keys),
    )
