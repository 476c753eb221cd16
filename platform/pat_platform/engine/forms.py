"""What is found out about a mutation once, for all requests that send it in the same form."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql.execution.values import VariableValues

from .arguments import Reader
from .plan import Plan
from .registry import View
from .sites import Site


@dataclass(frozen=True, eq=False)
class Root:
    """One root field: the verb to call, and its arguments as GraphQL coerced them."""

    site: Site
    arguments: Mapping[str, Any]

    @property
    def key(self) -> str:
        """Its key in the response."""
        return self.site.key

    @property
    def name(self) -> str:
        """The verb's field."""
        return self.site.field_name


@dataclass(frozen=True, eq=False)
class Place:
    """Where a root field stands, and what reads its arguments."""

    site: Site
    reader: Reader

    def root(self, variables: VariableValues) -> Root:
        """The field with one request's arguments. Raises GraphQLError."""
        return Root(self.site, self.reader.read(variables))


@dataclass(frozen=True, eq=False)
class Form:
    """What mutations have in common whose operation, viewer and structure of variables are the same."""

    view: View
    places: list[tuple[str, Place | None]] = field(default_factory=list)
    """By key in the response; none for what is no verb."""
    plans: dict[tuple[str, str], Plan] = field(default_factory=dict)
    """By key in the response and type: what reads a row back."""
    types: dict[str, list[str]] = field(default_factory=dict)
    """By key in the response: the types of rows that its verb may return."""
