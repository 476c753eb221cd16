"""What may be signed. Pure decisions."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from pat_platform.errors import Refused
from pat_tenants.referrals.models import Scope

LONGEST = timedelta(days=3 * 366)
"""An agreement that nobody has looked at for three years is signed anew."""


def may_be_signed(
    scopes: Collection[Scope], valid_from: datetime, valid_until: datetime, now: datetime
) -> None:
    """Raises Refused for terms that share nothing, are over, or run for longer than anybody should sign."""
    if not scopes:
        raise Refused("SCOPES_EMPTY", "An agreement names what may be shared.", "scopes")
    if valid_until <= max(valid_from, now):
        raise Refused("DATES_INVALID", "This agreement would be over before it begins.", "validUntil")
    if valid_until - valid_from > LONGEST:
        raise Refused(
            "DATES_INVALID", "Nobody signs for longer than three years. Sign again then.", "validUntil"
        )
