"""Days in court: those of an organisation's own proceedings, and those that receivers of referrals report; how they are prepared."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

import strawberry

from pat_auth.policy import Permission
from pat_platform.engine.declare import Column, Declaration, Expression, GlobalId, ToOne
from pat_platform.engine.kinds import BOOL, CODE, CODE_ARRAY, DATE, DATETIME, TEXT, Kind
from pat_schema.declaring import codes, described, found, input_type, mutation
from pat_schema.ids import uuid_of
from pat_schema.node import Node
from pat_schema.problems import Refusal
from pat_schema.sharing import by_side
from pat_schema.verbs import VerbContext, saved
from pat_tenants.cases.models import HearingMode, HearingPurpose
from pat_tenants.hearings import reads, service
from pat_tenants.hearings.arrangements import HearingOutcome, HearingState, SupportPerson

for enumeration in (HearingMode, HearingPurpose, HearingState, HearingOutcome, SupportPerson):
    codes(enumeration)

Info = strawberry.Info[VerbContext, None]


@described
class DayInCourt:
    """What is known of a day in court, whoever writes of it."""

    held_on: date = found(Column("held_on", DATE, nullable=False), "The day, past or to come.")
    mode: HearingMode = found(Column("mode", CODE, nullable=False), "In the court room or by video link.")
    purpose: HearingPurpose | None = found(Column("purpose", CODE), "What it is for.")
    state: HearingState = found(
        Column("state", CODE, nullable=False), "How far it is prepared, or how it ended."
    )
    court_point: str | None = found(Column("court_point", TEXT), "The court, as the name of an office.")
    remote_point: str | None = found(
        Column("remote_point", TEXT), "From where she speaks by video link, as the name of an office."
    )
    has_coordinator: bool | None = found(
        Column("has_coordinator", BOOL), "Whether somebody coordinates the place she speaks from."
    )
    support_person: SupportPerson | None = found(
        Column("support_person", CODE), "Who is with her, as what she or he is."
    )
    interpreter_language: str | None = found(
        Column("interpreter_language", TEXT), "The language of her interpreter, ISO 639-1."
    )
    outcome: HearingOutcome | None = found(Column("outcome", CODE), "What came of it.")
    next_on: date | None = found(
        Column("next_on", DATE), "The day to which it was adjourned, or on which it goes on."
    )


@described
class Hearing(DayInCourt, Node):
    """A day in court of a proceeding of the caller's organisation."""

    id: strawberry.ID = found(GlobalId("Hearing"), "Opaque.")
    allowed_transitions: list[HearingState] = found(
        Expression(reads.ALLOWED, CODE_ARRAY, nullable=False),
        "The states that the caller may lead it to from here; what else must hold is said when it does not.",
    )


def _told(name: str, kind: Kind, *, nullable: bool = False) -> Declaration:
    """What the sender says of its end. What a receiver reads of it is recorded, under the referral."""
    return by_side(
        Column(name, kind, nullable=nullable),
        Column(name, kind, nullable=nullable, audits=reads.SCHEDULE_READ),
    )


@described
class RemotePointConfirmation:
    """What the sender of a referral says of its end of a link. A newer word replaces it."""

    remote_point: str = found(_told("remote_point", TEXT), "From where she speaks, as the name of an office.")
    has_coordinator: bool = found(_told("has_coordinator", BOOL), "Whether somebody coordinates that place.")
    support_person: SupportPerson | None = found(
        _told("support_person", CODE, nullable=True), "Who is with her there, as what she or he is."
    )
    confirmed_at: datetime = found(_told("updated_at", DATETIME), "When it was said last.")


@described
class ReferralHearing(DayInCourt, Node):
    """A day in court that the receiving organisation reports. How it was prepared is shown to it while hearings are shared."""

    id: strawberry.ID = found(GlobalId("ReferralHearing"), "Opaque.")
    allowed_transitions: list[HearingState] = found(
        by_side(
            Expression(reads.NONE_ALLOWED, CODE_ARRAY, nullable=False),
            Expression(reads.REPORTED_ALLOWED, CODE_ARRAY, nullable=False),
        ),
        "The states that the caller may lead it to from here: none, for whoever did not report it; for who did, not what the"
        " sender has to confirm first.",
    )
    confirmation: RemotePointConfirmation | None = found(
        by_side(
            ToOne(reads.CONFIRMATIONS, reads.CONFIRMATION),
            ToOne(reads.RECEIVED_CONFIRMATIONS, reads.RECEIVED_CONFIRMATION),
        ),
        "The sender's word on its end of the link; null until it is given, and for the receiver while hearings are not shared.",
    )


@input_type
class PreparationInput:
    """What a day in court needs; what is not given stays as it is. Offices are named without numbers: others read them."""

    court_point: str | None = None
    remote_point: str | None = None
    has_coordinator: bool | None = None
    support_person: SupportPerson | None = None
    interpreter_language: str | None = None


@input_type
class ScheduleHearingInput:
    """A day in court, past or to come, of which proceeding."""

    proceeding_id: strawberry.ID
    held_on: date
    mode: HearingMode
    purpose: HearingPurpose | None = None
    preparation: PreparationInput | None = None
    client_mutation_id: UUID | None = None


