"""What one transaction says on its connection: statements wait until an answer is needed, and then go together."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from psycopg.pq.abc import PGresult

from pat_platform.database.failures import (
    ConnectionLost,
    DatabaseError,
    PresumedInVain,
    unauthenticated,
)
from pat_platform.database.pipeline import RESET, Answer, Wire, row_of
from pat_platform.database.pool import KeyedPool, unavailable
from pat_platform.database.statements import Statement
from pat_platform.deadlines import within

BEGIN = Statement("begin", is_lasting=True)
COMMIT = Statement("commit", is_lasting=True)

ENTER = "select sec.enter($1)"
ENTER_AS = "select 1 / (sec.enter($1) is not distinct from $2)::int"
"""Divides by zero, which undoes the transaction, where the session is not this person's."""

NOT_A_SESSION = frozenset({"28000", "22P02"})
NOT_HERS = NOT_A_SESSION | {"22012"}


@dataclass(slots=True, eq=False)
class Later:
    """The result of a statement that is sent with others: there once they are answered."""

    statement: Statement
    confirms: bool = False
    """Whether it fails where something that was presumed is not so."""
    result: PGresult | None = None

    def row(self) -> list[bytes | None]:
        """The columns of its first row, in text format; an empty list if there is none."""
        if self.result is None:
            raise ValueError("this was not answered yet")
        return row_of(self.result)


