"""Variables that are read in haste are what graphql-core would have made of them."""

from __future__ import annotations

from datetime import date
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
    input Deep { text: String! day: Day inner: Inner! = {color: GREEN} deeper: [Deep!] }
    input Either @oneOf { text: String number: Int }
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
    "Outer",
    "Deep",
    "Either",
    "[Deep!]",
    "[Int]",
    "[[Color]]",
    "[String!]",
)
KEYS = ("a", "text", "number", "inner", "numbers", "color", "day", "deeper")
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**32), 2**32),
    st.floats(allow_nan=False),
    st.sampled_from(["RED", "GREEN", "BLUE", "", "text", "7"]),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(KEYS), inner)),
    max_leaves=6,
)
FITTING = st.recursive(
    st.fixed_dictionaries(
        {"text": st.text(max_size=3)},
        optional={
            "day": st.one_of(st.none(), st.text(max_size=3), st.integers()),
            "inner": st.fixed_dictionaries({}, optional={"text": st.none(), "color": st.just("RED")}),
        },
    ),
    lambda inner: st.fixed_dictionaries(
        {"text": st.text(max_size=3), "deeper": st.one_of(st.none(), st.lists(inner, max_size=2))}
    ),
    max_leaves=4,
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


@given(FITTING)
def test_inputs_that_fit_are_read_quickly_and_alike(value: dict[str, Any]) -> None:
    node = operation("query ($a: Deep!) { __typename }")
    quick = Structure(SCHEMA, node).plainly({"a": value})
    assert quick is not None
    assert told(quick) == told(get_variable_values(SCHEMA, node.variable_definitions or (), {"a": value}))


def test_a_scalar_of_our_own_is_parsed_and_what_it_refuses_is_left_to_graphql_core() -> None:
    schema = build_schema("scalar Day input Stay { day: Day } type Query { field(stay: Stay): String }")
    day: Any = schema.type_map["Day"]
    day.coerce_input_value = day.parse_value = date.fromisoformat
    (node,) = parse("query ($a: Stay) { field(stay: $a) }").definitions
    assert isinstance(node, OperationDefinitionNode)
    structure = Structure(schema, node)
    read = structure.plainly({"a": {"day": "2026-11-22"}})
    assert read is not None
    assert read.coerced == {"a": {"day": date(2026, 11, 22)}}
    assert structure.plainly({"a": {"day": "tomorrow"}}) is None
    assert structure.plainly({"a": {"day": 3}}) is None


def test_an_input_that_becomes_something_else_is_left_to_graphql_core() -> None:
    schema = build_schema("input Stay { day: Int } type Query { field(stay: Stay): String }")
    schema.type_map["Stay"].out_type = lambda value: sorted(value)  # type: ignore[attr-defined]  # of input types alone
    (node,) = parse("query ($a: Stay) { field(stay: $a) }").definitions
    assert isinstance(node, OperationDefinitionNode)
    assert Structure(schema, node).plainly({"a": {"day": 3}}) is None


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
        ("Day", "2026-11-22", True),
        ("Day", None, False),
        ("Inner", {}, True),
        ("Inner", {"text": None, "color": "GREEN"}, True),
        ("Inner", {"color": None}, False),
        ("Inner", {"color": "BLUE"}, False),
        ("Inner", {"unknown": "RED"}, False),
        ("Inner", [], False),
        ("Inner", None, False),
        ("Outer", {"inner": {"text": 1}}, False),
        ("Deep!", {}, False),
        ("Deep!", {"text": None}, False),
        ("Deep!", {"text": "a", "deeper": [{"text": "b", "day": "c"}]}, True),
        ("Deep!", {"text": "a", "deeper": [{"day": "c"}]}, False),
        ("Either", {"text": "a"}, False),
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
