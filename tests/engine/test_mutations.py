"""Mutations: what a verb returns is read back by its selection."""

import base64
import json
from typing import Any

import pytest
from graphql import GraphQLError
from tests.engine.toy import Reader, Toy

from pat_platform.engine.diagnose import Fixed
from pat_platform.engine.errors import BadArgument, EngineError, NotAllowed, Rejected
from pat_platform.engine.forms import Root
from pat_platform.engine.mutations import Mutation

DOCUMENT = (
    "mutation ($i: RenameInput!) { r: renameAuthor(input: $i) { __typename"
    " ... on Author { name books(first: 1) { totalCount } contact { ... on Phone { number } } }"
    " ... on Problem { code c: code message field } ... on Conflict { current { name } } } }"
)
INPUT = {"i": {"id": "x", "name": "New"}}


def mutation(toy: Toy, document: str = DOCUMENT, variables: dict[str, Any] | None = None) -> Mutation:
    return Mutation(
        toy.engine,
        toy.engine.operation(document),
        INPUT if variables is None else variables,
        toy.viewer,
        toy.viewer,
    )


def author(toy: Toy, number: int = 1) -> str:
    found = toy.connection.execute("select toy.id('author', %s)", (number,)).fetchone()
    assert found is not None
    return str(found[0])


def read_back(toy: Toy, made: Mutation, root: Root, type_name: str, key: Any) -> Any:
    bound = made.row(root, type_name, key)
    return toy.engine.complete(bound, toy.execute(bound)[0])


def test_the_verbs_arguments_are_coerced(toy: Toy) -> None:
    (root,) = mutation(toy).roots
    assert (root.key, root.name, root.arguments) == (
        "r",
        "renameAuthor",
        {"input": {"id": "x", "name": "New"}},
    )


def test_a_row_is_read_back_by_its_key(toy: Toy) -> None:
    made = mutation(toy)
    (root,) = made.roots
    completed = read_back(toy, made, root, "Author", author(toy))
    assert json.loads(made.response([completed]).data) == {
        "r": {
            "__typename": "Author",
            "name": "Ashapurna",
            "books": {"totalCount": 4},
            "contact": {"number": "54321"},
        }
    }
    compiled = toy.engine.counters.compiled
    again = mutation(toy)
    assert (
        json.loads(read_back(toy, again, again.roots[0], "Author", author(toy, 2)).data)["name"]
        == 'Bibhuti "B"'
    )
    assert toy.engine.counters.compiled == compiled


def test_a_type_on_a_row_may_be_no_more_than_a_view_of_it(toy: Toy) -> None:
    made = mutation(toy)
    completed = read_back(toy, made, made.roots[0], "Conflict", author(toy))
    assert json.loads(completed.data) == {
        "__typename": "Conflict",
        "code": "CONFLICT",
        "c": "CONFLICT",
        "message": "Somebody else was faster.",
        "field": None,
        "current": {"name": "Ashapurna"},
    }


def test_values_are_completed_without_the_database(toy: Toy) -> None:
    made = mutation(toy)
    completed = made.values(made.roots[0], "Refusal", {"code": "NO", "message": "Not now."})
    response = made.response([completed])
    assert (
        response.data
        == b'{"r":{"__typename":"Refusal","code":"NO","c":"NO","message":"Not now.","field":null}}'
    )
    judged = toy.diagnose(
        DOCUMENT, INPUT, verbs={"r": Fixed("Refusal", {"code": "NO", "message": "Not now."})}
    )
    assert (judged.data, judged.errors) == (response.data, response.errors)


def test_values_that_lack_what_is_required_climb(toy: Toy) -> None:
    made = mutation(toy)
    completed = made.values(made.roots[0], "Refusal", {"code": "NO"})
    response = made.response([completed])
    judged = toy.diagnose(DOCUMENT, INPUT, verbs={"r": Fixed("Refusal", {"code": "NO"})})
    assert completed.climbed
    assert (response.data, response.errors) == (judged.data, judged.errors)
    assert response.errors[0]["path"] == ["r", "message"]


def test_a_row_that_is_not_there_is_an_error_where_something_must_be(toy: Toy) -> None:
    made = mutation(toy)
    completed = read_back(toy, made, made.roots[0], "Author", "00000000-0000-0000-0000-000000000000")
    assert completed.climbed
    assert made.response([completed]).data == b"null"
    assert completed.errors[0]["path"] == ["r"]
    with pytest.raises(BadArgument):
        made.row(made.roots[0], "Author", "not a uuid")


