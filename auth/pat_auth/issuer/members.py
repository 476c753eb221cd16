"""The memberships that a person may act in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from pat_auth.clients.models import Serves
from pat_auth.issuer.clients import Client
from pat_auth.issuer.standing import Standing
from pat_auth.policy import NEEDS_SECOND_FACTOR, Role
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


def served(members: Iterable[Member], client: Client) -> list[Member]:
    """Those in which this client may be used."""
    everywhere = client.serves is Serves.NETWORK
    return [member for member in members if everywhere or member.organisation == client.organisation]


def vouched_for(members: Iterable[Member], standing: Standing) -> list[Member]:
    """Those of the organisation whose provider says who she is; all of them if she proved it here."""
    return [member for member in members if standing.within in (None, member.organisation)]


def reached(members: Iterable[Member], standing: Standing) -> list[Member]:
    """Those in which she may act with what she has proved, and where."""
    has_both = standing.second_at is not None
    return [
        member
        for member in vouched_for(members, standing)
        if has_both or member.role not in NEEDS_SECOND_FACTOR
    ]
