"""Hostile requests are decided with bounded work. It is counted in function calls, which no other load on the machine changes."""

from __future__ import annotations

import asyncio
import sys
from types import FrameType

import pytest
from tests.bench.hostile import MANAGER, parts
from tests.limits.hostile import BODY, Hostile, documents

from pat_server.asked import BODY_LIMIT
from pat_server.assembly import Parts
from pat_server.executing import Executor
from pat_server.requests import Answer, GraphQLRequest

MOST_CALLS = 300_000
"""Some 40 ms. `tests.bench.hostile` measures the time itself."""
DOCUMENTS = list(documents(drawn=12))


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Parts:
    return parts(tmp_path_factory.mktemp("keys"))


def decide(executor: Executor, hostile: Hostile) -> tuple[Answer, int]:
    """The answer, and how many functions were called to find it."""
    calls = 0

    def count(_: FrameType, event: str, __: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    async def counted() -> Answer:
        sys.setprofile(count)
        try:
            request = GraphQLRequest(hostile.query, None, hostile.variables)
            return await executor.execute(request, executor.caller(MANAGER))
        finally:
            sys.setprofile(None)

    return asyncio.run(counted()), calls


@pytest.mark.parametrize("hostile", DOCUMENTS, ids=lambda hostile: hostile.name)
def test_a_hostile_request_is_decided_with_bounded_work(found: Parts, hostile: Hostile) -> None:
    found.engine.forget()
    answer, calls = decide(Executor(found), hostile)
    assert answer.code in (None, "UNAVAILABLE", "BAD_INPUT", "BAD_CURSOR", "TOO_LARGE", "TOO_COMPLEX")
    assert calls <= MOST_CALLS


def test_hostile_requests_fill_a_body_and_no_more() -> None:
    sizes = [len(hostile.body()) for hostile in DOCUMENTS]
    assert BODY == BODY_LIMIT
    assert BODY - 200 < max(sizes) <= BODY


def test_hostile_requests_reach_the_database_and_each_kind_of_refusal(found: Parts) -> None:
    """What only ever fails for its spelling would show nothing."""
    found.engine.forget()
    executor = Executor(found)
    named = [hostile for hostile in DOCUMENTS if hostile.name in ("all types", "30 connections", "a cursor")]
    assert [decide(executor, hostile)[0].code for hostile in named] == ["UNAVAILABLE", "BAD_CURSOR", None]


@pytest.mark.parametrize("name", ["unknown fields", "tokens", "conflicts", "too many lines"])
def test_a_document_that_is_refused_is_remembered(found: Parts, name: str) -> None:
    executor = Executor(found)
    (hostile,) = (each for each in DOCUMENTS if each.name == name)
    first, _ = decide(executor, hostile)
    again, calls = decide(executor, hostile)
    assert again.body == first.body
    assert calls < 100


@pytest.mark.parametrize(("query", "name"), [("{" + " " * 60_000 + "#}", None), ("{ # }", "x" * 60_000)])
async def test_what_is_remembered_is_bounded(found: Parts, query: str, name: str | None) -> None:
    executor = Executor(found)
    for turn in range(80):
        await executor.execute(
            GraphQLRequest(query.replace("#", str(turn)), name, {}), executor.caller(MANAGER)
        )
    refusals = executor._refusals
    assert 0 < len(refusals) < 70
