"""Relay connections: pages by keyset, forward and backward, stable while rows come and go."""

import base64
import json
from typing import Any

import pytest
from tests.engine.toy import Toy

from pat_platform.engine.errors import BadArgument, BadCursor, TooExpensive

ORDERS = ["TITLE_ASC", "TITLE_DESC", "PAGES_ASC", "PAGES_DESC", "ADDED_DESC", "STATE_TITLE", "LENGTH"]
PAGE = "{ edges { cursor node { title } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } }"
FORWARD = f"query ($n: Int, $c: String, $o: BookOrder) {{ books(first: $n, after: $c, orderBy: $o) {PAGE} }}"
BACKWARD = f"query ($n: Int, $c: String, $o: BookOrder) {{ books(last: $n, before: $c, orderBy: $o) {PAGE} }}"


def titles(page: dict[str, Any]) -> list[str]:
    return [edge["node"]["title"] for edge in page["edges"]]


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("size", [1, 4, 18, 20])
def test_pages_forward_and_backward_are_the_whole_list(toy: Toy, order: str, size: int) -> None:
    whole = titles(toy.data(FORWARD, {"n": 20, "o": order})["books"])
    assert len(whole) == 18
    for document, inwards, outwards, end in (
        (FORWARD, "hasNextPage", "hasPreviousPage", "endCursor"),
        (BACKWARD, "hasPreviousPage", "hasNextPage", "startCursor"),
    ):
        pages, cursor, more = [], None, True
        while more:
            page = toy.data(document, {"n": size, "c": cursor, "o": order})["books"]
            assert page["pageInfo"][outwards] is (cursor is not None)
            pages.append(titles(page))
            cursor, more = page["pageInfo"][end], page["pageInfo"][inwards]
        ordered = pages if document is FORWARD else pages[::-1]
        assert [title for page in ordered for title in page] == whole
    # All pages of one direction share a plan but for the presence of the cursor.
    assert toy.engine.counters.compiled <= 5


def test_pages_of_lists_inside_lists(toy: Toy) -> None:
    document = (
        "{ allAuthors { name books(first: 2, orderBy: PAGES_DESC)"
        " { totalCount nodes { title } pageInfo { hasNextPage endCursor } } } }"
    )
    authors = json.loads(toy.agrees(document).data)["allAuthors"]
    assert [author["books"]["totalCount"] for author in authors] == [4, 5, 5, 4, 0]
    cursor = authors[1]["books"]["pageInfo"]["endCursor"]
    toy.agrees(
        "query ($c: String) { allAuthors { books(after: $c, orderBy: PAGES_DESC) { nodes { title pages } } } }",
        {"c": cursor},
    )


def test_an_empty_page_knows_its_neighbours(toy: Toy) -> None:
    page = toy.data(FORWARD, {"n": 0})["books"]
    assert page == {
        "edges": [],
        "pageInfo": {"hasNextPage": True, "hasPreviousPage": False, "startCursor": None, "endCursor": None},
    }
    last = toy.data(BACKWARD, {"n": 1})["books"]["pageInfo"]["endCursor"]
    beyond = toy.data(FORWARD, {"n": 2, "c": last})["books"]["pageInfo"]
    assert (beyond["hasNextPage"], beyond["hasPreviousPage"]) == (False, True)


