"""Assignments become those of memberships: who works on what stays so, and what the release before writes is nobody's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast
from uuid import UUID

import psycopg
import pytest
from alembic import command
from psycopg import sql
from sqlalchemy import create_engine, make_url
from sqlalchemy.pool import NullPool
from tests.support.people import Member, named
from tests.support.wall import SECRET, Connection, Wall, as_superuser, attempt, insert

from pat_auth.policy import Role
from pat_platform.postgres import EmbeddedPostgres
from pat_server import migrate as migrating
from pat_server.migrate import migrate
from pat_tenants.isolation.roles import bootstrap

BEFORE = "2026_11_22_14"
CBO, WORKER, LEFT, ADMIN, STRANGER = (named(name) for name in ("cbo", "worker", "left", "admin", "stranger"))
CASE = named("case")

# By person: where she was when; the place that is taken for hers ends with "!".
PLACES: dict[UUID, list[tuple[str, str, str | None]]] = {
    WORKER: [
        ("organisation_admin", "2019-01-01", None),
        ("counsellor", "2020-01-01", "2021-01-01"),
        ("legal_aid!", "2022-01-01", None),
        ("social_worker", "2023-01-01", None),
    ],
    LEFT: [("counsellor", "2021-01-01", "2022-01-01"), ("social_worker!", "2020-01-01", "2021-01-01")],
    ADMIN: [("organisation_admin", "2020-01-01", None)],
    STRANGER: [],
}


@pytest.fixture(scope="module")
def migrated(cluster: EmbeddedPostgres) -> Iterator[Connection]:
    """A database of the release before, with assignments, that was migrated to this one; asked by a superuser."""
    name = sql.Identifier("assignments")
    with psycopg.connect(cluster.url(), autocommit=True) as server:
        server.execute(sql.SQL("create database {}").format(name))
        url = cluster.url(database="assignments")
        _migrate_to(url, BEFORE)
        with psycopg.connect(url, autocommit=True) as admin:
            _put_assignments(admin)
            migrate(url, SECRET)
            yield admin
        server.execute(sql.SQL("drop database {} with (force)").format(name))


def _migrate_to(url: str, revision: str) -> None:
    """The tables of an earlier release; nothing of its wall."""
    engine = create_engine(make_url(url).set(drivername="postgresql+psycopg"), poolclass=NullPool)
    with engine.begin() as transaction:
        connection = cast("psycopg.Connection", transaction.connection.driver_connection)
        for statement in bootstrap():
            connection.execute(statement)
        connection.execute("create schema if not exists migrations")
        command.upgrade(migrating._configuration(transaction), revision)


def _put_assignments(admin: Connection) -> None:
    admin.execute(
        "insert into app.organisations (id, slug, kind, htcds_type, name, state)"
        " values (%s, 'cbo', 'CBO', 'NGO', 'CBO', 'West Bengal')",
        (CBO,),
    )
    about = {"organisation_id": CBO, "created_by": ADMIN}
    survivor = {"code": "S", "gender": "Feminine", "is_minor_at_intake": False}
    insert(admin, "app.survivors", {**about, "id": named("survivor"), **survivor})
    case = {
        "id": CASE,
        "survivor_id": named("survivor"),
        "code": "C",
        "status": "ACTIVE",
        "stage": "REUNITED",
    }
    more = {"risk_level": "LOW", "trafficking_status": "ActualVictimOfTrafficking", "opened_on": "2026-01-15"}
    insert(admin, "app.cases", {**about, **case, **more, "updated_by": ADMIN})
    for person, places in PLACES.items():
        for role, since, until in places:
            place = {"organisation_id": CBO, "id": named(str(person), role), "person_id": person}
            times = {"started_at": since, "ended_at": until}
            insert(admin, "app.memberships", {**place, "role": role.strip("!"), "name": "Her", **times})
        live = {"case_id": CASE, "survivor_id": named("survivor"), "person_id": person}
        insert(admin, "app.case_assignments", {**about, "id": named(str(person), "live"), **live})
        ended = {"id": named(str(person), "ended"), **live, "ended_at": "2026-02-01"}
        insert(admin, "app.case_assignments", {**about, **ended})


@pytest.mark.parametrize("person", PLACES)
def test_each_assignment_is_of_a_place_that_cases_are_given_to(migrated: Connection, person: UUID) -> None:
    """One that lives before one that has ended, then the oldest; where there is none, it is nobody's."""
    taken = [named(str(person), role) for role, _, _ in PLACES[person] if role.endswith("!")]
    found = migrated.execute(
        "select ended_at is null, membership_id from app.case_assignments where person_id = %s order by 1",
        (person,),
    ).fetchall()
    assert found == [(is_live, taken[0] if taken else None) for is_live in (False, True)]


def test_row_security_is_forced_again(migrated: Connection) -> None:
    unforced = "select relname from pg_class where relkind = 'r' and relnamespace = 'app'::regnamespace and not relforcerowsecurity"
    assert migrated.execute(unforced.encode()).fetchall() == []


# As the release before says it.
ASSIGN = (
    "insert into app.case_assignments (organisation_id, id, case_id, survivor_id, person_id, created_by)"
    " values (%s, gen_random_uuid(), %s, %s, %s, %s) returning id"
)
MINE = (
    "select count(*) from app.cases c where c.id in"
    " (select a.case_id from app.case_assignments a where a.person_id = (select sec.actor()) and a.ended_at is null)"
)
COLLEAGUE = (
    "select count(*) from app.case_assignments a join app.memberships m on m.person_id = a.person_id"
    " where a.id = %s and m.role = 'social_worker'"
)


@pytest.fixture
def assigned(wall: Wall) -> Iterator[Member]:
    """A social worker to whom the release before gives ``ours`` once more."""
    manager, worker = (wall.member("cbo-a", role) for role in (Role.CASE_MANAGER, Role.SOCIAL_WORKER))
    case = wall.rows["app.cases"]["cbo-a"]["ours"]
    row = (manager.organisation, case["id"], case["survivor_id"], worker.person, manager.person)
    with wall.admin.transaction(force_rollback=True):
        with as_superuser(wall.admin, manager.login, manager.session):
            rows = attempt(wall.admin, ASSIGN, row)
            assert not isinstance(rows, str)
            # The release before shows its own what it has done.
            assert attempt(wall.admin, COLLEAGUE, rows[0]) == [(1,)]
        yield worker


def test_what_the_release_before_assigns_opens_nothing(wall: Wall, assigned: Member) -> None:
    hers = [(wall.id("app.survivors", "cbo-a", "hers"),)]
    with as_superuser(wall.admin, assigned.login, assigned.session):
        for table in ("app.survivor_identities", "app.survivor_keys", "app.case_note_texts"):
            assert attempt(wall.admin, f"select survivor_id from {table}") == hers
        note = (
            "insert into app.case_notes (organisation_id, id, case_id, survivor_id, kind, created_by)"
            " values (%s, gen_random_uuid(), %s, %s, 'LEGAL', %s)"
        )
        case = wall.rows["app.cases"]["cbo-a"]["ours"]
        row = (assigned.organisation, case["id"], case["survivor_id"], assigned.person)
        assert attempt(wall.admin, note, row) == "42501"


def test_the_release_before_goes_on_reading_what_is_assigned(wall: Wall) -> None:
    worker = wall.member("cbo-a", Role.SOCIAL_WORKER)
    with wall.acting(worker) as connection:
        assert attempt(connection, MINE) == [(1,)]
