"""Agreements: what two organisations have signed with each other, and what their administrators do about it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

import strawberry

from pat_auth.policy import Permission
from pat_platform.engine.declare import Column, GlobalId
from pat_platform.engine.declare import Connection as Page
from pat_platform.engine.kinds import DATETIME, TEXT, TEXT_ARRAY
from pat_schema.declaring import always, codes, declared, described, found, input_type, mutation
from pat_schema.declaring import reads as read_by
from pat_schema.ids import uuid_of
from pat_schema.node import Connection, Node
from pat_schema.problems import Refusal
from pat_schema.sharing import Scope
from pat_schema.verbs import VerbContext, saved
from pat_tenants.agreements import reads, service
from pat_tenants.agreements.models import AgreementStatus

codes(AgreementStatus)

Info = strawberry.Info[VerbContext, None]


@described
class Agreement(Node):
    """What the caller's organisation and a partner have signed. Without one that is live no referral is sent, and none is open."""

    id: strawberry.ID = found(GlobalId("Agreement", "partner_id"), "Opaque.")
    partner_name: str = found(Column("partner_name", TEXT, nullable=False), "The other organisation.")
    partner_state: str = found(
        Column("partner_state", TEXT, nullable=False), "The state of India it works in."
    )
    status: AgreementStatus = found(
        Column("status", TEXT, nullable=False), "How far the two are at this moment."
    )
    scopes: list[Scope] = found(
        Column("scopes", TEXT_ARRAY, nullable=False), "What may be shared: what both have signed."
    )
    our_scopes: list[Scope] = found(
        Column("our_scopes", TEXT_ARRAY, nullable=False), "What the caller's organisation has signed."
    )
    their_scopes: list[Scope] = found(
        Column("their_scopes", TEXT_ARRAY, nullable=False), "What the partner has signed."
    )
    valid_from: datetime = found(Column("valid_from", DATETIME, nullable=False), "From when on it holds.")
    valid_until: datetime = found(Column("valid_until", DATETIME, nullable=False), "Until when it holds.")
    suspended_by_us_at: datetime | None = found(
        Column("suspended_by_us_at", DATETIME), "Since when the caller's organisation has it suspended."
    )
    suspended_by_them_at: datetime | None = found(
        Column("suspended_by_them_at", DATETIME), "Since when the partner has it suspended."
    )


@input_type
class AgreementFilter:
    """Which agreements to list."""

    status: list[AgreementStatus] | None = strawberry.UNSET


@codes
class AgreementOrder(StrEnum):
    """How agreements are ordered: by the partner's name."""

    NAME = "NAME"


@described
class AgreementQuery:
    """Root fields about agreements."""

    @read_by(
        Page(reads.AGREEMENTS, orders=reads.BY_NAME, default_order="NAME", filters=reads.FILTERS),
        requires=Permission.AGREEMENT_READ,
    )
    def agreements(
        self,
        filter: AgreementFilter | None = strawberry.UNSET,
        order_by: AgreementOrder = AgreementOrder.NAME,
        first: int | None = strawberry.UNSET,
        after: str | None = strawberry.UNSET,
        last: int | None = strawberry.UNSET,
        before: str | None = strawberry.UNSET,
    ) -> Connection[Agreement]:
        """What the caller's organisation has signed with others, and what others have signed with it."""
        declared()


@input_type
class SignAgreementInput:
    """What the caller's organisation agrees to: with an organisation of the directory, or in answer to an agreement of the list."""

    scopes: list[Scope]
    valid_until: datetime
    valid_from: datetime | None = None
    organisation_id: strawberry.ID | None = None
    agreement_id: strawberry.ID | None = None
    client_mutation_id: UUID | None = None


@input_type
class SuspendAgreementInput:
    """Which agreement to suspend."""

    id: strawberry.ID
    client_mutation_id: UUID | None = None


@input_type
class ResumeAgreementInput:
    """Which agreement to take up again."""

    id: strawberry.ID
    client_mutation_id: UUID | None = None


SignAgreementResult = Annotated[Agreement | Refusal, strawberry.union("SignAgreementResult")]
SuspendAgreementResult = Annotated[Agreement | Refusal, strawberry.union("SuspendAgreementResult")]
ResumeAgreementResult = Annotated[Agreement | Refusal, strawberry.union("ResumeAgreementResult")]


@described
class AgreementMutation:
    """What administrators do about agreements. To sign and to resume needs a second factor that was proved lately; to suspend does not."""

    @mutation(requires=Permission.AGREEMENT_SIGN)
    async def sign_agreement(self, info: Info, input: SignAgreementInput) -> SignAgreementResult:
        """Say what the organisation agrees to, instead of what it said before. It holds as far as the partner signs the same."""
        partner = (
            uuid_of(input.agreement_id, "Agreement")
            if input.agreement_id is not None
            else uuid_of(input.organisation_id or "", "Organisation")
        )
        await service.sign_agreement(
            info.context.tx,
            partner_id=partner,
            scopes=input.scopes,
            valid_from=input.valid_from,
            valid_until=input.valid_until,
        )
        return saved(Agreement, partner)

    @mutation(requires=Permission.AGREEMENT_SUSPEND, is_urgent=always)
    async def suspend_agreement(self, info: Info, input: SuspendAgreementInput) -> SuspendAgreementResult:
        """Shut every door between the two organisations, at once. It takes one side, and no reason."""
        partner = uuid_of(input.id, "Agreement")
        await service.suspend_agreement(info.context.tx, partner_id=partner)
        return saved(Agreement, partner)

    @mutation(requires=Permission.AGREEMENT_SIGN)
    async def resume_agreement(self, info: Info, input: ResumeAgreementInput) -> ResumeAgreementResult:
        """Take the organisation's own suspension back. What the partner has suspended stays so."""
        partner = uuid_of(input.id, "Agreement")
        await service.resume_agreement(info.context.tx, partner_id=partner)
        return saved(Agreement, partner)
