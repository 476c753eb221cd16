"""Signs the demo's people in, without asking who they are: nothing in the demo is true."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

from psycopg import Connection

from pat_auth.keys import SigningKeys
from pat_auth.principal import Principal
from pat_auth.scopes import SCOPES
from pat_auth.tokens import mint
from pat_platform.settings import Settings
from pat_server.demo.people import Member


def sign_in(
    connection: Connection,
    member: Member,
    duration: timedelta,
    *,
    client: str,
    settings: Settings,
    keys: SigningKeys,
) -> str:
    """Open a session of ``client`` for the member and return its token; the database ends it by itself.

    ``connection`` is the issuer's; the session counts once it is committed.
    """
    session = uuid4()
    connection.execute(
        "insert into sec.sessions (id, login, organisation_id, membership_id, person_id, client, expires_at)"
        " values (%s, %s, %s, %s, %s, %s, %s)",
        (
            session,
            member.login,
            member.organisation,
            member.membership,
            member.person,
            client,
            datetime.now(UTC) + duration,
        ),
    )
    principal = Principal(
        person=member.person,
        organisation=member.organisation,
        role=member.role,
        session=session,
        scopes=SCOPES,
        client=client,
    )
    return mint(
        principal,
        keys=keys,
        issuer=settings.issuer,
        audience=settings.audience,
        lifetime=int(duration.total_seconds()),
    )
