"""Cases, their assignments, notes, proceedings and hearings; and what may be done with them."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import strawberry

from pat_auth.policy import Permission
from pat_platform.engine.declare import Column, Expression, Finish, GlobalId, ToMany, ToOne, Variant
from pat_platform.engine.declare import Connection as Page
from pat_platform.engine.kinds import CODE, CODE_ARRAY, DATE, DATETIME, INT, TEXT, TEXT_ARRAY
from pat_platform.errors import ChangedSince, Refused
from pat_schema.declaring import codes, declared, described, found, input_type, mutation
from pat_schema.declaring import reads as read_by
from pat_schema.ids import uuid_of
from pat_schema.node import Connection, Node
from pat_schema.organisations import Member, Place
from pat_schema.problems import Conflict, Refusal, Withheld
from pat_schema.survivors import UNSEAL, NewSurvivorInput, Survivor, sealed_from
from pat_schema.verbs import VerbContext, conflict, saved
from pat_schema.viewer import CEILING
from pat_tenants.cases import reads, service
from pat_tenants.cases.models import (
    CaseStage,
    CaseStatus,
    HearingMode,
    HearingPurpose,
    Jurisdiction,
    NoteKind,
    ProceedingStage,
    RiskLevel,
)
from pat_tenants.htcds import Exploitation, HtcdsCaseStatus, TraffickingStatus
from pat_tenants.organisations import reads as organisations
from pat_tenants.places import reads as places
from pat_tenants.referrals import reads as referrals
from pat_tenants.survivors import reads as survivors
from pat_tenants.survivors.service import Identity, register_survivor

if TYPE_CHECKING:
    from pat_schema.referrals import Referral

for enumeration in (
    CaseStage,
    CaseStatus,
    Exploitation,
    HearingMode,
    HearingPurpose,
    HtcdsCaseStatus,
    Jurisdiction,
    NoteKind,
    ProceedingStage,
    RiskLevel,
    TraffickingStatus,
):
    codes(enumeration)

Info = strawberry.Info[VerbContext, None]


@described
class CaseAssignment:
    """That a colleague works on a case."""

    member: Member | None = found(
        ToOne(organisations.MEMBERS, organisations.ASSIGNED),
        "The colleague, in the role that it was given to her in; null where the caller may not see who it is.",
    )
    since: datetime = found(Column("started_at", DATETIME, nullable=False), "When it was given to her.")


@described
class NoteText:
    """The text of a note. Every read of it is recorded."""

    text: str | None = found(
        Finish(
            survivors.sealed("case_note_texts", "text", "survivor_id", "note_id"),
            UNSEAL,
            audits=reads.NOTE_TEXT_READ,
        ),
        "As it was written; null once it was erased.",
    )


NoteTextResult = Annotated[
    NoteText | Withheld,
    strawberry.union("NoteTextResult", description="The text of a note, or why it is withheld."),
]


@described
class CaseNote(Node):
    """A note on a case."""

    id: strawberry.ID = found(GlobalId("CaseNote"), "Opaque.")
    kind: NoteKind = found(Column("kind", CODE, nullable=False), "What it is about.")
    written_at: datetime = found(Column("written_at", DATETIME, nullable=False), "When it was written.")
    author: Member | None = found(
        ToOne(
            organisations.MEMBERS, organisations.member_of("created_by"), order=organisations.FIRST_MEMBERSHIP
        ),
        "Who wrote it; null where the caller may not see who it is.",
    )
    body: NoteTextResult = found(
        sealed_from(
            Permission.NOTE_TEXT_READ,
            "identity",
            shown=Variant(None, "NoteText", ToOne(reads.NOTE_TEXTS, reads.NOTE_TEXT)),
            assigned=reads.NOTE_IS_ASSIGNED,
        ),
        "The text, or why it is withheld.",
    )


@described
class Hearing(Node):
    """A day in court."""

    id: strawberry.ID = found(GlobalId("Hearing"), "Opaque.")
    held_on: date = found(Column("held_on", DATE, nullable=False), "The day, past or to come.")
    mode: HearingMode = found(Column("mode", CODE, nullable=False), "In the court room or by video link.")
    purpose: HearingPurpose | None = found(Column("purpose", CODE), "What it is for.")


@described
class LegalProceeding(Node):
    """A criminal proceeding in a case."""

    id: strawberry.ID = found(GlobalId("LegalProceeding"), "Opaque.")
    jurisdiction: Jurisdiction = found(
        Column("jurisdiction", CODE, nullable=False), "Where she comes from, or where she was taken."
    )
    state: str = found(Column("state", TEXT, nullable=False), "The state of India whose court it is.")
    court: str | None = found(Column("court", TEXT), "The court, once there is one.")
    stage: ProceedingStage = found(Column("stage", CODE, nullable=False), "How far it has come.")
    sections: list[str] = found(
        Column("sections", TEXT_ARRAY, nullable=False), "Statute and section, such as `IPC 370` or `BNS 143`."
    )
    filed_on: date | None = found(Column("filed_on", DATE), "When it was filed.")
    hearings: list[Hearing] = found(
        ToMany(reads.HEARINGS, reads.OF_PROCEEDING, order=reads.BY_DAY), "Its days in court, in order."
    )


@codes
class CaseOrder(StrEnum):
    """How cases are ordered."""

    OPENED_ON_DESC = "OPENED_ON_DESC"
    OPENED_ON_ASC = "OPENED_ON_ASC"
    CODE_ASC = "CODE_ASC"


@codes
class NoteOrder(StrEnum):
    """How notes are ordered."""

    WRITTEN_AT_DESC = "WRITTEN_AT_DESC"


@input_type
class CaseFilter:
    """Which cases to list; what is not given does not narrow."""

    status: list[CaseStatus] | None = strawberry.UNSET
    stage: list[CaseStage] | None = strawberry.UNSET
    risk_level: RiskLevel | None = strawberry.UNSET
    opened_from: date | None = strawberry.UNSET
    opened_to: date | None = strawberry.UNSET
    code: str | None = strawberry.UNSET
    assigned_to_me: bool | None = strawberry.UNSET


@described
class Case(Node):
    """A survivor's case."""

    id: strawberry.ID = found(GlobalId("Case"), "Opaque.")
    code: str = found(Column("code", TEXT, nullable=False), "Random; the last character checks the others.")
    status: CaseStatus = found(Column("status", CODE, nullable=False), "The state of the case.")
    htcds_status: HtcdsCaseStatus = found(
        Expression(reads.HTCDS_STATUS, TEXT, nullable=False), "The same as HTCDS 2.0 `cas_Status`."
    )
    stage: CaseStage = found(Column("stage", CODE, nullable=False), "How far she has come.")
    risk_level: RiskLevel = found(Column("risk_level", CODE, nullable=False), "The risk as last assessed.")
    trafficking_status: TraffickingStatus = found(
        Column("trafficking_status", CODE, nullable=False), "HTCDS 2.0 `vic_TraffickingStatus`."
    )
    exploitation: list[Exploitation] = found(
        Column("exploitation", CODE_ARRAY, nullable=False), "HTCDS 2.0 `vic_TypeOfExploitation`."
    )
    opened_on: date = found(Column("opened_on", DATE, nullable=False), "The day it was opened.")
    closed_on: date | None = found(Column("closed_on", DATE), "The day it ended; null while it is open.")
    version: int = found(
        Column("version", INT, nullable=False), "Give it back as `baseVersion` when changing the case."
    )
    place: Place | None = found(ToOne(places.PLACES, places.HERE), "The block or municipality of the case.")
    survivor: Survivor = found(ToOne(survivors.SURVIVORS, survivors.OF_CASE), "Whose case it is.")
    assignments: list[CaseAssignment] = found(
        ToMany(reads.ASSIGNMENTS, reads.LIVE_ASSIGNMENTS, order=reads.BY_START), "Who works on it."
    )
    legal_proceedings: list[LegalProceeding] = found(
        ToMany(reads.PROCEEDINGS, reads.OF_CASE, order=reads.BY_FILING),
        "Its criminal proceedings, newest first.",
        requires=Permission.PROCEEDING_READ,
    )
    latest_proceeding: LegalProceeding | None = found(
        ToOne(reads.PROCEEDINGS, reads.OF_CASE, order=reads.BY_FILING),
        "Its newest criminal proceeding: one that is not filed yet, else the one that was filed last.",
        requires=Permission.PROCEEDING_READ,
    )
    referrals: list[Annotated[Referral, strawberry.lazy("pat_schema.referrals")]] = found(
        ToMany(referrals.SENT, referrals.OF_CASE, order=referrals.BY_SENDING),
        "What was asked of other organisations for it.",
        requires=Permission.REFERRAL_READ,
    )

    @read_by(
        Page(reads.NOTES, on=reads.OF_CASE, orders=reads.NOTE_ORDERS, default_order="WRITTEN_AT_DESC"),
        requires=Permission.NOTE_READ,
    )
    def notes(
        self,
        order_by: NoteOrder = NoteOrder.WRITTEN_AT_DESC,
        first: int | None = strawberry.UNSET,
        after: str | None = strawberry.UNSET,
        last: int | None = strawberry.UNSET,
        before: str | None = strawberry.UNSET,
    ) -> Connection[CaseNote]:
        """The notes on it."""
        declared()


