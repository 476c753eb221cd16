"""A demo network that is served while both its server and its PostgreSQL are killed, and started again."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psycopg
from tests.cli.running import free_port
from tests.server.conftest import SECRET, Network, load_network
from tests.server.mortal import Mortal

from pat_platform.postgres import EmbeddedPostgres, PostgresUnavailable
from pat_platform.settings import KeyProviderKind, Settings
from pat_platform.trail import first_broken
from pat_server.migrate import migrate

PATIENCE_SECONDS = 60.0
AGAIN_SECONDS = 0.05
_COLUMNS = "organisation_id, number, at, login, actor, action, subjects, detail, previous, hash"


class NotServed(Exception):
    """The server did not come back in time; the message says what it wrote."""


@dataclass
class Place:
    """A demo network on a PostgreSQL that keeps its promises, and one server process."""

    postgres: EmbeddedPostgres
    network: Network
    server: Mortal
    # PostgreSQL ends with the thread that started it: this one stays.
    _hand: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1))

    async def ready(self) -> None:
        """Wait until the server would answer a query. Raises NotServed."""
        async with httpx.AsyncClient(base_url=self.server.url) as client:
            for _ in range(int(PATIENCE_SECONDS / AGAIN_SECONDS)):
                with suppress(httpx.TransportError):
                    if (await client.get("/readyz")).status_code == 200:
                        return
                await asyncio.sleep(AGAIN_SECONDS)
        raise NotServed(self.server.complaints())

    async def kill(self, number: int) -> str:
        """Kill one of the two, in turn, and wait until all is served again; return who it was."""
        victim = self.kill_postgres if number % 2 else self.kill_server
        await asyncio.get_running_loop().run_in_executor(self._hand, victim)
        await self.ready()
        return victim.__name__

    def kill_server(self) -> None:
        """Kill -9, and start it again."""
        self.server.kill()
        self.server.launch()

    def kill_postgres(self) -> None:
        """Kill -9 the postmaster, and start it again: it recovers from its log."""
        os.kill(int((self.postgres.data / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
        self.postgres.stop()
        # What is left of the killed one may still be about to go.
        for _ in range(20):
            with suppress(PostgresUnavailable):
                self.postgres.start()
                return
        self.postgres.start()

    async def rows(self, statement: str, *parameters: object) -> list[tuple[Any, ...]]:
        """What the database holds, asked as superuser until it answers. Raises NotServed."""
        for _ in range(int(PATIENCE_SECONDS / AGAIN_SECONDS)):
            with suppress(psycopg.OperationalError, PostgresUnavailable):
                return await asyncio.to_thread(self.network.rows, statement, *parameters)
            await asyncio.sleep(AGAIN_SECONDS)
        raise NotServed("PostgreSQL does not answer")

    def broken_chains(self) -> Iterator[str]:
        """Every chain of the trail that does not hold."""
        with psycopg.connect(self.network.admin_url, row_factory=psycopg.rows.dict_row) as connection:
            for head in connection.execute("select * from trail.heads").fetchall():
                events = connection.execute(
                    f"select {_COLUMNS} from trail.events where organisation_id = %s order by number".encode(),
                    (head["organisation_id"],),
                )
                if broken := first_broken(events, head):
                    yield f"a chain is broken: {broken}"


@contextmanager
def place(folder: Path) -> Iterator[Place]:
    """The network, loaded and served."""
    postgres = EmbeddedPostgres(folder / "postgres", port=free_port())
    with postgres:
        with psycopg.connect(postgres.url(), autocommit=True) as admin:
            admin.execute("create database network")
        url = f"http://127.0.0.1:{free_port()}"
        settings = Settings(
            database_url=postgres.url(database="network"),
            secret=SECRET,
            issuer=url,
            audience=f"{url}/graphql",
            key_folder=folder / "keys",
            key_provider=KeyProviderKind.FILE,
        )
        network = Network(postgres, settings)
        migrate(network.admin_url, SECRET)
        asyncio.run(load_network(network))
        made = Place(postgres, network, Mortal(network, folder, url))
        made.server.launch()
        try:
            yield made
        finally:
            made.server.kill()
    postgres.erase()
