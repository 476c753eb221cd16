"""Variables that are read in haste are what graphql-core would have made of them."""

from __future__ import annotations

from typing import Any

import pytest
from graphql import OperationDefinitionNode, build_schema, parse
from graphql.execution.values import VariableValues, get_argument_values, get_variable_values
from hypothesis import given
from hypothesis import strategies as st

from pat_platform.engine.arguments import Reader, dig
from pat_platform.engine.plan import Binding
from pat_platform.engine.variables import Structure

SCHEMA = build_schema(
    """
    scalar Day
    enum Color { RED GREEN }
    input Inner { text: String = "inner" color: Color! = RED }
    input Outer { text: String number: Int = 7 inner: Inner numbers: [Int!] }
    type Query {
      field(text: String = "given", id: ID, number: Int, color: Color = GREEN, outer: Outer, flag: Boolean): String
    }
    """
)
TYPES = (
    "String",
    "ID",
    "Int",
    "Boolean",
    "Color",
    "Float",
    "Day",
    "Inner",
    "[Int]",
    "[[Color]]",
    "[String!]",
)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**32), 2**32),
    st.floats(allow_nan=False),
    st.sampled_from(["RED", "GREEN", "BLUE", "", "text", "7"]),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from("ab"), inner)),
    max_leaves=6,
)
DEFINITIONS = st.lists(
    st.tuples(st.sampled_from(TYPES), st.sampled_from(["", "!", " = null"])), min_size=1, max_size=4
)


def operation(document: str) -> OperationDefinitionNode:
    (node,) = parse(document).definitions
    assert isinstance(node, OperationDefinitionNode)
    return node


def told(found: Any) -> Any:
    """What was read, with the names of types: graphql-core makes a list's type anew each time."""
    assert isinstance(found, VariableValues), found
    sources = {
        name: (source.signature.name, str(source.signature.type), source.value)
        for name, source in found.sources.items()
    }
    return sources, found.coerced


@given(definitions=DEFINITIONS, values=st.dictionaries(st.sampled_from("abcde"), VALUES, max_size=5))
def test_the_quick_way_reads_what_the_thorough_way_reads(
    definitions: list[tuple[str, str]], values: dict[str, Any]
) -> None:
    listed = ", ".join(
        f"${name}: {kind}{end}" for name, (kind, end) in zip("abcd", definitions, strict=False)
    )
    node = operation(f"query ({listed}) {{ __typename }}")
    quick = Structure(SCHEMA, node).plainly(values)
    if quick is not None:
        assert told(quick) == told(get_variable_values(SCHEMA, node.variable_definitions or (), values))


@pytest.mark.parametrize(
    ("kind", "value", "is_plain"),
    [
        ("String!", "text", True),
        ("ID", "text", True),
        ("ID", 7, False),
        ("Int", 2**31 - 1, True),
        ("Int", 2**31, False),
        ("Int", True, False),
        ("Boolean!", False, True),
        ("Boolean", 0, False),
        ("Color", "RED", True),
        ("Color", "BLUE", False),
        ("[Color!]!", ["RED", "GREEN"], True),
        ("[Color!]!", ["RED", None], False),
        ("[Color]", "RED", False),
        ("String", None, False),
        ("Day", "2026-11-22", False),
        ("Inner", {}, False),
    ],
)
def test_only_what_needs_no_thought_is_read_in_haste(kind: str, value: Any, is_plain: bool) -> None:
    structure = Structure(SCHEMA, operation(f"query ($a: {kind}) {{ __typename }}"))
    assert (structure.plainly({"a": value}) is not None) is is_plain


def test_a_variable_that_is_not_given_is_left_to_graphql_core() -> None:
    assert Structure(SCHEMA, operation("query ($a: Int = 1) { __typename }")).plainly({}) is None


def test_without_variables_there_is_nothing_to_read() -> None:
    assert Structure(SCHEMA, operation("{ __typename }")).plainly({"a": 1}) == VariableValues({}, {})


@pytest.mark.parametrize(
    "arguments",
    [
        "text: $text, number: $number",
        "text: $absent",
        "text: $null, number: $null",
        'outer: {text: $text, inner: {text: $absent, color: GREEN}, number: $number}, text: "fixed"',
        "outer: {text: $null, number: $absent, inner: {text: $text}}",
        "outer: {numbers: [$number, 2]}",
        "outer: $outer, color: $absent",
        "",
    ],
)
def test_a_value_is_the_same_by_every_path(arguments: str) -> None:
    definitions = "$text: String, $number: Int, $null: String, $absent: String, $outer: Outer"
    given_parentheses = f"({arguments})" if arguments else ""
    node = operation(f"query ({definitions}) {{ field{given_parentheses} }}")
    values = {"text": "t", "number": 3, "null": None, "outer": {"text": "o", "inner": {"color": "GREEN"}}}
    variables = get_variable_values(SCHEMA, node.variable_definitions or (), values)
    assert isinstance(variables, VariableValues)
    assert SCHEMA.query_type
    field: Any = node.selection_set.selections[0]
    definition = SCHEMA.query_type.fields["field"]
    reader = Reader(definition, field)
    whole = get_argument_values(definition, field, variables)
    for path in (
        ("text",),
        ("id",),
        ("number",),
        ("color",),
        ("outer", "text"),
        ("outer", "number"),
        ("outer", "inner", "text"),
        ("outer", "inner", "color"),
        ("outer", "numbers"),
    ):
        assert reader.at(path)(Binding(variables, "")) == dig(whole, path), path
