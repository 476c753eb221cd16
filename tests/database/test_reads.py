"""Compiled reads: one round trip, one transaction, and nothing left behind."""

import asyncio
from uuid import uuid4

import pytest
from sqlalchemy import text
from tests.database.conftest import OpenDatabase
from tests.database.network import Member, Network, Row
from tests.database.proxy import Proxy
from tests.database.waiting import eventually

from pat_platform.database.access import Database
from pat_platform.database.failures import DatabaseError
from pat_platform.errors import Fault

MINE = "select count(*)::text, min(organisation_id::text), min(author::text) from app.notes"
INSERT = (
    "insert into app.notes values (substr(session_user::text, 5, 32)::uuid, $1::uuid, sec.actor(), $2) "
    "returning id"
)
SETTINGS = (
    "select current_setting('pat.session', true), current_setting('search_path'), session_user::text, "
    "current_user::text, current_setting('statement_timeout'), current_setting('transaction_read_only')"
)


async def read(database: Database, member: Member, sql: str, *parameters: bytes | None) -> Row:
    return await database.read(member.login, member.session, sql, parameters, read_only=True)


async def write(database: Database, member: Member, sql: str, *parameters: bytes | None) -> Row:
    return await database.read(member.login, member.session, sql, parameters, read_only=False)


async def test_a_read_sees_the_rows_of_its_person(database: Database, member: Member) -> None:
    row = await read(database, member, MINE)
    assert row == [b"5", str(member.organisation).encode(), str(member.person).encode()]


async def test_a_read_without_rows_is_an_empty_list(database: Database, member: Member) -> None:
    assert await read(database, member, "select 1 where false") == []


async def test_parameters_are_text_or_null(database: Database, member: Member) -> None:
    row = await read(
        database, member, "select $1::text, $2::int + 1, $3::text is null", "ß".encode(), b"41", None
    )
    assert row == ["ß".encode(), b"42", b"t"]


async def test_a_read_costs_one_write_and_one_wait(database: Database, member: Member) -> None:
    await read(database, member, MINE)
    before = (database.traffic.writes, database.traffic.waits)
    for _ in range(10):
        await read(database, member, MINE)
    assert (database.traffic.writes, database.traffic.waits) == (before[0] + 10, before[1] + 10)
    assert database.traffic.connections == 1


async def test_statements_are_planned_for_pages_in_memory_also_after_a_reset(
    database: Database, member: Member
) -> None:
    names = ("random_page_cost", "jit", "plan_cache_mode")
    planning = "select " + ", ".join(f"current_setting('{name}')" for name in names)
    await write(
        database,
        member,
        "select set_config('jit', 'on', false), set_config('random_page_cost', '4', false),"
        " set_config('plan_cache_mode', 'auto', false)",
    )
    assert await read(database, member, planning) == [b"1.1", b"off", b"force_generic_plan"]


async def test_on_the_network_a_read_is_one_burst_and_its_answer(
    open_database: OpenDatabase, member: Member, proxy: Proxy
) -> None:
    database = open_database(database_url=proxy.url)
    await read(database, member, MINE)
    await proxy.quiet()
    proxy.log.clear()
    await read(database, member, MINE)
    await proxy.quiet()
    assert proxy.turns() == "out in"


async def test_the_first_read_on_a_connection_is_one_burst_too(
    open_database: OpenDatabase, member: Member, proxy: Proxy
) -> None:
    database = open_database(database_url=proxy.url)
    await read(database, member, "select 1")
    await proxy.quiet()
    proxy.log.clear()
    await read(database, member, "select 'another statement, to be prepared'")
    await proxy.quiet()
    assert proxy.turns() == "out in"


async def test_a_plain_read_cannot_write(database: Database, member: Member) -> None:
    with pytest.raises(DatabaseError) as refused:
        await read(database, member, INSERT, str(uuid4()).encode(), b"written by a plain read")
    assert refused.value.sqlstate == "25006"


async def test_a_plain_read_cannot_make_itself_writable(database: Database, member: Member) -> None:
    with pytest.raises(DatabaseError) as refused:
        await read(database, member, "select set_config('transaction_read_only', 'off', true)")
    assert refused.value.sqlstate == "25001"


async def test_an_audited_read_commits_before_it_answers(
    database: Database, member: Member, network: Network
) -> None:
    note = str(uuid4())
    row = await write(database, member, INSERT, note.encode(), b"audited")
    assert row == [note.encode()]
    assert network.execute("delete from app.notes where id = %s returning words", (note,)) == [("audited",)]