@input_type
class ReportHearingInput:
    """A day in court, past or to come, in the case that a referral is about."""

    referral_id: strawberry.ID
    held_on: date
    mode: HearingMode
    purpose: HearingPurpose | None = None
    preparation: PreparationInput | None = None
    client_mutation_id: UUID | None = None


@input_type
class ArrangeHearingInput:
    """What which day in court needs."""

    id: strawberry.ID
    preparation: PreparationInput
    client_mutation_id: UUID | None = None


@input_type
class MoveHearingInput:
    """Which day in court to lead to which state: one of its `allowedTransitions`; what came of it, and the next day."""

    id: strawberry.ID
    to: HearingState
    outcome: HearingOutcome | None = None
    next_on: date | None = None
    client_mutation_id: UUID | None = None


@input_type
class ConfirmRemotePointInput:
    """From where she speaks on a day that a receiver reports, and who is there. Without a place, the one that the receiver wrote down."""

    hearing_id: strawberry.ID
    has_coordinator: bool
    remote_point: str | None = None
    support_person: SupportPerson | None = None
    client_mutation_id: UUID | None = None


ScheduleHearingResult = Annotated[Hearing | Refusal, strawberry.union("ScheduleHearingResult")]
ArrangeHearingResult = Annotated[Hearing | Refusal, strawberry.union("ArrangeHearingResult")]
MoveHearingResult = Annotated[Hearing | Refusal, strawberry.union("MoveHearingResult")]
ConfirmRemotePointResult = Annotated[ReferralHearing | Refusal, strawberry.union("ConfirmRemotePointResult")]
ArrangeReportedHearingResult = Annotated[
    ReferralHearing | Refusal, strawberry.union("ArrangeReportedHearingResult")
]
MoveReportedHearingResult = Annotated[
    ReferralHearing | Refusal, strawberry.union("MoveReportedHearingResult")
]


@described
class HearingMutation:
    """What either side does with days in court: each writes rows of its own."""

    @mutation(requires=Permission.PROCEEDING_RECORD)
    async def schedule_hearing(self, info: Info, input: ScheduleHearingInput) -> ScheduleHearingResult:
        """Write down a day in court of a proceeding of the caller's organisation."""
        scheduled = await service.schedule_hearing(
            info.context.tx,
            proceeding_id=uuid_of(input.proceeding_id, "LegalProceeding"),
            day=service.Day(input.held_on, input.mode, input.purpose),
            preparation=preparation_of(input.preparation),
        )
        return saved(Hearing, scheduled.id)

    @mutation(requires=Permission.PROCEEDING_RECORD)
    async def arrange_hearing(self, info: Info, input: ArrangeHearingInput) -> ArrangeHearingResult:
        """Say what a day in court needs: both ends of the link, who is with her, her interpreter."""
        hearing = uuid_of(input.id, "Hearing")
        await service.arrange_hearing(
            info.context.tx, hearing_id=hearing, preparation=preparation_of(input.preparation)
        )
        return saved(Hearing, hearing)

    @mutation(requires=Permission.PROCEEDING_RECORD)
    async def move_hearing(self, info: Info, input: MoveHearingInput) -> MoveHearingResult:
        """Request and confirm the link, say that all is ready, or how it ended. A next day is written down with it."""
        hearing = uuid_of(input.id, "Hearing")
        await service.move_hearing(
            info.context.tx,
            hearing_id=hearing,
            to=input.to,
            outcome=input.outcome,
            next_on=input.next_on,
        )
        return saved(Hearing, hearing)

    @mutation(requires=Permission.PROCEEDING_RECORD)
    async def confirm_remote_point(
        self, info: Info, input: ConfirmRemotePointInput
    ) -> ConfirmRemotePointResult:
        """Confirm her end of a link that the receiver of a referral prepares, instead of what was confirmed before. It is told at once."""
        hearing = uuid_of(input.hearing_id, "ReferralHearing")
        await service.confirm_remote_point(
            info.context.tx,
            hearing_id=hearing,
            remote_point=input.remote_point,
            has_coordinator=input.has_coordinator,
            support_person=input.support_person,
        )
        return saved(ReferralHearing, hearing)

    @mutation(requires=Permission.REFERRAL_ANSWER)
    async def arrange_reported_hearing(
        self, info: Info, input: ArrangeHearingInput
    ) -> ArrangeReportedHearingResult:
        """Say what a day in court that the caller's organisation reported needs, while hearings are shared."""
        hearing = uuid_of(input.id, "ReferralHearing")
        await service.arrange_reported_hearing(
            info.context.tx, hearing_id=hearing, preparation=preparation_of(input.preparation)
        )
        return saved(ReferralHearing, hearing)

    @mutation(requires=Permission.REFERRAL_ANSWER)
    async def move_reported_hearing(self, info: Info, input: MoveHearingInput) -> MoveReportedHearingResult:
        """The same as `moveHearing`, for a day in court that the caller's organisation reported."""
        hearing = uuid_of(input.id, "ReferralHearing")
        await service.move_reported_hearing(
            info.context.tx,
            hearing_id=hearing,
            to=input.to,
            outcome=input.outcome,
            next_on=input.next_on,
        )
        return saved(ReferralHearing, hearing)


def preparation_of(said: PreparationInput | None) -> service.Preparation:
    """What was said of a day in court."""
    if said is None:
        return service.NOTHING
    return service.Preparation(
        said.court_point,
        said.remote_point,
        said.has_coordinator,
        said.support_person,
        said.interpreter_language,
    )
