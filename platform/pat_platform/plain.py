"""Documents that are plainly valid, so that the rules of the specification need not be tried.

The rules visit each node many times over, to say exactly what is wrong; most documents are right. Here one pass looks for
anything that a rule could object to. Where it is in doubt, which includes all directives, introspection, several operations and
fields that have to be merged, it says so, and the rules decide.
"""

from __future__ import annotations

from typing import Any, NoReturn

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLInputType,
    GraphQLSchema,
    InlineFragmentNode,
    ListValueNode,
    ObjectValueNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    ValueNode,
    VariableNode,
    get_named_type,
    get_nullable_type,
    is_composite_type,
    is_equal_type,
    is_input_object_type,
    is_input_type,
    is_leaf_type,
    is_list_type,
    is_required_argument,
    type_from_ast,
    validate_input_literal,
)
from graphql.utilities import do_types_overlap, is_type_sub_type_of


class _Doubt(Exception):
    """A rule might object."""


def is_plain(schema: GraphQLSchema, document: DocumentNode) -> bool:
    """Whether no rule of the specification can object to the document. False means: perhaps.

    The document is known to be small, and its fragments do not spread themselves.
    """
    try:
        _Reading(schema, document).read()
    except _Doubt:
        return False
    return True


def _doubt() -> NoReturn:
    raise _Doubt


class _Reading:
    """One pass over a document, with fragments read wherever they are spread."""

    def __init__(self, schema: GraphQLSchema, document: DocumentNode) -> None:
        self._schema = schema
        self._fragments: dict[str, FragmentDefinitionNode] = {}
        self._variables: dict[str, GraphQLInputType] = {}
        self._used: set[str] = set()
        self._spread: set[str] = set()
        operations = []
        for definition in document.definitions:
            if isinstance(definition, FragmentDefinitionNode):
                if definition.name.value in self._fragments:
                    _doubt()
                self._fragments[definition.name.value] = definition
            elif isinstance(definition, OperationDefinitionNode):
                operations.append(definition)
        if len(operations) + len(self._fragments) != len(document.definitions) or len(operations) != 1:
            _doubt()
        self._operation = operations[0]

    def read(self) -> None:
        """Raises _Doubt."""
        operation = self._operation
        root = self._schema.get_root_type(operation.operation)
        if root is None or operation.operation is OperationType.SUBSCRIPTION or operation.directives:
            _doubt()
        self._define_variables()
        self._read_selections(operation.selection_set, root, {})
        if len(self._used) != len(self._variables) or len(self._spread) != len(self._fragments):
            _doubt()

    def _define_variables(self) -> None:
        for definition in self._operation.variable_definitions or ():
            name = definition.variable.name.value
            kind = type_from_ast(self._schema, definition.type)
            if kind is None or not is_input_type(kind) or name in self._variables or definition.directives:
                _doubt()
            if definition.default_value is not None:
                self._read_value(definition.default_value, kind)
            self._variables[name] = kind

    def _read_selections(self, selections: SelectionSetNode, parent: Any, found: dict[str, Any]) -> None:
        """Read a selection set on a type; ``found`` are the fields, by response name, that are merged with these."""
        for selection in selections.selections:
            if selection.directives:
                _doubt()
            if isinstance(selection, FieldNode):
                self._read_field(selection, parent, found)
            elif isinstance(selection, FragmentSpreadNode):
                self._read_spread(selection, parent, found)
            elif isinstance(selection, InlineFragmentNode):
                condition = selection.type_condition
                kind = parent if condition is None else self._narrowed(condition.name.value, parent)
                self._read_selections(selection.selection_set, kind, found)

    def _read_spread(self, spread: FragmentSpreadNode, parent: Any, found: dict[str, Any]) -> None:
        fragment = self._fragments.get(spread.name.value)
        if fragment is None or fragment.directives or fragment.variable_definitions:
            _doubt()
        self._spread.add(fragment.name.value)
        kind = self._narrowed(fragment.type_condition.name.value, parent)
        self._read_selections(fragment.selection_set, kind, found)

    def _narrowed(self, name: str, parent: Any) -> Any:
        """The type of a fragment where some object may be both that and of the type around it."""
        kind = self._schema.get_type(name)
        if kind is parent:
            return kind
        if not is_composite_type(kind) or not do_types_overlap(self._schema, kind, parent):
            _doubt()
        return kind

    def _read_field(self, node: FieldNode, parent: Any, found: dict[str, Any]) -> None:
        name = node.name.value
        definition = self._schema.get_field(parent, name)
        if definition is None or (name != "__typename" and name.startswith("__")):
            _doubt()
        self._read_arguments(node, definition.args)
        kind = get_named_type(definition.type)
        is_bare = not node.arguments and node.selection_set is None
        response = node.alias.value if node.alias else name
        if response in found:
            # The same name, the same type, nothing given and nothing below: these are merged, whatever they belong to.
            before = found[response]
            if (
                not is_bare
                or before is None
                or before[0] != name
                or not is_equal_type(before[1], definition.type)
            ):
                _doubt()
        found[response] = (name, definition.type) if is_bare else None
        if is_leaf_type(kind) is not (node.selection_set is None):
            _doubt()
        if node.selection_set is not None:
            self._read_selections(node.selection_set, kind, {})

    def _read_arguments(self, node: FieldNode, defined: dict[str, Any]) -> None:
        given = {argument.name.value: argument.value for argument in node.arguments or ()}
        if len(given) != len(node.arguments or ()):
            _doubt()
        for name, value in given.items():
            argument = defined.get(name)
            if argument is None:
                _doubt()
            self._read_value(value, argument.type)
        for name, argument in defined.items():
            if name not in given and is_required_argument(argument):
                _doubt()

    def _read_value(self, value: ValueNode, kind: GraphQLInputType) -> None:
        if not isinstance(value, VariableNode):
            validate_input_literal(value, kind, lambda *_: _doubt())
        self._read_inside(value, kind)

    def _read_inside(self, value: ValueNode, kind: GraphQLInputType) -> None:
        """Read what a literal that fits its type holds: variables, and names that may be there twice."""
        if isinstance(value, VariableNode):
            known = self._variables.get(value.name.value)
            if known is None or not is_type_sub_type_of(self._schema, known, kind):
                _doubt()
            self._used.add(value.name.value)
        elif isinstance(value, ListValueNode):
            items = get_nullable_type(kind)
            if not is_list_type(items):
                _doubt()
            for item in value.values:
                self._read_inside(item, items.of_type)
        elif isinstance(value, ObjectValueNode):
            fields = get_nullable_type(kind)
            if not is_input_object_type(fields) or fields.is_one_of:
                _doubt()
            if len({each.name.value for each in value.fields}) != len(value.fields):
                _doubt()
            for each in value.fields:
                self._read_inside(each.value, fields.fields[each.name.value].type)
