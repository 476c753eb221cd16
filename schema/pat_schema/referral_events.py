"""What is told of referrals as soon as it happens."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import strawberry

from pat_auth.policy import Permission
from pat_platform.engine.declare import (
    Column,
    Constant,
    Event,
    Expression,
    GlobalId,
    ToMany,
    ToOne,
)
from pat_platform.engine.kinds import BOOL, INT, TEXT, UUID
from pat_schema.declaring import declared, described, event, found
from pat_schema.referrals import Referral
from pat_schema.sharing import by_side
from pat_tenants.referrals import changes, reads
from pat_tenants.referrals.models import ReferralStatus


@described
class ReferralChange:
    """That a referral has changed, and how it is now."""

    id: strawberry.ID = found(GlobalId("Referral"), "The referral's.")
    cursor: str = found(
        Column("cursor", TEXT, nullable=False),
        "Opaque: what came after this event is told to whoever subscribes with it, for a week.",
    )
    referral: Referral | None = found(
        by_side(ToOne(reads.SENT, reads.OF_CHANGE), ToOne(reads.RECEIVED, reads.OF_CHANGE)),
        "As the caller may see it now; null if it is no longer hers to see.",
    )
    purge: bool = found(
        by_side(Constant(False), Expression(reads.IS_CLOSED, BOOL, nullable=False)),
        "Whether the case behind it is not shared with the caller's organisation, or no longer: whatever a client has kept of"
        " `sharedCase` it forgets now. Where it is still shared, what is Withheld in it is no longer. Never for the sender.",
    )


@described
class InboxStatus:
    """How many received referrals are in one state."""

    status: ReferralStatus = found(Column("status", TEXT, nullable=False), "The state.")
    count: int = found(Column("count", INT, nullable=False), "How many.")


@described
class InboxCount:
    """How many referrals were sent to the caller's organisation. Nobody sends any to one that only sends."""

    total: int = found(
        by_side(Constant(0), Expression(reads.RECEIVED_COUNT, INT, nullable=False)), "All of them."
    )
    by_status: list[InboxStatus] = found(
        by_side(
            ToMany(reads.NO_STATES, "true", order=reads.BY_STATE),
            ToMany(reads.RECEIVED_STATES, "true", order=reads.BY_STATE),
        ),
        "By state; states without any are left out.",
    )


_CHANGE = {"id": UUID, "cursor": TEXT}


@described
class ReferralSubscription:
    """Subscriptions about referrals."""

    @event(
        by_side(Event(changes.SENT, _CHANGE), Event(changes.RECEIVED, _CHANGE)),
        requires=Permission.REFERRAL_READ,
    )
    async def referral_changed(
        self, after: str | None = strawberry.UNSET
    ) -> AsyncGenerator[ReferralChange, None]:
        """Each referral that the caller may see, when it has changed: also when it runs out, or is no longer shared.

        A referral that changes often is told as it is now, not as it was in between; one may be told twice. `after` is the cursor
        of an event that was received before.
        """
        declared()
        yield

    @event(
        by_side(Event(changes.SENT, is_state=True), Event(changes.RECEIVED, is_state=True)),
        requires=Permission.REFERRAL_READ,
    )
    async def inbox_count(self) -> AsyncGenerator[InboxCount, None]:
        """How many referrals the caller's organisation has received: at once, and whenever that changes."""
        declared()
        yield
