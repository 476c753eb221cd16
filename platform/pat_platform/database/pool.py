"""The keyed pool: connections of many logins under one budget.

A connection belongs to one login for life. When the budget is spent, room for another login is made by
closing the connection that has idled longest, or else one that comes back, so that a flood from one
organisation delays another's single request by no more than about one lease.
"""

import asyncio
from collections import Counter, OrderedDict, deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import NamedTuple

import psycopg

from pat_platform.database.failures import ConnectionLost, UnknownLogin, unauthenticated
from pat_platform.database.logins import organisation_key
from pat_platform.database.pipeline import CANCEL_SECONDS, RESET, Answer, Traffic, Wire
from pat_platform.database.statements import Statement
from pat_platform.deadlines import within
from pat_platform.errors import Fault
from pat_platform.logging import get_logger

log = get_logger(__name__)

ConninfoFor = Callable[[str, bool], Awaitable[str]]
"""(login, whether what was given before has been refused) → a libpq connection string."""

ROLLBACK = Statement("rollback", is_lasting=True)
CLEANING_SECONDS = 5.0
CLOSING_SECONDS = 10.0

Place = asyncio.Future[Wire]


def unavailable() -> Fault:
    """The fault for everything that may work again in a moment."""
    return Fault("UNAVAILABLE", "The service is busy or restarting. Try again in a moment.")


@dataclass(slots=True, eq=False)
class _Line:
    """One login: who waits for it, and its connections."""

    login: str
    organisation: str
    places: deque[Place] = field(default_factory=deque)
    idle: deque[Wire] = field(default_factory=deque)
    leased: int = 0
    opening: int = 0
    cleaning: int = 0

    @property
    def held(self) -> int:
        return self.leased + self.opening

    @property
    def unserved(self) -> int:
        """How many wait for whom no connection is being opened, or is about to come back."""
        return max(0, len(self.places) - self.opening - self.cleaning)

    def next_place(self) -> Place | None:
        while self.places:
            place = self.places.popleft()
            if not place.done():
                return place
        return None


class Census(NamedTuple):
    """One login's connections at one moment, and how many wait for one."""

    login: str
    leased: int
    idle: int
    opening: int
    waiting: int


