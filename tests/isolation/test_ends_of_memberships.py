"""What ends with a membership, row by row, and that all that is somebody else's, or over already, stays as it was."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID, uuid4

import psycopg
import pytest
from tests.isolation.tables import Changes, Rows, changes_between, rows_of
from tests.isolation.test_members import LAST, NOT_FOUND, end
from tests.isolation.test_sign_in_login import ask
from tests.support.issuing import put_invitation, put_membership
from tests.support.people import Member
from tests.support.wall import Connection, Wall, insert

from pat_auth.policy import Role

# What a membership's end may change, by what its rows are known by.
TABLES = {
    "app.memberships": "organisation_id, id",
    "app.case_assignments": "organisation_id, id",
    "app.invitations": "organisation_id, id",
    "sec.consents": "person_id, client, membership_id",
    "sec.sessions": "id",
}
OPEN, OVER = None, "epoch"


def everything(admin: Connection) -> Rows:
    return rows_of(admin, TABLES)


def changed(admin: Connection, before: Rows) -> Changes:
    """What is otherwise than before."""
    return changes_between(before, everything(admin))


def put_session(
    admin: Connection, member: Member, membership: UUID, organisation: UUID, lasts: str = "1 hour"
) -> UUID:
    session = uuid4()
    admin.execute(
        "insert into sec.sessions (id, login, organisation_id, membership_id, person_id, client, expires_at)"
        " values (%s, %s, %s, %s, %s, 'tests', now() + %s::interval)",
        (session, member.login, organisation, membership, member.person, lasts),
    )
    return session


def put_consent(admin: Connection, person: UUID, membership: UUID, withdrawn_at: str | None = OPEN) -> str:
    """That a client may act for her; what its row is known by."""
    row = {"person_id": person, "client": uuid4(), "membership_id": membership}
    insert(admin, "sec.consents", {**row, "scopes": [], "withdrawn_at": withdrawn_at})
    return " ".join(map(str, row.values()))


def put_assignment(admin: Connection, worker: Member, organisation: UUID, ended_at: str | None) -> None:
    """A case of the organisation is given to whoever has the worker's membership id there."""
    admin.execute(
        "insert into app.case_assignments select (jsonb_populate_record(a, jsonb_build_object("
        " 'id', gen_random_uuid(), 'membership_id', %s::text, 'ended_at', %s::text))).*"
        " from app.case_assignments a where a.organisation_id = %s limit 1",
        (worker.membership, ended_at, organisation),
    )


def put_invitations(admin: Connection, me: Member, worker: Member, elsewhere: UUID) -> list[UUID]:
    """Of what was sent to her or by her, what is open here; the rest is over, another's, or elsewhere."""
    email = ask(admin, "select email from sec.people where id = %s", worker.person)
    made: list[UUID] = []
    for organisation, to, by, column in (
        (me.organisation, email, me, None),
        (me.organisation, "x@example.org", worker, None),
        (me.organisation, "x@example.org", me, None),
        (me.organisation, email, worker, "taken_up_at"),
        (me.organisation, email, worker, "withdrawn_at"),
        (elsewhere, email, worker, None),
    ):
        token = str(len(made)).encode()
        made.append(put_invitation(admin, organisation, to, Role.COUNSELLOR, token=token))
        admin.execute("update app.invitations set created_by = %s where id = %s", (by.person, made[-1]))
        if column:
            admin.execute(
                f"update app.invitations set {column} = %s where id = %s".encode(), (OVER, made[-1])
            )
    return made[:2]


@pytest.fixture
def me(wall: Wall) -> Member:
    return wall.member("cbo-a", Role.ORGANISATION_ADMIN)


@pytest.fixture
def worker(wall: Wall) -> Member:
    return wall.member("cbo-a", Role.SOCIAL_WORKER)


@pytest.fixture
def namesake(wall: Wall, admin: Connection, worker: Member) -> Member:
    """Somebody whose membership of another organisation has the same id: ids are each organisation's own."""
    other = wall.member("cbo-b", Role.COUNSELLOR)
    put_membership(admin, other.person, other.organisation, Role.FUNDER)
    admin.execute(
        "update app.memberships set id = %s where organisation_id = %s and person_id = %s and role = 'funder'",
        (worker.membership, other.organisation, other.person),
    )
    return other


