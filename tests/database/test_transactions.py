"""Transactions of verbs: SQLAlchemy, compiled plans and one commit, on a connection of the pool."""

import asyncio
import gc
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from uuid import UUID, uuid4

import pytest
from sqlalchemy import MetaData, select, text, update
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from tests.database.conftest import OpenDatabase
from tests.database.network import Member, Network
from tests.database.proxy import Proxy
from tests.database.waiting import eventually

from pat_platform.database.access import Database
from pat_platform.database.failures import DatabaseError
from pat_platform.database.pipeline import Wire
from pat_platform.database.transaction import ChangedAfterwards, Transaction
from pat_platform.errors import Fault, Refused

COUNT = "select count(*)::text from app.notes where words like $1"


class Base(DeclarativeBase):
    metadata = MetaData()


class Note(Base):
    __tablename__ = "notes"
    __table_args__ = {"schema": "app"}  # noqa: RUF012

    organisation_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    author: Mapped[UUID]
    words: Mapped[str]


def note_of(member: Member, words: str) -> Note:
    return Note(organisation_id=member.organisation, id=uuid4(), author=member.person, words=words)


async def run(database: Database, member: Member, verb: Callable[[Transaction], Awaitable[object]]) -> None:
    async with database.transaction(member.login, member.session) as tx:
        await verb(tx)


def stored(network: Network, note: Note) -> list[tuple[object, ...]]:
    return network.execute("select words from app.notes where id = %s", (note.id,))


@pytest.fixture
def words() -> str:
    """Words that no other test writes."""
    return f"written {uuid4()}"


@pytest.fixture(autouse=True)
def leave_no_notes(network: Network) -> Iterator[None]:
    yield
    network.execute("delete from app.notes where words like 'written%%'")


async def test_a_transaction_knows_who_acts_for_whom(database: Database, member: Member) -> None:
    async with database.transaction(member.login, member.session) as tx:
        assert (tx.actor, tx.organisation, tx.login) == (member.person, member.organisation, member.login)


async def test_what_a_verb_wrote_is_committed_when_it_ends(
    database: Database, member: Member, network: Network, words: str
) -> None:
    async with database.transaction(member.login, member.session) as tx:
        note = await tx.add(note_of(member, words))
        assert stored(network, note) == []
    assert stored(network, note) == [(words,)]


async def test_a_row_that_was_fetched_cannot_be_changed_in_silence(
    database: Database, member: Member, words: str
) -> None:
    async with database.transaction(member.login, member.session) as tx:
        note = await tx.add(note_of(member, words))
        found = await tx.get(Note, note.id)
        assert found is not None
        with pytest.raises(AttributeError):
            found.words = f"{words}, changed"


async def test_a_row_that_was_added_cannot_be_changed_in_silence(
    database: Database, member: Member, network: Network, words: str
) -> None:
    note = note_of(member, words)

    async def verb(tx: Transaction) -> None:
        await tx.add(note)
        note.words = f"{words}, changed"

    with pytest.raises(ChangedAfterwards):
        await run(database, member, verb)
    assert stored(network, note) == []


async def test_a_change_is_a_statement(
    database: Database, member: Member, network: Network, words: str
) -> None:
    async with database.transaction(member.login, member.session) as tx:
        note = await tx.add(note_of(member, words))
        await tx.put(update(Note).where(Note.id == note.id).values(words=f"{words}, changed"))
    assert stored(network, note) == [(f"{words}, changed",)]


async def test_rows_keep_their_values_after_the_commit(
    database: Database, member: Member, words: str
) -> None:
    async with database.transaction(member.login, member.session) as tx:
        note = await tx.add(note_of(member, words))
    assert note.words == words


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


async def test_a_compiled_plan_sees_what_the_verb_wrote(
    database: Database, member: Member, words: str
) -> None:
    async with database.transaction(member.login, member.session) as tx:
        assert await tx.read(COUNT, (words.encode(),)) == [b"0"]
        note = await tx.add(note_of(member, words))
        assert await tx.read(COUNT, (words.encode(),)) == [b"1"]
        later = tx.read_later(COUNT, (words.encode(),))
        with pytest.raises(ValueError, match="not answered"):
            later.row()
        await tx.put(update(Note).where(Note.id == note.id).values(words=f"{words}, changed"))
        assert await tx.read(COUNT, (words.encode(),)) == [b"0"]
        assert later.row() == [b"1"]
        assert await tx.scalar(select(Note.words).where(Note.id == note.id)) == f"{words}, changed"


