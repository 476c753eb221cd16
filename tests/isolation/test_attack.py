"""With any login of one organisation, no statement reaches a row of another."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from uuid import UUID

import psycopg
import pytest
from tests.support.people import KINDS, Member, named
from tests.support.wall import Connection, Wall, as_superuser, attempt, insert

from pat_auth.policy import Role
from pat_platform.database.models import TableKind
from pat_tenants.isolation.doors import DOORS
from pat_tenants.tables import metadata

TENANT = sorted(t.fullname for t in metadata.tables.values() if t.info["kind"] is TableKind.TENANT)
VIEWS = sorted(view.name for door in DOORS for view in door.views)
REFUSED = "42501"

READS = (
    "select t::text from {table} t",
    "table {table}",
    "copy (select t::text from {table} t) to stdout",
    "with f as materialized (select set_config('pat.session', '{session}', true) s)"
    " select t::text from f, {table} t where f.s is not null",
    "with f as materialized (select set_config('role', '{login}', true) s)"
    " select t::text from f, {table} t where f.s is not null",
    "with f as materialized (select set_config('session_authorization', '{login}', true) s)"
    " select t::text from f, {table} t where f.s is not null",
    "with f as materialized (select set_config('row_security', 'off', true) s)"
    " select t::text from f, {table} t where f.s is not null",
    "select query_to_xml('select t::text from {table} t', true, false, '')",
    "select table_to_xml('{table}', true, false, '')",
    "select * from ts_stat('select to_tsvector(''simple'', t::text) from {table} t')",
    "select json_agg(t)::text from {table} t",
    "select t::text from {table} t where t.organisation_id = '{organisation}' for update",
)

WRITES = (
    "update {table} set organisation_id = organisation_id where organisation_id = '{organisation}'",
    "delete from {table} where organisation_id = '{organisation}'",
    "with f as materialized (select set_config('role', '{login}', true) s)"
    " delete from {table} using f where f.s is not null and organisation_id = '{organisation}'",
    "merge into {table} t using (select '{organisation}'::uuid as id) s on t.organisation_id = s.id when matched then delete",
    "truncate {table}",
    "truncate {table} cascade",
    "lock table {table} in access exclusive mode",
    "copy {table} from stdin",
    "alter table {table} disable row level security",
    "alter table {table} no force row level security",
    "drop policy fence on {table}",
    "create policy mine on {table} using (true)",
    "drop table {table}",
    "create trigger mine before update on {table} for each row execute function suppress_redundant_updates_trigger()",
    "create unique index on {table} (organisation_id)",
    "cluster {table}",
)


@pytest.fixture(scope="module")
def markers(wall: Wall) -> frozenset[str]:
    """What tells that a row of cbo-a was reached: its ids, and every text and sealed value of its rows."""
    shared = {wall.organisation(slug) for slug in KINDS}
    # To its receiver a referral is known by the id that it was sent under.
    shared.add(named("cbo-a", "received", "exchanged"))
    # Rows of cbo-a about a referral of cbo-b: what was answered is for cbo-b too, under its own names.
    shared |= {
        named("cbo-b", "received", "exchanged"),
        named("cbo-a", "referral_hearings", "cbo-b/exchanged"),
    }
    found: set[str] = set()
    for labelled in wall.rows.values():
        for row in labelled.get("cbo-a", {}).values():
            for value in row.values():
                if isinstance(value, UUID) and value not in shared:
                    found |= {str(value), value.hex}
                elif isinstance(value, bytes | str) and "cbo-a" in str(value):
                    found |= {value.hex() if isinstance(value, bytes) else value}
    return frozenset(found)


def cbo_b(wall: Wall) -> list[Member]:
    """One member of cbo-b in every role."""
    return [m for m in wall.members if m.slug == "cbo-b" and m.number == 1]


def stolen(result: object, markers: frozenset[str]) -> list[str]:
    text = repr(result)
    return [marker for marker in markers if marker in text]


def run(connection: Connection, statement: str) -> list[tuple[object, ...]] | str:
    """Like ``attempt``, for COPY too."""
    if not statement.startswith("copy "):
        return attempt(connection, statement)
    try:
        with connection.transaction(), connection.cursor().copy(statement.encode()) as copy:
            return [(bytes(data),) for data in copy] if "to stdout" in statement else [(0,)]
    except psycopg.Error as error:
        return error.sqlstate or type(error).__name__


def spelled(wall: Wall, statement: str, table: str = "") -> str:
    victim = wall.member("cbo-a", Role.CASE_MANAGER)
    return (
        statement.replace("{table}", table)
        .replace("{login}", victim.login)
        .replace("{session}", str(victim.session))
        .replace("{organisation}", str(victim.organisation))
    )


def every_read(wall: Wall) -> Iterator[str]:
    for relation in chain(TENANT, VIEWS):
        for statement in READS:
            yield spelled(wall, statement, relation)
    yield "select database_to_xml(true, false, '')"
    yield "select schema_to_xml('app', true, false, '')"
    yield "select schema_to_xml('door', true, false, '')"


@pytest.mark.parametrize("role", Role)
def test_no_statement_reads_a_row_of_another_organisation(
    wall: Wall, role: Role, markers: frozenset[str]
) -> None:
    reached = {}
    with wall.acting(wall.member("cbo-b", role)) as connection:
        for statement in every_read(wall):
            if found := stolen(run(connection, statement), markers):
                reached[statement] = found
    assert reached == {}


def test_the_markers_are_found_where_they_may_be_read(wall: Wall, markers: frozenset[str]) -> None:
    """The same statements, by cbo-a's own case manager: they do tell when a row is reached."""
    with wall.acting(wall.member("cbo-a", Role.CASE_MANAGER)) as connection:
        for table in ("app.cases", "app.survivor_identities", "app.memberships", "door.referral_states"):
            if table == "app.memberships":
                assert stolen(run(connection, "select name from app.memberships"), markers)
            else:
                assert stolen(run(connection, f"select t::text from {table} t"), markers)


