"""What an organisation's administrators do about its agreements: with rows of their own side alone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text, update

from pat_platform import trail
from pat_platform.database.transaction import Transaction
from pat_platform.errors import Refused
from pat_tenants.agreements import rules
from pat_tenants.agreements.models import Agreement
from pat_tenants.referrals.models import Scope

_IS_KNOWN = text(
    "select exists (select from app.organisations where id = :id)"
    " or exists (select from door.agreements where partner_id = :id)"
)


async def sign_agreement(
    tx: Transaction,
    *,
    partner_id: UUID,
    scopes: Sequence[Scope],
    valid_from: datetime | None,
    valid_until: datetime,
) -> None:
    """Say what the caller's organisation agrees to with a partner, instead of what it said before.

    It holds as far as the partner signs the same, from now on unless it is said from when. What is suspended stays so. To sign the
    same terms again changes nothing. Raises Refused for a partner that is unknown to the
    caller, or is her own organisation, and for terms that nobody should sign.
    """
    if partner_id == tx.organisation:
        raise Refused("TO_ITSELF", "An agreement is made with another organisation.", "partnerId")
    now = datetime.now(UTC)
    begins = valid_from or now
    rules.may_be_signed(scopes, begins, valid_until, now)
    if not await tx.scalar(_IS_KNOWN, {"id": partner_id}):
        raise Refused("NOT_FOUND", "There is no such organisation.", "partnerId")
    named = [scope.value for scope in scopes]
    terms = {
        "scopes": named,
        "valid_from": begins,
        "valid_until": valid_until,
        "updated_by": tx.actor,
        "updated_at": now,
    }
    signed = await tx.get(Agreement, partner_id=partner_id, lock=True)
    if signed is None:
        known = {"organisation_id": tx.organisation, "partner_id": partner_id, "created_by": tx.actor}
        await tx.insert(Agreement, **known, **terms)
    elif _has_terms(signed, named, valid_from or min(signed.valid_from, now), valid_until):
        return
    else:
        await _change(tx, partner_id, **terms)
    await trail.record(tx, "agreement.signed", [partner_id], scopes=named)


def _has_terms(signed: Agreement, scopes: Sequence[str], valid_from: datetime, valid_until: datetime) -> bool:
    had = (set(signed.scopes), signed.valid_from, signed.valid_until)
    return had == (set(scopes), valid_from, valid_until)


async def suspend_agreement(tx: Transaction, *, partner_id: UUID) -> None:
    """Shut every door between the caller's organisation and a partner, with the next statement of either.

    It needs nothing but that the caller's organisation has signed. To suspend again changes nothing. Raises Refused otherwise.
    """
    if (await _signed(tx, partner_id)).suspended_at is None:
        now = datetime.now(UTC)
        await _change(tx, partner_id, suspended_at=now, updated_by=tx.actor, updated_at=now)
        await trail.record(tx, "agreement.suspended", [partner_id])


async def resume_agreement(tx: Transaction, *, partner_id: UUID) -> None:
    """Take the caller's own suspension back; the partner's stays. Raises Refused where she has signed nothing."""
    if (await _signed(tx, partner_id)).suspended_at is not None:
        await _change(tx, partner_id, suspended_at=None, updated_by=tx.actor, updated_at=datetime.now(UTC))
        await trail.record(tx, "agreement.resumed", [partner_id])


async def _signed(tx: Transaction, partner_id: UUID) -> Agreement:
    agreement = await tx.get(Agreement, partner_id=partner_id, lock=True)
    if agreement is None:
        raise Refused("NOT_FOUND", "Your organisation has signed nothing with this one.", "id")
    return agreement


async def _change(tx: Transaction, partner_id: UUID, **changes: Any) -> None:
    await tx.change(update(Agreement).where(Agreement.partner_id == partner_id).values(**changes))
