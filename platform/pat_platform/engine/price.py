"""What an operation costs: points for what it asks for, never for what it finds.

A price depends on the document, the variables and what the viewer may ask, so that it can be told before
anything is read and tells nobody how many rows are hidden.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .plan import Binding

OBJECT = 1
"""An object, and a value that a finishing step completes."""
CONNECTION = 2
"""A connection, besides its rows."""
COUNT = 5
"""A subquery over a whole list: a total count, or an aggregate."""
VERB = 10
"""A mutation's root field, besides what it returns."""

Number = Callable[["Binding"], int]
Factor = int | Number
"""How many rows a list may have: a number, or one that a request's variables tell."""


@dataclass(frozen=True)
class Multiple:
    """How often a row is repeated by the lists above it."""

    number: int = 1
    factors: tuple[Number, ...] = ()

    def times(self, factor: Factor) -> Multiple:
        """Once more, inside a list of ``factor`` rows."""
        if isinstance(factor, int):
            return Multiple(self.number * factor, self.factors)
        return Multiple(self.number, (*self.factors, factor))


@dataclass(frozen=True)
class Price:
    """Points for one request: some that are always due, and some that follow the variables.

    Of each group of ``alternatives``, of which an answer holds one, the dearest counts.
    """

    fixed: int = 0
    terms: tuple[tuple[int, tuple[Number, ...]], ...] = ()
    alternatives: tuple[tuple[Price, ...], ...] = ()

    def __call__(self, binding: Binding) -> int:
        """The points that one request's values make."""
        points = self.fixed
        for number, factors in self.terms:
            for factor in factors:
                number *= factor(binding)
            points += number
        for group in self.alternatives:
            points += max(price(binding) for price in group)
        return points

    @property
    def is_fixed(self) -> bool:
        """Whether variables do not matter."""
        return not self.terms and not self.alternatives


@dataclass(eq=False)
class Tally:
    """Adds up a price while an operation is compiled."""

    fixed: int = 0
    terms: dict[tuple[Number, ...], int] = field(default_factory=dict)
    alternatives: list[tuple[Price, ...]] = field(default_factory=list)

    def add(self, points: int, multiple: Multiple) -> None:
        """So many points for each of so many rows."""
        points *= multiple.number
        if multiple.factors:
            self.terms[multiple.factors] = self.terms.get(multiple.factors, 0) + points
        else:
            self.fixed += points

    def add_dearest(self, prices: list[Price]) -> None:
        """The dearest of several prices, of which one will be due."""
        if all(price.is_fixed for price in prices):
            self.fixed += max((price.fixed for price in prices), default=0)
        else:
            self.alternatives.append(tuple(prices))

    def price(self) -> Price:
        """What has been added so far."""
        terms = tuple((points, factors) for factors, points in self.terms.items() if points)
        return Price(self.fixed, terms, tuple(self.alternatives))


class Tallies:
    """The tally being added to; while alternatives are compiled, one for each of them."""

    def __init__(self) -> None:
        self._open = [Tally()]

    def add(self, points: int, multiple: Multiple) -> None:
        """So many points for each of so many rows."""
        self._open[-1].add(points, multiple)

    @contextmanager
    def alternatives(self) -> Iterator[Alternatives]:
        """Within the block ``one`` begins each alternative; only the dearest counts."""
        group = Alternatives(self._open)
        yield group
        self._open[-1].add_dearest(group.prices)

    def price(self) -> Price:
        """What has been added so far."""
        return self._open[-1].price()


class Alternatives:
    """The prices of several things of which an answer holds one."""

    def __init__(self, tallies: list[Tally]) -> None:
        self._tallies = tallies
        self.prices: list[Price] = []

    @contextmanager
    def one(self) -> Iterator[None]:
        """What is added within the block is one alternative."""
        self._tallies.append(Tally())
        try:
            yield
        finally:
            self.prices.append(self._tallies.pop().price())
