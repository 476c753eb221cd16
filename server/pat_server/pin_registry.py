"""How somebody comes to sign in with a PIN: an operator, asked by her case manager, makes the link by which she chooses it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from psycopg import Connection

from pat_auth.invitations.rules import is_a_name
from pat_auth.issuer.taking_up import hash_of_token, new_token
from pat_auth.policy import Role
from pat_platform.errors import Refused
from pat_server.people_registry import _acting, _record

STANDS = timedelta(hours=24)
"""She chooses while somebody whom she trusts sits beside her."""


def invite_survivor(connection: Connection, organisation: UUID, *, code: str, name: str) -> str:
    """What the link carries by which the survivor with this record chooses a name and a PIN, new ones if she has some.

    Raises Refused for a record that is not there, an organisation without the role, and somebody who was disabled.
    """
    name = is_a_name(name)
    with _acting(connection, "pat_owner", "app.survivors"):
        found = connection.execute(
            "select id from app.survivors where organisation_id = %s and code = %s", (organisation, code)
        ).fetchone()
    if found is None:
        raise Refused("SURVIVOR_UNKNOWN", f"There is no record {code}. Copy its code from the case.", "code")
    with _acting(connection, "pat_sec"):
        is_there = connection.execute(
            "select 1 from sec.logins where organisation_id = %s and role = %s",
            (organisation, Role.SURVIVOR.value),
        ).fetchone()
    if is_there is None:
        raise Refused("ROLE_UNKNOWN", "Nobody signs in for herself at this organisation.", "organisation")
    return _link(connection, organisation, found[0], name)


def _link(connection: Connection, organisation: UUID, survivor: UUID, name: str) -> str:
    token = new_token()
    with _acting(connection, "pat_owner", "app.memberships"):
        row = connection.execute(
            "select person_id from app.memberships where organisation_id = %s and survivor_id = %s and role = %s"
            " and ended_at is null",
            (organisation, survivor, Role.SURVIVOR.value),
        ).fetchone()
    person, until = row[0] if row else uuid4(), datetime.now(UTC) + STANDS
    with _acting(connection, "pat_sec"):
        connection.execute(
            "insert into sec.people (id) values (%s) on conflict (id) do nothing",
            (person,),
        )
        kept = connection.execute(
            "update sec.people set link_hash = %s, link_until = %s where id = %s and disabled_at is null",
            (hash_of_token(token), until, person),
        )
    if not kept.rowcount:
        raise Refused("PERSON_DISABLED", "She was disabled: `pat person enable` first.", "code")
    if row is None:
        with _acting(connection, "pat_owner", "app.memberships"):
            connection.execute(
                "insert into app.memberships (organisation_id, id, person_id, role, name, survivor_id)"
                " values (%s, %s, %s, %s, %s, %s)",
                (organisation, uuid4(), person, Role.SURVIVOR.value, name, survivor),
            )
    _record(connection, organisation, "member.invited", [person], {"role": Role.SURVIVOR.value})
    return token