class Dialogue:
    """One transaction on one leased connection.

    Its opening travels with the first statements, its COMMIT and the reset of the connection with the last ones:
    a verb that reads once and writes once costs two round trips, whatever it writes, and one that only writes costs one.
    With `expected`, who must be found to act is known beforehand.
    """

    def __init__(
        self, pool: KeyedPool, login: str, session: UUID, expected: UUID | None, patience: float
    ) -> None:
        self.login = login
        self._pool = pool
        self._session = session.hex.encode()
        self._expected = expected
        self._patience = patience
        self._wire: Wire | None = None
        self._queue: list[Later] = []
        self._has_begun = False
        self._is_open = False
        self._is_over = False

    async def lease(self) -> Wire:
        """Take a connection, unless there is one. Raises Fault UNAVAILABLE or UNAUTHENTICATED."""
        if self._wire is None:
            self._wire = await self._pool.lease(self.login)
        return self._wire

    async def open(self) -> UUID:
        """Begin now; return whom the database finds to be acting. Raises Fault UNAUTHENTICATED."""
        return await self._open([])

    def put(self, statement: Statement, *, confirms: bool = False) -> Later:
        """Have a statement sent before the next answer that is needed, at the latest with the COMMIT.

        One that `confirms` what was presumed makes whoever sends it raise PresumedInVain where it fails.
        Raises DatabaseError once the transaction is over: its connection may be somebody else's by then.
        """
        self._demand_unended()
        later = Later(statement, confirms)
        self._queue.append(later)
        return later

    async def ask(self, statement: Statement) -> PGresult:
        """Send what waits and this statement; return its result. Raises DatabaseError and ConnectionLost."""
        later = self.put(statement)
        await self.send()
        assert later.result is not None
        return later.result

    async def send(self) -> None:
        """Send what waits, and wait until it is done. Raises DatabaseError, PresumedInVain and ConnectionLost."""
        self._demand_unended()
        queue, self._queue = self._queue, []
        if not self._is_open:
            await self._open(queue)
        elif queue:
            wire = await self.lease()
            (answer,) = wire.send([later.statement for later in queue])
            try:
                _deliver(queue, await self._answered(answer))
            except DatabaseError as error:
                raise _meant(error, queue) from None

    async def confirm(self) -> None:
        """Send what confirms presumptions and has not been sent, and nothing else of what waits. Raises what `send` raises."""
        self._queue = [later for later in self._queue if later.confirms]
        if self._queue:
            await self.send()

    async def commit(self) -> None:
        """Send what waits, the COMMIT and the reset of the connection.

        Raises DatabaseError or PresumedInVain where something was refused, then or earlier: nothing is committed then.
        """
        if self._is_open:
            await self._commit_begun()
        else:
            await self._say_at_once()

    async def _commit_begun(self) -> None:
        wire = await self.lease()
        if not wire.is_in_transaction:
            raise DatabaseError("25P01", "the transaction has ended before its commit")
        queue, self._queue = self._queue, []
        last = [[later.statement for later in queue]] if queue else []
        *written, committed, cleaned = wire.send(*last, (COMMIT,), RESET)
        self._is_over = True
        self._pool.release(wire, committed, cleaned)
        (result,) = await self._answered(committed)
        try:
            for answer in written:
                _deliver(queue, answer.result())
        except DatabaseError as error:
            raise _meant(error, queue) from None
        if result.command_status != b"COMMIT":
            raise DatabaseError("25P02", "an earlier statement had failed, so nothing was committed")

    async def _say_at_once(self) -> None:
        """Say all of it in one batch, which PostgreSQL takes for one transaction and commits at its end."""
        self._note_begin()
        assert self._expected is not None
        enter = Statement(ENTER_AS, (self._session, self._expected.hex.encode()), is_lasting=True)
        queue, self._queue = self._queue, []
        statements = (enter, *[later.statement for later in queue])
        wire = await self.lease()
        try:
            answer, cleaned = wire.send(statements, RESET)
        except ConnectionLost as lost:
            # What may have been committed must not be done twice.
            if lost.was_sent:
                raise
            self._give_up()
            wire = await self.lease()
            answer, cleaned = wire.send(statements, RESET)
        self._is_over = True
        self._pool.release(wire, answer, cleaned)
        try:
            _deliver(queue, (await self._answered(answer))[1:])
        except DatabaseError as error:
            raise _meant(error, queue, 1, NOT_HERS) from None

    def end(self) -> None:
        """Give the connection back; roll back whatever is open on it."""
        if self._is_over:
            return
        self._is_over = True
        if self._wire is not None:
            self._pool.abort(self._wire)

    def _demand_unended(self) -> None:
        if self._is_over:
            raise DatabaseError("25P01", "the transaction is over")

    async def _open(self, queue: Sequence[Later]) -> UUID:
        """Begin and enter the session, together with the first statements.

        Tried twice: what a lost connection took with it was not committed. But once it has failed it is never begun anew, without
        the statements that were to go with it.
        """
        self._note_begin()
        enter = Statement(ENTER, (self._session,), is_lasting=True)
        statements = (BEGIN, enter, *[later.statement for later in queue])
        try:
            try:
                results = await self._first(statements)
            except ConnectionLost:
                self._give_up()
                results = await self._first(statements)
        except DatabaseError as error:
            raise _meant(error, queue, 2, NOT_A_SESSION) from None
        found = row_of(results[1])
        if not found or found[0] is None:
            raise unauthenticated()
        actor = UUID(found[0].decode())
        if self._expected not in (None, actor):
            raise unauthenticated()
        self._is_open = True
        _deliver(queue, results[2:])
        return actor

    async def _first(self, statements: Sequence[Statement]) -> list[PGresult]:
        wire = await self.lease()
        (answer,) = wire.send(statements)
        return await self._answered(answer)

    def _note_begin(self) -> None:
        if self._has_begun:
            raise DatabaseError("25P01", "the transaction could not be opened before")
        self._has_begun = True

    def _give_up(self) -> None:
        if self._wire is not None:
            self._pool.abort(self._wire)
            self._wire = None

    async def _answered(self, answer: Answer) -> list[PGresult]:
        wire = await self.lease()
        try:
            with within(self._patience):
                return await wire.answered(answer)
        except TimeoutError:
            raise unavailable() from None


def _deliver(queue: Sequence[Later], results: Sequence[PGresult]) -> None:
    for later, result in zip(queue, results, strict=True):
        later.result = result


def _meant(
    error: DatabaseError, queue: Sequence[Later], before: int = 0, not_hers: frozenset[str] = frozenset()
) -> Exception:
    """What a refusal means: the statement before the queue enters the session, if there is one."""
    place = error.position - before
    if place == -1 and error.sqlstate in not_hers:
        return unauthenticated()
    if 0 <= place < len(queue) and queue[place].confirms:
        return PresumedInVain()
    return error
