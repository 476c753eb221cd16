"""What a door across the fence is made of, and the statements that make it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pat_auth.policy import Reach
from pat_tenants.isolation.roles import OWNERS


@dataclass(frozen=True)
class Opening:
    """What a door's owner may read of one table: these columns, of rows that meet the condition."""

    table: str
    columns: tuple[str, ...]
    condition: str


@dataclass(frozen=True)
class View:
    """One view of a door. ``sql`` names its tables in full.

    ``reaches`` are those that look through it; None, for a referral's: receivers through the ``received_`` views, senders through
    the others.
    """

    name: str
    sql: str
    reaches: frozenset[Reach] | None = None

    def serves(self, reach: Reach) -> bool:
        """Whether a role that has a permission at ``reach`` looks through this view."""
        if self.reaches is not None:
            return reach in self.reaches
        return self.name.startswith("door.received_") == (reach is Reach.RECEIVED)


@dataclass(frozen=True)
class Door:
    """One way across the fence: its owner, what the owner may read, and the views that show it."""

    owner: str
    openings: tuple[Opening, ...]
    views: tuple[View, ...]


def render(door: Door) -> Iterator[tuple[str, str]]:
    """Statements that make one door, each with the role that must run it: grants and policies for the owner, then its views in order."""
    schemas = dict.fromkeys(opening.table.partition(".")[0] for opening in door.openings)
    for schema in schemas:
        yield OWNERS[schema], f"grant usage on schema {schema} to {door.owner}"
    yield "pat_owner", f"grant usage, create on schema door to {door.owner}"
    for opening in door.openings:
        owner = OWNERS[opening.table.partition(".")[0]]
        yield owner, f"grant select ({', '.join(opening.columns)}) on {opening.table} to {door.owner}"
        yield (
            owner,
            f"create policy {door.owner} on {opening.table} for select to {door.owner} using ({opening.condition})",
        )
    for view in door.views:
        yield door.owner, f"create view {view.name} with (security_barrier) as {view.sql}"
    yield "pat_owner", f"revoke create on schema door from {door.owner}"
