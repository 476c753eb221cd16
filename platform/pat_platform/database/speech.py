"""SQLAlchemy's statements as the wire sends them: text with ``$1``, …, values in PostgreSQL's text format."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID
from weakref import WeakKeyDictionary

import orjson
from psycopg.abc import Transformer
from psycopg.pq.abc import PGresult
from sqlalchemy import (
    Executable,
    Integer,
    Select,
    Table,
    and_,
    bindparam,
    cast,
    exists,
    insert,
    inspect,
    literal_column,
    select,
)
from sqlalchemy.dialects.postgresql.psycopg import PGDialectAsync_psycopg
from sqlalchemy.engine import IteratorResult
from sqlalchemy.engine.result import SimpleResultMetaData

from pat_platform.database.statements import Statement
from pat_platform.engine.quote import array_literal
from pat_platform.errors import Fault

Values = Mapping[str, Any]


class AsSent(bytes):
    """A value as PostgreSQL has sent it, in its text format."""


class _Dialect(PGDialectAsync_psycopg):
    """PostgreSQL as we require it, with numbered parameters, so that nobody has to ask the server first."""

    server_version_info = (17,)
    default_schema_name = "public"
    # Literals follow the standard: standard_conforming_strings is never off.
    _backslash_escapes = False


def _dialect() -> Any:
    made: Any = _Dialect  # SQLAlchemy's dialects carry no type hints
    return made(dbapi=made.import_dbapi(), paramstyle="numeric_dollar", use_native_hstore=False)


class _Sentence:
    """A statement compiled once: its text, and in which order its values come."""

    def __init__(self, dialect: Any, statement: Any) -> None:
        compiled = statement.compile(dialect=dialect)
        own = {name: bind.effective_value for name, bind in compiled.binds.items() if not bind.required}
        if compiled.post_compile_params:
            # A list in an IN: its length belongs to the text, and so all values are its own.
            compiled = statement.compile(dialect=dialect, compile_kwargs={"render_postcompile": True})
            own = compiled.params
        self._sql = str(compiled)
        self._names: Sequence[str] = compiled.positiontup or ()
        self._own = own

    def with_values(self, values: Values) -> Statement:
        """The statement with these values and its own for the rest. Raises Fault BAD_INPUT, KeyError for one that lacks."""
        if self._own:
            values = {**self._own, **values}
        return Statement(self._sql, tuple([written(values[name]) for name in self._names]))


class Speech:
    """Compiles each statement once, as long as it lives: module constants for good, others for their one use."""

    def __init__(self) -> None:
        self._dialect = _dialect()
        self._known: WeakKeyDictionary[Executable, _Sentence] = WeakKeyDictionary()
        self._confirmations: WeakKeyDictionary[Executable, _Sentence] = WeakKeyDictionary()
        self._inserts: dict[tuple[type, tuple[str, ...]], _Sentence] = {}
        self._selects: dict[tuple[Table, tuple[str, ...], bool], _Sentence] = {}

    def statement(self, executable: Executable, values: Values) -> Statement:
        """A statement of a verb. Raises Fault BAD_INPUT for text that PostgreSQL cannot hold."""
        sentence = self._known.get(executable)
        if sentence is None:
            sentence = self._known[executable] = _Sentence(self._dialect, executable)
        return sentence.with_values(values)

    def confirmation(
        self, wanted: Select[*tuple[Any, ...]], values: Values, row: Sequence[bytes | None]
    ) -> Statement:
        """What fails unless a SELECT with these values still finds this row, given as PostgreSQL sent it."""
        sentence = self._confirmations.get(wanted)
        if sentence is None:
            sentence = self._confirmations[wanted] = _Sentence(self._dialect, _confirming(wanted))
        as_sent = {_found(place): None if each is None else AsSent(each) for place, each in enumerate(row)}
        return sentence.with_values({**values, **as_sent})

    def insert(self, model: type[object], given: Values) -> Statement:
        """The insertion of a row, of as many of its columns as are given, by attribute. Raises Fault BAD_INPUT."""
        form = model, tuple(given)
        sentence = self._inserts.get(form)
        if sentence is None:
            mapper = inspect(model).mapper
            columns = {name: mapper.get_property(name).columns[0].key for name in given}
            values: Values = {column: bindparam(name) for name, column in columns.items()}
            sentence = self._inserts[form] = _Sentence(
                self._dialect, insert(mapper.local_table).values(values)
            )
        return sentence.with_values(given)

    def select_by_key(self, model: type[object], key: Values, *, lock: bool) -> Statement:
        """The row with these values in these columns, held until the transaction ends if `lock`."""
        table, columns = inspect(model).mapper.local_table, tuple(key)
        sentence = self._selects.get((table, columns, lock))
        if sentence is None:
            wanted = select(table).where(*(table.c[name] == bindparam(name) for name in columns))
            sentence = self._selects[table, columns, lock] = _Sentence(
                self._dialect, wanted.with_for_update() if lock else wanted
            )
        return sentence.with_values(key)


def _found(place: int) -> str:
    return f"found_{place}"


def _confirming(wanted: Select[*tuple[Any, ...]]) -> Select[Any]:
    """Divides by zero, which undoes the transaction, unless `wanted` finds the row whose values are `found_0`, …"""
    now = wanted.subquery()
    is_same = and_(
        *(
            column.is_not_distinct_from(bindparam(_found(place), type_=column.type))
            for place, column in enumerate(now.c)
        )
    )
    return select(literal_column("1").op("/")(cast(exists().select_from(now).where(is_same), Integer)))


def given_values(row: object) -> dict[str, Any]:
    """What was given for the columns of a row, by attribute."""
    return {name: value for name, value in vars(row).items() if name != "_sa_instance_state"}


def rows_of(result: PGresult, transformer: Transformer) -> IteratorResult[Any]:
    """The rows of a result, their values as Python's."""
    transformer.set_pgresult(result)
    names = [(result.fname(column) or b"").decode() for column in range(result.nfields)]
    return IteratorResult(SimpleResultMetaData(names), iter(transformer.load_rows(0, result.ntuples, tuple)))


