"""Criminal proceedings, and their days in court."""

from __future__ import annotations

from datetime import date

import strawberry

from pat_platform.engine.declare import Column, GlobalId, ToMany
from pat_platform.engine.kinds import CODE, DATE, TEXT, TEXT_ARRAY
from pat_schema.declaring import codes, described, found
from pat_schema.hearings import Hearing
from pat_schema.node import Node
from pat_tenants.cases.models import Jurisdiction, ProceedingStage
from pat_tenants.hearings import reads as hearings

for enumeration in (Jurisdiction, ProceedingStage):
    codes(enumeration)


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
        ToMany(hearings.HEARINGS, hearings.OF_PROCEEDING, order=hearings.BY_DAY),
        "Its days in court, in order.",
    )
