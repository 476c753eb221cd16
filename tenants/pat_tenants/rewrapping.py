"""Wrapped keys of one organisation: under which version they are, and putting them under the current one.

Works beside requests: a row is locked for the moment of its own update, and one that changed meanwhile is left alone. What is
done is committed batch by batch; whoever starts again goes on with what is left.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection

from pat_platform.encryption.envelope import KEY_BYTES
from pat_platform.encryption.provider import KeyKeeper, KeysMissing, KeyVersion, SubjectKey, WrappedKey
from pat_tenants.key_tables import WRAPPED, KeyTable, key_tables

BATCH = 200
_FIRST = UUID(int=0)
_OLD = "substr({wrapped}, 1, %(length)s) <> %(prefix)s"


class NotTheSame(Exception):
    """The key service gave back another key than it was given: nothing was written."""


@dataclass(frozen=True)
class Done:
    """What was done to the wrapped keys of one organisation: how many were replaced, and how many did not open."""

    replaced: int
    unreadable: int


async def count_by_version(
    connection: AsyncConnection[Any], organisation: UUID, versions: Sequence[KeyVersion]
) -> dict[bytes | None, int]:
    """How many wrapped keys begin with each version's prefix; under None, those that begin with none of them."""
    found: dict[bytes | None, int] = {}
    for table in key_tables():
        query = (
            f"select p.prefix, count(*) from {table.name} t left join unnest(%s::bytea[]) p(prefix)"
            f" on substr(t.{WRAPPED}, 1, length(p.prefix)) = p.prefix where t.organisation_id = %s group by 1"
        )
        prefixes = [version.prefix for version in versions]
        cursor = await connection.execute(query.encode(), (prefixes, organisation))
        for prefix, count in await cursor.fetchall():
            found[prefix] = found.get(prefix, 0) + count
    return found


async def samples(
    connection: AsyncConnection[Any], organisation: UUID, version: KeyVersion
) -> list[WrappedKey]:
    """One wrapped key under this version from each table that has any."""
    found = []
    for table in key_tables():
        query = (
            f"select {table.subject}, {WRAPPED} from {table.name} where organisation_id = %s"
            f" and substr({WRAPPED}, 1, length(%s)) = %s limit 1"
        )
        cursor = await connection.execute(query.encode(), (organisation, version.prefix, version.prefix))
        found += [WrappedKey(subject, blob) for subject, blob in await cursor.fetchall()]
    return found


async def rewrap(
    connection: AsyncConnection[Any],
    keeper: KeyKeeper,
    organisation: UUID,
    say: Callable[[int], None] = lambda _: None,
) -> Done:
    """Put every wrapped key of an organisation under the current version of its key. ``say`` is told after each batch how many it had.

    ``connection`` commits by itself. Raises `KeysMissing` and `KeysUnavailable`, and `NotTheSame` before anything wrong is written.
    """
    versions = await keeper.versions(organisation)
    if not versions:
        raise KeysMissing("The organisation has no keys.")
    replaced = unreadable = 0
    for table in key_tables():
        after = _FIRST
        while batch := await _batch(connection, table, organisation, after, not_under=versions[-1]):
            after = batch[-1].subject
            new = await _rewrapped(keeper, organisation, batch)
            replaced += await _replace(connection, table, organisation, new)
            unreadable += len(batch) - len(new)
            say(len(batch))
    return Done(replaced, unreadable)


async def renew_unreadable(connection: AsyncConnection[Any], keeper: KeyKeeper, organisation: UUID) -> Done:
    """Give a new key to everybody whose own does not open: what it sealed is lost for ever, what comes can be sealed again."""
    replaced = 0
    for table in key_tables():
        after = _FIRST
        while batch := await _batch(connection, table, organisation, after):
            after = batch[-1].subject
            opened = await keeper.unwrap(organisation, batch)
            lost = [item for item, key in zip(batch, opened, strict=True) if key is None]
            keys = [SubjectKey(item.subject, os.urandom(KEY_BYTES)) for item in lost]
            blobs = await keeper.wrap(organisation, keys)
            new = dict(zip(lost, blobs, strict=True))
            replaced += await _replace(connection, table, organisation, new)
    return Done(replaced, 0)


async def _batch(
    connection: AsyncConnection[Any],
    table: KeyTable,
    organisation: UUID,
    after: UUID,
    *,
    not_under: KeyVersion | None = None,
) -> list[WrappedKey]:
    """The next wrapped keys in the order of their people; of those that are not under this version, if one is given."""
    prefix = not_under.prefix if not_under else b""
    old = f"and {_OLD.format(wrapped=WRAPPED)}" if not_under else ""
    query = (
        f"select {table.subject}, {WRAPPED} from {table.name} where organisation_id = %(organisation)s"
        f" and {table.subject} > %(after)s {old} order by {table.subject} limit {BATCH}"
    )
    given = {"organisation": organisation, "after": after, "prefix": prefix, "length": len(prefix)}
    cursor = await connection.execute(query.encode(), given)
    return [WrappedKey(subject, blob) for subject, blob in await cursor.fetchall()]


async def _rewrapped(
    keeper: KeyKeeper, organisation: UUID, batch: Sequence[WrappedKey]
) -> dict[WrappedKey, bytes]:
    """What replaces each key that opens. Each new one was opened: a wrong one would lose all that its key sealed."""
    blobs = await keeper.rewrap(organisation, batch)
    new = {item: blob for item, blob in zip(batch, blobs, strict=True) if blob is not None}
    before = await keeper.unwrap(organisation, list(new))
    after = await keeper.unwrap(organisation, [WrappedKey(item.subject, blob) for item, blob in new.items()])
    if None in before or before != after:
        raise NotTheSame("The key service wrapped another key than it was given; nothing was written.")
    return new


async def _replace(
    connection: AsyncConnection[Any], table: KeyTable, organisation: UUID, new: Mapping[WrappedKey, bytes]
) -> int:
    """Write the new wrapped keys where the old ones still stand, all at once. Returns how many those were."""
    query = (
        f"update {table.name} t set {WRAPPED} = n.new from unnest(%s::uuid[], %s::bytea[], %s::bytea[]) n(subject, old, new)"
        f" where t.organisation_id = %s and t.{table.subject} = n.subject and t.{WRAPPED} = n.old"
    )
    subjects, old = [item.subject for item in new], [item.blob for item in new]
    cursor = await connection.execute(query.encode(), (subjects, old, list(new.values()), organisation))
    return cursor.rowcount
