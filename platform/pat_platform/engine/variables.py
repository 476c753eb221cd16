"""What a plan may know of the variables: their structure, never a client's scalar.

A plan is reused for every request whose variables have the same structure, so a value that got into
the SQL would be another client's value next time. Compiling therefore sees ``HIDDEN`` in place of
every scalar, and only booleans, enums, nulls and the shape of inputs as they are.
"""

from collections.abc import Callable, Hashable, Mapping
from typing import Any, Final

from graphql import (
    GraphQLError,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLSchema,
    OperationDefinitionNode,
    TypeNode,
    Undefined,
    VariableDefinitionNode,
    is_enum_type,
    is_input_object_type,
    is_list_type,
    is_non_null_type,
    is_required_input_field,
    is_scalar_type,
    specified_scalar_types,
    type_from_ast,
)
from graphql.execution.get_variable_signature import get_variable_signature
from graphql.execution.values import VariableValues, VariableValueSource
from graphql.utilities.coerce_input_value import coerce_default_value


class Hidden:
    """Stands for a scalar that exists but that a plan must not see."""

    def __repr__(self) -> str:
        return "HIDDEN"


HIDDEN: Final = Hidden()
_ABSENT: Final = "absent"
_BOOLEAN = specified_scalar_types["Boolean"]
_INT = specified_scalar_types["Int"]
_TEXTS = frozenset({specified_scalar_types["String"], specified_scalar_types["ID"]})
_LEAST_INT, _MOST_INT = -(2**31), 2**31 - 1

Plainly = Callable[[Any], Any]
"""The coerced value of one that is of its type's plainest form; Undefined for any other."""

Shape = Callable[[Any], Hashable]
"""What two values of a type share if a plan may serve both."""


class Structure:
    """The structural side of an operation's variables."""

    def __init__(self, schema: GraphQLSchema, operation: OperationDefinitionNode) -> None:
        definitions = operation.variable_definitions or ()
        self._types = {
            definition.variable.name.value: _input_type(schema, definition.type) for definition in definitions
        }
        self._shapes = [(name, _shape(kind)) for name, kind in self._types.items()]
        self._plain = [
            (definition.variable.name.value, *_reading(schema, definition)) for definition in definitions
        ]

    def plainly(self, given: Mapping[str, Any]) -> VariableValues | None:
        """What graphql-core would make of variables that are all given and all of the plainest form; None for any others.

        Most requests are like that, and graphql-core looks each type up anew.
        """
        sources: dict[str, VariableValueSource] = {}
        coerced: dict[str, Any] = {}
        for name, plainly, signature in self._plain:
            value = given.get(name, Undefined)
            found = plainly(value)
            if found is Undefined:
                return None
            sources[name] = VariableValueSource(signature, value)
            coerced[name] = found
        return VariableValues(sources, coerced)

    def fingerprint(self, variables: VariableValues) -> Hashable:
        """What makes two requests share a plan: equal only if their structure is equal."""
        coerced = variables.coerced
        return tuple([shape(coerced[name]) if name in coerced else _ABSENT for name, shape in self._shapes])

    def hidden(self, variables: VariableValues) -> VariableValues:
        """The same variables with every scalar replaced by HIDDEN."""
        coerced = {name: _hidden(self._types[name], value) for name, value in variables.coerced.items()}
        return VariableValues(variables.sources, coerced)


def _input_type(schema: GraphQLSchema, node: TypeNode) -> GraphQLInputType:
    found: Any = type_from_ast(schema, node)
    return found  # type: ignore[no-any-return]  # validation has seen that variables have input types


def _reading(schema: GraphQLSchema, definition: VariableDefinitionNode) -> tuple[Plainly, Any]:
    signature = get_variable_signature(schema, definition)
    if isinstance(signature, GraphQLError):
        return lambda _: Undefined, signature
    return _plainly(signature.type), signature


def _plainly(kind: Any) -> Plainly:
    if is_non_null_type(kind):
        kind = kind.of_type
    if kind in _TEXTS:
        return lambda value: value if type(value) is str else Undefined
    if kind is _BOOLEAN:
        return lambda value: value if type(value) is bool else Undefined
    if kind is _INT:
        return lambda value: value if type(value) is int and _LEAST_INT <= value <= _MOST_INT else Undefined
    if is_enum_type(kind):
        members = {name: kind.coerce_input_value(name) for name in kind.values}
        return lambda value: members.get(value, Undefined) if type(value) is str else Undefined
    if is_list_type(kind):
        return _plain_list(_plainly(kind.of_type))
    if is_input_object_type(kind):
        return _plain_object(kind)
    if is_scalar_type(kind):
        return _parsed(kind.coerce_input_value)
    return lambda _: Undefined


