"""What one organisation agrees to with another: a row of its own for each side."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ARRAY, CheckConstraint, ForeignKey, Index, PrimaryKeyConstraint, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from pat_platform.database.models import Base, TableKind, all_of
from pat_tenants.referrals.models import Scope


class AgreementStatus(StrEnum):
    """How far two organisations are with each other. Only what is LIVE lets a referral be sent, or shows anything of one."""

    AWAITING_PARTNER = "AWAITING_PARTNER"
    AWAITING_US = "AWAITING_US"
    LIVE = "LIVE"
    UPCOMING = "UPCOMING"
    SUSPENDED = "SUSPENDED"
    EXPIRED = "EXPIRED"


class Agreement(Base):
    """What one organisation has signed with a partner. What holds between the two is what both rows say.

    Neither side can widen it, prolong it or take back a suspension for the other.
    """

    __tablename__ = "agreements"
    __table_args__ = (
        PrimaryKeyConstraint("organisation_id", "partner_id"),
        all_of("scopes", Scope),
        CheckConstraint("cardinality(scopes) > 0", name="something"),
        CheckConstraint("valid_until > valid_from", name="valid"),
        CheckConstraint("partner_id <> organisation_id", name="partner"),
        Index(None, "partner_id", "organisation_id"),
        {"schema": "app", "info": {"kind": TableKind.TENANT}},
    )

    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("app.organisations.id"))
    partner_id: Mapped[UUID] = mapped_column(ForeignKey("app.organisations.id"))
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text()))
    valid_from: Mapped[datetime]
    valid_until: Mapped[datetime]
    suspended_at: Mapped[datetime | None]
    """Since when this side shares nothing with the other, and takes nothing from it."""
    created_by: Mapped[UUID]
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    updated_by: Mapped[UUID]
    updated_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
