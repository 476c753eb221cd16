"""Cases and what hangs on them: assignments, notes and their text, legal proceedings, hearings."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import (
    ARRAY,
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
from pat_tenants.hearings.arrangements import Arrangements, checks
from pat_tenants.htcds import Exploitation, TraffickingStatus


class CaseStatus(StrEnum):
    """The state of a case; ``pat_tenants.cases.rules`` maps it to the four codes of HTCDS."""

    DRAFT = "DRAFT"
    SUBMITTED = "SUBMITTED"
    SCREENED = "SCREENED"
    NOT_ELIGIBLE = "NOT_ELIGIBLE"
    ACTIVE = "ACTIVE"
    FOLLOW_UP = "FOLLOW_UP"
    CLOSURE_REQUESTED = "CLOSURE_REQUESTED"
    TRANSFER_PENDING = "TRANSFER_PENDING"
    CLOSED = "CLOSED"
    CLOSED_REFERRED = "CLOSED_REFERRED"


class CaseStage(StrEnum):
    """How far a survivor has come: the second axis of a case."""

    MISSING = "MISSING"
    TRACED = "TRACED"
    RESCUED = "RESCUED"
    IN_SHELTER = "IN_SHELTER"
    RESTORATION_ORDERED = "RESTORATION_ORDERED"
    REPATRIATED = "REPATRIATED"
    REUNITED = "REUNITED"
    COMMUNITY_REHAB = "COMMUNITY_REHAB"
    INDEPENDENT = "INDEPENDENT"


class RiskLevel(StrEnum):
    """The risk to the survivor, as last assessed."""

    LOW = "LOW"
    MEDIUM = "MEDIUM"
    HIGH = "HIGH"


class NoteKind(StrEnum):
    """What a note is about."""

    GENERAL = "GENERAL"
    HOME_VISIT = "HOME_VISIT"
    PHONE_CALL = "PHONE_CALL"
    LEGAL = "LEGAL"
    SAFETY = "SAFETY"


class Jurisdiction(StrEnum):
    """Where a proceeding runs: where she comes from, or where she was taken."""

    SOURCE = "SOURCE"
    DESTINATION = "DESTINATION"


class ProceedingStage(StrEnum):
    """The stage of a criminal proceeding."""

    NOT_REPORTED = "NOT_REPORTED"
    GD_ENTRY = "GD_ENTRY"
    FIR = "FIR"
    INVESTIGATION = "INVESTIGATION"
    CHARGESHEET = "CHARGESHEET"
    FINAL_REPORT = "FINAL_REPORT"
    PROTEST_PETITION = "PROTEST_PETITION"
    COGNIZANCE = "COGNIZANCE"
    CHARGE_FRAMED = "CHARGE_FRAMED"
    EVIDENCE = "EVIDENCE"
    ARGUMENTS = "ARGUMENTS"
    JUDGMENT = "JUDGMENT"
    APPEAL = "APPEAL"
    DISPOSED = "DISPOSED"


class HearingMode(StrEnum):
    """Whether the survivor must be in the court room, or speaks by video link."""

    PHYSICAL = "PHYSICAL"
    VIDEO = "VIDEO"


class HearingPurpose(StrEnum):
    """What a day in court is for. A code, never a text: it is shared with other organisations."""

    APPEARANCE = "APPEARANCE"
    BAIL = "BAIL"
    CHARGE = "CHARGE"
    EVIDENCE = "EVIDENCE"
    ARGUMENTS = "ARGUMENTS"
    JUDGMENT = "JUDGMENT"
    COMPENSATION = "COMPENSATION"
    OTHER = "OTHER"


class Case(Base):
    """One case of one survivor (field class N, dates I1)."""

    __tablename__ = "cases"
    __table_args__ = (
        PrimaryKeyConstraint("organisation_id", "id"),
        UniqueConstraint("organisation_id", "code"),
        UniqueConstraint("organisation_id", "id", "survivor_id"),
        ForeignKeyConstraint(
            ["organisation_id", "survivor_id"], ["app.survivors.organisation_id", "app.survivors.id"]
        ),
        one_of("status", CaseStatus),
        one_of("stage", CaseStage),
        one_of("risk_level", RiskLevel),
        one_of("trafficking_status", TraffickingStatus),
        all_of("exploitation", Exploitation),
        CheckConstraint("closed_on is null or closed_on >= opened_on", name="closed_on"),
        Index(None, "organisation_id", "survivor_id"),
        Index(None, "organisation_id", "opened_on", "id"),
        Index(None, "organisation_id", "status", "opened_on", "id"),
        {"schema": "app", "info": {"kind": TableKind.TENANT, "case": "id", "survivor": "survivor_id"}},
    )

    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("app.organisations.id"))
    id: Mapped[UUID]
    survivor_id: Mapped[UUID]
    code: Mapped[str]
    status: Mapped[str]
    stage: Mapped[str]
    risk_level: Mapped[str]
    trafficking_status: Mapped[str]
    exploitation: Mapped[list[str]] = mapped_column(ARRAY(Text()), server_default=text("'{}'"))
    place_id: Mapped[UUID | None] = mapped_column(ForeignKey("app.places.id"))
    opened_on: Mapped[date]
    closed_on: Mapped[date | None]
    version: Mapped[int] = mapped_column(server_default=text("1"))
    created_by: Mapped[UUID]
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    updated_by: Mapped[UUID]
    updated_at: Mapped[datetime] = mapped_column(server_default=text("now()"))


class CaseAssignment(Base):
    """Who works on a case, in which role. Until it ends, it is what ``ASSIGNED`` reaches by."""

    __tablename__ = "case_assignments"
    __table_args__ = (
        PrimaryKeyConstraint("organisation_id", "id"),
        ForeignKeyConstraint(
            ["organisation_id", "case_id", "survivor_id"],
            ["app.cases.organisation_id", "app.cases.id", "app.cases.survivor_id"],
        ),
        ForeignKeyConstraint(
            ["organisation_id", "membership_id"],
            ["app.memberships.organisation_id", "app.memberships.id"],
            name="fk_case_assignments_membership",
        ),
        Index(None, "organisation_id", "membership_id", "case_id", postgresql_where=text("ended_at is null")),
        Index(
            "uq_case_assignments_live",
            "organisation_id",
            "case_id",
            "membership_id",
            unique=True,
            postgresql_where=text("ended_at is null"),
        ),
        {"schema": "app", "info": {"kind": TableKind.TENANT, "case": "case_id", "survivor": "survivor_id"}},
    )

    organisation_id: Mapped[UUID]
    id: Mapped[UUID]
    case_id: Mapped[UUID]
    survivor_id: Mapped[UUID]
    person_id: Mapped[UUID]
    """For the release before, which knows her by it alone; nothing is decided by it."""
    membership_id: Mapped[UUID | None]
    """What the release before assigns has none: it is nobody's."""
    started_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    ended_at: Mapped[datetime | None]
    created_by: Mapped[UUID]


