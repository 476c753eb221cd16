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
from pat_platform.settings import Settings
from pat_server.sign_in.forgetting import forget, forget_now_and_then


class Faltering(Connections):
    """The first transaction finds no database, the second something that nobody has thought of."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings, SIGN_IN, size=1)
        self.troubles = [ValueError("a mistake"), unavailable()]

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        if self.troubles:
            raise self.troubles.pop()
        with super().transaction() as connection:
            yield connection


async def test_spent_rows_are_deleted_whatever_went_wrong_before(
    network: Network, caplog: pytest.LogCaptureFixture
) -> None:
    client = uuid4()
    network.rows("insert into sec.assertions values (%s, 'gone', now() - interval '1 minute')", client)
    network.rows("insert into sec.assertions values (%s, 'stays', now() + interval '1 minute')", client)
    connections = Faltering(network.settings)

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
    assert [record.levelname for record in caplog.records if "forgetting." in record.getMessage()] == [
        "WARNING",
        "ERROR",
    ]


def test_ten_thousand_of_a_kind_are_deleted_at_a_time(network: Network) -> None:
    client = uuid4()
    network.rows(
        "insert into sec.assertions select %s, int4send(number), now() - interval '1 minute'"
        " from generate_series(1, 10300) number",
        client,
    )
    connections = Connections(network.settings, SIGN_IN, size=1)
    try:
        forget(connections)
        assert network.rows("select count(*) from sec.assertions where client = %s", client) == [(300,)]
        forget(connections)
    finally:
        connections.close()
    assert network.rows("select count(*) from sec.assertions where client = %s", client) == [(0,)]
