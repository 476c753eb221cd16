"""Suspensions of partners as the secretariat keeps them."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, PrimaryKeyConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from pat_platform.database.models import Base, TableKind, one_of


class SuspensionReason(StrEnum):
    """Why a partner is suspended. Known to the secretariat alone: whoever has taken a partner over must not learn what is known."""

    COMPROMISED = "COMPROMISED"
    CLOSED = "CLOSED"
    UNDER_REVIEW = "UNDER_REVIEW"


class PartnerSuspension(Base):
    """That nothing is shared with a partner, nor by it, whatever it has signed with whom: while it is in force no door of its is open.

    The doors ask for it where they ask whether an agreement is suspended, at each reading.
    """

    __tablename__ = "partner_suspensions"
    __table_args__ = (
        PrimaryKeyConstraint("organisation_id", "id"),
        one_of("reason", SuspensionReason),
        CheckConstraint("partner_id <> organisation_id", name="partner"),
        Index(
            "uq_partner_suspensions_in_force",
            "organisation_id",
            "partner_id",
            unique=True,
            postgresql_where=text("lifted_at is null"),
        ),
        {"schema": "app", "info": {"kind": TableKind.TENANT}},
    )

    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("app.organisations.id"))
    id: Mapped[UUID]
    partner_id: Mapped[UUID] = mapped_column(ForeignKey("app.organisations.id"))
    reason: Mapped[str]
    created_by: Mapped[UUID]
    created_at: Mapped[datetime] = mapped_column(server_default=text("clock_timestamp()"))
    updated_by: Mapped[UUID | None]
    """Who lifted it."""
    lifted_at: Mapped[datetime | None]
