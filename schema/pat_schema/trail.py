"""What was done, by whom, and with whose records: as far as whoever asks may know."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

import strawberry

from pat_auth.policy import Permission, Reach, Role
from pat_platform.engine.declare import Column, Deferred, Expression, Finish, GlobalId, ToMany, ToOne
from pat_platform.engine.declare import Connection as Page
from pat_platform.engine.kinds import DATETIME, INT, TEXT, TEXT_ARRAY
from pat_schema.cases import Case
from pat_schema.declaring import codes, declared, described, found, input_type, mutation
from pat_schema.declaring import reads as read_by
from pat_schema.ids import uuid_of
from pat_schema.languages import MailLanguage
from pat_schema.node import Connection
from pat_schema.organisations import Member, Organisation
from pat_schema.problems import Refusal
from pat_schema.referrals import Referral
from pat_schema.survivors import Survivor
from pat_schema.verbs import VerbContext, saved
from pat_schema.viewer import Viewer
from pat_tenants.cases import reads as cases
from pat_tenants.organisations import reads as organisations
from pat_tenants.referrals import reads as referrals
from pat_tenants.safety_holds import service
from pat_tenants.survivors import reads as survivors
from pat_tenants.trail import reads
from pat_tenants.trail.classes import AccessKind, RecordClass

codes(AccessKind)
codes(RecordClass)

Info = strawberry.Info[VerbContext, None]

WORDED = "worded"
"""The finishing step that says an access in words."""

_AT = Column("at", DATETIME, nullable=False)
_ROLE = Column("role", TEXT)
_CLASSES = Column("classes", TEXT_ARRAY, nullable=False)
_ORGANISATION = ToOne(organisations.ORGANISATIONS, reads.OF_ORGANISATION)
_MEMBER = ToOne(organisations.MEMBERS, reads.ACTOR, order=reads.NEWEST_MEMBERSHIP)
_REFERRAL = ToOne(referrals.SENT, reads.REFERRAL)


@described
class AuditEvent:
    """Something that somebody did, as the trail has it: whoever did it could neither prevent nor change this."""

    id: strawberry.ID = found(GlobalId("AuditEvent"), "Opaque; another one for each organisation that reads.")
    at: datetime = found(_AT, "When.")
    organisation: Organisation | None = found(_ORGANISATION, "Whose people did it.")
    role: Role | None = found(_ROLE, "As what; null for what happens when somebody signs in.")
    member: Member | None = found(
        _MEMBER, "Who; null for a survivor, and for whoever audits other organisations."
    )
    action: str = found(Column("action", TEXT, nullable=False), "What, such as `case.opened`.")
    classes: list[RecordClass] = found(_CLASSES, "Which data was read, where something was.")
    subject_count: int = found(
        Expression(reads.SUBJECT_COUNT, INT, nullable=False),
        "How many cases, people and other things it was about.",
    )
    cases: list[Case] = found(
        ToMany(cases.CASES, reads.SUBJECTS, order=cases.BY_OPENING, estimate=2),
        "The cases that it was about, fifty at most.",
        requires=Permission.CASE_READ,
    )
    survivors: list[Survivor] = found(
        ToMany(survivors.SURVIVORS, reads.SUBJECTS, order=reads.SURVIVORS_IN_ORDER, estimate=5),
        "The survivors that it was about, fifty at most.",
        requires=Permission.CASE_READ,
    )
    detail: str | None = found(
        Column("detail", TEXT),
        "JSON: codes and counts, never a name or a note; null for whoever audits other organisations.",
    )


@described
class PartnerEvent:
    """What another organisation's people did with a referral of the caller's organisation, or read under it."""

    id: strawberry.ID = found(
        GlobalId("PartnerEvent"), "Opaque; another one for each organisation that reads."
    )
    at: datetime = found(_AT, "When.")
    organisation: Organisation | None = found(_ORGANISATION, "Whose people did it.")
    role: Role | None = found(_ROLE, "As what.")
    action: str = found(Column("action", TEXT, nullable=False), "What, such as `referral.answered`.")
    classes: list[RecordClass] = found(_CLASSES, "Which data was read, where something was.")
    referral: Referral | None = found(_REFERRAL, "Under which referral.")


@described
class Access:
    """That somebody read or changed the caller's own record."""

    id: strawberry.ID = found(GlobalId("Access"), "Opaque.")
    at: datetime = found(_AT, "When.")
    organisation: Organisation | None = found(_ORGANISATION, "Whose people it was.")
    role: Role | None = found(_ROLE, "As what.")
    member: Member | None = found(_MEMBER, "Who, where it is somebody who works on her case.")
    kind: AccessKind = found(Column("kind", TEXT, nullable=False), "What was done.")
    classes: list[RecordClass] = found(_CLASSES, "Which data was read, where something was.")
    referral: Referral | None = found(_REFERRAL, "Under which referral, where it was another organisation.")

    @read_by(Finish(reads.SENTENCE, WORDED, nullable=False))
    def sentence(self, language: MailLanguage = MailLanguage.EN) -> str:
        """All of it in one sentence."""
        declared()


