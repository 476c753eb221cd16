"""SQL that writes JSON as text: pieces that stand side by side.

PostgreSQL's own functions that build JSON look at the type of each argument for each row, and copy what is below at each
level; putting texts together takes half as long.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, NamedTuple

from .quote import literal


class Sql(NamedTuple):
    """SQL of type text."""

    text: str


_JSON = json.JSONEncoder(ensure_ascii=False)

Piece = str | Sql
"""JSON that is known already, or SQL for it."""


class Value(NamedTuple):
    """A value of the response: pieces of JSON, side by side.

    Where a piece is NULL the value is null; ``is_sure`` says that none is. ``bare`` is SQL for what stands between the
    quotes, where the value is a JSON string in which nothing needs an escape.
    """

    pieces: tuple[Piece, ...]
    is_sure: bool = False
    bare: str | None = None

    @property
    def sql(self) -> str:
        """SQL of type text for the JSON; NULL where the value is null."""
        return concatenated(self.pieces)

    @property
    def settled(self) -> tuple[Piece, ...]:
        """Pieces that are never NULL, to stand among others."""
        return self.pieces if self.is_sure else (Sql(f"coalesce({self.sql}, 'null')"),)


def known(value: Any) -> Value:
    """A value that is the same for every row."""
    return Value((_JSON.encode(value),), is_sure=True)


def written(sql: str, *, is_sure: bool = False) -> Value:
    """A value whose JSON is given by SQL of type text."""
    return Value((Sql(sql),), is_sure)


def plain_string(sql: str, *, is_sure: bool = False) -> Value:
    """A JSON string; ``sql`` is its text, in which nothing needs an escape."""
    return Value(('"', Sql(sql), '"'), is_sure, sql)


def string(sql: str) -> Value:
    """A JSON string of any text."""
    return written(f"to_json({sql})::text")


def object_of(members: Iterable[tuple[tuple[Piece, ...], Value]]) -> Value:
    """An object; a member's name is given as pieces, without quotes."""
    pieces: list[Piece] = ["{"]
    for name, value in members:
        pieces += ['"' if len(pieces) == 1 else ',"', *name, '":', *value.settled]
    return Value((*pieces, "}"), is_sure=True)


def array_of(items: Iterable[Value]) -> Value:
    """An array of so many items."""
    pieces: list[Piece] = ["["]
    for item in items:
        pieces += [*([] if len(pieces) == 1 else [","]), *item.settled]
    return Value((*pieces, "]"), is_sure=True)


def aggregated(item: Value, order: str, part: str = "") -> Value:
    """An array of a select's rows in order; ``part`` are the bounds of a slice, of these rows alone."""
    # A row is never dropped: where what was promised not to be NULL is, it becomes null.
    row = f"coalesce({item.sql}, 'null')"
    rows = f"string_agg({row}, ',' order by {order})"
    if part:
        rows = f"array_to_string((array_agg({row} order by {order}))[{part}], ',')"
    return Value(("[", Sql(f"coalesce({rows}, '')"), "]"), is_sure=True)


def selected(value: Value, rest: str) -> Value:
    """The value on the row of a select, null where there is no row; ``rest`` begins with FROM."""
    return written(f"(select {value.sql} {rest})")


def selected_once(value: Value, rest: str) -> Value:
    """The same of a select that always has one row, because it aggregates."""
    places = [place for place, piece in enumerate(value.pieces) if type(piece) is Sql]
    first, last = places[0], places[-1] + 1
    # What is known stays outside, so that a long text between is not copied once more.
    inside = Sql(f"(select {concatenated(value.pieces[first:last])} {rest})")
    return Value((*value.pieces[:first], inside, *value.pieces[last:]), value.is_sure)


def concatenated(pieces: Iterable[Piece]) -> str:
    """SQL of type text for pieces side by side; NULL where one of them is."""
    terms = []
    text = ""
    for piece in pieces:
        if isinstance(piece, str):
            text += piece
            continue
        if text:
            terms.append(literal(text))
            text = ""
        terms.append(piece.text)
    if not terms:
        return f"{literal(text)}::text"
    if text:
        terms.append(literal(text))
    while len(terms) > 1:
        # Pair by pair: what stands first is not copied as often as there are terms.
        odd = terms[-1:] if len(terms) % 2 else []
        terms = [f"({left} || {right})" for left, right in zip(terms[::2], terms[1::2], strict=False)] + odd
    return terms[0]
