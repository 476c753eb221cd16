"""Consents: what a survivor has agreed to share, with whom and until when; how she agrees, and how she ends it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

import strawberry

from pat_auth.policy import Permission
from pat_platform.engine.declare import Column, GlobalId, ToMany, ToOne
from pat_platform.engine.declare import Connection as Page
from pat_platform.engine.kinds import BOOL, CODE, CODE_ARRAY, DATETIME, TEXT
from pat_schema.bases import LegalBasis
from pat_schema.declaring import always, codes, declared, described, found, input_type, mutation
from pat_schema.declaring import reads as read_by
from pat_schema.ids import uuid_of
from pat_schema.node import Connection, Node
from pat_schema.problems import Refusal
from pat_schema.sharing import Need, Scope
from pat_schema.survivors import Survivor
from pat_schema.verbs import VerbContext, saved
from pat_tenants.bases import reads as bases
from pat_tenants.consents import reads, service
from pat_tenants.consents.models import ConsentGiver, ConsentMode, ConsentQuestion
from pat_tenants.survivors import reads as survivors

codes(ConsentGiver)
codes(ConsentMode)
codes(ConsentQuestion)

Info = strawberry.Info[VerbContext, None]


@described
class Consent(Node):
    """What may be shared about a survivor with one organisation, for one purpose. It is never changed: widened by another, ended by a
    withdrawal."""

    id: strawberry.ID = found(GlobalId("Consent"), "Opaque.")
    survivor: Survivor = found(ToOne(survivors.SURVIVORS, survivors.OF_CASE), "Whom it is about.")
    recipient_name: str = found(
        Column("recipient", TEXT, nullable=False), "The organisation that it may be shared with."
    )
    purpose: Need = found(Column("purpose", CODE, nullable=False), "What it may be shared for.")
    scopes: list[Scope] = found(Column("scopes", CODE_ARRAY, nullable=False), "What may be shared.")
    giver: ConsentGiver = found(Column("giver", CODE, nullable=False), "Who agreed.")
    mode: ConsentMode = found(Column("mode", CODE, nullable=False), "How it was given.")
    notice_version: str = found(
        Column("notice_version", TEXT, nullable=False), "Which notice she was given before."
    )
    notice_language: str = found(
        Column("notice_language", TEXT, nullable=False), "In which language, ISO 639-1."
    )
    agreed: list[ConsentQuestion] = found(
        Column("agreed", CODE_ARRAY, nullable=False), "The questions that were answered with yes."
    )
    evidence: str | None = found(
        Column("evidence", TEXT), "The mark under which the sheet or the recording is kept."
    )
    given_at: datetime = found(Column("given_at", DATETIME, nullable=False), "When it was given.")
    valid_until: datetime = found(
        Column("valid_until", DATETIME, nullable=False), "Until when; for a child no longer than she is one."
    )
    withdrawn_at: datetime | None = found(Column("withdrawn_at", DATETIME), "When it was withdrawn.")
    is_live: bool = found(
        Column("is_live", BOOL, nullable=False), "Whether anything may be shared on it at this moment."
    )
    survived_by: list[LegalBasis] = found(
        ToMany(bases.BASES, bases.BESIDE_CONSENT, order=bases.NEWEST_FIRST, estimate=1),
        "On what something may be shared with the same organisation all the same, at this moment: no withdrawal ends it.",
        requires=Permission.BASIS_READ,
    )
    also_agreed: list[Consent] = found(
        ToMany(reads.CONSENTS, reads.BESIDE, order=reads.NEWEST_FIRST, estimate=1),
        "What else she has agreed to with the same organisation, of what runs at this moment: it ends by a withdrawal of its own.",
        requires=Permission.CONSENT_READ,
    )


@input_type
class ConsentFilter:
    """Which consents to list."""

    is_live: bool | None = strawberry.UNSET


@codes
class ConsentOrder(StrEnum):
    """How consents are ordered."""

    NEWEST = "NEWEST"


@described
class ConsentQuery:
    """Root fields about consents."""

    @read_by(
        Page(reads.CONSENTS, orders=reads.BY_TIME, default_order="NEWEST", filters=reads.LIVE),
        requires=Permission.CONSENT_READ,
    )
    def consents(
        self,
        filter: ConsentFilter | None = strawberry.UNSET,
        order_by: ConsentOrder = ConsentOrder.NEWEST,
        first: int | None = strawberry.UNSET,
        after: str | None = strawberry.UNSET,
        last: int | None = strawberry.UNSET,
        before: str | None = strawberry.UNSET,
    ) -> Connection[Consent]:
        """What survivors have agreed to, as far as the caller may see it: of her organisation, of her cases, or her own."""
        declared()


@input_type
class ConsentTermsInput:
    """What is agreed to, and what was said before. `agreed` are the questions that were answered with yes."""

    recipient_id: strawberry.ID
    purpose: Need
    scopes: list[Scope]
    valid_until: datetime
    notice_version: str
    notice_language: str
    agreed: list[ConsentQuestion]


@input_type
class GiveConsentInput:
    """What a survivor who is signed in agrees to."""

    terms: ConsentTermsInput
    client_mutation_id: UUID | None = None


@input_type
class RecordConsentInput:
    """What a survivor, or who speaks for her as a child, has agreed to: on paper, in words, on a recording."""

    survivor_id: strawberry.ID
    giver: ConsentGiver
    mode: ConsentMode
    evidence: str
    terms: ConsentTermsInput
    client_mutation_id: UUID | None = None


@input_type
class WithdrawConsentInput:
    """Which consent to withdraw."""

    id: strawberry.ID
    client_mutation_id: UUID | None = None


@input_type
class BarGuardianInput:
    """Whose guardian is not asked any more."""

    survivor_id: strawberry.ID
    client_mutation_id: UUID | None = None


GiveConsentResult = Annotated[Consent | Refusal, strawberry.union("GiveConsentResult")]
RecordConsentResult = Annotated[Consent | Refusal, strawberry.union("RecordConsentResult")]
WithdrawConsentResult = Annotated[Consent | Refusal, strawberry.union("WithdrawConsentResult")]
BarGuardianResult = Annotated[Survivor | Refusal, strawberry.union("BarGuardianResult")]


@described
class ConsentMutation:
    """How survivors agree, and how they end it."""

    @mutation(requires=Permission.CONSENT_GIVE)
    async def give_consent(self, info: Info, input: GiveConsentInput) -> GiveConsentResult:
        """Agree, as the survivor who is signed in. Nothing is shared by that alone: her organisation decides what it sends."""
        context = info.context
        return saved(
            Consent, await service.give_consent(context.tx, context.vault, terms=_terms(input.terms))
        )

    @mutation(requires=Permission.CONSENT_RECORD)
    async def record_consent(self, info: Info, input: RecordConsentInput) -> RecordConsentResult:
        """Record what a survivor, her guardian or the Child Welfare Committee has agreed to. For a child it ends when she turns 18."""
        consent = await service.record_consent(
            info.context.tx,
            info.context.vault,
            survivor_id=uuid_of(input.survivor_id, "Survivor"),
            terms=_terms(input.terms),
            giver=input.giver,
            mode=input.mode,
            evidence=input.evidence,
        )
        return saved(Consent, consent)

    @mutation(requires=Permission.CONSENT_WITHDRAW, is_urgent=always)
    async def withdraw_consent(self, info: Info, input: WithdrawConsentInput) -> WithdrawConsentResult:
        """End a consent. Nothing stands in the way, and from the next statement on nothing is shared on it. Her case managers are told.

        What may be shared all the same, by order of a court for instance, is said by `survivedBy`; what else she has agreed to with
        the same organisation, by `alsoAgreed`.
        """
        consent = uuid_of(input.id, "Consent")
        await service.withdraw_consent(info.context.tx, consent_id=consent)
        return saved(Consent, consent)

    @mutation(requires=Permission.GUARDIAN_BAR, is_urgent=always)
    async def bar_guardian(self, info: Info, input: BarGuardianInput) -> BarGuardianResult:
        """Ask her guardian nothing any more: he may be whom she has to be kept safe from. What he has agreed to is withdrawn."""
        survivor = uuid_of(input.survivor_id, "Survivor")
        await service.bar_guardian(info.context.tx, survivor_id=survivor)
        return saved(Survivor, survivor)


def _terms(given: ConsentTermsInput) -> service.Terms:
    return service.Terms(
        recipient_id=uuid_of(given.recipient_id, "Organisation"),
        purpose=given.purpose,
        scopes=given.scopes,
        valid_until=given.valid_until,
        notice_version=given.notice_version,
        notice_language=given.notice_language,
        agreed=given.agreed,
    )