@pytest.mark.parametrize("role", Role)
def test_no_statement_writes_a_row_of_another_organisation(wall: Wall, role: Role) -> None:
    written = {}
    with wall.acting(wall.member("cbo-b", role)) as connection:
        for table in TENANT:
            for statement in (spelled(wall, statement, table) for statement in WRITES):
                outcome = run(connection, statement)
                if not isinstance(outcome, str) and outcome != [(0,)]:
                    written[statement] = outcome
    assert written == {}


@pytest.mark.parametrize("table", TENANT)
def test_no_role_puts_a_row_into_another_organisation(wall: Wall, table: str) -> None:
    row = next(iter(wall.rows[table]["cbo-a"].values()))
    if table == "app.referrals":
        # As hers begin: what is no first step is refused whoever takes it.
        row = {**row, "state": "DRAFT", "sent_at": None}
    columns = ", ".join(row)
    values = ", ".join(f"%({name})s" for name in row)
    into = f"insert into {table} ({columns})"
    for member in cbo_b(wall):
        mine = {
            name: member.person if name in {"created_by", "updated_by", "person_id"} else value
            for name, value in row.items()
        }
        with wall.acting(member) as connection:
            for statement in (
                f"{into} values ({values})",
                f"{into} values ({values}) on conflict do nothing",
                f"{into} values ({values}) on conflict (organisation_id) do update set organisation_id = excluded.organisation_id",
                f"with f as (select set_config('role', 'pat_owner', true)) {into} values ({values})",
                f"merge into {table} t using (select 1) s on false when not matched then insert ({columns}) values ({values})",
            ):
                outcome = attempt(connection, statement, mine)
                assert outcome in (REFUSED, "42P10"), (member.role, statement, outcome)


ESCAPES = (
    "set role {name}",
    "set local role {name}",
    "select set_config('role', '{name}', true)",
    "set session authorization {name}",
    "set local session authorization {name}",
    "select set_config('session_authorization', '{name}', true)",
)


