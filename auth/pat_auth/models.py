"""People and what they prove themselves with, memberships and sessions, and the database logins of organisations."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
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

from pat_auth.policy import Role
from pat_platform.database.models import Base, TableKind, one_of


class Person(Base):
    """One human being who signs in. Only the issuer reads this table: colleagues see a :class:`Membership`."""

    __tablename__ = "people"
    __table_args__ = (
        UniqueConstraint("email"),
        UniqueConstraint("sign_in_name"),
        UniqueConstraint("link_hash"),
        CheckConstraint("email = lower(email)", name="email"),
        {"schema": "sec", "info": {"kind": TableKind.SECURITY}},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    email: Mapped[str | None]
    """In lower case, so that two spellings are one person; None for a machine."""
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    disabled_at: Mapped[datetime | None]
    language: Mapped[str] = mapped_column(server_default="en")
    sign_in_name: Mapped[str | None]
    """What somebody signs in with who has a PIN, and no address."""
    link_hash: Mapped[bytes | None]
    """Of the link by which she chooses her name and her PIN; once."""
    link_until: Mapped[datetime | None]


class SecretKind(StrEnum):
    """What a person knows, and nobody else."""

    PASSWORD = "PASSWORD"  # noqa: S105  # it names a kind
    PIN = "PIN"
    DURESS = "DURESS"
    """A PIN that opens a harmless view."""


class Secret(Base):
    """A password or PIN: the Argon2id hash of what a keyed hash made of it."""

    __tablename__ = "secrets"
    __table_args__ = (
        one_of("kind", SecretKind),
        PrimaryKeyConstraint("person_id", "kind"),
        {"schema": "sec", "info": {"kind": TableKind.SECURITY}},
    )

    person_id: Mapped[UUID] = mapped_column(ForeignKey("sec.people.id"))
    kind: Mapped[str]
    hash: Mapped[str]
    key: Mapped[int] = mapped_column(SmallInteger(), server_default=text("1"))
    """Which key of the deployment stands before the hash."""
    changed_at: Mapped[datetime] = mapped_column(server_default=text("now()"))


class SecondFactor(Base):
    """A generator of one-time codes (RFC 6238). Its secret is sealed; a step counts once."""

    __tablename__ = "second_factors"
    __table_args__ = (
        PrimaryKeyConstraint("person_id", "id"),
        {"schema": "sec", "info": {"kind": TableKind.SECURITY}},
    )

    person_id: Mapped[UUID] = mapped_column(ForeignKey("sec.people.id"))
    id: Mapped[UUID]
    sealed: Mapped[bytes]
    key: Mapped[int] = mapped_column(SmallInteger(), server_default=text("1"))
    confirmed_at: Mapped[datetime | None]
    last_step: Mapped[int] = mapped_column(BigInteger(), server_default=text("0"))
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))


class RecoveryCode(Base):
    """A code that stands in for a second factor, once. Kept as a keyed hash."""

    __tablename__ = "recovery_codes"
    __table_args__ = (
        PrimaryKeyConstraint("person_id", "hash"),
        {"schema": "sec", "info": {"kind": TableKind.SECURITY}},
    )

    person_id: Mapped[UUID] = mapped_column(ForeignKey("sec.people.id"))
    hash: Mapped[bytes]
    used_at: Mapped[datetime | None]


class Passkey(Base):
    """A key that a phone or a stick of hers holds (WebAuthn). All that is kept of it is public."""

    __tablename__ = "passkeys"
    __table_args__ = (
        Index(None, "person_id"),
        CheckConstraint("length(name) <= 60", name="name"),
        {"schema": "sec", "info": {"kind": TableKind.SECURITY}},
    )

    id: Mapped[bytes] = mapped_column(primary_key=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("sec.people.id"))
    handle: Mapped[bytes]
    """What it knows her by: random, and the same for all of hers."""
    public_key: Mapped[bytes]
    sign_count: Mapped[int] = mapped_column(BigInteger())
    """How often it says that it has signed: a copy of it would fall behind. Many say 0 for ever."""
    transports: Mapped[list[str]] = mapped_column(ARRAY(Text()), server_default="{}")
    name: Mapped[str] = mapped_column(server_default="")
    """What she calls it."""
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    used_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]


class Login(Base):
    """A database login of one organisation in one role. Its password is derived from the generation, never stored."""

    __tablename__ = "logins"
    __table_args__ = (
        one_of("role", Role),
        UniqueConstraint("organisation_id", "role"),
        {"schema": "sec", "info": {"kind": TableKind.SECURITY}},
    )

    login: Mapped[str] = mapped_column(primary_key=True)
    organisation_id: Mapped[UUID]
    role: Mapped[str]
    generation: Mapped[int] = mapped_column(server_default=text("1"))


class Session(Base):
    """One sign-in. Its id is the secret that every transaction enters with; the database checks it, statement by statement.

    Clients, people and logs know it by its ``handle``.
    """

    __tablename__ = "sessions"
    __table_args__ = (
        Index(None, "organisation_id", "membership_id"),
        Index(None, "person_id"),
        Index(None, "browser_id"),
        Index(None, "client"),
        Index(None, "expires_at"),
        UniqueConstraint("handle"),
        CheckConstraint("acr in ('1', '2')", name="acr"),
        {"schema": "sec", "info": {"kind": TableKind.SECURITY}},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    login: Mapped[str] = mapped_column(ForeignKey("sec.logins.login"))
    organisation_id: Mapped[UUID]
    membership_id: Mapped[UUID]
    person_id: Mapped[UUID] = mapped_column(ForeignKey("sec.people.id"))
    client: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    handle: Mapped[UUID] = mapped_column(server_default=text("gen_random_uuid()"))
    browser_id: Mapped[UUID | None]
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text()), server_default="{}")
    auth_time: Mapped[datetime | None]
    """When she last proved who she is, with all that ``acr`` says."""
    acr: Mapped[str | None]
    """``1`` for one factor, ``2`` for two."""
    used_at: Mapped[datetime | None]
    revoked_because: Mapped[str | None]
    is_duress: Mapped[bool] = mapped_column(server_default=text("false"))


class Membership(Base):
    """A person's place in one organisation, in one role, under the name that colleagues know."""

    __tablename__ = "memberships"
    __table_args__ = (
        PrimaryKeyConstraint("organisation_id", "id"),
        UniqueConstraint("organisation_id", "person_id", "role"),
        Index(
            "uq_memberships_survivor",
            "organisation_id",
            "survivor_id",
            unique=True,
            postgresql_where=text("role = 'survivor' and ended_at is null"),
        ),
        one_of("role", Role),
        {"schema": "app", "info": {"kind": TableKind.TENANT}},
    )

    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("app.organisations.id"))
    id: Mapped[UUID]
    person_id: Mapped[UUID]
    role: Mapped[str]
    name: Mapped[str]
    survivor_id: Mapped[UUID | None]
    """The survivor whose record this is, for the role ``survivor``; None for staff."""
    started_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    ended_at: Mapped[datetime | None]
