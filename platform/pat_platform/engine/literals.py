"""Objects made of given values, completed in Python by the rules of GraphQL's execution."""

from collections.abc import Mapping
from typing import Any

import orjson
from graphql import (
    GraphQLError,
    GraphQLObjectType,
    get_named_type,
    is_abstract_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
    is_object_type,
    located_error,
)
from graphql.execution.values import VariableValues

from .arguments import plain
from .complete import Completed
from .document import Operation
from .errors import EngineError
from .sites import Site

Path = list[str | int]


class Literal:
    """Completes one value for an operation's selections."""

    def __init__(self, operation: Operation, variables: VariableValues) -> None:
        self._operation = operation
        self._variables = variables
        self._errors: list[GraphQLError] = []

    def complete(self, site: Site, type_name: str, values: Mapping[str, Any]) -> Completed:
        """The site's value: an object of the type, its fields by their GraphQL names."""
        climbed = False
        try:
            value = self._value(site.type, {"__typename": type_name, **values}, site, [site.key])
        except GraphQLError as error:
            self._errors.append(error)
            value, climbed = None, True
        return Completed(orjson.dumps(value), [dict(error.formatted) for error in self._errors], climbed)

    def _value(self, kind: Any, value: Any, site: Site, path: Path) -> Any:
        """The value of a type; raises the located error where it may not be null."""
        if is_non_null_type(kind):
            return self._required(kind.of_type, value, site, path)
        try:
            return self._of(kind, value, site, path)
        except GraphQLError as error:
            self._errors.append(located_error(error, site.nodes, path))
            return None

    def _required(self, kind: Any, value: Any, site: Site, path: Path) -> Any:
        if value is None:
            error = GraphQLError(f"Cannot return null for non-nullable field {site.name}.")
            raise located_error(error, site.nodes, path)
        try:
            return self._of(kind, value, site, path)
        except GraphQLError as error:
            raise located_error(error, site.nodes, path) from error

    def _of(self, kind: Any, value: Any, site: Site, path: Path) -> Any:
        if value is None:
            return None
        if is_list_type(kind):
            return [self._value(kind.of_type, item, site, [*path, n]) for n, item in enumerate(value)]
        if is_leaf_type(kind):
            return plain(value)
        found = kind
        if is_abstract_type(kind):
            found = self._operation.schema.get_type(value["__typename"])
        if not is_object_type(found):
            raise EngineError(f"{get_named_type(kind).name} cannot be {value.get('__typename')}")
        return self._object(found, value, site, path)

    def _object(
        self, object_type: GraphQLObjectType, values: Mapping[str, Any], site: Site, path: Path
    ) -> dict[str, Any]:
        fields = self._operation.fields(object_type, site.details, self._variables)
        result: dict[str, Any] = {}
        for key, details in fields.items():
            name = details[0].node.name.value
            definition = self._operation.schema.get_field(object_type, name)
            if name == "__typename" or definition is None:
                result[key] = object_type.name
                continue
            inner = Site(site, key, object_type.name, name, definition, details)
            result[key] = self._value(definition.type, values.get(name), inner, [*path, key])
        return result
