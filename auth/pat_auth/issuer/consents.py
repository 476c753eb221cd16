"""What people let clients ask for."""

from __future__ import annotations

import json
from hashlib import sha256
from uuid import UUID

from pat_auth.issuer.clients import Client
from pat_auth.issuer.service import Service
from pat_platform.database.threads import Connection


def is_allowed(
    connection: Connection, *, person: UUID, client: Client, membership: UUID, scopes: frozenset[str]
) -> bool:
    """Whether she has allowed the client, as it is now, all of these scopes in this membership, and not taken it back."""
    row = connection.execute(
        "select 1 from sec.consents where person_id = %s and client = %s and membership_id = %s"
        " and withdrawn_at is null and scopes @> %s and client_hash = %s",
        (person, client.id, membership, sorted(scopes), hash_of(client)),
    ).fetchone()
    return row is not None


def allow(
    connection: Connection,
    service: Service,
    *,
    person: UUID,
    client: Client,
    membership: UUID,
    scopes: frozenset[str],
) -> None:
    """Keep that she allows it, to the client as it is now.

    What she allowed before is forgotten: the page that she saw last said what holds.
    """
    connection.execute(
        "insert into sec.consents as c (person_id, client, membership_id, scopes, client_hash, given_at)"
        " values (%s, %s, %s, %s, %s, %s)"
        " on conflict (person_id, client, membership_id) do update set scopes = excluded.scopes,"
        " client_hash = excluded.client_hash, given_at = excluded.given_at, withdrawn_at = null",
        (person, client.id, membership, sorted(scopes), hash_of(client), service.clock()),
    )


def hash_of(client: Client) -> bytes:
    """What a client is to those who allow it something: its name, where it leads them, and what it may ask for at most.

    Once any of it is changed, by whomever, what they allowed was another client.
    """
    said = [client.name, sorted(client.redirect_uris), sorted(client.scopes)]
    return sha256(json.dumps(said).encode()).digest()
