"""Deadlines that are looked at together: they end what takes too long, and nothing else."""

import asyncio

import pytest

from pat_platform.deadlines import within


async def test_what_takes_too_long_is_ended() -> None:
    with pytest.raises(TimeoutError), within(0.01) as deadline:
        await asyncio.sleep(60)
    assert deadline.has_expired
    await asyncio.sleep(0)


async def test_what_is_done_in_time_is_left_alone() -> None:
    with within(0.05) as deadline:
        await asyncio.sleep(0)
    await asyncio.sleep(0.3)
    assert not deadline.has_expired


async def test_the_nearest_of_two_ends_first() -> None:
    with within(60) as outer, pytest.raises(TimeoutError), within(0.01):
        await asyncio.sleep(60)
    assert not outer.has_expired


async def test_an_outer_one_ends_what_is_within_an_inner_one() -> None:
    with pytest.raises(TimeoutError), within(0.01), within(60):
        await asyncio.sleep(60)


async def test_a_cancellation_from_elsewhere_stays_one() -> None:
    async def work() -> None:
        with within(60):
            await asyncio.sleep(60)

    working = asyncio.create_task(work())
    await asyncio.sleep(0)
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working


async def test_an_error_of_the_block_is_its_own() -> None:
    with pytest.raises(KeyError), within(60):
        raise KeyError("mine")


async def test_another_deadline_is_looked_at_after_a_time_without_any() -> None:
    with within(0.01):
        pass
    await asyncio.sleep(0.25)
    with pytest.raises(TimeoutError), within(0.01):
        await asyncio.sleep(60)


async def test_without_a_task_there_is_nothing_to_end() -> None:
    refused = asyncio.get_running_loop().create_future()

    def use() -> None:
        try:
            within(1).__enter__()
        except RuntimeError as error:
            refused.set_result(error)

    asyncio.get_running_loop().call_soon(use)
    assert isinstance(await refused, RuntimeError)
