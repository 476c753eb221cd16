"""The one place where text becomes part of a SQL statement."""

import json
from collections.abc import Iterable
from typing import Any


def literal(text: str) -> str:
    """``text`` as a SQL string literal, right whatever standard_conforming_strings says.

    Raises ValueError for a NUL, which PostgreSQL's text cannot hold.
    """
    if "\0" in text:
        raise ValueError("PostgreSQL's text holds no NUL")
    quoted = text.replace("'", "''")
    return f"E'{quoted}'".replace("\\", "\\\\") if "\\" in quoted else f"'{quoted}'"


def json_literal(value: Any) -> str:
    """A JSON value as a SQL literal of type json."""
    return literal(json.dumps(value, ensure_ascii=False)) + "::json"


def array_literal(items: Iterable[str | None]) -> str:
    """PostgreSQL's text form of a one-dimensional array, for use as a parameter's value."""

    def item(text: str | None) -> str:
        if text is None:
            return "NULL"
        escaped = text.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'

    return "{" + ",".join(item(text) for text in items) + "}"
