"""Transactions that end otherwise than they were meant to: refused, cancelled, lost, or kept for too long."""

import asyncio
import gc
from contextlib import suppress

import pytest
from sqlalchemy import text
from tests.database.conftest import OpenDatabase
from tests.database.network import Member, Network
from tests.database.notes import note_of, run, stored
from tests.database.waiting import eventually

from pat_platform.database.access import Database
from pat_platform.database.failures import DatabaseError
from pat_platform.database.pipeline import Wire
from pat_platform.database.transaction import Transaction
from pat_platform.errors import Fault, Refused


@pytest.mark.parametrize("failure", [Refused("NO", "No."), Fault("FORBIDDEN", "No."), KeyError("no")])
async def test_what_a_verb_wrote_is_undone_when_it_raises(
    database: Database, member: Member, network: Network, words: str, failure: Exception
) -> None:
    note = note_of(member, words)

    async def verb(tx: Transaction) -> None:
        await tx.add(note)
        raise failure

    with pytest.raises(type(failure)):
        await run(database, member, verb)
    assert stored(network, note) == []


async def test_an_error_that_a_verb_swallows_is_not_taken_for_success(
    database: Database, member: Member, network: Network, words: str
) -> None:
    note = note_of(member, words)

    async def verb(tx: Transaction) -> None:
        await tx.add(note)
        with pytest.raises(DatabaseError):
            await tx.execute(text("select 1/0"))

    with pytest.raises(DatabaseError) as refused:
        await run(database, member, verb)
    assert refused.value.sqlstate == "25P02"
    assert stored(network, note) == []


async def test_a_plan_that_fails_undoes_the_transaction(
    database: Database, member: Member, network: Network, words: str
) -> None:
    note = note_of(member, words)

    async def verb(tx: Transaction) -> None:
        await tx.add(note)
        await tx.read("select 1/0")

    with pytest.raises(DatabaseError) as refused:
        await run(database, member, verb)
    assert refused.value.sqlstate == "22012"
    assert stored(network, note) == []


@pytest.mark.parametrize("ending", ["commit", "rollback"])
async def test_a_verb_that_ends_its_own_transaction_is_an_error(
    database: Database, member: Member, ending: str
) -> None:
    with pytest.raises(DatabaseError) as refused:
        await run(database, member, lambda tx: tx.execute(text(ending)))
    assert refused.value.sqlstate == "25P01"


@pytest.mark.parametrize("place", ["in a statement", "in a plan", "between statements"])
async def test_a_cancelled_verb_is_undone_and_its_connection_is_clean(
    open_database: OpenDatabase, member: Member, network: Network, words: str, place: str
) -> None:
    database = open_database(pool_size=1)
    note = note_of(member, words)
    reached = asyncio.Event()

    async def verb() -> None:
        async with database.transaction(member.login, member.session) as tx:
            await tx.execute(text("set search_path = public"))
            await tx.add(note)
            reached.set()
            if place == "in a statement":
                await tx.execute(text("select pg_sleep(60)"))
            elif place == "in a plan":
                await tx.read("select pg_sleep(60)")
            else:
                await asyncio.sleep(60)

    working = asyncio.create_task(verb())
    await reached.wait()
    if place != "between statements":
        await eventually(lambda: network.running("pg_sleep(60)") == 1)
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working
    (path,) = await database.read(
        member.login, member.session, "select current_setting('search_path')", read_only=True
    )
    assert path == b'"$user", public'
    assert network.running("pg_sleep(60)") == 0
    assert stored(network, note) == []
    assert network.backends() == 1


async def test_a_verb_cancelled_while_it_opens_leaves_nothing_behind(
    open_database: OpenDatabase, member: Member
) -> None:
    database = open_database(pool_size=1)

    async def verb() -> None:
        async with database.transaction(member.login, member.session):
            await asyncio.sleep(60)

    for delay in (0.0, 0.0, 0.0003, 0.0006, 0.001, 0.002):
        working = asyncio.create_task(verb())
        await asyncio.sleep(delay)
        working.cancel()
        with pytest.raises(asyncio.CancelledError):
            await working
        async with database.transaction(member.login, member.session) as tx:
            assert await tx.scalar(text("select count(*) from app.notes")) == 5


async def test_what_was_put_down_for_a_beginning_that_failed_is_not_left_out_in_silence(
    open_database: OpenDatabase, member: Member, network: Network, words: str
) -> None:
    database = open_database(pool_size=1, pool_wait_seconds=0.1)
    note = note_of(member, words)

    async def verb(tx: Transaction) -> None:
        await tx.add(note)
        async with database.transaction(member.login, member.session):
            with pytest.raises(Fault, match="busy"):
                await tx.flush()

    with pytest.raises(DatabaseError) as refused:
        async with database.transaction(member.login, member.session, member.person) as tx:
            await verb(tx)
    assert refused.value.sqlstate == "25P01"
    assert stored(network, note) == []


async def test_a_verb_whose_connection_breaks_while_it_is_undone_says_why_it_raised(
    open_database: OpenDatabase, member: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = open_database(pool_size=1)

    async def verb(tx: Transaction) -> None:
        await tx.scalar(text("select 1"))
        monkeypatch.setattr(Wire, "_flush", lambda wire: wire.lose())
        raise Refused("NOT_VALID", "no", None)

    with pytest.raises(Refused):
        await run(database, member, verb)
    monkeypatch.undo()
    assert await database.read(member.login, member.session, "select '1'", read_only=True) == [b"1"]


async def test_of_a_connection_that_breaks_at_the_commit_only_whoever_commits_hears(
    open_database: OpenDatabase, member: Member, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = open_database(pool_size=1)
    note = note_of(member, words)
    codes: list[str] = []
    complaints: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))

    async def verb(tx: Transaction) -> None:
        await tx.scalar(text("select 1"))
        # It goes with the commit: two answers are lost.
        await tx.add(note)
        monkeypatch.setattr(Wire, "_flush", lambda wire: wire.lose())

    try:
        await run(database, member, verb)
    except Fault as fault:
        codes.append(fault.code)
    monkeypatch.undo()
    assert codes == ["UNAVAILABLE"]
    assert await database.read(member.login, member.session, "select '1'", read_only=True) == [b"1"]
    # What was never heard of is complained of when it is thrown away.
    gc.collect()
    assert complaints == []


@pytest.mark.parametrize("is_undone", [False, True])
async def test_whoever_keeps_a_transaction_beyond_its_end_says_nothing_on_anothers_connection(
    open_database: OpenDatabase, member: Member, network: Network, words: str, is_undone: bool
) -> None:
    database = open_database(pool_size=1)
    note = note_of(member, words)
    kept: list[Transaction] = []

    async def verb(tx: Transaction) -> None:
        kept.append(tx)
        await tx.scalar(text("select 1"))
        if is_undone:
            raise Refused("NOT_VALID", "no", None)

    with suppress(Refused):
        await run(database, member, verb)
    (late,) = kept
    async with database.transaction(member.login, member.session) as others:
        await others.scalar(text("select 1"))
        with pytest.raises(DatabaseError, match="25P01"):
            await late.add(note)
        with pytest.raises(DatabaseError, match="25P01"):
            await late.flush()
    assert stored(network, note) == []