class CaseNote(Base):
    """That a note was written, when and by whom (field class N). Its text is a :class:`CaseNoteText`."""

    __tablename__ = "case_notes"
    __table_args__ = (
        PrimaryKeyConstraint("organisation_id", "id"),
        UniqueConstraint("organisation_id", "id", "case_id", "survivor_id"),
        ForeignKeyConstraint(
            ["organisation_id", "case_id", "survivor_id"],
            ["app.cases.organisation_id", "app.cases.id", "app.cases.survivor_id"],
        ),
        one_of("kind", NoteKind),
        Index(None, "organisation_id", "case_id", "written_at", "id"),
        {"schema": "app", "info": {"kind": TableKind.TENANT, "case": "case_id", "survivor": "survivor_id"}},
    )

    organisation_id: Mapped[UUID]
    id: Mapped[UUID]
    case_id: Mapped[UUID]
    survivor_id: Mapped[UUID]
    kind: Mapped[str]
    written_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    created_by: Mapped[UUID]


class CaseNoteText(Base):
    """The text of a note (field class F: treated as direct identity), sealed under the survivor's key."""

    __tablename__ = "case_note_texts"
    __table_args__ = (
        PrimaryKeyConstraint("organisation_id", "note_id"),
        ForeignKeyConstraint(
            ["organisation_id", "note_id", "case_id", "survivor_id"],
            [
                "app.case_notes.organisation_id",
                "app.case_notes.id",
                "app.case_notes.case_id",
                "app.case_notes.survivor_id",
            ],
        ),
        ForeignKeyConstraint(
            ["organisation_id", "survivor_id"],
            ["app.survivor_keys.organisation_id", "app.survivor_keys.survivor_id"],
            name="fk_case_note_texts_key",
        ),
        {"schema": "app", "info": {"kind": TableKind.TENANT, "case": "case_id", "survivor": "survivor_id"}},
    )

    organisation_id: Mapped[UUID]
    note_id: Mapped[UUID]
    case_id: Mapped[UUID]
    survivor_id: Mapped[UUID]
    text: Mapped[bytes]
    created_by: Mapped[UUID]


