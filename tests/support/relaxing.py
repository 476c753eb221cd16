"""Taking a guard away from a database that others are connected to, and putting it back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg


@dataclass(frozen=True)
class Trigger:
    """A trigger that is not called."""

    table: str
    name: str


@dataclass(frozen=True)
class Policy:
    """A policy that lets every row be written."""

    table: str
    name: str


@dataclass(frozen=True)
class Check:
    """A constraint that is gone; ``leavings`` are the rows that it would not have."""

    table: str
    name: str
    leavings: str


Guard = Trigger | Policy | Check


@contextmanager
def relaxed(admin: psycopg.Connection[Any], guards: Sequence[Guard]) -> Iterator[None]:
    """Without these guards, for everybody; ``admin`` commits each statement."""
    assert admin.autocommit
    with ExitStack() as stack:
        for guard in guards:
            apply, undo = _statements(admin, guard)
            admin.execute(apply.encode())
            for statement in reversed(undo):
                stack.callback(admin.execute, statement.encode())
        yield


def _statements(admin: psycopg.Connection[Any], guard: Guard) -> tuple[str, list[str]]:
    alter = f"alter table {guard.table}"
    if isinstance(guard, Trigger):
        return f"{alter} disable trigger {guard.name}", [f"{alter} enable trigger {guard.name}"]
    if isinstance(guard, Check):
        known = "select pg_get_constraintdef(oid) from pg_constraint where conrelid = %s::regclass and conname = %s"
        back = f"{alter} add constraint {guard.name} {_text(admin, known, guard)}"
        return f"{alter} drop constraint {guard.name}", [
            f"delete from {guard.table} where {guard.leavings}",
            back,
        ]
    known = "select pg_get_expr(polwithcheck, polrelid) from pg_policy where polrelid = %s::regclass and polname = %s"
    policy = f"alter policy {guard.name} on {guard.table} with check"
    return f"{policy} (true)", [f"{policy} ({_text(admin, known, guard)})"]


def _text(admin: psycopg.Connection[Any], known: str, guard: Guard) -> str:
    row = admin.execute(known.encode(), (guard.table, guard.name)).fetchone()
    assert row is not None, guard
    text: str = row[0]
    return text
