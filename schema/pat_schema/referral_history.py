"""The history of a referral: each step that either side took."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from pat_platform.engine.declare import Column, ToOne
from pat_platform.engine.kinds import DATETIME, TEXT
from pat_schema.declaring import codes, described, found
from pat_schema.organisations import Member
from pat_tenants.organisations import reads as organisations
from pat_tenants.referrals import history
from pat_tenants.referrals.models import ReferralStatus


@codes
class ReferralSide(StrEnum):
    """Whose step it was."""

    SENDER = "SENDER"
    RECEIVER = "RECEIVER"


@described
class ReferralStep:
    """That one side led a referral to a state."""

    status: ReferralStatus = found(Column("status", TEXT, nullable=False), "To which state it led.")
    at: datetime = found(Column("taken_at", DATETIME, nullable=False), "When.")
    by: ReferralSide = found(Column("side", TEXT, nullable=False), "Whose step it was.")
    member: Member | None = found(
        ToOne(organisations.MEMBERS, history.ACTOR, order=organisations.FIRST_MEMBERSHIP),
        "Who took it, where that was somebody of the caller's organisation whom she may see.",
    )
