"""Safety holds as they are kept."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Index, PrimaryKeyConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from pat_platform.database.models import Base, TableKind


class SafetyHold(Base):
    """That somebody else may look over a survivor's shoulder: while it is in force she is not shown who works on her case.

    Nor hearings, nor who has looked at her record. She never learns that there is one.
    """

    __tablename__ = "safety_holds"
    __table_args__ = (
        PrimaryKeyConstraint("organisation_id", "id"),
        ForeignKeyConstraint(
            ["organisation_id", "survivor_id"],
            ["app.survivors.organisation_id", "app.survivors.id"],
            name="fk_safety_holds_survivor",
        ),
        Index(
            "uq_safety_holds_in_force",
            "organisation_id",
            "survivor_id",
            unique=True,
            postgresql_where=text("lifted_at is null"),
        ),
        {"schema": "app", "info": {"kind": TableKind.TENANT, "survivor": "survivor_id"}},
    )

    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("app.organisations.id"))
    id: Mapped[UUID]
    survivor_id: Mapped[UUID]
    created_by: Mapped[UUID]
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    updated_by: Mapped[UUID | None]
    """Who lifted it."""
    lifted_at: Mapped[datetime | None]
