"""What a receiver writes about a referral besides its answers, in SQL: whose it is, while what, and that it stays."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest
from tests.support.made import DAY
from tests.support.people import Member, named
from tests.support.wall import Connection, Wall, as_superuser, attempt

from pat_auth.policy import Role

REFUSED, NO_CHECK = "42501", "23514"
CBO_A = named("organisation", "cbo-a")
HERS, RECEIVED = named("cbo-a", "referrals", "hers"), named("cbo-a", "received", "hers")
WORKER, ADMIN = Role.DESTINATION_WORKER, Role.DESTINATION_ADMIN
KINDS = ("referral_updates", "referral_assignments")


@pytest.fixture
def admin(wall: Wall) -> Iterator[Connection]:
    with wall.admin.transaction(force_rollback=True):
        yield wall.admin


def tells(connection: Connection, who: Member, *, day: str = "current_date - 2", **values: Any) -> object:
    known = {"mine": who.organisation, "me": who.person, "sender": CBO_A, "received": RECEIVED, **values}
    with as_superuser(connection, who.login, who.session), connection.transaction(force_rollback=True):
        return attempt(
            connection,
            "insert into app.referral_updates (organisation_id, id, referral_organisation_id, referral_id, kind, happened_on,"
            f" created_by) values (%(mine)s, gen_random_uuid(), %(sender)s, %(received)s, 'TRACED', {day}, %(me)s)",
            known,
        )


def gives(connection: Connection, who: Member, to: UUID | None, **values: object) -> object:
    known = {"mine": who.organisation, "me": who.person, "sender": CBO_A, "received": RECEIVED, **values}
    with as_superuser(connection, who.login, who.session), connection.transaction(force_rollback=True):
        return attempt(
            connection,
            "insert into app.referral_assignments (organisation_id, id, referral_organisation_id, referral_id, membership_id,"
            " created_by) values (%(mine)s, gen_random_uuid(), %(sender)s, %(received)s, %(to)s, %(me)s)",
            {"to": to, **known},
        )


def refer(connection: Connection, label: str) -> None:
    """Lead the referral of cbo-a to a state, whoever would do it."""
    changes = {
        "SENT": "delete from app.referral_answers where referral_id = %s",
        "DECLINED": "update app.referral_answers set answer = 'DECLINED', reason = 'SAFETY' where referral_id = %s",
        "COMPLETED": "update app.referral_answers set answer = 'COMPLETED' where referral_id = %s",
        "IN_PROGRESS": "update app.referral_answers set answer = 'IN_PROGRESS' where referral_id = %s",
        "EXPIRED": "update app.referrals set agreed_until = now() - interval '1 minute' where received_id = %s",
        **{
            state: f"update app.referrals set state = '{state}' where received_id = %s"
            for state in ("SUSPENDED", "REVOKED", "CLOSED")
        },
        "WITHDRAWN": "insert into app.consent_withdrawals (organisation_id, consent_id, survivor_id, created_by)"
        " select organisation_id, consent_id, survivor_id, created_by from app.referrals where received_id = %s",
        "ACCEPTED": "select %s",
    }
    connection.execute(changes[label].encode(), (RECEIVED,))


STATES = (
    "SENT",
    "ACCEPTED",
    "IN_PROGRESS",
    "COMPLETED",
    "DECLINED",
    "EXPIRED",
    "SUSPENDED",
    "REVOKED",
    "CLOSED",
)


@pytest.mark.parametrize("state", [*STATES, "WITHDRAWN"])
@pytest.mark.parametrize("role", [WORKER, ADMIN])
def test_a_receiver_tells_of_what_is_open_to_it_and_gives_what_has_not_ended(
    wall: Wall, admin: Connection, role: Role, state: str
) -> None:
    refer(admin, state)
    me = wall.member("goa", role)
    may_tell, may_give = state in ("ACCEPTED", "IN_PROGRESS"), state in ("SENT", "ACCEPTED", "IN_PROGRESS")
    assert tells(admin, me) == ([(1,)] if may_tell else REFUSED)
    assert gives(admin, me, me.membership) == ([(1,)] if may_give else REFUSED)


@pytest.mark.parametrize("role", [WORKER, ADMIN])
def test_neither_a_third_organisation_nor_one_that_names_another_sender_writes_about_it(
    wall: Wall, admin: Connection, role: Role
) -> None:
    delhi, goa = wall.member("delhi", role), wall.member("goa", role)

    def tell(who: Member, **values: Any) -> object:
        return tells(admin, who, **values)

    def give(who: Member, **values: object) -> object:
        return gives(admin, who, who.membership, **values)

    for write in (tell, give):
        assert write(delhi) == REFUSED
        assert write(delhi, mine=goa.organisation) == REFUSED
        assert write(goa, sender=named("organisation", "cbo-b")) == REFUSED
        assert write(goa, received=uuid4()) == REFUSED
        assert write(goa, me=delhi.person) == REFUSED
        assert write(goa) == [(1,)]


def test_what_is_told_has_been_done(wall: Wall, admin: Connection) -> None:
    worker = wall.member("goa", WORKER)
    today = "(now() at time zone 'Asia/Kolkata')::date"
    assert tells(admin, worker, day=today) == [(1,)]
    assert tells(admin, worker, day=f"{today} + 1") == NO_CHECK


def test_a_worker_takes_it_on_herself_and_her_administrator_gives_it_to_anybody(
    wall: Wall, admin: Connection
) -> None:
    worker, leader = wall.member("goa", WORKER), wall.member("goa", ADMIN)
    assert gives(admin, worker, worker.membership) == [(1,)]
    assert gives(admin, worker, leader.membership) == REFUSED
    assert gives(admin, worker, None) == REFUSED
    for to in (worker.membership, leader.membership, None):
        assert gives(admin, leader, to) == [(1,)]


def test_it_is_given_to_who_works_there_and_can_work_on_it(wall: Wall, admin: Connection) -> None:
    worker, leader = wall.member("goa", WORKER), wall.member("goa", ADMIN)
    assert gives(admin, leader, wall.member("delhi", WORKER).membership) == REFUSED
    admin.execute("update app.memberships set role = 'counsellor' where id = %s", (worker.membership,))
    assert gives(admin, leader, worker.membership) == REFUSED
    admin.execute(
        "update app.memberships set role = 'destination_worker', ended_at = now() where id = %s",
        (worker.membership,),
    )
    assert gives(admin, leader, worker.membership) == REFUSED


@pytest.mark.parametrize("role", [WORKER, ADMIN])
def test_nothing_of_it_is_changed_or_taken_back(wall: Wall, admin: Connection, role: Role) -> None:
    me = wall.member("goa", role)
    with as_superuser(admin, me.login, me.session):
        for table in KINDS:
            assert attempt(
                admin, f"select 1 from app.{table} where referral_organisation_id = '{CBO_A}'"
            ) == [(1,)]
            assert attempt(admin, f"update app.{table} set created_by = created_by") == REFUSED
            assert attempt(admin, f"update app.{table} set created_at = created_at") == REFUSED
            assert attempt(admin, f"delete from app.{table}") == REFUSED


def test_the_sender_sees_what_was_done_and_not_who_works_on_it(wall: Wall, admin: Connection) -> None:
    worker = wall.member("goa", WORKER)
    seen = f"select referral_id, kind, happened_on from door.sent_updates where referral_id = '{RECEIVED}'"
    for role, rows in ((Role.CASE_MANAGER, 1), (Role.SURVIVOR, 1), (Role.COUNSELLOR, REFUSED)):
        me = wall.member("cbo-a", role)
        with as_superuser(admin, me.login, me.session):
            found = attempt(admin, seen)
            assert (len(found) if isinstance(found, list) else found) == rows
            for table in KINDS:
                assert attempt(admin, f"select 1 from app.{table}") == REFUSED
    other = wall.member("cbo-b", Role.CASE_MANAGER)
    with as_superuser(admin, other.login, other.session):
        assert attempt(admin, seen) == []
    # What somebody else writes about it is nothing of its receiver's.
    delhi = wall.member("delhi", WORKER)
    admin.execute(
        "insert into app.referral_updates (organisation_id, id, referral_organisation_id, referral_id, kind, happened_on,"
        " created_by) values (%s, gen_random_uuid(), %s, %s, 'RETURNED', '2026-01-01', %s)",
        (delhi.organisation, CBO_A, RECEIVED, worker.person),
    )
    me = wall.member("cbo-a", Role.CASE_MANAGER)
    with as_superuser(admin, me.login, me.session):
        assert admin.execute(seen.encode()).fetchall() == [(RECEIVED, "CONTACT_MADE", DAY)]


def test_a_survivor_does_not_see_what_was_done_about_another(wall: Wall, admin: Connection) -> None:
    admin.execute("update app.safety_holds set lifted_at = now(), updated_by = created_by")
    seen = f"select kind from door.sent_updates where referral_id = '{RECEIVED}'"
    for number, is_seen in ((1, True), (2, False)):
        survivor = wall.member("cbo-a", Role.SURVIVOR, number)
        with as_superuser(admin, survivor.login, survivor.session):
            assert bool(admin.execute(seen.encode()).fetchall()) is is_seen


def test_while_somebody_looks_on_she_is_not_shown_what_was_done(wall: Wall, admin: Connection) -> None:
    me = wall.member("cbo-a", Role.SURVIVOR)
    seen = f"select kind from door.sent_updates where referral_id = '{RECEIVED}'"
    admin.execute(
        "insert into app.safety_holds (organisation_id, id, survivor_id, created_by) values (%s, gen_random_uuid(), %s, %s)",
        (me.organisation, me.survivor, me.person),
    )
    with as_superuser(admin, me.login, me.session):
        assert attempt(admin, seen) == []
    manager = wall.member("cbo-a", Role.CASE_MANAGER)
    with as_superuser(admin, manager.login, manager.session):
        assert attempt(admin, seen) == [("CONTACT_MADE",)]


def test_a_receiver_keeps_its_own_rows_when_the_referral_has_ended(wall: Wall, admin: Connection) -> None:
    refer(admin, "REVOKED")
    me = wall.member("goa", WORKER)
    with as_superuser(admin, me.login, me.session):
        for table in KINDS:
            assert attempt(admin, f"select 1 from app.{table} where referral_id = '{RECEIVED}'") == [(1,)]
