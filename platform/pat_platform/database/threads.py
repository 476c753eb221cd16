"""Connections of one service login, for code that waits in threads."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.pq import TransactionStatus

from pat_platform.database.credentials import FIRST_GENERATION
from pat_platform.database.pool import unavailable
from pat_platform.settings import Settings

if TYPE_CHECKING:
    from psycopg_pool import ConnectionPool

Connection = psycopg.Connection[tuple[Any, ...]]


class NotCommitted(Exception):
    """A statement had failed and the block went on as if nothing had: PostgreSQL would have rolled back what we took for done."""


class Connections:
    """At most `size` connections of a service login, opened when they are needed; the settings say how long to wait for one.

    Make one for each process, and close it at the end. It starts threads of its own at the first use.
    """

    def __init__(self, settings: Settings, login: str, size: int = 4) -> None:
        self._settings = settings
        self._login = login
        self._size = size
        self._opening = Lock()
        self._pool: ConnectionPool[Connection] | None = None
        self._is_closed = False

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """A transaction: committed when the block ends, rolled back if it raises.

        Raises Fault UNAVAILABLE if PostgreSQL does not answer or asks to try again, and NotCommitted for a block that
        swallowed the error of a statement; nothing is committed then.
        """
        try:
            with self._opened().connection() as connection, connection.transaction():
                yield connection
                if connection.info.transaction_status is not TransactionStatus.INTRANS:
                    raise NotCommitted
        except psycopg.OperationalError:
            raise unavailable() from None

    def close(self) -> None:
        """Close all connections, once nobody uses them any more. Whoever asks later is told UNAVAILABLE."""
        with self._opening:
            self._is_closed = True
            if self._pool is not None:
                self._pool.close()

    def _opened(self) -> ConnectionPool[Connection]:
        if self._pool is None:
            with self._opening:
                if self._is_closed:
                    raise unavailable()
                if self._pool is None:
                    self._pool = self._open()
        return self._pool

    def _open(self) -> ConnectionPool[Connection]:
        # Its threads and its code are of no use to a process in which nobody signs in.
        from psycopg_pool import ConnectionPool

        return ConnectionPool(
            self._settings.conninfo(self._login, FIRST_GENERATION),
            kwargs={"autocommit": True},
            min_size=0,
            max_size=self._size,
            timeout=self._settings.pool_wait_seconds,
            # Its pauses between attempts grow: whoever comes after this long begins with the first one again.
            reconnect_timeout=self._settings.pool_wait_seconds,
            # One that PostgreSQL has closed meanwhile is not handed out.
            check=ConnectionPool.check_connection,
            name=self._login,
            open=True,
        )
