"""What is handed out: access tokens, and the shape of refresh tokens."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from uuid import UUID

from pat_auth.issuer.service import Service
from pat_auth.policy import Role
from pat_auth.principal import Principal
from pat_auth.tokens import LIFETIME, mint
from pat_platform.database.threads import Connection

SECRET_BYTES = 32
IDLE = timedelta(hours=8)
"""How long a refresh token waits for its use."""
_SHIFT = timedelta(hours=12)
_VISIT = timedelta(minutes=30)


class Tokens(dict[str, str | int]):
    """What a client is given. Whoever prints it, as Authlib does into its log, sees no token."""

    def __repr__(self) -> str:
        return "<tokens>"


@dataclass(frozen=True)
class Granted:
    """Whom a client is given tokens for: Authlib calls it the user."""

    principal: Principal
    handle: UUID
    """What the session is called wherever its id, the principal's secret, must not be known."""
    until: datetime
    """When the session ends."""
    refresh_token: str | None = field(repr=False)
    """What follows; None for a session that is not refreshed."""


def session_lasts(role: Role) -> timedelta:
    """How long a session of a role lasts, however often it is refreshed: survivors use devices that others use too."""
    return _VISIT if role is Role.SURVIVOR else _SHIFT


def is_refreshed(role: Role) -> bool:
    """Whether sessions of a role are given refresh tokens."""
    return role is not Role.SURVIVOR


def new_secret() -> str:
    """A code or a first refresh token: nobody guesses it."""
    return secrets.token_urlsafe(SECRET_BYTES)


def hash_of(secret: str) -> bytes:
    """What we keep of a code or a refresh token. It is long and random: a plain hash cannot be searched backwards."""
    return sha256(secret.encode()).digest()


def tokens(service: Service, granted: Granted) -> Tokens:
    """An access token for five minutes, with what follows it, as the token endpoint answers it (RFC 6749 §5.1)."""
    principal = granted.principal
    answer = Tokens(
        access_token=mint(
            principal,
            keys=service.keys.read(),
            issuer=service.issuer,
            audience=service.audience,
            clock=service.clock().timestamp,
        ),
        token_type="Bearer",  # noqa: S106  # it names a type
        expires_in=LIFETIME,
        scope=" ".join(sorted(principal.scopes)),
    )
    if granted.refresh_token is not None:
        answer["refresh_token"] = granted.refresh_token
    return answer


def keep_refresh_token(
    connection: Connection,
    token: str,
    *,
    session: UUID,
    number: int,
    scopes: frozenset[str],
    issued_at: datetime,
    until: datetime,
) -> None:
    """Remember a refresh token, the ``number``-th of its session, which ends at ``until``. Kept already: nothing changes."""
    connection.execute(
        "insert into sec.refresh_tokens (hash, session_id, number, scopes, issued_at, expires_at)"
        " values (%s, %s, %s, %s, %s, %s) on conflict do nothing",
        (hash_of(token), session, number, sorted(scopes), issued_at, min(issued_at + IDLE, until)),
    )
