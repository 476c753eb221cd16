"""The registry of clients as the operator keeps it: on an administrator's connection, for every organisation."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg.types.json import Jsonb

from pat_auth.clients import rules
from pat_auth.clients.models import ClientKind, Serves
from pat_platform.errors import Refused
from pat_server.registry import acting_as, record

NOBODY = UUID(int=0)
"""Stands where an organisation's person would: the operator is none."""


@dataclass(frozen=True, kw_only=True)
class NewClient:
    """What to register."""

    organisation: UUID
    name: str
    kind: ClientKind = ClientKind.PUBLIC
    serves: Serves = Serves.ORGANISATION
    redirect_uris: Sequence[str] = ()
    logout_uris: Sequence[str] = ()
    origins: Sequence[str] = ()
    scopes: Sequence[str] = ()
    jwk: str | None = None
    """The public key of one that is not public itself."""


@dataclass(frozen=True, kw_only=True)
class Listed:
    """A client, as the operator sees it in a list."""

    id: UUID
    organisation: str
    """Its slug."""
    name: str
    kind: str
    serves: str
    scopes: Sequence[str]
    keys: int
    """How many are believed."""
    is_disabled: bool


def register(connection: Connection, new: NewClient, *, allows_loopback: bool) -> UUID:
    """Register a client, in the connection's transaction; return the id that the database gave it. Raises Refused."""
    rules.asks_for_itself(new.kind, new.scopes, new.serves)
    rules.leads_back(new.kind, new.redirect_uris)
    key = rules.first_key(new.kind, new.jwk)
    scopes = rules.are_scopes(new.scopes)
    values = (
        new.organisation,
        rules.is_a_name(new.name),
        new.kind.value,
        new.serves.value,
        rules.are_addresses(new.redirect_uris, field="redirectUris", allows_loopback=allows_loopback),
        rules.are_addresses(new.logout_uris, field="logoutUris", allows_loopback=allows_loopback),
        rules.are_origins(new.origins, allows_loopback=allows_loopback),
        scopes,
        NOBODY,
        NOBODY,
    )
    with _opened(connection):
        ((client,),) = connection.execute(
            "insert into app.clients (organisation_id, name, kind, serves, redirect_uris, logout_uris, origins, scopes,"
            " created_by, updated_by) values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s) returning id",
            values,
        ).fetchall()
        if key is not None:
            _add_key(connection, new.organisation, client, key)
    detail = {"kind": new.kind.value, "serves": new.serves.value, "scopes": scopes}
    record(connection, new.organisation, "client.registered", [client], detail)
    found: UUID = client
    return found


def listed(connection: Connection, organisation: UUID | None = None) -> list[Listed]:
    """The clients of one organisation, or of all, by organisation and name."""
    with _opened(connection, "app.organisations"):
        rows = connection.execute(
            "select c.id, o.slug, c.name, c.kind, c.serves, c.scopes, c.disabled_at is not null,"
            " (select count(*) from app.client_keys k where k.organisation_id = c.organisation_id"
            "  and k.client_id = c.id and k.retired_at is null)"
            " from app.clients c join app.organisations o on o.id = c.organisation_id"
            " where %(organisation)s::uuid is null or o.id = %(organisation)s order by o.slug, c.name, c.id",
            {"organisation": organisation},
        ).fetchall()
    return [
        Listed(
            id=id,
            organisation=slug,
            name=name,
            kind=kind,
            serves=serves,
            scopes=scopes,
            is_disabled=disabled,
            keys=keys,
        )
        for id, slug, name, kind, serves, scopes, disabled, keys in rows
    ]


def disable(connection: Connection, client: UUID) -> int:
    """Let nobody use a client any more; return how many sessions that were opened through it ended. Raises Refused for an unknown one."""
    with _opened(connection):
        row = connection.execute(
            "update app.clients set disabled_at = now(), version = version + 1, updated_by = %s, updated_at = now()"
            " where id = %s and disabled_at is null returning organisation_id",
            (NOBODY, client),
        ).fetchone()
    if row is None:
        raise _no_such_client()
    with acting_as(connection, "pat_sec"):
        ((ended,),) = connection.execute(
            "select sec.end_sessions(array(select s.id from sec.sessions s where s.client = %s and s.expires_at > now()),"
            " 'client disabled')",
            (str(client),),
        ).fetchall()
    record(connection, row[0], "client.disabled", [client], {"sessions": ended})
    count: int = ended
    return count


def rotate_key(connection: Connection, client: UUID, jwk: str, *, retire_others: bool) -> str:
    """Give a client another public key; return the id of the key. It and the newest before it are believed, or it alone.

    Raises Refused for an unknown, disabled or public client, and for what is no public key or is one of this client's already.
    """
    key = rules.is_a_public_key(jwk)
    with _opened(connection):
        row = connection.execute(
            "select organisation_id, kind from app.clients where id = %s and disabled_at is null for update",
            (client,),
        ).fetchone()
        if row is None:
            raise _no_such_client()
        organisation, kind = row
        rules.signs(ClientKind(kind))
        known = connection.execute(
            "select id, jwk, retired_at from app.client_keys where client_id = %s order by created_at desc",
            (client,),
        ).fetchall()
        rules.is_new(key, [each for _, each, _ in known])
        live = [id for id, _, retired_at in known if retired_at is None]
        retired = rules.retired(live, retire_others=retire_others)
        connection.execute("update app.client_keys set retired_at = now() where id = any(%s)", (retired,))
        _add_key(connection, organisation, client, key)
    record(connection, organisation, "client_key.rotated", [client], {"retired": len(retired)})
    kid: str = key["kid"]
    return kid


def _add_key(connection: Connection, organisation: UUID, client: UUID, key: dict[str, Any]) -> None:
    connection.execute(
        "insert into app.client_keys (organisation_id, client_id, kid, jwk, created_by) values (%s, %s, %s, %s, %s)",
        (organisation, client, key["kid"], Jsonb(key), NOBODY),
    )


def _opened(connection: Connection, *tables: str) -> AbstractContextManager[None]:
    """Act as the owner of the registry, whom row security would show nothing; for the block alone."""
    return acting_as(connection, "pat_owner", "app.clients", "app.client_keys", *tables)


def _no_such_client() -> Refused:
    return Refused("NOT_FOUND", "There is no such client, or it is disabled: `pat client list` shows all.")
