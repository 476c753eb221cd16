"""Whole tables before and after: what a function has changed, and that it has changed nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.support.wall import Connection

Rows = Mapping[tuple[str, str], Mapping[str, Any]]
Changes = dict[tuple[str, str], dict[str, Any] | None]


def rows_of(admin: Connection, tables: Mapping[str, str]) -> Rows:
    """Every row of the tables, each by its table and by what its rows are known by there."""
    return {
        (table, known): row
        for table, key in tables.items()
        for known, row in admin.execute(
            f"select concat_ws(' ', {key}), to_jsonb(t) from {table} t".encode()
        ).fetchall()
    }


def changes_between(before: Rows, after: Rows) -> Changes:
    """What is otherwise than before, column by column; None for what is gone."""
    found = Changes()
    for place in {*before, *after}:
        if place not in after:
            found[place] = None
        elif before.get(place) != after[place]:
            old = before.get(place, {})
            found[place] = {name: value for name, value in after[place].items() if old.get(name) != value}
    return found
