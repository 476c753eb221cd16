"""What sockets and streams of a process have in common."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from pat_auth.tokens import FollowingVerifier
from pat_platform.encryption.derived import derived
from pat_server.assembly import Parts
from pat_server.callers import Caller
from pat_server.executing import Executor
from pat_server.observing import Observer
from pat_server.sign_in.origins import Origins
from pat_server.subscriptions.bell import Bell
from pat_server.subscriptions.cursors import Cursors
from pat_server.subscriptions.ending import Endable
from pat_server.subscriptions.lines import EXPIRED, GONE, Line, Lines
from pat_server.subscriptions.looks import Looks
from pat_server.subscriptions.watching import Watching

SEND_SECONDS = 10.0
"""How long something that is sent may wait to be read: whoever is slower is dropped, and resumes with a cursor."""


class Hub:
    """Made once, with the process."""

    def __init__(self, parts: Parts, executor: Executor, observer: Observer, origins: Origins) -> None:
        settings = parts.settings
        self.lines = Lines(settings.sockets, parts.measures)
        self.bell = Bell(settings, self.lines)
        self.verifier: FollowingVerifier = parts.verifier
        self.executor = executor
        self._origins = origins
        self._issuer = settings.issuer
        self.watching = Watching(
            parts,
            executor,
            observer,
            self.lines,
            Cursors(derived(settings.secret, b"pat positions")),
            Looks(max(1, settings.pool_size // 2)),
        )

    async def admits(self, origin: str) -> bool:
        """Whether a page of this origin may connect: ours, and those of registered clients."""
        return origin == self._issuer or await self._origins.include(origin)

    def caller(self, token: str) -> tuple[float, Caller]:
        """In how many seconds a token expires, and who shows it. Raises Fault UNAUTHENTICATED."""
        expires_at, principal = self.verifier.verify_until(token)
        return expires_at - time.time(), self.executor.caller(principal)

    @contextmanager
    def line(self, transport: str, task: Endable, caller: Caller | None = None) -> Iterator[Line]:
        """A line as long as the block lasts. Raises Fault as `Lines.open` does."""
        line = Line(transport, task.end)
        self.lines.open(line, caller)
        try:
            yield line
        finally:
            self.lines.close(line, (task.ending or GONE).why)


def expire(task: Endable, seconds: float) -> Callable[[], None]:
    """End a task when its token does; what is returned takes that back."""
    return asyncio.get_running_loop().call_later(seconds, task.end, EXPIRED).cancel
