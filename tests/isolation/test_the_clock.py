"""An end holds from its moment on: within one message of a client's too, and in whatever transaction is open."""

from __future__ import annotations

from uuid import UUID

import psycopg
import pytest
from tests.support.people import Member, named
from tests.support.sharing_rows import ALL_SCOPES
from tests.support.wall import SECRET, Connection, Wall, as_superuser, attempt

from pat_auth.policy import Role
from pat_platform.settings import Settings
from pat_tenants.isolation.doors import REFERRAL

NO_SESSION = "28000"
US, THEM = "cbo-a", "goa"
REFERRAL_ID, RECEIVED = named(US, "referrals", "hers"), named(US, "received", "hers")
CONSENT, BASIS = named(US, "consents", "hers"), named(US, "legal_bases", "hers")
SOON = "clock_timestamp() + interval '600 milliseconds'"

# Each end that a referral, or whoever looks at it, may come to by the clock alone.
ENDS: dict[str, str] = {
    "consent": f"update app.consents set valid_until = {SOON} where id = '{CONSENT}'",
    "basis": (
        f"update app.referrals set consent_id = null, basis_id = '{BASIS}' where id = '{REFERRAL_ID}';"
        f" update app.legal_bases set valid_until = {SOON} where id = '{BASIS}'"
    ),
    "referral": f"update app.referrals set agreed_until = {SOON} where id = '{REFERRAL_ID}'",
    **{
        f"agreement as {side} signed it": (
            f"update app.agreements set valid_until = {SOON}"
            f" where organisation_id = '{named('organisation', side)}' and partner_id = '{named('organisation', other)}'"
        )
        for side, other in ((US, THEM), (THEM, US))
    },
    "session": f"update sec.sessions set expires_at = {SOON} where id = '{{session}}'",
}

# What it counts before and after the end, in one message.
COUNTED = """do $$
declare
    before int;
    later int;
begin
    select count(*) into before from {seen};
    perform pg_sleep(0.7);
    select count(*) into later from {seen};
    perform set_config('test.seen', before || ' then ' || later, true);
end
$$"""
# Whether it writes after the end, in one message.
WRITTEN = """do $$
begin
    {first};
    perform pg_sleep(0.7);
    {then};
end
$$"""
TOLD = (
    "insert into app.referral_updates (organisation_id, id, referral_organisation_id, referral_id, kind, happened_on, created_by)"
    " values ('{mine}', gen_random_uuid(), '{sender}', '{received}', 'TRACED', current_date - 2, '{me}')"
)


@pytest.fixture
def worker(wall: Wall) -> Member:
    return wall.member(THEM, Role.DESTINATION_WORKER)


@pytest.fixture
def manager(wall: Wall) -> Member:
    return wall.member(US, Role.CASE_MANAGER)


def told(worker: Member, received: UUID = RECEIVED) -> str:
    return TOLD.format(
        mine=worker.organisation, sender=named("organisation", US), received=received, me=worker.person
    )


def counted(admin: Connection, who: Member, end: str, seen: str) -> str:
    """What she sees, before and after an end that comes while her message is worked off."""
    admin.execute("set constraints all deferred")
    for statement in end.format(session=who.session).split(";"):
        assert admin.execute(statement.encode()).rowcount == 1
    with as_superuser(admin, who.login, who.session):
        admin.execute(COUNTED.format(seen=seen).encode())
        found = admin.execute("select current_setting('test.seen')").fetchone()
        assert found is not None
        return str(found[0])


def written(admin: Connection, who: Member, end: str, first: str, then: str) -> object:
    for statement in end.format(session=who.session).split(";"):
        assert admin.execute(statement.encode()).rowcount == 1
    with as_superuser(admin, who.login, who.session):
        return attempt(admin, WRITTEN.format(first=first, then=then))


