"""Unions, interfaces and node(id)."""

import base64
import json

import pytest
from graphql import build_schema
from tests.engine.toy import Reader, Toy, toy_engine

from pat_platform.engine.declare import Declaration, DeferredRow, GlobalId, NodeById, Row, Source
from pat_platform.engine.engine import Engine
from pat_platform.engine.errors import BadArgument, NotAllowed
from pat_platform.engine.kinds import TEXT
from pat_platform.engine.registry import Declarations, TypeRule


def gid(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def test_the_first_true_condition_decides(toy: Toy) -> None:
    completed = toy.agrees(
        "{ allAuthors { name contact { __typename ... on Withheld { reason } ... on Phone { number } } } }"
    )
    contacts = (
        [author["contact"] for author in json.loads(completed.data)["allAuthors"][:3]]
        if completed.data != b"null"
        else []
    )
    # Ela is listed but has no phone, and a contact may not be null.
    assert completed.data == b"null"
    assert contacts == []
    first = toy.agrees(
        "{ authors(first: 3) { nodes { contact { __typename ... on Withheld { reason } ... on Phone { number } } } } }"
    )
    assert [node["contact"] for node in json.loads(first.data)["authors"]["nodes"]] == [
        {"__typename": "Phone", "number": "54321"},
        {"__typename": "Phone", "number": "09876"},
        {"__typename": "Withheld", "reason": "UNLISTED"},
    ]


def test_no_true_condition_is_null(toy: Toy) -> None:
    titles = json.loads(toy.agrees("{ titles { __typename title } }").data)["titles"]
    assert titles.count(None) == 6
    assert {title["__typename"] for title in titles if title} == {"Essay", "Book"}
    assert json.loads(toy.agrees("{ strictTitles { title } }").data) == {"strictTitles": None}


def test_what_the_viewer_may_do_decides_a_deferred_declaration(toy: Toy) -> None:
    toy.viewer = Reader(frozenset())
    data = toy.data("{ authors(first: 1) { nodes { contact { ... on Withheld { reason } } } } }")
    assert data["authors"]["nodes"][0]["contact"] == {"reason": "SCOPE"}
    assert "toy.phone" not in toy.statements[-1]


def test_node_finds_each_type_by_its_id(toy: Toy) -> None:
    author = toy.data("{ authors(first: 1) { nodes { id } } }")["authors"]["nodes"][0]["id"]
    document = (
        "query ($id: ID!) { node(id: $id) { __typename id ... on Author { name } ... on Place { code } } }"
    )
    assert toy.data(document, {"id": author})["node"] == {
        "__typename": "Author",
        "id": author,
        "name": "Ashapurna",
    }
    place = toy.data(document, {"id": gid("Place:bon")})["node"]
    assert place == {"__typename": "Place", "id": gid("Place:bon"), "code": "bon"}
    assert toy.engine.counters.compiled == 2


@pytest.mark.parametrize(
    "text",
    ["Place:none", "Essay:x", "Nothing:1", "Conflict:00000000-0000-0000-0000-000000000000", "Withheld:1"],
)
def test_an_id_that_leads_nowhere_is_null(toy: Toy, text: str) -> None:
    assert json.loads(toy.agrees("query ($id: ID!) { node(id: $id) { id } }", {"id": gid(text)}).data) == {
        "node": None
    }


@pytest.mark.parametrize(
    "text",
    ["x", "", "Author:", ":x", "QXV0aG9y", "Author:1", gid("Author:not-a-uuid"), "é", gid("Place:a\0")],
)
def test_what_is_no_id_is_a_bad_argument(toy: Toy, text: str) -> None:
    with pytest.raises(BadArgument, match="This is not an id") as refused:
        toy.run("query ($id: ID!) { n: node(id: $id) { id } }", {"id": text})
    assert refused.value.path == ("n",)
    with pytest.raises(BadArgument):
        toy.diagnose("query ($id: ID!) { n: node(id: $id) { id } }", {"id": text})


def test_an_id_of_another_type_is_no_author(toy: Toy) -> None:
    document = "query ($id: ID!) { author(id: $id) { name } }"
    assert toy.data(document, {"id": gid("Place:bon")}) == {"author": None}
    assert toy.data(document, {"id": gid("Author:00000000-0000-0000-0000-000000000000")}) == {"author": None}


def test_a_type_the_viewer_may_not_read_is_no_node(toy: Toy) -> None:
    toy.engine = toy_engine(place_requires="places")
    document = "query ($id: ID!) { node(id: $id) { id ... on Place { name } } }"
    assert toy.data(document, {"id": gid("Place:bon")}) == {"node": None}
    assert "toy.place" not in toy.statements[-1]
    toy.viewer = Reader(frozenset({"places"}))
    assert toy.data(document, {"id": gid("Place:bon")})["node"]["name"] == "Bongaon"


@pytest.mark.parametrize(
    "document",
    [
        "{ a: secret }",
        "{ echo ... on Query { a: secret } }",
        "{ allAuthors { diary } }",
        "{ network { books { nodes { author { diary } } } } }",
    ],
)
def test_a_forbidden_field_forbids_the_operation(toy: Toy, document: str) -> None:
    with pytest.raises(NotAllowed) as compiled:
        toy.run(document)
    with pytest.raises(NotAllowed) as judged:
        toy.diagnose(document)
    assert (compiled.value.path, compiled.value.field) == (judged.value.path, judged.value.field)
    assert toy.statements == []
    toy.viewer = Reader(frozenset({"secrets"}))
    toy.agrees(document)


def test_a_forbidden_type_forbids_the_operation(toy: Toy) -> None:
    toy.engine = toy_engine(place_requires="places")
    with pytest.raises(NotAllowed, match="Place is not allowed"):
        toy.run("{ allAuthors { home { code } } }")


def test_what_is_skipped_is_not_asked_for(toy: Toy) -> None:
    assert toy.data("query ($no: Boolean!) { secret @include(if: $no) }", {"no": False}) == {}


SMALL = build_schema(
    "interface Node { id: ID! } type Thing implements Node { id: ID! } type Query { node(id: ID): Node }"
)
SMALL_FIELDS: dict[str, dict[str, Declaration]] = {
    "Thing": {"id": GlobalId("Thing", column="code")},
    "Query": {"node": NodeById()},
}


@pytest.mark.parametrize(
    ("permissions", "found"),
    [(set(), None), ({"old"}, None), ({"things"}, "bon"), ({"things", "old"}, "old")],
)
def test_where_a_row_is_found_may_depend_on_the_viewer(
    toy: Toy, permissions: set[str], found: str | None
) -> None:
    new = Row(Source("toy.place", key=("code",), kind=TEXT), column="code", kind=TEXT)
    old = Row(Source("(select 'old' as code)", key=("code",), kind=TEXT), column="code", kind=TEXT)
    row = DeferredRow(lambda viewer: old if viewer.may("old") else new, options=(old, new))
    declarations = Declarations(
        SMALL_FIELDS, rows={"Thing": row}, types={"Thing": TypeRule(requires="things")}
    )
    toy.engine = Engine(SMALL, declarations, {}, bytes(16))
    toy.viewer = Reader(frozenset(permissions))
    document = "query ($id: ID) { node(id: $id) { id } }"
    answers = [
        json.loads(toy.agrees(document, {"id": gid(f"Thing:{code}")}).data)["node"] for code in ("bon", "old")
    ]
    assert [answer["id"] for answer in answers if answer] == ([gid(f"Thing:{found}")] if found else [])
    assert toy.data(document, {"id": None}) == {"node": None}
