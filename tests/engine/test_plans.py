"""Plans are made once for a document, a viewer and a structure of variables, and hold no client's values."""

from collections.abc import Iterator
from typing import Any

import pytest
from tests.engine.toy import Reader, Toy, toy_engine

from pat_platform.engine.cache import LeastRecent
from pat_platform.engine.errors import BadArgument, EngineError
from pat_platform.engine.variables import HIDDEN

DOCUMENT = (
    "query ($id: ID!, $n: Int, $f: BookFilter, $o: BookOrder, $s: [State!], $t: [String]!, $on: Boolean = true) {"
    " author(id: $id) { name @include(if: $on) }"
    " a: books(first: $n, filter: $f, orderBy: $o) { nodes { title } }"
    " b: books(filter: {states: $s}) { totalCount } joined(input: {words: $t}) }"
)
BASE: dict[str, Any] = {
    "id": "UGxhY2U6Ym9u",
    "n": 2,
    "f": {"longerThan": 3},
    "o": "TITLE_ASC",
    "s": ["OUT"],
    "t": ["x"],
}


@pytest.mark.parametrize(
    ("changed", "is_same"),
    [
        ({"id": "UGxhY2U6YmFz", "n": 3, "f": {"longerThan": 9}, "t": ["y", "z", None]}, True),
        ({"t": []}, True),
        ({"on": True}, True),
        ({"on": False}, False),
        ({"n": None}, False),
        ({"f": None}, False),
        ({"f": {}}, False),
        ({"f": {"longerThan": None}}, False),
        ({"f": {"longerThan": 3, "titleContains": "x"}}, False),
        ({"o": "TITLE_DESC"}, False),
        ({"s": ["DRAFT"]}, False),
        ({"s": ["OUT", "OUT"]}, False),
    ],
)
def test_requests_share_a_plan_if_their_variables_have_one_structure(
    toy: Toy, changed: dict[str, Any], is_same: bool
) -> None:
    toy.run(DOCUMENT, BASE)
    toy.agrees(DOCUMENT, {**BASE, **changed})
    assert (len(set(toy.statements)) == 1) or not is_same
    assert toy.engine.counters.compiled == (1 if is_same else 2)


def test_a_plan_never_sees_a_clients_scalar(toy: Toy) -> None:
    operation = toy.engine.operation(DOCUMENT)
    given = {**BASE, "f": {"longerThan": 77, "states": ["OUT"], "hasBlurb": True}}
    coerced = operation.variables(given)
    hidden = operation.structure.hidden(coerced).coerced
    assert hidden == {
        "id": HIDDEN,
        "n": HIDDEN,
        "f": {"longerThan": HIDDEN, "states": ["out"], "hasBlurb": True},
        "o": "TITLE_ASC",
        "s": ["out"],
        "t": HIDDEN,
        "on": True,
    }
    assert repr(HIDDEN) == "HIDDEN"


def test_a_reused_plan_gives_each_request_its_own_answer(toy: Toy) -> None:
    document = (
        "query ($t: String, $n: Int!) { echo(text: $t) authors(first: $n) { nodes { start(length: $n) } } }"
    )
    first = toy.data(document, {"t": "one", "n": 1})
    second = toy.data(document, {"t": "two", "n": 2})
    assert first == {"echo": "one", "authors": {"nodes": [{"start": "A"}]}}
    assert second == {"echo": "two", "authors": {"nodes": [{"start": "As"}, {"start": "Bi"}]}}
    assert toy.engine.counters.compiled == 1


def test_viewers_with_other_permissions_have_other_plans(toy: Toy) -> None:
    document = "{ authors(first: 1) { nodes { contact { __typename } } } }"
    toy.run(document)
    toy.viewer = Reader(frozenset())
    toy.run(document)
    toy.viewer = Reader(frozenset({"phones"}))
    toy.run(document)
    assert (toy.engine.counters.hits, toy.engine.counters.misses) == (1, 2)


def test_a_cache_is_bounded_in_weight() -> None:
    cache: LeastRecent[str] = LeastRecent(10, 5)
    for text in ("aa", "bb", "c", "ddd", "eeeeee"):
        cache.put(text, text, len(text))
    assert [cache.get(text) for text in ("aa", "bb", "c", "ddd", "eeeeee")] == [None, None, "c", "ddd", None]


def test_a_cache_is_bounded_in_number() -> None:
    cache: LeastRecent[int] = LeastRecent(2, 100)
    for number in (1, 2):
        cache.put(number, number)
    assert cache.get(1) == 1
    cache.put(3, 3)
    assert (cache.get(1), cache.get(2), cache.get(3), len(cache)) == (1, None, 3, 2)


def test_a_full_cache_only_costs_time(toy: Toy) -> None:
    toy.engine = toy_engine(cache_size=1)
    for _ in range(2):
        for text in ("a", "b"):
            assert toy.data(f'{{ echo(text: "{text}") }}') == {"echo": text}
    assert toy.engine.counters.compiled == 4


def test_a_cache_of_plans_counts_what_they_keep_alive(toy: Toy) -> None:
    toy.engine = toy_engine(cache_statements=100_000)
    for number in range(20):
        assert toy.data(f'{{ echo(text: "a") }} # {"-" * 1_000}{number}') == {"echo": "a"}
    toy.engine.counters.compiled = 0
    states = "query ($s: [State!]) { books(first: 0, filter: {states: $s}) { totalCount } }"
    for number in range(1, 21):
        toy.data(states, {"s": ["OUT"] * number * 100})
    assert toy.engine.counters.compiled == 20
    toy.data(states, {"s": ["OUT"] * 100})
    assert toy.engine.counters.compiled == 21
    assert len(toy.engine._plans) < 5


def test_literals_in_the_document_are_part_of_its_plan(toy: Toy) -> None:
    assert toy.data('{ books(first: 1, filter: {titleContains: "title 9"}) { totalCount } }') == {
        "books": {"totalCount": 1}
    }
    assert toy.data('{ books(first: 1, filter: {titleContains: "title"}) { totalCount } }') == {
        "books": {"totalCount": 15}
    }


@pytest.mark.parametrize("text", ["nul \0", "\ud800"])
def test_text_that_the_database_cannot_hold_is_refused(toy: Toy, text: str) -> None:
    with pytest.raises(BadArgument, match="The text"):
        toy.run("query ($t: String) { echo(text: $t) }", {"t": text})


def test_an_answer_that_is_missing_is_no_answer(toy: Toy) -> None:
    with pytest.raises(EngineError, match="answer is missing"):
        toy.engine.complete(toy.prepare("{ echo }"), None)


async def test_an_asynchronous_completion_may_have_nothing_to_wait_for(toy: Toy) -> None:
    bound = toy.prepare("{ echo }")
    assert (await toy.engine.complete_async(bound, toy.execute(bound)[0])).data == b'{"echo":null}'


def test_an_asynchronous_step_cannot_be_completed_at_once(toy: Toy) -> None:
    waiting: Any = Waiting()
    toy.engine.steps = {"shout": lambda values, context: waiting}
    bound = toy.prepare("{ allAuthors { shout } }")
    with pytest.raises(EngineError, match="step shout is asynchronous"):
        toy.engine.complete(bound, toy.execute(bound)[0])


class Waiting:
    """An awaitable that nobody needs to await."""

    def __await__(self) -> Iterator[None]:
        return iter(())
