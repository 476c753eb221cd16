"""Referrals: the row of the organisation that sends, and the rows that the receiver owns about it."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    PrimaryKeyConstraint,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from pat_platform.database.models import Base, TableKind, all_of, one_of
from pat_tenants.cases.models import HearingMode, HearingPurpose
from pat_tenants.hearings.arrangements import Arrangements, checks


class ReferralStatus(StrEnum):
    """The state of a referral as both sides see it. EXPIRED is derived when it is read and never stored."""

    DRAFT = "DRAFT"
    CONSENT_RECORDED = "CONSENT_RECORDED"
    SENT = "SENT"
    ACCEPTED = "ACCEPTED"
    DECLINED = "DECLINED"
    EXPIRED = "EXPIRED"
    IN_PROGRESS = "IN_PROGRESS"
    COMPLETED = "COMPLETED"
    CLOSED = "CLOSED"
    REVOKED = "REVOKED"
    SUSPENDED = "SUSPENDED"


class SenderState(StrEnum):
    """What the sending organisation itself has done with its referral."""

    DRAFT = "DRAFT"
    CONSENT_RECORDED = "CONSENT_RECORDED"
    SENT = "SENT"
    SUSPENDED = "SUSPENDED"
    REVOKED = "REVOKED"
    CLOSED = "CLOSED"


class Answer(StrEnum):
    """What the receiving organisation says of a referral: each at most once; what ends it counts before what opens it."""

    ACCEPTED = "ACCEPTED"
    DECLINED = "DECLINED"
    IN_PROGRESS = "IN_PROGRESS"
    COMPLETED = "COMPLETED"


class DeclineReason(StrEnum):
    """Why a receiver declines a referral. Its sender reads it."""

    NO_CAPACITY = "NO_CAPACITY"
    OUTSIDE_AREA = "OUTSIDE_AREA"
    NOT_OUR_SERVICE = "NOT_OUR_SERVICE"
    SAFETY = "SAFETY"
    ALREADY_KNOWN = "ALREADY_KNOWN"
    OTHER_REASON = "OTHER_REASON"


class EndReason(StrEnum):
    """Why a sender suspends, revokes or closes a referral. No receiver learns it: that could endanger her."""

    SAFETY = "SAFETY"
    WORK_DONE = "WORK_DONE"
    NO_ANSWER = "NO_ANSWER"
    PARTNER = "PARTNER"
    MISTAKE = "MISTAKE"


class Scope(StrEnum):
    """What a survivor may agree to share with one organisation."""

    LEGAL_STATUS = "LEGAL_STATUS"
    HEARING_SCHEDULE = "HEARING_SCHEDULE"
    IDENTITY_MINIMAL = "IDENTITY_MINIMAL"
    IDENTITY_FULL = "IDENTITY_FULL"
    CONTACT_SAFE = "CONTACT_SAFE"
    HEALTH_MHPSS = "HEALTH_MHPSS"
    SHELTER_REPATRIATION = "SHELTER_REPATRIATION"
    COMPENSATION = "COMPENSATION"
    DOCUMENTS = "DOCUMENTS"
    RISK_SAFETY = "RISK_SAFETY"


class Ground(StrEnum):
    """On what something is shared: her consent, or what there is instead of it."""

    CONSENT = "CONSENT"
    COURT_ORDER = "COURT_ORDER"
    STATUTORY_DUTY = "STATUTORY_DUTY"
    VITAL_INTEREST = "VITAL_INTEREST"


class Need(StrEnum):
    """The kind of service that is asked for: with state and urgency all that a receiver sees before it accepts."""

    LEGAL_REPRESENTATION = "LEGAL_REPRESENTATION"
    COURT_FOLLOW_UP = "COURT_FOLLOW_UP"
    SHELTER = "SHELTER"
    REPATRIATION = "REPATRIATION"
    TRACING = "TRACING"


class Urgency(StrEnum):
    """How soon an answer is needed."""

    ROUTINE = "ROUTINE"
    SOON = "SOON"
    URGENT = "URGENT"


class Referral(Base):
    """What one organisation asks of another about one case: which of what the survivor agreed to it shares, and until when.

    Its own terms narrow what the consent, or another legal basis, and the agreement between the two allow, and never widen it: all three
    are asked at each reading. ``received_id`` is the only name of the referral that the receiver ever learns.
    """

    __tablename__ = "referrals"
    __table_args__ = (
        PrimaryKeyConstraint("organisation_id", "id"),
        UniqueConstraint("organisation_id", "received_id"),
        ForeignKeyConstraint(
            ["organisation_id", "case_id", "survivor_id"],
            ["app.cases.organisation_id", "app.cases.id", "app.cases.survivor_id"],
        ),
        # A consent of hers, for this receiver and this need: another one is none.
        ForeignKeyConstraint(
            ["organisation_id", "consent_id", "survivor_id", "to_organisation_id", "need"],
            [
                "app.consents.organisation_id",
                "app.consents.id",
                "app.consents.survivor_id",
                "app.consents.recipient_id",
                "app.consents.purpose",
            ],
            name="fk_referrals_consent",
        ),
        ForeignKeyConstraint(
            ["organisation_id", "basis_id", "survivor_id", "to_organisation_id", "need"],
            [
                "app.legal_bases.organisation_id",
                "app.legal_bases.id",
                "app.legal_bases.survivor_id",
                "app.legal_bases.recipient_id",
                "app.legal_bases.purpose",
            ],
            name="fk_referrals_basis",
        ),
        CheckConstraint("num_nonnulls(consent_id, basis_id) <= 1", name="ground"),
        one_of("need", Need),
        one_of("urgency", Urgency),
        one_of("state", SenderState),
        one_of("reason", EndReason),
        all_of("scopes", Scope),
        CheckConstraint("to_organisation_id <> organisation_id", name="receiver"),
        CheckConstraint(
            "state in ('DRAFT', 'CONSENT_RECORDED') or (sent_at is not null and agreed_until is not null)",
            name="sent",
        ),
        CheckConstraint("state = 'DRAFT' or agreed_until is not null", name="agreed"),
        Index(None, "organisation_id", "case_id"),
        Index(None, "organisation_id", "consent_id"),
        Index(None, "organisation_id", "basis_id"),
        Index(None, "to_organisation_id", "organisation_id"),
        Index(None, "organisation_id", "agreed_until"),
        {"schema": "app", "info": {"kind": TableKind.TENANT, "case": "case_id", "survivor": "survivor_id"}},
    )

    organisation_id: Mapped[UUID]
    id: Mapped[UUID]
    received_id: Mapped[UUID]
    case_id: Mapped[UUID]
    survivor_id: Mapped[UUID]
    to_organisation_id: Mapped[UUID] = mapped_column(ForeignKey("app.organisations.id"))
    need: Mapped[str]
    urgency: Mapped[str]
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text()), server_default=text("'{}'"))
    state: Mapped[str]
    consent_id: Mapped[UUID | None]
    basis_id: Mapped[UUID | None]
    """What it stands on where it stands on no consent."""
    agreed_until: Mapped[datetime | None]
    """Until when it is to last at most."""
    sent_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    reason: Mapped[str | None]
    """Why it is suspended, revoked or closed."""
    created_by: Mapped[UUID]
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))


class ReferralStep(Base):
    """A state to which the sender has led its referral. The trigger of referrals writes it; nobody changes it."""

    __tablename__ = "referral_steps"
    __table_args__ = (
        PrimaryKeyConstraint("organisation_id", "id"),
        one_of("state", SenderState),
        Index(None, "organisation_id", "referral_id", "taken_at"),
        {"schema": "app", "info": {"kind": TableKind.TENANT, "case": "case_id", "survivor": "survivor_id"}},
    )

    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("app.organisations.id"))
    id: Mapped[UUID] = mapped_column(server_default=text("gen_random_uuid()"))
    referral_id: Mapped[UUID]
    case_id: Mapped[UUID]
    survivor_id: Mapped[UUID]
    state: Mapped[str]
    actor: Mapped[UUID | None]
    """Who took it; None where that was not kept yet."""
    taken_at: Mapped[datetime] = mapped_column(server_default=text("clock_timestamp()"))


class ReferralAnswer(Base):
    """A row of the receiver about a referral of another organisation."""

    __tablename__ = "referral_answers"
    __table_args__ = (
        PrimaryKeyConstraint("organisation_id", "id"),
        UniqueConstraint("organisation_id", "referral_organisation_id", "referral_id", "answer"),
        ForeignKeyConstraint(
            ["referral_organisation_id", "referral_id"],
            ["app.referrals.organisation_id", "app.referrals.received_id"],
            name="fk_referral_answers_referral",
        ),
        one_of("answer", Answer),
        one_of("reason", DeclineReason),
        CheckConstraint("(answer = 'DECLINED') = (reason is not null)", name="declined"),
        {"schema": "app", "info": {"kind": TableKind.TENANT}},
    )

    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("app.organisations.id"))
    id: Mapped[UUID]
    referral_organisation_id: Mapped[UUID]
    referral_id: Mapped[UUID]
    """The referral's ``received_id``."""
    answer: Mapped[str]
    reason: Mapped[str | None]
    answered_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    created_by: Mapped[UUID]


