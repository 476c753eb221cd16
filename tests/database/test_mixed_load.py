"""Everything at once: 72 logins over 10 connections, and not one wrong row."""

import asyncio
import random
from collections import Counter
from uuid import uuid4

import pytest
from sqlalchemy import text
from tests.database.conftest import OpenDatabase
from tests.database.network import NOTES_EACH, Member, Network, Row

from pat_platform.database.access import Database
from pat_platform.database.failures import DatabaseError
from pat_platform.errors import Fault

BUDGET = 10
WORKERS = 40
ROUNDS = 10

MINE = """select count(*)::text, min(organisation_id::text), max(organisation_id::text),
  min(author::text), max(author::text), current_setting('search_path'), current_user::text,
  (select sec.actor())::text from app.notes where words not like 'mixed%'"""
INJECTED = (
    "set_config('pat.session', '{other}', false)",
    "set_config('search_path', 'public', false)",
    "set_config('role', 'pat_application', false)",
    "set_config('statement_timeout', '3', false)",
)


class Load:
    """Does one thing after another as changing members and counts what is wrong."""

    def __init__(self, database: Database, network: Network, seed: int) -> None:
        self.database = database
        self.members = network.members
        self.random = random.Random(seed)
        self.done: Counter[str] = Counter()
        self.wrong: list[Row] = []

    async def work(self) -> None:
        kinds = (self.read, self.read, self.verb, self.inject, self.inject_in_verb, self.cancel, self.fail)
        for _ in range(ROUNDS):
            kind = self.random.choice(kinds)
            await kind(self.random.choice(self.members))
            self.done[kind.__name__] += 1

    async def read(self, member: Member) -> None:
        self.check(member, await self.database.read(member.login, member.session, MINE, read_only=True))

    async def verb(self, member: Member) -> None:
        """Write, read back through a compiled plan, and undo it."""
        words = f"mixed {uuid4()}"
        async with self.database.transaction(member.login, member.session) as tx:
            await tx.execute(
                text("insert into app.notes values (:organisation, :id, :author, :words)"),
                {"organisation": tx.organisation, "id": uuid4(), "author": tx.actor, "words": words},
            )
            counted = await tx.read(
                "select count(*)::text from app.notes where words = $1", (words.encode(),)
            )
            if counted != [b"1"]:
                self.wrong.append(counted)
            self.check(member, await tx.read(MINE))
            await tx.execute(text("delete from app.notes where words = :words"), {"words": words})

    async def inject(self, member: Member) -> None:
        other = self.random.choice(self.members)
        await self.database.read(
            member.login, member.session, f"select {self.injected(other)}", read_only=False
        )

    async def inject_in_verb(self, member: Member) -> None:
        async with self.database.transaction(member.login, member.session) as tx:
            await tx.execute(text(f"select {self.injected(self.random.choice(self.members))}"))

    async def cancel(self, member: Member) -> None:
        """Stop a read or a verb anywhere in its life."""
        work = self.random.choice((self.read, self.verb, self.sleep, self.inject))
        task = asyncio.create_task(work(member))
        await asyncio.sleep(self.random.choice((0, 0.0005, 0.002, 0.01)))
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        if not task.cancelled() and isinstance(task.exception(), AssertionError):
            raise AssertionError from task.exception()

    async def sleep(self, member: Member) -> None:
        await self.database.read(
            member.login,
            member.session,
            "select set_config('search_path', 'x', false), pg_sleep(1)",
            read_only=False,
        )

    async def fail(self, member: Member) -> None:
        """A statement that fails, and a session of somebody else."""
        with pytest.raises(DatabaseError) as failed:
            await self.database.read(member.login, member.session, "select 1/0", read_only=True)
        assert failed.value.sqlstate == "22012"
        other = self.random.choice([other for other in self.members if other.login != member.login])
        with pytest.raises(Fault) as refused:
            self.wrong.append(await self.database.read(member.login, other.session, MINE, read_only=True))
        assert refused.value.code == "UNAUTHENTICATED"

    def injected(self, other: Member) -> str:
        return self.random.choice(INJECTED).format(other=other.session)

    def check(self, member: Member, row: Row) -> None:
        organisation, person = str(member.organisation).encode(), str(member.person).encode()
        count = str(NOTES_EACH).encode()
        expected = [count, organisation, organisation, person, person]
        expected += [b'"$user", public', member.login.encode(), person]
        if row != expected:
            self.wrong.append(row)


@pytest.mark.slow
async def test_a_mixed_load_of_72_logins_over_10_connections_reads_no_wrong_row(
    open_database: OpenDatabase, network: Network
) -> None:
    database = open_database(pool_size=BUDGET, pool_wait_seconds=60)
    loads = [Load(database, network, seed) for seed in range(WORKERS)]
    most = 0
    work = asyncio.gather(*(load.work() for load in loads))
    while not work.done():
        most = max(most, await asyncio.to_thread(network.backends))
        await asyncio.sleep(0.02)
    await work
    done = sum((load.done for load in loads), Counter[str]())
    assert [row for load in loads for row in load.wrong] == []
    assert done.total() == WORKERS * ROUNDS
    assert set(done) == {"read", "verb", "inject", "inject_in_verb", "cancel", "fail"}
    assert len(network.members) == 72
    assert 5 <= most <= BUDGET
    assert network.execute("select count(*) from app.notes where words like 'mixed%%'") == [(0,)]
