"""What people let clients ask for."""

from __future__ import annotations

from uuid import UUID

from pat_auth.issuer.service import Service
from pat_platform.database.threads import Connection


def is_allowed(
    connection: Connection, *, person: UUID, client: UUID, membership: UUID, scopes: frozenset[str]
) -> bool:
    """Whether she has allowed the client all of these scopes in this membership, and not taken it back."""
    row = connection.execute(
        "select 1 from sec.consents where person_id = %s and client = %s and membership_id = %s"
        " and withdrawn_at is null and scopes @> %s",
        (person, client, membership, sorted(scopes)),
    ).fetchone()
    return row is not None


def allow(
    connection: Connection,
    service: Service,
    *,
    person: UUID,
    client: UUID,
    membership: UUID,
    scopes: frozenset[str],
) -> None:
    """Keep that she allows it. What she allowed before is forgotten: the page that she saw last said what holds."""
    connection.execute(
        "insert into sec.consents as c (person_id, client, membership_id, scopes, given_at) values (%s, %s, %s, %s, %s)"
        " on conflict (person_id, client, membership_id)"
        " do update set scopes = excluded.scopes, given_at = excluded.given_at, withdrawn_at = null",
        (person, client, membership, sorted(scopes), service.clock()),
    )