@described
class CaseCount:
    """How many cases of one status are of one place."""

    status: CaseStatus = found(Column("status", CODE, nullable=False), "The status that was counted.")
    place: Place | None = found(
        ToOne(places.PLACES, places.HERE), "The block or municipality; null for cases without one."
    )
    count: int = found(Column("count", INT, nullable=False), "How many cases.")


@described
class CaseQuery:
    """Root fields about cases."""

    @read_by(ToOne(reads.CASES, reads.THIS_CASE), requires=Permission.CASE_READ)
    def case(self, id: strawberry.ID) -> Case | None:
        """One case; null for an id that is unknown to the caller, whether or not it exists."""
        declared()

    @read_by(
        Page(reads.CASES, orders=reads.ORDERS, default_order="OPENED_ON_DESC", filters=reads.FILTERS),
        requires=Permission.CASE_READ,
    )
    def cases(
        self,
        filter: CaseFilter | None = strawberry.UNSET,
        order_by: CaseOrder = CaseOrder.OPENED_ON_DESC,
        first: int | None = strawberry.UNSET,
        after: str | None = strawberry.UNSET,
        last: int | None = strawberry.UNSET,
        before: str | None = strawberry.UNSET,
    ) -> Connection[Case]:
        """The cases that the caller may see: of her organisation, assigned to her, or her own."""
        declared()

    @read_by(
        ToMany(reads.COUNTS, reads.ALL_COUNTS, order=reads.BY_STATUS_AND_PLACE, estimate=100),
        requires=Permission.CASE_READ,
    )
    def case_counts(self) -> list[CaseCount]:
        """How many cases the caller may see, by status and place. A pair without cases is not listed."""
        declared()


