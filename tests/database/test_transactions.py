"""Transactions of verbs: SQLAlchemy, compiled plans and one commit, on a connection of the pool."""

from uuid import uuid4

import pytest
from sqlalchemy import select, text, update
from tests.database.conftest import OpenDatabase
from tests.database.network import Member, Network
from tests.database.notes import Note, note_of, run, stored
from tests.database.proxy import Proxy

from pat_platform.database.access import Database
from pat_platform.database.failures import DatabaseError
from pat_platform.database.transaction import ChangedAfterwards, Transaction
from pat_platform.errors import Fault, Refused

COUNT = "select count(*)::text from app.notes where words like $1"


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
