"""What is recorded of documents that are refused before anything of them is executed.

Whoever sorts or filters by what the schema does not let her may be trying what is withheld from her, and so may whoever shows a
cursor that was not made for her. That is recorded like any refusal: by the schema's own words, never by those of the document. A
broken client does the same all day, so only some of it is.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

from graphql import (
    BREAK,
    SKIP,
    ArgumentNode,
    DocumentNode,
    EnumValueNode,
    FieldNode,
    GraphQLError,
    GraphQLInputType,
    GraphQLSchema,
    ObjectFieldNode,
    OperationType,
    StringValueNode,
    TypeInfo,
    TypeInfoVisitor,
    VariableDefinitionNode,
    Visitor,
    VisitorAction,
    get_named_type,
    get_nullable_type,
    is_enum_type,
    is_input_object_type,
    is_input_type,
    is_list_type,
    type_from_ast,
    visit,
)

from pat_auth.principal import Principal
from pat_platform.engine.cache import LeastRecent
from pat_platform.engine.document import Operation, Parser

AT_ONCE, EVERY_SECONDS = 60, 60.0
"""So many refusals of one person's are recorded however fast they come, and one more each time so much time has passed."""
PEOPLE = 10_000
LENGTH = 10_000
"""Characters of a document that is looked through for what is sought."""
_SOUGHT_BY = (ArgumentNode, EnumValueNode, ObjectFieldNode, StringValueNode)


class Allowance:
    """How many more of somebody's refusals are recorded, in this process."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._people: LeastRecent[list[float]] = LeastRecent(PEOPLE, PEOPLE)

    def admits(self, principal: Principal) -> bool:
        """Whether one more is recorded, which is then counted."""
        now, key = self._clock(), (principal.organisation, principal.person)
        spent_until = self._people.get(key)
        if spent_until is None:
            spent_until = [now]
            self._people.put(key, spent_until)
        spent_until[0] = max(spent_until[0], now)
        if spent_until[0] - now > (AT_ONCE - 1) * EVERY_SECONDS:
            return False
        spent_until[0] += EVERY_SECONDS
        return True


def sought_in(
    schema: GraphQLSchema, errors: Sequence[GraphQLError], query: str, parser: Parser
) -> str | None:
    """By which field's argument something is sought in a document that does not fit, as ``Type.field``; None where nothing is.

    Nobody reads a long document twice for that: of one only the root is told.
    """
    found = [node for error in errors for node in error.nodes or ()]
    may_seek = any(isinstance(node, _SOUGHT_BY) for node in found)
    if len(query) > LENGTH:
        return "Query" if may_seek else None
    # An error of no node says that there are more than are told.
    if may_seek or any(not error.nodes for error in errors):
        return first_sought(schema, parser(query))
    return None


def first_sought(schema: GraphQLSchema, document: DocumentNode) -> str | None:
    """The first field, as ``Type.field``, that is given an argument that it does not have, or in one a field or a value of an
    enumeration that its type does not have; of a variable's own value, the type.

    None where there is none: then the document is refused for something else. What a verb is given is no search.
    """
    types = TypeInfo(schema)
    seeker = _Seeker(schema, types)
    visit(document, TypeInfoVisitor(types, seeker))
    return seeker.found


def sought_by(operation: Operation, variables: Mapping[str, Any] | None) -> str | None:
    """The type of the first variable whose value names a field or a value that the type does not have; None where none does."""
    for definition in operation.node.variable_definitions or ():
        declared = type_from_ast(operation.schema, definition.type)
        assert is_input_type(declared), "the operation is valid"
        name = get_named_type(declared).name
        if operation.kind is OperationType.MUTATION and name in _given_to_verbs(operation.schema):
            continue
        if _is_strange(declared, (variables or {}).get(definition.variable.name.value)):
            return name
    return None


def shown_to(operation: Operation, variables: Mapping[str, Any] | None, key: str) -> str:
    """The field of the operation's root, as ``Type.field``, that answers under ``key``."""
    fields = operation.root_fields(operation.variables(variables))
    return f"{operation.root_type.name}.{fields[key][0].node.name.value}"


class _Seeker(Visitor):
    """Stops at the first thing that the schema does not have in an argument."""

    def __init__(self, schema: GraphQLSchema, types: TypeInfo) -> None:
        super().__init__()
        self._schema = schema
        self._types = types
        self._field = ""
        self.found: str | None = None

    def enter_directive(self, *_: object) -> VisitorAction:
        return SKIP

    def enter_variable_definition(self, node: VariableDefinitionNode, *_: object) -> VisitorAction:
        named = get_named_type(self._types.get_input_type())
        return SKIP if named is None or named.name in _given_to_verbs(self._schema) else None

    def enter_field(self, node: FieldNode, *_: object) -> None:
        self._field = node.name.value

    def enter_argument(self, node: ArgumentNode, *_: object) -> VisitorAction:
        field = self._types.get_field_def()
        if field is None or self._types.get_parent_type() is self._schema.mutation_type:
            return SKIP
        return self._note(node.name.value not in field.args)

    def enter_object_field(self, node: ObjectFieldNode, *_: object) -> VisitorAction:
        named = get_named_type(self._types.get_parent_input_type())
        return self._note(is_input_object_type(named) and node.name.value not in named.fields)

    def enter_enum_value(self, node: EnumValueNode, *_: object) -> VisitorAction:
        named = get_named_type(self._types.get_input_type())
        return self._note(is_enum_type(named) and node.value not in named.values)

    def enter_string_value(self, *_: object) -> VisitorAction:
        return self._note(is_enum_type(get_named_type(self._types.get_input_type())))

    def _note(self, is_strange: bool) -> VisitorAction:
        if not is_strange:
            return None
        self.found = self._place()
        return BREAK

    def _place(self) -> str | None:
        parent = self._types.get_parent_type()
        if parent is not None:
            return f"{parent.name}.{self._field}"
        variable = get_named_type(self._types.get_input_type() or self._types.get_parent_input_type())
        return None if variable is None else variable.name


def _is_strange(declared: GraphQLInputType, value: object) -> bool:
    """Whether a variable's value names a field or a value that its type does not have. It is known not to nest deep."""
    kind = get_nullable_type(declared)
    if is_list_type(kind):
        items = value if isinstance(value, list) else [value]
        return any(_is_strange(kind.of_type, item) for item in items)
    if is_enum_type(kind):
        return isinstance(value, str) and value not in kind.values
    if is_input_object_type(kind) and isinstance(value, Mapping):
        fields = kind.fields
        return any(name not in fields or _is_strange(fields[name].type, item) for name, item in value.items())
    return False


@cache
def _given_to_verbs(schema: GraphQLSchema) -> frozenset[str]:
    """The types of what verbs are given."""
    verbs = {} if schema.mutation_type is None else schema.mutation_type.fields
    return frozenset(get_named_type(each.type).name for verb in verbs.values() for each in verb.args.values())
