"""Sessions: opened, looked at and ended through functions of the database, which decide whether they may be."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from pat_auth.issuer.standing import Strength
from pat_platform.database.threads import Connection

MACHINE_LASTS = timedelta(minutes=6)
"""How long a machine's session lasts: a little longer than the one token that it is opened for. The database says so too."""


@dataclass(frozen=True)
class Opened:
    """A session that was opened."""

    id: UUID = field(repr=False)
    """A secret: whoever holds it may enter the database as she."""
    handle: UUID
    """What it is called where its id must not be known."""


def open_session(
    connection: Connection,
    *,
    person: UUID,
    membership: UUID,
    client: UUID,
    scopes: frozenset[str],
    browser: UUID,
    auth_time: datetime,
    acr: Strength,
    until: datetime,
) -> Opened | None:
    """Open a session of a membership for a client; None where it may not be.

    The database refuses a person who is disabled, a membership that has ended or is not hers, and a client that is disabled,
    does not serve the organisation, or may not have the scopes.
    """
    session = uuid4()
    row = connection.execute(
        "select sec.open_session(%s, %s, %s, %s, %s, %s, %s, %s, %s)",
        (session, person, membership, client, sorted(scopes), browser, auth_time, acr.value, until),
    ).fetchone()
    return Opened(session, row[0]) if row and row[0] else None


def open_machine_session(connection: Connection, *, client: UUID, scopes: frozenset[str]) -> Opened | None:
    """Open a session of a machine, for six minutes; None where it may not be. Its first one makes it a member.

    The database refuses a client that is disabled, is no machine or may not have the scopes, an organisation without machines,
    and a machine whose membership was ended.
    """
    session = uuid4()
    row = connection.execute(
        "select sec.open_machine_session(%s, %s, %s)", (session, client, sorted(scopes))
    ).fetchone()
    return Opened(session, row[0]) if row and row[0] else None


def mark_session(connection: Connection, session: UUID, *, is_duress: bool) -> None:
    """Say of a new session whether somebody makes her: it reads nothing of hers then. Said of each, so that nobody can time it."""
    connection.execute("update sec.sessions set is_duress = %s where id = %s", (is_duress, session))


def revoke_session(connection: Connection, session: UUID, because: str) -> None:
    """End a session, and with it every token that it stands behind. Once it has ended, nothing changes."""
    connection.execute("select sec.revoke_session(%s, %s)", (session, because))


def revoke_sessions_in(connection: Connection, browser: UUID, because: str) -> None:
    """End every session that was opened in a browser, whichever client's it is."""
    connection.execute(
        "select sec.revoke_session(s.id, %s) from sec.sessions s"
        " where s.browser_id = %s and s.revoked_at is null and s.expires_at > now() order by s.id",
        (because, browser),
    )


def is_opened_in(connection: Connection, handle: UUID, browser: UUID) -> bool:
    """Whether the session of that handle was opened in the browser."""
    row = connection.execute(
        "select 1 from sec.sessions where handle = %s and browser_id = %s", (handle, browser)
    ).fetchone()
    return row is not None


def is_live(connection: Connection, session: UUID) -> bool:
    """Whether the session still stands, and everybody whom it needs: the person, her membership, the client."""
    row = connection.execute("select sec.is_live(%s)", (session,)).fetchone()
    return row is not None and row[0] is True
