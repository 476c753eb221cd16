"""What steps say is put into the answer's text; only what climbs or is wrong needs the tree."""

import json
from typing import Any

import pytest
from tests.engine.toy import Toy

from pat_platform.engine import complete
from pat_platform.engine.sites import Mark, NullViolation, Step
from pat_platform.engine.splice import spliced

TOKEN = "00ff" * 8
SHOUTS = "query ($n: Int) { authors(first: $n) { nodes { name shout contact { ... on Phone { number } } } } }"


class Parsed(Exception):
    """An answer was taken apart."""


@pytest.fixture
def whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """No answer may be taken apart."""

    def refuse(*_: Any) -> None:
        raise Parsed

    monkeypatch.setattr(complete, "Tree", refuse)


@pytest.mark.usefixtures("whole")
def test_values_of_steps_are_put_into_the_text(toy: Toy) -> None:
    completed = toy.run(SHOUTS, {"n": 1})
    [author] = json.loads(completed.data)["authors"]["nodes"]
    assert author == {"name": "Ashapurna", "shout": "ASHA", "contact": {"number": "54321"}}


@pytest.mark.usefixtures("whole")
def test_what_is_wrong_needs_the_tree(toy: Toy) -> None:
    with pytest.raises(Parsed):
        toy.run("{ allAuthors { shout } }")
    with pytest.raises(Parsed):
        toy.run("{ authors(last: 2) { nodes { requiredShout } } }")
    with pytest.raises(Parsed):
        toy.run("{ allAuthors { requiredNickname } }")


def mark(meaning: Any) -> Mark:
    return Mark(None, 0, meaning, None, False)  # type: ignore[arg-type]  # a place needs no site here


MARKS = [mark(Step("shout")), mark(NullViolation())]


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ('{"a":1,"T@0":"T@:c:s"}', '{"a":1}'),
        ('{"a":1,"T@0":null}', '{"a":1}'),
        ('{"a":1,"T@0":"T@:c:s,T@:c:t","T@1":null,"T@2":"T@:d:s"}', '{"a":1}'),
        ('[{"a":{"T@0":"T@:c:s"},"b":2,"T@0":null}]', '[{"a":{},"b":2}]'),
    ],
)
def test_hidden_entries_are_left_out(text: str, left: str) -> None:
    found = spliced(text.replace("T", TOKEN), TOKEN, MARKS)
    assert found is not None
    assert "".join(found.pieces) == left
    assert found.gathered == {}


def test_values_are_gathered_in_order() -> None:
    text = '{"a":["T0",{"x":"]\\"[","y":[1,2]}],"b":[["T0",null],["T0",[[]]]],"T@0":null}'
    found = spliced(text.replace("T", TOKEN), TOKEN, MARKS)
    assert found is not None
    assert found.gathered == {"shout": [{"x": ']"[', "y": [1, 2]}, None, [[]]]}
    for place in found.places:
        found.pieces[place.piece] = "7"
    assert "".join(found.pieces) == '{"a":7,"b":[7,7]}'


@pytest.mark.parametrize(
    "text",
    [
        '{"a":"T1"}',
        '{"a":"T1","b":2}',
        '["T1",2]',
        '{"a":"T1:unknown","b":2}',
        '{"a":["T0",2,3]}',
        '{"a":"x T@0":null}',
        '{"a":1,"T@0":7}',
        '{"a":["T"]}',
        '{"a":"T0",2]}',
    ],
)
def test_markers_of_other_kinds_and_in_other_places_need_the_tree(text: str) -> None:
    assert spliced(text.replace("T", TOKEN), TOKEN, MARKS) is None
