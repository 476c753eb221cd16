"""Cases and who works on them; and what may be done with them."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import strawberry

from pat_auth.policy import Permission
from pat_platform.engine.declare import Column, Expression, GlobalId, ToMany, ToOne
from pat_platform.engine.declare import Connection as Page
from pat_platform.engine.kinds import CODE, CODE_ARRAY, DATE, DATETIME, INT, TEXT
from pat_platform.errors import ChangedSince, Refused
from pat_schema.declaring import codes, declared, described, found, input_type, mutation
from pat_schema.declaring import reads as read_by
from pat_schema.ids import uuid_of
from pat_schema.node import Connection, Node
from pat_schema.notes import CaseNote, NoteOrder
from pat_schema.organisations import Member, Place
from pat_schema.problems import Conflict, Refusal
from pat_schema.proceedings import LegalProceeding
from pat_schema.survivors import NewSurvivorInput, Survivor
from pat_schema.verbs import VerbContext, conflict, saved
from pat_schema.viewer import CEILING
from pat_tenants.cases import reads, service
from pat_tenants.cases.models import CaseStage, CaseStatus, RiskLevel
from pat_tenants.htcds import Exploitation, HtcdsCaseStatus, TraffickingStatus
from pat_tenants.organisations import reads as organisations
from pat_tenants.places import reads as places
from pat_tenants.referrals import reads as referrals
from pat_tenants.survivors import reads as survivors
from pat_tenants.survivors.service import Identity, register_survivor

if TYPE_CHECKING:
    from pat_schema.referrals import Referral

for enumeration in (CaseStage, CaseStatus, Exploitation, HtcdsCaseStatus, RiskLevel, TraffickingStatus):
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


@codes
class CaseOrder(StrEnum):
    """How cases are ordered."""

    OPENED_ON_DESC = "OPENED_ON_DESC"
    OPENED_ON_ASC = "OPENED_ON_ASC"
    CODE_ASC = "CODE_ASC"


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
