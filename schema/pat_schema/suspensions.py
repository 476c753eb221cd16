"""Partners that the secretariat has suspended in the whole network: what it does about them, and what they are told."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

import strawberry

from pat_auth.policy import Permission
from pat_platform.engine.declare import Column, GlobalId, ToOne
from pat_platform.engine.declare import Connection as Page
from pat_platform.engine.kinds import CODE, DATETIME
from pat_schema.declaring import always, codes, declared, described, found, input_type, mutation
from pat_schema.declaring import reads as read_by
from pat_schema.ids import uuid_of
from pat_schema.node import Connection, Node
from pat_schema.organisations import Organisation
from pat_schema.problems import Refusal
from pat_schema.verbs import VerbContext, saved
from pat_tenants.organisations import reads as organisations
from pat_tenants.suspensions import reads, service
from pat_tenants.suspensions.models import SuspensionReason

codes(SuspensionReason)

Info = strawberry.Info[VerbContext, None]

_SINCE = Column("created_at", DATETIME, nullable=False)


@described
class PartnerSuspension(Node):
    """That nothing is shared with a partner, nor by it, in the whole network. What it has signed stands again once that is lifted."""

    id: strawberry.ID = found(GlobalId("PartnerSuspension"), "Opaque.")
    partner: Organisation = found(ToOne(organisations.ORGANISATIONS, reads.PARTNER), "Who is suspended.")
    reason: SuspensionReason = found(
        Column("reason", CODE, nullable=False), "Why: for the secretariat alone."
    )
    suspended_at: datetime = found(_SINCE, "Since when.")
    lifted_at: datetime | None = found(
        Column("lifted_at", DATETIME), "When it was lifted; null while it is in force."
    )


@described
class OurSuspension:
    """That the caller's organisation is suspended in the whole network. Why is for the secretariat to say, to whom it knows."""

    suspended_at: datetime = found(_SINCE, "Since when.")


@input_type
class PartnerSuspensionFilter:
    """Which suspensions to list."""

    is_in_force: bool | None = strawberry.UNSET


@codes
class PartnerSuspensionOrder(StrEnum):
    """How suspensions are ordered."""

    NEWEST = "NEWEST"


@described
class SuspensionQuery:
    """Root fields about suspensions."""

    @read_by(
        Page(reads.SUSPENSIONS, orders=reads.BY_TIME, default_order="NEWEST", filters=reads.IN_FORCE),
        requires=Permission.SUSPENSION_READ,
    )
    def partner_suspensions(
        self,
        filter: PartnerSuspensionFilter | None = strawberry.UNSET,
        order_by: PartnerSuspensionOrder = PartnerSuspensionOrder.NEWEST,
        first: int | None = strawberry.UNSET,
        after: str | None = strawberry.UNSET,
        last: int | None = strawberry.UNSET,
        before: str | None = strawberry.UNSET,
    ) -> Connection[PartnerSuspension]:
        """Whom the secretariat has suspended in the whole network, and had."""
        declared()

    @read_by(
        ToOne(reads.OURS, reads.OURS_IN_FORCE, order=reads.LONGEST), requires=Permission.OUR_SUSPENSION_READ
    )
    def our_suspension(self) -> OurSuspension | None:
        """Whether the secretariat has suspended the caller's own organisation: all its agreements are then. Null while it has not."""
        declared()


@input_type
class SuspendPartnerInput:
    """Whom to suspend, and why."""

    organisation_id: strawberry.ID
    reason: SuspensionReason
    client_mutation_id: UUID | None = None


@input_type
class ResumePartnerInput:
    """Which suspension to lift."""

    id: strawberry.ID
    client_mutation_id: UUID | None = None


SuspendPartnerResult = Annotated[PartnerSuspension | Refusal, strawberry.union("SuspendPartnerResult")]
ResumePartnerResult = Annotated[PartnerSuspension | Refusal, strawberry.union("ResumePartnerResult")]


@described
class SuspensionMutation:
    """What the secretariat does about a partner that was taken over, has closed, or is looked into."""

    @mutation(requires=Permission.PARTNER_SUSPEND, is_urgent=always)
    async def suspend_partner(self, info: Info, input: SuspendPartnerInput) -> SuspendPartnerResult:
        """Shut every door of a partner at once, in both directions. Both sides of each agreement see it as suspended, and not why."""
        suspension = await service.suspend_partner(
            info.context.tx,
            partner_id=uuid_of(input.organisation_id, "Organisation"),
            reason=input.reason,
        )
        return saved(PartnerSuspension, suspension)

    @mutation(requires=Permission.PARTNER_RESUME)
    async def resume_partner(self, info: Info, input: ResumePartnerInput) -> ResumePartnerResult:
        """Lift a suspension. What others have suspended themselves stays so."""
        suspension = uuid_of(input.id, "PartnerSuspension")
        await service.resume_partner(info.context.tx, suspension_id=suspension)
        return saved(PartnerSuspension, suspension)
