"""That somebody may be in danger, and whom it is told."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import strawberry

from pat_auth.policy import Permission
from pat_platform.engine.declare import Column, GlobalId, ToOne
from pat_platform.engine.declare import Connection as Page
from pat_platform.engine.kinds import DATETIME
from pat_schema.declaring import codes, declared, described, found
from pat_schema.declaring import reads as read_by
from pat_schema.node import Connection
from pat_schema.survivors import Survivor
from pat_tenants.alerts import reads
from pat_tenants.survivors import reads as survivors


@described
class Alert:
    """A survivor signed in with the PIN that she keeps for when somebody makes her. What was shown to her was empty.

    Whoever is with her may see how she is called back: ring nobody before you know that she is alone.
    """

    id: strawberry.ID = found(GlobalId("Alert"), "Opaque.")
    raised_at: datetime = found(Column("created_at", DATETIME, nullable=False), "When she signed in.")
    survivor: Survivor = found(ToOne(survivors.SURVIVORS, reads.OF_ALERT), "Who she is.")


@codes
class AlertOrder(StrEnum):
    """How alerts are ordered."""

    NEWEST = "NEWEST"


@described
class AlertQuery:
    """Root fields about alerts."""

    @read_by(
        Page(reads.ALERTS, orders=reads.BY_TIME, default_order="NEWEST"),
        requires=Permission.ALERT_READ,
    )
    def alerts(
        self,
        order_by: AlertOrder = AlertOrder.NEWEST,
        first: int | None = strawberry.UNSET,
        after: str | None = strawberry.UNSET,
        last: int | None = strawberry.UNSET,
        before: str | None = strawberry.UNSET,
    ) -> Connection[Alert]:
        """Survivors of the caller's organisation who were made to sign in: look here first."""
        declared()
