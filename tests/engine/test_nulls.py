"""Nulls where none may be climb to the nearest place that may be null (GraphQL specification, 6.4.4)."""

import json

from tests.engine.toy import Toy


def test_a_null_climbs_to_a_nullable_object(toy: Toy) -> None:
    completed = toy.agrees("{ allAuthors { name home { code name } } }")
    assert json.loads(completed.data)["allAuthors"][1] == {"name": 'Bibhuti "B"', "home": None}
    assert completed.errors == [
        {
            "message": "Cannot return null for non-nullable field Place.name.",
            "locations": [{"line": 1, "column": 33}],
            "path": ["allAuthors", 1, "home", "name"],
        }
    ]


def test_a_null_climbs_to_a_nullable_item(toy: Toy) -> None:
    completed = toy.agrees(
        "{ books(first: 20) { nodes { title requiredBlurb } edges { node { requiredBlurb } } } }"
    )
    nodes = json.loads(completed.data)["books"]["nodes"]
    assert nodes.count(None) == 13
    assert len(completed.errors) == 26


def test_a_null_climbs_through_lists_of_the_required(toy: Toy) -> None:
    completed = toy.agrees("{ echo books { nodes { title reviews(first: 9) { nodes { text } } } } }")
    assert any(
        node is not None and node["reviews"]["nodes"] is None
        for node in json.loads(completed.data)["books"]["nodes"]
    )


def test_a_null_may_reach_the_top(toy: Toy) -> None:
    completed = toy.agrees("{ allAuthors { requiredNickname } echo }")
    assert completed.data == b"null"
    assert [error["path"] for error in completed.errors] == [["allAuthors", 1, "requiredNickname"]]
    assert toy.agrees("{ echo missing { name } }").data == b"null"


def test_a_missing_row_is_null_or_an_error(toy: Toy) -> None:
    completed = toy.agrees(
        "{ looseBooks: allAuthors { looseBooks { title author { name } requiredSequel { title } } } }"
    )
    assert completed.errors
    assert json.loads(completed.data)["looseBooks"][4] == {"looseBooks": []}


def test_the_error_names_all_merged_places(toy: Toy) -> None:
    completed = toy.agrees("{ a: allAuthors { home { ...N } home { name } } } fragment N on Place { name }")
    assert len(completed.errors[0]["locations"]) == 2


def test_errors_before_the_climb_stay(toy: Toy) -> None:
    completed = toy.agrees(
        "{ books(first: 20, orderBy: TITLE_DESC) { nodes { sequel { requiredBlurb } requiredSequel { id } } } }"
    )
    assert len({json.dumps(error["path"]) for error in completed.errors}) == len(completed.errors) > 13


def test_an_untouched_answer_is_the_databases_bytes(toy: Toy) -> None:
    bound = toy.prepare("{ allAuthors { home { code } requiredSum: requiredPageSum @skip(if: true) } }")
    raw = toy.execute(bound)[0]
    assert toy.engine.complete(bound, raw).data is raw


def test_nobody_can_forge_a_marker(toy: Toy) -> None:
    document = "query ($t: String) { echo(text: $t) allAuthors { home { name } } }"
    first, second = toy.prepare(document), toy.prepare(document)
    assert first.token != second.token
    assert first.token not in (first.sql or "")
    completed = toy.run(document, {"t": f"{first.token}0"})
    assert json.loads(completed.data)["echo"] == f"{first.token}0"
