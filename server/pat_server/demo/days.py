"""The days in court of the demo's referrals: what receivers report, and what senders prepare themselves."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from uuid import UUID

from sqlalchemy import select, text

from pat_platform.database.transaction import Transaction
from pat_server.demo.organisations import partner
from pat_server.demo.referrals import OWN_LINKS
from pat_server.demo.telling import BENGALI, Stage
from pat_server.demo.underway import Underway
from pat_tenants.cases.models import HearingMode, HearingPurpose, LegalProceeding
from pat_tenants.cases.service import today
from pat_tenants.hearings.arrangements import HearingOutcome, HearingState, SupportPerson
from pat_tenants.hearings.service import (
    NOTHING,
    Day,
    Preparation,
    confirm_remote_point,
    move_hearing,
    move_reported_hearing,
    report_hearing,
    schedule_hearing,
)
from pat_tenants.referrals.models import ReferralHearing, ReferralStatus

_LINK = Preparation(
    court_point="Sessions Court",
    remote_point="DLSA Barasat",
    has_coordinator=True,
    support_person=SupportPerson.SOCIAL_WORKER,
    interpreter_language=BENGALI,
)
"""What is known of the next day in court."""

_S = HearingState
_PATHS: Mapping[HearingState, tuple[HearingState, ...]] = {
    _S.VC_CONFIRMED: (_S.VC_REQUESTED, _S.VC_CONFIRMED),
    _S.READY: (_S.VC_REQUESTED, _S.VC_CONFIRMED, _S.READY),
}
"""The states on the way to another, where there are some in between."""
_OUTCOMES = {_S.ADJOURNED: HearingOutcome.COURT_DID_NOT_SIT, _S.MISSED: HearingOutcome.LINK_FAILED}
_REQUESTED = text(
    "select id from door.sent_hearings where referral_id = :referral and state = 'VC_REQUESTED'"
)
AHEAD, FURTHER = timedelta(days=18), timedelta(days=46)


async def report_days(stage: Stage, tx: Transaction, each: Underway) -> None:
    """Report hearings: the first while the receiver worked on it, the last one to come where it still does."""
    story = each.story
    is_live = story.status in {ReferralStatus.ACCEPTED, ReferralStatus.IN_PROGRESS}
    for number in range(story.hearings):
        is_to_come = is_live and number == story.hearings - 1
        held_on = (each.moments.taken_up_at + timedelta(days=10 * number)).date()
        is_video = story.link is not None if is_to_come else not number % 2
        day = Day(
            _coming(stage, story.link) if is_to_come else held_on,
            HearingMode.VIDEO if is_video else HearingMode.PHYSICAL,
            HearingPurpose.EVIDENCE if number else HearingPurpose.CHARGE,
        )
        row = await report_hearing(
            tx, received_id=each.received_id, day=day, preparation=_LINK if is_to_come else NOTHING
        )
        if is_to_come and story.link is not None:
            # What follows is the sender's to confirm.
            for state in _PATHS.get(story.link, (story.link,))[:1]:
                next_on = (stage.now + FURTHER).date() if state is _S.ADJOURNED else None
                await move_reported_hearing(
                    tx, hearing_id=row.id, to=state, outcome=_OUTCOMES.get(state), next_on=next_on
                )


def is_confirmed(each: Underway) -> bool:
    """Whether the sender has confirmed its end of the link."""
    return each.story.link in _PATHS


async def confirm_end(stage: Stage, tx: Transaction, each: Underway) -> None:
    """Let the sender confirm from where she speaks, and who coordinates it."""
    hearing: UUID = await tx.scalar(_REQUESTED, {"referral": each.received_id})
    await confirm_remote_point(
        tx,
        hearing_id=hearing,
        remote_point=None,
        has_coordinator=True,
        support_person=SupportPerson.SOCIAL_WORKER,
    )


async def link_up(stage: Stage, tx: Transaction, each: Underway) -> None:
    """Let the receiver go on once that is confirmed."""
    requested = select(ReferralHearing.id).where(
        ReferralHearing.referral_id == each.received_id, ReferralHearing.state == _S.VC_REQUESTED
    )
    hearing: UUID = await tx.scalar(requested)
    for state in _PATHS[_link_of(each)][1:]:
        await move_reported_hearing(tx, hearing_id=hearing, to=state)


def _link_of(each: Underway) -> HearingState:
    link = each.story.link
    assert link is not None, "this one has a link"
    return link


def _coming(stage: Stage, link: HearingState | None) -> date:
    # Nobody misses a day that is still to come.
    return today() if link is _S.MISSED else (stage.now + AHEAD).date()


async def prepare_own_days(stage: Stage, cases: Mapping[str, Mapping[int, UUID]]) -> None:
    """Let senders prepare the days that they know of themselves."""
    for slug, number, state in OWN_LINKS:
        async with stage.acting("manager", partner(slug)) as tx:
            of_case = select(LegalProceeding.id).where(LegalProceeding.case_id == cases[slug][number])
            proceeding: UUID = await tx.scalar(of_case.order_by(LegalProceeding.jurisdiction).limit(1))
            day = Day((stage.now + AHEAD * 2).date(), HearingMode.VIDEO, HearingPurpose.EVIDENCE)
            row = await schedule_hearing(tx, proceeding_id=proceeding, day=day, preparation=_LINK)
            for step in _PATHS[state]:
                await move_hearing(tx, hearing_id=row.id, to=step)
