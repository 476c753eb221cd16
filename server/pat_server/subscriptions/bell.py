"""What wakes those who wait, and sends away those whose session is over: one connection for the whole process."""

from __future__ import annotations

import time
from uuid import UUID

from psycopg import AsyncConnection

from pat_platform.database.credentials import FIRST_GENERATION
from pat_platform.database.listening import News, listen
from pat_platform.database.logins import LISTENER
from pat_platform.settings import Settings
from pat_server.subscriptions.lines import Lines

SECONDS = 2.0
"""How often it is asked which sessions are over."""


class Bell:
    """Listens for the lines of a process."""

    def __init__(self, settings: Settings, lines: Lines) -> None:
        self._settings = settings
        self._lines = lines
        self._seen = ""
        self._asked_at = 0.0

    async def ring(self) -> None:
        """Listen from the moment when somebody waits, until cancelled."""
        await self._lines.wanted.wait()
        conninfo = self._settings.conninfo(LISTENER, FIRST_GENERATION)
        await listen(conninfo, self.attend, every_seconds=SECONDS)

    async def attend(self, connection: AsyncConnection, news: News) -> None:
        """Wake whom a change concerns, and end lines of sessions that are over."""
        if news is News.CONNECTED:
            await self._look(connection, "select pg_current_snapshot()::text, null")
            self._lines.wake_all()
        elif news is News.HEARD:
            changed = "select pg_current_snapshot()::text, sec.changed_since(%s::pg_snapshot)"
            self._lines.wake(await self._look(connection, changed, self._seen))
        if time.monotonic() - self._asked_at >= SECONDS:
            await self._end_what_is_over(connection)
            self._asked_at = time.monotonic()

    async def _look(self, connection: AsyncConnection, statement: str, *seen: str) -> list[UUID]:
        row = await (await connection.execute(statement.encode(), seen)).fetchone()
        assert row is not None, "a select without a table has one row"
        self._seen = row[0]
        return list(row[1] or ())

    async def _end_what_is_over(self, connection: AsyncConnection) -> None:
        sessions = self._lines.sessions()
        if not sessions:
            return
        row = await (await connection.execute("select sec.live_among(%s)", (sessions,))).fetchone()
        assert row is not None, "a select without a table has one row"
        self._lines.end_sessions(set(sessions) - set(row[0]))
