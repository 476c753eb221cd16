"""A statement while it is being written: its aliases, parameters and marks."""

from collections.abc import Hashable
from dataclasses import dataclass, field

from graphql import GraphQLError

from .plan import Check, Parameter
from .price import Multiple, Tallies
from .sites import Failure, Mark, Meaning, NullViolation, Site, Step, mark
from .values import Sql, Value, known, plain_string, written


@dataclass(eq=False)
class Scope:
    """The row that fields are read from: its alias, None where there is no row, and its shared laterals."""

    alias: str | None
    multiple: Multiple
    laterals: dict[str, str] = field(default_factory=dict)

    def joins(self) -> str:
        """The joins that the fields compiled so far need."""
        return "".join(f" left join lateral ({sql}) {alias} on true" for sql, alias in self.laterals.items())


class Statement:
    """Collects what the SQL of one plan refers to."""

    def __init__(self) -> None:
        self.parameters: list[Parameter] = []
        self.marks: list[Mark] = []
        self.charges = Tallies()
        self.checks: list[Check] = []
        self.audited = False
        self._aliases = 0
        self._known: dict[Hashable, int] = {}

    def alias(self) -> str:
        """A new alias: an underscore and a number, which no declaration uses."""
        self._aliases += 1
        return f"_{self._aliases}"

    def scope(self, multiple: Multiple) -> Scope:
        """A scope on a new row."""
        return Scope(self.alias(), multiple)

    def parameter(self, make: Parameter, same_as: Hashable) -> str:
        """``$n`` for a value made when the plan is bound; parameters that are the same share one."""
        number = self._known.get(same_as)
        if number is None:
            self.parameters.append(make)
            number = self._known[same_as] = len(self.parameters)
        return f"${number}"

    def constant(self, value: bytes) -> str:
        """``$n`` for a value that never changes but shall not stand in the SQL."""
        return self.parameter(lambda _: value, ("constant", value))

    def token(self) -> str:
        """SQL for the request's token, which nothing in the database can know beforehand."""
        return self.parameter(lambda binding: binding.token.encode(), "token") + "::text"

    @property
    def uses_token(self) -> bool:
        """Whether an answer may contain the token."""
        return "token" in self._known

    def step(self, site: Site, step: Step, raw: str) -> Value:
        """An array of a marker and the raw JSON for a finishing step; null where that is NULL."""
        number = self._mark(site, 0, step)
        return Value(('["', Sql(self.token()), f'{number}",', Sql(raw), "]"))

    def marker(self, site: Site, level: int, meaning: Meaning, raw: str | None = None) -> str:
        """SQL of type text for a marker in the response, optionally with text that follows it.

        NULL text makes it NULL.
        """
        number = self._mark(site, level, meaning)
        if raw is None:
            return f"({self.token()} || '{number}')"
        return f"({self.token()} || '{number}:' || {raw})"

    def _mark(self, site: Site, level: int, meaning: Meaning) -> int:
        self.marks.append(mark(site, level, meaning))
        return len(self.marks) - 1

    def guarded(self, value: Value, marker: str) -> Value:
        """The value, or the marker (SQL) where it is NULL."""
        if value.bare is not None:
            return plain_string(f"coalesce({value.bare}, {marker})", is_sure=True)
        return written(f"coalesce({value.sql}, {plain_string(marker).sql})", is_sure=True)

    def present(self, value: Value, site: Site, level: int = 0) -> Value:
        """The value, marked where it is NULL but the GraphQL type forbids that."""
        if value.is_sure or not site.is_required(level):
            return value
        return self.guarded(value, self.marker(site, level, NullViolation()))

    def missing(self, site: Site, level: int = 0) -> Value:
        """Null, marked where the GraphQL type forbids that."""
        if not site.is_required(level):
            return known(None)
        return plain_string(self.marker(site, level, NullViolation()), is_sure=True)

    def failed(self, site: Site, level: int, error: GraphQLError) -> Value:
        """In place of a value whose error was known when the plan was made."""
        return plain_string(self.marker(site, level, Failure(error)), is_sure=True)
