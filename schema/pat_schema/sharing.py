"""What may be shared, and for what: what consents, agreements, referrals and days in court have in common."""

from __future__ import annotations

import strawberry

from pat_auth.policy import Permission, Reach
from pat_platform.engine.declare import Declaration, Deferred
from pat_schema.declaring import codes
from pat_schema.viewer import Viewer
from pat_tenants.referrals.models import Need, Scope

__all__ = ["Need", "Scope", "by_side", "receives"]

codes(Need)
strawberry.enum(
    Scope, name="ReferralScope", description="What a survivor may agree to share with one organisation."
)


def receives(viewer: Viewer) -> bool:
    """Whether the viewer is on the receiving side: it looks through the door."""
    return viewer.reach(Permission.REFERRAL_READ) is Reach.RECEIVED


def by_side(sent: Declaration, received: Declaration) -> Deferred:
    """The sender's declaration or the receiver's, as the viewer's role is on the one side or the other."""
    return Deferred(lambda viewer: received if receives(viewer) else sent, options=(sent, received))
