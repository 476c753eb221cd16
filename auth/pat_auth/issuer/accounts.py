"""What somebody sees of herself: the sessions that stand, in all of her organisations, and how to end them at once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from pat_auth.issuer.service import Service
from pat_auth.issuer.sessions import revoke_session
from pat_platform.database.threads import Connection

EVERYWHERE = "signed out everywhere"


@dataclass(frozen=True)
class Open:
    """A session that stands: of which program, and where. What opens the database with it is not told."""

    client_name: str | None
    organisation_name: str
    created_at: datetime


def sessions_of(connection: Connection, person: UUID) -> list[Open]:
    """Hers, the newest first. Of a client that is closed meanwhile there is no name."""
    rows = connection.execute(
        "select c.name, m.organisation_name, s.created_at from sec.sessions s"
        " join sec.memberships_of(%(person)s) m on m.membership_id = s.membership_id"
        " left join lateral sec.find_client(case when s.client ~ '^[0-9a-f-]{36}$' then s.client::uuid end) c on true"
        " where s.person_id = %(person)s and s.revoked_at is null and s.expires_at > now() order by s.created_at desc",
        {"person": person},
    )
    return [Open(*row) for row in rows]


def leave_everywhere(connection: Connection, service: Service, person: UUID) -> None:
    """End all of her browsers and sessions."""
    # A session that is being opened is waited for, and ends with the others.
    connection.execute("select from sec.people where id = %s for no key update", (person,))
    connection.execute(
        "update sec.browsers set ended_at = %s where person_id = %s and ended_at is null",
        (service.clock(), person),
    )
    standing = connection.execute(
        "select id from sec.sessions where person_id = %s and revoked_at is null and expires_at > now() order by id",
        (person,),
    ).fetchall()
    for (session,) in standing:
        revoke_session(connection, session, EVERYWHERE)
