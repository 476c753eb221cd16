"""People, their memberships and their sign-in sessions, and the database logins of organisations."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, PrimaryKeyConstraint, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from pat_auth.policy import Role
from pat_platform.database.models import Base, TableKind, one_of


class Person(Base):
    """One human being who signs in. Only the issuer reads this table: colleagues see a :class:`Membership`."""

    __tablename__ = "people"
    __table_args__ = (UniqueConstraint("email"), {"schema": "sec", "info": {"kind": TableKind.SECURITY}})

    id: Mapped[UUID] = mapped_column(primary_key=True)
    email: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))


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
    """One sign-in. Its id is the secret that every transaction enters with; the database checks it, statement by statement."""

    __tablename__ = "sessions"
    __table_args__ = (
        Index(None, "organisation_id", "membership_id"),
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


class Membership(Base):
    """A person's place in one organisation, in one role, under the name that colleagues know."""

    __tablename__ = "memberships"
    __table_args__ = (
        PrimaryKeyConstraint("organisation_id", "id"),
        UniqueConstraint("organisation_id", "person_id", "role"),
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
