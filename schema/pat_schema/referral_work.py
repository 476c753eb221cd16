"""What the receiver of a referral does about it: who works on it, and what has been done."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

import strawberry

from pat_auth.policy import Permission
from pat_platform.engine.declare import Column
from pat_platform.engine.kinds import CODE, DATE, DATETIME
from pat_schema.declaring import codes, described, found, input_type, mutation
from pat_schema.ids import uuid_of
from pat_schema.problems import Refusal
from pat_schema.referrals import Referral
from pat_schema.verbs import VerbContext, saved
from pat_tenants.referral_work import service
from pat_tenants.referral_work.models import UpdateKind

codes(UpdateKind)

Info = strawberry.Info[VerbContext, None]


@described
class ReferralUpdate:
    """That the receiver has done something about a referral."""

    kind: UpdateKind = found(Column("kind", CODE, nullable=False), "What has been done.")
    happened_on: date = found(Column("happened_on", DATE, nullable=False), "On which day.")
    reported_at: datetime = found(Column("created_at", DATETIME, nullable=False), "When it was told.")


@input_type
class ReportUpdateInput:
    """What has been done about which referral, and when."""

    id: strawberry.ID
    kind: UpdateKind
    happened_on: date
    client_mutation_id: UUID | None = None


@input_type
class AssignReferralInput:
    """Which referral to give to which colleague; to nobody, where none is named."""

    id: strawberry.ID
    member_id: strawberry.ID | None = None
    client_mutation_id: UUID | None = None


@input_type
class TakeReferralInput:
    """Which referral to take on."""

    id: strawberry.ID
    client_mutation_id: UUID | None = None


ReportUpdateResult = Annotated[Referral | Refusal, strawberry.union("ReportUpdateResult")]
AssignReferralResult = Annotated[Referral | Refusal, strawberry.union("AssignReferralResult")]
TakeReferralResult = Annotated[Referral | Refusal, strawberry.union("TakeReferralResult")]


@described
class ReferralWorkMutation:
    """What a receiver writes about a referral besides its answers: rows of its own."""

    @mutation(requires=Permission.REFERRAL_ANSWER)
    async def report_update(self, info: Info, input: ReportUpdateInput) -> ReportUpdateResult:
        """Tell the sender what has been done about a referral, while it is open."""
        referral = uuid_of(input.id, "Referral")
        await service.report_update(
            info.context.tx, received_id=referral, kind=input.kind, happened_on=input.happened_on
        )
        return saved(Referral, referral)

    @mutation(requires=Permission.REFERRAL_ASSIGN)
    async def assign_referral(self, info: Info, input: AssignReferralInput) -> AssignReferralResult:
        """Give a received referral that has not ended to a colleague, or to nobody. The sender is not told to whom."""
        referral = uuid_of(input.id, "Referral")
        member = None if input.member_id is None else uuid_of(input.member_id, "Member")
        await service.assign_referral(info.context.tx, received_id=referral, member_id=member)
        return saved(Referral, referral)

    @mutation(requires=Permission.REFERRAL_ANSWER)
    async def take_referral(self, info: Info, input: TakeReferralInput) -> TakeReferralResult:
        """Take a received referral on oneself, whoever had it before."""
        referral = uuid_of(input.id, "Referral")
        await service.take_referral(info.context.tx, received_id=referral)
        return saved(Referral, referral)
