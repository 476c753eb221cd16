"""What is shared without a survivor's consent: on what, who has looked at it, and how it ends."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

import strawberry

from pat_auth.policy import Permission
from pat_platform.engine.declare import Column, Finish, GlobalId, ToOne, Variant
from pat_platform.engine.declare import Connection as Page
from pat_platform.engine.kinds import BOOL, CODE, CODE_ARRAY, DATETIME, TEXT
from pat_schema.declaring import always, codes, declared, described, found, input_type, mutation
from pat_schema.declaring import reads as read_by
from pat_schema.ids import uuid_of
from pat_schema.node import Connection, Node
from pat_schema.organisations import Member
from pat_schema.problems import Refusal, Withheld
from pat_schema.sharing import Need, Scope
from pat_schema.survivors import UNSEAL, Survivor, sealed_from
from pat_schema.verbs import VerbContext, saved
from pat_tenants.bases import reads, service
from pat_tenants.bases.models import LegalBasisKind, LegalBasisReview
from pat_tenants.organisations import reads as organisations
from pat_tenants.survivors import reads as survivors

codes(LegalBasisKind)
codes(LegalBasisReview)

Info = strawberry.Info[VerbContext, None]


def _member(column: str) -> ToOne:
    return ToOne(organisations.MEMBERS, organisations.member_of(column), order=organisations.FIRST_MEMBERSHIP)


@described
class BasisReason:
    """Why a vital interest is one, in words. Every read of it is recorded."""

    text: str | None = found(
        Finish(
            survivors.sealed(service.REASONS, "reason", "survivor_id", "basis_id"),
            UNSEAL,
            audits=reads.REASON_READ,
        ),
        "As it was written; null for an order or a duty, and once it was erased.",
    )


BasisReasonResult = Annotated[
    BasisReason | Withheld,
    strawberry.union(
        "BasisReasonResult", description="Why a vital interest is one, or why that is withheld."
    ),
]


@described
class LegalBasis(Node):
    """What may be shared about a survivor with one organisation without her consent, for one purpose. No withdrawal ends it, and nobody
    prolongs or widens it."""

    id: strawberry.ID = found(GlobalId("LegalBasis"), "Opaque.")
    survivor: Survivor = found(ToOne(survivors.SURVIVORS, survivors.OF_CASE), "Whom it is about.")
    recipient_name: str = found(
        Column("recipient", TEXT, nullable=False), "The organisation that it may be shared with."
    )
    purpose: Need = found(Column("purpose", CODE, nullable=False), "What it may be shared for.")
    kind: LegalBasisKind = found(
        Column("kind", CODE, nullable=False), "What there is instead of her consent."
    )
    scopes: list[Scope] = found(Column("scopes", CODE_ARRAY, nullable=False), "What may be shared.")
    reference: str | None = found(
        Column("reference", TEXT),
        "Number and day of the order, or law and section; null for a vital interest.",
    )
    reason: BasisReasonResult = found(
        sealed_from(
            Permission.BASIS_REASON_READ,
            "identity",
            shown=Variant(None, "BasisReason", ToOne(reads.REASONS, reads.REASON)),
            assigned=reads.IS_ASSIGNED,
        ),
        "Why a vital interest is one, or why that is withheld.",
    )
    valid_until: datetime = found(
        Column("valid_until", DATETIME, nullable=False), "Until when: 72 hours at most for a vital interest."
    )
    recorded_at: datetime = found(Column("created_at", DATETIME, nullable=False), "When it was recorded.")
    recorded_by: Member | None = found(
        _member("created_by"), "By whom; null where the caller may not see it."
    )
    approved_at: datetime | None = found(
        Column("approved_at", DATETIME),
        "When somebody else approved it: a vital interest opens nothing before.",
    )
    approved_by: Member | None = found(
        _member("approved_by"), "By whom; null where the caller may not see it."
    )
    ended_at: datetime | None = found(Column("ended_at", DATETIME), "When it was ended before its time.")
    reviewed_at: datetime | None = found(Column("reviewed_at", DATETIME), "When it was reviewed.")
    reviewed_by: Member | None = found(
        _member("reviewed_by"), "By whom; null where the caller may not see it."
    )
    review: LegalBasisReview | None = found(Column("review", CODE), "What came out.")
    is_live: bool = found(
        Column("is_live", BOOL, nullable=False), "Whether anything may be shared on it at this moment."
    )
    is_review_due: bool = found(
        Column("is_review_due", BOOL, nullable=False),
        "Whether somebody else had approved it, it is over, and nobody has reviewed it: also where no referral ever stood on it.",
    )


@input_type
class LegalBasisFilter:
    """Which legal bases to list."""

    is_live: bool | None = strawberry.UNSET
    is_review_due: bool | None = strawberry.UNSET


@codes
class LegalBasisOrder(StrEnum):
    """How legal bases are ordered."""

    NEWEST = "NEWEST"


@described
class BasisQuery:
    """Root fields about legal bases."""

    @read_by(
        Page(reads.BASES, orders=reads.BY_TIME, default_order="NEWEST", filters=reads.FILTERS),
        requires=Permission.BASIS_READ,
    )
    def legal_bases(
        self,
        filter: LegalBasisFilter | None = strawberry.UNSET,
        order_by: LegalBasisOrder = LegalBasisOrder.NEWEST,
        first: int | None = strawberry.UNSET,
        after: str | None = strawberry.UNSET,
        last: int | None = strawberry.UNSET,
        before: str | None = strawberry.UNSET,
    ) -> Connection[LegalBasis]:
        """On what something is shared without consent, as far as the caller may see it: of her organisation, of her cases, or her own."""
        declared()


@input_type
class RecordLegalBasisInput:
    """What is shared without consent, and on what: a `reference` for an order or a duty, a `reason` for a vital interest."""

    survivor_id: strawberry.ID
    recipient_id: strawberry.ID
    purpose: Need
    kind: LegalBasisKind
    scopes: list[Scope]
    valid_until: datetime
    reference: str | None = None
    reason: str | None = None
    client_mutation_id: UUID | None = None


@input_type
class ApproveLegalBasisInput:
    """Which vital interest to approve."""

    id: strawberry.ID
    client_mutation_id: UUID | None = None


@input_type
class EndLegalBasisInput:
    """Which legal basis to end."""

    id: strawberry.ID
    client_mutation_id: UUID | None = None


@input_type
class ReviewLegalBasisInput:
    """Which vital interest was reviewed, and what came out."""

    id: strawberry.ID
    review: LegalBasisReview
    client_mutation_id: UUID | None = None


RecordLegalBasisResult = Annotated[LegalBasis | Refusal, strawberry.union("RecordLegalBasisResult")]
ApproveLegalBasisResult = Annotated[LegalBasis | Refusal, strawberry.union("ApproveLegalBasisResult")]
EndLegalBasisResult = Annotated[LegalBasis | Refusal, strawberry.union("EndLegalBasisResult")]
ReviewLegalBasisResult = Annotated[LegalBasis | Refusal, strawberry.union("ReviewLegalBasisResult")]


def _saves(given: Mapping[str, Any]) -> bool:
    return given["kind"] in (LegalBasisKind.VITAL_INTEREST,)


@described
class BasisMutation:
    """How something comes to be shared without consent, and how it ends."""

    @mutation(
        requires=Permission.BASIS_RECORD,
        is_urgent=_saves,
        urgency="No budget that is spent stands in the way of recording a vital interest.",
    )
    async def record_legal_basis(self, info: Info, input: RecordLegalBasisInput) -> RecordLegalBasisResult:
        """Record on what something is shared without consent. A vital interest counts once somebody else has approved it."""
        terms = service.Terms(
            recipient_id=uuid_of(input.recipient_id, "Organisation"),
            purpose=input.purpose,
            kind=input.kind,
            scopes=input.scopes,
            valid_until=input.valid_until,
            reference=input.reference,
            reason=input.reason,
        )
        survivor = uuid_of(input.survivor_id, "Survivor")
        context = info.context
        basis = await service.record_legal_basis(context.tx, context.vault, survivor_id=survivor, terms=terms)
        return saved(LegalBasis, basis)

    @mutation(requires=Permission.BASIS_APPROVE, is_urgent=always)
    async def approve_legal_basis(self, info: Info, input: ApproveLegalBasisInput) -> ApproveLegalBasisResult:
        """Approve a vital interest that somebody else has recorded. From the next statement on it counts."""
        basis = uuid_of(input.id, "LegalBasis")
        await service.approve_legal_basis(info.context.tx, basis_id=basis)
        return saved(LegalBasis, basis)

    @mutation(requires=Permission.BASIS_END, is_urgent=always)
    async def end_legal_basis(self, info: Info, input: EndLegalBasisInput) -> EndLegalBasisResult:
        """End a legal basis before its time. From the next statement on nothing is shared on it."""
        basis = uuid_of(input.id, "LegalBasis")
        await service.end_legal_basis(info.context.tx, basis_id=basis)
        return saved(LegalBasis, basis)

    @mutation(requires=Permission.BASIS_REVIEW)
    async def review_legal_basis(self, info: Info, input: ReviewLegalBasisInput) -> ReviewLegalBasisResult:
        """Say of a vital interest that has ended whether it was one: who does has neither recorded nor approved it."""
        basis = uuid_of(input.id, "LegalBasis")
        await service.review_legal_basis(info.context.tx, basis_id=basis, review=input.review)
        return saved(LegalBasis, basis)
