"""What the issuer keeps while people sign in: browsers, what clients asked for, codes, refresh tokens, attempts.

Secrets are kept as hashes alone. Rows are found by who holds the secret, and belong to no organisation.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    CheckConstraint,
    ForeignKey,
    Index,
    PrimaryKeyConstraint,
    SmallInteger,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from pat_auth.clients.models import Serves
from pat_auth.issuer.methods import Purpose
from pat_platform.database.models import Base, TableKind, one_of

_SECURITY: dict[str, Any] = {"schema": "sec", "info": {"kind": TableKind.SECURITY}}


class Counter(StrEnum):
    """What attempts are counted for."""

    ACCOUNT = "ACCOUNT"
    ADDRESS = "ADDRESS"
    EVERYBODY = "EVERYBODY"
    SECOND = "SECOND"
    """Second factors of one person."""
    RESET = "RESET"
    """Letters by which somebody chooses a new password."""
    BROWSER = "BROWSER"
    """Passwords for one person, in a browser where she has signed in before."""


class Browser(Base):
    """One browser, known by the secret in its cookie, and who has signed in with it."""

    __tablename__ = "browsers"
    __table_args__ = (UniqueConstraint("secret_hash"), Index(None, "person_id"), _SECURITY)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    secret_hash: Mapped[bytes]
    person_id: Mapped[UUID | None] = mapped_column(ForeignKey("sec.people.id"))
    first_at: Mapped[datetime | None]
    """When she proved the first factor."""
    second_at: Mapped[datetime | None]
    methods: Mapped[list[str]] = mapped_column(ARRAY(Text()), server_default="{}")
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    seen_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    is_duress: Mapped[bool] = mapped_column(server_default=text("false"))
    """Whether she was made to: see `pat_auth.issuer.pins`."""
    upstream_id: Mapped[UUID | None] = mapped_column(ForeignKey("sec.upstreams.id"))
    """Through which organisation's provider she came; None if she proved it here."""


class Ask(Base):
    """What a client has asked for in one browser, until it is answered."""

    __tablename__ = "asks"
    __table_args__ = (
        CheckConstraint("length(query) <= 4096", name="query"),
        Index(None, "browser_id"),
        _SECURITY,
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    browser_id: Mapped[UUID] = mapped_column(ForeignKey("sec.browsers.id", ondelete="CASCADE"))
    client: Mapped[UUID]
    query: Mapped[str]
    membership_id: Mapped[UUID | None]
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class Consent(Base):
    """What a person lets a client ask for in one of her memberships."""

    __tablename__ = "consents"
    __table_args__ = (PrimaryKeyConstraint("person_id", "client", "membership_id"), _SECURITY)

    person_id: Mapped[UUID] = mapped_column(ForeignKey("sec.people.id"))
    client: Mapped[UUID]
    membership_id: Mapped[UUID]
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text()))
    given_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    withdrawn_at: Mapped[datetime | None]
    client_hash: Mapped[bytes | None]
    """What the client was when she allowed it: as another one it has to ask again."""


class Challenge(Base):
    """What a passkey is asked to sign in one browser: once, for one purpose, and for one person where she is known."""

    __tablename__ = "challenges"
    __table_args__ = (one_of("purpose", Purpose), PrimaryKeyConstraint("browser_id", "purpose"), _SECURITY)

    browser_id: Mapped[UUID] = mapped_column(ForeignKey("sec.browsers.id", ondelete="CASCADE"))
    purpose: Mapped[str]
    challenge: Mapped[bytes]
    person_id: Mapped[UUID | None]
    handle: Mapped[bytes | None]
    """What a passkey that is being made is to know her by."""
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class Code(Base):
    """An authorization code: good for one session, for a minute."""

    __tablename__ = "codes"
    __table_args__ = (CheckConstraint("acr in ('1', '2')", name="acr"), _SECURITY)

    hash: Mapped[bytes] = mapped_column(primary_key=True)
    client: Mapped[UUID]
    redirect_uri: Mapped[str]
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text()))
    resource: Mapped[str | None]
    nonce: Mapped[str | None]
    challenge: Mapped[str]
    browser_id: Mapped[UUID]
    person_id: Mapped[UUID] = mapped_column(ForeignKey("sec.people.id"))
    organisation_id: Mapped[UUID]
    membership_id: Mapped[UUID]
    auth_time: Mapped[datetime]
    acr: Mapped[str]
    amr: Mapped[list[str]] = mapped_column(ARRAY(Text()))
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    session_id: Mapped[UUID | None]
    """The session that it opened: replaying the code ends it."""
    is_duress: Mapped[bool] = mapped_column(server_default=text("false"))


