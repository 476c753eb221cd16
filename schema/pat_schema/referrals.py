"""Referrals, as the sender and as the receiver see them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import strawberry

from pat_auth.policy import Permission
from pat_platform.engine.declare import (
    Choice,
    Column,
    Constant,
    Expression,
    Filter,
    GlobalId,
    Source,
    ToMany,
    ToOne,
    Variant,
)
from pat_platform.engine.declare import Connection as Page
from pat_platform.engine.kinds import CODE, CODE_ARRAY, DATETIME, INT, TEXT
from pat_schema.bases import LegalBasis
from pat_schema.cases import Case
from pat_schema.consents import Consent
from pat_schema.declaring import codes, declared, described, found, input_type, mutation
from pat_schema.declaring import reads as read_by
from pat_schema.hearings import ReferralHearing
from pat_schema.ids import uuid_of
from pat_schema.node import Connection, Node
from pat_schema.organisations import Member
from pat_schema.problems import Refusal, Withheld, WithheldReason
from pat_schema.shared import SharedCase
from pat_schema.sharing import Need, Scope, by_side
from pat_schema.survivors import withheld
from pat_schema.verbs import VerbContext, saved
from pat_tenants.bases import reads as bases
from pat_tenants.cases import reads as cases
from pat_tenants.consents import reads as consents
from pat_tenants.hearings import reads as hearings
from pat_tenants.organisations import reads as organisations
from pat_tenants.referral_work import reads as work
from pat_tenants.referrals import history, reads, service
from pat_tenants.referrals.models import Answer, DeclineReason, EndReason, Ground, ReferralStatus, Urgency

if TYPE_CHECKING:
    from pat_schema.referral_history import ReferralStep
    from pat_schema.referral_work import ReferralUpdate

codes(ReferralStatus)
codes(Urgency)
codes(Answer)
codes(DeclineReason)
codes(EndReason)
codes(Ground)

Info = strawberry.Info[VerbContext, None]


@codes
class ReferralDirection(StrEnum):
    """Which side of a referral the caller's organisation is on."""

    SENT = "SENT"
    RECEIVED = "RECEIVED"


@codes
class ReferralReason(StrEnum):
    """Why a referral was declined, or, for its sender, suspended, revoked or closed."""

    NO_CAPACITY = "NO_CAPACITY"
    OUTSIDE_AREA = "OUTSIDE_AREA"
    NOT_OUR_SERVICE = "NOT_OUR_SERVICE"
    SAFETY = "SAFETY"
    ALREADY_KNOWN = "ALREADY_KNOWN"
    OTHER_REASON = "OTHER_REASON"
    WORK_DONE = "WORK_DONE"
    NO_ANSWER = "NO_ANSWER"
    PARTNER = "PARTNER"
    MISTAKE = "MISTAKE"
    CONSENT_WITHDRAWN = "CONSENT_WITHDRAWN"


@codes
class ReferralOrder(StrEnum):
    """How referrals are ordered: newest first, drafts before all; or the one that has waited longest first, drafts after all."""

    SENT_AT_DESC = "SENT_AT_DESC"
    OLDEST_WAITING = "OLDEST_WAITING"


ReferralCaseResult = Annotated[
    Case | Withheld,
    strawberry.union("ReferralCaseResult", description="The case behind a referral: for the sender only."),
]


