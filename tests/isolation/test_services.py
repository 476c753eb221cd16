"""The service logins: each does what it is for, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import psycopg
import pytest
from tests.support.wall import SECRET, Connection, Wall, attempt

from pat_auth.policy import POLICY, Permission, Role
from pat_platform.database.logins import SERVICE_LOGINS, login_name, login_password
from pat_server.migrate import migrate
from pat_tenants.isolation.provision import ROLES_OF, rotate
from pat_tenants.key_tables import key_tables
from pat_tenants.organisations.models import OrganisationKind
from pat_tenants.tables import metadata

REFUSED = "42501"
REGISTERS = POLICY[Permission.CLIENT_REGISTER]
ISSUER, JOBS = "pat_service_issuer", "pat_service_jobs"
LISTENER, MIGRATOR = "pat_service_listener", "pat_service_migrator"
KEYS, SIGN_IN = "pat_service_keys", "pat_service_sign_in"
OF_SIGN_IN = {
    *(
        "sec.asks",
        "sec.assertions",
        "sec.attempts",
        "sec.browsers",
        "sec.challenges",
        "sec.codes",
        "sec.consents",
    ),
    *(
        "sec.mails",
        "sec.passkeys",
        "sec.recovery_codes",
        "sec.refresh_tokens",
        "sec.resets",
        "sec.second_factors",
        "sec.secrets",
        "sec.sessions",
    ),
    *("sec.upstreams", "sec.upstream_identities", "sec.upstream_visits"),
}
NEVER_PUT_IN = {"sec.sessions", "sec.upstreams", "sec.upstream_identities"}
READ_BY = {
    ISSUER: {"app.memberships", "app.organisations", "sec.people", "sec.logins", "sec.sessions"},
    JOBS: set(),
    LISTENER: set(),
    MIGRATOR: {"sec.logins"},
    KEYS: {"app.organisations", "app.survivor_keys", "app.group_member_identities"},
    SIGN_IN: {*OF_SIGN_IN, "sec.people"},
}
INSERTS = {ISSUER: {"sec.sessions"}, SIGN_IN: OF_SIGN_IN - NEVER_PUT_IN}
UPDATES = {
    ISSUER: {"sec.sessions": {"revoked_at"}},
    KEYS: {"app.survivor_keys": {"wrapped"}, "app.group_member_identities": {"wrapped"}},
    SIGN_IN: {
        "sec.asks": {"membership_id", "ended_at"},
        "sec.attempts": {"failures", "last_at", "next_at"},
        "sec.browsers": {
            "secret_hash",
            "person_id",
            "first_at",
            "second_at",
            "methods",
            "seen_at",
            "ended_at",
            "is_duress",
            "upstream_id",
        },
        "sec.challenges": {"challenge", "person_id", "handle", "expires_at", "used_at"},
        "sec.codes": {"used_at", "session_id"},
        "sec.consents": {"scopes", "given_at", "withdrawn_at", "client_hash"},
        "sec.mails": {"sealed", "next_at", "tries", "sent_at"},
        "sec.passkeys": {"sign_count", "used_at", "ended_at", "name"},
        "sec.people": {"language"},
        "sec.recovery_codes": {"used_at"},
        "sec.refresh_tokens": {"used_at"},
        "sec.resets": {"token_hash", "person_id", "replaces", "expires_at", "used_at"},
        "sec.second_factors": {"confirmed_at", "last_step"},
        "sec.secrets": {"hash", "key", "changed_at"},
        "sec.sessions": {"used_at", "is_duress"},
        "sec.upstream_visits": {"used_at"},
    },
}


@pytest.fixture
def issuer(wall: Wall) -> Iterator[Connection]:
    with wall.connect_service(ISSUER) as connection, connection.transaction(force_rollback=True):
        yield connection


@pytest.mark.parametrize("login", SERVICE_LOGINS)
def test_a_service_reads_its_own_tables_and_no_other(wall: Wall, login: str) -> None:
    views = ["door.received_referrals", "door.referral_states", "door.all_agreements"]
    with wall.connect_service(login) as connection:
        read = {
            relation
            for relation in (*metadata.tables, *views)
            if attempt(connection, f"select count(*) from {relation}") != REFUSED
        }
    assert read == READ_BY[login]


@pytest.mark.parametrize("login", SERVICE_LOGINS)
def test_a_service_writes_what_it_is_for_and_nothing_else(wall: Wall, login: str) -> None:
    with wall.connect_service(login) as connection, connection.transaction(force_rollback=True):
        for table in metadata.tables.values():
            changed = UPDATES.get(login, {}).get(table.fullname, set())
            for column in table.columns:
                statement = f"update {table.fullname} set {column.name} = {column.name}"
                assert (attempt(connection, statement) != REFUSED) is (column.name in changed), statement
            for statement in (f"delete from {table.fullname}", f"truncate {table.fullname}"):
                assert attempt(connection, statement) == REFUSED, statement
            inserted = attempt(connection, f"insert into {table.fullname} default values")
            assert (inserted != REFUSED) is (table.fullname in INSERTS.get(login, set())), table.fullname


@pytest.mark.parametrize("login", [ISSUER, JOBS, LISTENER, KEYS, SIGN_IN])
def test_a_service_becomes_nobody_and_makes_nothing(wall: Wall, login: str) -> None:
    with wall.connect_service(login) as connection, connection.transaction(force_rollback=True):
        for statement in (
            "set role pat_owner",
            "set role pat_sec",
            "set role pat_case_manager",
            f"set session authorization {wall.member('cbo-a', Role.CASE_MANAGER).login}",
            "create table app.mine (id int)",
            "create temporary table mine (id int)",
            "create schema mine",
            "create role mine",
            "select sec.enter('x')",
            "select pg_advisory_lock(1)",
            "select lo_creat(-1)",
        ):
            assert attempt(connection, statement) == REFUSED, statement


def test_the_issuer_opens_and_revokes_sessions(wall: Wall, issuer: Connection) -> None:
    member = wall.member("cbo-a", Role.CASE_MANAGER)
    session = uuid4()
    opened = attempt(
        issuer,
        "insert into sec.sessions (id, login, organisation_id, membership_id, person_id, client, expires_at)"
        " values (%s, %s, %s, %s, %s, 'tests', now() + interval '1 hour')",
        (session, member.login, member.organisation, member.membership, member.person),
    )
    assert opened == [(1,)]
    assert attempt(issuer, f"update sec.sessions set revoked_at = now() where id = '{session}'") == [(1,)]


@pytest.mark.parametrize("column", ["expires_at", "login", "person_id", "membership_id", "id"])
def test_the_issuer_does_not_change_whose_a_session_is_or_how_long_it_lasts(
    issuer: Connection, column: str
) -> None:
    assert attempt(issuer, f"update sec.sessions set {column} = {column}") == REFUSED


def test_the_issuer_sees_who_may_sign_in(wall: Wall, issuer: Connection) -> None:
    assert attempt(issuer, "select count(*) from sec.people") == [(len(wall.members),)]
    assert attempt(issuer, "select count(*) from app.memberships") == [(len(wall.members),)]
    assert attempt(issuer, "select count(*) from app.organisations") == [(5,)]


def test_the_listener_hears_when_something_changed(wall: Wall) -> None:
    with wall.connect_service(LISTENER) as listener:
        listener.execute("listen pat_changes")
        wall.admin.execute("notify pat_changes, 'x'")
        assert [notice.payload for notice in listener.notifies(timeout=5, stop_after=1)] == ["x"]


KEY_TABLES = {"app.survivor_keys": "survivor_id", "app.group_member_identities": "member_id"}


def test_the_tables_with_wrapped_keys_are_found_in_the_models() -> None:
    assert {table.name: table.subject for table in key_tables()} == KEY_TABLES


@pytest.mark.parametrize("table", KEY_TABLES)
def test_whoever_rotates_keys_replaces_wrapped_keys_and_nothing_else(wall: Wall, table: str) -> None:
    [(rows,)] = wall.admin.execute(f"select count(*) from {table}".encode()).fetchall()
    assert rows
    with wall.connect_service(KEYS) as connection, connection.transaction(force_rollback=True):
        assert attempt(connection, f"update {table} set wrapped = '\\x00' where wrapped is not null") == [
            (rows,)
        ]
        for column in metadata.tables[table].columns:
            readable = column.name in ("organisation_id", KEY_TABLES[table], "wrapped")
            read = attempt(connection, f"select count({column.name}) from {table}")
            assert read == ([(rows,)] if readable else REFUSED), column.name
            if column.name != "wrapped":
                assert attempt(connection, f"update {table} set {column.name} = null") == REFUSED


def test_the_migrator_migrates_after_a_superuser(wall: Wall) -> None:
    """Everything again: roles, tables, the wall, hardening, logins, those of a new organisation too, and the lint."""
    wall.connect_service(MIGRATOR).close()
    organisation, made = uuid4(), wall.admin
    made.execute(
        "insert into app.organisations (id, slug, kind, htcds_type, name, state) values (%s, 'new', 'FUNDER', 'NGO', 'New', 'Goa')",
        (organisation,),
    )
    login = login_name(organisation, Role.FUNDER)
    url = wall.cluster.url(
        user=MIGRATOR, password=login_password(SECRET, MIGRATOR, 1), database=wall.database
    )
    try:
        assert migrate(url, SECRET).open_still == []
        wall.connect(login).close()
        # A superuser in between, and the migrator once more: neither takes anything from the other.
        migrate(wall.url, SECRET)
        assert migrate(url, SECRET).open_still == []
    finally:
        made.execute("delete from sec.logins where organisation_id = %s", (organisation,))
        made.execute("delete from app.organisations where id = %s", (organisation,))
        made.execute(
            f"set role {MIGRATOR}; revoke connect on database {wall.database} from {login}; reset role; drop role {login}".encode()
        )


def test_the_migrator_alone_reads_no_row(wall: Wall) -> None:
    """Not even as the owner of the tables: row security is forced on owners too."""
    with wall.connect_service(MIGRATOR) as migrator:
        for owner in ("pat_owner", "pat_door_referral"):
            with migrator.transaction(force_rollback=True):
                migrator.execute(f"set local role {owner}".encode())
                for table in ("app.cases", "app.referrals", "app.memberships", "app.survivor_identities"):
                    assert attempt(migrator, f"select organisation_id from {table}") in ([], REFUSED)


def test_a_rotated_login_needs_its_new_password(wall: Wall) -> None:
    organisation = wall.organisation("delhi")
    login = login_name(organisation, Role.DESTINATION_WORKER)
    wall.connect(login).close()
    with wall.admin.transaction():
        assert login in rotate(wall.admin, SECRET, organisation)
    try:
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            wall.connect(login)
        wall.connect(login, login_password(SECRET, login, 2)).close()
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            wall.connect(login, login_password(b"another deployment's secret", login, 2))
    finally:
        wall.admin.execute("update sec.logins set generation = 1 where organisation_id = %s", (organisation,))
        migrate(wall.url, SECRET)
    wall.connect(login).close()


def test_a_login_of_another_database_cannot_connect_to_this_one(wall: Wall) -> None:
    """Being a member of the group is not enough: each login is let in by name."""
    wall.admin.execute("create role planted login password 'planted' in role pat_application")
    try:
        with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
            wall.connect("planted", "planted")
    finally:
        wall.admin.execute("drop role planted")


def test_a_login_has_limits(wall: Wall) -> None:
    with wall.connect(login_name(wall.organisation("goa"), Role.DESTINATION_WORKER)) as connection:
        limits = {
            "statement_timeout": "5s",
            "lock_timeout": "2s",
            "idle_in_transaction_session_timeout": "10s",
            "search_path": "pg_catalog",
        }
        for setting, value in limits.items():
            assert attempt(connection, f"select current_setting('{setting}')") == [(value,)]


def test_every_kind_of_organisation_has_its_roles(wall: Wall) -> None:
    """A funder's login in a CBO would be a way in that nobody asked for. Machines are of whoever may register one."""

    assert set(ROLES_OF) == set(OrganisationKind)
    of_machines = {kind for kind, roles in ROLES_OF.items() if Role.SERVICE in roles}
    assert of_machines == {kind for kind, roles in ROLES_OF.items() if set(roles) & set(REGISTERS)}
    of_cbos = set(ROLES_OF[OrganisationKind.CBO]) - {Role.SERVICE}
    others = [set(roles) for kind, roles in ROLES_OF.items() if kind is not OrganisationKind.CBO]
    assert all(not of_cbos & roles for roles in others)
