"""Rows of the receiver about a referral: to whom it gave it, and what has been done. Each is added, and never changed."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, PrimaryKeyConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from pat_platform.database.models import Base, TableKind, one_of


class UpdateKind(StrEnum):
    """What has been done about a referral. A code, never a text: the other side reads it."""

    CONTACT_MADE = "CONTACT_MADE"
    VISIT_MADE = "VISIT_MADE"
    LAWYER_APPOINTED = "LAWYER_APPOINTED"
    APPLICATION_FILED = "APPLICATION_FILED"
    ORDER_RECEIVED = "ORDER_RECEIVED"
    SHELTER_GIVEN = "SHELTER_GIVEN"
    TRACED = "TRACED"
    RETURN_ARRANGED = "RETURN_ARRANGED"
    RETURNED = "RETURNED"
    OTHER_STEP = "OTHER_STEP"


class ReferralUpdate(Base):
    """That something has been done about a referral, on which day."""

    __tablename__ = "referral_updates"
    __table_args__ = (
        PrimaryKeyConstraint("organisation_id", "id"),
        ForeignKeyConstraint(
            ["referral_organisation_id", "referral_id"],
            ["app.referrals.organisation_id", "app.referrals.received_id"],
            name="fk_referral_updates_referral",
        ),
        one_of("kind", UpdateKind),
        # What has been done was done: what is planned is none.
        CheckConstraint(
            "happened_on >= date '2000-01-01' and happened_on <= (created_at at time zone 'Asia/Kolkata')::date",
            name="happened_on",
        ),
        Index(
            "ix_referral_updates_of_referral", "organisation_id", "referral_organisation_id", "referral_id"
        ),
        {"schema": "app", "info": {"kind": TableKind.TENANT}},
    )

    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("app.organisations.id"))
    id: Mapped[UUID]
    referral_organisation_id: Mapped[UUID]
    referral_id: Mapped[UUID]
    """The referral's ``received_id``."""
    kind: Mapped[str]
    happened_on: Mapped[date]
    created_by: Mapped[UUID]
    created_at: Mapped[datetime] = mapped_column(server_default=text("clock_timestamp()"))


class ReferralAssignment(Base):
    """To whom the receiver has given a referral; the newest of them counts. None: to nobody any more."""

    __tablename__ = "referral_assignments"
    __table_args__ = (
        PrimaryKeyConstraint("organisation_id", "id"),
        ForeignKeyConstraint(
            ["referral_organisation_id", "referral_id"],
            ["app.referrals.organisation_id", "app.referrals.received_id"],
            name="fk_referral_assignments_referral",
        ),
        ForeignKeyConstraint(
            ["organisation_id", "membership_id"],
            ["app.memberships.organisation_id", "app.memberships.id"],
            name="fk_referral_assignments_membership",
        ),
        Index(
            "ix_referral_assignments_newest",
            *("organisation_id", "referral_organisation_id", "referral_id", "created_at"),
        ),
        Index(None, "organisation_id", "membership_id"),
        {"schema": "app", "info": {"kind": TableKind.TENANT}},
    )

    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("app.organisations.id"))
    id: Mapped[UUID]
    referral_organisation_id: Mapped[UUID]
    referral_id: Mapped[UUID]
    membership_id: Mapped[UUID | None]
    created_by: Mapped[UUID]
    created_at: Mapped[datetime] = mapped_column(server_default=text("clock_timestamp()"))
    """Not the transaction's: of two that ran at once, one was later."""