class LegalProceeding(Base):
    """One criminal proceeding (field class L). FIR numbers are not here: with a date they identify her."""

    __tablename__ = "legal_proceedings"
    __table_args__ = (
        PrimaryKeyConstraint("organisation_id", "id"),
        UniqueConstraint("organisation_id", "id", "case_id", "survivor_id"),
        ForeignKeyConstraint(
            ["organisation_id", "case_id", "survivor_id"],
            ["app.cases.organisation_id", "app.cases.id", "app.cases.survivor_id"],
        ),
        one_of("jurisdiction", Jurisdiction),
        one_of("stage", ProceedingStage),
        Index(None, "organisation_id", "case_id", "filed_on"),
        {"schema": "app", "info": {"kind": TableKind.TENANT, "case": "case_id", "survivor": "survivor_id"}},
    )

    organisation_id: Mapped[UUID]
    id: Mapped[UUID]
    case_id: Mapped[UUID]
    survivor_id: Mapped[UUID]
    jurisdiction: Mapped[str]
    state: Mapped[str]
    court: Mapped[str | None]
    stage: Mapped[str]
    sections: Mapped[list[str]] = mapped_column(ARRAY(Text()), server_default=text("'{}'"))
    filed_on: Mapped[date | None]
    created_by: Mapped[UUID]


class Hearing(Arrangements, Base):
    """A hearing of a proceeding of this organisation (field class L)."""

    __tablename__ = "hearings"
    __table_args__ = (
        PrimaryKeyConstraint("organisation_id", "id"),
        ForeignKeyConstraint(
            ["organisation_id", "proceeding_id", "case_id", "survivor_id"],
            [
                "app.legal_proceedings.organisation_id",
                "app.legal_proceedings.id",
                "app.legal_proceedings.case_id",
                "app.legal_proceedings.survivor_id",
            ],
        ),
        one_of("mode", HearingMode),
        one_of("purpose", HearingPurpose),
        *checks(),
        Index(None, "organisation_id", "proceeding_id", "held_on"),
        Index(None, "organisation_id", "held_on", "id"),
        {"schema": "app", "info": {"kind": TableKind.TENANT, "case": "case_id", "survivor": "survivor_id"}},
    )

    organisation_id: Mapped[UUID]
    id: Mapped[UUID]
    proceeding_id: Mapped[UUID]
    case_id: Mapped[UUID]
    survivor_id: Mapped[UUID]
    held_on: Mapped[date]
    mode: Mapped[str]
    purpose: Mapped[str | None]
    created_by: Mapped[UUID]
