"""The transaction in which a verb works."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, TypeVar, cast
from uuid import UUID

from psycopg import abc, adapt
from sqlalchemy import Executable, Result, Select, inspect

from pat_platform.database.dialogue import Dialogue, Later
from pat_platform.database.failures import DatabaseError
from pat_platform.database.logins import organisation_of
from pat_platform.database.pipeline import row_of
from pat_platform.database.presumed import Presumptions
from pat_platform.database.speech import Speech, given_values, rows_of
from pat_platform.database.statements import Statement

Row = TypeVar("Row")
Parameters = Mapping[str, Any]

INSUFFICIENT_PRIVILEGE = "42501"


class ChangedAfterwards(Exception):
    """A row was changed after it was added. Write it down with an update: what is changed on rows is not watched."""


class Transaction:
    """What a verb may do: fetch, write, read compiled plans. It can neither commit nor roll back.

    What needs no answer (`add`, `insert`, `put`) is sent with the next statement that needs one, or with the commit; whatever
    PostgreSQL refuses of it is raised there. Every method raises DatabaseError if PostgreSQL refuses, ConnectionLost if
    it is gone, and Fault BAD_INPUT for text that it cannot hold.
    """

    def __init__(
        self,
        dialogue: Dialogue,
        speech: Speech,
        actor: UUID,
        presumptions: Presumptions,
        *,
        may_presume: bool = False,
    ) -> None:
        self.login = dialogue.login
        self.actor = actor
        self._dialogue = dialogue
        self._speech = speech
        self._presumptions = presumptions
        self._may_presume = may_presume
        self._organisation: UUID | None = None
        self._added: list[tuple[object, dict[str, Any]]] = []

    @cached_property
    def _transformer(self) -> abc.Transformer:
        return adapt.Transformer()

    @property
    def organisation(self) -> UUID:
        """The organisation whose login this is. Raises ValueError for a service login."""
        if self._organisation is None:
            self._organisation = organisation_of(self.login)
        return self._organisation

    async def get(
        self, model: type[Row], id: object = None, *, lock: bool = False, **key: object
    ) -> Row | None:
        """The row with this primary key as it is now, or None if there is none that the caller may see.

        `organisation_id` is the login's own unless given. `lock` holds the row until the transaction ends. What comes
        back can be read and not changed: changes are statements.
        """
        columns = {attribute.key for attribute in inspect(model).mapper.primary_key}
        if id is not None:
            key["id"] = id
        if "organisation_id" in columns:
            key.setdefault("organisation_id", self.organisation)
        statement = self._speech.select_by_key(model, key, lock=lock)
        found = rows_of(await self._dialogue.ask(statement), self._transformer).one_or_none()
        return cast("Row | None", found)

    async def presume(self, wanted: Select[*tuple[Any, ...]], parameters: Parameters) -> Any:
        """The one row that a SELECT finds, or None: for rows that hardly ever change, and whose columns can be compared.

        What it has found for this person lately is taken for granted, and confirmed by PostgreSQL, under her rights of today, before
        anything that is put down from now on. Where it finds another row by now or none, nothing of the transaction is done
        and the verb is run again, presuming nothing (`Database.perform`): so a verb that presumes does nothing that a rollback
        does not undo. Elsewhere it is an ordinary SELECT.
        """
        key = (self.login, self.actor, wanted, *parameters.items())
        known = self._presumptions.get(key) if self._may_presume else None
        if known is not None:
            self._dialogue.put(known.confirmation, confirms=True)
            return known.row
        result = await self._dialogue.ask(self._speech.statement(wanted, parameters))
        row = rows_of(result, self._transformer).one_or_none()
        if row is None:
            self._presumptions.forget(key)
        else:
            confirmation = self._speech.confirmation(wanted, parameters, row_of(result))
            self._presumptions.keep(key, row, confirmation)
        return row

    async def add(self, row: Row) -> Row:
        """Insert a row. What is changed on it afterwards is not written."""
        self._put_row(row)
        return row

    async def add_all(self, rows: Sequence[Row]) -> Sequence[Row]:
        """Insert rows, in this order."""
        for row in rows:
            self._put_row(row)
        return rows

    async def insert(self, model: type[object], **values: object) -> None:
        """Insert a row of which nothing is needed afterwards: as `add`, for a third of its price."""
        self._dialogue.put(self._speech.insert(model, values))

    async def put(self, statement: Executable, parameters: Parameters | None = None) -> None:
        """Have a statement run whose result nobody needs."""
        self._dialogue.put(self._speech.statement(statement, parameters or {}))

    async def change(self, statement: Executable) -> None:
        """Run an UPDATE of one row that was fetched to be changed.

        Raises DatabaseError, as for any right that is missing, if it changed none: row security looks anew with each statement, and
        leaves out in silence what has been taken from the caller since.
        """
        result = await self._dialogue.ask(self._speech.statement(statement, {}))
        if result.command_tuples != 1:
            raise DatabaseError(INSUFFICIENT_PRIVILEGE, "the row is not the caller's to change any more")

    async def flush(self) -> None:
        """Have everything done now that was put down so far, so that the database refuses here and not later."""
        await self._dialogue.send()

    async def execute(self, statement: Executable, parameters: Parameters | None = None) -> Result[Any]:
        """Run a statement and return its buffered result."""
        said = self._speech.statement(statement, parameters or {})
        return rows_of(await self._dialogue.ask(said), self._transformer)

    async def scalar(self, statement: Executable, parameters: Parameters | None = None) -> Any:
        """The first column of the first row, or None."""
        return (await self.execute(statement, parameters)).scalars().first()

    async def scalars(self, statement: Executable, parameters: Parameters | None = None) -> Sequence[Any]:
        """The first column of all rows."""
        return (await self.execute(statement, parameters)).scalars().all()

    async def read(self, sql: str, parameters: Sequence[bytes | None] = ()) -> list[bytes | None]:
        """Run a compiled plan (`$1`, …; text format) in this transaction; return the columns of its row.

        An empty list means that there was no row.
        """
        return row_of(await self._dialogue.ask(Statement(sql, tuple(parameters))))

    def read_later(self, sql: str, parameters: Sequence[bytes | None] = ()) -> Later:
        """The same, with the statements that are sent next: its row is there when they are answered."""
        return self._dialogue.put(Statement(sql, tuple(parameters)))

    def check(self) -> None:
        """Raises ChangedAfterwards if a row has been changed since it was added."""
        for row, given in self._added:
            if given_values(row) != given:
                raise ChangedAfterwards(type(row).__name__)

    def _put_row(self, row: object) -> None:
        given = given_values(row)
        self._dialogue.put(self._speech.insert(type(row), given))
        self._added.append((row, given))
