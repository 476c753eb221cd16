"""How much a document may ask for, and that deciding it takes linear time."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from graphql import (
    DocumentNode,
    SelectionSetNode,
    build_schema,
    get_introspection_query,
    parse,
    visit,
)
from graphql.language.visitor import Visitor
from hypothesis import given
from hypothesis import strategies as st

from pat_platform.errors import Fault
from pat_platform.limits import Limits, measure, measure_variables, parse_limited, validate_limited

SCHEMA = build_schema(
    """
    input Filter { name: String, all: [Filter!] }
    type Query { hello(text: String, numbers: [Int], filter: Filter): String, other: Query, others: [Query] }
    """
)


def doubling(count: int, spreads: int = 2, leaf: str = "hello") -> str:
    """Fragments that each spread the next one several times: the last is reached spreads ** count times."""
    chain = " ".join(f"fragment F{i} on Query {{ {f'...F{i + 1} ' * spreads} }}" for i in range(count))
    return f"{{ ...F0 }} {chain} fragment F{count} on Query {{ {leaf} }}"


def refusal(source: str, limits: Limits | None = None) -> str:
    """The message with which the document is refused as too complex."""
    with pytest.raises(Fault) as caught:
        measure(parse(source), limits or Limits())
    assert caught.value.code == "TOO_COMPLEX"
    return caught.value.message


def is_measured(source: str, **limits: int) -> bool:
    try:
        measure(parse(source), Limits(**limits))
    except Fault:
        return False
    return True


class CountedSelections(tuple[Any, ...]):
    """The selections of a set, counting how many of them are ever looked at."""

    visits = 0

    def __iter__(self) -> Iterator[Any]:
        for item in super().__iter__():
            CountedSelections.visits += 1
            yield item


class Counting(Visitor):
    """Replaces each selection tuple of a document by one that counts."""

    def __init__(self) -> None:
        super().__init__()
        self.selections = 0

    def enter_selection_set(self, node: SelectionSetNode, *_: Any) -> None:
        self.selections += len(node.selections)
        # Nodes are frozen; the counter has to stand where the measure looks.
        object.__setattr__(node, "selections", CountedSelections(node.selections))


def visits(document: DocumentNode, limits: Limits | None = None) -> tuple[int, int]:
    """How many selections were looked at, and how many the document has."""
    counting = Counting()
    visit(document, counting)
    CountedSelections.visits = 0
    with suppress(Fault):
        measure(document, limits or Limits())
    return CountedSelections.visits, counting.selections


@pytest.mark.parametrize("descriptions", [True, False])
def test_the_introspection_that_tools_send_passes(descriptions: bool) -> None:
    source = get_introspection_query(
        descriptions=descriptions,
        specified_by_url=True,
        directive_is_repeatable=True,
        schema_description=True,
        input_value_deprecation=True,
    )
    assert validate_limited(SCHEMA, parse_limited(source)) == []


def test_a_page_of_a_real_client_passes() -> None:
    source = """
      query Board($first: Int = 50, $after: String, $withMoney: Boolean!) {
        me { id person { name } organisation { name } }
        cases(first: $first, after: $after, filter: {status: {in: [OPEN, PAUSED]}}) {
          totalCount
          edges { cursor node { ...Summary ...Money survivor { ...Name } } }
          pageInfo { ...Page }
        }
        groups: selfHelpGroups(first: 20) {
          edges { node { id name members { edges { node { role survivor { ...Name } } } } } }
          pageInfo { ...Page }
        }
        sent: referrals(direction: SENT) { ...Referrals }
        received: referrals(direction: RECEIVED) { ...Referrals }
      }
      fragment Page on PageInfo { hasNextPage endCursor }
      fragment Name on Survivor { id identity { __typename ... on SurvivorIdentity { name } ... on Withheld { reason } } }
      fragment Summary on Case { id reference status updatedAt }
      fragment Money on Case { id claims { edges { node { amount award { paid @include(if: $withMoney) } } } } }
      fragment Referrals on ReferralConnection {
        edges { node { id status scopes case { ...Summary survivor { ...Name } } } }
        pageInfo { ...Page }
      }
    """
    measure(parse_limited(source))


@pytest.mark.parametrize(("count", "spreads"), [(8, 2), (24, 2), (38, 2), (59, 2), (20, 20), (5, 100)])
@pytest.mark.parametrize("leaf", ["hello", "", "...F0", "...Unknown", "... { hello }"])
def test_fragments_that_multiply_are_refused_after_one_look_at_each_node(
    count: int, spreads: int, leaf: str
) -> None:
    document = parse(doubling(count, spreads, leaf))
    looked_at, size = visits(document)
    assert 0 < looked_at <= size


def test_fragments_that_multiply_are_named_as_the_reason() -> None:
    assert refusal(doubling(24)) == (
        "The query is too complex: more than 300 fields and fragments once expanded."
    )


@pytest.mark.parametrize("size", [1, 10, 100, 290])
def test_a_document_that_passes_is_looked_at_twice_at_most(size: int) -> None:
    fields = " ".join(f"f{number}" for number in range(size))
    document = parse(f"{{ other {{ {fields} }} ...A }} fragment A on Query {{ other {{ hello }} }}")
    looked_at, written = visits(document)
    assert written <= looked_at <= 2 * written


def test_what_is_expanded_never_exceeds_the_limit() -> None:
    # Each fragment is reached on two paths, so the second pass has to follow all that the first one allowed.
    chain = " ".join(
        f"fragment F{i} on Query {{ other {{ ...F{i + 1} }} others {{ ...F{i + 1} }} }}" for i in range(5)
    )
    document = parse(f"{{ ...F0 }} {chain} fragment F5 on Query {{ hello }}")
    looked_at, written = visits(document)
    assert written < looked_at <= written + Limits().selections


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("{ " + "hello " * 900 + "}", "fields and fragments once expanded"),
        ("{ " + "hello " * 31 + "}", "root fields"),
        ("{ ...R } fragment R on Query { " + "hello " * 31 + "}", "root fields"),
        ("{ " + "... { hello } " * 31 + "}", "root fields"),
        ("{ other { " + "hello " * 80 + "} }", "pairs of fields of the same name to compare"),
        ("{ other { " + "a: hello a: other " * 40 + "} }", "aliases"),
        ("{ other { " + " ".join(f"a{i}: hello" for i in range(61)) + "} }", "aliases"),
        ("{ hello " + "@skip(if: false) " * 61 + "}", "directives"),
        ("query " + "@a " * 61 + "{ hello }", "directives"),
        ("query ($a: Int " + "@a " * 61 + ") { hello }", "directives"),
        ("{ ...F " + "@a " * 61 + "} fragment F on Query { hello }", "directives"),
        ("{ ... " + "@a " * 61 + "{ hello } }", "directives"),
        ("{ ...F } fragment F on Query " + "@a " * 61 + "{ hello }", "directives"),
        ("{ " + "other { " * 15 + "hello" + " }" * 16, "levels of fields"),
        ("{ " + "... { " * 41 + "hello" + " }" * 42, "levels of fields and fragments"),
        ("query A { hello } " * 21, "operations"),
        ("{ hello } " + " ".join(f"fragment F{i} on Query {{ hello }}" for i in range(61)), "fragments"),
        (doubling(60), "fragments"),
        ("query (" + " ".join(f"$v{i}: Int" for i in range(101)) + ") { hello }", "variables"),
        ("{ hello(numbers: " + "[" * 13 + "]" * 13 + ") }", "levels of lists and objects in an input"),
        (
            "{ hello(filter: " + "{all: " * 13 + "1" + "}" * 13 + ") }",
            "levels of lists and objects in an input",
        ),
        ("{ hello @a(b: " + "[" * 13 + "]" * 13 + ") }", "levels of lists and objects in an input"),
        ("query ($a: A = " + "[" * 13 + "]" * 13 + ") { hello }", "levels of lists and objects in an input"),
        (
            "query ($a: " + "[" * 13 + "A" + "!]" * 13 + ") { hello }",
            "levels of lists and objects in an input",
        ),
        ("{ hello(numbers: [" + "1 " * 500 + "]) }", "values in inputs"),
        ("{ hello(numbers: [" + "1" * 401 + "]) }", "characters in a number"),
        ("query ($a: Float = 1." + "0" * 400 + ") { hello }", "characters in a number"),
    ],
)
def test_each_limit_is_named_when_it_is_passed(source: str, reason: str) -> None:
    message = refusal(source)
    assert message.startswith("The query is too complex: more than ")
    assert message.endswith(f" {reason}.")


@pytest.mark.parametrize(
    "source",
    [
        "{ ...A } fragment A on Query { ...A }",
        "{ ...A } fragment A on Query { ...B } fragment B on Query { other { ...A } }",
        "{ hello } fragment A on Query { ... { ...B } } fragment B on Query { ...A }",
    ],
)
def test_fragments_in_a_circle_are_refused_also_when_nothing_spreads_them(source: str) -> None:
    assert refusal(source) == "The query is too complex: a fragment spreads itself."


def test_fragments_nested_within_fragments_are_refused_before_python_runs_out_of_stack() -> None:
    chain = " ".join(
        f"fragment F{i} on Query {{ {'... { ' * 20} ...F{i + 1} {'}' * 20} }}" for i in range(29)
    )
    source = f"{{ ...F0 }} {chain} fragment F29 on Query {{ hello }}"
    with pytest.raises(Fault, match="more than 40 levels of fields and fragments"):
        measure(parse_limited(source))


def test_what_stands_just_within_each_limit_passes() -> None:
    assert is_measured("{ " + "hello " * 30 + "}", root_fields=30)
    assert is_measured("{ " + "other { " * 14 + "hello" + " }" * 15, depth=15)
    assert is_measured("{ a: hello b: hello }", aliases=2)
    assert is_measured("{ hello @skip(if: true) }", directives=1)
    assert is_measured("{ other { a b ...F } } fragment F on Query { c }", selections=5)
    assert not is_measured("{ other { a b ...F } } fragment F on Query { c }", selections=4)
    assert is_measured("{ hello(numbers: [1, 2]) }", input_values=3, input_depth=1)
    assert is_measured("{ hello(number: -12) }", digits=3)
    assert is_measured("{ other { hello hello hello } }", comparisons=3)
    assert not is_measured("{ other { hello hello hello } }", comparisons=2)


def test_what_a_fragment_holds_counts_each_time_it_is_spread() -> None:
    source = "{ a: other { ...F } b: other { ...F } } fragment F on Query { c: hello @a d: hello }"
    assert is_measured(source, aliases=6, directives=2, selections=8)
    assert not is_measured(source, aliases=5)
    assert not is_measured(source, directives=1)
    assert not is_measured(source, selections=7)


def test_operations_of_one_document_share_its_limits() -> None:
    source = "query A { ...F } query B { ...F } fragment F on Query { hello }"
    assert is_measured(source, selections=4)
    assert not is_measured(source, selections=3)


def test_depth_is_counted_through_fragments_wherever_they_were_seen_first() -> None:
    fragment = "fragment F on Query { other { other { hello } } }"
    for source in (
        f"{{ ...F other {{ ...F }} }} {fragment}",
        f"{{ other {{ ...F }} ...F }} {fragment}",
        f"{fragment} {{ other {{ ...F }} }}",
    ):
        assert is_measured(source, depth=4)
        assert not is_measured(source, depth=3)


def test_fields_of_one_name_are_compared_across_fragments_and_below_merged_fields() -> None:
    # Two `other` are one pair; the three `hello` below them, merged, are three.
    source = "{ ...A ...B ...B } fragment A on Query { other { hello hello } } fragment B on Query { other { hello } }"
    assert is_measured(source, comparisons=4)
    assert not is_measured(source, comparisons=3)


def test_an_alias_is_the_name_that_counts() -> None:
    assert is_measured("{ other { hello again: hello } }", comparisons=0)
    assert not is_measured("{ other { hello hello: others { hello } } }", comparisons=0)


def test_a_fragment_that_nothing_spreads_is_compared_too() -> None:
    assert not is_measured("{ hello } fragment F on Query { hello hello }", comparisons=0)


def test_a_namesake_does_not_hide_a_fragment_from_the_count() -> None:
    source = "{ ...F } fragment F on Query { hello hello } fragment F on Query { hello }"
    assert is_measured(source, comparisons=1)
    assert not is_measured(source, comparisons=0)


def test_mistakes_that_cost_nothing_are_left_to_the_rules_of_the_specification() -> None:
    errors = validate_limited(SCHEMA, parse_limited("{ ...Unknown hallo }"))
    assert [error.message for error in errors] == [
        "Unknown fragment 'Unknown'.",
        "Cannot query field 'hallo' on type 'Query'.",
    ]


def test_validation_stops_after_a_few_mistakes() -> None:
    source = "{ other { " + " ".join(f"wrong{number}" for number in range(290)) + " } }"
    assert len(validate_limited(SCHEMA, parse_limited(source), Limits(errors=3))) == 4
    # The last one says that there may be more.
    assert len(validate_limited(SCHEMA, parse_limited(source))) == 6


def test_a_document_too_complex_is_never_validated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pat_platform.limits.validate", None)
    with pytest.raises(Fault, match="TOO_COMPLEX"):
        validate_limited(SCHEMA, parse_limited(doubling(24)))


@pytest.mark.parametrize(
    "source", ["type A { a: Int }", "{ hello } schema { query: Query }", "extend type A @a"]
)
def test_a_query_defines_operations_and_fragments_only(source: str) -> None:
    with pytest.raises(Fault) as caught:
        measure(parse(source))
    assert caught.value.code == "BAD_INPUT"


@pytest.mark.parametrize(
    "source",
    [
        "{ hello } #" + "x" * 65_536,
        '{ hello(text: "' + "ক" * 22_000 + '") }',
        " " * 65_537,
        "\n" * 4_000 + "{ hello }",
        "\r" * 4_000 + "{ hello }",
    ],
)
def test_too_many_bytes_or_lines_are_refused_before_parsing(
    source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pat_platform.limits.parse", None)
    with pytest.raises(Fault) as caught:
        parse_limited(source)
    assert caught.value.code == "TOO_LARGE"


def test_a_document_of_exactly_the_largest_size_is_parsed() -> None:
    parse_limited("{ hello } #" + "x" * (65_536 - 11))


@pytest.mark.parametrize(
    "source",
    [
        "{ " + "hello " * 2_000 + "}",
        "#\n" * 501 + "{ hello }",
        "{ other " * 600 + "}" * 600,
        "{ hello(numbers: " + "[" * 900 + "]" * 900 + ") }",
    ],
)
def test_too_many_tokens_or_comments_and_endless_nesting_are_too_complex(source: str) -> None:
    with pytest.raises(Fault) as caught:
        parse_limited(source)
    assert caught.value.code == "TOO_COMPLEX"


@pytest.mark.parametrize(
    ("source", "position"),
    [
        ('{ cases(name: "Mithu Mondal" }', "line 1, column 30"),
        ('{\n  cases(name: "Mithu Mondal\n', "line 2, column 28"),
        ("{ cases } Mithu", "line 1, column 11"),
        ("", "line 1, column 1"),
        ('{ hello(text: "\ud800") }', "line 1, column 16"),
    ],
)
def test_a_syntax_error_gives_its_position_and_none_of_the_text(source: str, position: str) -> None:
    with pytest.raises(Fault) as caught:
        parse_limited(source)
    fault = caught.value
    assert fault.code == "BAD_INPUT"
    assert fault.message == f"The query is not valid GraphQL: syntax error at {position}."
    # A log that follows the chain of exceptions must not find the text either.
    assert fault.__cause__ is None
    assert fault.__context__ is None


@given(st.text() | st.text(alphabet='{}()[]!$:=@|"#.,&a1 \n\\'))
def test_any_text_is_parsed_or_refused_with_a_fault(source: str) -> None:
    with suppress(Fault):
        measure(parse_limited(source))


def test_variables_hold_values_up_to_the_limit() -> None:
    """Whatever is within lists and objects counts, and so do these."""
    measure_variables({"numbers": list(range(1_999))})
    for too_many in (
        {"numbers": list(range(2_000))},
        {f"v{number}": number for number in range(2_001)},
        {"rows": [{"a": 1, "b": 2}] * 667},
    ):
        with pytest.raises(Fault, match="more than 2000 values") as refused:
            measure_variables(too_many)
        assert refused.value.code == "TOO_COMPLEX"


def test_variables_nest_up_to_the_limit() -> None:
    def nested(levels: int) -> object:
        return [nested(levels - 1)] if levels else 1

    measure_variables({"lists": nested(Limits().input_depth)})
    with pytest.raises(Fault, match="nest deeper than 12 levels"):
        measure_variables({"lists": nested(Limits().input_depth + 1)})
