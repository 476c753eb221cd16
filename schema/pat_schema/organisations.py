"""Organisations, places, the people in them, and who is asking."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import strawberry

from pat_auth.policy import Permission, Role
from pat_auth.sessions import reads as sessions
from pat_platform.engine.declare import Column, GlobalId, ToMany, ToOne
from pat_platform.engine.declare import Connection as Page
from pat_platform.engine.kinds import CODE, TEXT, TEXT_ARRAY
from pat_schema.declaring import codes, declared, described, found, input_type
from pat_schema.declaring import reads as read_by
from pat_schema.node import Connection, Node
from pat_schema.sessions import Session
from pat_tenants.bases import reads as bases
from pat_tenants.consents import reads as consents
from pat_tenants.hearings import reads as hearings
from pat_tenants.htcds import OrganisationType
from pat_tenants.organisations import reads
from pat_tenants.organisations.models import OrganisationKind
from pat_tenants.places import reads as places
from pat_tenants.places.models import PlaceLevel
from pat_tenants.trail import reads as trail

if TYPE_CHECKING:
    from pat_schema.bases import LegalBasis
    from pat_schema.calendar import CourtDay
    from pat_schema.consents import Consent
    from pat_schema.trail import Access

codes(OrganisationKind)
codes(OrganisationType)
codes(PlaceLevel)
strawberry.enum(Role, description="What a person acts as, in one organisation at a time.")


@described
class Organisation(Node):
    """A partner in the network."""

    id: strawberry.ID = found(GlobalId("Organisation"), "Opaque.")
    slug: str = found(Column("slug", TEXT, nullable=False), "The short name in sign-ins and addresses.")
    name: str = found(Column("name", TEXT, nullable=False), "The name that partners know.")
    kind: OrganisationKind = found(Column("kind", CODE, nullable=False), "The part it plays in the network.")
    htcds_type: OrganisationType = found(Column("htcds_type", CODE, nullable=False), "HTCDS 2.0 `org_Type`.")
    state: str = found(Column("state", TEXT, nullable=False), "The state of India it works in.")


@described
class Place(Node):
    """A place in the administrative order."""

    id: strawberry.ID = found(GlobalId("Place"), "Opaque.")
    name: str = found(Column("name", TEXT, nullable=False), "The usual spelling.")
    aliases: list[str] = found(Column("aliases", TEXT_ARRAY, nullable=False), "Other spellings in use.")
    level: PlaceLevel = found(Column("level", CODE, nullable=False), "What kind of place it is.")
    parent: Place | None = found(
        ToOne(places.PLACES, places.PARENT), "The place it lies in; none for a state."
    )


@described
class Member(Node):
    """Somebody who works in the caller's organisation, as colleagues know her."""

    id: strawberry.ID = found(GlobalId("Member"), "Opaque.")
    name: str = found(Column("name", TEXT, nullable=False), "The name that colleagues use.")
    role: Role = found(Column("role", TEXT, nullable=False), "What she acts as.")


@codes
class AccessOrder(StrEnum):
    """How accesses are ordered."""

    NEWEST = "NEWEST"


@described
class Me:
    """The caller, in the organisation and role that she signed in with."""

    id: strawberry.ID = found(GlobalId("Member"), "The caller's own membership.")
    name: str = found(
        Column("name", TEXT, nullable=False), "The name that colleagues use; for a survivor, her code."
    )
    role: Role = found(Column("role", TEXT, nullable=False), "What she acts as.")
    organisation: Organisation = found(
        ToOne(reads.ORGANISATIONS, reads.OF_MEMBER), "The organisation she acts for."
    )
    sessions: list[Session] = found(
        ToMany(sessions.MINE, sessions.ALL_OF_MINE, order=sessions.NEWEST, estimate=5),
        "Where she is signed in for this organisation, in any role, newest first.",
    )
    legal_bases: list[Annotated[LegalBasis, strawberry.lazy("pat_schema.bases")]] = found(
        ToMany(bases.BASES, bases.MINE, order=bases.NEWEST_FIRST),
        "What is shared about her without her consent, as a survivor: on what, with whom and until when, newest first.",
        requires=Permission.BASIS_READ,
    )
    consents: list[Annotated[Consent, strawberry.lazy("pat_schema.consents")]] = found(
        ToMany(consents.CONSENTS, consents.MINE, order=consents.NEWEST_FIRST),
        "What she has agreed to, as a survivor, newest first.",
        requires=Permission.CONSENT_READ,
    )

    next_hearing: Annotated[CourtDay, strawberry.lazy("pat_schema.calendar")] | None = found(
        ToOne(hearings.CALENDAR, hearings.MY_NEXT, order=hearings.BY_DAY),
        "Her next day in court, as a survivor; null where there is none, and while it is hidden for her safety.",
        requires=Permission.PROCEEDING_READ,
    )

    @read_by(
        Page(trail.ACCESS_LOG, on=trail.ALL, orders=trail.BY_TIME, default_order="NEWEST"),
        requires=Permission.ACCESS_LOG_READ,
    )
    def access_log(
        self,
        order_by: AccessOrder = AccessOrder.NEWEST,
        first: int | None = strawberry.UNSET,
        after: str | None = strawberry.UNSET,
        last: int | None = strawberry.UNSET,
        before: str | None = strawberry.UNSET,
    ) -> Connection[Annotated[Access, strawberry.lazy("pat_schema.trail")]]:
        """Who has read or changed her own record, as a survivor: in her organisation, and in those that it was shared with."""
        declared()


@input_type
class OrganisationFilter:
    """Which organisations to list."""

    kind: OrganisationKind | None = strawberry.UNSET


@input_type
class PlaceFilter:
    """Which places to list."""

    level: PlaceLevel | None = strawberry.UNSET


@codes
class DirectoryOrder(StrEnum):
    """How a directory is ordered."""

    NAME = "NAME"


@described
class OrganisationQuery:
    """Root fields about organisations, places and the caller."""

    @read_by(ToOne(reads.MEMBERS, reads.MINE), requires=Permission.ME_READ)
    def me(self) -> Me:
        """Who is signed in, as what, for which organisation."""
        declared()

    @read_by(
        Page(reads.ORGANISATIONS, orders=reads.BY_NAME, default_order="NAME", filters=reads.FILTERS),
        requires=Permission.ORGANISATION_READ,
    )
    def organisations(
        self,
        filter: OrganisationFilter | None = strawberry.UNSET,
        order_by: DirectoryOrder = DirectoryOrder.NAME,
        first: int | None = strawberry.UNSET,
        after: str | None = strawberry.UNSET,
        last: int | None = strawberry.UNSET,
        before: str | None = strawberry.UNSET,
    ) -> Connection[Organisation]:
        """The directory of partners, as far as the caller may see it."""
        declared()

    @read_by(
        Page(places.PLACES, orders=places.BY_NAME, default_order="NAME", filters=places.FILTERS),
        requires=Permission.PLACE_READ,
    )
    def places(
        self,
        filter: PlaceFilter | None = strawberry.UNSET,
        order_by: DirectoryOrder = DirectoryOrder.NAME,
        first: int | None = strawberry.UNSET,
        after: str | None = strawberry.UNSET,
        last: int | None = strawberry.UNSET,
        before: str | None = strawberry.UNSET,
    ) -> Connection[Place]:
        """Geography: states, districts, blocks, municipalities, gram panchayats."""
        declared()