@pytest.mark.parametrize("role", Role)
def test_no_login_becomes_another_role(wall: Wall, role: Role) -> None:
    """Its own role and the group it may take on: they hold nothing that it does not hold already."""
    member = wall.member("cbo-b", role)
    own = {member.login, f"pat_{role}", "pat_application"}
    rows = wall.admin.execute(
        "select rolname from pg_roles where rolname ~ '^(org_|pat_|postgres$|pg_)'"
    ).fetchall()
    connection = wall.connect(member.login)
    with connection:
        for (name,) in rows:
            for statement in ESCAPES[: 3 if name in own else 6]:
                outcome = attempt(connection, statement.format(name=name))
                assert isinstance(outcome, str) is (name not in own), (statement, name, outcome)
            attempt(connection, "reset role")


def test_row_security_cannot_be_switched_off(wall: Wall) -> None:
    with wall.acting(wall.member("cbo-b", Role.CASE_MANAGER)) as connection:
        connection.execute("set local row_security = off")
        assert attempt(connection, "select 1 from app.cases") == REFUSED
        assert attempt(connection, "select 1 from app.places") == REFUSED


LEAKY = (
    "select 1 / (case when t::text like '%cbo-a%' then 0 else 1 end) from {table} t",
    "select count(*) from {table} t where 1 / (case when t::text like '%cbo-a%' then 0 else 1 end) = 1",
    "select count(*) from {table} t where (case when t::text like '%cbo-a%' then t::text else '1' end)::int = 1",
    "select count(*) from {table} t where 1 / (case when organisation_id = '{organisation}' then 0 else 1 end) = 1",
    "select count(*) from {table} t order by 1 / (case when min(t::text) like '%cbo-a%' then 0 else 1 end)",
)


@pytest.mark.parametrize(
    "role", [Role.CASE_MANAGER, Role.ORGANISATION_ADMIN, Role.SURVIVOR, Role.SHG_FACILITATOR]
)
def test_an_error_tells_nothing_about_a_hidden_row(wall: Wall, role: Role) -> None:
    """A condition with an error in it must not be tried on a row before the fence was."""
    with wall.acting(wall.member("cbo-b", role)) as connection:
        for table in TENANT:
            for statement in (spelled(wall, leaky, table) for leaky in LEAKY):
                assert attempt(connection, statement) not in ("22012", "22P02"), statement


CLOSED = (
    "select * from pg_catalog.pg_authid",
    "select * from pg_catalog.pg_shadow",
    "select * from pg_catalog.pg_statistic",
    "select * from pg_catalog.pg_largeobject",
    "select * from sec.sessions",
    "select * from sec.people",
    "select * from sec.logins",
    "select id from sec.sessions",
    "select * from trail.events",
    "select * from trail.heads",
    "select trail.field('x')",
    "select reltuples from pg_catalog.pg_class",
    "select relpages from pg_catalog.pg_class",
    "select * from pg_catalog.pg_stat_activity",
    "select * from pg_catalog.pg_stat_user_tables",
    "select * from pg_catalog.pg_statio_user_tables",
    "select * from pg_catalog.pg_stat_user_indexes",
    "select * from pg_catalog.pg_stat_database",
    "select pg_stat_get_live_tuples('app.cases'::regclass)",
    "select * from pg_catalog.pg_locks",
    "select pg_relation_size('app.cases')",
    "select pg_total_relation_size('app.cases')",
    "select pg_table_size('app.cases')",
    "select pg_indexes_size('app.cases')",
    "select pg_database_size(current_database())",
    "select lo_creat(-1)",
    "select lo_from_bytea(0, 'abc')",
    "select lo_get(1)",
    "select lo_open(1, 262144)",
    "select loread(0, 1)",
    "select pg_advisory_lock(1)",
    "select pg_try_advisory_lock(1)",
    "select pg_advisory_xact_lock(1)",
    "select pg_notify('pat', 'data')",
    "select pg_terminate_backend(pg_backend_pid())",
    "select pg_cancel_backend(pg_backend_pid())",
    "select pg_read_file('postgresql.conf')",
    "select pg_ls_dir('.')",
    "select * from pg_hba_file_rules",
    "copy (select 1) to '/tmp/wall'",
    "copy (select 1) to program 'true'",
    "create temporary table mine (id int)",
    "create temporary view mine as select 1",
    "create function pg_temp.leak(t text) returns bool language sql as 'select true'",
    "create table app.mine (id int)",
    "create table public.mine (id int)",
    "create view door.mine as select 1",
    "create schema mine",
    "create function app.mine() returns int language sql as 'select 1'",
    "create function sec.actor(x int) returns int language sql as 'select 1'",
    "create or replace function sec.actor() returns uuid language sql as 'select null::uuid'",
    "alter function sec.actor() security invoker",
    "create extension dblink schema app",
    "create role mine",
    "alter role current_user superuser",
    "alter role current_user bypassrls",
    "grant pat_owner to current_user",
    "create publication mine for all tables",
    "create event trigger mine on ddl_command_start execute function suppress_redundant_updates_trigger()",
    "set session_replication_role = replica",
    "set local log_min_messages = debug5; set session_preload_libraries = 'x'",
    "load 'nothing'",
    "vacuum",
)


