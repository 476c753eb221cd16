"""What is kept for a while goes when the while is over, whatever the database does in between."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import pytest
from tests.server.conftest import Network

from pat_platform.database.logins import SIGN_IN
from pat_platform.database.pool import unavailable
from pat_platform.database.threads import Connection, Connections
from pat_server.sign_in.forgetting import forget_now_and_then


class Faltering(Connections):
    """The first transaction finds no database."""

    is_there = False

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        if not self.is_there:
            self.is_there = True
            raise unavailable()
        with super().transaction() as connection:
            yield connection


async def test_spent_rows_are_deleted_though_the_database_was_away_once(network: Network) -> None:
    client = uuid4()
    network.rows("insert into sec.assertions values (%s, 'gone', now() - interval '1 minute')", client)
    network.rows("insert into sec.assertions values (%s, 'stays', now() + interval '1 minute')", client)
    connections = Faltering(network.settings, SIGN_IN, size=1)

    task = asyncio.create_task(forget_now_and_then(connections, every_seconds=0.01))
    try:
        async with asyncio.timeout(20):
            while (
                len(left := network.rows("select jti_hash from sec.assertions where client = %s", client)) > 1
            ):
                await asyncio.to_thread(time.sleep, 0.05)
    finally:
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        connections.close()

    assert left == [(b"stays",)]
