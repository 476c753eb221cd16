"""Survivors, and who they are for those who may know."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated

import strawberry

from pat_auth.policy import Permission, Reach
from pat_platform.engine.declare import (
    Choice,
    Column,
    Constant,
    Declaration,
    Deferred,
    Expression,
    Finish,
    GlobalId,
    ToMany,
    ToOne,
    Variant,
)
from pat_platform.engine.kinds import BOOL, CODE, DATETIME, TEXT
from pat_schema.declaring import codes, declared, described, found, input_type
from pat_schema.declaring import reads as read_by
from pat_schema.node import Node
from pat_schema.organisations import Place
from pat_schema.problems import Withheld, WithheldReason
from pat_schema.viewer import Viewer
from pat_tenants.cases import reads as cases
from pat_tenants.consents import reads as consents
from pat_tenants.htcds import Gender, MaritalStatus
from pat_tenants.places import reads as places
from pat_tenants.safety_holds import reads as holds
from pat_tenants.survivors import reads

if TYPE_CHECKING:
    from pat_schema.cases import Case

codes(Gender)
codes(MaritalStatus)

UNSEAL = "unseal"
"""The finishing step that opens a sealed value."""


def withheld(reason: WithheldReason) -> Variant:
    """The variant of a union that says why there is nothing to see."""
    return Variant(None, "Withheld", Constant({"reason": reason.value}))


def sealed_from(permission: Permission, scope: str, *, shown: Variant, assigned: str) -> Deferred:
    """A union of something sealed and Withheld, chosen by the client's ceiling, the role's reach, and, row by row, assignment.

    ``assigned`` is the condition that holds on rows assigned to the caller.
    """

    by_role, by_client, for_all = (
        Choice((withheld(WithheldReason.ROLE),)),
        Choice((withheld(WithheldReason.CLIENT),)),
        Choice((shown,)),
    )
    for_assigned = Choice((replace(shown, condition=assigned), withheld(WithheldReason.NOT_ASSIGNED)))

    def choose(viewer: Viewer) -> Declaration:
        reach = viewer.reach(permission)
        if reach is None:
            return by_role
        if scope not in viewer.scopes:
            return by_client
        return for_assigned if reach is Reach.ASSIGNED else for_all

    return Deferred(choose, options=(by_role, by_client, for_all, for_assigned))


def _sealed(column: str) -> Finish:
    return Finish(
        reads.sealed("survivor_identities", column, "survivor_id"), UNSEAL, audits=reads.IDENTITY_READ
    )


@described
class SurvivorIdentity:
    """Who a survivor is. Every read of it is recorded. Absent values are not known."""

    first_name: str | None = found(_sealed("first_name"), "HTCDS 2.0 `prs_FirstName`.")
    second_name: str | None = found(_sealed("second_name"), "HTCDS 2.0 `prs_SecondName`.")
    alias: str | None = found(_sealed("alias"), "The name she wants to be called by.")
    birth_date: date | None = found(_sealed("birth_date"), "HTCDS 2.0 `prs_Birthdate`.")
    phone: str | None = found(_sealed("phone"), "HTCDS 2.0 `prs_MobilePhone`.")
    address: str | None = found(_sealed("address"), "Where she lives.")


IdentityResult = Annotated[
    SurvivorIdentity | Withheld,
    strawberry.union("IdentityResult", description="Who she is, or why that is withheld."),
]


@described
class SafetyHold:
    """That somebody may look over a survivor's shoulder. She is not told of it."""

    since: datetime = found(Column("created_at", DATETIME, nullable=False), "Since when.")


@described
class Survivor(Node):
    """A survivor, as her organisation may list her: a code, and nothing that tells who she is."""

    id: strawberry.ID = found(GlobalId("Survivor"), "Opaque.")
    code: str = found(Column("code", TEXT, nullable=False), "Random; the last character checks the others.")
    gender: Gender = found(Column("gender", CODE, nullable=False), "HTCDS 2.0 `prs_Gender`.")
    marital_status: MaritalStatus | None = found(
        Column("marital_status", CODE), "HTCDS 2.0 `prs_MaritalStatus`."
    )
    age_band: str | None = found(
        Expression(reads.AGE_BAND, TEXT), "Five years, such as `15-19`; none when not known."
    )
    is_minor_at_intake: bool = found(
        Column("is_minor_at_intake", BOOL, nullable=False), "Whether she was under 18 when she came."
    )
    primary_language: str | None = found(Column("primary_language", TEXT), "ISO 639-1.")
    place: Place | None = found(
        ToOne(places.PLACES, places.HERE), "The block or municipality she comes from."
    )
    identity: IdentityResult = found(
        sealed_from(
            Permission.IDENTITY_READ,
            "identity",
            shown=Variant(None, "SurvivorIdentity", ToOne(reads.IDENTITIES, reads.IDENTITY)),
            assigned=reads.IS_ASSIGNED,
        ),
        "Who she is, or why that is withheld.",
    )
    is_guardian_barred: bool = found(
        Expression(consents.IS_GUARDIAN_BARRED, BOOL, nullable=False),
        "Whether her guardian is asked nothing: the Child Welfare Committee decides in his place.",
        requires=Permission.GUARDIAN_BAR,
    )
    cases: list[Annotated[Case, strawberry.lazy("pat_schema.cases")]] = found(
        ToMany(cases.CASES, cases.OF_SURVIVOR, order=cases.BY_OPENING), "Her cases, newest first."
    )
    safety_hold: SafetyHold | None = found(
        ToOne(holds.HOLDS, holds.IN_FORCE),
        "Whether what could endanger her is hidden from her own view; null where it is not.",
        requires=Permission.SAFETY_HOLD_READ,
    )


@input_type
class IdentityInput:
    """Who she is, as far as it is known. It is sealed before it is stored."""

    first_name: str | None = None
    second_name: str | None = None
    alias: str | None = None
    birth_date: date | None = None
    phone: str | None = None
    address: str | None = None


@input_type
class NewSurvivorInput:
    """A survivor who is not in the system yet."""

    gender: Gender
    is_minor_at_intake: bool
    marital_status: MaritalStatus | None = None
    birth_year: int | None = None
    primary_language: str | None = None
    place_id: strawberry.ID | None = None
    identity: IdentityInput | None = None


@described
class SurvivorQuery:
    """Root fields about survivors."""

    @read_by(ToOne(reads.SURVIVORS, reads.THIS_SURVIVOR), requires=Permission.CASE_READ)
    def survivor(self, id: strawberry.ID) -> Survivor | None:
        """One survivor of the caller's organisation; null for an id that is unknown to the caller."""
        declared()
