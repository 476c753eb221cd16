"""How each login connects: its address from the settings, its password from the secret and its generation."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import psycopg

from pat_platform.database.failures import UnknownLogin
from pat_platform.database.logins import ISSUER, SERVICE_LOGINS
from pat_platform.settings import Settings

FIRST_GENERATION = 1
RELOAD_SECONDS = 1.0

Generations = Callable[[], Awaitable[Mapping[str, int]]]
"""Loads the generation of every login's password."""


def stored_generations(settings: Settings) -> Generations:
    """Generations from `sec.logins`, read by the issuer's login."""

    async def load() -> Mapping[str, int]:
        conninfo = settings.conninfo(ISSUER, FIRST_GENERATION)
        async with await psycopg.AsyncConnection.connect(conninfo, autocommit=True) as connection:
            rows = await connection.execute("select login, generation from sec.logins")
            return {login: generation async for login, generation in rows}

    return load


class Credentials:
    """Connection strings of logins. Generations are loaded at the first use and when a password was refused."""

    def __init__(self, settings: Settings, generations: Generations) -> None:
        self._settings = settings
        self._load = generations
        self._known: Mapping[str, int] = {}
        self._loaded_at: float | None = None
        self._lock = asyncio.Lock()

    async def __call__(self, login: str, was_refused: bool) -> str:
        """The connection string of the login; loads again if the last one was refused.

        Raises UnknownLogin if it was refused and no organisation has it.
        """
        if login in SERVICE_LOGINS:
            return self._settings.conninfo(login, FIRST_GENERATION)
        await self._refresh(was_refused)
        if was_refused and login not in self._known:
            raise UnknownLogin(login)
        return self._settings.conninfo(login, self._known.get(login, FIRST_GENERATION))

    async def _refresh(self, was_refused: bool) -> None:
        async with self._lock:
            now = asyncio.get_running_loop().time()
            # Many connections may be refused at once: one look is enough for all.
            is_fresh = self._loaded_at is not None and now - self._loaded_at < RELOAD_SECONDS
            if self._loaded_at is None or (was_refused and not is_fresh):
                self._known = await self._load()
                self._loaded_at = now
