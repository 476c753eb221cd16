"""The database as its administrator sees it: for what no organisation's login may do."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, LiteralString, Self

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from pat_platform.settings import Settings, database_url
from pat_server.commands.home import Home
from pat_server.commands.trouble import Trouble

NOT_MIGRATED = "This database has not been migrated: run `python3 pat migrate` first."


def one(connection: psycopg.Connection, query: LiteralString) -> tuple[Any, ...]:
    """The one row of a query; columns of None for a query without rows."""
    row = connection.execute(query).fetchone()
    return (None,) if row is None else row


def check_address(url: str) -> None:
    """Raise Trouble for what is no address of a PostgreSQL; without quoting it, for it may hold a password."""
    try:
        conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        raise Trouble(
            "DATABASE_URL is not a PostgreSQL address. It looks like postgresql://USER:PASSWORD@HOST:PORT/DATABASE."
        ) from None


@dataclass(frozen=True)
class Admin:
    """An address with an administrator's name and password in it. Without DATABASE_URL it is that of the running demo."""

    url: str
    is_demo: bool

    @classmethod
    def find(cls) -> Self:
        """The database that the environment names, else that of this checkout's running demo. Raises Trouble without either."""
        if os.environ.get("DATABASE_URL"):
            url = database_url(os.environ).replace("postgresql+psycopg://", "postgresql://", 1)
            check_address(url)
            return cls(url, is_demo=False)
        home = Home.find()
        running = home.running()
        if running is None or running.database_url is None:
            raise Trouble("DATABASE_URL is not set, and no demo is running in this checkout.")
        return cls(home.postgres.attach().url(database="pat"), is_demo=True)

    def secret(self) -> bytes:
        """The deployment secret. Raises SettingsError if the environment does not tell it."""
        if self.is_demo:
            return Home.find().secret()
        return Settings.from_environment(os.environ, database_url=self.url).secret

    def settings(self) -> Settings:
        """The settings of the deployment whose database this is. Raises SettingsError if the environment does not tell them."""
        if self.is_demo:
            home = Home.find()
            running = home.running()
            return home.settings(running.port if running else 0, self.url)
        return Settings.from_environment(os.environ, database_url=self.url)

    @contextmanager
    def transaction(self) -> Iterator[psycopg.Connection]:
        """A transaction on the migrated database: committed when the block ends, rolled back if it raises.

        Raises Trouble for a database that was never migrated, psycopg.Error for one that cannot be reached.
        """
        conninfo = make_conninfo(self.url, connect_timeout=10, application_name="pat")
        with psycopg.connect(conninfo) as connection:
            found = connection.execute("select from pg_namespace where nspname = 'migrations'").fetchone()
            if found is None:
                raise Trouble(NOT_MIGRATED)
            yield connection
