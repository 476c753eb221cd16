"""Kinds of values: each becomes the JSON that its GraphQL type promises."""

import base64
import json

from tests.engine.toy import Toy


def test_every_kind_has_its_form(toy: Toy) -> None:
    book = toy.data(
        '{ anyTitle(title: "H title 1") { ... on Essay { title } } books(first: 1, filter: {titleContains: "title 7"}) '
        "{ nodes { id title pages state publishedOn addedAt price extra isLong kind } } }"
    )["books"]["nodes"][0]
    assert base64.b64decode(book.pop("id")).startswith(b"Book:")
    assert book == {
        "title": "X title 7",
        "pages": 259,
        "state": "OUT",
        "publishedOn": "2001-01-08",
        "addedAt": "2020-02-29T07:30:00.000002Z",
        "price": 7 * 9007199254740993,
        "extra": {"k": [None, 7], "n": 7, "~": '{"x":"y"}'},
        "isLong": True,
        "kind": "paper",
    }


def test_moments_are_utc_whatever_the_session_says(toy: Toy) -> None:
    toy.connection.execute("set timezone = 'Asia/Kolkata'; set datestyle = 'SQL, DMY'")
    try:
        document = (
            "{ books(first: 1) { nodes { addedAt publishedOn } }"
            " added: books(first: 2, orderBy: ADDED_DESC) { edges { cursor } } }"
        )
        inside = toy.data(document)
    finally:
        toy.connection.execute("reset timezone; reset datestyle")
    assert inside == toy.data(document)


def test_floats_and_aggregates(toy: Toy) -> None:
    data = toy.data("{ allAuthors { name score bookCount pageSum stats { bookCount meanPages } } }")[
        "allAuthors"
    ]
    assert data[0]["score"] == 2.5
    assert data[4] == {
        "name": "Ela",
        "score": 1.5,
        "bookCount": 0,
        "pageSum": None,
        "stats": {"bookCount": 0, "meanPages": None},
    }


def test_siblings_share_one_aggregate(toy: Toy) -> None:
    toy.data("{ allAuthors { bookCount pageSum x: pageSum stats { meanPages } } }")
    assert toy.statements[-1].count("from toy.book b") == 1


def test_aggregates_need_no_row(toy: Toy) -> None:
    assert toy.data("{ network { bookTotal longest again { longest } } }") == {
        "network": {"bookTotal": 18, "longest": 296, "again": {"longest": 296}}
    }
    assert toy.statements[-1].count("toy.book") == 1


def test_arrays_of_text_and_enums(toy: Toy) -> None:
    authors = toy.data("{ allAuthors { looseTags } }")["allAuthors"]
    assert [author["looseTags"] for author in authors] == [["a", "b c"], [], ["x", None], ["{}"], []]
    completed = toy.agrees("{ allAuthors { moods } }")
    assert [a["moods"] for a in json.loads(completed.data)["allAuthors"]] == [
        ["GLAD", "SAD"],
        [],
        None,
        None,
        None,
    ]
    assert completed.errors[0]["message"] == "Enum 'Mood' cannot represent value: 'odd'"
    assert completed.errors[0]["path"] == ["allAuthors", 3, "moods", 1]


def test_a_stored_value_that_the_enum_lacks_is_an_error(toy: Toy) -> None:
    completed = toy.agrees("{ books(first: 20) { nodes { state } } }")
    assert [error["message"] for error in completed.errors] == ["Enum 'State' cannot represent value: 'lost'"]
    assert json.loads(completed.data)["books"]["nodes"].count(None) == 1


def test_constants_may_be_objects(toy: Toy) -> None:
    data = toy.data("{ setting { name levels inner { __typename name levels inner { name } } } }")
    assert data == {
        "setting": {
            "name": "toy",
            "levels": [1, 2],
            "inner": {"__typename": "Setting", "name": "deep", "levels": [], "inner": None},
        }
    }


def test_rows_of_a_grouping_have_keys_too(toy: Toy) -> None:
    completed = toy.agrees("{ counts { n } }")
    assert json.loads(completed.data) == {"counts": [{"n": 9}, {"n": 1}, {"n": 8}]}


def test_a_null_in_an_array_of_the_required_is_an_error_at_its_place(toy: Toy) -> None:
    completed = toy.agrees("{ authors(first: 4) { nodes { tags } } }")
    assert completed.data == b"null"
    assert completed.errors[0]["path"] == ["authors", "nodes", 2, "tags", 1]
