"""Rules that are not tried would have found nothing."""

from __future__ import annotations

import pytest
from graphql import DocumentNode, ExecutableDefinitionsRule, build_schema, parse, specified_rules, validate
from hypothesis import given
from hypothesis import strategies as st

from pat_platform.rules import rules_for

SCHEMA = build_schema(
    """
    input Filter { text: String numbers: [Int!] }
    interface Node { id: ID! }
    type Book implements Node { id: ID! title(short: Boolean): String pages: [Book!]! }
    type Pen implements Node { id: ID! ink: String }
    union Thing = Book | Pen
    type Query { book(id: ID!, filter: Filter): Book thing: Thing node: Node }
    type Mutation { write(text: String!): Book }
    """
)
PARTS = st.sampled_from(
    [
        "id", "title", "title(short: true)", "ink", "pages", "book", "thing", "node", "__typename", "nothing",
        'book(id: "1")', "book(id: $id)", "book(id: $other, id: 2)", 'book(id: 1, filter: {text: "a", text: "b"})',
        'title(short: "no")', "title @include(if: $yes)", "title @skip(if: true) @skip(if: true)", "title @nobody",
        "pages @stream", "...F", "...G", "... on Book", "... on Pen", "...", "... @defer", "a: id", "a: title",
    ]
)  # fmt: skip
SELECTIONS = st.recursive(
    st.lists(PARTS, min_size=1, max_size=3).map(" ".join),
    lambda inner: st.lists(st.tuples(PARTS, inner), min_size=1, max_size=3).map(
        lambda pairs: " ".join(f"{part} {{ {below} }}" for part, below in pairs)
    ),
    max_leaves=5,
)
HEADS = st.sampled_from(
    [
        "", "query", "query A", "query A($id: ID!)", "query B($id: ID!, $id: Int, $yes: Boolean!)", "mutation M",
        "query ($yes: Book)", "subscription S", "query C @nobody", "fragment F on Book", "fragment G on Pen",
        "fragment F on Filter", "fragment F on Query", "fragment H on Nothing",
    ]
)  # fmt: skip
DOCUMENTS = st.lists(st.tuples(HEADS, SELECTIONS), min_size=1, max_size=3).map(
    lambda pairs: "\n".join(f"{head} {{ {body} }}" for head, body in pairs)
)


def parsed(text: str) -> DocumentNode | None:
    try:
        return parse(text)
    except Exception:
        return None


@given(DOCUMENTS)
def test_the_same_is_found_as_by_all_rules(text: str) -> None:
    document = parsed(text)
    if document is None:
        return
    few = validate(SCHEMA, document, rules_for(document), max_errors=1000)
    everything = validate(SCHEMA, document, specified_rules, max_errors=1000)
    assert [str(error) for error in few] == [str(error) for error in everything]


@pytest.mark.parametrize(
    ("text", "idle"),
    [
        ("{ node { id } }", 19),
        ("query ($id: ID!) { book(id: $id) { id } }", 14),
        ("{ a @skip(if: true) }", 13),
    ],
)
def test_a_plain_document_is_tried_by_few(text: str, idle: int) -> None:
    assert len(list(rules_for(parse(text)))) == len(specified_rules) - idle


def test_whatever_stands_in_it_only_the_rule_that_was_applied_before_is_left_out() -> None:
    text = "query ($a: Int) { ...F @skip(if: $a) } fragment F on Query { node { id } } subscription { b }"
    assert set(specified_rules) - set(rules_for(parse(text))) == {ExecutableDefinitionsRule}


def test_a_document_without_its_text_is_tried_by_all() -> None:
    assert list(rules_for(parse("{ node { id } }", no_location=True))) == list(specified_rules)