AGREED = tuple(end for end in ENDS if end.startswith("agreement"))
OF_A_CASE = [
    view.name
    for view in REFERRAL.views
    if view.name.startswith("door.received_")
    and view.name not in ("door.received_referrals", "door.received_steps")
]
OF_HERS = f"where from_organisation_id = '{named('organisation', US)}' and to_organisation_id = '{named('organisation', THEM)}'"
# Who looks at it, at what, and which ends she is shown that way.
LOOKS: dict[str, tuple[tuple[str, Role], str, tuple[str, ...]]] = {
    "receiver": (
        (THEM, Role.DESTINATION_WORKER),
        " union all ".join(
            [
                f"select 1 from door.received_referrals where id = '{RECEIVED}' and status = 'ACCEPTED'",
                *(f"select 1 from {view} where referral_id = '{RECEIVED}'" for view in OF_A_CASE),
            ]
        ),
        tuple(ENDS),
    ),
    "sender": (
        (US, Role.CASE_MANAGER),
        f"select 1 from door.referral_states where id = '{REFERRAL_ID}' and status = 'ACCEPTED'",
        tuple(ENDS),
    ),
    "secretariat": (
        ("secretariat", Role.SECRETARIAT_ANALYST),
        f"select 1 from door.network_referrals {OF_HERS} and status = 'ACCEPTED'",
        tuple(ENDS),
    ),
    "who signs": (
        (US, Role.ORGANISATION_ADMIN),
        f"select 1 from door.agreements where partner_id = '{named('organisation', THEM)}' and status = 'LIVE'",
        AGREED,
    ),
}


@pytest.mark.parametrize(
    ("looks", "end"), [(looks, end) for looks, (*_, ends) in LOOKS.items() for end in ends]
)
def test_a_message_that_waits_reads_nothing_after_an_end(
    wall: Wall, admin: Connection, looks: str, end: str
) -> None:
    admin.execute("update app.referrals set scopes = %s where id = %s", (list(ALL_SCOPES), REFERRAL_ID))
    (slug, role), seen, _ = LOOKS[looks]
    all_of_it = 1 + seen.count(" union all ")
    assert counted(admin, wall.member(slug, role), ENDS[end], f"({seen}) x") == f"{all_of_it} then 0"


@pytest.mark.parametrize("end", ENDS)
def test_a_message_that_waits_writes_nothing_after_an_end(
    admin: Connection, worker: Member, end: str
) -> None:
    assert written(admin, worker, ENDS[end], told(worker), told(worker)) == "42501"


@pytest.mark.parametrize("asked", ["sec.actor()", "sec.membership()", "sec.survivor()"])
def test_a_session_is_over_in_the_midst_of_a_message(wall: Wall, admin: Connection, asked: str) -> None:
    survivor = wall.member(US, Role.SURVIVOR)
    assert counted(admin, survivor, ENDS["session"], f"{asked} x where x is not null") == "1 then 0"


@pytest.mark.parametrize(("looks", "end"), [(looks, end) for looks in LOOKS for end in AGREED])
def test_an_agreement_begins_in_the_midst_of_a_message(
    wall: Wall, admin: Connection, looks: str, end: str
) -> None:
    admin.execute("update app.referrals set scopes = %s where id = %s", (list(ALL_SCOPES), REFERRAL_ID))
    (slug, role), seen, _ = LOOKS[looks]
    all_of_it = 1 + seen.count(" union all ")
    begins = ENDS[end].replace("valid_until", "valid_from")
    assert counted(admin, wall.member(slug, role), begins, f"({seen}) x") == f"0 then {all_of_it}"


@pytest.mark.parametrize("end", ["consent", "basis", "referral"])
def test_a_message_that_waits_sends_nothing_after_an_end(
    admin: Connection, manager: Member, end: str
) -> None:
    """Suspended, it may be sent again while what it stands on holds."""
    suspended, sent = (
        f"update app.referrals set state = '{state}' where id = '{REFERRAL_ID}'"
        for state in ("SUSPENDED", "SENT")
    )
    with admin.transaction(force_rollback=True):
        assert written(admin, manager, ENDS[end], f"{suspended}; {sent}", "null") == [(-1,)]
    assert written(admin, manager, ENDS[end], suspended, sent) == "23514"


VITAL = (
    "update app.legal_bases set kind = 'VITAL_INTEREST', reference = null, scopes = '{{CONTACT_SAFE}}', created_by = gen_random_uuid(),"
    f" valid_until = {SOON} where id = '{BASIS}'"
)


@pytest.mark.parametrize("step", ["approved_by", "ended_by"])
def test_a_message_that_waits_takes_no_step_of_a_basis_that_is_over(
    admin: Connection, manager: Member, step: str
) -> None:
    taken = f"update app.legal_bases set {step} = '{manager.person}' where id = '{BASIS}'"
    with admin.transaction(force_rollback=True):
        assert written(admin, manager, VITAL, taken, "null") == [(-1,)]
    assert written(admin, manager, VITAL, "null", taken) == "23514"


