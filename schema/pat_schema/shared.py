"""What the receiver of a referral reads of the case: what was agreed to, and for the rest that it is not shared."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import strawberry

from pat_platform.engine.declare import (
    Choice,
    Column,
    Declaration,
    Finish,
    Same,
    Source,
    ToMany,
    ToOne,
    Variant,
)
from pat_platform.engine.kinds import CODE, DATETIME, TEXT
from pat_schema.declaring import described, found
from pat_schema.hearings import DayInCourt
from pat_schema.problems import Withheld, WithheldReason
from pat_schema.survivors import withheld
from pat_tenants.cases.models import Jurisdiction, ProceedingStage, RiskLevel
from pat_tenants.hearings import reads as hearings
from pat_tenants.htcds import Gender
from pat_tenants.referrals import reads
from pat_tenants.referrals.models import Scope

UNSEAL_KEPT = "unseal_kept"
"""The finishing step that opens a sealed value of another organisation's survivor."""


def _shared(scope: Scope, type_name: str, source: Source | None = None) -> Declaration:
    """What one scope opens, and for a referral that does not share it, that it does not."""
    shown: Same | ToOne = Same() if source is None else ToOne(source, reads.OF_SHARED)
    return Choice(
        (Variant(reads.is_shared(scope.value), type_name, shown), withheld(WithheldReason.NOT_SHARED))
    )


def _kept(column: str) -> Declaration:
    return Finish(reads.kept(column), UNSEAL_KEPT)


@described
class SharedProceeding:
    """A criminal proceeding, as the receiver of a referral may know it."""

    jurisdiction: Jurisdiction = found(
        Column("jurisdiction", CODE, nullable=False), "Where she comes from, or where she was taken."
    )
    state: str = found(Column("state", TEXT, nullable=False), "The state of India whose court it is.")
    stage: ProceedingStage = found(Column("stage", CODE, nullable=False), "How far it has come.")


@described
class SharedLegalStatus:
    """How her proceedings stand. Every read of it is recorded."""

    proceedings: list[SharedProceeding] = found(
        ToMany(reads.PROCEEDINGS, reads.OF_SHARED, order=reads.BY_COURT), "All of them."
    )


@described
class SharedHearing(DayInCourt):
    """A day in court that the sender of a referral wrote down."""


@described
class SharedSchedule:
    """Her days in court, as the sender wrote them down. Every read of it is recorded."""

    hearings: list[SharedHearing] = found(
        ToMany(hearings.SHARED, reads.OF_SHARED, order=hearings.BY_DAY), "In order."
    )


@described
class SharedIdentity:
    """What is needed to know her when she comes. Every read of it is recorded. Absent values are not known."""

    first_name: str | None = found(_kept("first_name"), "HTCDS 2.0 `prs_FirstName`.")
    alias: str | None = found(_kept("alias"), "The name she wants to be called by.")
    gender: Gender = found(Column("gender", CODE, nullable=False), "HTCDS 2.0 `prs_Gender`.")
    age_band: str | None = found(Column("age_band", TEXT), "Five years, such as `15-19`.")
    primary_language: str | None = found(Column("primary_language", TEXT), "ISO 639-1.")


@described
class SharedContact:
    """How she can be reached. Every read of it is recorded. Absent values are not known."""

    phone: str | None = found(_kept("phone"), "HTCDS 2.0 `prs_MobilePhone`.")
    primary_language: str | None = found(
        Column("primary_language", TEXT), "In which language to speak to her, ISO 639-1."
    )


@described
class SharedRisk:
    """The risk to her. Every read of it is recorded."""

    level: RiskLevel = found(Column("risk_level", CODE, nullable=False), "As last assessed.")


LegalStatusResult = Annotated[SharedLegalStatus | Withheld, strawberry.union("LegalStatusResult")]
ScheduleResult = Annotated[SharedSchedule | Withheld, strawberry.union("ScheduleResult")]
SharedIdentityResult = Annotated[SharedIdentity | Withheld, strawberry.union("SharedIdentityResult")]
ContactResult = Annotated[SharedContact | Withheld, strawberry.union("ContactResult")]
RiskResult = Annotated[SharedRisk | Withheld, strawberry.union("RiskResult")]


@described
class SharedCase:
    """What a receiver may know of the case behind a referral: a view, never a copy. What was not agreed to is withheld."""

    pseudonym: str = found(
        Column("pseudonym", TEXT, nullable=False),
        "The name of the survivor for the caller's organisation alone: every other one has another.",
    )
    expires_at: datetime = found(
        Column("expires_at", DATETIME, nullable=False),
        "When it ends at the latest. Forget what was read here then, or as soon as `referralChanged` says `purge`.",
    )
    legal_status: LegalStatusResult = found(
        _shared(Scope.LEGAL_STATUS, "SharedLegalStatus"), "How her proceedings stand."
    )
    schedule: ScheduleResult = found(
        _shared(Scope.HEARING_SCHEDULE, "SharedSchedule"), "Her days in court, past and to come."
    )
    identity: SharedIdentityResult = found(
        _shared(Scope.IDENTITY_MINIMAL, "SharedIdentity", reads.IDENTITIES), "Who she is."
    )
    contact: ContactResult = found(
        _shared(Scope.CONTACT_SAFE, "SharedContact", reads.CONTACTS), "How she can be reached."
    )
    risk: RiskResult = found(_shared(Scope.RISK_SAFETY, "SharedRisk"), "The risk to her.")