@input_type
class OpenCaseInput:
    """A new survivor and her case."""

    survivor: NewSurvivorInput
    opened_on: date
    stage: CaseStage
    risk_level: RiskLevel
    trafficking_status: TraffickingStatus
    exploitation: list[Exploitation] = strawberry.field(default_factory=list)
    place_id: strawberry.ID | None = None
    client_mutation_id: UUID | None = None


@input_type
class AssignCaseInput:
    """Which case to give to which colleague."""

    case_id: strawberry.ID
    member_id: strawberry.ID
    client_mutation_id: UUID | None = None


@input_type
class AddCaseNoteInput:
    """A note on a case."""

    case_id: strawberry.ID
    kind: NoteKind
    text: str
    client_mutation_id: UUID | None = None


@input_type
class UpdateCaseInput:
    """What to change on a case that was read at `baseVersion`; what is not given stays as it is."""

    case_id: strawberry.ID
    base_version: int
    status: CaseStatus | None = None
    stage: CaseStage | None = None
    risk_level: RiskLevel | None = None
    trafficking_status: TraffickingStatus | None = None
    exploitation: list[Exploitation] | None = None
    closed_on: date | None = None
    client_mutation_id: UUID | None = None


OpenCaseResult = Annotated[Case | Refusal, strawberry.union("OpenCaseResult")]
AssignCaseResult = Annotated[Case | Refusal, strawberry.union("AssignCaseResult")]
AddCaseNoteResult = Annotated[CaseNote | Refusal, strawberry.union("AddCaseNoteResult")]
UpdateCaseResult = Annotated[Case | Refusal | Conflict, strawberry.union("UpdateCaseResult")]


