"""What is shared without a survivor's consent: on the order of a court, and because she was missing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from uuid import UUID

from pat_platform.database.transaction import Transaction
from pat_server.demo.organisations import partner
from pat_server.demo.referrals import REFERRALS, ReferralStory, Turn, timeline
from pat_server.demo.telling import Stage
from pat_server.demo.underway import Underway
from pat_tenants.bases.models import LegalBasisKind, LegalBasisReview
from pat_tenants.bases.service import (
    Terms,
    approve_legal_basis,
    end_legal_basis,
    record_legal_basis,
    review_legal_basis,
)
from pat_tenants.referrals.models import Referral
from pat_tenants.referrals.service import base_referral, draft_referral, send_referral

UNASKED = frozenset({Turn.ORDERED, Turn.MISSING})


async def send_unasked(stage: Stage, cases: Mapping[str, Mapping[int, UUID]]) -> list[Underway]:
    """Send those that stand on something else than a consent. They are of today: when somebody approved is the database's word."""
    return [
        await _send(stage, story, cases[story.sender][story.case])
        for story in REFERRALS
        if story.turn in UNASKED
    ]


async def _send(stage: Stage, story: ReferralStory, case_id: UUID) -> Underway:
    sender = partner(story.sender)
    async with stage.acting("manager", sender) as tx:
        referral = await draft_referral(
            tx, case_id=case_id, to=partner(story.receiver).id, need=story.need, urgency=story.urgency
        )
        basis_id = await _record(stage, tx, story, referral.survivor_id)
    if story.turn is Turn.MISSING:
        async with stage.acting("manager2", sender) as tx:
            await approve_legal_basis(tx, basis_id=basis_id)
    async with stage.acting("manager", sender) as tx:
        await base_referral(tx, referral_id=referral.id, basis_id=basis_id)
        await send_referral(tx, referral_id=referral.id)
    moments = timeline(story, stage.now)
    stage.record.put(Referral, "created_at", referral.id, moments.drafted_at)
    stage.record.put(Referral, "sent_at", referral.id, moments.sent_at)
    return Underway(story, moments, referral.id, referral.received_id, referral.survivor_id, None, basis_id)


async def _record(stage: Stage, tx: Transaction, story: ReferralStory, survivor_id: UUID) -> UUID:
    is_missing = story.turn is Turn.MISSING
    terms = Terms(
        recipient_id=partner(story.receiver).id,
        purpose=story.need,
        scopes=story.scopes,
        valid_until=stage.now + (timedelta(days=2) if is_missing else timedelta(days=170)),
        kind=LegalBasisKind.VITAL_INTEREST if is_missing else LegalBasisKind.COURT_ORDER,
        reference=None if is_missing else "SC 114/2026",
        reason="She has not come home since yesterday, and was seen at the station." if is_missing else None,
    )
    return await record_legal_basis(tx, stage.vault, survivor_id=survivor_id, terms=terms)


async def end_danger(stage: Stage, referrals: Iterable[Underway]) -> None:
    """She has been found: what was shared because of it ends, and somebody who had no part in it looks at it."""
    for each in referrals:
        if each.story.turn is Turn.MISSING and each.basis_id is not None:
            async with stage.acting("manager", partner(each.story.sender)) as tx:
                await end_legal_basis(tx, basis_id=each.basis_id)
            async with stage.acting("admin", partner(each.story.sender)) as tx:
                await review_legal_basis(tx, basis_id=each.basis_id, review=LegalBasisReview.JUSTIFIED)
