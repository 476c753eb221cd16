"""What is noted when a referral changes, and what whoever listens may know of it."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID, uuid4

import psycopg
import pytest
from tests.support.people import named
from tests.support.wall import Connection, Wall, attempt

from pat_auth.policy import Role

CBO_A, CBO_B, GOA = (named("organisation", slug) for slug in ("cbo-a", "cbo-b", "goa"))
HERS, RECEIVED = named("cbo-a", "referrals", "hers"), named("cbo-a", "received", "hers")
NOTED = (
    "select organisation_id, referral_id, case_id is null from app.referral_changes"
    " where transaction = pg_current_xact_id()::text::bigint"
)


@pytest.fixture
def admin(wall: Wall) -> Iterator[Connection]:
    with wall.admin.transaction(force_rollback=True):
        yield wall.admin


@pytest.mark.parametrize(
    "statement",
    [
        f"update app.referrals set urgency = urgency where id = '{HERS}'",
        f"update app.referral_answers set answered_at = now() where referral_id = '{RECEIVED}'",
        f"update app.referral_hearings set mode = mode where referral_id = '{RECEIVED}'",
        f"update app.referral_updates set kind = kind where referral_id = '{RECEIVED}'",
    ],
)
def test_whatever_changes_is_noted_for_both_sides_by_the_names_that_they_know(
    admin: Connection, statement: str
) -> None:
    admin.execute(statement.encode())
    assert set(admin.execute(NOTED).fetchall()) == {(CBO_A, HERS, False), (GOA, RECEIVED, True)}


def test_to_whom_a_referral_is_given_is_noted_for_its_receiver_alone(admin: Connection) -> None:
    admin.execute(f"update app.referral_assignments set id = id where referral_id = '{RECEIVED}'".encode())
    assert admin.execute(NOTED).fetchall() == [(GOA, RECEIVED, True)]


@pytest.mark.parametrize(
    ("change", "is_noted"),
    [
        ("updated_at = now(), updated_by = created_by, scopes = scopes", False),
        ("suspended_at = now()", True),
        ("valid_until = valid_until + interval '1 day'", True),
    ],
)
def test_an_agreement_that_stays_as_it_was_wakes_nobody(
    admin: Connection, change: str, is_noted: bool
) -> None:
    admin.execute(
        f"update app.agreements set {change} where (organisation_id, partner_id) = (%s, %s)".encode(),
        (CBO_A, GOA),
    )
    assert bool(admin.execute(NOTED).fetchall()) is is_noted


def test_what_the_listener_is_told_is_whom_a_change_concerns(wall: Wall) -> None:
    with wall.connect_service("pat_service_listener") as listener:
        listener.execute("listen pat_changes")
        [(seen,)] = listener.execute("select pg_current_snapshot()::text").fetchall()
        changed = "select sec.changed_since(%s::pg_snapshot)"
        assert listener.execute(changed, (seen,)).fetchall() == [([],)]
        wall.admin.execute("update app.referrals set urgency = urgency where id = %s", (HERS,))
        (heard,) = listener.notifies(timeout=5, stop_after=1)
        assert heard.payload == ""
        [(organisations,)] = listener.execute(changed, (seen,)).fetchall()
        assert set(organisations) == {CBO_A, GOA}


def test_what_was_not_committed_when_somebody_looked_is_new_to_her_afterwards(wall: Wall) -> None:
    """However much younger what she has seen may be."""
    with (
        wall.connect_service("pat_service_listener") as listener,
        psycopg.connect(wall.url, autocommit=True) as slow,
    ):
        slow.execute("begin")
        slow.execute("update app.referrals set urgency = urgency where id = %s", (HERS,))
        # Of a younger one she knows already.
        known = named("cbo-b", "referrals", "exchanged")
        wall.admin.execute("update app.referrals set urgency = urgency where id = %s", (known,))
        [(seen,)] = listener.execute("select pg_current_snapshot()::text").fetchall()
        slow.execute("commit")
        [(organisations,)] = listener.execute("select sec.changed_since(%s::pg_snapshot)", (seen,)).fetchall()
        assert set(organisations) == {CBO_A, GOA}


@pytest.mark.parametrize(
    "ends",
    [
        "update sec.sessions set revoked_at = now() where id = %(session)s",
        "update sec.sessions set expires_at = now() where id = %(session)s",
        "update sec.sessions set login = 'org_' || replace(organisation_id::text, '-', '') || '_auditor' where id = %(session)s",
        "update sec.sessions set person_id = %(other)s where id = %(session)s",
        "update app.memberships set ended_at = now() where person_id = %(person)s",
        "update sec.people set disabled_at = now() where id = %(person)s",
    ],
)
def test_the_listener_is_told_which_sessions_are_over(admin: Connection, wall: Wall, ends: str) -> None:
    one, other = (
        wall.member("secretariat", Role.SECRETARIAT_ADMIN),
        wall.member("goa", Role.DESTINATION_WORKER),
    )
    alive, over = uuid4(), uuid4()
    for session, member in ((over, one), (alive, other)):
        admin.execute(
            "insert into sec.sessions (id, login, organisation_id, membership_id, person_id, client, expires_at)"
            " values (%s, %s, %s, %s, %s, 'tests', now() + interval '1 hour')",
            (session, member.login, member.organisation, member.membership, member.person),
        )
    assert _live(admin, [over, alive]) == {over, alive}
    admin.execute(ends.encode(), {"session": over, "person": one.person, "other": other.person})
    assert _live(admin, [over, alive, uuid4()]) == {alive}
    assert _live(admin, [over]) == set()


def test_a_session_stands_on_its_own_membership(admin: Connection, wall: Wall) -> None:
    """Not on one that she has in another role, nor on one of the same id elsewhere."""
    one, session = wall.member("cbo-a", Role.CASE_MANAGER), uuid4()
    elsewhere = f"org_{CBO_B.hex}_case_manager"
    admin.execute("set local session_replication_role = replica")
    admin.execute(
        "insert into sec.sessions (id, login, organisation_id, membership_id, person_id, client, expires_at)"
        " values (%s, %s, %s, %s, %s, 'tests', now() + interval '1 hour')",
        (session, one.login, one.organisation, one.membership, one.person),
    )
    put = "insert into app.memberships (organisation_id, id, person_id, role, name) values (%s, %s, %s, %s, 'A')"
    assert _live(admin, [session]) == {session}
    with admin.transaction(force_rollback=True):
        another = uuid4()
        admin.execute(put, (CBO_A, another, one.person, "social_worker"))
        admin.execute("update sec.sessions set membership_id = %s where id = %s", (another, session))
        assert _live(admin, [session]) == set()
    admin.execute(put, (CBO_B, one.membership, one.person, "case_manager"))
    admin.execute("update sec.sessions set login = %s where id = %s", (elsewhere, session))
    assert _live(admin, [session]) == set()


def _live(admin: Connection, sessions: list[UUID]) -> set[UUID]:
    [(live,)] = admin.execute("select sec.live_among(%s)", (sessions,)).fetchall()
    return set(live)


def test_changes_are_forgotten_after_eight_days_and_not_before(admin: Connection) -> None:
    """A cursor is good for seven: who shows one has missed nothing."""
    count = "select count(*) from app.referral_changes"
    admin.execute("update app.referral_changes set changed_at = now() - interval '7 days 23 hours'")
    [(before,)] = admin.execute(count).fetchall()
    admin.execute("select sec.forget_changes()")
    assert admin.execute(count).fetchall() == [(before,)]
    admin.execute("update app.referral_changes set changed_at = now() - interval '8 days 1 hour'")
    admin.execute("select sec.forget_changes()")
    assert admin.execute(count).fetchall() == [(0,)]


@pytest.mark.parametrize(
    "function", ["sec.changed_since('1:1:')", "sec.live_among('{}')", "sec.forget_changes()"]
)
def test_no_application_calls_what_is_the_listeners(wall: Wall, function: str) -> None:
    with wall.acting(wall.member("cbo-a", Role.CASE_MANAGER)) as connection:
        assert attempt(connection, f"select {function}") == "42501"
