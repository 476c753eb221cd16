"""Who takes places from whom: without a server."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest

from pat_platform.errors import Fault
from pat_server.metrics import Measures
from pat_server.subscriptions import lines
from pat_server.subscriptions.lines import Line, Lines

LIMIT = 16
STRANGERS = 2


def caller() -> Any:
    return SimpleNamespace(principal=SimpleNamespace(session=uuid4(), person=uuid4()))


def line(transport: str = "websocket") -> Line:
    return Line(transport, lambda _: None)


def code_of(open_: Lines, new: Line, of: Any = None) -> str:
    with pytest.raises(Fault) as raised:
        open_.open(new, of)
    return raised.value.code


def test_strangers_take_no_place_from_those_who_are_known() -> None:
    kept = Lines(LIMIT, Measures())
    waiting = [line() for _ in range(STRANGERS)]
    for each in waiting:
        kept.open(each)
    assert code_of(kept, line()) == "UNAVAILABLE"
    for _ in range(LIMIT - 1):
        kept.open(line("stream"), caller())
    kept.admit(waiting[0], caller())
    assert code_of(kept, line("stream"), caller()) == "UNAVAILABLE"
    with pytest.raises(Fault, match="Too many are connected"):
        kept.admit(waiting[1], caller())


def test_a_strangers_place_is_free_when_she_goes_or_is_known() -> None:
    kept = Lines(LIMIT, Measures())
    gone, known = line(), line()
    kept.open(gone)
    kept.open(known)
    kept.close(gone, "gone")
    kept.admit(known, caller())
    for _ in range(STRANGERS):
        kept.open(line())
    assert code_of(kept, line()) == "UNAVAILABLE"


def test_whoever_is_refused_is_not_counted() -> None:
    kept, of = Lines(LIMIT, Measures()), caller()
    for _ in range(lines.OF_SESSION):
        kept.open(line("stream"), of)
    assert code_of(kept, line("stream"), of) == "THROTTLED"
    for _ in range(LIMIT - lines.OF_SESSION):
        kept.open(line("stream"), caller())
