"""The issuer's threads: its own, and few."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Any

import pytest

from pat_platform.errors import Fault
from pat_server.sign_in.threads import AT_ONCE, in_page_thread, in_thread

ASKED = ContextVar("asked", default="nothing")
InThread = Callable[..., Awaitable[Any]]


def sum_of(one: int, other: int) -> int:
    return one + other


async def test_what_the_function_returns_is_returned_and_what_it_raises_raised() -> None:
    def fail() -> None:
        raise Fault("UNAVAILABLE", "Try again.")

    assert await in_thread(sum_of, 1, 2) == 3
    with pytest.raises(Fault):
        await in_thread(fail)


async def test_it_runs_beside_the_event_loop_and_knows_the_request() -> None:
    ASKED.set("something")
    assert await in_thread(threading.get_ident) != threading.get_ident()
    assert await in_thread(ASKED.get) == "something"


async def test_more_than_eight_wait_and_keep_nothing_else_waiting() -> None:
    begun, go = threading.Semaphore(0), threading.Event()

    def wait() -> None:
        begun.release()
        assert go.wait(10)

    waiting = [asyncio.ensure_future(in_thread(wait)) for _ in range(AT_ONCE + 2)]
    for _ in range(AT_ONCE):
        await asyncio.to_thread(begun.acquire, True, 5)
    await asyncio.sleep(0.05)
    assert not begun.acquire(blocking=False)
    assert await asyncio.to_thread(sum_of, 1, 2) == 3
    go.set()
    await asyncio.gather(*waiting)


async def test_what_has_begun_keeps_its_place_until_it_ends_though_nobody_waits_for_it() -> None:
    begun, go, ended = threading.Semaphore(0), threading.Event(), threading.Semaphore(0)

    def work() -> None:
        begun.release()
        assert go.wait(10)
        ended.release()

    waiting = [asyncio.ensure_future(in_thread(work)) for _ in range(AT_ONCE + 1)]
    for _ in range(AT_ONCE):
        await asyncio.to_thread(begun.acquire, True, 5)
    for each in waiting:
        each.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    later = asyncio.ensure_future(in_thread(sum_of, 1, 2))
    await asyncio.sleep(0.05)
    assert not later.done()
    go.set()
    assert await later == 3
    for _ in range(AT_ONCE):
        assert await asyncio.to_thread(ended.acquire, True, 5)
    # The ninth had not begun: it never does.
    assert not begun.acquire(blocking=False)


@pytest.mark.parametrize(("blocked", "free"), [(in_page_thread, in_thread), (in_thread, in_page_thread)])
async def test_pages_and_clients_do_not_wait_for_each_other(blocked: InThread, free: InThread) -> None:
    begun, go = threading.Semaphore(0), threading.Event()

    def wait() -> None:
        begun.release()
        assert go.wait(10)

    waiting = [asyncio.ensure_future(blocked(wait)) for _ in range(2 * AT_ONCE)]
    try:
        for _ in range(AT_ONCE):
            assert await asyncio.to_thread(begun.acquire, True, 5)
        async with asyncio.timeout(5):
            assert await free(sum_of, 1, 2) == 3
    finally:
        go.set()
        await asyncio.gather(*waiting)