def test_what_is_hers_and_open_ends_and_everything_else_stays_as_it_was(
    admin: Connection, me: Member, worker: Member, namesake: Member
) -> None:
    here, there = me.organisation, namesake.organisation
    other = put_membership(admin, worker.person, here, Role.AUDITOR)
    put_session(admin, worker, other, here)
    put_session(admin, worker, worker.membership, here, lasts="0")
    put_session(admin, namesake, worker.membership, there)
    put_assignment(admin, worker, here, OVER)
    put_assignment(admin, worker, there, OPEN)
    let = put_consent(admin, worker.person, worker.membership)
    put_consent(admin, worker.person, worker.membership, OVER)
    put_consent(admin, worker.person, other)
    put_consent(admin, namesake.person, worker.membership)
    invitations = put_invitations(admin, me, worker, there)
    before, now = everything(admin), ask(admin, "select to_jsonb(now())")
    (assigned,) = [
        known
        for (table, known), row in before.items()
        if table == "app.case_assignments" and known.startswith(str(here))
        if (row["membership_id"], row["ended_at"]) == (str(worker.membership), None)
    ]

    assert end(admin, me, worker.membership) == {"sessions": 1, "cases": 1}
    assert changed(admin, before) == {
        ("app.memberships", f"{here} {worker.membership}"): {"ended_at": now},
        ("app.case_assignments", assigned): {"ended_at": now},
        **{("app.invitations", f"{here} {each}"): {"withdrawn_at": now} for each in invitations},
        ("sec.consents", let): {"withdrawn_at": now},
        ("sec.sessions", str(worker.session)): {"revoked_at": now, "revoked_because": "membership ended"},
    }


@pytest.mark.usefixtures("namesake")
def test_what_ended_here_does_not_end_again_where_it_lives_elsewhere(
    admin: Connection, me: Member, worker: Member
) -> None:
    end(admin, me, worker.membership)
    before = everything(admin)
    assert end(admin, me, worker.membership) == NOT_FOUND
    assert changed(admin, before) == {}


def test_a_survivors_membership_does_not_end_because_a_workers_elsewhere_has_the_same_id(
    wall: Wall, admin: Connection, me: Member, worker: Member, namesake: Member
) -> None:
    survivor = wall.member("cbo-a", Role.SURVIVOR)
    admin.execute(
        "update app.memberships set id = %s where organisation_id = %s and id = %s",
        (survivor.membership, namesake.organisation, worker.membership),
    )
    before = everything(admin)
    assert end(admin, me, survivor.membership) == NOT_FOUND
    assert changed(admin, before) == {}


@pytest.fixture
def former(wall: Wall, me: Member) -> Iterator[UUID]:
    """A membership of an administrator that has ended, as other connections see it too."""
    with psycopg.connect(wall.url, autocommit=True) as connection:
        person = wall.member("cbo-a", Role.COUNSELLOR).person
        ended = put_membership(connection, person, me.organisation, me.role)
        connection.execute("update app.memberships set ended_at = now() where id = %s", (ended,))
        yield ended
        connection.execute("delete from app.memberships where id = %s", (ended,))


@pytest.mark.usefixtures("former")
def test_who_was_an_administrator_once_is_not_the_other_one(wall: Wall, me: Member) -> None:
    with wall.admin.transaction(force_rollback=True):
        assert end(wall.admin, me, me.membership) == LAST


def held(wall: Wall, table: str) -> set[UUID]:
    """Whose rows of the table nobody else may change now."""
    with psycopg.connect(wall.url, autocommit=True) as meanwhile:
        rows = meanwhile.execute(f"select id from {table}".encode()).fetchall()
        free = meanwhile.execute(f"select id from {table} for no key update skip locked".encode()).fetchall()
    return {id for (id,) in rows} - {id for (id,) in free}


@pytest.mark.usefixtures("former")
def test_meanwhile_she_and_those_who_administer_here_are_held_and_nobody_else_is(
    wall: Wall, me: Member, worker: Member
) -> None:
    administer = (Role.ORGANISATION_ADMIN, Role.SECRETARIAT_ADMIN, Role.DESTINATION_ADMIN)
    with wall.admin.transaction(force_rollback=True):
        end(wall.admin, me, worker.membership)
        assert held(wall, "sec.people") == {worker.person}
        assert held(wall, "app.memberships") == {
            worker.membership,
            *(wall.member("cbo-a", role).membership for role in administer),
        }
