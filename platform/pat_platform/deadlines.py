"""Deadlines for what happens in every request: as `asyncio.timeout`, for a tenth of its price.

A timer of its own for each wait costs more than most of what is waited for. Here all deadlines of an event loop are looked at
together, ten times a second, and so may be late by a tenth of one.
"""

import asyncio
from time import monotonic
from types import TracebackType
from typing import ClassVar, Self

EVERY_SECONDS = 0.1


class within:
    """``with within(seconds):`` cancels what the current task awaits in the block when the time is over.

    Raises TimeoutError then. A cancellation from elsewhere stays one.
    """

    __slots__ = ("_cancelling", "_task", "_watch", "deadline", "has_expired", "seconds")

    deadline: float
    """When the time is over, on the monotonic clock."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.has_expired = False

    def __enter__(self) -> Self:
        loop = asyncio.get_running_loop()
        task = asyncio.current_task(loop)
        if task is None:
            raise RuntimeError("a deadline needs a task that it can cancel")
        self._task: asyncio.Task[object] = task
        self._cancelling = task.cancelling()
        watch = _Watch.last
        if watch.loop is not loop:
            watch = _Watch.last = _Watch(loop)
        self._watch = watch
        watch.add(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self._watch.open.pop(self, None)
        if not self.has_expired:
            return
        if self._task.uncancel() <= self._cancelling and kind is asyncio.CancelledError:
            raise TimeoutError from error

    def expire(self) -> None:
        """The time is over."""
        self.has_expired = True
        self._task.cancel()


class _Watch:
    """All deadlines of one event loop."""

    last: ClassVar["_Watch"]
    """The one made last, for all that run in its loop: a process has one loop. Another loop gets another, and each looks at its own."""

    def __init__(self, loop: asyncio.AbstractEventLoop | None) -> None:
        self.open: dict[within, None] = {}
        self.loop = loop
        self._is_looking = False

    def add(self, deadline: within) -> None:
        deadline.deadline = monotonic() + deadline.seconds
        self.open[deadline] = None
        if not self._is_looking:
            self._look_later()

    def _look_later(self) -> None:
        self._is_looking = True
        if self.loop is not None:
            self.loop.call_later(EVERY_SECONDS, self._look)

    def _look(self) -> None:
        now = monotonic()
        for deadline in [each for each in self.open if each.deadline <= now]:
            del self.open[deadline]
            deadline.expire()
        self._is_looking = False
        if self.open:
            self._look_later()


_Watch.last = _Watch(None)