async def test_statements_between_the_rows(database: Database, member: Member) -> None:
    async with database.transaction(member.login, member.session) as tx:
        await tx.execute(text("savepoint kept"))
        assert len(await tx.scalars(select(Note))) == 5
        result = await tx.execute(text("select :a || 'b'"), {"a": "a"})
        assert result.scalar_one() == "ab"
        assert await tx.get(Note, (await tx.scalars(select(Note.id)))[0], lock=True) is not None
        await tx.read("select 1")
        await tx.execute(text("rollback to savepoint kept"))


async def test_another_persons_row_is_not_found(
    database: Database, member: Member, stranger: Member, network: Network
) -> None:
    ((theirs,),) = network.execute("select id from app.notes where author = %s limit 1", (stranger.person,))
    async with database.transaction(member.login, member.session) as tx:
        assert await tx.get(Note, theirs) is None
        assert await tx.get(Note, theirs, organisation_id=stranger.organisation) is None


async def test_a_row_of_another_organisation_cannot_be_written(
    database: Database, member: Member, stranger: Member, words: str
) -> None:
    with pytest.raises(DatabaseError) as refused:
        await run(database, member, lambda tx: tx.add(note_of(stranger, words)))
    assert refused.value.sqlstate == "42501"


async def test_a_violated_constraint_is_named_without_its_data(
    database: Database, member: Member, network: Network, words: str
) -> None:
    note = note_of(member, words)
    again = text("insert into app.notes values (:organisation, :id, :author, 'written again')")

    async def verb(tx: Transaction) -> None:
        await tx.add(note)
        await tx.execute(again, {"organisation": note.organisation_id, "id": note.id, "author": note.author})

    with pytest.raises(DatabaseError) as refused:
        await run(database, member, verb)
    assert (refused.value.sqlstate, refused.value.constraint) == ("23505", "pk_notes")
    assert str(note.id) not in str(refused.value)
    assert stored(network, note) == []


async def test_a_constraint_that_is_checked_at_the_commit_undoes_everything(
    database: Database, member: Member, network: Network, words: str
) -> None:
    first, second = note_of(member, words), note_of(member, words)

    async def verb(tx: Transaction) -> None:
        await tx.add(first)
        await tx.add(second)

    with pytest.raises(DatabaseError) as refused:
        await run(database, member, verb)
    assert refused.value.constraint == "uq_notes_organisation_id_words"
    assert stored(network, first) == []


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


async def test_several_statements_cannot_be_smuggled_into_one(database: Database, member: Member) -> None:
    with pytest.raises(DatabaseError) as refused:
        await run(database, member, lambda tx: tx.execute(text("select 1; prepare pat_1 as select 'evil'")))
    assert refused.value.sqlstate == "42601"


@pytest.mark.parametrize("session", ["unknown", "a colleague's"])
async def test_a_session_that_is_not_of_the_login_opens_no_transaction(
    database: Database, member: Member, colleague: Member, session: str
) -> None:
    with pytest.raises(Fault) as refused:
        async with database.transaction(member.login, colleague.session if session[0] == "a" else uuid4()):
            raise AssertionError
    assert refused.value.code == "UNAUTHENTICATED"


async def test_opening_and_committing_cost_one_round_trip_each(
    open_database: OpenDatabase, member: Member, proxy: Proxy
) -> None:
    database = open_database(database_url=proxy.url)
    await database.read(member.login, member.session, "select 1", read_only=True)
    await proxy.quiet()
    proxy.log.clear()
    async with database.transaction(member.login, member.session) as tx:
        await tx.read("select 1")
    await proxy.quiet()
    assert proxy.turns() == "out in out in out in"


async def test_a_verb_that_knows_who_acts_costs_one_round_trip_to_read_and_one_to_write(
    open_database: OpenDatabase, member: Member, proxy: Proxy, words: str
) -> None:
    database = open_database(database_url=proxy.url)
    await database.read(member.login, member.session, "select 1", read_only=True)
    for _ in range(2):
        await proxy.quiet()
        proxy.log.clear()
        async with database.transaction(member.login, member.session, member.person) as tx:
            await tx.scalar(select(Note.id))
            await tx.add(note_of(member, f"{words} {_}"))
            counted = tx.read_later(COUNT, (f"{words} {_}".encode(),))
        assert counted.row() == [b"1"]
    await proxy.quiet()
    assert proxy.turns() == "out in out in"