@described
class Referral(Node):
    """What one organisation asks of another about one case. Its id differs for the two sides."""

    id: strawberry.ID = found(GlobalId("Referral"), "Opaque; the other side has another one.")
    direction: ReferralDirection = found(
        Column("direction", TEXT, nullable=False), "Which side of it the caller's organisation is on."
    )
    status: ReferralStatus = found(
        Column("status", TEXT, nullable=False),
        "As both sides see it at this moment; EXPIRED is derived, never stored.",
    )
    number: str = found(
        Expression(reads.NUMBER, TEXT, nullable=False),
        "What both sides call it on the telephone, such as `R-7F3K-92QD`. It opens nothing, and is of this referral alone.",
    )
    reason: ReferralReason | None = found(
        by_side(Expression(reads.SENT_REASON, TEXT), Expression(reads.RECEIVED_REASON, TEXT)),
        "Why it was declined; for the sender also why it was suspended, revoked or closed, which no receiver learns.",
    )
    need: Need = found(Column("need", CODE, nullable=False), "What is asked for.")
    urgency: Urgency = found(Column("urgency", CODE, nullable=False), "How soon an answer is needed.")
    scopes: list[Scope] = found(
        Column("scopes", CODE_ARRAY, nullable=False),
        "What it shares of what the survivor agreed to, or of what its legal basis names; for the receiver, empty while it is not open.",
    )
    sent_at: datetime | None = found(Column("sent_at", DATETIME), "When it was sent; null for a draft.")
    age_days: int | None = found(
        Expression(reads.AGE, INT), "How many days ago it was sent, in India; null for a draft."
    )
    agreed_until: datetime | None = found(
        Column("agreed_until", DATETIME),
        "Until when it lasts: as long as what it stands on, the agreement of the two and the referral itself all do.",
    )
    allowed_transitions: list[ReferralStatus] = found(
        by_side(
            Expression(reads.SENT_ALLOWED, CODE_ARRAY, nullable=False),
            Expression(reads.RECEIVED_ALLOWED, CODE_ARRAY, nullable=False),
        ),
        "The states that the caller may lead it to from here; what else must hold is said when it does not.",
    )
    consent: Consent | None = found(
        ToOne(consents.CONSENTS, consents.OF_REFERRAL),
        "The consent that it stands on, for the sender; null without one, and where the caller may not see it.",
        requires=Permission.CONSENT_READ,
    )
    ground: Ground | None = found(
        Column("ground", TEXT),
        "On what it is shared: her consent, or something else. Null for a draft; for the receiver, while the referral is not open to it.",
    )
    legal_basis: LegalBasis | None = found(
        ToOne(bases.BASES, bases.OF_REFERRAL),
        "What it stands on where that is no consent, for the sender; null where the caller may not see it.",
        requires=Permission.BASIS_READ,
    )
    partner_name: str | None = found(
        Column("partner", TEXT),
        "The organisation on the other side; for the receiver, only while the referral is open to it.",
    )
    partner_state: str | None = found(Column("partner_state", TEXT), "The state of India it works in.")
    case: ReferralCaseResult = found(
        by_side(
            Choice((Variant(None, "Case", ToOne(cases.CASES, cases.CASE_OF)),)),
            Choice((withheld(WithheldReason.NOT_SHARED),)),
        ),
        "The case it is about.",
    )
    hearings: list[ReferralHearing] = found(
        by_side(
            ToMany(hearings.SENT, reads.HEARINGS, order=hearings.BY_DAY),
            ToMany(hearings.RECEIVED, reads.HEARINGS, order=hearings.BY_DAY),
        ),
        "Hearings that the receiver reported.",
    )
    history: list[Annotated[ReferralStep, strawberry.lazy("pat_schema.referral_history")]] = found(
        by_side(
            ToMany(history.SENT, history.OF_REFERRAL, order=history.IN_ORDER),
            ToMany(history.RECEIVED, history.OF_REFERRAL, order=history.IN_ORDER),
        ),
        "The steps that either side took, in order; for the receiver, since it was sent. What ran out or was withdrawn is nobody's step.",
    )
    updates: list[Annotated[ReferralUpdate, strawberry.lazy("pat_schema.referral_work")]] = found(
        by_side(
            ToMany(work.SENT_UPDATES, work.OF_REFERRAL, order=work.BY_DAY),
            ToMany(work.RECEIVED_UPDATES, work.OF_REFERRAL, order=work.BY_DAY),
        ),
        "What the receiver has done about it, by the day; for the receiver also after the end.",
    )
    assignee: Member | None = found(
        by_side(Constant(None), ToOne(organisations.MEMBERS, work.ASSIGNEE)),
        "Who works on it, for the receiver; null if nobody does, and for the sender, whose business it is not.",
    )
    shared_case: SharedCase | None = found(
        by_side(Constant(None), ToOne(reads.SHARED_CASES, reads.SHARED)),
        "For the receiver, while the referral is open to it: what it may know of the case. Null for the sender, and after the end.",
    )


@input_type
class ReferralFilter:
    """Which referrals to list."""

    status: list[ReferralStatus] | None = strawberry.UNSET
    urgency: Urgency | None = strawberry.UNSET
    assigned_to_me: bool | None = strawberry.UNSET
    partner_state: str | None = strawberry.UNSET


def _page(source: Source, assigned: Mapping[str, Filter]) -> Page:
    return Page(
        source,
        orders=reads.ORDERS,
        default_order="SENT_AT_DESC",
        filters={**reads.FILTERS, **assigned},
        arguments=reads.ARGUMENTS,
    )