class RefreshToken(Base):
    """One refresh token of a session. The session is the family; each token is followed by one at most."""

    __tablename__ = "refresh_tokens"
    __table_args__ = (UniqueConstraint("session_id", "number"), _SECURITY)

    hash: Mapped[bytes] = mapped_column(primary_key=True)
    session_id: Mapped[UUID] = mapped_column(ForeignKey("sec.sessions.id"))
    number: Mapped[int]
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text()))
    resource: Mapped[str | None]
    issued_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class Assertion(Base):
    """The id of an assertion that a client has shown: none is taken twice (RFC 7523 §3)."""

    __tablename__ = "assertions"
    __table_args__ = (PrimaryKeyConstraint("client", "jti_hash"), _SECURITY)

    client: Mapped[UUID]
    jti_hash: Mapped[bytes]
    expires_at: Mapped[datetime]


class Reset(Base):
    """A link by which somebody chooses a new password: one for each address that was typed, whether or not anybody has it."""

    __tablename__ = "resets"
    __table_args__ = (UniqueConstraint("token_hash"), Index(None, "person_id"), _SECURITY)

    key: Mapped[bytes] = mapped_column(primary_key=True)
    """A keyed hash of the address. A newer link takes the place of the one before."""
    token_hash: Mapped[bytes]
    person_id: Mapped[UUID | None] = mapped_column(ForeignKey("sec.people.id"))
    """None where nobody signs in with the address: all else is the same."""
    replaces: Mapped[bytes | None]
    """The hash of what is kept of the password that is to be replaced."""
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class Attempts(Base):
    """How often somebody has tried of late. Whom it is about is a keyed hash."""

    __tablename__ = "attempts"
    __table_args__ = (one_of("kind", Counter), PrimaryKeyConstraint("kind", "key"), _SECURITY)

    kind: Mapped[str]
    key: Mapped[bytes]
    failures: Mapped[float] = mapped_column(server_default=text("0"))
    """They fade, so that it is no whole number."""
    last_at: Mapped[datetime]
    next_at: Mapped[datetime]
    """Before this moment nobody is asked."""


class Upstream(Base):
    """An OpenID provider of one organisation's own, where its people may sign in."""

    __tablename__ = "upstreams"
    __table_args__ = (one_of("serves", Serves), Index(None, "organisation_id"), _SECURITY)

    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=text("gen_random_uuid()"))
    organisation_id: Mapped[UUID]
    name: Mapped[str]
    """What people read on the button that leads there."""
    issuer: Mapped[str]
    client_id: Mapped[str]
    """What we are called there."""
    sealed: Mapped[bytes | None]
    """Our secret there, if we have one."""
    key: Mapped[int] = mapped_column(SmallInteger(), server_default=text("1"))
    serves: Mapped[str] = mapped_column(server_default=Serves.ORGANISATION.value)
    """Whose programs offer it: the organisation's own, or those of the whole network too."""
    counts_as_both: Mapped[list[str]] = mapped_column(ARRAY(Text()), server_default="{}")
    """What it has to say in ``acr`` or ``amr`` to count for both factors."""
    is_inside: Mapped[bool] = mapped_column(server_default=text("false"))
    """Whether it may have an address within our own network."""
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    disabled_at: Mapped[datetime | None]


class UpstreamVisit(Base):
    """Somebody who was sent to a provider, to come back with the same browser, once."""

    __tablename__ = "upstream_visits"
    __table_args__ = (Index(None, "browser_id"), Index(None, "upstream_id"), _SECURITY)

    state_hash: Mapped[bytes] = mapped_column(primary_key=True)
    upstream_id: Mapped[UUID] = mapped_column(ForeignKey("sec.upstreams.id"))
    browser_id: Mapped[UUID] = mapped_column(ForeignKey("sec.browsers.id", ondelete="CASCADE"))
    ask_id: Mapped[UUID | None]
    """What she signs in for."""
    person_id: Mapped[UUID | None]
    """Who wants to be known by what the provider says; None for somebody who signs in."""
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class UpstreamIdentity(Base):
    """Whom a provider means by a subject: she has said so herself, with both factors."""

    __tablename__ = "upstream_identities"
    __table_args__ = (PrimaryKeyConstraint("upstream_id", "subject"), Index(None, "person_id"), _SECURITY)

    upstream_id: Mapped[UUID] = mapped_column(ForeignKey("sec.upstreams.id"))
    subject: Mapped[str]
    person_id: Mapped[UUID] = mapped_column(ForeignKey("sec.people.id"))
    linked_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    ended_at: Mapped[datetime | None]
