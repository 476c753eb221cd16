"""Tells the referrals through the verbs of both sides, in the order in which it all came about."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from uuid import UUID

from pat_platform.database.transaction import Transaction
from pat_server.demo.days import confirm_end, is_confirmed, link_up, prepare_own_days, report_days
from pat_server.demo.organisations import Partner, partner
from pat_server.demo.referrals import (
    BEFORE_SENDING,
    FINISHED,
    REFERRALS,
    TAKEN_UP,
    UNANSWERED,
    ReferralStory,
    Timeline,
    Turn,
    timeline,
)
from pat_server.demo.telling import Stage, at_once
from pat_server.demo.turns import renew, tell_ends
from pat_server.demo.unasked import UNASKED, end_danger, send_unasked
from pat_server.demo.underway import Underway, agree
from pat_tenants.consents.models import ConsentGiver
from pat_tenants.consents.service import bar_guardian
from pat_tenants.referrals.models import Answer, DeclineReason, Referral, ReferralAnswer, ReferralStatus
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

Step = Callable[[Stage, Transaction, Underway], Awaitable[None]]


async def tell_referrals(stage: Stage, cases: Mapping[str, Mapping[int, UUID]]) -> None:
    """Tell every referral. ``cases`` gives the ids of cases by organisation and number.

    What one side answers comes in another transaction than what the other did before: the door tells by the moment of each answer
    which came last.
    """
    senders = {story.sender for story in REFERRALS}
    drafted = await at_once(_send(stage, sender, cases[sender]) for sender in sorted(senders))
    referrals = [*(each for several in drafted for each in several), *await send_unasked(stage, cases)]
    for step, statuses in _STEPS:
        taking = [each for each in referrals if each.story.status in statuses]
        await _by_organisation(stage, "worker", step, taking, lambda story: story.receiver)
    linked = [each for each in referrals if is_confirmed(each)]
    await _by_organisation(stage, "manager", confirm_end, linked, lambda story: story.sender)
    await _by_organisation(stage, "worker", link_up, linked, lambda story: story.receiver)
    renewing = [each for each in referrals if each.story.turn is Turn.RENEWED]
    await _by_organisation(stage, "manager", renew, renewing, lambda story: story.sender)
    ending = [each for each in referrals if each.story.status in ENDINGS and each.story.turn is None]
    await _by_organisation(stage, "manager", _end, ending, lambda story: story.sender)
    await tell_ends(stage, referrals)
    await end_danger(stage, referrals)
    await prepare_own_days(stage, cases)
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
    asked = [story for story in REFERRALS if story.turn not in UNASKED]
    async with stage.acting("manager", partner(sender)) as tx:
        return [await _draft(stage, tx, story, cases) for story in asked if story.sender == sender]


async def _draft(stage: Stage, tx: Transaction, story: ReferralStory, cases: Mapping[int, UUID]) -> Underway:
    moments = timeline(story, stage.now)
    referral = await draft_referral(
        tx, case_id=cases[story.case], to=partner(story.receiver).id, need=story.need, urgency=story.urgency
    )
    stage.record.put(Referral, "created_at", referral.id, moments.drafted_at)
    consent_id = None
    if story.status is not ReferralStatus.DRAFT:
        consent_id = await _agree(stage, tx, story, moments, referral.survivor_id)
        await base_referral(tx, referral_id=referral.id, consent_id=consent_id)
        stage.record.put(Referral, "agreed_until", referral.id, moments.agreed_until)
    if story.status not in BEFORE_SENDING:
        await send_referral(tx, referral_id=referral.id)
        stage.record.put(Referral, "sent_at", referral.id, moments.sent_at)
    return Underway(
        story,
        moments,
        referral.id,
        referral.received_id,
        referral.survivor_id,
        consent_id,
    )


async def _agree(
    stage: Stage, tx: Transaction, story: ReferralStory, moments: Timeline, survivor_id: UUID
) -> UUID:
    """She agrees, or who speaks for her, two days before the referral is sent."""
    when = {"given_at": moments.drafted_at, "runs_from": moments.sent_at}
    if story.turn is Turn.BARRED:
        # He has agreed, and turns out to be whom she has to be kept safe from.
        await agree(stage, tx, story, survivor_id, giver=ConsentGiver.GUARDIAN, **when)
        await bar_guardian(tx, survivor_id=survivor_id)
    consent_id, _ = await agree(stage, tx, story, survivor_id, giver=story.giver, **when)
    return consent_id


async def _answer(stage: Stage, tx: Transaction, each: Underway) -> None:
    is_declined = each.story.status is ReferralStatus.DECLINED
    row = await answer_referral(
        tx,
        received_id=each.received_id,
        answer=Answer.DECLINED if is_declined else Answer.ACCEPTED,
        reason=DeclineReason.NO_CAPACITY if is_declined else None,
    )
    stage.record.put(ReferralAnswer, "answered_at", row.id, each.moments.answered_at)


async def _take_up(stage: Stage, tx: Transaction, each: Underway) -> None:
    row = await answer_referral(tx, received_id=each.received_id, answer=Answer.IN_PROGRESS)
    stage.record.put(ReferralAnswer, "answered_at", row.id, each.moments.taken_up_at)


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
    (report_days, frozenset(ReferralStatus) - UNANSWERED - {ReferralStatus.DECLINED}),
    (_complete, FINISHED),
)
"""What the receivers do, and for which referrals."""
