"""Clients, people's proofs, invitations and sessions, put in as a superuser: what tests of signing in begin with."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid4

from psycopg import Connection
from psycopg.types.json import Jsonb

from pat_auth.clients.models import ClientKind, Serves
from pat_auth.models import SecretKind
from pat_auth.policy import Role

NOBODY = UUID(int=0)


def put_client(
    connection: Connection[Any],
    organisation: UUID,
    *,
    redirect_uris: Iterable[str] = ("https://client.example/back",),
    scopes: Iterable[str] = ("cases",),
    origins: Iterable[str] = (),
    logout_uris: Iterable[str] = (),
    kind: ClientKind = ClientKind.PUBLIC,
    serves: Serves = Serves.ORGANISATION,
    name: str = "A program",
    keys: Iterable[dict[str, Any]] = (),
) -> UUID:
    """Register a client of an organisation, with public keys (JWK with ``kid``); its id, which the database makes."""
    row = connection.execute(
        "insert into app.clients (organisation_id, name, kind, serves, redirect_uris, logout_uris, origins, scopes,"
        " created_by, updated_by) values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s) returning id",
        (
            *(organisation, name, kind.value, serves.value),
            *(list(redirect_uris), list(logout_uris), list(origins), list(scopes), NOBODY, NOBODY),
        ),
    ).fetchone()
    assert row is not None
    client: UUID = row[0]
    for key in keys:
        connection.execute(
            "insert into app.client_keys (organisation_id, client_id, kid, jwk, created_by) values (%s, %s, %s, %s, %s)",
            (organisation, client, key["kid"], Jsonb(key), NOBODY),
        )
    return client


def put_person(connection: Connection[Any], email: str) -> UUID:
    """Somebody who can be signed in, in no organisation yet."""
    person = uuid4()
    connection.execute("insert into sec.people (id, email) values (%s, %s)", (person, email.lower()))
    return person


def put_membership(
    connection: Connection[Any], person: UUID, organisation: UUID, role: Role, name: str = "Somebody"
) -> UUID:
    """A membership that has not ended."""
    membership = uuid4()
    connection.execute(
        "insert into app.memberships (organisation_id, id, person_id, role, name) values (%s, %s, %s, %s, %s)",
        (organisation, membership, person, role.value, name),
    )
    return membership


def put_secret(
    connection: Connection[Any], person: UUID, hashed: str, kind: SecretKind = SecretKind.PASSWORD
) -> None:
    """A password, as it is kept: hashed."""
    connection.execute(
        "insert into sec.secrets (person_id, kind, hash) values (%s, %s, %s)"
        " on conflict (person_id, kind) do update set hash = excluded.hash",
        (person, kind.value, hashed),
    )


def put_second_factor(
    connection: Connection[Any], person: UUID, sealed: bytes, id: UUID | None = None
) -> UUID:
    """A confirmed generator of codes, as it is kept: sealed."""
    factor = id or uuid4()
    connection.execute(
        "insert into sec.second_factors (person_id, id, sealed, confirmed_at) values (%s, %s, %s, now())",
        (person, factor, sealed),
    )
    return factor


def put_invitation(
    connection: Connection[Any],
    organisation: UUID,
    email: str,
    role: Role,
    *,
    token: bytes = b"token",
    name: str = "New",
    lasts: timedelta = timedelta(days=7),
) -> UUID:
    """An invitation whose link carries ``token``."""
    invitation = uuid4()
    connection.execute(
        "insert into app.invitations (organisation_id, id, email, name, role, token_hash, expires_at, created_by)"
        " values (%s, %s, %s, %s, %s, %s, %s, %s)",
        (
            *(organisation, invitation, email.lower(), name, role.value),
            *(sha256(token).digest(), datetime.now(UTC) + lasts, NOBODY),
        ),
    )
    return invitation


def put_browser(connection: Connection[Any], person: UUID | None = None, *, secret: bytes = b"") -> UUID:
    """A browser that is open for a day, with somebody signed in or nobody."""
    browser = uuid4()
    connection.execute(
        "insert into sec.browsers (id, secret_hash, person_id, first_at, second_at, expires_at)"
        " values (%s, %s, %s, now(), now(), now() + interval '1 day')",
        (browser, sha256(secret or browser.bytes).digest(), person),
    )
    return browser
