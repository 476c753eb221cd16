"""What the secretariat does about a partner in the whole network: with rows of its own alone."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID, uuid4

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert

from pat_platform import trail
from pat_platform.database.transaction import Transaction
from pat_platform.errors import Refused
from pat_tenants.organisations.models import Organisation
from pat_tenants.suspensions.models import PartnerSuspension, SuspensionReason


async def suspend_partner(tx: Transaction, *, partner_id: UUID, reason: SuspensionReason) -> UUID:
    """Shut every door of a partner, in both directions, with the next statement of anybody; return the suspension.

    What the partner and others have signed stays as it is, and stands again once it is lifted. Of two calls the second finds what the
    first has done. Raises Refused for an unknown organisation and for the caller's own.
    """
    if partner_id == tx.organisation:
        raise Refused("TO_ITSELF", "The secretariat suspends others.", "organisationId")
    if await tx.get(Organisation, partner_id) is None:
        raise Refused("NOT_FOUND", "There is no such organisation.", "organisationId")
    suspension = uuid4()
    row = {
        "organisation_id": tx.organisation,
        "id": suspension,
        "partner_id": partner_id,
        "reason": reason.value,
        "created_by": tx.actor,
    }
    # Two may do it at once: one of them puts in nothing.
    await tx.put(insert(PartnerSuspension).values(**row).on_conflict_do_nothing())
    in_force = select(PartnerSuspension.id).where(
        PartnerSuspension.partner_id == partner_id, PartnerSuspension.lifted_at.is_(None)
    )
    found: UUID = (await tx.execute(in_force)).scalar_one()
    if found == suspension:
        await trail.record(tx, "partner.suspended", [partner_id], reason=reason.value)
    return found


async def resume_partner(tx: Transaction, *, suspension_id: UUID) -> None:
    """Lift a suspension: what was signed holds again, as far as it still does. To lift it again changes nothing.

    Raises Refused for one that is unknown.
    """
    # Whoever may not change it any more is not given it to hold: of two at once the second finds it lifted.
    suspension = await tx.get(PartnerSuspension, suspension_id, lock=True)
    if suspension is None:
        if await tx.get(PartnerSuspension, suspension_id) is None:
            raise Refused("NOT_FOUND", "There is no such suspension.", "id")
        return
    lifted = {"lifted_at": datetime.now(UTC), "updated_by": tx.actor}
    await tx.change(update(PartnerSuspension).where(PartnerSuspension.id == suspension_id).values(**lifted))
    await trail.record(tx, "partner.resumed", [suspension.partner_id])