async def test_an_audited_read_whose_commit_fails_gives_no_answer(
    database: Database, member: Member, network: Network
) -> None:
    note = str(uuid4())
    with pytest.raises(DatabaseError) as refused:
        await write(database, member, INSERT, note.encode(), f"{member.login} 1".encode())
    assert refused.value.sqlstate == "23505"
    assert refused.value.constraint == "uq_notes_organisation_id_words"
    assert network.execute("select 1 from app.notes where id = %s", (note,)) == []
    assert (await read(database, member, MINE))[0] == b"5"


async def test_an_error_keeps_its_sqlstate_and_its_connection(database: Database, member: Member) -> None:
    for _ in range(3):
        with pytest.raises(DatabaseError) as refused:
            await read(database, member, "select 1 / $1::int", b"0")
        assert refused.value.sqlstate == "22012"
    assert (await read(database, member, MINE))[0] == b"5"
    assert database.traffic.connections == 1


async def test_an_error_does_not_print_the_data_it_quotes(database: Database, member: Member) -> None:
    with pytest.raises(DatabaseError) as refused:
        await read(database, member, "select $1::uuid", b"+91 98300 12345")
    assert "98300" in refused.value.message
    assert "98300" not in str(refused.value)


async def test_a_statement_that_does_not_parse_is_not_believed_prepared(
    database: Database, member: Member, network: Network
) -> None:
    appears_later = "select words from app.appears_later"
    with pytest.raises(DatabaseError) as refused:
        await read(database, member, appears_later)
    assert refused.value.sqlstate == "42P01"
    network.execute("create table app.appears_later as select 'here' as words")
    network.execute("grant select on app.appears_later to pat_application")
    try:
        assert await read(database, member, appears_later) == [b"here"]
    finally:
        network.execute("drop table app.appears_later")
    assert database.traffic.connections == 1


async def test_a_statement_is_prepared_once_and_the_oldest_are_forgotten(
    open_database: OpenDatabase, member: Member
) -> None:
    database = open_database(pool_size=1, prepared_statements=8)
    for number in range(40):
        assert await read(database, member, f"select {number}") == [str(number).encode()]
    counted = await read(database, member, "select count(*) from pg_prepared_statements")
    # Eight recent ones, the two that are just leaving, and what enters and resets.
    assert int(counted[0] or 0) <= 8 + 2 + 9


async def test_a_connection_on_which_prepared_statements_were_touched_is_given_up(
    open_database: OpenDatabase, member: Member
) -> None:
    database = open_database(pool_size=1)
    await read(database, member, MINE)
    async with database.transaction(member.login, member.session) as tx:
        await tx.execute(text("deallocate all"))
    assert (await read(database, member, MINE))[0] == b"5"
    assert database.traffic.connections == 2


@pytest.mark.parametrize("session", ["unknown", "another person's", "another organisation's"])
async def test_a_session_that_is_not_of_the_login_is_refused(
    database: Database, member: Member, colleague: Member, stranger: Member, session: str
) -> None:
    given = {"unknown": uuid4(), "another person's": colleague.session}.get(session, stranger.session)
    with pytest.raises(Fault) as refused:
        await database.read(member.login, given, MINE, read_only=True)
    assert refused.value.code == "UNAUTHENTICATED"


async def test_a_missing_privilege_is_not_taken_for_a_missing_session(
    database: Database, member: Member
) -> None:
    with pytest.raises(DatabaseError) as refused:
        await read(database, member, "select * from sec.sessions")
    assert refused.value.sqlstate == "42501"


async def test_a_missing_right_to_enter_is_not_taken_for_a_missing_session(
    database: Database, member: Member, network: Network
) -> None:
    network.execute("revoke execute on function sec.enter(text) from pat_application, public")
    try:
        with pytest.raises(DatabaseError) as refused:
            await read(database, member, MINE)
    finally:
        network.execute("grant execute on function sec.enter(text) to pat_application")
    assert refused.value.sqlstate == "42501"


async def test_a_plan_that_copies_is_refused_and_harms_nobody(
    open_database: OpenDatabase, member: Member
) -> None:
    database = open_database(pool_size=1)
    with pytest.raises(Fault):
        await read(database, member, "copy (select 1) to stdout")
    assert (await read(database, member, MINE))[0] == b"5"


async def test_a_parameter_of_a_wrong_type_harms_nobody(open_database: OpenDatabase, member: Member) -> None:
    database = open_database(pool_size=1)
    with pytest.raises(TypeError):
        await read(database, member, "select $1::text", 5)  # type: ignore[arg-type]
    assert (await read(database, member, MINE))[0] == b"5"


