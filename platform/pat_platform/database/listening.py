"""Hearing that something has changed: one connection of its own that listens, made anew whenever it is lost."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from enum import Enum, auto

import psycopg

from pat_platform.deadlines import within
from pat_platform.logging import get_logger

log = get_logger(__name__)

CHANNEL = "pat_changes"
LEAST_REST, LONGEST_REST = 0.1, 2.0
"""Seconds between attempts to connect."""
PATIENCE_SECONDS = 5.0


class News(Enum):
    """Why the connection has something to do."""

    CONNECTED = auto()
    """It hears from now on; nobody knows what was missed."""
    HEARD = auto()
    QUIET = auto()
    """Nothing was heard for a while."""


Attend = Callable[[psycopg.AsyncConnection, News], Awaitable[None]]


async def listen(conninfo: str, attend: Attend, *, every_seconds: float) -> None:
    """Listen until cancelled; ``attend`` has the connection for itself while it runs, at least so often.

    Whatever is said in between is heard once. Nothing is raised for a database that cannot be reached: it is tried again.
    """
    rest = LEAST_REST
    while True:
        began = time.monotonic()
        try:
            await _listen(conninfo, attend, every_seconds)
        except (psycopg.Error, OSError, TimeoutError) as error:
            log.warning("listening.failed", error=type(error).__name__)
        lasted = time.monotonic() - began > LONGEST_REST
        rest = LEAST_REST if lasted else min(2 * rest, LONGEST_REST)
        await asyncio.sleep(rest)


async def _listen(conninfo: str, attend: Attend, every_seconds: float) -> None:
    async with await psycopg.AsyncConnection.connect(conninfo, autocommit=True) as connection:
        await connection.execute(f"listen {CHANNEL}")
        news = News.CONNECTED
        while True:
            # A network that swallows packets tells nobody that the connection is gone.
            with within(PATIENCE_SECONDS):
                await attend(connection, news)
            news = News.QUIET
            async for _ in connection.notifies(timeout=every_seconds, stop_after=1):
                news = News.HEARD
