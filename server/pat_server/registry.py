"""What the operator's registries share: acting as the owner of tables, and the organisation's trail."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg.types.json import Jsonb


@contextmanager
def acting_as(connection: Connection, role: str, *tables: str) -> Iterator[None]:
    """Act as an owner, for the block alone; of the named tables row security hides nothing from it meanwhile."""
    connection.execute(f"set local role {role}".encode())
    for table in tables:
        connection.execute(f"alter table {table} no force row level security".encode())
    yield
    for table in tables:
        connection.execute(f"alter table {table} force row level security".encode())
    connection.execute("reset role")


def record(
    connection: Connection, organisation: UUID, action: str, subjects: Sequence[UUID], detail: dict[str, Any]
) -> None:
    """Write it into the organisation's trail, as done by nobody of its own."""
    with acting_as(connection, "pat_trail"):
        connection.execute(
            "select trail.append(%s, null, %s, %s::uuid[], %s)",
            (organisation, action, list(subjects), Jsonb(detail)),
        )
