"""SQLAlchemy's statements as the wire sends them: text with ``$1``, …, values in PostgreSQL's text format."""

from collections.abc import Mapping, Sequence
from typing import Any
from weakref import WeakKeyDictionary

import psycopg
from psycopg.abc import Transformer
from psycopg.adapt import PyFormat
from psycopg.pq.abc import PGresult
from psycopg.types.json import Jsonb
from sqlalchemy import Executable, Table, bindparam, insert, inspect, select
from sqlalchemy.dialects.postgresql.psycopg import PGDialectAsync_psycopg
from sqlalchemy.engine import IteratorResult
from sqlalchemy.engine.result import SimpleResultMetaData

from pat_platform.database.statements import Statement
from pat_platform.errors import Fault

Values = Mapping[str, Any]


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

    def __init__(self, dialect: Any, statement: Any, columns: Sequence[str] | None = None) -> None:
        compiled = statement.compile(dialect=dialect, column_keys=columns)
        if compiled.post_compile_params:
            # A list in an IN: its length belongs to the text.
            compiled = statement.compile(dialect=dialect, compile_kwargs={"render_postcompile": True})
        self._compiled = compiled
        self._sql = str(compiled)

    def with_values(self, values: Values, transformer: Transformer) -> Statement:
        """The statement with these values in place of, or beside, those it was made with. Raises Fault BAD_INPUT."""
        found = self._compiled.construct_params(dict(values))
        return Statement(
            self._sql, _dumped([found[name] for name in self._compiled.positiontup or ()], transformer)
        )


class Speech:
    """Compiles each statement once, as long as it lives: module constants for good, others for their one use."""

    def __init__(self) -> None:
        self._dialect = _dialect()
        self._known: WeakKeyDictionary[Executable, _Sentence] = WeakKeyDictionary()
        self._inserts: dict[tuple[Table, tuple[str, ...]], _Sentence] = {}
        self._selects: dict[tuple[Table, tuple[str, ...], bool], _Sentence] = {}

    def statement(self, executable: Executable, values: Values, transformer: Transformer) -> Statement:
        """A statement of a verb. Raises Fault BAD_INPUT for text that PostgreSQL cannot hold."""
        sentence = self._known.get(executable)
        if sentence is None:
            sentence = self._known[executable] = _Sentence(self._dialect, executable)
        return sentence.with_values(values, transformer)

    def insert(self, row: object, transformer: Transformer) -> Statement:
        """The insertion of a row, of as many of its columns as were given. Raises Fault BAD_INPUT."""
        mapper = inspect(type(row)).mapper
        given = {mapper.get_property(name).columns[0].key: value for name, value in given_values(row).items()}
        table, columns = mapper.local_table, tuple(given)
        sentence = self._inserts.get((table, columns))
        if sentence is None:
            statement = insert(table).values({name: bindparam(name) for name in columns})
            sentence = self._inserts[table, columns] = _Sentence(self._dialect, statement)
        return sentence.with_values(given, transformer)

    def select_by_key(
        self, model: type[object], key: Values, transformer: Transformer, *, lock: bool
    ) -> Statement:
        """The row with these values in these columns, held until the transaction ends if `lock`."""
        table, columns = inspect(model).mapper.local_table, tuple(key)
        sentence = self._selects.get((table, columns, lock))
        if sentence is None:
            wanted = select(table).where(*(table.c[name] == bindparam(name) for name in columns))
            sentence = self._selects[table, columns, lock] = _Sentence(
                self._dialect, wanted.with_for_update() if lock else wanted
            )
        return sentence.with_values(key, transformer)


def given_values(row: object) -> dict[str, Any]:
    """What was given for the columns of a row, by attribute."""
    return {name: value for name, value in vars(row).items() if name != "_sa_instance_state"}


def rows_of(result: PGresult, transformer: Transformer) -> IteratorResult[Any]:
    """The rows of a result, their values as Python's."""
    transformer.set_pgresult(result)
    names = [(result.fname(column) or b"").decode() for column in range(result.nfields)]
    return IteratorResult(SimpleResultMetaData(names), iter(transformer.load_rows(0, result.ntuples, tuple)))


def _dumped(values: Sequence[Any], transformer: Transformer) -> tuple[bytes | None, ...]:
    try:
        dumped = transformer.dump_sequence(
            [_adapted(value) for value in values],
            [PyFormat.TEXT] * len(values),
        )
    except psycopg.DataError:
        pass
    else:
        return tuple(None if value is None else bytes(value) for value in dumped)
    # Raised outside of the handler, so that the driver's error and what it quotes are not carried along.
    raise Fault("BAD_INPUT", "A text contains what cannot be stored, such as the character U+0000.")


def _adapted(value: Any) -> Any:
    """The value as psycopg writes it without asking a connection how."""
    if isinstance(value, dict):
        return Jsonb(value)
    if isinstance(value, bytes):
        return f"\\x{value.hex()}"
    return value
