"""The demo network, loaded once for all tests of this folder."""

import asyncio
import os
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any, LiteralString

import psycopg
import pytest
from psycopg import sql

from pat_platform.database.access import Database
from pat_platform.encryption.file_provider import FileKeyProvider
from pat_platform.postgres import EmbeddedPostgres
from pat_platform.settings import Settings
from pat_server.demo.load import Progress, load, patient
from pat_server.demo.people import PEOPLE
from pat_server.migrate import migrate
from pat_tenants.cases.service import today
from pat_tenants.vault import Vault

SECRET = b"a deployment secret for tests only, long enough"


@dataclass(frozen=True)
class Demo:
    """A database of the demo network: the superuser's view of it, and the keys."""

    url: str
    database: str
    keys: Path
    day: date
    said: list[tuple[str, float]] = field(default_factory=list)

    @property
    def vault(self) -> Vault:
        return Vault(FileKeyProvider(self.keys))

    def rows(self, statement: LiteralString, *parameters: object) -> list[tuple[Any, ...]]:
        """Run a query as superuser."""
        with psycopg.connect(self.url) as connection:
            return connection.execute(statement, parameters).fetchall()

    def count(self, table: str) -> int:
        """How many rows a table of the domain has."""
        with psycopg.connect(self.url) as connection:
            query = sql.SQL("select count(*) from {}").format(sql.Identifier("app", table))
            [(rows,)] = connection.execute(query).fetchall()
        assert isinstance(rows, int)
        return rows


@dataclass(frozen=True)
class Databases:
    """Makes databases in the cluster and drops them at the end."""

    cluster: EmbeddedPostgres
    folder: Path
    day: date
    made: list[str] = field(default_factory=list)

    def migrated(self, name: str) -> Demo:
        """An empty one."""
        database = self._create(name, "template1")
        made = Demo(self.cluster.url(database=database), database, self.folder / name, self.day)
        migrate(made.url, SECRET)
        return made

    def loaded(self, name: str) -> Demo:
        """One with the demo network in it."""
        made = self.migrated(name)
        asyncio.run(fill(made, lambda words, share: made.said.append((words, share))))
        return made

    def copied(self, original: Demo, name: str) -> Demo:
        """A copy of one that nobody is connected to, with the same keys."""
        database = self._create(name, original.database)
        return replace(original, url=self.cluster.url(database=database), database=database, said=[])

    def _create(self, name: str, template: str) -> str:
        name = f"demo_{name}_{os.getpid()}"
        with psycopg.connect(self.cluster.url(), autocommit=True) as admin:
            statement = sql.SQL("create database {} template {}")
            admin.execute(statement.format(sql.Identifier(name), sql.Identifier(template)))
        self.made.append(name)
        return name

    def drop(self) -> None:
        """Drop them, and the logins that were made for them."""
        with psycopg.connect(self.cluster.url(), autocommit=True) as admin:
            for name in self.made:
                admin.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))
            # Roles belong to the cluster, which other tests share.
            for login in {person.login for person in PEOPLE}:
                admin.execute(sql.SQL("drop role if exists {}").format(sql.Identifier(login)))


async def fill(made: Demo, say: Progress = lambda _words, _share: None) -> None:
    """Load the demo network into a migrated database."""
    settings = Settings.from_environment({}, database_url=made.url, secret=SECRET, pool_size=20)
    database = Database(patient(settings))
    try:
        await load(made.url, database, made.vault, SECRET, say, day=made.day)
    finally:
        await database.close()


@pytest.fixture(scope="session")
def databases(cluster: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Databases]:
    made = Databases(cluster, tmp_path_factory.mktemp("keys"), today())
    yield made
    made.drop()


@pytest.fixture(scope="session")
def demo(databases: Databases) -> Demo:
    """The demo network as it is after loading; tests only look."""
    return databases.loaded("loaded")
