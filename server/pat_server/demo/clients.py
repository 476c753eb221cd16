"""The program that people of the demo may sign in to: whatever somebody is developing on this computer."""

from __future__ import annotations

from psycopg import Connection

from pat_auth.clients.models import ClientKind, Serves
from pat_auth.scopes import SCOPES
from pat_server.demo.chance import identifier
from pat_server.demo.organisations import SECRETARIAT
from pat_server.demo.people import person

CLIENT_ID = identifier("client", "demo-web")
"""The same in every demo, so that pages and examples can name it."""

NAME = "A program in the making"
ORIGIN = "http://localhost:5173"
"""Where Vite serves the pages that somebody develops."""
REDIRECT_URIS = (f"{ORIGIN}/callback", "http://127.0.0.1:8765/callback")


def write_client(connection: Connection) -> None:
    """Write it into the registry, for the people of every organisation; ``connection`` is the owner's, whom nothing hides it from."""
    by = person("admin", SECRETARIAT).id
    connection.execute(
        "insert into app.clients (organisation_id, id, name, kind, serves, redirect_uris, logout_uris, origins, scopes,"
        " created_by, updated_by) values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        (
            SECRETARIAT.id,
            CLIENT_ID,
            NAME,
            ClientKind.PUBLIC.value,
            Serves.NETWORK.value,
            list(REDIRECT_URIS),
            [f"{ORIGIN}/"],
            [ORIGIN],
            sorted(SCOPES),
            by,
            by,
        ),
    )