def test_a_cursor_survives_its_row_and_new_rows(toy: Toy) -> None:
    before = toy.data(FORWARD, {"n": 20, "o": "PAGES_ASC"})["books"]
    cursor = before["edges"][5]["cursor"]
    toy.connection.execute("begin")
    try:
        gone, first = before["edges"][5]["node"]["title"], before["edges"][0]["node"]["title"]
        toy.connection.execute("delete from toy.book where title in (%s, %s)", (gone, first))
        toy.connection.execute(
            "insert into toy.book select toy.id('new', n), author_id, 'new ' || n, pages - n, state, blurb, null, added_at, price"
            " from toy.book, generate_series(1, 2) n where title = %s",
            (before["edges"][2]["node"]["title"],),
        )
        after = toy.agrees(FORWARD, {"n": 20, "c": cursor, "o": "PAGES_ASC"})
        behind = toy.agrees(BACKWARD, {"n": 20, "c": cursor, "o": "PAGES_ASC"})
    finally:
        toy.connection.execute("rollback")
    assert titles(json.loads(after.data)["books"]) == titles(before)[6:]
    assert [title for title in titles(json.loads(behind.data)["books"]) if "new" not in title] == titles(
        before
    )[1:5]


def test_only_what_is_selected_is_computed(toy: Toy) -> None:
    toy.data("{ books { totalCount } }")
    assert "limit" not in toy.statements[-1]
    toy.data("{ books { nodes { title } } }")
    assert "count(*)" not in toy.statements[-1]
    assert "row_number" not in toy.statements[-1]
    assert "sha256" not in toy.statements[-1]
    toy.data("{ books { pageInfo { hasNextPage } } }")
    assert "string_agg" not in toy.statements[-1]
    assert toy.data("{ books { __typename pageInfo { __typename } } }") == {
        "books": {"__typename": "BookConnection", "pageInfo": {"__typename": "PageInfo"}}
    }


def test_filters_from_literals_and_variables(toy: Toy) -> None:
    document = (
        "query ($f: BookFilter, $s: [State!], $b: Boolean) { a: books(filter: $f) { totalCount }"
        " b: books(filter: {states: $s, hasBlurb: $b}) { totalCount } }"
    )
    assert toy.data(document) == {"a": {"totalCount": 18}, "b": {"totalCount": 18}}
    assert toy.data(
        document, {"f": {"states": ["DRAFT"], "longerThan": 100}, "s": ["OUT", "DRAFT"], "b": True}
    ) == {
        "a": {"totalCount": 4},
        "b": {"totalCount": 5},
    }
    assert toy.data(document, {"f": {"states": None}, "s": [], "b": None}) == {
        "a": {"totalCount": 18},
        "b": {"totalCount": 0},
    }
    assert (
        toy.agrees(document, {"f": {"titleContains": "' or true --"}}).data
        == b'{"a":{"totalCount":0},"b":{"totalCount":18}}'
    )


@pytest.mark.parametrize("given", [["OUT"], ["DRAFT"], ["OUT", "DRAFT"], ["OUT", "OUT"], []])
def test_a_list_of_one_value_is_looked_up_as_one_value(toy: Toy, given: list[str]) -> None:
    document = "query ($s: [State!]) { books(filter: {states: $s}) { totalCount } }"
    toy.agrees(document, {"s": given})
    assert ("state = (" in toy.statements[-1]) == (len(given) == 1)
    assert ("= any(" in toy.statements[-1]) == (len(given) != 1)


def test_the_order_comes_from_a_variable(toy: Toy) -> None:
    first = {order: titles(toy.data(FORWARD, {"n": 1, "o": order})["books"])[0] for order in ORDERS}
    assert first["TITLE_ASC"] != first["TITLE_DESC"]
    assert toy.engine.counters.compiled == len(ORDERS)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("first: 1, last: 1", "first and last cannot be given together."),
        ('after: "x", last: 1', "after and last cannot be given together."),
        ('before: "x", first: 1', "first and before cannot be given together."),
        ('before: "x", after: "x"', "after and before cannot be given together."),
        ("first: -1", "first must be from 0 to 20."),
        ("last: 21", "last must be from 0 to 20."),
        ("first: 100000", "first must be from 0 to 20."),
    ],
)
def test_a_page_that_cannot_be_is_refused(toy: Toy, arguments: str, message: str) -> None:
    for execute in (toy.run, toy.diagnose):
        with pytest.raises(BadArgument) as refused:
            execute(f"{{ n: network {{ b: books({arguments}) {{ totalCount }} }} }}")
        assert (refused.value.path, refused.value.message) == (("n", "b"), message)
    assert toy.statements == []