@described
class ReferralQuery:
    """Root fields about referrals."""

    @read_by(
        by_side(ToOne(reads.SENT, reads.THIS_REFERRAL), ToOne(reads.RECEIVED, reads.THIS_REFERRAL)),
        requires=Permission.REFERRAL_READ,
    )
    def referral(self, id: strawberry.ID) -> Referral | None:
        """One referral; null for an id that is unknown to the caller."""
        declared()

    @read_by(
        by_side(_page(reads.SENT, work.NOBODYS), _page(reads.RECEIVED, work.MINE)),
        requires=Permission.REFERRAL_READ,
    )
    def referrals(
        self,
        direction: ReferralDirection,
        filter: ReferralFilter | None = strawberry.UNSET,
        order_by: ReferralOrder = ReferralOrder.SENT_AT_DESC,
        first: int | None = strawberry.UNSET,
        after: str | None = strawberry.UNSET,
        last: int | None = strawberry.UNSET,
        before: str | None = strawberry.UNSET,
    ) -> Connection[Referral]:
        """The referrals that the caller's organisation sent, or those that others sent to it."""
        declared()


@input_type
class DraftReferralInput:
    """What to ask of whom, about which case."""

    case_id: strawberry.ID
    to: strawberry.ID
    need: Need
    urgency: Urgency = Urgency.ROUTINE
    client_mutation_id: UUID | None = None


@input_type
class BaseReferralInput:
    """On what a referral stands: a consent or another legal basis, one of them; which of its scopes, and until when, if not all of it."""

    id: strawberry.ID
    consent_id: strawberry.ID | None = None
    legal_basis_id: strawberry.ID | None = None
    scopes: list[Scope] | None = None
    until: datetime | None = None
    client_mutation_id: UUID | None = None


@input_type
class MoveReferralInput:
    """Which referral to lead to which state: one of its `allowedTransitions`; and, where it ends or is suspended, why."""

    id: strawberry.ID
    to: ReferralStatus
    reason: EndReason | None = None
    client_mutation_id: UUID | None = None


DraftReferralResult = Annotated[Referral | Refusal, strawberry.union("DraftReferralResult")]
BaseReferralResult = Annotated[Referral | Refusal, strawberry.union("BaseReferralResult")]
MoveReferralResult = Annotated[Referral | Refusal, strawberry.union("MoveReferralResult")]
AnswerReferralResult = Annotated[Referral | Refusal, strawberry.union("AnswerReferralResult")]


def _shuts(given: Mapping[str, Any]) -> bool:
    return given["to"] in (ReferralStatus.SUSPENDED, ReferralStatus.REVOKED)


@input_type
class AnswerReferralInput:
    """What the receiver says of a referral; why, where it is declined."""

    id: strawberry.ID
    answer: Answer
    reason: DeclineReason | None = None
    client_mutation_id: UUID | None = None


@described
class ReferralMutation:
    """What either side does with referrals: each writes rows of its own."""

    @mutation(requires=Permission.REFERRAL_SEND)
    async def draft_referral(self, info: Info, input: DraftReferralInput) -> DraftReferralResult:
        """Prepare a referral of one case to another organisation. Nothing is shared yet."""
        drafted = await service.draft_referral(
            info.context.tx,
            case_id=uuid_of(input.case_id, "Case"),
            to=uuid_of(input.to, "Organisation"),
            need=input.need,
            urgency=input.urgency,
        )
        return saved(Referral, drafted.id)

    @mutation(requires=Permission.REFERRAL_SEND)
    async def base_referral(self, info: Info, input: BaseReferralInput) -> BaseReferralResult:
        """Say on what a referral stands: a draft becomes ready to be sent, one under way goes on for longer, or with more.

        What she has withdrawn, or what stood on a basis that was ended, goes on only once it is sent anew: until then it is suspended.
        """
        referral = uuid_of(input.id, "Referral")
        await service.base_referral(
            info.context.tx,
            referral_id=referral,
            consent_id=None if input.consent_id is None else uuid_of(input.consent_id, "Consent"),
            basis_id=None if input.legal_basis_id is None else uuid_of(input.legal_basis_id, "LegalBasis"),
            scopes=input.scopes,
            until=input.until,
        )
        return saved(Referral, referral)

    @mutation(
        requires=Permission.REFERRAL_SEND,
        is_urgent=_shuts,
        urgency="No budget that is spent stands in the way of suspending or revoking it.",
    )
    async def move_referral(self, info: Info, input: MoveReferralInput) -> MoveReferralResult:
        """Send, suspend, send again, revoke or close a referral of the caller's organisation. Effective with the next statement."""
        referral = uuid_of(input.id, "Referral")
        await service.move_referral(info.context.tx, referral_id=referral, to=input.to, reason=input.reason)
        return saved(Referral, referral)

    @mutation(requires=Permission.REFERRAL_ANSWER)
    async def answer_referral(self, info: Info, input: AnswerReferralInput) -> AnswerReferralResult:
        """Accept, decline, take up or complete a referral that was sent to the caller's organisation."""
        referral = uuid_of(input.id, "Referral")
        await service.answer_referral(
            info.context.tx, received_id=referral, answer=input.answer, reason=input.reason
        )
        return saved(Referral, referral)
