"""The keys of organisations as their operator sees them: which versions there are, what is wrapped under each, what is wrong."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection

from pat_platform.database.credentials import FIRST_GENERATION
from pat_platform.database.logins import KEYS
from pat_platform.encryption.chosen import key_keeper
from pat_platform.encryption.envelope import Unreadable
from pat_platform.encryption.private_file import ExposedFile
from pat_platform.encryption.provider import KeyKeeper, KeysUnavailable, KeyVersion
from pat_platform.settings import Settings, SettingsError
from pat_tenants.rewrapping import count_by_version, samples


@dataclass(frozen=True)
class Organisation:
    """One organisation: its id and its code."""

    id: UUID
    slug: str


@dataclass(frozen=True)
class Holding:
    """The keys of one organisation. `wrapped` counts the keys of people under each version; under None, those under none of them.

    `closed` are the versions of which a sample did not open.
    """

    organisation: Organisation
    versions: tuple[KeyVersion, ...]
    wrapped: Mapping[bytes | None, int]
    closed: tuple[KeyVersion, ...] = ()

    @property
    def total(self) -> int:
        """All keys of people."""
        return sum(self.wrapped.values())

    @property
    def unknown(self) -> int:
        """Keys of people that no version here wrapped."""
        return self.wrapped.get(None, 0)

    @property
    def old(self) -> int:
        """Keys of people under a version that is not the current one."""
        return sum(self.wrapped.get(version.prefix, 0) for version in self.versions[:-1])

    @property
    def oldest_needed(self) -> KeyVersion:
        """The oldest version that anything is wrapped under, else the current one."""
        return next((each for each in self.versions if self.wrapped.get(each.prefix)), self.versions[-1])


@asynccontextmanager
async def opened_keeper(settings: Settings) -> AsyncIterator[KeyKeeper]:
    """The key provider that the settings name, as long as the block lasts. Raises SettingsError if they name none."""
    keeper = key_keeper(settings)
    try:
        yield keeper
    finally:
        keeper.close()


@asynccontextmanager
async def connected(settings: Settings) -> AsyncIterator[AsyncConnection[Any]]:
    """A connection of the login that replaces wrapped keys; each statement commits by itself."""
    conninfo = settings.conninfo(KEYS, FIRST_GENERATION)
    async with await AsyncConnection.connect(conninfo, autocommit=True) as connection:
        yield connection


async def organisations(connection: AsyncConnection[Any]) -> list[Organisation]:
    """All of them, in order of their codes."""
    cursor = await connection.execute("select id, slug from app.organisations order by slug")
    return [Organisation(found, slug) for found, slug in await cursor.fetchall()]


async def holding(connection: AsyncConnection[Any], keeper: KeyKeeper, organisation: Organisation) -> Holding:
    """The keys of one organisation, each version tried on what it wrapped. Raises `KeysUnavailable`."""
    versions = await keeper.versions(organisation.id)
    wrapped = await count_by_version(connection, organisation.id, versions)
    closed = []
    for version in versions:
        tried = await samples(connection, organisation.id, version)
        if None in await keeper.unwrap(organisation.id, tried):
            closed.append(version)
    return Holding(organisation, tuple(versions), wrapped, tuple(closed))


def findings(held: Holding) -> Iterator[str]:
    """What is wrong with the keys of an organisation, and what to do, in sentences."""
    slug, unread = held.organisation.slug, f"{held.unknown} people cannot be read"
    if not held.versions and not held.total:
        yield f"{slug} has no keys yet: `pat keys create {slug}`."
    elif not held.versions:
        yield f"{slug}: its keys are missing, and {unread}. Put them back from their copy: docs/keys.md."
    elif held.unknown:
        yield f"{slug}: a version of its key is missing, and {unread}. Put the newest copy of the keys back: docs/keys.md."
    for version in held.closed:
        yield f"{slug}: what version {version.name} wrapped does not open. Put the keys back from their copy: docs/keys.md."
    if held.old:
        yield f"{slug}: {held.old} keys of people are under an old version: `pat keys rewrap` goes on."


def key_findings(settings: Settings) -> list[str]:
    """What is wrong with the keys of this deployment, in sentences; nothing if all is well. For `pat doctor`.

    Raises psycopg.Error when the database cannot be reached.
    """
    return asyncio.run(_findings(settings))


async def _findings(settings: Settings) -> list[str]:
    try:
        key_keeper(settings).close()
    except SettingsError as error:
        return [str(error)]
    found: list[str] = []
    async with opened_keeper(settings) as keeper, connected(settings) as connection:
        for organisation in await organisations(connection):
            try:
                found += findings(await holding(connection, keeper, organisation))
            except KeysUnavailable as unavailable:
                return [*found, unavailable.reason]
            except (Unreadable, ExposedFile) as damaged:
                found.append(f"{damaged}.")
    return found


def missing_keys(settings: Settings) -> list[str]:
    """A sentence for each organisation without keys, and for a key service that does not answer: for a server that starts.

    Raises SettingsError when no provider is chosen, psycopg.Error when the database cannot be reached.
    """
    return asyncio.run(_missing_keys(settings))


async def _missing_keys(settings: Settings) -> list[str]:
    async with opened_keeper(settings) as keeper, connected(settings) as connection:
        return await _lacking(keeper, await organisations(connection))


async def _lacking(keeper: KeyKeeper, known: list[Organisation]) -> list[str]:
    try:
        lacking = [each.slug for each in known if not await keeper.versions(each.id)]
    except KeysUnavailable as unavailable:
        return [f"{unavailable.reason} Identities cannot be read or saved until it can."]
    except (Unreadable, ExposedFile) as damaged:
        return [f"{damaged}."]
    return [f"{slug} has no keys: `pat keys check` tells whether they are lost." for slug in lacking]