def written(value: Any) -> bytes | None:
    """A value in PostgreSQL's text format.

    Raises Fault BAD_INPUT for text that PostgreSQL cannot hold, TypeError for a value of a type that no column has.
    """
    if value is None:
        return None
    write = _WRITERS.get(type(value))
    if write is None:
        write = _WRITERS[type(value)] = _writer_of(value)
    return write(value)


def _text(value: str) -> bytes:
    if "\0" not in value:
        with suppress(UnicodeEncodeError):
            return value.encode()
    # Outside of a handler, so that the text is not carried along in an error.
    raise Fault("BAD_INPUT", "A text contains what cannot be stored, such as the character U+0000.")


def _uuid(value: UUID) -> bytes:
    # PostgreSQL reads it without its hyphens too, and they cost three times as much as the digits.
    return b"%032x" % value.int


def _list(values: list[Any]) -> bytes:
    if all(type(each) is UUID for each in values):
        return b"{%b}" % b",".join([_uuid(each) for each in values])
    return _text(array_literal([str(each) for each in values]))


_WRITERS: dict[type, Callable[[Any], bytes]] = {
    str: _text,
    bool: lambda value: b"true" if value else b"false",
    int: lambda value: b"%d" % value,
    UUID: _uuid,
    bytes: lambda value: b"\\x" + value.hex().encode(),
    AsSent: lambda value: value,
    date: lambda value: value.isoformat().encode(),
    datetime: lambda value: value.isoformat().encode(),
    dict: orjson.dumps,
    list: _list,
}


def _writer_of(value: object) -> Callable[[Any], bytes]:
    """The writer of a type that is met for the first time: a code is written as its text."""
    if isinstance(value, StrEnum):
        return lambda code: _text(code.value)
    raise TypeError(f"no column holds a {type(value).__name__}")
