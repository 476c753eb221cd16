"""How much a GraphQL document may ask for, decided before the rules of the specification run.

The usual add-ons that count depth and aliases expand fragments as often as they are spread: a document of
700 bytes whose fragments each spread the next one twice then costs minutes. Here each node is visited once, a
fragment's weight is remembered, and only a document that turned out small is expanded.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from graphql import (
    ArgumentNode,
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FloatValueNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    InlineFragmentNode,
    IntValueNode,
    ListTypeNode,
    ListValueNode,
    NonNullTypeNode,
    ObjectValueNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    TypeNode,
    ValueNode,
    VariableDefinitionNode,
    parse,
    validate,
)

from pat_platform.errors import Fault
from pat_platform.plain import is_plain
from pat_platform.rules import rules_for


@dataclass(frozen=True, slots=True)
class Limits:
    """The most that a document may hold. What fragments bring counts each time they are spread.

    `source_bytes`, `source_lines`, `tokens` and `comments` bound parsing; lines, because each error that
    is located reads all of them. `depth` counts fields within fields; `nesting` counts fragments too.
    `selections` (fields, spreads and inline fragments), `aliases` and `directives` are sums over the
    document. `comparisons` bounds how many pairs of fields share a response name, because the rule that
    such fields can be merged takes microseconds for each. `input_depth` is for lists and objects within
    arguments, and for list types; `input_values` for all literals; `digits` for one number. `variable_values`
    bounds the values that are sent as variables. `errors` is how many mistakes are reported before validation stops.
    """

    source_bytes: int = 64 * 1024
    source_lines: int = 4_000
    tokens: int = 2_000
    comments: int = 500
    operations: int = 20
    fragments: int = 60
    variables: int = 100
    root_fields: int = 30
    depth: int = 15
    nesting: int = 40
    selections: int = 300
    aliases: int = 60
    directives: int = 60
    comparisons: int = 3_000
    input_depth: int = 12
    input_values: int = 500
    digits: int = 400
    variable_values: int = 2_000
    errors: int = 5


DEFAULT_LIMITS = Limits()

_Definition: TypeAlias = OperationDefinitionNode | FragmentDefinitionNode


def parse_limited(source: str, limits: Limits = DEFAULT_LIMITS) -> DocumentNode:
    """Parse a document of bounded size.

    Raises `Fault` TOO_LARGE for too many bytes or lines, TOO_COMPLEX for too many tokens or comments and for
    nesting that the parser cannot follow, BAD_INPUT for a syntax error. The messages give a position and
    never the text, which may hold a name.
    """
    if len(source.encode("utf-8", "surrogatepass")) > limits.source_bytes:
        raise Fault("TOO_LARGE", f"The query is longer than {limits.source_bytes} bytes.")
    if source.count("\n") + source.count("\r") >= limits.source_lines:
        raise Fault("TOO_LARGE", f"The query is longer than {limits.source_lines} lines.")
    try:
        return parse(source, max_lexical_tokens=limits.tokens, max_comments=limits.comments)
    except GraphQLSyntaxError as error:
        fault = _fault_of_syntax(error)
    # Raised outside of the handler, so that the parser's error and the text it quotes are not carried along.
    raise fault


def _fault_of_syntax(error: GraphQLSyntaxError) -> Fault:
    if error.message.endswith("Parsing aborted."):
        return Fault(
            "TOO_COMPLEX", "The query is too complex: too many tokens or comments, or nested too deep."
        )
    positions = [f" at line {place.line}, column {place.column}" for place in error.locations or ()]
    return Fault("BAD_INPUT", f"The query is not valid GraphQL: syntax error{''.join(positions)}.")


def validate_limited(
    schema: GraphQLSchema, document: DocumentNode, limits: Limits = DEFAULT_LIMITS
) -> list[GraphQLError]:
    """Measure the document, then apply the rules of the specification, and stop after a few mistakes.

    Suggestions ("did you mean …?") are left out: they cost a comparison with every field of the type.
    Raises what `measure` raises.
    """
    measure(document, limits)
    if is_plain(schema, document):
        return []
    rules = rules_for(document)
    return validate(schema, document, rules, max_errors=limits.errors, hide_suggestions=True)


def measure(document: DocumentNode, limits: Limits = DEFAULT_LIMITS) -> None:
    """Refuse a document that asks for too much. Takes time linear in the size of the document.

    Raises `Fault` TOO_COMPLEX that names the limit, or BAD_INPUT where the document defines anything but
    operations and fragments. Whatever else is wrong with it (unknown fragments, duplicate names) is left to
    the rules of the specification.
    """
    operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    fragments = [node for node in document.definitions if isinstance(node, FragmentDefinitionNode)]
    if len(operations) + len(fragments) != len(document.definitions):
        raise Fault("BAD_INPUT", "A query may define operations and fragments only.")
    _at_most(limits.operations, len(operations), "operations")
    _at_most(limits.fragments, len(fragments), "fragments")
    scale = _Scale(fragments, limits)
    for operation in operations:
        _at_most(limits.root_fields, scale.weigh_definition(operation).top_fields, "root fields")
    for fragment in fragments:
        scale.weigh_definition(fragment)
    roots: list[_Definition] = [*operations, *(node for node in fragments if not scale.is_spread(node))]
    _check_total([scale.weigh_definition(root) for root in roots], limits)
    comparisons = _Comparisons(scale.by_name, limits.comparisons)
    for root in roots:
        comparisons.count([root.selection_set])


def measure_variables(variables: Mapping[str, Any] | None, limits: Limits = DEFAULT_LIMITS) -> None:
    """Refuse variables that hold too many values or nest them too deep. Raises `Fault` TOO_COMPLEX."""
    level: list[Any] = [variables] if variables else []
    number = depth = 0
    while level:
        below: list[Any] = []
        for value in level:
            items = value.values() if isinstance(value, dict) else value
            number += len(items)
            if number > limits.variable_values:
                raise Fault("TOO_COMPLEX", f"The variables hold more than {limits.variable_values} values.")
            below.extend(item for item in items if isinstance(item, dict | list))
        depth += 1
        # The first level is the variables themselves.
        if below and depth > limits.input_depth:
            raise Fault("TOO_COMPLEX", f"The variables nest deeper than {limits.input_depth} levels.")
        level = below


def _at_most(limit: int, number: int, what: str) -> None:
    if number > limit:
        raise Fault("TOO_COMPLEX", f"The query is too complex: more than {limit} {what}.")


@dataclass(slots=True)
class _Weight:
    """What a selection set holds with its fragments expanded, each number at most just above its limit."""

    top_fields: int = 0
    depth: int = 0
    nesting: int = 0
    selections: int = 0
    aliases: int = 0
    directives: int = 0

    def add(self, other: "_Weight") -> None:
        """Add the counts of what stands below; heights are the caller's to judge."""
        self.selections += other.selections
        self.aliases += other.aliases
        self.directives += other.directives