@described
class CaseMutation:
    """What may be done with cases."""

    @mutation(requires=Permission.CASE_OPEN)
    async def open_case(self, info: Info, input: OpenCaseInput) -> OpenCaseResult:
        """Register a survivor and open her case."""
        new, tx, vault = input.survivor, info.context.tx, info.context.vault
        survivor = await register_survivor(
            tx,
            vault,
            gender=new.gender,
            is_minor_at_intake=new.is_minor_at_intake,
            marital_status=new.marital_status,
            birth_year=new.birth_year,
            primary_language=new.primary_language,
            place_id=_place(new.place_id),
            identity=_identity(new, info.context.principal.scopes),
        )
        case = await service.open_case(
            tx,
            survivor=survivor,
            opened_on=input.opened_on,
            stage=input.stage,
            risk_level=input.risk_level,
            trafficking_status=input.trafficking_status,
            exploitation=input.exploitation,
            place_id=_place(input.place_id),
        )
        return saved(Case, case.id)

    @mutation(requires=Permission.CASE_ASSIGN)
    async def assign_case(self, info: Info, input: AssignCaseInput) -> AssignCaseResult:
        """Give a case to a colleague, who from now on may read who the survivor is."""
        case = await service.assign_case(
            info.context.tx,
            case_id=uuid_of(input.case_id, "Case"),
            member_id=uuid_of(input.member_id, "Member"),
        )
        return saved(Case, case.id)

    @mutation(requires=Permission.NOTE_ADD)
    async def add_case_note(self, info: Info, input: AddCaseNoteInput) -> AddCaseNoteResult:
        """Write a note on a case."""
        note_id = await service.add_case_note(
            info.context.tx,
            info.context.vault,
            case_id=uuid_of(input.case_id, "Case"),
            kind=input.kind,
            text=input.text,
        )
        return saved(CaseNote, note_id)

    @mutation(requires=Permission.CASE_UPDATE)
    async def update_case(self, info: Info, input: UpdateCaseInput) -> UpdateCaseResult:
        """Change a case. When somebody was faster, nothing is changed and the answer is a Conflict."""
        changes = service.CaseChanges(
            status=input.status,
            stage=input.stage,
            risk_level=input.risk_level,
            trafficking_status=input.trafficking_status,
            exploitation=input.exploitation,
            closed_on=input.closed_on,
        )
        case_id = uuid_of(input.case_id, "Case")
        try:
            await service.update_case(
                info.context.tx, case_id=case_id, base_version=input.base_version, changes=changes
            )
        except ChangedSince as faster:
            return conflict("case", faster.version)
        return saved(Case, case_id)


def _place(place_id: str | None) -> UUID | None:
    return None if place_id is None else uuid_of(place_id, "Place")


def _identity(new: NewSurvivorInput, scopes: frozenset[str]) -> Identity | None:
    """Who she is, if that is told. Raises Refused for a client that may not be told it: then it may not be the one that tells it."""
    known = new.identity
    if known is None:
        return None
    if CEILING[Permission.IDENTITY_READ] not in scopes:
        sentence = (
            "This program may not handle who somebody is. Leave the identity out, or use another program."
        )
        raise Refused("CLIENT_NOT_ALLOWED", sentence, "identity")
    birth_date = known.birth_date.isoformat() if known.birth_date else None
    return Identity(known.first_name, known.second_name, known.alias, birth_date, known.phone, known.address)
