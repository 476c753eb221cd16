"""A referral that is being told, and how a survivor, or who speaks for her, agrees to one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from pat_platform.database.transaction import Transaction
from pat_server.demo.organisations import partner
from pat_server.demo.referrals import AGREED_FOR, ReferralStory, Timeline
from pat_server.demo.telling import BENGALI, Stage
from pat_tenants.consents.models import Consent, ConsentGiver, ConsentMode, ConsentQuestion
from pat_tenants.consents.service import Terms, record_consent

LEAST_AGREED_FOR = timedelta(days=1)
NOTICE = "2026-11"
"""The number on the notice that everybody was given."""


@dataclass(frozen=True)
class Underway:
    """A referral that is being told, and its ids."""

    story: ReferralStory
    moments: Timeline
    id: UUID
    received_id: UUID
    survivor_id: UUID
    consent_id: UUID | None
    """What it was sent on; None for a draft, and for what is shared without one."""
    basis_id: UUID | None = None
    """What it was sent on instead."""


async def agree(
    stage: Stage,
    tx: Transaction,
    story: ReferralStory,
    survivor_id: UUID,
    *,
    giver: ConsentGiver,
    given_at: datetime,
    runs_from: datetime,
) -> tuple[UUID, datetime]:
    """Record that somebody agreed. Returns the consent's id, and until when it truly runs: from ``runs_from`` on as long as it may."""
    until = runs_from + AGREED_FOR
    consent_id = await record_consent(
        tx,
        stage.vault,
        survivor_id=survivor_id,
        terms=Terms(
            recipient_id=partner(story.receiver).id,
            purpose=story.need,
            scopes=story.scopes,
            # A consent that has run out is refused: it runs until tomorrow, and gets its true end afterwards.
            valid_until=max(until, stage.now + LEAST_AGREED_FOR),
            notice_version=NOTICE,
            notice_language=BENGALI,
            agreed=tuple(ConsentQuestion),
        ),
        giver=giver,
        mode=ConsentMode.THUMBPRINT if giver is ConsentGiver.SELF else ConsentMode.SIGNATURE,
        evidence=f"R {story.case}",
    )
    stage.record.put(Consent, "given_at", consent_id, given_at)
    stage.record.put(Consent, "valid_until", consent_id, until)
    return consent_id, until
