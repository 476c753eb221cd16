"""The sender's word on its end of a video link, about a day in court that a receiver reports."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, PrimaryKeyConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from pat_platform.database.models import Base, TableKind, one_of
from pat_tenants.hearings.arrangements import SupportPerson, is_office


class HearingConfirmation(Base):
    """From where she speaks on a day that the receiver of a referral reports, and who is there: a row of whoever sent it.

    It says what holds now: a newer word replaces it. The receiver sees it while hearings are shared, and takes no step without it.
    """

    __tablename__ = "hearing_confirmations"
    __table_args__ = (
        PrimaryKeyConstraint("organisation_id", "hearing_id"),
        ForeignKeyConstraint(
            ["hearing_organisation_id", "hearing_id"],
            ["app.referral_hearings.organisation_id", "app.referral_hearings.id"],
            name="fk_hearing_confirmations_hearing",
        ),
        ForeignKeyConstraint(
            ["organisation_id", "referral_id"],
            ["app.referrals.organisation_id", "app.referrals.id"],
            name="fk_hearing_confirmations_referral",
        ),
        ForeignKeyConstraint(
            ["organisation_id", "case_id", "survivor_id"],
            ["app.cases.organisation_id", "app.cases.id", "app.cases.survivor_id"],
            name="fk_hearing_confirmations_case",
        ),
        one_of("support_person", SupportPerson),
        CheckConstraint(is_office("remote_point"), name="remote_point"),
        Index(None, "organisation_id", "referral_id"),
        {"schema": "app", "info": {"kind": TableKind.TENANT, "case": "case_id", "survivor": "survivor_id"}},
    )

    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("app.organisations.id"))
    hearing_id: Mapped[UUID]
    hearing_organisation_id: Mapped[UUID]
    """Whose row the day is: the receiver's."""
    referral_id: Mapped[UUID]
    """The sender's own name of it."""
    case_id: Mapped[UUID]
    survivor_id: Mapped[UUID]
    remote_point: Mapped[str]
    """As the name of an office."""
    has_coordinator: Mapped[bool]
    support_person: Mapped[str | None]
    """What she or he is, never a name."""
    created_by: Mapped[UUID]
    created_at: Mapped[datetime] = mapped_column(server_default=text("clock_timestamp()"))
    updated_by: Mapped[UUID]
    updated_at: Mapped[datetime] = mapped_column(server_default=text("clock_timestamp()"))
