"""Who is connected for longer than a request: sockets and streams, whose they are, and who is woken by what."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Collection, Iterable
from typing import NamedTuple, Protocol
from uuid import UUID

from pat_platform.errors import Fault
from pat_server.callers import Caller
from pat_server.metrics import Measures
from pat_server.stopping import SERVICE_RESTART

OF_SESSION = 5
OF_PERSON = 20
"""How many may be open at a time."""

STRANGERS = 8
"""Of this many lines one more may be a stranger's: who shows no token takes no place from those who did."""


class Ending(NamedTuple):
    """Why a line ends: the code that closes a WebSocket, what its client is told, and the word for metrics."""

    code: int
    reason: str
    why: str


EXPIRED = Ending(4401, "The access token has expired.", "expired")
OVER = Ending(4401, "The session is over.", "session_over")
STOPPING = Ending(SERVICE_RESTART, "The server restarts.", "stopping")
SLOW = Ending(1013, "What was sent was not read.", "slow")
GONE = Ending(1000, "", "gone")


class Waits(Protocol):
    """A subscription."""

    def wake(self) -> None:
        """Something may have changed."""
        ...


class Line:
    """One socket or stream. ``end`` is called at most once."""

    __slots__ = ("_end", "caller", "transport")

    def __init__(self, transport: str, end: Callable[[Ending], None]) -> None:
        self.transport = transport
        self.caller: Caller | None = None
        self._end: Callable[[Ending], None] | None = end

    def end(self, ending: Ending) -> None:
        """End it, if it has not been."""
        end, self._end = self._end, None
        if end is not None:
            end(ending)


class Lines:
    """All lines of this process: at most ``limit`` of callers, and an eighth as many of whoever has shown no token yet."""

    def __init__(self, limit: int, measures: Measures) -> None:
        self._limit = limit
        self._measures = measures
        self._strangers_limit = max(1, limit // STRANGERS)
        self._open: set[Line] = set()
        self._strangers: set[Line] = set()
        self._sessions: Counter[UUID] = Counter()
        self._people: Counter[UUID] = Counter()
        self._waiting: dict[UUID, set[Waits]] = {}
        self.wanted = asyncio.Event()
        """Set once somebody waits."""

    def open(self, line: Line, caller: Caller | None = None) -> None:
        """Count a line that has come, of a stranger unless the caller is known. Raises Fault UNAVAILABLE if there are too many, and as
        `admit` does.
        """
        self._require_place()
        if caller is not None:
            self._note(line, caller)
        elif len(self._strangers) >= self._strangers_limit:
            raise _full()
        else:
            self._strangers.add(line)
        self._open.add(line)
        self._measures.lines[line.transport] += 1

    def admit(self, line: Line, caller: Caller) -> None:
        """Note whose a line is. Raises Fault THROTTLED for who has too many already, UNAVAILABLE if there are too many of others."""
        self._require_place()
        self._note(line, caller)
        self._strangers.remove(line)

    def _require_place(self) -> None:
        if len(self._open) - len(self._strangers) >= self._limit:
            raise _full()

    def _note(self, line: Line, caller: Caller) -> None:
        principal = caller.principal
        if self._sessions[principal.session] >= OF_SESSION or self._people[principal.person] >= OF_PERSON:
            raise Fault("THROTTLED", "You have too many connections open. Close one first.")
        line.caller = caller
        self._sessions[principal.session] += 1
        self._people[principal.person] += 1

    def close(self, line: Line, why: str) -> None:
        """Forget a line that has ended."""
        self._open.remove(line)
        self._strangers.discard(line)
        self._measures.lines[line.transport] -= 1
        self._measures.lines_ended[line.transport, why] += 1
        if line.caller is not None:
            principal = line.caller.principal
            for counter, key in ((self._sessions, principal.session), (self._people, principal.person)):
                counter[key] -= 1
                if not counter[key]:
                    del counter[key]

    def sessions(self) -> list[UUID]:
        """Those in which somebody is connected."""
        return list(self._sessions)

    def end_sessions(self, over: Collection[UUID]) -> None:
        """End every line of these sessions."""
        for line in list(self._open):
            if line.caller is not None and line.caller.principal.session in over:
                line.end(OVER)

    def end_all(self) -> None:
        """End every line: the process does."""
        for line in list(self._open):
            line.end(STOPPING)

    def wait(self, organisation: UUID, watch: Waits) -> None:
        """Wake this subscription from now on when something of the organisation has changed."""
        self._waiting.setdefault(organisation, set()).add(watch)
        self._measures.subscriptions += 1
        self.wanted.set()

    def leave(self, organisation: UUID, watch: Waits) -> None:
        """No longer."""
        waiting = self._waiting[organisation]
        waiting.remove(watch)
        if not waiting:
            del self._waiting[organisation]
        self._measures.subscriptions -= 1

    def wake(self, organisations: Iterable[UUID]) -> None:
        """Wake the subscriptions of these organisations."""
        for organisation in organisations:
            for watch in self._waiting.get(organisation, ()):
                watch.wake()

    def wake_all(self) -> None:
        """Wake every subscription: nobody knows what was missed."""
        self.wake(self._waiting)


def _full() -> Fault:
    return Fault("UNAVAILABLE", "Too many are connected. Try again in a moment.")
