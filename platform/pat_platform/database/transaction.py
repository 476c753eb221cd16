"""The transaction in which a verb works."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar
from uuid import UUID

import psycopg
from sqlalchemy import Executable, Result, inspect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from pat_platform.database.failures import ConnectionLost, DatabaseError
from pat_platform.database.logins import organisation_of
from pat_platform.database.pipeline import Wire, row_of
from pat_platform.database.statements import Statement
from pat_platform.errors import Fault

Row = TypeVar("Row")
Parameters = Mapping[str, Any]

SERVER_STOPS = "57P"


class Transaction:
    """What a verb may do: fetch, write, read compiled plans. It can neither commit nor roll back.

    Every method raises DatabaseError if PostgreSQL refuses, ConnectionLost if it is gone, and Fault BAD_INPUT for text that it
    cannot hold.
    """

    def __init__(self, wire: Wire, session: AsyncSession, actor: UUID) -> None:
        self.login = wire.login
        self.actor = actor
        self._wire = wire
        self._session = session

    @property
    def organisation(self) -> UUID:
        """The organisation whose login this is. Raises ValueError for a service login."""
        return organisation_of(self.login)

    async def get(
        self, model: type[Row], id: object = None, *, lock: bool = False, **key: object
    ) -> Row | None:
        """The row with this primary key, or None if there is none that the caller may see.

        `organisation_id` is the login's own unless given. `lock` holds the row until the transaction ends
        and reads it afresh.
        """
        columns = {attribute.key for attribute in inspect(model).mapper.primary_key}
        if id is not None:
            key["id"] = id
        if "organisation_id" in columns:
            key.setdefault("organisation_id", self.organisation)
        with _translated():
            return await self._session.get(model, key, with_for_update=lock or None, populate_existing=lock)

    async def add(self, row: Row) -> Row:
        """Insert a row now, so that the database refuses here and not later."""
        self._session.add(row)
        await self.flush()
        return row

    async def add_all(self, rows: Sequence[Row]) -> Sequence[Row]:
        """Insert rows now, those of one table together."""
        self._session.add_all(rows)
        await self.flush()
        return rows

    async def flush(self) -> None:
        """Write what has been changed on rows."""
        with _translated():
            await self._session.flush()

    async def execute(self, statement: Executable, parameters: Parameters | None = None) -> Result[Any]:
        """Run a statement and return its buffered result."""
        with _translated():
            return await self._session.execute(statement, parameters)

    async def scalar(self, statement: Executable, parameters: Parameters | None = None) -> Any:
        """The first column of the first row, or None."""
        with _translated():
            return await self._session.scalar(statement, parameters)

    async def scalars(self, statement: Executable, parameters: Parameters | None = None) -> Sequence[Any]:
        """The first column of all rows."""
        with _translated():
            return (await self._session.scalars(statement, parameters)).all()

    async def read(self, sql: str, parameters: Sequence[bytes | None] = ()) -> list[bytes | None]:
        """Run a compiled plan (`$1`, …; text format) in this transaction; return the columns of its row.

        What was changed on rows is written first. An empty list means that there was no row.
        """
        await self.flush()
        connection = self._wire.connection
        # psycopg's own lock: a statement of a concurrent task must not be under way.
        async with connection.lock:
            (answer,) = self._wire.send((Statement(sql, tuple(parameters)),))
            (result,) = await self._wire.answered(answer)
            self._wire.lend()
        return row_of(result)


@contextmanager
def _translated() -> Iterator[None]:
    """Turn SQLAlchemy's wrapped driver errors into ours, without the data that they quote."""
    try:
        yield
    except DBAPIError as error:
        cause = error.orig
        if not isinstance(cause, psycopg.Error):
            raise
        sqlstate = cause.sqlstate
    else:
        return
    if sqlstate is None and isinstance(cause, psycopg.DataError):
        # The driver refused it before the server saw it.
        raise Fault("BAD_INPUT", "A text contains what cannot be stored, such as the character U+0000.")
    if sqlstate is None or sqlstate.startswith(SERVER_STOPS):
        raise ConnectionLost(was_sent=True)
    raise DatabaseError(sqlstate, cause.diag.message_primary or "", cause.diag.constraint_name)
