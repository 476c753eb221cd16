"""That somebody may be in danger, whom it is told, and that they have seen to it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

import strawberry

from pat_auth.policy import Permission
from pat_platform.engine.declare import Column, GlobalId, ToOne
from pat_platform.engine.declare import Connection as Page
from pat_platform.engine.kinds import BOOL, CODE, DATETIME, TEXT
from pat_schema.declaring import codes, declared, described, found, input_type, mutation
from pat_schema.declaring import reads as read_by
from pat_schema.ids import uuid_of
from pat_schema.node import Connection, Node
from pat_schema.organisations import Member
from pat_schema.problems import Refusal
from pat_schema.survivors import Survivor
from pat_schema.verbs import VerbContext, saved
from pat_tenants.alerts import reads, service
from pat_tenants.alerts.models import AlertKind, AlertOutcome
from pat_tenants.organisations import reads as organisations
from pat_tenants.survivors import reads as survivors

codes(AlertKind)
codes(AlertOutcome)

Info = strawberry.Info[VerbContext, None]


@described
class Alert(Node):
    """A survivor signed in with the PIN that she keeps for when somebody makes her; what was shown to her was empty. Or a consent of
    hers was withdrawn, which she may have been made to do.

    Whoever is with her may see how she is called back: ring nobody before you know that she is alone.
    """

    id: strawberry.ID = found(GlobalId("Alert"), "Opaque.")
    kind: AlertKind = found(Column("kind", TEXT, nullable=False), "What has happened.")
    raised_at: datetime = found(Column("created_at", DATETIME, nullable=False), "When it happened.")
    reach_her_by: datetime | None = found(
        Column("reach_her_by", DATETIME),
        "By when somebody reaches her by another way than this one: within the hour after a withdrawal.",
    )
    survivor: Survivor = found(ToOne(survivors.SURVIVORS, reads.OF_ALERT), "Who she is.")
    is_open: bool = found(Column("is_open", BOOL, nullable=False), "Whether nobody has seen to it yet.")
    closed_at: datetime | None = found(Column("closed_at", DATETIME), "When it was closed.")
    closed_because: AlertOutcome | None = found(Column("because", CODE), "Why it was closed.")
    closed_by: Member | None = found(
        ToOne(
            organisations.MEMBERS, organisations.member_of("closed_by"), order=organisations.FIRST_MEMBERSHIP
        ),
        "Who closed it; null where the caller may not see who it is.",
    )


@input_type
class AlertFilter:
    """Which alerts to list."""

    is_open: bool | None = strawberry.UNSET


@codes
class AlertOrder(StrEnum):
    """How alerts are ordered."""

    NEWEST = "NEWEST"


@described
class AlertQuery:
    """Root fields about alerts."""

    @read_by(
        Page(reads.ALERTS, orders=reads.BY_TIME, default_order="NEWEST", filters=reads.OPEN),
        requires=Permission.ALERT_READ,
    )
    def alerts(
        self,
        filter: AlertFilter | None = strawberry.UNSET,
        order_by: AlertOrder = AlertOrder.NEWEST,
        first: int | None = strawberry.UNSET,
        after: str | None = strawberry.UNSET,
        last: int | None = strawberry.UNSET,
        before: str | None = strawberry.UNSET,
    ) -> Connection[Alert]:
        """Survivors of the caller's organisation who were made to sign in: look here first."""
        declared()


@input_type
class CloseAlertInput:
    """Which alert to close, and why."""

    id: strawberry.ID
    because: AlertOutcome
    client_mutation_id: UUID | None = None


CloseAlertResult = Annotated[Alert | Refusal, strawberry.union("CloseAlertResult")]


@described
class AlertMutation:
    """What case managers do about alerts."""

    @mutation(requires=Permission.ALERT_CLOSE)
    async def close_alert(self, info: Info, input: CloseAlertInput) -> CloseAlertResult:
        """Say that somebody has seen to an alert. It stays in the list, with who closed it, when and why."""
        alert = uuid_of(input.id, "Alert")
        return saved(Alert, await service.close_alert(info.context.tx, alert_id=alert, because=input.because))
