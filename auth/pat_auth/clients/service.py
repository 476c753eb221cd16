"""What administrators do with the programs of their organisation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select, text, update

from pat_auth.clients import rules
from pat_auth.clients.models import Client, ClientKey, ClientKind, Serves
from pat_platform import trail
from pat_platform.database.transaction import Transaction
from pat_platform.errors import ChangedSince, Refused

_END_SESSIONS = text("select sec.end_sessions_of(:client)")


@dataclass(frozen=True, kw_only=True)
class ClientChanges:
    """What to change on a client; None leaves a value as it is."""

    name: str | None = None
    redirect_uris: Sequence[str] | None = None
    logout_uris: Sequence[str] | None = None
    origins: Sequence[str] | None = None
    scopes: Sequence[str] | None = None


async def register_client(
    tx: Transaction,
    *,
    name: str,
    kind: ClientKind,
    scopes: Sequence[str],
    redirect_uris: Sequence[str] = (),
    logout_uris: Sequence[str] = (),
    origins: Sequence[str] = (),
    jwk: str | None = None,
    allows_loopback: bool = False,
) -> UUID:
    """Register a program that the organisation's people sign in to; return the id that the database gave it.

    ``scopes`` are its ceiling, ``jwk`` is the public key that it signs with if it is not public itself. Raises Refused for
    what could be read in two ways, and for what a client of its kind does not have, or lacks.
    """
    rules.asks_for_itself(kind, scopes)
    rules.leads_back(kind, redirect_uris)
    key = rules.first_key(kind, jwk)
    wanted = ClientChanges(
        name=name, redirect_uris=redirect_uris, logout_uris=logout_uris, origins=origins, scopes=scopes
    )
    values = _values(wanted, allows_loopback=allows_loopback)
    registered: UUID = await tx.scalar(
        insert(Client)
        .values(
            organisation_id=tx.organisation,
            kind=kind.value,
            created_by=tx.actor,
            updated_by=tx.actor,
            **values,
        )
        .returning(Client.id)
    )
    if key is not None:
        await _add_key(tx, registered, key)
    await trail.record(tx, "client.registered", [registered], kind=kind.value, scopes=values["scopes"])
    return registered


async def update_client(
    tx: Transaction,
    *,
    client_id: UUID,
    base_version: int,
    changes: ClientChanges,
    allows_loopback: bool = False,
) -> int:
    """Change a client that the caller read at ``base_version``; return the version that it has now.

    A narrower ceiling holds from the next token on: within five minutes. Raises ChangedSince when somebody was faster, Refused
    for an unknown or disabled client and as `register_client` does.
    """
    client = await _usable(tx, client_id)
    if client.version != base_version:
        raise ChangedSince(client.version)
    values = _values(changes, allows_loopback=allows_loopback)
    rules.leads_back(ClientKind(client.kind), values.get("redirect_uris", client.redirect_uris))
    rules.asks_for_itself(ClientKind(client.kind), values.get("scopes", client.scopes))
    changed = {name: value for name, value in values.items() if value != getattr(client, name)}
    if not changed:
        return client.version
    await _change(tx, client, **changed)
    told = {"scopes": changed["scopes"]} if "scopes" in changed else {}
    await trail.record(tx, "client.updated", [client.id], fields=list(changed), **told)
    return client.version + 1


async def rotate_client_key(
    tx: Transaction, *, client_id: UUID, jwk: str, retire_others: bool = False
) -> UUID:
    """Give a client another public key; return the client's id.

    It and the newest one before it are believed, so that the client's servers need not all change over at once; with
    ``retire_others``, for a key that got lost, it alone. Raises Refused for an unknown, disabled or public client, and for
    what is no public key or is one of this client's already.
    """
    client = await _usable(tx, client_id)
    rules.signs(ClientKind(client.kind))
    key = rules.is_a_public_key(jwk)
    of_client = select(ClientKey.id, ClientKey.jwk, ClientKey.retired_at)
    newest_first = of_client.where(ClientKey.client_id == client.id).order_by(ClientKey.created_at.desc())
    known = (await tx.execute(newest_first)).all()
    rules.is_new(key, [each.jwk for each in known])
    live = [each.id for each in known if each.retired_at is None]
    retired = rules.retired(live, retire_others=retire_others)
    if retired:
        await tx.execute(
            update(ClientKey).where(ClientKey.id.in_(retired)).values(retired_at=datetime.now(UTC))
        )
    await _add_key(tx, client.id, key)
    await trail.record(tx, "client_key.rotated", [client.id], retired=len(retired))
    return client.id


async def disable_client(tx: Transaction, *, client_id: UUID) -> UUID:
    """Let nobody use a client any more, and end every session that was opened through it; return its id.

    Whoever is signing in at this moment is waited for, and then ended too. Disabling it again changes nothing. Raises Refused
    for an unknown client.
    """
    client = await _known(tx, client_id)
    if client.disabled_at is None:
        await _change(tx, client, disabled_at=datetime.now(UTC))
        ended = await tx.scalar(_END_SESSIONS, {"client": client.id})
        await trail.record(tx, "client.disabled", [client.id], sessions=ended)
    return client.id


async def _known(tx: Transaction, client_id: UUID) -> Client:
    # One that is disabled or serves the network is not the caller's to change: nor is its row to be held still.
    client = await tx.get(Client, client_id, lock=True) or await tx.get(Client, client_id)
    if client is None:
        raise Refused("NOT_FOUND", "There is no such program.", "id")
    if client.serves != Serves.ORGANISATION:
        # It speaks for other organisations' people: whoever changed where it sends them would be they.
        raise Refused(
            "CLIENT_NOT_YOURS", "This program serves the whole network: who runs the server changes it.", "id"
        )
    return client


async def _usable(tx: Transaction, client_id: UUID) -> Client:
    client = await _known(tx, client_id)
    if client.disabled_at is not None:
        raise Refused("CLIENT_DISABLED", "This program is disabled for good. Register it anew.", "id")
    return client


async def _add_key(tx: Transaction, client_id: UUID, key: dict[str, Any]) -> None:
    await tx.insert(
        ClientKey,
        organisation_id=tx.organisation,
        client_id=client_id,
        kid=key["kid"],
        jwk=key,
        created_by=tx.actor,
    )


async def _change(tx: Transaction, client: Client, **values: object) -> None:
    stamp = {"version": client.version + 1, "updated_by": tx.actor, "updated_at": datetime.now(UTC)}
    await tx.change(update(Client).where(Client.id == client.id).values(**values, **stamp))


def _values(wanted: ClientChanges, *, allows_loopback: bool) -> dict[str, Any]:
    """The columns that are given, as they are kept. Raises Refused for one that may not be."""
    values: dict[str, Any] = {}
    if wanted.name is not None:
        values["name"] = rules.is_a_name(wanted.name)
    if wanted.redirect_uris is not None:
        values["redirect_uris"] = rules.are_addresses(
            wanted.redirect_uris, field="redirectUris", allows_loopback=allows_loopback
        )
    if wanted.logout_uris is not None:
        values["logout_uris"] = rules.are_addresses(
            wanted.logout_uris, field="logoutUris", allows_loopback=allows_loopback
        )
    if wanted.origins is not None:
        values["origins"] = rules.are_origins(wanted.origins, allows_loopback=allows_loopback)
    if wanted.scopes is not None:
        values["scopes"] = rules.are_scopes(wanted.scopes)
    return values
