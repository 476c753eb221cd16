"""A session is checked by every statement anew: revoked, expired, ended or somebody else's, it reads and writes nothing."""

from __future__ import annotations

from uuid import uuid4

import psycopg
import pytest
from tests.support.people import Member, named
from tests.support.wall import Connection, Wall, as_superuser, attempt

from pat_auth.policy import Role
from pat_platform.database.models import TableKind
from pat_tenants.tables import metadata

NO_SESSION = "28000"
DOMAIN = sorted(t.fullname for t in metadata.tables.values() if t.info["kind"] is not TableKind.SECURITY)
SENT = ("door.referral_states", "door.sent_answers", "door.sent_hearings")
RECEIVED = tuple(
    f"door.received_{name}" for name in ("referrals", "proceedings", "hearings", "support", "cases")
)
# What is shared with nobody here.
NAMING = ("door.received_identities", "door.received_contacts")

FAULTS = {
    "revoked": "update sec.sessions set revoked_at = now() where id = %(session)s",
    "expired": "update sec.sessions set expires_at = now() where id = %(session)s",
    "the membership ended": "update app.memberships set ended_at = now() where id = %(membership)s",
    "of another login": "update sec.sessions set login = %(other_login)s where id = %(session)s",
    "of another person's membership": "update app.memberships set person_id = gen_random_uuid() where id = %(membership)s",
    "of another role's membership": "update app.memberships set role = 'service' where id = %(membership)s",
    "of another organisation's membership": (
        "update sec.sessions s set organisation_id = m.organisation_id, membership_id = m.id, person_id = m.person_id"
        " from app.memberships m where s.id = %(session)s and m.id = %(foreign_membership)s"
    ),
    "under another organisation's id": (
        "update sec.sessions set organisation_id = %(other_organisation)s where id = %(session)s"
    ),
    "of no membership": "update sec.sessions set membership_id = gen_random_uuid() where id = %(session)s",
    "deleted": "delete from sec.sessions where id = %(session)s",
}


@pytest.fixture
def manager(wall: Wall) -> Member:
    return wall.member("cbo-a", Role.CASE_MANAGER)


def plant(wall: Wall, member: Member, fault: str) -> None:
    keys = {
        "session": member.session,
        "membership": member.membership,
        "other_login": wall.member(member.slug, Role.AUDITOR).login,
        "other_organisation": wall.organisation("cbo-b"),
        "foreign_membership": wall.member("cbo-b", member.role).membership,
    }
    assert wall.admin.execute(FAULTS[fault].encode(), keys).rowcount == 1


def sees(connection: Connection, relations: tuple[str, ...] | list[str]) -> list[str]:
    """The tables and views of which at least one row can be read."""
    found = []
    for relation in relations:
        rows = attempt(connection, f"select 1 from {relation} limit 1")
        if rows == [(1,)]:
            found.append(relation)
    return found


@pytest.mark.parametrize("fault", FAULTS)
def test_a_session_that_is_not_live_cannot_be_entered(wall: Wall, manager: Member, fault: str) -> None:
    with wall.admin.transaction(force_rollback=True):
        plant(wall, manager, fault)
        with as_superuser(wall.admin, manager.login, None):
            assert attempt(wall.admin, f"select sec.enter('{manager.session}')") == NO_SESSION
            assert sees(wall.admin, [*DOMAIN, *SENT]) == []


@pytest.mark.parametrize("fault", FAULTS)
def test_a_session_that_ends_while_a_transaction_is_open_reads_nothing_from_the_next_statement_on(
    wall: Wall, manager: Member, fault: str
) -> None:
    with wall.admin.transaction(force_rollback=True):
        with as_superuser(wall.admin, manager.login, manager.session):
            assert len(sees(wall.admin, [*DOMAIN, *SENT])) > 10
        plant(wall, manager, fault)
        with as_superuser(wall.admin, manager.login, None):
            assert attempt(wall.admin, "select sec.actor()") == [(None,)]
            assert attempt(wall.admin, "select sec.survivor()") == [(None,)]
            assert attempt(wall.admin, "select sec.membership()") == [(None,)]
            assert sees(wall.admin, [*DOMAIN, *SENT]) == []


def test_a_revocation_reaches_a_transaction_on_another_connection(wall: Wall, manager: Member) -> None:
    with wall.acting(manager) as connection:
        assert sees(connection, ["app.cases"]) == ["app.cases"]
        plant(wall, manager, "revoked")
        try:
            assert sees(connection, ["app.cases"]) == []
            assert attempt(connection, "update app.cases set stage = stage") == [(0,)]
            assert attempt(connection, "select trail.record('case.read', '{}', '{}')") == NO_SESSION
        finally:
            wall.admin.execute("update sec.sessions set revoked_at = null where id = %s", (manager.session,))
        assert sees(connection, ["app.cases"]) == ["app.cases"]


@pytest.mark.parametrize("fault", FAULTS)
def test_a_survivors_record_closes_with_her_session(wall: Wall, fault: str) -> None:
    survivor = wall.member("cbo-a", Role.SURVIVOR)
    with wall.admin.transaction(force_rollback=True):
        with as_superuser(wall.admin, survivor.login, survivor.session):
            assert attempt(wall.admin, "select sec.survivor()") == [(survivor.survivor,)]
        plant(wall, survivor, fault)
        with as_superuser(wall.admin, survivor.login, None):
            assert attempt(wall.admin, "select sec.survivor()") == [(None,)]