@pytest.mark.parametrize("sqlstate", ["40001", "40P01", "53100", "55P03", "57P01"])
async def test_a_failure_that_passes_is_told_as_one(
    database: Database, member: Member, sqlstate: str
) -> None:
    raising = f"do $$ begin raise exception using errcode = '{sqlstate}'; end $$"
    with pytest.raises(Fault) as refused:
        await read(database, member, raising)
    assert refused.value.code == "UNAVAILABLE"


async def test_text_with_a_nul_is_refused_before_it_is_cut(database: Database, member: Member) -> None:
    with pytest.raises(Fault) as refused:
        await read(database, member, "select $1::text", b"a\0b")
    assert refused.value.code == "BAD_INPUT"
    assert database.traffic.writes == 0


async def test_a_large_answer_arrives_whole(database: Database, member: Member) -> None:
    (answer,) = await read(database, member, "select repeat('x', 8000000)")
    assert answer is not None
    assert len(answer) == 8_000_000


async def test_a_large_parameter_is_sent_in_parts(
    open_database: OpenDatabase, member: Member, proxy: Proxy
) -> None:
    database = open_database(database_url=proxy.url)
    large = b"x" * 20_000_000
    assert await read(database, member, "select length($1::text)", large) == [b"20000000"]
    assert database.traffic.writes > 1
    assert (await read(database, member, MINE))[0] == b"5"


async def test_a_statement_that_takes_too_long_is_stopped(
    open_database: OpenDatabase, member: Member
) -> None:
    database = open_database(statement_timeout_ms=100)
    with pytest.raises(Fault) as stopped:
        await read(database, member, "select pg_sleep(60)")
    assert stopped.value.code == "TIMEOUT"
    assert (await read(database, member, MINE))[0] == b"5"


async def test_a_cancelled_read_stops_the_servers_work_and_keeps_the_connection(
    open_database: OpenDatabase, member: Member, network: Network
) -> None:
    database = open_database(pool_size=1)
    await read(database, member, MINE)
    sleeping = asyncio.create_task(read(database, member, "select pg_sleep(60)"))
    await eventually(lambda: network.running("pg_sleep(60)") == 1)
    sleeping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sleeping
    assert (await read(database, member, MINE))[0] == b"5"
    assert network.running("pg_sleep(60)") == 0
    assert database.traffic.connections == 1


@pytest.mark.parametrize("delay", [0, 0.0002, 0.0005, 0.001, 0.002, 0.005])
async def test_a_cancelled_read_never_disturbs_the_next(
    open_database: OpenDatabase, member: Member, delay: float
) -> None:
    database = open_database(pool_size=1)
    for _ in range(10):
        cancelled = asyncio.create_task(read(database, member, "select pg_sleep(0.002), 'mine'"))
        await asyncio.sleep(delay)
        cancelled.cancel()
        assert await read(database, member, "select 'yours', count(*) from app.notes") == [b"yours", b"5"]


@pytest.mark.parametrize("read_only", [True, False])
@pytest.mark.parametrize(
    "injected",
    [
        "select set_config('pat.session', '{session}', false)",
        "select set_config('search_path', 'public', false)",
        "select set_config('statement_timeout', '1', false)",
        "select set_config('role', 'pat_application', false)",
        "select set_config('default_transaction_read_only', 'on', false)",
        "select set_config('session_authorization', '{login}', false)",
    ],
)
async def test_nothing_that_a_read_sets_reaches_the_next(
    open_database: OpenDatabase, member: Member, injected: str, read_only: bool
) -> None:
    database = open_database(pool_size=1)
    before = await read(database, member, SETTINGS)
    statement = injected.format(session=uuid4(), login=member.login)
    await database.read(member.login, member.session, statement, read_only=read_only)
    assert await read(database, member, SETTINGS) == before
    assert (await read(database, member, MINE))[0] == b"5"
    assert database.traffic.connections == 1


@pytest.mark.parametrize(
    "injected",
    [
        "select 1 into temp kept",
        "select nextval('app.numbers')",
        "select query_to_xml('listen something', true, true, '')",
        "select query_to_xml('declare kept cursor with hold for select 1', true, true, '')",
        "select query_to_xml('prepare pat_1 as select 1', true, true, '')",
    ],
)
async def test_a_plain_read_can_leave_nothing_but_settings(
    database: Database, member: Member, network: Network, injected: str
) -> None:
    network.execute("create sequence if not exists app.numbers")
    network.execute("grant usage on sequence app.numbers to pat_application")
    with pytest.raises(DatabaseError):
        await read(database, member, injected)


async def test_reads_of_one_login_share_connections(open_database: OpenDatabase, member: Member) -> None:
    database = open_database(pool_size=3)
    answers = await asyncio.gather(*(read(database, member, MINE) for _ in range(100)))
    assert {answer[0] for answer in answers} == {b"5"}
    assert database.traffic.connections <= 3
