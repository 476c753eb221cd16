"""Subscriptions of one session look and read together, and none of them misses anything for that."""

from __future__ import annotations

import asyncio
import time
from uuid import uuid4

import pytest

from pat_server.requests import Answer
from pat_server.subscriptions.cursors import Position
from pat_server.subscriptions.looks import Desk, Found, Looks, Since, Standing

HERE = Position("1:1:", "2026-11-22")
FROM_HERE: Since = (HERE, False)


class Database:
    """Counts looks; each takes until it is let go."""

    def __init__(self, *, fails: bool = False) -> None:
        self.looks = 0
        self.fails = fails
        self.may_answer = asyncio.Event()

    async def look(self, at: float) -> Found:
        self.looks += 1
        await self.may_answer.wait()
        if self.fails:
            raise ConnectionError
        return Found(Position(f"{self.looks}:", "later"), [], at)


async def test_those_who_are_woken_together_look_once() -> None:
    desk, database, woken = Desk(), Database(), time.monotonic()
    looking = [asyncio.create_task(desk.look(FROM_HERE, woken, database.look)) for _ in range(5)]
    await asyncio.sleep(0)
    database.may_answer.set()
    found = await asyncio.gather(*looking)
    assert database.looks == 1
    assert all(each is found[0] for each in found)


async def test_who_is_woken_after_a_look_has_begun_looks_again() -> None:
    desk, database = Desk(), Database()
    first = asyncio.create_task(desk.look(FROM_HERE, 0.0, database.look))
    await asyncio.sleep(0.01)
    second = asyncio.create_task(desk.look(FROM_HERE, time.monotonic(), database.look))
    await asyncio.sleep(0)
    database.may_answer.set()
    await asyncio.gather(first, second)
    assert database.looks == 2


@pytest.mark.parametrize("since", [(HERE, True), (None, False), (Position("2:2:", "2026-11-22"), False)])
async def test_who_stands_elsewhere_looks_herself(since: Since) -> None:
    desk, database = Desk(), Database()
    database.may_answer.set()
    await desk.look(FROM_HERE, 0.0, database.look)
    await desk.look(since, 0.0, database.look)
    assert database.looks == 2


async def test_a_look_that_failed_is_nobody_elses() -> None:
    desk, database = Desk(), Database(fails=True)
    database.may_answer.set()
    with pytest.raises(ConnectionError):
        await desk.look(FROM_HERE, 0.0, database.look)
    database.fails = False
    await desk.look(FROM_HERE, 0.0, database.look)
    assert database.looks == 2


async def test_who_goes_leaves_the_look_to_the_others() -> None:
    desk, database = Desk(), Database()
    first, second = (asyncio.create_task(desk.look(FROM_HERE, 0.0, database.look)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.sleep(0)
    database.may_answer.set()
    assert (await second).position.moment == "later"
    assert database.looks == 1


class Reading:
    """Counts readings; each takes until it is let go."""

    def __init__(self) -> None:
        self.readings = 0
        self.may_answer = asyncio.Event()

    async def read(self) -> Answer:
        self.readings += 1
        await self.may_answer.wait()
        if self.readings == 1:
            return Answer(b"first")
        raise ConnectionError


async def test_those_who_ask_the_same_of_what_was_found_read_it_together() -> None:
    found, reading = Found(HERE, ["one"], None), Reading()
    asking = [asyncio.create_task(found.read("the same", reading.read)) for _ in range(5)]
    await asyncio.sleep(0)
    reading.may_answer.set()
    assert await asyncio.gather(*asking) == [Answer(b"first")] * 5
    assert reading.readings == 1


async def test_what_was_read_is_read_anew_for_whoever_comes_later() -> None:
    found, reading = Found(HERE, ["one"], None), Reading()
    reading.may_answer.set()
    await found.read("the same", reading.read)
    with pytest.raises(ConnectionError):
        await found.read("the same", reading.read)
    assert reading.readings == 2


async def test_who_asks_something_else_or_of_another_look_reads_herself() -> None:
    found, reading = Found(HERE, ["one"], None), Reading()
    asking = [
        asyncio.create_task(whose.read(asked, reading.read))
        for whose, asked in ((found, "this"), (found, "that"), (Found(HERE, ["one"], None), "this"))
    ]
    await asyncio.sleep(0.01)
    assert reading.readings == 3
    for each in asking:
        each.cancel()


async def test_who_goes_leaves_the_reading_to_the_others() -> None:
    found, reading = Found(HERE, ["one"], None), Reading()
    first, second = (asyncio.create_task(found.read("the same", reading.read)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.sleep(0)
    reading.may_answer.set()
    assert await second == Answer(b"first")


class Somebody:
    """A subscription that waits, or was woken."""

    def __init__(self, standing: Standing | None) -> None:
        self.standing = standing


def test_others_begin_where_somebody_waits_and_never_where_she_was_woken() -> None:
    desk = Desk()
    assert desk.standing is None
    desk.waiting.add(Somebody(None))
    assert desk.standing is None
    desk.waiting.add(Somebody(Standing(HERE, None)))
    assert desk.standing == Standing(HERE, None)


def test_a_desk_is_one_sessions_for_one_look() -> None:
    looks, session = Looks(1), uuid4()
    desk = looks.desk(session, "look")
    assert looks.desk(session, "look") is desk
    assert looks.desk(session, "another") is not desk
    assert looks.desk(uuid4(), "look") is not desk


async def test_a_login_takes_its_turns_and_keeps_no_other_waiting() -> None:
    looks, inside, most = Looks(2), list[str](), list[int]()

    async def read(login: str) -> None:
        async with looks.through(login):
            inside.append(login)
            assert len(set(inside)) == len(inside)
            most.append(len(inside))
            await asyncio.sleep(0.001)
            inside.remove(login)

    await asyncio.gather(*(read(login) for login in "aaabbbccc"))
    assert max(most) == 2
