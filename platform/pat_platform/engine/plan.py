"""A compiled operation, and the same with one request's values."""

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from graphql import GraphQLError
from graphql.execution.values import VariableValues

from .arguments import Reader
from .price import Price
from .sites import Mark, Step

GivenRow = Mapping[str, bytes]
"""An event's row: by column, the values as PostgreSQL writes them."""


class Binding:
    """One request's values while they become parameters."""

    __slots__ = ("_read", "decoded", "key", "row", "token", "variables")

    def __init__(
        self, variables: VariableValues, token: str, key: bytes | None = None, row: GivenRow | None = None
    ) -> None:
        self.variables = variables
        self.token = token
        self.key = key
        self.row = row
        self._read: dict[int, dict[str, Any]] = {}
        self.decoded: dict[Hashable, list[str | None]] = {}

    def arguments(self, reader: Reader) -> dict[str, Any]:
        """The coerced arguments of a field, read once."""
        known = self._read.get(id(reader))
        if known is None:
            known = self._read[id(reader)] = reader.read(self.variables)
        return known


Parameter = Callable[[Binding], bytes | None]
Check = Callable[[Binding], object]
_FREE = Price()


@dataclass(frozen=True, eq=False)
class Plan:
    """An operation compiled for a viewer and a structure of variables.

    ``sql`` returns one row: the finished JSON as text and, when ``audited``, the JSON array of the
    [class, subject] pairs that it reveals (NULL if there are none). Without ``sql`` the database has no part
    in the answer, which is ``skeleton`` or, where nothing can be selected at all, ``failure``. ``key`` is
    the response key when the plan is for one field and not for the whole data.
    """

    sql: str | None
    parameters: tuple[Parameter, ...] = ()
    marks: tuple[Mark, ...] = ()
    audited: bool = False
    uses_token: bool = False
    price: Price = _FREE
    checks: tuple[Check, ...] = ()
    skeleton: tuple[tuple[str, str | None], ...] = ()
    introspection: tuple[Mark, ...] = ()
    key: str | None = None
    failure: GraphQLError | None = None

    @cached_property
    def has_steps(self) -> bool:
        """Whether an answer may hold values that a finishing step must see."""
        return any(isinstance(mark.meaning, Step) for mark in self.marks)

    def bind(self, binding: Binding) -> tuple[list[bytes | None], int]:
        """The parameters' values and the operation's cost in points. Raises BadArgument."""
        for check in self.checks:
            check(binding)
        values = [parameter(binding) for parameter in self.parameters]
        return values, self.price(binding)


class Bound(NamedTuple):
    """A plan with the values for one request: what the driver sends, and what completing it needs."""

    plan: Plan
    values: list[bytes | None]
    token: str
    cost: int
    about_schema: Mapping[str, Any]

    @property
    def sql(self) -> str | None:
        """The statement, with ``$1 …`` for the values."""
        return self.plan.sql
