"""The root fields __schema and __type: answered from the schema's own types, the database has no part in it.

graphql-core's executor would take some 8 µs for each field, and nothing would stop a document of a few lines whose
answer has millions. Here each selection is read once and each field that is answered is counted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from graphql import (
    GraphQLError,
    GraphQLObjectType,
    SchemaMetaFieldDef,
    TypeMetaFieldDef,
    get_named_type,
    is_enum_type,
    is_list_type,
    is_non_null_type,
    is_object_type,
)
from graphql.execution.collect_fields import FieldDetailsList
from graphql.execution.values import VariableValues

from .arguments import Reader
from .document import Operation
from .errors import Rejected
from .plan import Plan

Finisher = Callable[[Any], Any]
_ROOTS = {"__schema": SchemaMetaFieldDef, "__type": TypeMetaFieldDef}


@dataclass(frozen=True)
class AboutSchema:
    """Response key → value of the root fields about the schema, and the points that they cost.

    Where they cost too much there are no values.
    """

    values: Mapping[str, Any] = field(default_factory=dict)
    cost: int = 0


class _TooMany(Exception):
    """More fields than may be answered."""


def about_schema(operation: Operation, plan: Plan, variables: VariableValues, most: int) -> AboutSchema:
    """What the plan's root fields about the schema ask for, at a point a field and ``most`` of them. Raises Rejected."""
    reading = _Reading(operation, variables, most)
    values = {}
    try:
        for mark in plan.introspection:
            site = mark.site
            values[site.key] = reading.entry(_ROOTS[site.field_name], site.details)(None)
    except GraphQLError as error:
        raise Rejected([error]) from error
    except _TooMany:
        return AboutSchema(cost=reading.fields)
    return AboutSchema(values, reading.fields)


class _Reading:
    """One operation's introspection: its selections as they are met, and how many fields were answered."""

    def __init__(self, operation: Operation, variables: VariableValues, most: int) -> None:
        self._operation = operation
        self._variables = variables
        self._most = most
        self._info = SimpleNamespace(schema=operation.schema)
        self.fields = 0

    def entry(self, definition: Any, details: FieldDetailsList) -> Finisher:
        """What makes a field's value from the object that it belongs to. Raises GraphQLError where an argument does not fit."""
        arguments = Reader(definition, details[0].node).read(self._variables)
        resolve, info = definition.resolve, self._info
        finish = self._finisher(definition.type, details)
        if finish is None:
            return lambda source: resolve(source, info, **arguments)
        return lambda source: finish(resolve(source, info, **arguments))

    def _finisher(self, kind: Any, details: FieldDetailsList) -> Finisher | None:
        """What makes a resolved value one of the response; None where it is one."""
        if is_non_null_type(kind):
            kind = kind.of_type
        if is_list_type(kind):
            return _listed(self._finisher(kind.of_type, details))
        if is_enum_type(kind):
            return kind.coerce_output_value
        named = get_named_type(kind)
        return self._object(named, details) if is_object_type(named) else None

    def _object(self, kind: GraphQLObjectType, details: FieldDetailsList) -> Finisher:
        """Objects of one selection: it is read when the first of them is met, and once."""
        entries: list[tuple[str, Finisher]] = []

        def made(source: Any) -> dict[str, Any] | None:
            if source is None:
                return None
            if not entries:
                entries.extend(self._entries(kind, details))
            self._count(len(entries))
            return {key: value(source) for key, value in entries}

        return made

    def _entries(self, kind: GraphQLObjectType, details: FieldDetailsList) -> list[tuple[str, Finisher]]:
        entries: list[tuple[str, Finisher]] = []
        for key, below in self._operation.fields(kind, details, self._variables).items():
            name = below[0].node.name.value
            if name == "__typename":
                entries.append((key, lambda _: kind.name))
            else:
                entries.append((key, self.entry(kind.fields[name], below)))
        return entries

    def _count(self, fields: int) -> None:
        self.fields += fields
        if self.fields > self._most:
            raise _TooMany


def _listed(finish: Finisher | None) -> Finisher:
    def made(items: Any) -> list[Any] | None:
        if items is None:
            return None
        return list(items) if finish is None else [finish(item) for item in items]

    return made
