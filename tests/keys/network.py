"""A database with organisations whose people have keys, and nothing else in it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
from click.testing import CliRunner, Result

from pat_platform.encryption.chosen import key_keeper
from pat_platform.encryption.provider import KeyKeeper, SubjectKey, WrappedKey
from pat_platform.settings import Settings
from pat_server.cli import cli

SECRET = "a deployment secret for tests only, long enough"

# As superuser, past the foreign keys: what matters here are the wrapped keys alone.
_SURVIVOR = "insert into app.survivor_keys (organisation_id, survivor_id, wrapped, created_by) values (%s, %s, %s, %s)"
_MEMBER = (
    "insert into app.group_member_identities (organisation_id, member_id, wrapped, name, created_by)"
    " values (%s, %s, %s, '\\x00', %s)"
)


@dataclass
class KeyNetwork:
    """The database, and the variables under which commands work on it."""

    url: str
    variables: dict[str, str]
    invoke: Callable[..., Result]

    @property
    def settings(self) -> Settings:
        return Settings.from_environment(self.variables)

    @property
    def keeper(self) -> KeyKeeper:
        """A provider as another process would have it."""
        return key_keeper(self.settings)

    def pat(self, *arguments: str) -> Result:
        """Run a command in this process."""
        return self.invoke(*arguments)

    def told(self, *arguments: str) -> str:
        """What a command that succeeds says."""
        done = self.pat(*arguments)
        assert done.exit_code == 0, done.output
        return done.stdout

    def refused(self, *arguments: str) -> str:
        """What a command that fails says."""
        done = self.pat(*arguments)
        assert done.exit_code == 1, done.output
        return done.stderr

    def rows(self, statement: str, *parameters: object) -> list[tuple[Any, ...]]:
        """Run a statement as superuser, without foreign keys."""
        with psycopg.connect(self.url) as connection:
            connection.execute("set session_replication_role = replica")
            cursor = connection.execute(statement.encode(), parameters)
            return cursor.fetchall() if cursor.description else []

    def id_of(self, slug: str) -> UUID:
        [(found,)] = self.rows("select id from app.organisations where slug = %s", slug)
        assert isinstance(found, UUID)
        return found

    def wrapped(self, slug: str) -> list[WrappedKey]:
        """The keys of an organisation's people, as the database has them."""
        organisation = self.id_of(slug)
        rows = self.rows(
            "select survivor_id, wrapped from app.survivor_keys where organisation_id = %s union all"
            " select member_id, wrapped from app.group_member_identities where organisation_id = %s order by 1",
            *(organisation, organisation),
        )
        return [WrappedKey(subject, blob) for subject, blob in rows]

    def add_people(self, slug: str, count: int) -> dict[UUID, bytes]:
        """Survivors and, for each, a member of a group. Returns everybody's key."""
        organisation = self.id_of(slug)
        keys = [SubjectKey(uuid4(), os.urandom(32)) for _ in range(2 * count)]
        blobs = self.run(lambda keeper: keeper.wrap(organisation, keys))
        rows = [(organisation, item.subject, blob, uuid4()) for item, blob in zip(keys, blobs, strict=True)]
        with psycopg.connect(self.url) as connection:
            connection.execute("set session_replication_role = replica")
            connection.cursor().executemany(_SURVIVOR, rows[:count])
            connection.cursor().executemany(_MEMBER, rows[count:])
        return {item.subject: item.key for item in keys}

    def opened(self, slug: str) -> dict[UUID, bytes | None]:
        """The keys of an organisation's people in the clear; None for one that does not open."""
        organisation, wrapped = self.id_of(slug), self.wrapped(slug)
        keys: Sequence[bytes | None] = self.run(lambda keeper: keeper.unwrap(organisation, wrapped))
        return {item.subject: key for item, key in zip(wrapped, keys, strict=True)}

    def run(self, work: Callable[[KeyKeeper], Any]) -> Any:
        """Something that a key provider does."""
        keeper = self.keeper
        try:
            return asyncio.run(work(keeper))
        finally:
            keeper.close()

    def versions(self, slug: str) -> list[str]:
        """The names of the versions of an organisation's key, oldest first."""
        organisation = self.id_of(slug)
        return [version.name for version in self.run(lambda keeper: keeper.versions(organisation))]

    @property
    def folder(self) -> Path:
        """Where the file provider has its files."""
        return self.settings.key_folder / "organisations"


def runner(variables: dict[str, str]) -> Callable[..., Result]:
    """Runs commands in this process with these variables."""

    def run(*arguments: str) -> Result:
        return CliRunner(env=variables).invoke(cli, arguments, prog_name="pat", catch_exceptions=False)

    return run