@pytest.mark.parametrize("size", [-1, 21])
def test_a_size_in_a_variable_is_checked_when_it_is_bound(toy: Toy, size: int) -> None:
    assert len(toy.data(FORWARD, {"n": 20})["books"]["edges"]) == 18
    with pytest.raises(BadArgument, match="first must be from 0 to 20"):
        toy.run(FORWARD, {"n": size})
    assert toy.engine.counters.compiled == 1


def test_a_cursor_belongs_to_its_list_and_order(toy: Toy) -> None:
    cursor = toy.data(FORWARD, {"n": 1, "o": "TITLE_ASC"})["books"]["pageInfo"]["endCursor"]
    with pytest.raises(BadCursor):
        toy.run(FORWARD, {"n": 1, "c": cursor, "o": "TITLE_DESC"})
    with pytest.raises(BadCursor):
        toy.run("query ($c: String) { network { books(after: $c) { totalCount } } }", {"c": cursor})
    toy.run("query ($c: String) { books(before: $c) { totalCount } }", {"c": cursor})


def test_a_changed_cursor_is_refused(toy: Toy) -> None:
    cursor = toy.data(FORWARD, {"n": 1})["books"]["pageInfo"]["endCursor"]
    raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    broken = [
        base64.urlsafe_b64encode(raw[:n] + bytes([raw[n] ^ 1]) + raw[n + 1 :]).decode()
        for n in range(len(raw))
    ]
    for changed in [*broken, "", "x", "é", cursor[:-2], cursor + "AAAA", "A" * 5000, "\0"]:
        with pytest.raises(BadCursor):
            toy.run(FORWARD, {"n": 1, "c": changed})


def test_the_key_is_in_no_statement(toy: Toy) -> None:
    toy.data(FORWARD, {"n": 1})
    assert toy.engine.cursor_key.secret.hex() not in toy.statements[-1]
    assert toy.engine.cursor_key.inner("").hex()[:20] not in toy.statements[-1]


def test_pages_of_pages_have_a_price(toy: Toy) -> None:
    toy.engine.settings = type(toy.engine.settings)(max_cost=500)
    document = "query ($n: Int) { authors(first: 10) { nodes { books(first: $n) { nodes { title } } } } }"
    assert toy.prepare(document, {"n": 5}).cost == 2 + 10 * (1 + 2 + 5)
    assert toy.prepare(document, {"n": 20}).cost == 2 + 10 * (1 + 2 + 20)
    with pytest.raises(TooExpensive, match="costs 2332 points; one operation may cost 500"):
        toy.prepare(
            "{ authors(first: 10) { nodes { books(first: 10) { nodes { reviews(first: 20) { nodes { id } } } } } } }"
        )


def test_rows_from_an_index_are_not_sorted(toy: Toy) -> None:
    toy.connection.execute(
        "begin; create index on toy.book (added_at desc, id desc); set local enable_seqscan = off"
    )
    try:
        cursor = toy.data(FORWARD, {"n": 3, "o": "ADDED_DESC"})["books"]["pageInfo"]["endCursor"]
        bound = toy.prepare(
            "query ($c: String) { books(first: 2, after: $c, orderBy: ADDED_DESC) { nodes { title } } }",
            {"c": cursor},
        )
        plan = toy.connection.pgconn.exec_params(b"explain " + (bound.sql or "").encode(), bound.values)
        lines = [(plan.get_value(row, 0) or b"").decode().strip() for row in range(plan.ntuples)]
    finally:
        toy.connection.execute("rollback")
    assert any("Index Scan using book_added_at_id_idx" in line for line in lines)
    assert any(line.startswith("Index Cond: (ROW(added_at, id) <") for line in lines)