async def test_a_session_of_somebody_else_than_expected_does_nothing(
    database: Database, member: Member, colleague: Member, network: Network, words: str
) -> None:
    note = note_of(member, words)
    with pytest.raises(Fault) as refused:
        async with database.transaction(member.login, member.session, colleague.person) as tx:
            await tx.add(note)
    assert refused.value.code == "UNAUTHENTICATED"
    assert stored(network, note) == []


async def test_a_verb_that_says_nothing_takes_no_connection(database: Database, member: Member) -> None:
    with pytest.raises(Refused):
        async with database.transaction(member.login, member.session, member.person):
            raise Refused("NO", "No.")
    assert database.traffic.writes == 0


async def test_the_first_statements_are_sent_again_on_a_new_connection(
    database: Database, member: Member, network: Network, words: str
) -> None:
    await database.read(member.login, member.session, "select 1", read_only=True)
    note = note_of(member, words)
    async with database.transaction(member.login, member.session, member.person) as tx:
        await tx.add(note)
        network.hang_up(member.login)
        assert await tx.scalar(select(Note.words).where(Note.id == note.id)) == words
    assert stored(network, note) == [(words,)]


async def test_nothing_that_a_verb_sets_reaches_the_next_lease(
    open_database: OpenDatabase, member: Member
) -> None:
    database = open_database(pool_size=1)
    settings = (
        "select current_setting('pat.session', true), current_setting('search_path'), current_user::text, "
        "current_setting('statement_timeout'), (select count(*) from pg_listening_channels()), "
        "(select count(*) from pg_cursors where is_holdable), to_regclass('pg_temp.kept')::text"
    )
    before = await database.read(member.login, member.session, settings, read_only=True)
    async with database.transaction(member.login, member.session) as tx:
        await tx.execute(text("set search_path = public"))
        await tx.execute(text("set statement_timeout = 1234"))
        await tx.execute(text(f"set pat.session = '{uuid4()}'"))
        await tx.execute(text("set role pat_application"))
        await tx.execute(text("listen something"))
        await tx.execute(text("declare kept cursor with hold for select 1"))
        await tx.execute(text("create temp table kept as select 1 as one"))
    after = await database.read(member.login, member.session, settings, read_only=True)
    assert after[1:] == before[1:]
    async with database.transaction(member.login, member.session) as tx:
        assert await tx.read(settings) == after
    assert database.traffic.connections == 1


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


async def test_two_verbs_do_not_share_a_connection(database: Database, member: Member) -> None:
    async with (
        database.transaction(member.login, member.session) as first,
        database.transaction(member.login, member.session) as second,
    ):
        mine = await first.scalar(text("select pg_backend_pid()"))
        assert await second.scalar(text("select pg_backend_pid()")) != mine


async def test_savepoints_work_inside(
    database: Database, member: Member, network: Network, words: str
) -> None:
    note = note_of(member, words)
    async with database.transaction(member.login, member.session) as tx:
        await tx.add(note)
        await tx.execute(text("savepoint before"))
        with pytest.raises(DatabaseError):
            await tx.execute(text("select 1/0"))
        await tx.execute(text("rollback to savepoint before"))
    assert stored(network, note) == [(words,)]


async def test_text_that_the_driver_cannot_send_is_the_askers_mistake(
    database: Database, member: Member, words: str
) -> None:
    with pytest.raises(Fault) as refused:
        await run(database, member, lambda tx: tx.add(note_of(member, f"{words} \0")))
    assert refused.value.code == "BAD_INPUT"


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
    complaints: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))

    async def verb(tx: Transaction) -> None:
        await tx.scalar(text("select 1"))
        # It goes with the commit: two answers are lost.
        await tx.add(note)
        monkeypatch.setattr(Wire, "_flush", lambda wire: wire.lose())

    with pytest.raises(Fault) as fault:
        await run(database, member, verb)
    monkeypatch.undo()
    assert fault.value.code == "UNAVAILABLE"
    assert await database.read(member.login, member.session, "select '1'", read_only=True) == [b"1"]
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
