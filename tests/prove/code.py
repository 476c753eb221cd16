"""Mutants of code: each rule of the lint that finds nothing, each limit of documents raised or gone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields, replace
from typing import Any

from tests.prove.mutant import Change, Mutant
from tests.support.wall import Connection

from pat_platform import limits
from pat_tenants.isolation import lint

WITHOUT_END = 10**9
_NOTHING = "select null::text where false"


def mutants() -> Iterator[Mutant]:
    """Every rule and every limit, one by one."""
    for rule in lint.RULES:
        hints = frozenset({rule.name})
        yield Mutant("lint rule finds nothing", rule.name, _silenced(rule.name), hints, is_code=True)
    for field in fields(limits.Limits):
        before = getattr(limits.Limits(), field.name)
        name = f"{field.name} {before:,}"
        # Twice is little more than once: a test must stand close to the limit.
        yield Mutant(
            "limit raised", f"{name} → {2 * before:,}", _raised(field.name, 2 * before), is_code=True
        )
        yield Mutant("limit removed", name, _removed(field.name), is_code=True)


def _silenced(name: str) -> Change:
    @contextmanager
    def changed(_: Connection) -> Iterator[None]:
        module: Any = lint
        rules = module.RULES
        module.RULES = tuple(replace(rule, query=_NOTHING) if rule.name == name else rule for rule in rules)
        try:
            yield
        finally:
            module.RULES = rules

    return changed


def _raised(name: str, value: int) -> Change:
    """Where nobody asks for another value."""
    place = [field.name for field in fields(limits.Limits)].index(name)

    @contextmanager
    def changed(_: Connection) -> Iterator[None]:
        initialise: Any = limits.Limits.__init__
        defaults, before = initialise.__defaults__, getattr(limits.DEFAULT_LIMITS, name)
        initialise.__defaults__ = (*defaults[:place], value, *defaults[place + 1 :])
        object.__setattr__(limits.DEFAULT_LIMITS, name, value)
        try:
            yield
        finally:
            initialise.__defaults__ = defaults
            object.__setattr__(limits.DEFAULT_LIMITS, name, before)

    return changed


def _removed(name: str) -> Change:
    """Whatever is asked for."""

    @contextmanager
    def changed(_: Connection) -> Iterator[None]:
        kind: Any = limits.Limits
        initialise: Callable[..., None] = kind.__init__
        before = getattr(limits.DEFAULT_LIMITS, name)

        def endless(self: limits.Limits, *values: Any, **named: Any) -> None:
            initialise(self, *values, **named)
            object.__setattr__(self, name, WITHOUT_END)

        kind.__init__ = endless
        object.__setattr__(limits.DEFAULT_LIMITS, name, WITHOUT_END)
        try:
            yield
        finally:
            kind.__init__ = initialise
            object.__setattr__(limits.DEFAULT_LIMITS, name, before)

    return changed
