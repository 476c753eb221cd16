"""Whether queries will work: asked of the database, as the service that opens sessions."""

from __future__ import annotations

import asyncio

import psycopg

from pat_platform.settings import Settings
from pat_server.migrate import is_served_by_us

ISSUER = "pat_service_issuer"


class Readiness:
    """Asks once for all who wait: nobody signs in to ask, and each look costs a connection that no pool counts."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._look: asyncio.Task[bool] | None = None

    async def __call__(self) -> bool:
        """Whether queries will work, as the look that is under way finds, or else a new one."""
        if self._look is None or self._look.done():
            self._look = asyncio.create_task(is_ready(self._settings))
        return await asyncio.shield(self._look)


async def is_ready(settings: Settings) -> bool:
    """Whether the database answers, is of this release or a newer one, and knows at least one organisation's login."""
    try:
        async with await psycopg.AsyncConnection.connect(settings.conninfo(ISSUER, 1)) as connection:
            row = await (await connection.execute("select version_num from migrations.versions")).fetchone()
            logins = await (await connection.execute("select exists (select from sec.logins)")).fetchone()
    except psycopg.Error:
        return False
    return row is not None and is_served_by_us(row[0]) and logins is not None and bool(logins[0])
