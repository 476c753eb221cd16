"""What is committed is what is rendered, and what stands in the database is what is committed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, make_url
from sqlalchemy.pool import NullPool
from tests.support.wall import SECRET, Connection, Wall

from pat_platform.postgres import EmbeddedPostgres
from pat_server.migrate import MIGRATIONS, migrate
from pat_tenants.isolation.apply import apply_wall
from pat_tenants.isolation.harden import harden
from pat_tenants.isolation.render import policies_sql
from pat_tenants.tables import metadata


def test_the_committed_policies_are_those_that_are_rendered() -> None:
    assert (MIGRATIONS / "policies.sql").read_text() == policies_sql()


STANDING = (
    "select schemaname, tablename, policyname, permissive, roles::text, cmd, qual, with_check from pg_policies",
    """select c.oid::regclass::text, c.relkind::text, c.relrowsecurity, c.relforcerowsecurity, pg_get_userbyid(c.relowner),
        (select array_agg(a::text order by a::text) from unnest(c.relacl) a), c.reloptions::text
        from pg_class c where c.relnamespace::regnamespace::text in ('app', 'sec', 'trail', 'door')""",
    """select attrelid::regclass::text, attname, (select array_agg(a::text order by a::text) from unnest(attacl) a)
        from pg_attribute where attacl is not null and attrelid <> 'pg_catalog.pg_class'::regclass""",
    """select p.oid::regprocedure::text, p.prosecdef, p.proconfig::text, pg_get_functiondef(p.oid),
        (select array_agg(a::text order by a::text) from unnest(p.proacl) a)
        from pg_proc p where p.pronamespace::regnamespace::text in ('app', 'sec', 'trail', 'door')""",
    "select nspname, (select array_agg(a::text order by a::text) from unnest(nspacl) a) from pg_namespace where nspname !~ '^pg_'",
    "select viewname, viewowner, definition from pg_views where schemaname = 'door'",
)


def standing(connection: Connection) -> list[list[tuple[Any, ...]]]:
    """The wall as the catalogue has it."""
    return [sorted(connection.execute(query.encode()).fetchall(), key=repr) for query in STANDING]


def test_what_stands_is_what_the_committed_file_says(wall: Wall) -> None:
    before = standing(wall.admin)
    with wall.admin.transaction(force_rollback=True):
        apply_wall(wall.admin, policies_sql())
        assert standing(wall.admin) == before


def test_applying_takes_away_what_was_opened_by_hand(wall: Wall) -> None:
    before = standing(wall.admin)
    with wall.admin.transaction(force_rollback=True):
        for statement in (
            "create policy planted on app.cases using (true)",
            "grant delete on app.cases to pat_case_manager",
            "grant select (person_id) on sec.sessions to pat_auditor",
            "grant select on trail.events to public",
            "grant execute on function trail.field(text) to pat_application",
            "grant create on schema app to pat_application",
            "drop policy fence on app.cases",
            "alter table app.cases no force row level security",
            "create or replace view door.sent_answers with (security_barrier) as"
            " select null::uuid as id, null::uuid as referral_id, null::text as answer, null::text as reason,"
            " null::timestamptz as answered_at",
        ):
            wall.admin.execute(statement.encode())
        assert standing(wall.admin) != before
        apply_wall(wall.admin, policies_sql())
        assert standing(wall.admin) == before


@pytest.fixture(scope="module")
def modelled(cluster: EmbeddedPostgres) -> Iterator[Connection]:
    """A database that the models made, without any migration."""
    with psycopg.connect(cluster.url(), autocommit=True) as server:
        server.execute("drop database if exists modelled with (force)")
        server.execute("create database modelled")
    url = cluster.url(database="modelled")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("create schema app; create schema sec; create schema trail")
        engine = create_engine(make_url(url).set(drivername="postgresql+psycopg"), poolclass=NullPool)
        metadata.create_all(engine)
        yield connection


SHAPE = (
    """select c.oid::regclass::text, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, pg_get_expr(d.adbin, d.adrelid)
        from pg_class c join pg_attribute a on a.attrelid = c.oid left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
        where c.relkind = 'r' and c.relnamespace::regnamespace::text in ('app', 'sec', 'trail') and a.attnum > 0
        and not a.attisdropped""",
    """select conrelid::regclass::text, conname, pg_get_constraintdef(oid) from pg_constraint
        where connamespace::regnamespace::text in ('app', 'sec', 'trail') and contype <> 'n'""",
    "select indexname, indexdef from pg_indexes where schemaname in ('app', 'sec', 'trail')",
)


@pytest.mark.parametrize("question", SHAPE, ids=["columns", "constraints", "indexes"])
def test_the_migrations_make_what_the_models_say(wall: Wall, modelled: Connection, question: str) -> None:
    migrated = set(wall.admin.execute(question.encode()).fetchall())
    said = set(modelled.execute(question.encode()).fetchall())
    assert migrated - said == set()
    assert said - migrated == set()


def test_alembic_sees_no_difference_either(wall: Wall) -> None:
    engine = create_engine(make_url(wall.url).set(drivername="postgresql+psycopg"), poolclass=NullPool)
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "include_schemas": True,
                "compare_type": True,
                "include_name": lambda name, kind, parents: (
                    # Of an expression it compares the spelling: what that index is, the test above has compared.
                    name in ("app", "sec", "trail") if kind == "schema" else name != "ix_events_shown"
                ),
                "include_object": lambda object, name, *_: name != "ix_events_shown",
            },
        )
        assert compare_metadata(context, metadata) == []


def test_migrating_again_changes_nothing(wall: Wall) -> None:
    before = standing(wall.admin)
    migrated = migrate(wall.url, SECRET)
    assert migrated.open_still == []
    assert standing(wall.admin) == before


def test_what_cannot_be_closed_is_named(wall: Wall) -> None:
    """A role that may not close it says so instead of failing."""
    with wall.admin.transaction(force_rollback=True):
        wall.admin.execute("grant execute on function pg_catalog.lo_creat(integer) to public")
        wall.admin.execute("grant select on pg_catalog.pg_class to public")
        wall.admin.execute("set local session authorization pat_service_migrator")
        assert harden(wall.admin) == [
            "large objects, advisory locks and pg_notify are open to every role",
            "row counts of whole tables can be read from pg_class",
        ]
