"""One physical connection on which many statements travel in one write.

libpq's pipeline mode lets us send a whole transaction and what cleans up after it at once, and wait only for
the part that the caller needs. A batch ends with a Sync: without an explicit BEGIN it is one transaction,
which commits at the Sync and rolls back as a whole if any statement fails. An answer is given only after the
Sync has been answered, that is: after the commit.
"""

import asyncio
import os
import socket
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from time import perf_counter

import psycopg
from psycopg.pq import ExecStatus, TransactionStatus
from psycopg.pq.abc import PGresult

from pat_platform.database.failures import ConnectionLost, DatabaseError, ends_connection, error_from
from pat_platform.database.statements import PreparedStatements, Statement
from pat_platform.observation import current

Answer = asyncio.Future[list[PGresult]]
"""One result for each statement of a batch. Raises DatabaseError or ConnectionLost."""

RESET_SETTINGS: tuple[Statement, ...] = (
    # By the SQL standard this is SET ROLE NONE as well.
    Statement("set session authorization default", is_lasting=True),
    Statement("reset all", is_lasting=True),
)
"""Undoes what one SELECT in a read-only transaction may leave on its connection: settings, nothing else."""

RESET: tuple[Statement, ...] = (
    *RESET_SETTINGS,
    Statement("unlisten *", is_lasting=True),
    Statement("close all", is_lasting=True),
    Statement("discard temp", is_lasting=True),
    Statement("discard sequences", is_lasting=True),
)
"""Undoes what any transaction may leave. Not DISCARD ALL, which would drop the prepared plans as well."""

CANCEL_SECONDS = 5.0
FAREWELL_SECONDS = 0.5

# "prepared statement does not exist" and "cached plan must not change result type": somebody has touched
# what we believe prepared, so the connection must not be used again.
STALE = frozenset({"26000", "0A000"})


@dataclass(slots=True)
class Traffic:
    """How often we spoke to the server: a read costs one write and one wait."""

    connections: int = 0
    writes: int = 0
    waits: int = 0


class _Kind(Enum):
    PREPARE = auto()
    EXECUTE = auto()
    CLOSE = auto()
    SYNC = auto()


@dataclass(slots=True, eq=False)
class _Batch:
    answer: Answer
    results: list[PGresult] = field(default_factory=list)
    error: DatabaseError | ConnectionLost | None = None

    def finish(self) -> None:
        if self.answer.done():
            return
        if self.error is None:
            results, self.results = self.results, []
            self.answer.set_result(results)
        else:
            self.answer.set_exception(self.error)
            # Whoever asked may have been told by another answer already, or be gone: asyncio need not complain.
            self.answer.exception()


@dataclass(slots=True, eq=False)
class _Step:
    """Something that libpq answers with results: what was sent, in the order in which it was sent."""

    kind: _Kind
    batch: _Batch
    position: int = 0
    statement: Statement | None = None
    name: bytes = b""