def _check_total(weights: Iterable[_Weight], limits: Limits) -> None:
    total = _Weight()
    for weight in weights:
        total.add(weight)
        _check(total, limits)


def _check(weight: _Weight, limits: Limits) -> None:
    _at_most(limits.selections, weight.selections, "fields and fragments once expanded")
    _at_most(limits.aliases, weight.aliases, "aliases")
    _at_most(limits.directives, weight.directives, "directives")
    _at_most(limits.depth, weight.depth, "levels of fields")
    _at_most(limits.nesting, weight.nesting, "levels of fields and fragments")


class _Scale:
    """Weighs each definition once, however often it is spread."""

    def __init__(self, fragments: Sequence[FragmentDefinitionNode], limits: Limits) -> None:
        self.limits = limits
        self.by_name = {fragment.name.value: fragment for fragment in fragments}
        self._spread_names: set[str] = set()
        self._values = 0
        self._known: dict[int, _Weight] = {}
        self._open: set[int] = set()

    def is_spread(self, fragment: FragmentDefinitionNode) -> bool:
        """Whether a definition weighed so far spreads this one. Never true of a namesake that is replaced."""
        return self.by_name[fragment.name.value] is fragment and fragment.name.value in self._spread_names

    def weigh_definition(self, definition: _Definition, level: int = 1) -> _Weight:
        """The weight of a definition, its fragments expanded; `level` is how deep it is spread."""
        key = id(definition)
        if key in self._known:
            return self._known[key]
        if key in self._open:
            raise Fault("TOO_COMPLEX", "The query is too complex: a fragment spreads itself.")
        self._open.add(key)
        own_directives = self._count_directives(definition.directives)
        own_directives += self._check_variables(definition.variable_definitions)
        weight = self._weigh(definition.selection_set, level)
        weight.directives += own_directives
        _check(weight, self.limits)
        self._open.discard(key)
        self._known[key] = weight
        return weight

    def _weigh(self, selection_set: SelectionSetNode, level: int) -> _Weight:
        # The level bounds the recursion, long before the heights below are known.
        _at_most(self.limits.nesting, level, "levels of fields and fragments")
        weight = _Weight(nesting=1)
        for selection in selection_set.selections:
            self._add_selection(weight, selection, level)
            _check(weight, self.limits)
        return weight

    def _add_selection(self, weight: _Weight, selection: SelectionNode, level: int) -> None:
        below = self._weigh_below(selection, level)
        weight.add(below)
        weight.nesting = max(weight.nesting, below.nesting + 1)
        weight.selections += 1
        weight.directives += self._count_directives(selection.directives)
        if isinstance(selection, FieldNode):
            self._check_arguments(selection.arguments)
            weight.aliases += selection.alias is not None
            weight.depth = max(weight.depth, below.depth + 1)
            weight.top_fields += 1
        else:
            weight.depth = max(weight.depth, below.depth)
            weight.top_fields += below.top_fields

    def _weigh_below(self, selection: SelectionNode, level: int) -> _Weight:
        if isinstance(selection, FragmentSpreadNode):
            name = selection.name.value
            self._spread_names.add(name)
            fragment = self.by_name.get(name)
            return _Weight() if fragment is None else self.weigh_definition(fragment, level + 1)
        assert isinstance(selection, FieldNode | InlineFragmentNode)
        return (
            _Weight() if selection.selection_set is None else self._weigh(selection.selection_set, level + 1)
        )

    def _count_directives(self, directives: Sequence[DirectiveNode] | None) -> int:
        for directive in directives or ():
            self._check_arguments(directive.arguments)
        return len(directives or ())

    def _check_variables(self, variables: Sequence[VariableDefinitionNode] | None) -> int:
        """Check the variables of a definition and return how many directives stand on them."""
        _at_most(self.limits.variables, len(variables or ()), "variables")
        directives = 0
        for variable in variables or ():
            self._check_type(variable.type)
            if variable.default_value is not None:
                self._check_value(variable.default_value, 1)
            directives += self._count_directives(variable.directives)
        return directives

    def _check_arguments(self, arguments: Sequence[ArgumentNode] | None) -> None:
        for argument in arguments or ():
            self._check_value(argument.value, 1)

    def _check_value(self, value: ValueNode, level: int) -> None:
        self._values += 1
        _at_most(self.limits.input_values, self._values, "values in inputs")
        items: Sequence[ValueNode]
        if isinstance(value, ListValueNode):
            items = value.values
        elif isinstance(value, ObjectValueNode):
            items = [field.value for field in value.fields]
        else:
            if isinstance(value, IntValueNode | FloatValueNode):
                # Python would refuse to read a longer one, and say so in its own words.
                _at_most(self.limits.digits, len(value.value), "characters in a number")
            return
        _at_most(self.limits.input_depth, level, "levels of lists and objects in an input")
        for item in items:
            self._check_value(item, level + 1)

    def _check_type(self, node: TypeNode) -> None:
        level = 0
        while isinstance(node, ListTypeNode | NonNullTypeNode):
            level += isinstance(node, ListTypeNode)
            node = node.type
        _at_most(self.limits.input_depth, level, "levels of lists and objects in an input")


