"""Refresh tokens: each is good once, and followed by another of the same session (OAuth 2.1, 4.3).

A session is the family of its refresh tokens. Whoever shows a used one, or one that another client was given, has stolen it or
was stolen from: the session ends for both. Only an answer that was lost on a bad line may be asked for again.
"""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING
from uuid import UUID

from authlib.oauth2.rfc6749 import ClientMixin, InvalidScopeError, RefreshTokenGrant, TokenMixin
from psycopg.rows import class_row

from pat_auth.issuer.clients import Client
from pat_auth.issuer.codes import demand_resource
from pat_auth.issuer.issuing import Granted, Tokens, hash_of, keep_refresh_token
from pat_auth.issuer.metadata import SIGNED
from pat_auth.issuer.requests import OAuthRequest
from pat_auth.issuer.sessions import is_live, revoke_session
from pat_auth.policy import Role
from pat_auth.principal import Principal
from pat_auth.scopes import OPENID
from pat_platform.database.logins import login_name
from pat_platform.database.threads import Connection

if TYPE_CHECKING:
    from pat_auth.issuer.server import Server

REPEATABLE = timedelta(seconds=30)
"""How long a client that was not answered may ask again with the same token."""
REPLAYED = "refresh token replayed"
MISUSED = "refresh token of another client"

# Both rows: whoever else refreshes, or ends, the same session waits, and reads what is then.
_FIND = (
    "select t.hash, t.number, t.scopes, t.expires_at, t.used_at, s.id as session, s.handle, s.login, s.client,"
    " s.person_id as person, s.organisation_id as organisation, s.auth_time, s.acr, s.expires_at as until"
    " from sec.refresh_tokens t join sec.sessions s on s.id = t.session_id where t.hash = %s for no key update"
)


@dataclass(frozen=True)
class Refresh(TokenMixin):
    """A refresh token that was handed out, with its session. Its methods are those that Authlib asks for."""

    hash: bytes = field(repr=False)
    number: int
    scopes: list[str]
    """What was consented to: all of it, however little was asked for at a refresh."""
    expires_at: datetime
    used_at: datetime | None
    session: UUID = field(repr=False)
    handle: UUID
    login: str
    client: str
    person: UUID
    organisation: UUID
    auth_time: datetime
    acr: str
    until: datetime
    """When the session ends."""

    def check_client(self, client: ClientMixin) -> bool:
        """Whether it was given to this client."""
        return self.client == client.get_client_id()

    def get_scope(self) -> str:
        """What was consented to."""
        return " ".join(self.scopes)

    @property
    def role(self) -> Role:
        """What she acts as."""
        return Role(self.login.removeprefix(login_name(self.organisation, "")))


def find_refresh(connection: Connection, token: str) -> Refresh | None:
    """The refresh token, used or not, locked with its session until the transaction ends; None if it was never handed out."""
    with connection.cursor(row_factory=class_row(Refresh)) as cursor:
        return cursor.execute(_FIND, (hash_of(token),)).fetchone()


def successor(key: bytes, token: str) -> str:
    """The refresh token that follows: computed, so that it can be given again though it is not kept.

    Without the key nobody can compute it.
    """
    return urlsafe_b64encode(hmac.new(key, token.encode(), sha256).digest()).decode().rstrip("=")


class RefreshGrant(RefreshTokenGrant):
    """Refresh tokens: which are taken, and what becomes of them."""

    TOKEN_ENDPOINT_AUTH_METHODS = ("none", SIGNED)
    server: Server
    request: OAuthRequest

    def validate_token_request(self) -> None:
        """Whether client, token, scopes and resource are what they must be. Raises OAuth2Error."""
        super().validate_token_request()
        demand_resource(self.request.payload, self.server.service.audience)
        shown = self.request.refresh_token
        assert isinstance(shown, Refresh)
        if not self._scopes(shown):
            raise InvalidScopeError

    def authenticate_refresh_token(self, refresh_token: str) -> Refresh | None:  # type: ignore[override]  # Authlib asks for None where there is none
        """The token, if it may be used. One that was stolen ends its session."""
        connection = self.server.connection
        found = find_refresh(connection, refresh_token)
        if found is None:
            return None
        because = self._why_stolen(found, refresh_token)
        if because is not None:
            revoke_session(connection, found.session, because)
            return None
        if found.expires_at <= self.server.service.clock():
            return None
        return found if is_live(connection, found.session) else None

    def authenticate_user(self, refresh_token: Refresh) -> Granted:
        """Whose session goes on, with no more scopes than the client may have now."""
        return Granted(
            principal=Principal(
                person=refresh_token.person,
                organisation=refresh_token.organisation,
                role=refresh_token.role,
                session=refresh_token.session,
                scopes=self._scopes(refresh_token),
                client=refresh_token.client,
                auth_time=int(refresh_token.auth_time.timestamp()),
                acr=refresh_token.acr,
            ),
            handle=refresh_token.handle,
            until=refresh_token.until,
            refresh_token=self._successor(self.request.payload.data["refresh_token"]),
        )

    def save_token(self, token: Tokens) -> None:
        """Keep the token that follows. It is kept already where this one comes again."""
        granted, used = self.request.user, self.request.refresh_token
        assert isinstance(granted, Granted)
        assert isinstance(used, Refresh)
        assert granted.refresh_token is not None
        keep_refresh_token(
            self.server.connection,
            granted.refresh_token,
            session=used.session,
            number=used.number + 1,
            scopes=frozenset(used.scopes),
            issued_at=self.server.service.clock(),
            until=used.until,
        )

    def revoke_old_credential(self, refresh_token: Refresh) -> None:  # type: ignore[override]  # ours
        """Remember when the token was first used: for how long it may come again is counted from then."""
        connection, now = self.server.connection, self.server.service.clock()
        connection.execute(
            "update sec.refresh_tokens set used_at = %s where hash = %s and used_at is null",
            (now, refresh_token.hash),
        )
        connection.execute("update sec.sessions set used_at = %s where id = %s", (now, refresh_token.session))

    def _why_stolen(self, found: Refresh, token: str) -> str | None:
        assert isinstance(self.request.client, Client)
        if not found.check_client(self.request.client):
            return MISUSED
        if found.used_at is None:
            return None
        if self.server.service.clock() - found.used_at > REPEATABLE:
            return REPLAYED
        unused = self.server.connection.execute(
            "select 1 from sec.refresh_tokens where hash = %s and session_id = %s and used_at is null",
            (hash_of(self._successor(token)), found.session),
        ).fetchone()
        return None if unused else REPLAYED

    def _scopes(self, found: Refresh) -> frozenset[str]:
        """What was asked for, or else everything, of what was consented to and the client may still have."""
        assert isinstance(self.request.client, Client)
        wanted = self.request.payload.data.get("scope")
        scopes = frozenset(found.scopes) & (self.request.client.scopes | {OPENID})
        return scopes if wanted is None else scopes & frozenset(wanted.split())

    def _successor(self, token: str) -> str:
        return successor(self.server.service.secrets.refresh_tokens, token)
