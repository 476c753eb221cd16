"""Finishing steps and audited plans."""

import json
from dataclasses import replace
from typing import Any, cast

import pytest
from tests.engine.toy import FIELDS, Reader, Toy, toy_engine

from pat_platform.engine.declare import Audit, Connection
from pat_platform.engine.errors import EngineError

PHONES = "{ authors(first: 3) { nodes { name contact { ... on Phone { number } } } } }"


@pytest.fixture
def recording(toy: Toy) -> Toy:
    """The toy, recording whom an answer reveals."""
    toy.connection.execute(
        "create or replace function toy.reveal(operation text, subjects json) returns int language sql"
        " as 'insert into toy.revealed values (operation, subjects) returning 1'; truncate toy.revealed"
    )
    toy.engine = toy_engine(audit_sql="select toy.reveal({operation}, {subjects})")
    return toy


def revealed(toy: Toy) -> list[Any]:
    rows = toy.connection.execute("select subjects, operation from toy.revealed").fetchall()
    assert {operation for _, operation in rows} <= {toy.engine.operation(PHONES).digest}
    return [subjects for subjects, _ in rows]


def test_a_step_finishes_all_its_values_in_one_call(toy: Toy) -> None:
    calls: list[list[Any]] = []

    def counted(values: list[Any], context: Any) -> list[Any]:
        calls.append([*values, context])
        return [value + "!" for value in values]

    toy.engine.steps = {**toy.engine.steps, "shout": counted}
    bound = toy.prepare("{ a: allAuthors { shout } b: authors(first: 1) { nodes { loud: shout } } }")
    completed = toy.engine.complete(bound, toy.execute(bound)[0], "context")
    assert calls == [["asha", "hush", "void", "", "asha", "context"]]
    assert json.loads(completed.data)["a"] == [{"shout": t} for t in ("asha!", None, "hush!", "void!", "!")]
    assert json.loads(completed.data)["b"] == {"nodes": [{"loud": "asha!"}]}


def test_a_step_may_refuse_a_value(toy: Toy) -> None:
    completed = toy.agrees("{ allAuthors { name shout } }")
    assert [author["shout"] for author in json.loads(completed.data)["allAuthors"]] == [
        "ASHA",
        None,
        None,
        None,
        "",
    ]
    assert completed.errors == [
        {
            "message": "Too quiet to shout.",
            "locations": [{"line": 1, "column": 21}],
            "path": ["allAuthors", 2, "shout"],
            "extensions": {"code": "QUIET"},
        }
    ]


def test_a_step_that_gives_nothing_where_something_must_be(toy: Toy) -> None:
    document = "query ($n: Int) { authors(last: $n) { nodes { requiredShout } } }"
    completed = toy.agrees(document, {"n": 2})
    assert completed.data == b"null"
    assert completed.errors[0]["message"] == "Cannot return null for non-nullable field Author.requiredShout."


def test_a_step_must_answer_for_every_value(toy: Toy) -> None:
    toy.engine.steps = {"shout": lambda values, context: []}
    bound = toy.prepare("{ allAuthors { shout } }")
    with pytest.raises(EngineError, match="step shout returned 0 values for 4"):
        toy.engine.complete(bound, toy.execute(bound)[0])


async def test_a_step_may_be_asynchronous(toy: Toy) -> None:
    async def later(values: list[Any], context: Any) -> list[Any]:
        return [value[::-1] for value in values]

    toy.engine.steps = {"shout": later}
    bound = toy.prepare("{ authors(first: 1) { nodes { shout } } }")
    completed = await toy.engine.complete_async(bound, toy.execute(bound)[0])
    assert json.loads(completed.data) == {"authors": {"nodes": [{"shout": "ahsa"}]}}


def test_an_audited_answer_says_whom_it_reveals_and_hides_how(recording: Toy) -> None:
    bound = recording.prepare(PHONES)
    assert bound.plan.audited
    raw, subjects = recording.execute(bound)[:2]
    assert raw is not None
    assert subjects is not None
    assert bound.token.encode() in raw
    ids = [
        str(row[0])
        for row in recording.connection.execute("select toy.id('author', n) from generate_series(1, 2) n")
    ]
    assert json.loads(subjects) == sorted(["identity", each] for each in ids)
    assert revealed(recording) == [json.loads(subjects)]
    assert json.loads(recording.engine.complete(bound, raw).data) == {
        "authors": {
            "nodes": [
                {"name": "Ashapurna", "contact": {"number": "54321"}},
                {"name": 'Bibhuti "B"', "contact": {"number": "09876"}},
                {"name": "Chitra \\ é ✓", "contact": {}},
            ]
        }
    }


