"""What the receiver of a referral writes about it: who works on it, and what has been done."""

from __future__ import annotations

from datetime import date
from uuid import UUID, uuid4

from sqlalchemy import select, text

from pat_auth.models import Membership
from pat_platform import trail
from pat_platform.database.transaction import Transaction
from pat_platform.errors import Refused
from pat_tenants.cases.service import today
from pat_tenants.referral_work import rules
from pat_tenants.referral_work.models import ReferralAssignment, ReferralUpdate, UpdateKind
from pat_tenants.referrals.models import ReferralStatus

_THROUGH_THE_DOOR = text("select from_organisation_id, status from door.received_referrals where id = :id")
_ME = text("select sec.membership()")


async def report_update(tx: Transaction, *, received_id: UUID, kind: UpdateKind, happened_on: date) -> None:
    """Tell the sender what has been done. Raises Refused for a referral that is not open, and for a day that is still to come."""
    sender, status = await _received(tx, received_id)
    rules.is_open(status)
    rules.has_happened(happened_on, today())
    await tx.add(
        ReferralUpdate(
            organisation_id=tx.organisation,
            id=uuid4(),
            referral_organisation_id=sender,
            referral_id=received_id,
            kind=kind,
            happened_on=happened_on,
            created_by=tx.actor,
        )
    )
    await trail.record(tx, "referral.update_reported", [received_id], kind=kind.value)


async def assign_referral(tx: Transaction, *, received_id: UUID, member_id: UUID | None) -> None:
    """Give a referral to a colleague in one of her roles, or to nobody; giving it again changes nothing.

    Raises Refused for a referral that is unknown or has ended, and for a colleague whom no referrals are given to.
    """
    sender, status = await _received(tx, received_id)
    rules.is_unended(status)
    if member_id is not None:
        await _colleague(tx, member_id)
    newest = (
        select(ReferralAssignment.membership_id)
        .where(
            ReferralAssignment.referral_organisation_id == sender,
            ReferralAssignment.referral_id == received_id,
        )
        .order_by(ReferralAssignment.created_at.desc(), ReferralAssignment.id)
        .limit(1)
    )
    if await tx.scalar(newest) == member_id:
        return
    await tx.add(
        ReferralAssignment(
            organisation_id=tx.organisation,
            id=uuid4(),
            referral_organisation_id=sender,
            referral_id=received_id,
            membership_id=member_id,
            created_by=tx.actor,
        )
    )
    given = {} if member_id is None else {"member": str(member_id)}
    await trail.record(tx, "referral.assigned", [received_id], **given)


async def take_referral(tx: Transaction, *, received_id: UUID) -> None:
    """Take a referral on oneself, whoever had it before. Raises Refused for one that is unknown or has ended."""
    await assign_referral(tx, received_id=received_id, member_id=await tx.scalar(_ME))


async def _colleague(tx: Transaction, member_id: UUID) -> None:
    found = await tx.scalar(
        select(Membership.id).where(
            Membership.id == member_id,
            Membership.ended_at.is_(None),
            Membership.role.in_(sorted(role.value for role in rules.WORKING)),
        )
    )
    if found is None:
        raise Refused("NOT_FOUND", "There is no such colleague to give the referral to.", "memberId")


async def _received(tx: Transaction, received_id: UUID) -> tuple[UUID, ReferralStatus]:
    row = (await tx.execute(_THROUGH_THE_DOOR, {"id": received_id})).one_or_none()
    if row is None:
        raise Refused("NOT_FOUND", "There is no such referral.", None)
    return row.from_organisation_id, ReferralStatus(row.status)
