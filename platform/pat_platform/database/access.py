"""The database as the rest of the system sees it: compiled reads and transactions, under a sign-in session."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TypeVar
from uuid import UUID

from pat_platform.database.credentials import Credentials, Generations, stored_generations
from pat_platform.database.dialogue import ENTER, NOT_A_SESSION, Dialogue
from pat_platform.database.failures import (
    ConnectionLost,
    DatabaseError,
    PresumedInVain,
    unauthenticated,
)
from pat_platform.database.pipeline import RESET, RESET_SETTINGS, Traffic, row_of
from pat_platform.database.pool import KeyedPool, unavailable
from pat_platform.database.presumed import Presumptions
from pat_platform.database.speech import Speech
from pat_platform.database.statements import Statement
from pat_platform.database.transaction import Transaction
from pat_platform.deadlines import within
from pat_platform.errors import Fault
from pat_platform.settings import Settings

T = TypeVar("T")

ENTER_READ_ONLY = "select sec.enter($1), set_config('transaction_read_only', 'on', true)"
QUERY_CANCELED = "57014"
LOCK_NOT_AVAILABLE = "55P03"
# Conflicts of concurrent transactions, missing resources, locks not available, a server that stops.
PASSING = ("40", "53", LOCK_NOT_AVAILABLE, "57P")
# Beyond the server's own limit: only a network that swallows packets keeps us waiting longer.
GRACE_SECONDS = 5.0


class LockHeld(Fault):
    """Somebody else held a lock for too long: unavailable, and nothing was done."""

    def __init__(self) -> None:
        busy = unavailable()
        super().__init__(busy.code, busy.message)


class Database:
    """Reads and transactions of organisations' logins, on one pool with one budget.

    Use it on one event loop and close it there. `generations` loads the password generation of every login;
    by default from `sec.logins`.
    """

    def __init__(self, settings: Settings, generations: Generations | None = None) -> None:
        self.pool = KeyedPool(
            Credentials(settings, generations or stored_generations(settings)),
            budget=settings.pool_size,
            wait_seconds=settings.pool_wait_seconds,
            statement_limit=settings.prepared_statements,
        )
        self._speech = Speech()
        self._presumptions = Presumptions()
        self._patience = settings.statement_timeout_ms / 1000 + GRACE_SECONDS

    @property
    def traffic(self) -> Traffic:
        """Counters of connections, writes and waits."""
        return self.pool.traffic

    async def read(
        self, login: str, session: UUID, sql: str, parameters: Sequence[bytes | None] = (), *, read_only: bool
    ) -> list[bytes | None]:
        """Run a compiled plan as one transaction in one round trip; return the columns of its single row.

        `parameters` are values for `$1`, … in text format. A plain plan is `read_only`; one that writes the
        trail is not. An empty list means that there was no row. Raises Fault UNAUTHENTICATED if the session
        is not live, UNAVAILABLE if it may work again later, BAD_INPUT for text that PostgreSQL cannot hold,
        and DatabaseError for the rest.
        """
        _check_text(parameters)
        enter = _enter(session, ENTER_READ_ONLY if read_only else ENTER)
        statements = (enter, Statement(sql, tuple(parameters)))
        reset = RESET_SETTINGS if read_only else RESET
        try:
            try:
                return await self._read_once(login, statements, reset)
            except ConnectionLost as lost:
                # What may have been committed must not be done twice.
                if lost.was_sent and not read_only:
                    raise
            return await self._read_once(login, statements, reset)
        except ConnectionLost:
            raise unavailable() from None
        except DatabaseError as error:
            raise _as_fault(error, entered_at=0) from None

    async def _read_once(
        self, login: str, statements: Sequence[Statement], reset: Sequence[Statement]
    ) -> list[bytes | None]:
        wire = await self.pool.lease(login)
        try:
            answer, cleaned = wire.send(statements, reset)
        except BaseException:
            self.pool.retire(wire)
            raise
        self.pool.release(wire, answer, cleaned)
        try:
            with within(self._patience):
                results = await wire.answered(answer)
        except TimeoutError:
            raise unavailable() from None
        return row_of(results[-1])

    async def perform(
        self, login: str, session: UUID, person: UUID, verb: Callable[[Transaction], Awaitable[T]]
    ) -> T:
        """Run a verb in a transaction of its own, commit it and return what it returned.

        It may presume what was found before. Where it did so in vain, nothing was done, and it is run once more without.
        Raises what `transaction` raises.
        """
        try:
            async with self._transaction(login, session, person, may_presume=True) as tx:
                return await verb(tx)
        except PresumedInVain:
            pass
        async with self._transaction(login, session, person) as tx:
            return await verb(tx)

    def transaction(
        self, login: str, session: UUID, person: UUID | None = None
    ) -> AbstractAsyncContextManager[Transaction]:
        """A transaction of the session's person: committed when the block ends, rolled back if it raises.

        With `person` the database is first asked together with the first statement of the block, which fails if the
        session is not hers. Raises what `read` raises; a refusal by the database at the commit is a DatabaseError too.
        """
        return self._transaction(login, session, person)

    @asynccontextmanager
    async def _transaction(
        self, login: str, session: UUID, person: UUID | None, *, may_presume: bool = False
    ) -> AsyncIterator[Transaction]:
        dialogue = Dialogue(self.pool, login, session, person, self._patience)
        try:
            actor = person or await dialogue.open()
            transaction = Transaction(
                dialogue, self._speech, actor, self._presumptions, may_presume=may_presume
            )
            try:
                yield transaction
                transaction.check()
            except Exception:
                # It may have failed because of what it presumed.
                await dialogue.confirm()
                raise
            await dialogue.commit()
        except ConnectionLost:
            raise unavailable() from None
        except DatabaseError as error:
            raise _as_fault(error) from None
        finally:
            dialogue.end()

    async def close(self) -> None:
        """Close every connection."""
        await self.pool.close()


def _enter(session: UUID, sql: str) -> Statement:
    # PostgreSQL reads a UUID without its hyphens too, and they cost as much as the rest of this.
    return Statement(sql, (session.hex.encode(),), True)


def _as_fault(error: DatabaseError, entered_at: int | None = None) -> Fault | DatabaseError:
    """The fault that clients get for what is no mistake of ours, else the error itself."""
    if error.position == entered_at and error.sqlstate in NOT_A_SESSION:
        return unauthenticated()
    if error.sqlstate == QUERY_CANCELED:
        return Fault("TIMEOUT", "This took too long and was stopped. Ask for less, or try again later.")
    if error.sqlstate == LOCK_NOT_AVAILABLE:
        return LockHeld()
    if error.sqlstate.startswith(PASSING):
        return unavailable()
    return error


def _check_text(parameters: Sequence[bytes | None]) -> None:
    # libpq would silently cut the text there.
    for value in parameters:
        if value is not None and b"\0" in value:
            raise Fault("BAD_INPUT", "Text cannot contain the character U+0000.")
