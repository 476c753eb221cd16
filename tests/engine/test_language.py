"""The language of queries: every form that a document may have."""

import json

import pytest
from tests.engine.toy import Toy

from pat_platform.engine.errors import Rejected


def test_an_operation_is_one_statement(toy: Toy) -> None:
    toy.run(
        "{ allAuthors { name home { code } books { totalCount nodes { title reviews { totalCount } } } } missing2: echo }"
    )
    assert len(toy.statements) == 1


def test_aliases_and_typename(toy: Toy) -> None:
    data = toy.data(
        '{ t: __typename x: echo(text: "1") y: echo(text: "2") echo network { n: __typename again { bookTotal } } }'
    )
    assert json.dumps(data) == (
        '{"t": "Query", "x": "1", "y": "2", "echo": null, "network": {"n": "Network", "again": {"bookTotal": 18}}}'
    )


def test_fields_with_the_same_key_merge_their_selections(toy: Toy) -> None:
    data = toy.data(
        "{ network { bookTotal again { longest } } ...A network { again { bookTotal } } }"
        " fragment A on Query { network { again { __typename } } }"
    )
    assert data == {
        "network": {"bookTotal": 18, "again": {"longest": 296, "__typename": "Network", "bookTotal": 18}}
    }


@pytest.mark.parametrize(
    "key",
    ["null", "NULL", "true", "__proto__", "_1", "select", "é".encode().hex().replace("c3", "k"), "x" * 500],
)
def test_a_response_key_may_be_any_name(toy: Toy, key: str) -> None:
    assert toy.data(f"{{ {key}: echo network {{ {key}: bookTotal }} }}") == {key: None, "network": {key: 18}}


def test_keys_longer_than_an_identifier_stay_apart(toy: Toy) -> None:
    long = "k" * 80
    data = toy.data(f'{{ {long}a: echo(text: "a") {long}b: echo(text: "b") }}')
    assert data == {f"{long}a": "a", f"{long}b": "b"}


@pytest.mark.parametrize("count", [49, 50, 51, 100, 700])
def test_an_object_may_have_many_fields(toy: Toy, count: int) -> None:
    fields = " ".join(f"f{n}: {'bookTotal' if n % 2 else '__typename'}" for n in range(count))
    data = toy.data(f"{{ network {{ {fields} }} }}")
    assert list(data["network"].values()) == [18 if n % 2 else "Network" for n in range(count)]


def test_fragments_apply_by_type(toy: Toy) -> None:
    completed = toy.agrees(
        "{ titles { __typename ... on Essay { id } ...B ... on Titled { title } } }"
        " fragment B on Book { pages isLong }"
    )
    assert b'"pages"' in completed.data
    assert b'"Essay"' in completed.data
    assert b"null" in completed.data


@pytest.mark.parametrize("flag", [True, False])
def test_skip_and_include_follow_their_variable(toy: Toy, flag: bool) -> None:
    document = (
        "query ($on: Boolean!) { a: echo @include(if: $on) b: echo @skip(if: $on)"
        " network @include(if: $on) { bookTotal } ... @skip(if: $on) { network { longest } }"
        " c: echo @skip(if: true) @include(if: true) }"
    )
    expected = {"a": None, "network": {"bookTotal": 18}} if flag else {"b": None, "network": {"longest": 296}}
    assert toy.data(document, {"on": flag}) == expected


def test_an_object_may_lose_all_its_fields(toy: Toy) -> None:
    assert toy.data("{ network { bookTotal @skip(if: true) } }") == {"network": {}}
    assert toy.data("{ echo @skip(if: true) }") == {}


def test_variables_have_defaults_and_are_coerced(toy: Toy) -> None:
    document = 'query ($t: String = "given", $n: Int = 2) { echo(text: $t) allAuthors { start(length: $n) } }'
    assert toy.data(document)["echo"] == "given"
    assert toy.data(document, {"t": None, "n": 1}) == {
        "echo": None,
        "allAuthors": [{"start": "A"}, {"start": "B"}, {"start": "C"}, {"start": "D"}, {"start": "E"}],
    }


