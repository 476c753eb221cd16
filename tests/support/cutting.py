"""Taking a guard away for a moment, to see that it is the one that holds."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from dataclasses import dataclass
from textwrap import dedent, indent
from types import CodeType, FunctionType, SimpleNamespace
from typing import Any

import orjson
import psycopg
import pytest
from joserfc.util import urlsafe_b64decode


@dataclass(frozen=True)
class Line:
    """A piece of a function's text, and what stands there instead."""

    function: Any
    old: str
    new: str


@dataclass(frozen=True)
class Value:
    """What a module or class holds under a name, and what it holds instead."""

    owner: Any
    name: str
    instead: Any


@dataclass(frozen=True)
class Condition:
    """A piece of a function in PostgreSQL that is left out."""

    function: str
    old: str


Cut = Line | Value | Condition


def cut(guard: Iterable[Cut], patch: pytest.MonkeyPatch, admin: psycopg.Connection[Any]) -> None:
    """Take a guard away. What is changed in PostgreSQL is changed in the connection's open transaction."""
    lines: dict[Any, list[Line]] = {}
    for each in guard:
        if isinstance(each, Line):
            lines.setdefault(each.function, []).append(each)
        elif isinstance(each, Value):
            assert hasattr(each.owner, each.name)
            patch.setattr(each.owner, each.name, each.instead)
        else:
            _leave_out(each, admin)
    for function, edits in lines.items():
        patch.setattr(function, "__code__", _edited(function, edits))


def _leave_out(condition: Condition, admin: psycopg.Connection[Any]) -> None:
    row = admin.execute(
        "select pg_get_functiondef(p.oid) from pg_proc p where p.oid::regproc::text = %s",
        (condition.function,),
    ).fetchone()
    assert row is not None, condition.function
    assert row[0].count(condition.old) == 1, condition
    admin.execute(row[0].replace(condition.old, "").encode())


def _edited(function: FunctionType, edits: Iterable[Line]) -> CodeType:
    source = dedent(inspect.getsource(function))
    for edit in edits:
        assert source.count(edit.old) == 1, edit
        source = source.replace(edit.old, edit.new)
    # Within a class, so that super() is understood; the cell that it reads stays the function's own.
    text = f"from __future__ import annotations\nclass Place:\n{indent(source, '    ')}"
    found: dict[str, Any] = {}
    exec(compile(text, inspect.getfile(function), "exec"), dict(function.__globals__), found)
    made = vars(found["Place"])[function.__name__]
    code: CodeType = getattr(made, "__func__", made).__code__
    return code


def unverified(token: str) -> SimpleNamespace:
    """A token's header and claims, whoever signed it."""
    header, claims, _ = token.split(".")
    return SimpleNamespace(
        header=orjson.loads(urlsafe_b64decode(header.encode())),
        claims=orjson.loads(urlsafe_b64decode(claims.encode())),
    )
