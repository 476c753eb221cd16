"""What a receiver may do about a referral besides answering it. Pure decisions."""

from __future__ import annotations

from datetime import date

from pat_auth.policy import POLICY, Permission
from pat_platform.errors import Refused
from pat_tenants.referrals.models import ReferralStatus

WORKING = frozenset(POLICY[Permission.REFERRAL_ANSWER])
"""Roles that referrals are given to."""

UNENDED = frozenset({ReferralStatus.SENT, ReferralStatus.ACCEPTED, ReferralStatus.IN_PROGRESS})
OPEN = UNENDED - {ReferralStatus.SENT}


def is_unended(status: ReferralStatus) -> None:
    """Raises Refused where there is nothing to give to anybody any more."""
    if status not in UNENDED:
        raise Refused(
            "STATUS_NOT_ALLOWED", "This referral has ended or is suspended: nobody works on it.", None
        )


def is_open(status: ReferralStatus) -> None:
    """Raises Refused where a referral is not open to its receiver: there is nothing to tell of it."""
    if status not in OPEN:
        raise Refused("NOT_SHARED", "This is not shared through this referral, or no longer.", None)


EARLIEST = date(2000, 1, 1)
"""Nothing that is told of a referral was done before; the database asks it too."""


def has_happened(day: date, today: date) -> None:
    """Raises Refused for a day that is still to come, and for one so long ago that it must be a mistake."""
    if day < EARLIEST:
        raise Refused("DATES_INVALID", "This day is too long ago: look at the year.", "happenedOn")
    if day > today:
        raise Refused(
            "DATES_INVALID", "What is told here has been done: this day is still to come.", "happenedOn"
        )
