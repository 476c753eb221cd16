"""What may be shared, and for what: the codes that consents, agreements and referrals have in common."""

from __future__ import annotations

import strawberry

from pat_schema.declaring import codes
from pat_tenants.referrals.models import Need, Scope

__all__ = ["Need", "Scope"]

codes(Need)
strawberry.enum(
    Scope, name="ReferralScope", description="What a survivor may agree to share with one organisation."
)
