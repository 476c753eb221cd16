"""The demo network, loaded once for all tests of this folder."""

import asyncio
import os
from collections.abc import Iterator
from dataclasses import dataclass
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
from pat_server.demo.load import load
from pat_server.migrate import migrate
from pat_tenants.cases.service import today
from pat_tenants.vault import Vault

SECRET = b"a deployment secret for tests only, long enough"


@dataclass
class Demo:
    """A database of the demo network: the superuser's view of it, and the keys."""

    url: str
    keys: Path
    day: date
    said: list[tuple[str, float]]

    @property
    def vault(self) -> Vault:
        return Vault(FileKeyProvider(self.keys))

    def rows(self, statement: LiteralString, *parameters: object) -> list[tuple[Any, ...]]:
        """Run a query as superuser."""
        with psycopg.connect(self.url) as connection:
            return connection.execute(statement, parameters).fetchall()

    def open(self, pool_size: int = 20) -> Database:
        return Database(
            Settings.from_environment({}, database_url=self.url, secret=SECRET, pool_size=pool_size)
        )


@dataclass
class Databases:
    """Makes databases in the cluster and drops them at the end."""

    cluster: EmbeddedPostgres
    folder: Path
    day: date
    names: list[str]

    def migrated(self, name: str) -> Demo:
        name = f"{name}_{os.getpid()}"
        with psycopg.connect(self.cluster.url(), autocommit=True) as admin:
            admin.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
        self.names.append(name)
        made = Demo(self.cluster.url(database=name), self.folder / name, self.day, [])
        migrate(made.url, SECRET)
        return made

    def loaded(self, name: str) -> Demo:
        made = self.migrated(name)
        asyncio.run(fill(made))
        return made

    def drop(self) -> None:
        with psycopg.connect(self.cluster.url(), autocommit=True) as admin:
            for name in self.names:
                admin.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))
            # Roles belong to the cluster, which other tests share.
            for (login,) in admin.execute("select rolname from pg_roles where rolname ~ '^org_'").fetchall():
                admin.execute(sql.SQL("drop role {}").format(sql.Identifier(login)))


async def fill(made: Demo) -> None:
    """Load the demo network into a migrated database."""
    database = made.open()
    try:
        await load(
            made.url,
            database,
            made.vault,
            SECRET,
            lambda words, share: made.said.append((words, share)),
            day=made.day,
        )
    finally:
        await database.close()


@pytest.fixture(scope="session")
def databases(cluster: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Databases]:
    made = Databases(cluster, tmp_path_factory.mktemp("keys"), today(), [])
    yield made
    made.drop()


@pytest.fixture(scope="session")
def demo(databases: Databases) -> Demo:
    """The demo network as it is after loading; tests only look."""
    return databases.loaded("demo")
