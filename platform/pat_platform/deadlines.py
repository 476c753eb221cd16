"""Deadlines for what happens in every request: as `asyncio.timeout`, for a tenth of its price.

A timer of its own for each wait costs more than most of what is waited for. Here all deadlines of an event loop are looked at
together, ten times a second, and so may be late by a tenth of one.
"""

import asyncio
from types import TracebackType
from typing import Self
from weakref import WeakKeyDictionary

EVERY_SECONDS = 0.1


class within:
    """``with within(seconds):`` cancels what the current task awaits in the block when the time is over.

    Raises TimeoutError then. A cancellation from elsewhere stays one.
    """

    __slots__ = ("_cancelling", "_seconds", "_task", "_watch", "deadline", "has_expired")

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self.has_expired = False

    def __enter__(self) -> Self:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a deadline needs a task that it can cancel")
        self._task: asyncio.Task[object] = task
        self._cancelling = task.cancelling()
        self._watch = _watch()
        self._watch.add(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self._watch.open.pop(self, None)
        if not self.has_expired:
            return
        if self._task.uncancel() <= self._cancelling and kind is asyncio.CancelledError:
            raise TimeoutError from error

    def start(self, now: float) -> None:
        """Know when the time is over."""
        self.deadline = now + self._seconds

    def expire(self) -> None:
        """The time is over."""
        self.has_expired = True
        self._task.cancel()


class _Watch:
    """All deadlines of one event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.open: dict[within, None] = {}
        self._loop = loop
        self._is_looking = False

    def add(self, deadline: within) -> None:
        deadline.start(self._loop.time())
        self.open[deadline] = None
        if not self._is_looking:
            self._is_looking = True
            self._loop.call_later(EVERY_SECONDS, self._look)

    def _look(self) -> None:
        now = self._loop.time()
        for deadline in [each for each in self.open if each.deadline <= now]:
            del self.open[deadline]
            deadline.expire()
        self._is_looking = bool(self.open)
        if self._is_looking:
            self._loop.call_later(EVERY_SECONDS, self._look)


_watches: WeakKeyDictionary[asyncio.AbstractEventLoop, _Watch] = WeakKeyDictionary()


def _watch() -> _Watch:
    loop = asyncio.get_running_loop()
    found = _watches.get(loop)
    if found is None:
        found = _watches[loop] = _Watch(loop)
    return found