@pytest.mark.parametrize(
    "role", [Role.CASE_MANAGER, Role.ORGANISATION_ADMIN, Role.PLATFORM_OPERATOR, Role.AUDITOR]
)
def test_what_postgresql_leaves_open_is_closed(wall: Wall, role: Role) -> None:
    member = wall.member("cbo-b", role)
    outcomes = {}
    # Rolled back: where the wall has a hole, nothing that goes through it may stay.
    with wall.connect(member.login) as connection, connection.transaction(force_rollback=True):
        for statement in CLOSED:
            outcome = attempt(connection, statement) if statement != "vacuum" else REFUSED
            if outcome not in (REFUSED, "42704", "0A000", "58P01"):
                outcomes[statement] = outcome
    assert outcomes == {}


def test_the_schema_public_is_nobodys(wall: Wall) -> None:
    for member in cbo_b(wall):
        with wall.acting(member) as connection:
            usable = "select has_schema_privilege('public', 'usage') or has_schema_privilege('migrations', 'usage')"
            assert attempt(connection, usable) == [(False,)]


def test_statistics_of_the_values_are_hidden(wall: Wall) -> None:
    wall.admin.execute("analyze")
    for member in cbo_b(wall):
        with wall.acting(member) as connection:
            seen = "select count(*) from pg_catalog.pg_stats where schemaname in ('app', 'sec', 'trail')"
            assert attempt(connection, seen) == [(0,)]


def test_an_estimate_is_the_same_for_every_organisation_and_value(wall: Wall) -> None:
    """EXPLAIN cannot be forbidden, so there is nothing that it could estimate by."""
    with wall.admin.transaction(force_rollback=True):
        for number in range(300):
            row = {
                **wall.rows["app.survivors"]["cbo-a"]["hers"],
                "id": named(str(number)),
                "code": str(number),
            }
            insert(wall.admin, "app.survivors", {**row, "primary_language": "bn"})
        wall.admin.execute("analyze app.survivors")
        with as_superuser(wall.admin, wall.member("cbo-b", Role.CASE_MANAGER).login, None):
            plans = {
                condition: attempt(wall.admin, f"explain select 1 from app.survivors where {condition}")
                for condition in (
                    f"organisation_id = '{wall.organisation('cbo-a')}'",
                    f"organisation_id = '{named('nobody')}'",
                    "primary_language = 'bn'",
                    "primary_language = 'xx'",
                    "true",
                )
            }
    estimates = {condition: _estimate(plan) for condition, plan in plans.items()}
    assert len(set(list(estimates.values())[:2])) == 1
    assert len(set(list(estimates.values())[2:4])) == 1
    # About a tenth of the table is anybody's: it is what the planner is told, so that lists stay fast.
    assert estimates["true"] == "rows=30"


def _estimate(plan: object) -> str:
    assert isinstance(plan, list)
    return next(part for part in str(plan[0][0]).split() if part.startswith("rows="))
