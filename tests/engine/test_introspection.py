"""Introspection is answered as graphql-core answers it, and counted."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from graphql import get_introspection_query, graphql_sync
from tests.engine.toy import Toy

from pat_platform.engine.errors import Rejected, TooExpensive

NAMES = "query ($n: String!, $y: Boolean = false) { t: __type(name: $n) { name ...F } } "


@pytest.mark.parametrize(
    ("document", "variables"),
    [
        (get_introspection_query(), {}),
        (get_introspection_query(input_value_deprecation=True, specified_by_url=True), {}),
        ("{ __schema { __typename types { __typename kind k: kind fields { __typename } } } }", {}),
        ("{ __schema { mutationType { name } subscriptionType { name } description } }", {}),
        ('{ a: __type(name: "Book") { name } b: __type(name: "Nothing") { name } }', {}),
        (
            '{ __type(name: "Book") { fields { name args { name defaultValue } } fields { type { kind } } } }',
            {},
        ),
        (NAMES + "fragment F on __Type { enumValues(includeDeprecated: $y) { name } }", {"n": "Query"}),
        (
            NAMES + "fragment F on __Type { fields(includeDeprecated: true) @skip(if: $y) { name } }",
            {"n": "Query"},
        ),
        ("{ __schema { directives { name locations isRepeatable args { name } } } }", {}),
        ("{ __schema { types { possibleTypes { name } interfaces { name } ofType { name } isOneOf } } }", {}),
    ],
)
def test_the_answer_is_the_reference_implementations(
    toy: Toy, document: str, variables: dict[str, Any]
) -> None:
    expected = graphql_sync(toy.engine.schema, document, variable_values=variables)
    assert expected.errors is None
    for _ in range(2):
        completed = toy.engine.complete(toy.prepare(document, variables), None)
        assert not completed.errors
        assert orjson.loads(completed.data) == expected.data


def test_a_field_about_the_schema_costs_a_point(toy: Toy) -> None:
    assert toy.prepare("{ __schema { queryType { name kind } } }").cost == 1 + 2
    twice = "{ a: __schema { queryType { name } } b: __schema { queryType { name } } }"
    assert toy.prepare(twice).cost == 2 * (1 + 1)


def test_what_costs_too_much_is_refused_also_when_it_is_asked_again(toy: Toy) -> None:
    toy.engine.settings = type(toy.engine.settings)(max_cost=20)
    for document in (
        "{ __schema { types { name } } }",
        "query ($y: Boolean = true) { __schema { types @include(if: $y) { name } } }",
    ):
        for _ in range(2):
            with pytest.raises(TooExpensive, match="21 points; one operation may cost 20"):
                toy.prepare(document)


def test_an_argument_that_does_not_fit_is_refused(toy: Toy) -> None:
    document = 'query ($y: Boolean) { __type(name: "Book") { fields(includeDeprecated: $y) { name } } }'
    with pytest.raises(Rejected, match="includeDeprecated"):
        toy.prepare(document, {"y": None})
