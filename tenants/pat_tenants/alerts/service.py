"""What is done about alerts."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select

from pat_platform import trail
from pat_platform.database.transaction import Transaction
from pat_platform.errors import Refused
from pat_tenants.alerts.models import Alert, AlertClosing, AlertOutcome


async def close_alert(tx: Transaction, *, alert_id: UUID, because: AlertOutcome) -> UUID:
    """Say that somebody has seen to an alert, and how it came out; return its id.

    It is said once. Raises Refused for an unknown alert, and for one that is closed.
    """
    survivor = await tx.scalar(select(Alert.survivor_id).where(Alert.id == alert_id))
    if survivor is None:
        raise Refused("NOT_FOUND", "There is no such alert.", "id")
    if await tx.scalar(select(AlertClosing.alert_id).where(AlertClosing.alert_id == alert_id)) is not None:
        raise Refused("ALREADY_CLOSED", "Somebody has closed this alert already.", "id")
    await tx.insert(
        AlertClosing,
        organisation_id=tx.organisation,
        alert_id=alert_id,
        because=because.value,
        created_by=tx.actor,
    )
    await trail.record(tx, "alert.closed", [alert_id, survivor], because=because.value)
    return alert_id