class ReferralHearing(Arrangements, Base):
    """A hearing that the receiver reports for a referral."""

    __tablename__ = "referral_hearings"
    __table_args__ = (
        PrimaryKeyConstraint("organisation_id", "id"),
        ForeignKeyConstraint(
            ["referral_organisation_id", "referral_id"],
            ["app.referrals.organisation_id", "app.referrals.received_id"],
            name="fk_referral_hearings_referral",
        ),
        one_of("mode", HearingMode),
        one_of("purpose", HearingPurpose),
        *checks(),
        Index(
            "ix_referral_hearings_of_referral", "organisation_id", "referral_organisation_id", "referral_id"
        ),
        {"schema": "app", "info": {"kind": TableKind.TENANT}},
    )

    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("app.organisations.id"))
    id: Mapped[UUID]
    referral_organisation_id: Mapped[UUID]
    referral_id: Mapped[UUID]
    held_on: Mapped[date]
    mode: Mapped[str]
    purpose: Mapped[str | None]
    created_by: Mapped[UUID]


class ReferralChange(Base):
    """That a referral has changed, as the organisation that is told of it names it: each change is told to both sides.

    The triggers of the tables that referrals are made of write it; it is forgotten after a week.
    """

    __tablename__ = "referral_changes"
    __table_args__ = (
        PrimaryKeyConstraint("organisation_id", "id"),
        Index(None, "organisation_id", "transaction"),
        Index(None, "transaction"),
        {"schema": "app", "info": {"kind": TableKind.TENANT, "case": "case_id", "survivor": "survivor_id"}},
    )

    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("app.organisations.id"))
    id: Mapped[UUID] = mapped_column(server_default=text("gen_random_uuid()"))
    referral_id: Mapped[UUID]
    case_id: Mapped[UUID | None]
    """The sender's; None where the receiver is told."""
    survivor_id: Mapped[UUID | None]
    transaction: Mapped[int] = mapped_column(
        BigInteger(), server_default=text("pg_current_xact_id()::text::bigint")
    )
    """Which transaction changed it: a snapshot tells which of them somebody has seen."""
    changed_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    is_of_hearings: Mapped[bool] = mapped_column(server_default=text("false"))
    """Whether it is about days in court alone: a receiver is told of it while those are shared."""