def _plain_list(plainly: Plainly) -> Plainly:
    def read(value: Any) -> Any:
        if type(value) is not list:
            return Undefined
        items = [plainly(item) for item in value]
        # Undefined equals nothing but itself.
        return Undefined if Undefined in items else items

    return read


def _parsed(parse: Callable[[Any], Any]) -> Plainly:
    def read(value: Any) -> Any:
        if value is None:
            return Undefined
        try:
            return parse(value)
        except Exception:
            # Whatever it is, graphql-core will meet it again, and tells it in its own words.
            return Undefined

    return read


def _plain_object(kind: GraphQLInputObjectType) -> Plainly:
    if kind.is_one_of or kind.out_type is not GraphQLInputObjectType.out_type:
        return lambda _: Undefined
    fields: list[tuple[str, str, bool, Plainly, Any]] = []

    def read(value: Any) -> Any:
        if type(value) is not dict:
            return Undefined
        if not fields:
            # Not earlier: an input may hold itself.
            fields.extend(
                (name, found.out_name or name, is_non_null_type(found.type), _plainly(found.type), found)
                for name, found in kind.fields.items()
            )
        coerced, unread = {}, len(value)
        for name, out, is_required, plainly, field in fields:
            given = value.get(name, Undefined)
            if given is Undefined:
                if is_required_input_field(field):
                    return Undefined
                found = coerce_default_value(field)
                if found is Undefined:
                    continue
            else:
                unread -= 1
                found = None if given is None and not is_required else plainly(given)
                if found is Undefined:
                    return Undefined
            coerced[out] = found
        # What is left has no field.
        return Undefined if unread else coerced

    return read


def _is_structural(kind: Any) -> bool:
    return kind is _BOOLEAN or is_enum_type(kind)


def _shape(kind: Any) -> Shape:
    """What makes the fingerprint of values of a type."""
    inner = kind.of_type if is_non_null_type(kind) else kind
    if is_list_type(inner):
        return _list_shape(inner.of_type)
    if is_input_object_type(inner):
        return _object_shape(inner)
    if _is_structural(inner):
        return lambda value: None if value is None else (value,)
    return lambda value: None if value is None else True


def _list_shape(item: Any) -> Shape:
    if not _has_structure(item):
        return lambda value: None if value is None else "list"
    shape = _shape(item)
    return lambda value: None if value is None else ("list", *[shape(element) for element in value])


def _object_shape(kind: GraphQLInputObjectType) -> Shape:
    fields: list[tuple[str, str, Shape]] = []

    def fingerprint(value: Any) -> Hashable:
        if value is None:
            return None
        if not fields:
            # Not earlier: an input may hold itself.
            fields.extend(
                (name, out, _shape(kind.fields[name].type)) for name, out in sorted(_names(kind).items())
            )
        return tuple([(name, shape(value[out])) for name, out, shape in fields if out in value])

    return fingerprint


def size(fingerprint: Hashable) -> int:
    """How many values a fingerprint keeps."""
    return sum(map(size, fingerprint)) if isinstance(fingerprint, tuple) else 1


def _has_structure(item: Any) -> bool:
    inner = item.of_type if is_non_null_type(item) else item
    return is_list_type(inner) or is_input_object_type(inner) or _is_structural(inner)


def _hidden(kind: Any, value: Any) -> Any:
    if is_non_null_type(kind):
        kind = kind.of_type
    if value is None:
        return None
    if is_list_type(kind):
        return [_hidden(kind.of_type, item) for item in value] if _has_structure(kind.of_type) else HIDDEN
    if is_input_object_type(kind):
        names = _names(kind)
        return {
            out: _hidden(kind.fields[name].type, value[out]) for name, out in names.items() if out in value
        }
    return value if _is_structural(kind) else HIDDEN


def _names(kind: Any) -> Mapping[str, str]:
    """An input object's field names and the keys that coercion gives them."""
    return {name: found.out_name or name for name, found in kind.fields.items()}
