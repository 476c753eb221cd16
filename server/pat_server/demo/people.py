"""Who signs in to the demo network: ROLE@ORGANISATION.example, and how to find one of them again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from psycopg import Connection

from pat_auth.policy import Role
from pat_platform.database.logins import login_name
from pat_server.demo.chance import chance, identifier
from pat_server.demo.names import staff_names
from pat_server.demo.organisations import COMMUNITIES, ORGANISATIONS, Community, Partner, partner
from pat_tenants.organisations.models import OrganisationKind

OFFICES = (
    ("admin", Role.ORGANISATION_ADMIN),
    ("manager", Role.CASE_MANAGER),
    ("counsellor", Role.COUNSELLOR),
    ("legal", Role.LEGAL_AID),
    ("facilitator", Role.SHG_FACILITATOR),
    ("mis", Role.MIS_FOCAL),
)
"""One person each in every community-based organisation."""

FURTHER = (("cbo-f", "manager2", Role.CASE_MANAGER),)
"""And who is needed besides: to say that somebody is in danger takes two, and a third one afterwards."""

ELSEWHERE = {
    OrganisationKind.SECRETARIAT: (
        ("admin", Role.SECRETARIAT_ADMIN),
        ("admin2", Role.SECRETARIAT_ADMIN),
        ("analyst", Role.SECRETARIAT_ANALYST),
        ("auditor", Role.AUDITOR),
    ),
    OrganisationKind.DESTINATION: (
        ("worker", Role.DESTINATION_WORKER),
        ("admin", Role.DESTINATION_ADMIN),
    ),
    OrganisationKind.FUNDER: (("officer", Role.FUNDER),),
}


@dataclass(frozen=True)
class Person:
    """One account. ``name`` is what colleagues read: for a survivor her case code, which only loading gives her."""

    sign_in: str
    organisation: Partner
    role: Role
    name: str = ""
    case: int | None = None
    """The number of her case, for a survivor."""

    @property
    def email(self) -> str:
        """What she signs in with."""
        return f"{self.sign_in}@{self.organisation.slug}.example"

    @property
    def id(self) -> UUID:
        """The id of the person."""
        return identifier("person", self.email)

    @property
    def membership(self) -> UUID:
        """The id of her membership."""
        return identifier("membership", self.email)

    @property
    def login(self) -> str:
        """The database login that her statements run as."""
        return login_name(self.organisation.id, self.role.value)


def _staff() -> Iterator[Person]:
    names = staff_names(chance("staff"))
    for organisation in ORGANISATIONS:
        for sign_in, role in _offices(organisation):
            yield Person(sign_in, organisation, role, next(names))
    for slug, sign_in, role in FURTHER:
        yield Person(sign_in, partner(slug), role, next(names))


def _offices(organisation: Partner) -> Iterator[tuple[str, Role]]:
    if not isinstance(organisation, Community):
        yield from ELSEWHERE[organisation.kind]
        return
    yield from OFFICES
    for number in range(1, organisation.workers + 1):
        yield f"worker{number}", Role.SOCIAL_WORKER


def _survivors() -> Iterator[Person]:
    for organisation in COMMUNITIES:
        for number in range(1, organisation.accounts + 1):
            yield Person(f"survivor{number}", organisation, Role.SURVIVOR, case=number)


STAFF = tuple(_staff())
SURVIVORS = tuple(_survivors())
PEOPLE = (*STAFF, *SURVIVORS)
"""Everyone who can sign in."""

_BY_EMAIL = {person.email: person for person in PEOPLE}


def person(sign_in: str, organisation: Partner) -> Person:
    """The person with this sign-in at this organisation. Raises KeyError."""
    return _BY_EMAIL[f"{sign_in}@{organisation.slug}.example"]


@dataclass(frozen=True)
class SignIn:
    """One line of the table of sign-ins."""

    email: str
    role: str
    organisation: str


def sign_in_table() -> list[SignIn]:
    """Everyone who can sign in, organisation by organisation, for people to read."""
    by_organisation = {
        organisation.slug: [p for p in PEOPLE if p.organisation is organisation]
        for organisation in ORGANISATIONS
    }
    return [
        SignIn(person.email, person.role.value.replace("_", " "), person.organisation.name)
        for people in by_organisation.values()
        for person in people
    ]


@dataclass(frozen=True)
class Member:
    """A membership that somebody can open a session under."""

    email: str
    person: UUID
    organisation: UUID
    membership: UUID
    role: Role

    @property
    def login(self) -> str:
        """The database login of her organisation in her role."""
        return login_name(self.organisation, self.role.value)


def find_person(connection: Connection, email: str) -> Member | None:
    """The live membership of whoever signs in with this address, or None; her first where she has several.

    ``connection`` is the issuer's.
    """
    row = connection.execute(
        "select p.email, p.id, m.organisation_id, m.id, m.role from sec.people p"
        " join app.memberships m on m.person_id = p.id where p.email = %s and m.ended_at is null"
        " order by m.started_at, m.id limit 1",
        (email.strip().lower(),),
    ).fetchone()
    return None if row is None else Member(row[0], row[1], row[2], row[3], Role(row[4]))