class KeyedPool:
    """At most `budget` connections in all, opened lazily for each login.

    `wait_seconds` bounds the wait for a connection. A connection stays with a login that still has work for
    at least `tenure_seconds`, because opening one costs more than most leases; and one that idles is not taken from
    its login for another that has some before it has idled for `rest_seconds`.
    """

    def __init__(
        self,
        conninfo_for: ConninfoFor,
        *,
        budget: int,
        wait_seconds: float = 10.0,
        tenure_seconds: float = 0.02,
        rest_seconds: float = 0.25,
        statement_limit: int = 200,
    ) -> None:
        self.traffic = Traffic()
        self._conninfo_for = conninfo_for
        self._budget = budget
        self._wait_seconds = wait_seconds
        self._tenure_seconds = tenure_seconds
        self._rest_seconds = rest_seconds
        self._statement_limit = statement_limit
        self._total = 0
        self._retiring = 0
        self._lines: dict[str, _Line] = {}
        # The lines in which somebody waits; the one that was served last stands last.
        self._waiting: OrderedDict[str, _Line] = OrderedDict()
        # All idle connections, the one that has idled longest first.
        self._idle: OrderedDict[Wire, float] = OrderedDict()
        self._making_room_later: asyncio.TimerHandle | None = None
        self._leased: set[Wire] = set()
        # Leased connections whose work is answered and whose reset is under way, with its deadline.
        self._cleaning: dict[Wire, float] = {}
        self._watch: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_closed = False
        self._came_home = asyncio.Event()

    @property
    def size(self) -> int:
        """How many connections exist, those that are being opened or closed included."""
        return self._total

    @property
    def idle(self) -> int:
        """How many connections are clean and wait for work."""
        return len(self._idle)

    @property
    def budget(self) -> int:
        """How many connections may exist."""
        return self._budget

    def census(self) -> list[Census]:
        """Who holds how many connections now. Any thread may ask."""
        return [
            Census(line.login, line.leased, len(line.idle), line.opening, len(line.places))
            for line in list(self._lines.values())
        ]

    async def lease(self, login: str) -> Wire:
        """A clean connection of the login; give it back with `release`, `abort` or `retire`.

        Raises Fault UNAVAILABLE if none comes free in time or the login cannot connect, UNAUTHENTICATED
        if no organisation has the login.
        """
        if self._is_closed:
            raise unavailable()
        line = self._line(login)
        wire = self._take_idle(line)
        if wire is None:
            wire = await self._wait(line)
        return wire

    def release(self, wire: Wire, answer: Answer, cleaned: Answer) -> None:
        """Give the connection back once `cleaned`, the answer of the RESET batch behind `answer`, has come."""
        answer.add_done_callback(lambda done: self._answered(wire, done))
        cleaned.add_done_callback(lambda done: self._came_back(wire, done))

    def abort(self, wire: Wire) -> None:
        """Roll back whatever is open and give the connection back, in the background."""
        try:
            rolled_back, cleaned = wire.send((ROLLBACK,), RESET)
        except ConnectionLost:
            self.retire(wire)
            return
        wire.lose_after(CANCEL_SECONDS)
        self.release(wire, rolled_back, cleaned)

    def retire(self, wire: Wire) -> None:
        """Close the connection instead of giving it back."""
        self._no_longer_cleaning(wire)
        if wire in self._leased:
            self._leased.remove(wire)
            self._lines[wire.login].leased -= 1
            self._note_home()
        elif wire in self._idle:
            del self._idle[wire]
            self._lines[wire.login].idle.remove(wire)
        else:
            return
        self._retiring += 1
        self._run(self._close(wire))

    async def close(self) -> None:
        """Close all connections; those in use get a few seconds to come back."""
        self._is_closed = True
        self._note_home()
        for line in self._lines.values():
            self._refuse(line)
        for wire in list(self._idle):
            self.retire(wire)
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSING_SECONDS):
                await self._came_home.wait()
        for wire in list(self._leased):
            self.retire(wire)
        for timer in (self._watch, self._making_room_later):
            if timer is not None:
                timer.cancel()
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    # Waiting.

    def _line(self, login: str) -> _Line:
        line = self._lines.get(login)
        if line is None:
            line = self._lines[login] = _Line(login, organisation_key(login))
        return line

    def _take_idle(self, line: _Line) -> Wire | None:
        while line.idle:
            wire = line.idle[-1]
            if not wire.is_alive():
                continue  # losing it has taken it out of the line
            line.idle.pop()
            del self._idle[wire]
            self._hand_out(wire, line)
            return wire
        return None

    async def _wait(self, line: _Line) -> Wire:
        place: Place = asyncio.get_running_loop().create_future()
        line.places.append(place)
        self._waiting.setdefault(line.login, line)
        self._make_room()
        try:
            with within(self._wait_seconds):
                return await place
        except BaseException as error:
            self._leave(line, place)
            if isinstance(error, TimeoutError):
                log.warning("database.no_connection_in_time", login=line.login)
                raise unavailable() from None
            raise

    def _leave(self, line: _Line, place: Place) -> None:
        """Step out of the line; a connection that has just been handed to us goes on to the next."""
        if place in line.places:
            line.places.remove(place)
        if not line.places:
            self._waiting.pop(line.login, None)
        if place.done() and not place.cancelled() and place.exception() is None:
            self._take_in(place.result())

    def _refuse(self, line: _Line, why: Callable[[], Fault] = unavailable) -> None:
        """Nobody in this line can be served."""
        while place := line.next_place():
            place.set_exception(why())
        self._waiting.pop(line.login, None)

    # Handing out.

    def _hand_out(self, wire: Wire, line: _Line) -> None:
        self._leased.add(wire)
        line.leased += 1

    def _answered(self, wire: Wire, answer: Answer) -> None:
        # The reset takes less time than opening another connection would: whoever comes now waits for it.
        is_answered = not answer.cancelled() and not isinstance(answer.exception(), ConnectionLost)
        if is_answered and wire in self._leased and wire not in self._cleaning:
            loop = asyncio.get_running_loop()
            self._cleaning[wire] = loop.time() + CLEANING_SECONDS
            self._lines[wire.login].cleaning += 1
            if self._watch is None:
                self._watch = loop.call_later(CLEANING_SECONDS, self._lose_stuck)

    def _no_longer_cleaning(self, wire: Wire) -> None:
        if wire in self._cleaning:
            del self._cleaning[wire]
            self._lines[wire.login].cleaning -= 1

    def _lose_stuck(self) -> None:
        """Give up connections whose reset gets no answer: a network may swallow what it carries."""
        loop = asyncio.get_running_loop()
        for wire, deadline in list(self._cleaning.items()):
            if deadline <= loop.time():
                wire.lose()
        is_needed = bool(self._cleaning) and not self._is_closed
        self._watch = loop.call_later(CLEANING_SECONDS, self._lose_stuck) if is_needed else None

    def _came_back(self, wire: Wire, cleaned: Answer) -> None:
        self._no_longer_cleaning(wire)
        if wire.cancelling is not None:
            wire.cancelling.add_done_callback(lambda _: self._came_back(wire, cleaned))
            return
        is_reset = not cleaned.cancelled() and cleaned.exception() is None
        if wire not in self._leased:
            return
        if is_reset and wire.is_alive() and wire.is_clean:
            self._take_in(wire)
        else:
            self.retire(wire)

    def _take_in(self, wire: Wire) -> None:
        """A leased connection is free: keep it, hand it on, or close it for somebody needier."""
        line = self._lines[wire.login]
        if self._is_closed or wire.is_lost or self._should_yield(wire, line):
            self.retire(wire)
            return
        self._leased.remove(wire)
        line.leased -= 1
        place = line.next_place()
        if not line.places:
            self._waiting.pop(line.login, None)
        if place is None:
            line.idle.append(wire)
            self._idle[wire] = asyncio.get_running_loop().time()
            return
        if line.places:
            self._waiting.move_to_end(line.login)
        self._hand_out(wire, line)
        place.set_result(wire)

    def _should_yield(self, wire: Wire, line: _Line) -> bool:
        """Whether another login needs the room of this connection more than its own login does."""
        rival = self._neediest()
        if rival is None or rival is line:
            return False
        if rival.held == 0:
            has_worked = asyncio.get_running_loop().time() - wire.opened_at >= self._tenure_seconds
            return has_worked or not line.places
        # It has connections that come back sooner than another could be opened: what counts is its fair share.
        if rival.organisation == line.organisation:
            return rival.held + 1 < line.held
        held = self._held_by_organisation()
        return held[rival.organisation] + 1 < held[line.organisation]

    def _neediest(self, besides: _Line | None = None) -> _Line | None:
        """The waiting login with the fewest connections, unless room is being made for all who wait."""
        unserved = [line for line in self._waiting.values() if line.unserved and line is not besides]
        if sum(line.unserved for line in unserved) <= self._retiring:
            return None
        held = self._held_by_organisation() if len(unserved) > 1 else Counter[str]()
        return min(unserved, key=lambda line: (line.held, held[line.organisation]))

    def _held_by_organisation(self) -> Counter[str]:
        held: Counter[str] = Counter()
        for line in self._lines.values():
            held[line.organisation] += line.held
        return held

    # Opening and closing.

    def _make_room(self, besides: _Line | None = None) -> None:
        """Open connections for those who wait, as long as the budget or an idle connection allows it."""
        while not self._is_closed and (line := self._neediest(besides)) is not None:
            if self._total < self._budget:
                self._total += 1
                line.opening += 1
                self._run(self._open(line))
            elif not self._idle:
                return
            else:
                wire, since = next(iter(self._idle.items()))
                rest = since + self._rest_seconds - asyncio.get_running_loop().time()
                if line.held and rest > 0:
                    self._make_room_after(rest)
                    return
                self.retire(wire)

    def _make_room_after(self, seconds: float) -> None:
        """Look again when a connection has idled for so long that its login does not seem to need it."""
        if self._making_room_later is None:
            loop = asyncio.get_running_loop()
            self._making_room_later = loop.call_later(seconds, self._make_room_now)

    def _make_room_now(self) -> None:
        self._making_room_later = None
        self._make_room()

    async def _open(self, line: _Line) -> None:
        try:
            wire = await self._connect(line.login)
        except Exception as error:  # whatever it is, those who wait must be told and the budget restored
            log.warning("database.login_failed", login=line.login, error=type(error).__name__)
            line.opening -= 1
            self._total -= 1
            # Others of this login are served by its connections as they come back.
            if not line.held:
                self._refuse(line, unauthenticated if isinstance(error, UnknownLogin) else unavailable)
        else:
            line.opening -= 1
            self._hand_out(wire, line)
            self._take_in(wire)
            self._make_room()
            return
        self._make_room(besides=line)

    async def _connect(self, login: str) -> Wire:
        conninfo = await self._conninfo_for(login, False)
        try:
            connection = await self._dial(conninfo)
        except psycopg.OperationalError:
            fresh = await self._conninfo_for(login, True)
            if fresh == conninfo:
                raise
            connection = await self._dial(fresh)
        self.traffic.connections += 1
        return Wire(
            connection,
            login,
            traffic=self.traffic,
            statement_limit=self._statement_limit,
            on_lost=self._lost,
        )

    async def _dial(self, conninfo: str) -> psycopg.AsyncConnection:
        # Autocommit: transactions are opened and ended by us, together with what belongs to them.
        return await psycopg.AsyncConnection.connect(conninfo, autocommit=True)

    async def _close(self, wire: Wire) -> None:
        try:
            await wire.close()
        finally:
            self._retiring -= 1
            self._total -= 1
            self._make_room()

    def _note_home(self) -> None:
        if self._is_closed and not self._leased:
            self._came_home.set()

    def _lost(self, wire: Wire) -> None:
        if wire in self._idle:
            self.retire(wire)

    def _run(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
