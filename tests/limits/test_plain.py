"""What is taken for plainly valid is valid; the rules of the specification are asked again here."""

from __future__ import annotations

import os
import re

import pytest
from graphql import GraphQLSchema, build_schema, validate
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tests.bench import cold
from tests.bench.operations import OPERATIONS
from tests.limits.hostile import documents
from tests.limits.test_rules import DOCUMENTS, SCHEMA

from pat_platform.errors import Fault
from pat_platform.limits import measure, parse_limited, validate_limited
from pat_platform.plain import is_plain
from pat_schema.root import graphql_schema

EXAMPLES = int(os.environ.get("PLAIN_EXAMPLES", "300"))
MANY = settings(
    max_examples=EXAMPLES, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
SMALL = build_schema(
    """
    enum Mood { GLAD SAD }
    scalar Date
    input Span { begin: Date! end: Date moods: [Mood!] inner: Span }
    input Either @oneOf { a: Int b: Int }
    interface Node { id: ID! }
    type Book implements Node { id: ID! title(short: Boolean = false): String! mood: Mood pages(first: Int!, in: Span): [Page!]! }
    type Page { number: Int! book: Book }
    type Pen implements Node { id: ID! ink: String }
    union Thing = Book | Pen
    type Query { book(id: ID!, span: Span, either: Either, some: [[Int]]): Book thing: Thing node: Node pen: Pen }
    type Mutation { write(text: String!, mood: Mood): Book }
    type Subscription { written: Book }
    """
)
PLAIN = (
    "{ book(id: 1) { id id title mood pages(first: 2) { number book { id } } } pen { ink } }",
    "query A($id: ID!, $on: Date!, $m: [Mood!] = [GLAD]) { b: book(id: $id, span: {begin: $on, moods: $m, inner: {begin: $on}})"
    " { ...F title(short: true) } } fragment F on Book { id ...G } fragment G on Node { id __typename }",
    "query ($n: Int, $s: Span) { thing { ... on Book { pages(first: 1, in: $s) { number } } ... on Pen { ink } __typename }"
    ' node { ... { id } ... on Thing { __typename } } book(id: "a", some: [[1, $n], null]) { mood } }',
    "mutation M($t: String!) { write(text: $t, mood: SAD) { id } w: write(text: \"\"\"x\"\"\", mood: null) { id } }",
)  # fmt: skip
DOUBTFUL = (
    "{ nothing }",
    "{ thing }",
    "{ pen { id { id } } }",
    "{ __schema { types { name } } }",
    "{ pen { id } } { pen { id } }",
    "subscription { written { id } }",
    "query @skip(if: true) { pen { id } }",
    "query ($a: Int @deprecated) { book(id: 1, some: [[$a]]) { id } }",
    "{ pen { id @include(if: true) } }",
    "{ pen { id } pen { ink } }",
    "{ pen { id id: ink } }",
    "{ book(id: 1) { title title(short: true) } }",
    "{ node { ... on Book { title } ... on Pen { title: ink } } }",
    "{ node { ... on Book { a: title } ... on Pen { a: id } } }",
    "{ book { id } }",
    "{ book(id: 1, id: 1) { id } }",
    "{ book(id: 1, of: 2) { id } }",
    "{ book(id: null) { id } }",
    "{ book(id: 1.5) { id } }",
    "{ book(id: 1, either: {a: 1}) { id } }",
    "{ book(id: 1, span: {begin: 1, begin: 1}) { id } }",
    "{ book(id: 1, span: {end: 1}) { id } }",
    "query ($d: Date) { book(id: 1, span: {begin: {a: $d}}) { id } }",
    "query ($d: Date) { book(id: 1, span: {begin: [$d]}) { id } }",
    "query ($d: Date) { book(id: 1, span: {begin: $d}) { id } }",
    "query ($d: Date) { pen { id } }",
    "query ($d: Pen) { pen { id } }",
    "query ($d: Nothing) { pen { id } }",
    "query ($d: Int, $d: Int) { book(id: 1, some: [[$d]]) { id } }",
    "query ($d: Int = GLAD) { book(id: 1, some: [[$d]]) { id } }",
    "{ book(id: 1, some: [[$d]]) { id } }",
    "{ pen { ...F } }",
    "{ pen { id } } fragment F on Pen { id }",
    "{ pen { ...F } } fragment F on Pen { id } fragment F on Pen { id }",
    "{ pen { ...F } } fragment F on Book { id }",
    "{ pen { ...F } } fragment F on Date { id }",
    "{ pen { ...F } } fragment F on Pen @nobody { id }",
    "{ pen { ... on Book { id } } }",
    "{ pen { ... on Nothing { id } } }",
    "{ pen { id } } type X { y: Int }",
)
TOKENS = re.compile(r'"""[^"]*"""|"[^"]*"|\.\.\.|[A-Za-z_]\w*|-?\d+(?:\.\d+)?|#[^\n]*|[^\s,]')
PRODUCT = [cold.DOCUMENT, *(each.document for each in OPERATIONS.values())]
HOSTILE = [hostile.query for hostile in documents() if len(hostile.query) < 4000]


def disagrees(schema: GraphQLSchema, text: str) -> bool:
    """Whether a document that the rules refuse is taken for plain."""
    try:
        document = parse_limited(text)
        measure(document)
    except Fault:
        return False
    return is_plain(schema, document) and bool(validate(schema, document))


@st.composite
def spoilt(draw: st.DrawFn, texts: list[str]) -> str:
    """One of these documents, with some of its tokens lost, doubled, exchanged or replaced."""
    tokens = TOKENS.findall(draw(st.sampled_from(texts)))
    for _ in range(draw(st.integers(1, 3))):
        place, other = (draw(st.integers(0, len(tokens) - 1)) for _ in range(2))
        match draw(st.integers(0, 4)):
            case 0:
                del tokens[place]
            case 1:
                tokens.insert(other, tokens[place])
            case 2:
                tokens[place], tokens[other] = tokens[other], tokens[place]
            case 3:
                tokens[place] = tokens[other]
            case _:
                tokens[place] = draw(
                    st.sampled_from(
                        ["null", "1", '"a"', "GLAD", "true", "$id", "[", "{", "@skip", "id", "[[1]]"]
                    )
                )
        if not tokens:
            break
    return " ".join(tokens)  # fmt: skip


@pytest.mark.parametrize("text", PLAIN)
def test_what_is_right_is_plain(text: str) -> None:
    document = parse_limited(text)
    assert is_plain(SMALL, document)
    assert validate(SMALL, document) == []


@pytest.mark.parametrize("text", PRODUCT)
def test_what_clients_send_is_plain(text: str) -> None:
    assert is_plain(graphql_schema(), parse_limited(text))


@pytest.mark.parametrize("text", DOUBTFUL)
def test_what_a_rule_might_object_to_is_left_to_the_rules(text: str) -> None:
    document = parse_limited(text)
    assert not is_plain(SMALL, document)


def test_what_is_not_plain_is_refused_in_the_words_of_the_rules() -> None:
    document = parse_limited("{ pen { id { id } } }")
    assert [str(each) for each in validate_limited(SMALL, document)] == [
        str(each) for each in validate(SMALL, document)
    ]


@MANY
@given(spoilt(list(PLAIN)))
def test_nothing_spoilt_is_plain_unless_it_is_still_right(text: str) -> None:
    assert not disagrees(SMALL, text)


@MANY
@given(spoilt(PRODUCT))
def test_nor_is_what_clients_send(text: str) -> None:
    assert not disagrees(graphql_schema(), text)


@MANY
@given(spoilt(HOSTILE))
def test_nor_is_what_is_sent_to_hurt(text: str) -> None:
    assert not disagrees(graphql_schema(), text)


@MANY
@given(DOCUMENTS)
@example("{ book { id } }")
def test_nor_is_what_is_put_together_by_chance(text: str) -> None:
    assert not disagrees(SCHEMA, text)


@pytest.mark.parametrize("text", HOSTILE)
def test_no_hostile_request_is_plain_unless_it_is_right(text: str) -> None:
    assert not disagrees(graphql_schema(), text)
