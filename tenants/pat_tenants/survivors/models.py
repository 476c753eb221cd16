"""Survivors without identity, and, in tables of their own, who they are and the keys that open it."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    PrimaryKeyConstraint,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from pat_platform.database.models import Base, TableKind, one_of
from pat_tenants.htcds import Gender, MaritalStatus


class Survivor(Base):
    """A survivor as the organisation may list her: a random code and no direct identity (field class N and I1)."""

    __tablename__ = "survivors"
    __table_args__ = (
        PrimaryKeyConstraint("organisation_id", "id"),
        UniqueConstraint("organisation_id", "code"),
        one_of("gender", Gender),
        one_of("marital_status", MaritalStatus),
        CheckConstraint("birth_year between 1900 and 2200", name="birth_year"),
        {"schema": "app", "info": {"kind": TableKind.TENANT, "survivor": "id"}},
    )

    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("app.organisations.id"))
    id: Mapped[UUID]
    code: Mapped[str]
    gender: Mapped[str]
    marital_status: Mapped[str | None]
    birth_year: Mapped[int | None]
    is_minor_at_intake: Mapped[bool]
    primary_language: Mapped[str | None]
    """ISO 639-1 code, as HTCDS asks."""
    place_id: Mapped[UUID | None] = mapped_column(ForeignKey("app.places.id"))
    created_by: Mapped[UUID]
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))


class SurvivorKey(Base):
    """The data key of one survivor, wrapped under her organisation's key. Deleting the row erases what it opens."""

    __tablename__ = "survivor_keys"
    __table_args__ = (
        PrimaryKeyConstraint("organisation_id", "survivor_id"),
        ForeignKeyConstraint(
            ["organisation_id", "survivor_id"], ["app.survivors.organisation_id", "app.survivors.id"]
        ),
        {"schema": "app", "info": {"kind": TableKind.TENANT, "survivor": "survivor_id"}},
    )

    organisation_id: Mapped[UUID]
    survivor_id: Mapped[UUID]
    wrapped: Mapped[bytes]
    created_by: Mapped[UUID]


class SurvivorIdentity(Base):
    """Direct identity (field class I0). Every value is sealed under the survivor's own key; the phone is found by a keyed index."""

    __tablename__ = "survivor_identities"
    __table_args__ = (
        PrimaryKeyConstraint("organisation_id", "survivor_id"),
        ForeignKeyConstraint(
            ["organisation_id", "survivor_id"], ["app.survivors.organisation_id", "app.survivors.id"]
        ),
        ForeignKeyConstraint(
            ["organisation_id", "survivor_id"],
            ["app.survivor_keys.organisation_id", "app.survivor_keys.survivor_id"],
            name="fk_survivor_identities_key",
        ),
        Index(None, "organisation_id", "phone_index"),
        {"schema": "app", "info": {"kind": TableKind.TENANT, "survivor": "survivor_id"}},
    )

    organisation_id: Mapped[UUID]
    survivor_id: Mapped[UUID]
    first_name: Mapped[bytes | None]
    second_name: Mapped[bytes | None]
    alias: Mapped[bytes | None]
    birth_date: Mapped[bytes | None]
    phone: Mapped[bytes | None]
    phone_index: Mapped[bytes | None]
    address: Mapped[bytes | None]
    created_by: Mapped[UUID]