def test_a_session_expires_at_its_moment_not_at_the_end_of_the_transaction(wall: Wall) -> None:
    survivor = wall.member("cbo-a", Role.SURVIVOR)
    expire = "update sec.sessions set expires_at = {} where id = %s"
    with wall.acting(survivor) as connection:
        wall.admin.execute(
            expire.format("clock_timestamp() + interval '300 ms'").encode(), (survivor.session,)
        )
        try:
            asked = "select sec.actor() is not null, sec.survivor() is not null, sec.membership() is not null"
            assert attempt(connection, asked) == [(True, True, True)]
            connection.execute("select pg_sleep(0.35)")
            assert attempt(connection, asked) == [(False, False, False)]
        finally:
            wall.admin.execute(expire.format("now() + interval '1 day'").encode(), (survivor.session,))


def test_a_survivor_does_not_become_another_by_her_session(wall: Wall) -> None:
    """Not even by a true session of a survivor of another organisation."""
    with wall.acting(wall.member("cbo-a", Role.SURVIVOR)) as connection:
        stolen = wall.member("cbo-b", Role.SURVIVOR).session
        connection.execute("select set_config('pat.session', %s, true)", (str(stolen),))
        asked = "select sec.actor(), sec.survivor(), sec.membership()"
        assert attempt(connection, asked) == [(None, None, None)]


@pytest.mark.parametrize("role", Role)
def test_without_a_session_no_role_reads_anything(wall: Wall, role: Role) -> None:
    with wall.connect(wall.member("cbo-a", role).login) as connection:
        assert sees(connection, [*DOMAIN, *SENT, *RECEIVED, *NAMING]) == []


def test_without_a_session_a_receiver_sees_nothing_through_the_door(wall: Wall) -> None:
    worker = wall.member("goa", Role.DESTINATION_WORKER)
    with wall.connect(worker.login) as connection:
        assert sees(connection, RECEIVED) == []
    with wall.acting(worker) as connection:
        assert sees(connection, RECEIVED) == list(RECEIVED)


@pytest.mark.parametrize("text", ["", "x", "' or true --", "00000000-0000-0000-0000-000000000000", None])
def test_what_is_no_session_id_is_refused(wall: Wall, manager: Member, text: str | None) -> None:
    with wall.connect(manager.login) as connection:
        with pytest.raises(psycopg.errors.InvalidAuthorizationSpecification) as refused:
            connection.execute("select sec.enter(%s)", (text,))
        assert refused.value.diag.message_primary == "no such session"


def forgeries(wall: Wall, member: Member) -> list[str]:
    """What somebody could know and pass off as a session: ids of people and memberships, and sessions of other logins."""
    others = [other for other in wall.members if other.login != member.login]
    return [
        str(id)
        for id in (
            *(other.person for other in wall.members),
            *(other.membership for other in wall.members),
            *(other.session for other in others),
            named("organisation", "cbo-a"),
            uuid4(),
        )
    ]


def test_nobody_becomes_another_by_forging_a_session(wall: Wall) -> None:
    worker = wall.member("cbo-a", Role.SOCIAL_WORKER)
    with wall.acting(worker) as connection:
        for forged in forgeries(wall, worker):
            assert attempt(connection, f"select sec.enter('{forged}')") == NO_SESSION
            in_the_same_statement = (
                f"with f as materialized (select set_config('pat.session', '{forged}', true) s)"
                " select count(*) from f, {table} where f.s is not null"
            )
            with connection.transaction(force_rollback=True):
                for table in (
                    "app.cases",
                    "app.survivor_identities",
                    "app.memberships",
                    "door.referral_states",
                ):
                    assert attempt(connection, in_the_same_statement.format(table=table)) == [(0,)]


@pytest.mark.parametrize("forged", ["x", "''''"])
def test_a_setting_that_is_no_id_is_an_error_and_opens_nothing(
    wall: Wall, manager: Member, forged: str
) -> None:
    with wall.acting(manager) as connection:
        with connection.transaction(force_rollback=True):
            connection.execute(f"select set_config('pat.session', '{forged}', true)".encode())
            assert attempt(connection, "select 1 from app.cases") == "22P02"
        with connection.transaction(force_rollback=True):
            connection.execute("select set_config('pat.session', '', true)")
            assert attempt(connection, "select 1 from app.cases") == []


def test_a_session_is_gone_when_its_transaction_is(wall: Wall, manager: Member) -> None:
    with wall.connect(manager.login) as connection:
        with connection.transaction():
            connection.execute("select sec.enter(%s)", (str(manager.session),))
            assert sees(connection, ["app.cases"]) == ["app.cases"]
        assert sees(connection, ["app.cases"]) == []


def test_what_a_session_says_is_looked_up_in_one_way(wall: Wall) -> None:
    """Who she is, under which membership, and whose record hers is: each only of a session that is live."""
    functions = ("sec.actor()", "sec.membership()", "sec.survivor()")
    asked = "select prosrc from pg_proc where oid = any(%s::regprocedure[])"
    bodies = [body.split() for (body,) in wall.admin.execute(asked, (list(functions),)).fetchall()]
    assert sorted(body[1] for body in bodies) == ["m.survivor_id", "s.membership_id", "s.person_id"]
    rests = {body[1]: " ".join(body[2:]) for body in bodies}
    assert rests["s.person_id"] == rests["s.membership_id"]
    # A session under duress is nobody's record.
    assert rests["m.survivor_id"] == f"{rests['s.person_id']} and not s.is_duress"


def test_colleagues_on_one_login_act_as_themselves(wall: Wall) -> None:
    for number in (1, 2):
        worker = wall.member("cbo-a", Role.SOCIAL_WORKER, number)
        with wall.acting(worker) as connection:
            assert attempt(connection, "select sec.actor()") == [(worker.person,)]
