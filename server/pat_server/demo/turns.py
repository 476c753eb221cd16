"""What comes in between: a guardian is barred, a consent is given again, she ends hers, a partner suspends, somebody looks on."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from pat_platform.database.transaction import Transaction
from pat_server.demo.organisations import partner
from pat_server.demo.people import Person, person
from pat_server.demo.referrals import HELD, REFERRALS, ReferralStory, Turn
from pat_server.demo.telling import Stage
from pat_server.demo.underway import Underway, agree
from pat_tenants.agreements.service import suspend_agreement
from pat_tenants.consents.service import withdraw_consent
from pat_tenants.referrals.models import Referral
from pat_tenants.referrals.service import base_referral
from pat_tenants.safety_holds.service import set_safety_hold

BEFORE_IT_RUNS_OUT = timedelta(days=10)


def herself(story: ReferralStory) -> Person:
    """Whose case is referred, where she has an account. Raises KeyError."""
    return person(f"survivor{story.case}", partner(story.sender))


ACTING = tuple(herself(story) for story in REFERRALS if story.turn is Turn.WITHDRAWN)
"""The survivors who do something themselves."""


async def renew(stage: Stage, tx: Transaction, each: Underway) -> None:
    """She agrees again some days before what she agreed to first runs out, and the referral goes on upon that."""
    given_at = each.moments.agreed_until - BEFORE_IT_RUNS_OUT
    consent_id, until = await agree(
        stage, tx, each.story, each.survivor_id, giver=each.story.giver, given_at=given_at, runs_from=given_at
    )
    await base_referral(tx, referral_id=each.id, consent_id=consent_id)
    stage.record.put(Referral, "agreed_until", each.id, until)


async def tell_ends(stage: Stage, referrals: Iterable[Underway]) -> None:
    """Let those who can end it without the sender do so; and hold back what one of the survivors would see."""
    for each in referrals:
        story = each.story
        if story.turn is Turn.WITHDRAWN and each.consent_id is not None:
            async with stage.acting(herself(story).sign_in, partner(story.sender)) as tx:
                await withdraw_consent(tx, consent_id=each.consent_id)
        elif story.turn is Turn.SUSPENDED:
            async with stage.acting("admin", partner(story.receiver)) as tx:
                await suspend_agreement(tx, partner_id=partner(story.sender).id)
        elif (story.sender, story.case) == HELD:
            async with stage.acting("manager", partner(story.sender)) as tx:
                await set_safety_hold(tx, survivor_id=each.survivor_id)
