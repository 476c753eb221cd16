"""The diagnostic executor's database side: one row, one value, one list of keys at a time."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .arguments import Reader, dig, encode, key_of
from .declare import Order, Row, Source
from .errors import Path
from .keyset import Term
from .kinds import Kind
from .quote import literal
from .templates import render, term

Fetch = Callable[[str], Sequence[tuple[Any, ...]]]

# The aliases that declarations' placeholders stand for here.
ROW, NEW, LATERAL = "t_", "n_", "l_"


@dataclass(frozen=True)
class Handle:
    """A row that is known by its key; without a source, the rowless root."""

    type_name: str
    source: str | None = None
    columns: tuple[str, ...] = ()
    key: tuple[str | None, ...] = ()
    """The columns' values as text; a column that rows are grouped by may be null."""

    def named(self, type_name: str) -> "Handle":
        """The same row as an object of another type."""
        return Handle(type_name, self.source, self.columns, self.key)

    def where(self) -> str:
        """The condition that finds the row."""
        pairs = zip(self.columns, self.key, strict=True)
        return " and ".join(
            f"{ROW}.{name} is null" if value is None else f"({ROW}.{name})::text = {literal(value)}"
            for name, value in pairs
        )


@dataclass(frozen=True)
class Asked:
    """A field's arguments, for the placeholders of its declaration."""

    reader: Reader
    values: Mapping[str, Any]
    rows: Mapping[str, Row]
    path: Path

    def given(self, name: str) -> Any:
        """An argument's value, or None."""
        return dig(self.values, self.reader.keys(name))

    def sql(self, template: str, **names: str) -> str:
        """The template with arguments as literals."""
        return render(template, {"t": ROW, **names}, self._argument)

    def literal(self, value: Any) -> str:
        """A value as a SQL literal."""
        encoded = encode(value, self.path)
        return "null" if encoded is None else literal(encoded.decode())

    def _argument(self, kind: str, what: str) -> str:
        if kind == "arg":
            return self.literal(self.given(what))
        type_name, _, name = what.partition(":")
        key = key_of(self.given(name), type_name, self.rows[type_name], self.path)
        return "null" if key is None else literal(key.decode())


class Rows:
    """Asks the database, naively."""

    def __init__(self, fetch: Fetch) -> None:
        self._fetch = fetch

    def value(self, handle: Handle, sql: str) -> Any:
        """The JSON value of an expression on a row."""
        return self._json(handle, f"to_json({sql})::text")

    def kind(self, handle: Handle, sql: str, kind: Kind, lateral: str | None = None) -> Any:
        """The same for an expression of a kind, with a lateral subquery if it needs one."""
        return self._json(handle, kind.written(sql), lateral)

    def _json(self, handle: Handle, sql: str, lateral: str | None = None) -> Any:
        source = f"from {handle.source} {ROW}" if handle.source else f"from (select) {ROW}"
        if lateral is not None:
            source += f" left join lateral ({lateral}) {LATERAL} on true"
        where = f" where {handle.where()}" if handle.source else ""
        rows = self._fetch(f"select {sql} {source}{where}")
        found = rows[0][0] if rows else None
        return None if found is None else json.loads(found)

    def related(
        self, handle: Handle, type_name: str, source: Source, asked: Asked, on: str, order: Sequence[Order]
    ) -> list[Handle]:
        """The related rows in order."""
        rows, origin = self._joined(handle, source, asked)
        where = _where(handle, [asked.sql(on, n=NEW)])
        terms = [f"{term(each.by, NEW)}{' desc' if each.desc else ''}" for each in order]
        by = ", ".join([*terms, *(f"{NEW}.{name}" for name in source.key)])
        keys = ", ".join(f"({NEW}.{name})::text" for name in source.key)
        found = self._fetch(f"select {keys} from {rows}{where} order by {by}")
        return [Handle(type_name, origin, source.key, tuple(key)) for key in found]

    def by_key(self, type_name: str, row: Row, key: str) -> Handle | None:
        """The row with a key, or None."""
        keys = ", ".join(f"({NEW}.{name})::text" for name in row.source.key)
        condition = f"({NEW}.{row.column})::text = {literal(key)}"
        for found in self._fetch(f"select {keys} from {row.source.sql} {NEW} where {condition}"):
            return Handle(type_name, row.source.sql, row.source.key, tuple(found))
        return None

    def listed(
        self,
        handle: Handle,
        type_name: str,
        source: Source,
        asked: Asked,
        conditions: Sequence[str],
        terms: Sequence[Term],
        cursor: Sequence[str | None] | None,
    ) -> list[tuple[Handle | None, str | None]]:
        """All rows of a list in order, each with the payload of its cursor.

        The given cursor's position is sorted in among them by the database, as an entry without a row.
        """
        rows, origin = self._joined(handle, source, asked)
        where = _where(handle, conditions)
        values = ", ".join(f"{each.on(NEW)} as o{n}" for n, each in enumerate(terms))
        keys = ", ".join(f"({NEW}.{name})::text" for name in source.key)
        texts = ", ".join(each.text(NEW) for each in terms)
        body = f"select array[{keys}] as key, json_build_array({texts})::text as payload, {values} from {rows}{where}"
        if cursor is not None:
            position = ", ".join(
                f"{'null' if value is None else literal(value)}::{each.kind.sql_type}"
                for value, each in zip(cursor, terms, strict=True)
            )
            body += f" union all select null, null, {position}"
        by = ", ".join(f"o{n}{' desc' if each.desc else ''}" for n, each in enumerate(terms))
        found = self._fetch(f"select to_json(key)::text, payload from ({body}) q order by {by}")
        return [
            (None if key is None else Handle(type_name, origin, source.key, tuple(json.loads(key))), payload)
            for key, payload in found
        ]

    def count(self, handle: Handle, source: Source, asked: Asked, conditions: Sequence[str]) -> int:
        """How many rows a list has."""
        rows, _ = self._joined(handle, source, asked)
        found = self._fetch(f"select count(*) from {rows}{_where(handle, conditions)}")
        return int(found[0][0])

    def run(self, sql: str) -> None:
        """Execute a statement for its effect."""
        self._fetch(sql)

    def _joined(self, handle: Handle, source: Source, asked: Asked) -> tuple[str, str]:
        """The new rows beside the row they belong to, and how a new row is found again later."""
        sql = asked.sql(source.sql)
        if handle.source is None:
            return f"{sql} {NEW}", sql
        if "{t}" not in source.sql:
            return f"{handle.source} {ROW}, {sql} {NEW}", sql
        origin = f"(select {NEW}.* from {handle.source} {ROW}, lateral {sql} {NEW} where {handle.where()})"
        return f"{handle.source} {ROW}, lateral {sql} {NEW}", origin


def _where(handle: Handle, conditions: Sequence[str]) -> str:
    all_of = [*conditions, handle.where()] if handle.source is not None else list(conditions)
    return f" where {' and '.join(f'({each})' for each in all_of)}" if all_of else ""