def test_a_basis_is_reviewed_as_soon_as_it_is_over(admin: Connection, wall: Wall, manager: Member) -> None:
    approved = VITAL.replace(
        "valid_until =", "approved_by = gen_random_uuid(), approved_at = now(), valid_until ="
    )
    reviewer = wall.member(US, Role.ORGANISATION_ADMIN)
    taken = f"update app.legal_bases set reviewed_by = '{reviewer.person}', review = 'JUSTIFIED' where id = '{BASIS}'"
    with admin.transaction(force_rollback=True):
        assert written(admin, reviewer, approved, taken, "null") == "23514"
    assert written(admin, reviewer, approved, "null", taken) == [(-1,)]


def test_what_is_done_about_a_basis_is_dated_when_it_is_done(admin: Connection, manager: Member) -> None:
    vital = VITAL.replace("600 milliseconds", "1 hour")
    approved = f"update app.legal_bases set approved_by = '{manager.person}' where id = '{BASIS}'"
    ended = approved.replace("approved", "ended")
    assert written(admin, manager, vital, approved, ended) == [(-1,)]
    apart = admin.execute(
        "select ended_at - approved_at > interval '0.6 seconds' from app.legal_bases where id = %s", (BASIS,)
    )
    assert apart.fetchone() == (True,)


KEPT = ("repeatable read", "serializable")
ASKED = ("sec.actor()", "sec.membership()", "sec.survivor()")


@pytest.mark.parametrize("level", KEPT)
def test_nobody_is_present_in_a_transaction_that_does_not_see_what_is_withdrawn(
    wall: Wall, worker: Member, level: str
) -> None:
    with wall.connect(worker.login) as connection, connection.transaction(force_rollback=True):
        connection.execute(f"set transaction isolation level {level}".encode())
        assert attempt(connection, f"select sec.enter('{worker.session}')") == NO_SESSION
        # Passed by.
        connection.execute("select set_config('pat.session', %s, true)", (str(worker.session),))
        assert attempt(connection, "select sec.actor(), sec.membership()") == [(None, None)]
        for table in (
            "app.referral_updates",
            "app.organisations",
            "door.received_referrals",
            "door.received_cases",
        ):
            assert attempt(connection, f"select 1 from {table} limit 1") == []
        assert attempt(connection, told(worker)) == "42501"
        assert attempt(connection, "select trail.record('case.read', '{}', '{}')") == NO_SESSION


@pytest.mark.parametrize("level", KEPT)
def test_a_survivor_is_nobody_there_either(wall: Wall, level: str) -> None:
    survivor = wall.member(US, Role.SURVIVOR)
    with wall.connect(survivor.login) as connection, connection.transaction(force_rollback=True):
        connection.execute(f"set transaction isolation level {level}".encode())
        connection.execute("select set_config('pat.session', %s, true)", (str(survivor.session),))
        assert attempt(connection, f"select {', '.join(ASKED)}") == [(None, None, None)]


@pytest.mark.parametrize("level", ["read committed", "read uncommitted"])
def test_she_is_present_where_each_statement_sees_what_is_there(
    wall: Wall, worker: Member, level: str
) -> None:
    with wall.connect(worker.login) as connection, connection.transaction(force_rollback=True):
        connection.execute(f"set transaction isolation level {level}".encode())
        assert attempt(connection, f"select sec.enter('{worker.session}')") == [(worker.person,)]
        assert attempt(connection, "select sec.actor()") == [(worker.person,)]
        assert attempt(connection, told(worker)) == [(1,)]


def test_a_login_that_has_changed_its_own_settings_changes_nothing_for_the_server(
    wall: Wall, worker: Member
) -> None:
    settings = Settings(database_url=wall.url, secret=SECRET)
    mine = {"default_transaction_isolation": "'serializable'", "default_transaction_read_only": "on"}
    try:
        with wall.connect(worker.login) as connection:
            for setting, value in mine.items():
                connection.execute(f"alter role current_user set {setting} to {value}".encode())
        with (
            psycopg.connect(settings.conninfo(worker.login, 1)) as connection,
            connection.transaction(force_rollback=True),
        ):
            assert attempt(connection, f"select sec.enter('{worker.session}')") == [(worker.person,)]
            assert attempt(connection, told(worker)) == [(1,)]
    finally:
        for setting in mine:
            wall.admin.execute(f"alter role {worker.login} reset {setting}".encode())
