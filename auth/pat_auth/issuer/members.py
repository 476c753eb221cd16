"""The memberships that a person may act in."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from pat_auth.policy import Role
from pat_platform.database.threads import Connection


@dataclass(frozen=True)
class Member:
    """A person's place in one organisation, in one role."""

    membership: UUID
    organisation: UUID
    organisation_name: str
    role: Role


def memberships_of(connection: Connection, person: UUID) -> list[Member]:
    """All that stand, by the names of their organisations."""
    rows = connection.execute(
        "select membership_id, organisation_id, organisation_name, role from sec.memberships_of(%s)",
        (person,),
    )
    return [
        Member(membership, organisation, name, Role(role)) for membership, organisation, name, role in rows
    ]
