"""Who is in the small network, and what everybody and everything in it is called."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid5

from pat_auth.policy import Role
from pat_platform.database.logins import login_name
from pat_tenants.organisations.models import OrganisationKind

NAMES = UUID("0f5a3a80-0000-4000-8000-000000000000")

Row = Mapping[str, Any]


def named(*parts: str) -> UUID:
    """The id that belongs to a name, the same in every run."""
    return uuid5(NAMES, "/".join(parts))


@dataclass(frozen=True)
class Member:
    """Somebody in one role of one organisation, signed in."""

    slug: str
    organisation: UUID
    role: Role
    number: int

    @property
    def name(self) -> str:
        return f"{self.slug}/{self.role}/{self.number}"

    @property
    def person(self) -> UUID:
        return named("person", self.name)

    @property
    def membership(self) -> UUID:
        return named("membership", self.name)

    @property
    def session(self) -> UUID:
        return named("session", self.name)

    @property
    def login(self) -> str:
        return login_name(self.organisation, self.role)

    @property
    def survivor(self) -> UUID | None:
        """Her own record: survivor 1 of an organisation is ``hers`` of its rows, survivor 2 is ``ours``."""
        label = {1: "hers", 2: "ours"}[self.number]
        return named(self.slug, "survivors", label) if self.role is Role.SURVIVOR else None


KINDS = {
    "cbo-a": OrganisationKind.CBO,
    "cbo-b": OrganisationKind.CBO,
    "goa": OrganisationKind.DESTINATION,
    "delhi": OrganisationKind.DESTINATION,
    "secretariat": OrganisationKind.SECRETARIAT,
}
CBOS = ("cbo-a", "cbo-b")
