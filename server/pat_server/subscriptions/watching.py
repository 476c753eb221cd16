"""One subscription: it waits, looks what has changed, and has each event executed as a read of its caller's.

Whoever waits holds no connection. Each look and each event is a transaction of its own under the caller's session, which the
database checks again: rights that are gone are gone for the next event.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Hashable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import orjson
from graphql import GraphQLError

from pat_platform.engine.declare import Event
from pat_platform.engine.document import Operation
from pat_platform.errors import Fault
from pat_platform.observation import Observation, begin
from pat_server.assembly import Parts
from pat_server.callers import Caller
from pat_server.executing import Executor
from pat_server.observing import Observer, new_id
from pat_server.requests import Answer, GraphQLRequest, faulty
from pat_server.subscriptions.cursors import Cursors, Position, unknown
from pat_server.subscriptions.lines import Lines
from pat_server.subscriptions.looks import Desk, Found, Looks, Standing

PASSING = frozenset({"UNAVAILABLE", "TIMEOUT"})
"""Codes of what may work again in a moment."""
RETRY_SECONDS = 1.0
LONGEST_WAIT = 3_600.0
NOTHING: Mapping[str, bytes] = {}


@dataclass(frozen=True)
class Watching:
    """What all subscriptions of a process share. ``looks`` keeps some of its connections for requests."""

    parts: Parts
    executor: Executor
    observer: Observer
    lines: Lines
    cursors: Cursors
    looks: Looks


class _NotNow(Exception):
    """The database is busy or restarting."""


class Watch:
    """One subscription of one caller."""

    def __init__(self, watching: Watching, caller: Caller, request: GraphQLRequest) -> None:
        self._watching = watching
        self._caller = caller
        self._request = request
        self._woken = asyncio.Event()
        self._event: Event
        self._field = ""
        self._asked: tuple[Hashable, ...] = ()
        self._position: Position | None = None
        self._told = b""
        self._due: float | None = 0.0
        self._woken_at = 0.0

    def wake(self) -> None:
        """Something may have changed: it is looked at once, however often this is called before."""
        self._woken_at = time.monotonic()
        self._woken.set()

    @property
    def standing(self) -> Standing | None:
        """Where it stands while it waits; None once it is woken."""
        if self._position is None or self._woken.is_set():
            return None
        return Standing(self._position, self._due)

    async def open(self) -> Answer | None:
        """Check all that can be checked before anything happens; the answer is why not, if there is something."""
        answer = await self._execute(self._request._replace(row=NOTHING, opens=True))
        if answer.code is not None:
            return answer
        try:
            self._begin(self._operation())
        except Fault as fault:
            if fault.code == "BAD_CURSOR":
                await self._watching.executor.record(self._caller, fault.code, f"Subscription.{self._field}")
            return faulty(fault)
        except GraphQLError as error:
            return faulty(Fault("BAD_INPUT", error.message))
        return None

    async def events(self) -> AsyncGenerator[Answer, None]:
        """Each event, until what reads them stops. One with a code is the last: the error that ends the subscription.

        It has been opened. Raises Fault UNAUTHENTICATED once the session is over.
        """
        principal, lines = self._caller.principal, self._watching.lines
        organisation = principal.organisation
        lines.wait(organisation, self)
        desk = self._watching.looks.desk(principal.session, self._event.look)
        found = self._joined(desk)
        try:
            while True:
                try:
                    if found is None:
                        self._woken.clear()
                        found = await self._find(desk)
                    async for answer in self._news(found):
                        yield answer
                        if answer.code:
                            return
                    self._position, found = found.position, None
                except _NotNow:
                    found = None
                    await asyncio.sleep(RETRY_SECONDS)
                    # It begins where it began before: what has run out since is looked for, too.
                    self._due = time.monotonic()
                    continue
                except Fault as fault:
                    if fault.code == "UNAUTHENTICATED":
                        raise
                    yield faulty(fault)
                    return
                await self._wait(desk)
        finally:
            lines.leave(organisation, self)

    def _operation(self) -> Operation:
        # It has been executed: so it fits, and is known.
        return self._watching.parts.engine.operation(self._request.query, self._request.operation_name)

    def _begin(self, operation: Operation) -> None:
        """Raises Fault BAD_INPUT or BAD_CURSOR."""
        engine = self._watching.parts.engine
        found = engine.event(operation, self._request.variables, self._caller.viewer)
        if found is None:
            raise Fault("BAD_INPUT", "A subscription without its field waits for nothing.")
        self._event, self._field, arguments = found
        request = self._request
        variables = orjson.dumps(request.variables, option=orjson.OPT_SORT_KEYS)
        self._asked = (self._caller, request.query, request.operation_name, variables)
        after = arguments.get("after")
        if after is not None:
            self._position = self._watching.cursors.open(after, self._caller.principal, self._field)

    async def _wait(self, desk: Desk) -> None:
        """Wait to be woken, or until something runs out. A moment more, so that it has."""
        timer = None
        desk.waiting.add(self)
        if self._due is not None:
            seconds = min(self._due - time.monotonic(), LONGEST_WAIT)
            timer = asyncio.get_running_loop().call_later(seconds + 0.01, self._woken.set)
        try:
            await self._woken.wait()
        finally:
            desk.waiting.remove(self)
            if timer is not None:
                timer.cancel()

    def _joined(self, desk: Desk) -> Found | None:
        """Where others of the session stand: whoever begins there is told all that they are told from now on. None where nobody does.

        Whoever resumes looks for herself.
        """
        if self._position is not None:
            self._woken_at = time.monotonic()
            return None
        standing = desk.standing
        if standing is None:
            return None
        self._due = standing.due
        return Found(standing.position, [], standing.due)

    async def _find(self, desk: Desk) -> Found:
        """What has changed since the last look. Raises _NotNow, and Fault UNAUTHENTICATED or BAD_CURSOR."""
        # Taken before PostgreSQL's: a look that is not due must not come after something has run out.
        is_due = self._due is not None and time.monotonic() >= self._due
        look = partial(self._look, self._position, is_due)
        found = await desk.look((self._position, is_due), self._woken_at, look)
        due = found.due
        if not is_due and self._due is not None:
            due = self._due if due is None else min(due, self._due)
        self._due = due
        return found

    async def _look(self, begin_at: Position | None, is_due: bool, now: float) -> Found:
        principal = self._caller.principal
        since = (None, None) if begin_at is None else (begin_at.snapshot.encode(), begin_at.moment.encode())
        try:
            async with self._watching.looks.through(self._caller.login):
                row = await self._watching.parts.database.read(
                    self._caller.login,
                    principal.session,
                    self._event.look,
                    (*since, b"true" if is_due else b"false"),
                    read_only=True,
                )
        except Fault as fault:
            if fault.code in PASSING:
                raise _NotNow from None
            raise
        told: dict[str, Any] = orjson.loads(row[0] or b"")
        if told["is_foreign"]:
            # The database was restored: what it counted before says nothing now.
            raise unknown()
        seconds: float | None = told["seconds"]
        due = None if seconds is None else now + seconds
        return Found(Position(told["snapshot"], told["moment"]), told["changed"], due)

    async def _news(self, found: Found) -> AsyncGenerator[Answer, None]:
        """The events of a look. Raises _NotNow, and Fault UNAUTHENTICATED."""
        if self._event.is_state:
            if found.changed or not self._told:
                answer = await found.read(self._asked, partial(self._tell, NOTHING))
                data = answer.body.rpartition(b',"extensions":')[0]
                if answer.code is not None or data != self._told:
                    self._told = data
                    yield answer
            return
        for number, changed in enumerate(found.changed, 1):
            # Who resumes in the middle is told some of them again, and misses none.
            reached = found.position if number == len(found.changed) else self._position
            assert reached is not None, "nothing has changed for whoever looks for the first time"
            yield await found.read((*self._asked, changed), partial(self._tell_of, changed, reached))

    async def _tell_of(self, changed: str, reached: Position) -> Answer:
        cursor = self._watching.cursors.seal(reached, self._caller.principal, self._field)
        return await self._tell({"id": changed.encode(), "cursor": cursor.encode()})

    async def _tell(self, row: Mapping[str, bytes]) -> Answer:
        async with self._watching.looks.through(self._caller.login):
            answer = await self._execute(self._request._replace(row=row))
        if answer.code in PASSING:
            raise _NotNow
        if answer.code == "UNAUTHENTICATED":
            raise Fault("UNAUTHENTICATED", "The session is over.")
        return answer

    async def _execute(self, request: GraphQLRequest) -> Answer:
        """Execute it like any other request, and note it."""
        observation = Observation(new_id(), asker=self._caller.asker)
        begin(observation)
        answer = await self._watching.executor.execute(request, self._caller)
        if observation.kind == "query":
            observation.kind = "event"
        observation.failed(answer.code or "")
        self._watching.observer.answered(observation, 200)
        return answer
