"""Tells the referrals through the verbs of both sides, in the order in which it all came about."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from pat_platform.database.transaction import Transaction
from pat_server.demo.organisations import Partner, partner
from pat_server.demo.referrals import (
    BEFORE_SENDING,
    FINISHED,
    REFERRALS,
    TAKEN_UP,
    UNANSWERED,
    ReferralStory,
    Timeline,
    timeline,
)
from pat_server.demo.telling import BENGALI, Stage, at_once
from pat_tenants.cases.models import HearingMode, HearingPurpose
from pat_tenants.consents.models import Consent, ConsentGiver, ConsentMode, ConsentQuestion
from pat_tenants.consents.service import Terms, record_consent
from pat_tenants.hearings.arrangements import SupportPerson
from pat_tenants.hearings.service import NOTHING, Day, Preparation, report_hearing
from pat_tenants.referrals.models import Answer, Referral, ReferralAnswer, ReferralStatus
from pat_tenants.referrals.service import (
    answer_referral,
    base_referral,
    close_referral,
    draft_referral,
    revoke_referral,
    send_referral,
    suspend_referral,
)

ENDINGS = {
    ReferralStatus.SUSPENDED: suspend_referral,
    ReferralStatus.REVOKED: revoke_referral,
    ReferralStatus.CLOSED: close_referral,
}
"""What the sender does last."""

LEAST_AGREED_FOR = timedelta(days=1)
NOTICE = "2026-11"
"""The number on the notice that everybody was given."""


@dataclass(frozen=True)
class Underway:
    """A referral that is being told, and its two ids."""

    story: ReferralStory
    moments: Timeline
    id: UUID
    received_id: UUID


_LINK = Preparation(
    court_point="Sessions Court",
    remote_point="DLSA Barasat",
    has_coordinator=True,
    support_person=SupportPerson.SOCIAL_WORKER,
    interpreter_language=BENGALI,
)
"""What is known of the next day in court."""

Step = Callable[[Stage, Transaction, Underway], Awaitable[None]]


async def tell_referrals(stage: Stage, cases: Mapping[str, Mapping[int, UUID]]) -> None:
    """Tell every referral. ``cases`` gives the ids of cases by organisation and number.

    What one side answers comes in another transaction than what the other did before: the door tells by the moment of each answer
    which came last.
    """
    senders = {story.sender for story in REFERRALS}
    drafted = await at_once(_send(stage, sender, cases[sender]) for sender in sorted(senders))
    referrals = [each for several in drafted for each in several]
    for step, statuses in _STEPS:
        taking = [each for each in referrals if each.story.status in statuses]
        await _by_organisation(stage, "worker", step, taking, lambda story: story.receiver)
    ending = [each for each in referrals if each.story.status in ENDINGS]
    await _by_organisation(stage, "manager", _end, ending, lambda story: story.sender)
    stage.told("referrals", len(referrals))


async def _by_organisation(
    stage: Stage,
    sign_in: str,
    step: Step,
    referrals: Iterable[Underway],
    whose: Callable[[ReferralStory], str],
) -> None:
    """Let every organisation take one step for all its referrals: all of them at once, each in one transaction."""
    shares: dict[str, list[Underway]] = {}
    for each in referrals:
        shares.setdefault(whose(each.story), []).append(each)

    async def take(organisation: Partner, share: list[Underway]) -> None:
        async with stage.acting(sign_in, organisation) as tx:
            for each in share:
                await step(stage, tx, each)

    await at_once(take(partner(slug), share) for slug, share in shares.items())


async def _send(stage: Stage, sender: str, cases: Mapping[int, UUID]) -> list[Underway]:
    async with stage.acting("manager", partner(sender)) as tx:
        return [await _draft(stage, tx, story, cases) for story in REFERRALS if story.sender == sender]


async def _draft(stage: Stage, tx: Transaction, story: ReferralStory, cases: Mapping[int, UUID]) -> Underway:
    moments = timeline(story, stage.now)
    referral = await draft_referral(
        tx, case_id=cases[story.case], to=partner(story.receiver).id, need=story.need, urgency=story.urgency
    )
    stage.record.put(Referral, "created_at", referral.id, moments.drafted_at)
    if story.status is not ReferralStatus.DRAFT:
        consent_id = await _agree(stage, tx, story, moments, referral.survivor_id)
        await base_referral(tx, referral_id=referral.id, consent_id=consent_id)
        stage.record.put(Referral, "agreed_until", referral.id, moments.agreed_until)
    if story.status not in BEFORE_SENDING:
        await send_referral(tx, referral_id=referral.id)
        stage.record.put(Referral, "sent_at", referral.id, moments.sent_at)
    return Underway(story, moments, referral.id, referral.received_id)


async def _agree(
    stage: Stage, tx: Transaction, story: ReferralStory, moments: Timeline, survivor_id: UUID
) -> UUID:
    """She agrees, or who speaks for her, two days before the referral is sent."""
    consent_id = await record_consent(
        tx,
        stage.vault,
        survivor_id=survivor_id,
        terms=Terms(
            recipient_id=partner(story.receiver).id,
            purpose=story.need,
            scopes=story.scopes,
            # A consent that has run out is refused: it runs until tomorrow, and gets its true end afterwards.
            valid_until=max(moments.agreed_until, stage.now + LEAST_AGREED_FOR),
            notice_version=NOTICE,
            notice_language=BENGALI,
            agreed=tuple(ConsentQuestion),
        ),
        giver=story.giver,
        mode=ConsentMode.THUMBPRINT if story.giver is ConsentGiver.SELF else ConsentMode.SIGNATURE,
        evidence=f"R {story.case}",
    )
    stage.record.put(Consent, "given_at", consent_id, moments.drafted_at)
    stage.record.put(Consent, "valid_until", consent_id, moments.agreed_until)
    return consent_id


async def _answer(stage: Stage, tx: Transaction, each: Underway) -> None:
    is_declined = each.story.status is ReferralStatus.DECLINED
    row = await answer_referral(
        tx, received_id=each.received_id, answer=Answer.DECLINED if is_declined else Answer.ACCEPTED
    )
    stage.record.put(ReferralAnswer, "answered_at", row.id, each.moments.answered_at)


async def _take_up(stage: Stage, tx: Transaction, each: Underway) -> None:
    row = await answer_referral(tx, received_id=each.received_id, answer=Answer.IN_PROGRESS)
    stage.record.put(ReferralAnswer, "answered_at", row.id, each.moments.taken_up_at)


async def _report(stage: Stage, tx: Transaction, each: Underway) -> None:
    """Report hearings: the first while the receiver worked on it, the next to come where it still does."""
    for number in range(each.story.hearings):
        is_live = each.story.status in {ReferralStatus.ACCEPTED, ReferralStatus.IN_PROGRESS}
        held_at = each.moments.taken_up_at + timedelta(days=10 * number)
        if is_live and number == each.story.hearings - 1:
            held_at = stage.now + timedelta(days=18)
        day = Day(
            held_at.date(),
            HearingMode.PHYSICAL if number % 2 else HearingMode.VIDEO,
            HearingPurpose.EVIDENCE if number else HearingPurpose.CHARGE,
        )
        is_to_come = is_live and number == each.story.hearings - 1
        await report_hearing(
            tx, received_id=each.received_id, day=day, preparation=_LINK if is_to_come else NOTHING
        )


async def _complete(stage: Stage, tx: Transaction, each: Underway) -> None:
    row = await answer_referral(tx, received_id=each.received_id, answer=Answer.COMPLETED)
    stage.record.put(ReferralAnswer, "answered_at", row.id, each.moments.completed_at)


async def _end(stage: Stage, tx: Transaction, each: Underway) -> None:
    await ENDINGS[each.story.status](tx, referral_id=each.id)
    # What is suspended may go on.
    if each.story.status is not ReferralStatus.SUSPENDED:
        stage.record.put(Referral, "ended_at", each.id, each.moments.ended_at)


_STEPS: tuple[tuple[Step, frozenset[ReferralStatus]], ...] = (
    (_answer, frozenset(ReferralStatus) - UNANSWERED),
    (_take_up, TAKEN_UP),
    (_report, frozenset(ReferralStatus) - UNANSWERED - {ReferralStatus.DECLINED}),
    (_complete, FINISHED),
)
"""What the receivers do, and for which referrals."""