@codes
class TrailOrder(StrEnum):
    """How events are ordered."""

    NEWEST = "NEWEST"


@input_type
class AuditFilter:
    """Which events to list: of an action; from a moment on, to another."""

    action: str | None = strawberry.UNSET
    from_: datetime | None = strawberry.field(default=strawberry.UNSET, name="from")
    to: datetime | None = strawberry.UNSET


def _events_of(viewer: Viewer) -> Page:
    match viewer.reach(Permission.AUDIT_READ):
        case Reach.ORGANISATION:
            return _ORGANISATIONS
        case Reach.NETWORK:
            return _NETWORKS
        case _:
            return _OWN


_ORGANISATIONS, _OWN, _NETWORKS = (
    Page(source, on=matching, orders=orders, default_order="NEWEST", filters=reads.FILTERS)
    for source, matching, orders in (
        (reads.ORGANISATIONS, reads.MATCHING, reads.BY_NUMBER),
        (reads.OWN, reads.MATCHING_OWN, reads.BY_NUMBER),
        (reads.NETWORKS, reads.MATCHING_ANY, reads.BY_TIME),
    )
)


@described
class TrailQuery:
    """Root fields about the trail."""

    @read_by(Deferred(_events_of, options=(_ORGANISATIONS, _OWN, _NETWORKS)), requires=Permission.AUDIT_READ)
    def audit_events(
        self,
        subject: strawberry.ID | None = strawberry.UNSET,
        actor: strawberry.ID | None = strawberry.UNSET,
        filter: AuditFilter | None = strawberry.UNSET,
        order_by: TrailOrder = TrailOrder.NEWEST,
        first: int | None = strawberry.UNSET,
        after: str | None = strawberry.UNSET,
        last: int | None = strawberry.UNSET,
        before: str | None = strawberry.UNSET,
    ) -> Connection[AuditEvent]:
        """What was done in the caller's organisation; by herself, where her role sees no more; for an auditor, in the network.

        `subject` is a case, a survivor or a referral that it was about, `actor` the member who did it.
        """
        declared()

    @read_by(
        Page(reads.PARTNERS, orders=reads.BY_TIME, default_order="NEWEST", filters=reads.FILTERS),
        requires=Permission.PARTNER_AUDIT_READ,
    )
    def partner_events(
        self,
        filter: AuditFilter | None = strawberry.UNSET,
        order_by: TrailOrder = TrailOrder.NEWEST,
        first: int | None = strawberry.UNSET,
        after: str | None = strawberry.UNSET,
        last: int | None = strawberry.UNSET,
        before: str | None = strawberry.UNSET,
    ) -> Connection[PartnerEvent]:
        """What other organisations did with the referrals that the caller's organisation sent them."""
        declared()


@input_type
class SetSafetyHoldInput:
    """From whom to hide what could endanger her while somebody looks on."""

    survivor_id: strawberry.ID
    client_mutation_id: UUID | None = None


@input_type
class LiftSafetyHoldInput:
    """To whom to show it again."""

    survivor_id: strawberry.ID
    client_mutation_id: UUID | None = None


SetSafetyHoldResult = Annotated[Survivor | Refusal, strawberry.union("SetSafetyHoldResult")]
LiftSafetyHoldResult = Annotated[Survivor | Refusal, strawberry.union("LiftSafetyHoldResult")]


@described
class SafetyHoldMutation:
    """What may be done with safety holds."""

    @mutation(requires=Permission.SAFETY_HOLD_SET)
    async def set_safety_hold(self, info: Info, input: SetSafetyHoldInput) -> SetSafetyHoldResult:
        """Hide hearings, who works on her case, and who has looked at her record from a survivor's own view. She is not told."""
        survivor = uuid_of(input.survivor_id, "Survivor")
        await service.set_safety_hold(info.context.tx, survivor_id=survivor)
        return saved(Survivor, survivor)

    @mutation(requires=Permission.SAFETY_HOLD_SET)
    async def lift_safety_hold(self, info: Info, input: LiftSafetyHoldInput) -> LiftSafetyHoldResult:
        """Show a survivor again what a safety hold has hidden from her."""
        survivor = uuid_of(input.survivor_id, "Survivor")
        await service.lift_safety_hold(info.context.tx, survivor_id=survivor)
        return saved(Survivor, survivor)
