"""Arrivals of survivors who sign in with a PIN, and which of them are alerts."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Index, PrimaryKeyConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from pat_platform.database.models import Base, TableKind


class Alert(Base):
    """That a survivor has come in. Only those that are raised are shown: she came in with the PIN for when somebody makes her."""

    __tablename__ = "alerts"
    __table_args__ = (
        PrimaryKeyConstraint("organisation_id", "id"),
        ForeignKeyConstraint(
            ["organisation_id", "survivor_id"],
            ["app.survivors.organisation_id", "app.survivors.id"],
            name="fk_alerts_survivor",
        ),
        Index(None, "organisation_id", "survivor_id"),
        Index(None, "organisation_id", "created_at"),
        {"schema": "app", "info": {"kind": TableKind.TENANT}},
    )

    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("app.organisations.id"))
    id: Mapped[UUID] = mapped_column(server_default=text("gen_random_uuid()"))
    survivor_id: Mapped[UUID]
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    is_raised: Mapped[bool]
