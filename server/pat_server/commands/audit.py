"""``pat audit``: whether the trail is as it was written."""

from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

import click
from psycopg import Connection, IsolationLevel
from psycopg.rows import dict_row

from pat_platform.trail import Broken, first_broken
from pat_server.commands.admin import Admin
from pat_server.commands.trouble import Trouble

Row = Mapping[str, Any]


@click.group("audit")
def command() -> None:
    """Verify the trail.

    Works on DATABASE_URL (an administrator's), or on the running demo of this checkout.
    """


@command.command("verify")
def verify() -> None:
    """Recompute every organisation's chain of events, and name the first event that does not fit."""
    events = 0
    with Admin.find().transaction() as connection:
        slugs = _begin(connection)
        heads = {head["organisation_id"]: head for head in _rows(connection, "select * from trail.heads")}
        others = _rows(connection, "select distinct organisation_id from trail.events")
        chains = sorted({*heads, *(row["organisation_id"] for row in others)}, key=str)
        broken = []
        for organisation in chains:
            found, count = _walk(connection, organisation, heads.get(organisation))
            events += count
            if found:
                broken.append(
                    f"{slugs.get(organisation, organisation)}: event {found.number} is {found.reason}"
                )
    if broken:
        raise Trouble("The trail is not as it was written.\n" + "\n".join(broken))
    click.echo(f"{len(chains)} chains, {events} events: intact.")


def _begin(connection: Connection) -> dict[UUID, str]:
    """See one moment of the trail, whatever is written meanwhile; return the organisations' slugs."""
    connection.rollback()
    connection.isolation_level = IsolationLevel.REPEATABLE_READ
    connection.read_only = True
    rows = _rows(connection, "select id, slug from app.organisations")
    slugs = {row["id"]: row["slug"] for row in rows}
    connection.execute("set local role pat_trail")
    return slugs


def _rows(connection: Connection, query: str) -> list[Row]:
    with connection.cursor(row_factory=dict_row) as cursor:
        return list(cursor.execute(query.encode()))


def _walk(connection: Connection, organisation: UUID, head: Row | None) -> tuple[Broken | None, int]:
    """Verify one chain, an event at a time; return what is broken first, and how many events were seen."""
    seen = 0

    def counted(rows: Iterator[Row]) -> Iterator[Row]:
        nonlocal seen
        for row in rows:
            seen += 1
            yield row

    query = "select * from trail.events where organisation_id = %s order by number"
    with connection.cursor("events", row_factory=dict_row) as cursor:
        cursor.itersize = 1000
        broken = first_broken(counted(iter(cursor.execute(query, (organisation,)))), head)
    return broken, seen