class Wire:
    """One connection of one login. `send` writes batches; their answers come in order.

    It takes the connection over from psycopg for good. `on_lost` is called once if the connection dies, also while it
    idles. Raises psycopg.OperationalError for a connection that is busy.
    """

    def __init__(
        self,
        connection: psycopg.AsyncConnection,
        login: str,
        *,
        traffic: Traffic,
        statement_limit: int,
        on_lost: Callable[["Wire"], None],
    ) -> None:
        self.connection = connection
        self.login = login
        self.cancelling: asyncio.Task[None] | None = None
        self.is_lost = False
        self._is_stale = False
        self._is_writing = False
        self._pg = connection.pgconn
        self._socket = connection.pgconn.socket
        self._loop = asyncio.get_running_loop()
        self.opened_at = self._loop.time()
        self._steps: deque[_Step] = deque()
        self._prepared = PreparedStatements(statement_limit)
        self._traffic = traffic
        self._on_lost = on_lost
        connection.add_notice_handler(self._on_notice)
        self._pg.enter_pipeline_mode()
        self._loop.add_reader(self._socket, self._on_readable)
        self._is_listening = True

    @property
    def is_clean(self) -> bool:
        """Whether the next lease may use this connection: nothing is under way and nothing looks odd."""
        return (
            not self.is_lost
            and not self._is_stale
            and not self._steps
            and self._pg.transaction_status == TransactionStatus.IDLE
        )

    @property
    def is_in_transaction(self) -> bool:
        """Whether a transaction is open, failed ones included."""
        return self._pg.transaction_status in (TransactionStatus.INTRANS, TransactionStatus.INERROR)

    def is_alive(self) -> bool:
        """Look whether the server has hung up while the connection idled, without writing anything."""
        if not self.is_lost:
            self._on_readable()
        return not self.is_lost

    def send(self, *batches: Sequence[Statement]) -> list[Answer]:
        """Write the batches, each with its Sync, and return the future answer of each.

        Raises ConnectionLost, whose `was_sent` is false if nothing left this process.
        """
        if self.is_lost:
            raise ConnectionLost(was_sent=False)
        try:
            last = len(batches) - 1
            answers = [self._enqueue(batch, evicts=index == last) for index, batch in enumerate(batches)]
        except psycopg.Error:
            self.lose()
            raise ConnectionLost(was_sent=True) from None
        self._flush()
        return answers

    async def answered(self, answer: Answer) -> list[PGresult]:
        """Wait for an answer. If the waiting task is cancelled, so is the work of the server."""
        self._traffic.waits += 1
        began = perf_counter()
        try:
            return await answer
        except asyncio.CancelledError:
            self.cancel(answer)
            raise
        finally:
            current().waited(began, perf_counter())

    def cancel(self, answer: Answer) -> None:
        """Ask the server to stop working on a batch whose answer nobody awaits any longer.

        The wire is clean again only after the request has been delivered (`cancelling` is None), so that it
        cannot hit what comes next; if that takes too long, the wire is lost.
        """
        if self.cancelling or not any(step.batch.answer is answer for step in self._steps):
            return
        self.cancelling = self._loop.create_task(self._request_cancel())
        self.cancelling.add_done_callback(self._cancel_requested)
        self.lose_after(CANCEL_SECONDS)

    def lose_after(self, seconds: float) -> None:
        """Give up the connection unless everything sent so far is answered by then."""
        if not self._steps:
            # It was lost while it was written to.
            return
        last = self._steps[-1]

        def give_up() -> None:
            if last in self._steps:
                self.lose()

        self._loop.call_later(seconds, give_up)

    def lose(self) -> None:
        """Give up the connection: what was asked and not answered fails."""
        if self.is_lost:
            return
        self.is_lost = True
        self._stop_listening()
        steps, self._steps = self._steps, deque()
        for step in steps:
            step.batch.error = step.batch.error or ConnectionLost(was_sent=True)
            step.batch.finish()
        self._on_lost(self)

    async def close(self) -> None:
        """Close the connection and wait, a little, until its backend is gone: the budget counts backends."""
        self.is_lost = True
        self._stop_listening()
        if self.connection.closed:
            self._pg.finish()
            return
        if self._pg.transaction_status == TransactionStatus.ACTIVE:
            await self._request_cancel()
        farewell = _duplicate(self._socket)
        self._pg.finish()
        if farewell is not None:
            await _await_end(farewell)

    def _stop_listening(self) -> None:
        # Never twice: libpq may have closed the socket, and its number may be another connection's by now.
        if self._is_listening:
            self._loop.remove_reader(self._socket)
            self._is_listening = False
        if self._is_writing:
            self._loop.remove_writer(self._socket)
            self._is_writing = False

    # Out.

    def _enqueue(self, statements: Sequence[Statement], *, evicts: bool) -> Answer:
        batch = _Batch(self._loop.create_future())
        for position, statement in enumerate(statements):
            name = self._prepared.find(statement.sql)
            if name is None:
                name = self._prepared.next_name()
                self._pg.send_prepare(name, statement.sql.encode())
                self._steps.append(_Step(_Kind.PREPARE, batch, position, statement, name))
            self._pg.send_query_prepared(name, statement.parameters or None)
            self._steps.append(_Step(_Kind.EXECUTE, batch, position))
        for name in self._prepared.evict() if evicts else ():
            self._pg.send_close_prepared(name)
            self._steps.append(_Step(_Kind.CLOSE, batch))
        self._pg.pipeline_sync()
        # What fails only at the end is no statement's failure.
        self._steps.append(_Step(_Kind.SYNC, batch, len(statements)))
        return batch.answer

    def _flush(self) -> None:
        """Write as much as the socket takes; the loop calls again when it takes more."""
        self._traffic.writes += 1
        try:
            is_done = self._pg.flush() == 0
        except psycopg.Error:
            self.lose()
            return
        if is_done and self._is_writing:
            self._loop.remove_writer(self._socket)
            self._is_writing = False
        elif not is_done and not self._is_writing:
            self._loop.add_writer(self._socket, self._flush)
            self._is_writing = True

    # In.

    def _on_readable(self) -> None:
        try:
            self._pg.consume_input()
            while not self._pg.is_busy() and self._steps:
                self._take(self._pg.get_result())
        except psycopg.Error:
            self.lose()

    def _on_notice(self, notice: psycopg.errors.Diagnostic) -> None:
        # A server that stops says so before it hangs up.
        if notice.severity_nonlocalized in ("FATAL", "PANIC"):
            self.lose()

    def _take(self, result: PGresult | None) -> None:
        """Account for one result; libpq ends the results of every step but a Sync with None."""
        step = self._steps[0]
        if result is None:
            if step.kind is not _Kind.SYNC:
                self._steps.popleft()
            return
        match result.status:
            case ExecStatus.TUPLES_OK | ExecStatus.COMMAND_OK:
                if step.kind is _Kind.EXECUTE:
                    step.batch.results.append(result)
                elif step.kind is _Kind.PREPARE and step.statement is not None:
                    self._prepared.keep(step.statement, step.name)
            case ExecStatus.PIPELINE_SYNC:
                self._steps.popleft()
                step.batch.finish()
            case ExecStatus.FATAL_ERROR:
                self._note_error(step, result)
            case ExecStatus.PIPELINE_ABORTED:
                pass
            case _:
                # COPY has no place in a pipeline: there is no way back from here.
                self.lose()

    def _note_error(self, step: _Step, result: PGresult) -> None:
        if ends_connection(result):
            self.lose()
            return
        error = error_from(result, step.position)
        step.batch.error = step.batch.error or error
        self._is_stale = self._is_stale or error.sqlstate in STALE

    # Stopping the server's work.

    async def _request_cancel(self) -> None:
        try:
            await self.connection.cancel_safe(timeout=CANCEL_SECONDS)
        except (psycopg.Error, OSError):
            self.lose()

    def _cancel_requested(self, _: asyncio.Task[None]) -> None:
        self.cancelling = None


def row_of(result: PGresult) -> list[bytes | None]:
    """The columns of the first row, in text format; an empty list if there is none."""
    if result.ntuples == 0:
        return []
    return [result.get_value(0, column) for column in range(result.nfields)]


def _duplicate(descriptor: int) -> socket.socket | None:
    """A second handle on the socket, to see the server close its side after libpq has closed ours."""
    try:
        copy = socket.socket(fileno=os.dup(descriptor))
    except OSError:
        return None
    copy.setblocking(False)
    return copy


async def _await_end(connection: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    with connection:
        try:
            async with asyncio.timeout(FAREWELL_SECONDS):
                while await loop.sock_recv(connection, 4096):
                    pass
        except (TimeoutError, OSError):
            return