class _Comparisons:
    """Counts the pairs of fields that validation will compare, over a document already known to be small."""

    def __init__(self, fragments: dict[str, FragmentDefinitionNode], limit: int) -> None:
        self._fragments = fragments
        self._limit = limit
        self._number = 0

    def count(self, selection_sets: Sequence[SelectionSetNode]) -> None:
        """Count pairs of fields with one response name in these sets, merged into one, and below them."""
        fields: dict[str, list[FieldNode]] = {}
        spread: set[str] = set()
        for selection_set in selection_sets:
            self._collect(selection_set, fields, spread)
        for same_name in fields.values():
            self._number += len(same_name) * (len(same_name) - 1) // 2
            _at_most(self._limit, self._number, "pairs of fields of the same name to compare")
            below = [field.selection_set for field in same_name if field.selection_set is not None]
            if below:
                self.count(below)

    def _collect(
        self, selection_set: SelectionSetNode, fields: dict[str, list[FieldNode]], spread: set[str]
    ) -> None:
        for selection in selection_set.selections:
            if isinstance(selection, FieldNode):
                name = selection.alias or selection.name
                fields.setdefault(name.value, []).append(selection)
            elif isinstance(selection, FragmentSpreadNode):
                fragment = self._fragments.get(selection.name.value)
                if fragment is not None and fragment.name.value not in spread:
                    spread.add(fragment.name.value)
                    self._collect(fragment.selection_set, fields, spread)
            else:
                assert isinstance(selection, InlineFragmentNode)
                self._collect(selection.selection_set, fields, spread)
