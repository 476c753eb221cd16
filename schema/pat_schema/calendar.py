"""One calendar of days in court, across states: what an organisation knows itself, and what the other sides of its referrals say."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated

import strawberry

from pat_auth.policy import Permission
from pat_platform.engine.declare import Column, Declaration, GlobalId, ToOne
from pat_platform.engine.declare import Connection as Page
from pat_platform.engine.kinds import CODE, DATE, TEXT, Kind
from pat_schema.cases import Case
from pat_schema.declaring import codes, declared, described, found, mutation
from pat_schema.declaring import reads as read_by
from pat_schema.hearings import (
    Hearing,
    Info,
    ReferralHearing,
    ReportHearingInput,
    preparation_of,
)
from pat_schema.ids import uuid_of
from pat_schema.node import Connection
from pat_schema.problems import Refusal
from pat_schema.referrals import Referral
from pat_schema.sharing import by_side
from pat_schema.verbs import saved
from pat_tenants.cases import reads as cases
from pat_tenants.cases.models import HearingMode, HearingPurpose
from pat_tenants.hearings import reads, service
from pat_tenants.hearings.arrangements import HearingState
from pat_tenants.referrals import reads as referrals


@codes
class HearingSide(StrEnum):
    """Whose word it is: that of the caller's organisation, or of the one on the other side of a referral."""

    OWN = "OWN"
    PARTNER = "PARTNER"


@codes
class HearingOrder(StrEnum):
    """How days in court are ordered."""

    HELD_ON_ASC = "HELD_ON_ASC"
    HELD_ON_DESC = "HELD_ON_DESC"


def _said(name: str, kind: Kind, *, nullable: bool = False) -> Declaration:
    """A column of a day. What a receiver reads of it is recorded, under the referral."""
    return by_side(
        Column(name, kind, nullable=nullable),
        Column(name, kind, nullable=nullable, audits=reads.SCHEDULE_READ),
    )


@described
class CourtDay:
    """A day in the calendar."""

    id: strawberry.ID = found(GlobalId("CourtDay"), "Opaque.")
    held_on: date = found(_said("held_on", DATE), "The day, past or to come.")
    mode: HearingMode = found(_said("mode", CODE), "In the court room or by video link.")
    purpose: HearingPurpose | None = found(_said("purpose", CODE, nullable=True), "What it is for.")
    state: HearingState = found(_said("state", CODE), "How far it is prepared, or how it ended.")
    court_point: str | None = found(
        _said("court_point", TEXT, nullable=True), "The court, as the name of an office."
    )
    remote_point: str | None = found(
        _said("remote_point", TEXT, nullable=True), "From where she speaks by video link."
    )
    side: HearingSide = found(Column("side", TEXT, nullable=False), "Whose word it is.")
    case: Case | None = found(
        ToOne(cases.CASES, reads.CASE),
        "In which case; null for a receiver.",
        requires=Permission.CASE_READ,
    )
    referral: Referral | None = found(
        by_side(ToOne(referrals.SENT, reads.REFERRAL), ToOne(referrals.RECEIVED, reads.REFERRAL)),
        "Under which referral it is told; null for an organisation's own.",
        requires=Permission.REFERRAL_READ,
    )
    hearing: Hearing | None = found(
        ToOne(reads.HEARINGS, reads.HEARING_OF),
        "All of it, where it is of a proceeding of the caller's organisation.",
        requires=Permission.PROCEEDING_READ,
    )
    reported_hearing: ReferralHearing | None = found(
        by_side(ToOne(reads.SENT, reads.REPORTED_OF), ToOne(reads.RECEIVED, reads.REPORTED_OF)),
        "All of it, where the receiver of a referral reports it.",
    )


@described
class CalendarQuery:
    """Root fields about days in court."""

    @read_by(
        by_side(
            Page(reads.CALENDAR, orders=reads.ORDERS, default_order="HELD_ON_ASC", arguments=reads.WITHIN),
            Page(
                reads.RECEIVED_CALENDAR,
                orders=reads.ORDERS,
                default_order="HELD_ON_ASC",
                arguments=reads.WITHIN,
                audits=reads.SCHEDULE_READ,
                searched=reads.CALENDAR_READ,
            ),
        ),
        requires=Permission.HEARING_READ,
    )
    def hearings(
        self,
        from_: Annotated[date | None, strawberry.argument(name="from")] = strawberry.UNSET,
        to: date | None = strawberry.UNSET,
        order_by: HearingOrder = HearingOrder.HELD_ON_ASC,
        first: int | None = strawberry.UNSET,
        after: str | None = strawberry.UNSET,
        last: int | None = strawberry.UNSET,
        before: str | None = strawberry.UNSET,
    ) -> Connection[CourtDay]:
        """Days in court, from and to these days: the caller's organisation's own, and those told under referrals, in one calendar."""
        declared()


ReportHearingResult = Annotated[Referral | Refusal, strawberry.union("ReportHearingResult")]


@described
class ReportMutation:
    """What a receiver tells of days in court."""

    @mutation(requires=Permission.REFERRAL_ANSWER)
    async def report_hearing(self, info: Info, input: ReportHearingInput) -> ReportHearingResult:
        """Tell the sender of a hearing, while hearings are shared."""
        referral = uuid_of(input.referral_id, "Referral")
        await service.report_hearing(
            info.context.tx,
            received_id=referral,
            day=service.Day(input.held_on, input.mode, input.purpose),
            preparation=preparation_of(input.preparation),
        )
        return saved(Referral, referral)
