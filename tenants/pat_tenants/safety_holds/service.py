"""What is done with safety holds."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID, uuid4

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert

from pat_platform import trail
from pat_platform.database.transaction import Transaction
from pat_platform.errors import Refused
from pat_tenants.safety_holds.models import SafetyHold
from pat_tenants.survivors.models import Survivor


async def set_safety_hold(tx: Transaction, *, survivor_id: UUID) -> UUID:
    """Hide from a survivor's own view what could endanger her while somebody looks on; return the hold.

    Of two calls the second finds what the first has set. Raises Refused for a survivor who is unknown.
    """
    if await tx.get(Survivor, survivor_id) is None:
        raise Refused("NOT_FOUND", "There is no such survivor.", "survivorId")
    hold = uuid4()
    row = {"organisation_id": tx.organisation, "id": hold, "survivor_id": survivor_id, "created_by": tx.actor}
    # Two may set one at once: one of them puts in nothing.
    await tx.put(insert(SafetyHold).values(**row).on_conflict_do_nothing())
    found = await _in_force(tx, survivor_id)
    if found == hold:
        await trail.record(tx, "safety_hold.set", [survivor_id])
    return found or hold


async def lift_safety_hold(tx: Transaction, *, survivor_id: UUID) -> UUID:
    """Show a survivor again what was hidden; return the hold that was lifted. Raises Refused where none is in force."""
    found = await _in_force(tx, survivor_id)
    if found is None:
        raise Refused("NOT_FOUND", "Nothing is hidden from this survivor.", "survivorId")
    changes = {"lifted_at": datetime.now(UTC), "updated_by": tx.actor}
    await tx.change(update(SafetyHold).where(SafetyHold.id == found).values(**changes))
    await trail.record(tx, "safety_hold.lifted", [survivor_id])
    return found


async def _in_force(tx: Transaction, survivor_id: UUID) -> UUID | None:
    in_force = select(SafetyHold.id).where(
        SafetyHold.survivor_id == survivor_id, SafetyHold.lifted_at.is_(None)
    )
    found: UUID | None = (await tx.execute(in_force)).scalar_one_or_none()
    return found
