"""Notes on cases, and how one is written."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

import strawberry

from pat_auth.policy import Permission
from pat_platform.engine.declare import Column, Finish, GlobalId, ToOne, Variant
from pat_platform.engine.kinds import CODE, DATETIME
from pat_schema.declaring import codes, described, found, input_type, mutation
from pat_schema.ids import uuid_of
from pat_schema.node import Node
from pat_schema.organisations import Member
from pat_schema.problems import Refusal, Withheld
from pat_schema.survivors import UNSEAL, sealed_from
from pat_schema.verbs import VerbContext, saved
from pat_tenants.cases import reads, service
from pat_tenants.cases.models import NoteKind
from pat_tenants.organisations import reads as organisations
from pat_tenants.survivors import reads as survivors

codes(NoteKind)

Info = strawberry.Info[VerbContext, None]


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


@codes
class NoteOrder(StrEnum):
    """How notes are ordered."""

    WRITTEN_AT_DESC = "WRITTEN_AT_DESC"


@input_type
class AddCaseNoteInput:
    """A note on a case."""

    case_id: strawberry.ID
    kind: NoteKind
    text: str
    client_mutation_id: UUID | None = None


AddCaseNoteResult = Annotated[CaseNote | Refusal, strawberry.union("AddCaseNoteResult")]


@described
class NoteMutation:
    """What may be done with notes."""

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