def test_roots_stand_in_the_order_of_the_document(toy: Toy) -> None:
    toy.viewer = Reader(frozenset({"dropping", "phones"}))
    document = (
        'mutation { t: __typename b: dropAuthor(id: "1") { name requiredNickname }'
        ' a: dropAuthor(id: "2") { name } a: dropAuthor(id: "2") { rating } }'
    )
    made = mutation(toy, document, {})
    assert [(root.key, root.arguments["id"]) for root in made.roots] == [("b", "1"), ("a", "2")]
    parts = [read_back(toy, made, root, "Author", author(toy, 2)) for root in made.roots]
    response = made.response(parts)
    assert json.loads(response.data) == {
        "t": "Mutation",
        "b": None,
        "a": {"name": 'Bibhuti "B"', "rating": None},
    }
    assert [error["path"] for error in response.errors] == [["b", "requiredNickname"]]


def test_a_failed_verb_is_an_error_at_its_root(toy: Toy) -> None:
    toy.viewer = Reader(frozenset({"dropping"}))
    made = mutation(toy, 'mutation { a: dropAuthor(id: "1") { name } }', {})
    failed = made.failed(made.roots[0], GraphQLError("Broken.", extensions={"code": "INTERNAL"}))
    assert not failed.climbed
    assert made.response([failed]).data == b'{"a":null}'
    assert failed.errors == [
        {
            "message": "Broken.",
            "locations": [{"line": 1, "column": 12}],
            "path": ["a"],
            "extensions": {"code": "INTERNAL"},
        }
    ]
    required = mutation(toy)
    assert required.failed(required.roots[0], GraphQLError("Broken.")).climbed


@pytest.mark.parametrize(
    "document",
    [
        'mutation { dropAuthor(id: "1") { name } }',
        'mutation { renameAuthor(input: {id: "1", name: "x"}) { ... on Author { diary } } }',
    ],
)
def test_what_is_not_allowed_is_refused_before_any_verb(toy: Toy, document: str) -> None:
    with pytest.raises(NotAllowed):
        mutation(toy, document, {})


def test_what_cannot_be_executed_is_refused_before_any_verb(toy: Toy) -> None:
    with pytest.raises(BadArgument):
        mutation(
            toy,
            'mutation { renameAuthor(input: {id: "1", name: "x"}) { ... on Author { books(first: 99) { totalCount } } } }',
            {},
        )
    with pytest.raises(Rejected):
        mutation(toy, variables={})
    with pytest.raises(EngineError, match="a query is not a mutation"):
        mutation(toy, "{ echo }", {})
    with pytest.raises(EngineError, match="a mutation is not a read"):
        toy.prepare(DOCUMENT, INPUT)


def test_ids_in_a_mutation_are_not_decoded_for_it(toy: Toy) -> None:
    given = base64.b64encode(b"Author:1").decode()
    (root,) = mutation(toy, variables={"i": {"id": given, "name": ""}}).roots
    assert root.arguments["input"]["id"] == given


def test_what_is_known_of_a_form_does_not_hold_what_was_sent_in_it(toy: Toy) -> None:
    toy.viewer = Reader(frozenset({"dropping"}))
    document = """mutation ($id: ID!, $twice: Boolean!) {
        a: dropAuthor(id: $id) { name } b: dropAuthor(id: $id) @include(if: $twice) { name } }"""
    sent = [{"id": str(number), "twice": number % 2 == 0} for number in range(4)]
    made = [mutation(toy, document, each) for each in sent]
    told = [[(root.key, root.arguments["id"]) for root in each.roots] for each in made]
    assert told == [[("a", "0"), ("b", "0")], [("a", "1")], [("a", "2"), ("b", "2")], [("a", "3")]]
    assert [each.cost for each in made] == [made[0].cost, made[1].cost] * 2
    assert made[0].cost > made[1].cost
    for each in made:
        values = [each.failed(root, GraphQLError("No.")) for root in each.roots]
        assert list(json.loads(each.response(values).data)) == [root.key for root in each.roots]


def test_a_form_is_known_to_those_who_may_do_the_same(toy: Toy) -> None:
    document = 'mutation { dropAuthor(id: "1") { name } }'
    toy.viewer = Reader(frozenset({"dropping"}))
    mutation(toy, document, {})
    toy.viewer = Reader(frozenset())
    with pytest.raises(NotAllowed):
        mutation(toy, document, {})


@pytest.mark.parametrize("times", [1, 3])
def test_what_is_wrong_with_one_request_is_told_however_often_its_form_was_met(toy: Toy, times: int) -> None:
    document = """mutation ($i: RenameInput!, $n: Int = 1) { renameAuthor(input: $i) {
        ... on Author { books(first: $n) { totalCount } } } }"""
    for _ in range(times):
        mutation(toy, document, {**INPUT, "n": 2})
    with pytest.raises(BadArgument):
        mutation(toy, document, {**INPUT, "n": 99})
    hits = toy.engine.counters.hits
    mutation(toy, document, {**INPUT, "n": 3})
    assert toy.engine.counters.hits > hits
    toy.engine.forget()
    compiled = toy.engine.counters.compiled
    mutation(toy, document, {**INPUT, "n": 3})
    assert toy.engine.counters.compiled > compiled