def test_each_subject_is_recorded_once(recording: Toy) -> None:
    document = (
        "{ a: authors(first: 1) { nodes { contact { ... on Phone { number area again: number } } } }"
        " b: authors(first: 2) { nodes { contact { ... on Phone { number } } } } }"
    )
    assert len(json.loads(recording.execute(recording.prepare(document))[1] or b"")) == 2


@pytest.mark.parametrize(
    "document",
    [
        "{ authors(first: 0) { nodes { contact { ... on Phone { number } } } } }",
        "{ authors(first: 3) { nodes { contact { __typename ... on Phone { __typename } } } } }",
        "{ authors(first: 3) { nodes { contact { ... on Phone @skip(if: true) { number } } } } }",
    ],
)
def test_who_is_not_revealed_is_not_recorded(recording: Toy, document: str) -> None:
    columns = recording.execute(recording.prepare(document))
    assert columns[1:] in ([], [None, None])
    assert revealed(recording) == []


def test_who_may_not_see_is_not_audited(recording: Toy) -> None:
    recording.viewer = Reader(frozenset())
    assert not recording.prepare(PHONES).plan.audited


def test_the_standard_executor_records_the_same(recording: Toy) -> None:
    recording.run(PHONES)
    recording.diagnose(PHONES)
    compiled, judged = revealed(recording)
    assert compiled == judged


AUTHORS = replace(cast("dict[str, Connection]", FIELDS["Query"])["authors"], audits=Audit("order", "{t}.id"))
PAGES = [
    ("first: 2", "edges { cursor }", 2),
    ("first: 2", "edges { __typename }", 2),
    ("last: 1", "nodes { __typename }", 1),
    ("first: 2", "totalCount", 5),
    ("first: 0", "totalCount nodes { name }", 5),
    ("first: 2", "pageInfo { endCursor }", 2),
    ("first: 2", "pageInfo { startCursor hasPreviousPage }", 2),
    ("first: 1", "pageInfo { hasNextPage }", 2),
    ("first: 0", "pageInfo { hasNextPage }", 1),
    ("last: 2", "pageInfo { hasPreviousPage }", 3),
    ("last: 4", "... { pageInfo { hasPreviousPage } }", 5),
    ("first: 1, after: $cursor", "pageInfo { hasPreviousPage }", 5),
    ("first: 1, after: $cursor", "edges { node { name } }", 1),
    ("first: 1, after: $cursor", "pageInfo { hasNextPage }", 2),
    ("first: 2", "__typename pageInfo { __typename }", 0),
    ("first: 2", "pageInfo { hasPreviousPage }", 0),
    ("first: 2", "totalCount @skip(if: true)", 0),
]


@pytest.mark.parametrize(("arguments", "selection", "subjects"), PAGES)
def test_what_shows_an_audited_order_is_recorded_for_the_rows_that_it_tells_of(
    recording: Toy, arguments: str, selection: str, subjects: int
) -> None:
    """Cursors carry what a list is ordered by; counts and whether there is more find it out by halves."""
    recording.engine = toy_engine(
        query={"authors": AUTHORS}, audit_sql="select toy.reveal({operation}, {subjects})"
    )
    start = recording.data("{ authors(first: 1) { pageInfo { endCursor } } }")
    recording.connection.execute("truncate toy.revealed")
    declared = "query ($cursor: String)" if "$cursor" in arguments else ""
    document = f"{declared} {{ authors({arguments}) {{ {selection} }} }}"
    given = {"cursor": start["authors"]["pageInfo"]["endCursor"]} if declared else None
    recording.agrees(document, given)
    found = [pairs for (pairs,) in recording.connection.execute("select subjects from toy.revealed")]
    assert [len(pairs) for pairs in found] == [subjects] * (2 if subjects else 0)
    assert found[:1] == found[1:]
    assert {each for pairs in found for each, _ in pairs} <= {"order"}


def test_a_plain_plan_is_read_only_sql(toy: Toy) -> None:
    bound = toy.prepare("{ allAuthors { name } }")
    assert not bound.plan.audited
    assert len(toy.execute(bound)) == 1