def test_arguments_inside_inputs(toy: Toy) -> None:
    document = 'query ($w: [String]!, $g: String) { a: joined(input: {words: $w, glue: $g}) b: joined(input: {words: ["x", $g]}) }'
    words = ['q"', "back\\slash", "", None, "é{}", "NULL"]
    assert toy.data(document, {"w": words, "g": "+"}) == {"a": 'q"+back\\slash++é{}+NULL', "b": "x-+"}


def test_text_reaches_the_database_only_as_a_parameter(toy: Toy) -> None:
    text = "'); drop schema toy; -- $1 {t} \\ \" ☃"
    assert toy.data("query ($t: String) { echo(text: $t) }", {"t": text}) == {"echo": text}
    assert text not in toy.statements[-1]
    literal = json.dumps(text, ensure_ascii=False)
    assert toy.data(f"{{ echo(text: {literal}) }}") == {"echo": text}
    assert "drop schema" not in toy.statements[-1]


@pytest.mark.parametrize(
    ("document", "variables", "message"),
    [
        ("{ echo ", {}, "Syntax Error: Expected Name, found <EOF>."),
        ("{ nothing }", {}, "Cannot query field 'nothing' on type 'Query'."),
        ("query ($n: Int!) { authors(first: $n) { totalCount } }", {}, "Variable '$n' has invalid value"),
        (
            "query ($n: Int!) { authors(first: $n) { totalCount } }",
            {"n": "x"},
            "Variable '$n' has invalid value",
        ),
        (
            "query A { echo } query B { echo }",
            {},
            "Must provide operation name if query contains multiple operations.",
        ),
        ("fragment A on Query { echo }", {}, "Fragment 'A' is never used."),
    ],
)
def test_what_is_no_operation_is_rejected(
    toy: Toy, document: str, variables: dict[str, object], message: str
) -> None:
    with pytest.raises(Rejected) as rejected:
        toy.run(document, variables)
    assert rejected.value.errors[0].message.startswith(message)


def test_the_operation_is_chosen_by_name(toy: Toy) -> None:
    document = 'query A { echo(text: "a") } query B { echo(text: "b") }'
    bound = toy.engine.prepare(document, "B", None, toy.viewer, toy.viewer)
    assert json.loads(toy.execute(bound)[0] or b"") == {"echo": "b"}
    with pytest.raises(Rejected, match="Unknown operation named 'C'"):
        toy.engine.prepare(document, "C", None, toy.viewer, toy.viewer)


def test_a_null_variable_where_none_may_be_is_an_error_in_its_place(toy: Toy) -> None:
    document = "query ($n: Int = 3, $on: Boolean = true) { a: echo allAuthors { start(length: $n) home { name @include(if: $on) } } }"
    completed = toy.agrees(document, {"n": None, "on": True})
    assert [error["path"] for error in completed.errors] == [["allAuthors", 0, "start"]]
    completed = toy.agrees("query ($on: Boolean = true) { echo @include(if: $on) }", {"on": None})
    assert completed.data == b"null"
    assert "path" not in completed.errors[0]


def test_introspection_is_answered_beside_data_and_in_order(toy: Toy) -> None:
    document = (
        "query ($name: String!) { a: echo __schema { queryType { name } } network { bookTotal }"
        " __type(name: $name) { name fields { name } } }"
    )
    completed = toy.agrees(document, {"name": "Place"})
    assert json.dumps(json.loads(completed.data)).startswith(
        '{"a": null, "__schema": {"queryType": {"name": "Query"}}, "network"'
    )
    assert json.loads(completed.data)["__type"]["fields"] == [
        {"name": "id"},
        {"name": "code"},
        {"name": "name"},
    ]


def test_introspection_alone_needs_no_database(toy: Toy) -> None:
    bound = toy.prepare("{ __typename __schema { queryType { name } } }")
    assert bound.sql is None
    data = toy.engine.complete(bound, None).data
    assert json.loads(data) == {"__typename": "Query", "__schema": {"queryType": {"name": "Query"}}}
