"""How somebody comes to sign in with a PIN where her case manager cannot help: an operator makes the link by which she chooses it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

from psycopg import Connection

from pat_auth.invitations.rules import is_a_name
from pat_auth.issuer.taking_up import hash_of_token, new_token
from pat_auth.members.links import REFUSED
from pat_platform.errors import Refused
from pat_server.registry import acting_as

STANDS = timedelta(hours=24)
"""She chooses while somebody whom she trusts sits beside her."""


def invite_survivor(connection: Connection, organisation: UUID, *, code: str, name: str) -> str:
    """What the link carries by which the survivor with this record chooses a name and a PIN, new ones if she has some.

    Raises Refused for a record that is not there, an organisation without the role, and somebody who was disabled.
    """
    name, token = is_a_name(name), new_token()
    with acting_as(connection, "pat_owner", "app.survivors"):
        found = connection.execute(
            "select id from app.survivors where organisation_id = %s and code = %s", (organisation, code)
        ).fetchone()
    if found is None:
        raise Refused("SURVIVOR_UNKNOWN", f"There is no record {code}. Copy its code from the case.", "code")
    with acting_as(connection, "pat_sec"):
        ((refused,),) = connection.execute(
            "select sec.put_link(%s, null, %s, %s, %s, %s)",
            (organisation, found[0], name, hash_of_token(token), datetime.now(UTC) + STANDS),
        ).fetchall()
    if refused == "PERSON_DISABLED":
        raise Refused(refused, "She was disabled: `pat person enable` first.", "code")
    if refused is not None:
        raise REFUSED[refused]
    return token
