"""What several subscriptions of one session have in common: they see the same, and are mostly woken together."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Hashable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol
from uuid import UUID
from weakref import WeakValueDictionary

from pat_server.requests import Answer
from pat_server.subscriptions.cursors import Position


class Standing(NamedTuple):
    """Where a subscription stands, and when the first of what it sees runs out."""

    position: Position
    due: float | None


@dataclass(frozen=True, eq=False)
class Found:
    """What a look has found: where the next one begins, what has changed, and when the first of that runs out."""

    position: Position
    changed: list[str]
    due: float | None
    _reading: dict[Hashable, asyncio.Task[Answer]] = field(default_factory=dict)

    async def read(self, asked: Hashable, read: Callable[[], Coroutine[Any, Any, Answer]]) -> Answer:
        """The answer to what somebody asks of it: to the same, as it is just being read for another, else by a reading of its own.

        Once it has been read nobody else is told: she may have come later. Raises what the reading raises.
        """
        reading = self._reading.get(asked)
        if reading is None:
            # A task of its own: whoever began it may go, while others wait for it.
            reading = self._reading[asked] = asyncio.create_task(read())
            reading.add_done_callback(lambda _: self._reading.pop(asked))
            reading.add_done_callback(_noted)
        return await asyncio.shield(reading)


Since = tuple[Position | None, bool]
"""From where somebody looks, nowhere for the first time, and whether at what has run out, too."""


class _Begun(NamedTuple):
    since: Since
    at: float
    found: asyncio.Future[Found]

    @property
    def has_failed(self) -> bool:
        return self.found.done() and (self.found.cancelled() or self.found.exception() is not None)


class Stands(Protocol):
    """A subscription."""

    @property
    def standing(self) -> Standing | None:
        """Where it stands while it waits; None once it is woken."""
        ...


class Desk:
    """What the subscriptions of one session to one field have in common. ``waiting`` are those that have nothing to do."""

    def __init__(self) -> None:
        self.waiting: set[Stands] = set()
        self._begun: _Begun | None = None

    @property
    def standing(self) -> Standing | None:
        """Where those stand who have been told everything so far; None where there is nobody."""
        return next((each.standing for each in self.waiting if each.standing is not None), None)

    async def look(
        self, since: Since, woken_at: float, look: Callable[[float], Coroutine[Any, Any, Found]]
    ) -> Found:
        """What has changed: as another has found who looked from there, and began after the waking, else by a look of its own.

        Raises what the look raises.
        """
        begun = self._begun
        if begun is None or begun.since != since or begun.at < woken_at or begun.has_failed:
            now = time.monotonic()
            # A task of its own: whoever began it may go, while others wait for it.
            begun = self._begun = _Begun(since, now, asyncio.create_task(look(now)))
            begun.found.add_done_callback(_noted)
        return await asyncio.shield(begun.found)


def _noted(done: asyncio.Future[Any]) -> None:
    """Those who waited for it may all be gone: then nobody asks why it failed."""
    if not done.cancelled():
        done.exception()


class Looks:
    """The desks of a process, each for as long as somebody stands at it, and the gate before the database.

    Together its looks and events use ``most`` connections, and each login one at a time: to open another costs more than to wait.
    """

    def __init__(self, most: int) -> None:
        self._all = asyncio.Semaphore(most)
        self._logins: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()
        self._desks: WeakValueDictionary[tuple[UUID, str], Desk] = WeakValueDictionary()

    def desk(self, session: UUID, look: str) -> Desk:
        """The desk of a session for a look, given by its SQL."""
        desk = self._desks.get((session, look))
        if desk is None:
            desk = self._desks[session, look] = Desk()
        return desk

    @asynccontextmanager
    async def through(self, login: str) -> AsyncIterator[None]:
        """Wait for a turn at the database."""
        own = self._logins.get(login)
        if own is None:
            own = self._logins[login] = asyncio.Semaphore(1)
        async with own, self._all:
            yield
