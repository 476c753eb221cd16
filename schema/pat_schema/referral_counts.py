"""How many referrals there are in each state, and how long the oldest of them waits."""

from __future__ import annotations

from datetime import datetime

from pat_auth.policy import Permission
from pat_platform.engine.declare import Column, ToMany
from pat_platform.engine.kinds import CODE, DATETIME, INT, TEXT
from pat_schema.declaring import declared, described, found
from pat_schema.declaring import reads as read_by
from pat_schema.referrals import ReferralDirection
from pat_schema.sharing import by_side
from pat_tenants.referrals import counts
from pat_tenants.referrals.models import ReferralStatus, Urgency


@described
class ReferralCount:
    """How many referrals of one urgency are in one state."""

    status: ReferralStatus = found(Column("status", TEXT, nullable=False), "The state, as of each of them.")
    urgency: Urgency = found(Column("urgency", CODE, nullable=False), "The urgency.")
    count: int = found(Column("count", INT, nullable=False), "How many.")
    oldest_sent_at: datetime | None = found(
        Column("oldest_sent_at", DATETIME), "When the oldest of them was sent; null for drafts."
    )


@described
class ReferralCountQuery:
    """Root fields that count referrals."""

    @read_by(
        by_side(
            ToMany(counts.SENT, counts.OF_DIRECTION, order=counts.IN_ORDER, estimate=20),
            ToMany(counts.RECEIVED, counts.OF_DIRECTION, order=counts.IN_ORDER, estimate=20),
        ),
        requires=Permission.REFERRAL_READ,
    )
    def referral_counts(self, direction: ReferralDirection) -> list[ReferralCount]:
        """How many referrals the caller may see on this side, by state and urgency. A pair without any is not listed."""
        declared()
