"""What a client has asked for in one browser, kept while somebody answers it page by page."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from pat_auth.issuer.service import Service
from pat_platform.database.threads import Connection

LASTS = timedelta(minutes=30)


@dataclass(frozen=True)
class Ask:
    """One request for authorization, as it came."""

    id: UUID
    query: str = field(repr=False)
    asked_at: datetime
    membership: UUID | None = None
    """In which membership she goes on, once it is chosen."""


def new_ask(service: Service, query: str) -> Ask:
    """What is asked for now. It is kept by `keep_ask`, if it cannot be answered at once."""
    return Ask(uuid4(), query, service.clock())


def keep_ask(connection: Connection, ask: Ask, *, browser: UUID, client: UUID) -> None:
    """Keep what was asked for, for half an hour."""
    connection.execute(
        "insert into sec.asks (id, browser_id, client, query, membership_id, created_at, expires_at)"
        " values (%s, %s, %s, %s, %s, %s, %s)",
        (ask.id, browser, client, ask.query, ask.membership, ask.asked_at, ask.asked_at + LASTS),
    )


def find_ask(connection: Connection, service: Service, *, ask: UUID, browser: UUID) -> Ask | None:
    """What was asked for in this browser and is not answered yet. It is locked: two answers at once are one after the other."""
    row = connection.execute(
        "select id, query, created_at, membership_id from sec.asks"
        " where id = %s and browser_id = %s and ended_at is null and expires_at > %s for update",
        (ask, browser, service.clock()),
    ).fetchone()
    return Ask(*row) if row else None


def choose_membership(connection: Connection, ask: UUID, membership: UUID) -> None:
    """Keep in which membership she goes on."""
    connection.execute("update sec.asks set membership_id = %s where id = %s", (membership, ask))


def end_ask(connection: Connection, service: Service, ask: UUID) -> None:
    """It is answered: no page of it is shown again."""
    connection.execute("update sec.asks set ended_at = %s where id = %s", (service.clock(), ask))
