"""Somebody who writes SQL takes locks and waits: what that holds up, and what ends sharing all the same."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.support.wall import Connection, Wall, attempt

from pat_auth.policy import Role

LOCKED = "55P03"
EVENT = "select trail.record('planted', '{}', '{}')"
END = "update app.legal_bases set ended_by = sec.actor() where id = %s"

WITHDRAW = """insert into app.consent_withdrawals (organisation_id, consent_id, survivor_id, created_by)
select c.organisation_id, c.id, c.survivor_id, sec.actor() from app.consents c where not exists (
    select from app.consent_withdrawals w where w.organisation_id = c.organisation_id and w.consent_id = c.id) limit 1"""


@pytest.fixture
def holder(wall: Wall) -> Iterator[Connection]:
    """A case manager's connection, which nothing ends: it holds a legal basis and its organisation's chain."""
    member = wall.member("cbo-a", Role.CASE_MANAGER)
    connection = wall.connect(member.login)
    connection.execute("set idle_in_transaction_session_timeout = 0")
    connection.execute("begin")
    connection.execute("select sec.enter(%s)", (str(member.session),))
    assert connection.execute("select 1 from app.legal_bases for update").fetchall()
    connection.execute(EVENT)
    yield connection
    connection.close()


def running_basis(wall: Wall) -> object:
    found = wall.admin.execute(
        "select id from app.legal_bases where organisation_id = %s and ended_at is null limit 1",
        (wall.organisation("cbo-a"),),
    ).fetchone()
    assert found is not None
    return found[0]


def test_who_holds_locks_holds_up_her_own_organisation_until_she_is_ended(
    wall: Wall, holder: Connection
) -> None:
    basis = running_basis(wall)
    with wall.acting(wall.member("cbo-a", Role.ORGANISATION_ADMIN)) as connection:
        connection.execute("set local lock_timeout = '100ms'")
        assert attempt(connection, END, (basis,)) == LOCKED
        assert attempt(connection, EVENT) == LOCKED
        wall.admin.execute("select pg_terminate_backend(%s, 5000)", (holder.info.backend_pid,))
        assert attempt(connection, END, (basis,)) == [(1,)]
        assert isinstance(attempt(connection, EVENT), list)


def test_nobody_locks_a_consent_and_its_withdrawal_is_a_row_of_its_own(
    wall: Wall, holder: Connection
) -> None:
    assert attempt(holder, "select 1 from app.consents for update") == "42501"
    assert attempt(holder, "select 1 from app.consents for key share") == "42501"
    with wall.acting(wall.member("cbo-a", Role.CASE_MANAGER)) as connection:
        connection.execute("set local lock_timeout = '100ms'")
        assert attempt(connection, WITHDRAW) == [(1,)]


def test_the_partner_and_the_secretariat_end_it_meanwhile(wall: Wall, holder: Connection) -> None:
    suspend = (
        "update app.agreements set suspended_at = now(), updated_by = sec.actor() where partner_id = %s",
        "insert into app.partner_suspensions (organisation_id, id, partner_id, reason, created_by)"
        " values (substr(session_user::text, 5, 32)::uuid, gen_random_uuid(), %s, 'COMPROMISED', sec.actor())",
    )
    for slug, role, statement in (
        ("goa", Role.DESTINATION_ADMIN, suspend[0]),
        ("secretariat", Role.SECRETARIAT_ADMIN, suspend[1]),
    ):
        with wall.acting(wall.member(slug, role)) as connection:
            connection.execute("set local lock_timeout = '100ms'")
            assert attempt(connection, statement, (wall.organisation("cbo-a"),)) == [(1,)]
            assert isinstance(attempt(connection, EVENT), list)
