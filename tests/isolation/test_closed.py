"""What is closed, asked for one by one: schemas, functions, logins, and what PostgreSQL itself would tell."""

from __future__ import annotations

import pytest
from tests.isolation.test_services import READ_BY
from tests.support.wall import SECRET, Wall, attempt

from pat_auth.policy import Role
from pat_platform.database.logins import MIGRATOR, SERVICE_LOGINS
from pat_platform.database.models import TableKind
from pat_tenants.isolation.apply import apply_wall
from pat_tenants.isolation.provision import ROLES_OF, provision
from pat_tenants.isolation.render import policies_sql
from pat_tenants.organisations.models import OrganisationKind
from pat_tenants.tables import metadata

ISSUER, KEYS, SIGN_IN = "pat_service_issuer", "pat_service_keys", "pat_service_sign_in"
LISTENER = "pat_service_listener"
JOBS = "pat_service_jobs"
APPLICATION = {f"pat_{role}" for role in Role} | {"pat_application"}

OF_THE_TRAIL = ("pat_door_trail", "pat_door_network_trail", "pat_door_access")

SCHEMAS = {
    "app": {
        *APPLICATION,
        "pat_owner",
        "pat_sec",
        "pat_trail",
        "pat_door_referral",
        "pat_door_network_referrals",
        "pat_door_access",
        ISSUER,
        KEYS,
    },
    "door": {*APPLICATION, "pat_owner", "pat_door_referral", "pat_door_network_referrals", *OF_THE_TRAIL},
    "sec": {
        *APPLICATION,
        "pat_sec",
        "pat_owner",
        "pat_trail",
        "pat_door_referral",
        "pat_door_trail",
        "pat_door_access",
        "pat_door_network_referrals",
        ISSUER,
        MIGRATOR,
        SIGN_IN,
        LISTENER,
    },
    "trail": {*APPLICATION, "pat_trail", "pat_sec", JOBS, *OF_THE_TRAIL},
    "migrations": {MIGRATOR, ISSUER},
    "public": set[str](),
}

FUNCTIONS = {
    "sec.enter(text)": {*APPLICATION, "pat_sec"},
    "sec.actor()": {*APPLICATION, "pat_sec", "pat_trail"},
    "sec.membership()": {*APPLICATION, "pat_sec"},
    "sec.survivor()": {*APPLICATION, "pat_sec"},
    "sec.moment()": {*APPLICATION, "pat_sec"},
    "app.my_referrals()": {*APPLICATION, "pat_owner"},
    "app.received_status(uuid,uuid)": {*APPLICATION, "pat_owner"},
    "app.take_step()": {"pat_owner"},
    "app.take_basis_step()": {"pat_owner"},
    "app.take_hearing_step()": {"pat_owner"},
    "app.take_answer()": {"pat_owner"},
    "app.keep_moments()": {"pat_owner"},
    "app.keep_confirming()": {"pat_owner"},
    "app.keep_lifting()": {"pat_owner"},
    "trail.record(text,uuid[],jsonb)": {*APPLICATION, "pat_trail"},
    "trail.reveal(text,jsonb)": {*APPLICATION, "pat_trail"},
    "trail.numbers_about(uuid)": {"pat_organisation_admin", "pat_destination_admin", "pat_trail"},
    "trail.unsigned_heads()": {JOBS, "pat_trail"},
    "trail.hash_of(uuid,bigint)": {JOBS, "pat_trail"},
    "trail.keep_signature(uuid,bigint,bytea,text)": {JOBS, "pat_trail"},
    "sec.is_held()": {*APPLICATION, "pat_sec"},
    "trail.field(text)": {"pat_trail"},
    "trail.append(uuid,uuid,text,uuid[],jsonb)": {"pat_trail", "pat_sec"},
    "sec.end_sessions(uuid[],text)": {"pat_sec"},
    "sec.note_referral()": {"pat_sec"},
    "sec.note_word_on_referral()": {"pat_sec"},
    "sec.note_withdrawal()": {"pat_sec"},
    "sec.note_agreement()": {"pat_sec"},
    "sec.note_basis()": {"pat_sec"},
    "sec.note_suspension()": {"pat_sec"},
    "sec.note_assignment()": {"pat_sec"},
    "sec.note_hearing()": {"pat_sec"},
    "sec.note_confirmation()": {"pat_sec"},
    "sec.note_step()": {"pat_sec"},
    "sec.changed_since(pg_snapshot)": {LISTENER, "pat_sec"},
    "sec.live_among(uuid[])": {LISTENER, "pat_sec"},
    "sec.forget_changes()": {SIGN_IN, "pat_sec"},
    "sec.put_link(uuid,uuid,uuid,text,bytea,timestamp with time zone)": {"pat_sec"},
    **{
        f"sec.{function}": {"pat_case_manager", "pat_sec"}
        for function in ("invite_survivor(uuid,text,bytea)", "withdraw_link(uuid)")
    },
    **{
        f"sec.{function}": {SIGN_IN, "pat_sec"}
        for function in (
            *("find_client(uuid)", "client_origins()", "memberships_of(uuid)", "forget()", "is_live(uuid)"),
            *("tell_alerts()", "note_change(uuid,text)"),
            *("forget_mails()", "forget_resets()"),
            *("link_upstream(uuid,text,uuid)", "unlink_upstream(uuid,uuid)"),
            *("find_reset(bytea)", "reset_password(bytea,text,smallint)"),
            *(
                "revoke_session(uuid,text)",
                "open_machine_session(uuid,uuid,text[])",
                "find_invitation(bytea)",
                "take_up(bytea,uuid)",
                "enrol(bytea,uuid)",
                "begin_pin(bytea,text,text,text)",
                "note_arrival(uuid,boolean)",
            ),
            "open_session(uuid,uuid,uuid,uuid,text[],uuid,timestamp with time zone,text,timestamp with time zone)",
        )
    },
    **{
        f"sec.{function}": {*APPLICATION, "pat_sec"}
        for function in ("my_sessions()", "end_my_session(uuid)", "end_my_sessions()")
    },
    **{
        f"sec.{function}": {
            *("pat_organisation_admin", "pat_secretariat_admin", "pat_destination_admin"),
            "pat_sec",
        }
        for function in (
            *("end_sessions_of(uuid)", "end_membership(uuid)", "is_member(text,text)", "roles_here()"),
            "post_mail(uuid,bytea,timestamp with time zone)",
        )
    },
}
AS_THEIR_CALLER = {
    *("app.my_referrals()", "app.received_status(uuid,uuid)", "app.take_step()", "app.take_answer()"),
    *("app.take_hearing_step()", "app.take_basis_step()"),
    *("app.keep_moments()", "app.keep_confirming()", "app.keep_lifting()"),
    *("trail.field(text)", "sec.end_sessions(uuid[],text)"),
    "sec.put_link(uuid,uuid,uuid,text,bytea,timestamp with time zone)",
    "sec.moment()",
}


@pytest.mark.parametrize("schema", SCHEMAS)
def test_a_schema_is_used_by_those_who_need_it(wall: Wall, schema: str) -> None:
    may = "select rolname from pg_roles where rolname ~ '^pat_' and has_schema_privilege(oid, %s, %s)"
    users = {name for (name,) in wall.admin.execute(may, (schema, "usage")).fetchall()}
    assert users == SCHEMAS[schema]
    makers = {name for (name,) in wall.admin.execute(may, (schema, "create")).fetchall()}
    owned = wall.admin.execute(
        "select pg_get_userbyid(nspowner) from pg_namespace where nspname = %s", (schema,)
    ).fetchone()
    assert owned is not None
    assert makers <= {owned[0]}


def test_a_function_is_called_by_those_who_need_it(wall: Wall) -> None:
    held = wall.admin.execute(
        "select p.oid::regprocedure::text, r.rolname from pg_proc p join pg_namespace n on n.oid = p.pronamespace"
        " left join pg_roles r on r.rolname ~ '^pat_' and has_function_privilege(r.oid, p.oid, 'execute')"
        " where n.nspname in ('app', 'sec', 'trail', 'door')"
    ).fetchall()
    callers: dict[str, set[str]] = {}
    for function, role in held:
        callers.setdefault(function, set()).update({role} - {None})
    assert callers == FUNCTIONS


def test_every_function_of_ours_finds_the_functions_of_postgresql_first(wall: Wall) -> None:
    """Also those that run as their caller: nobody's objects may be taken for PostgreSQL's."""
    paths = wall.admin.execute(
        "select p.oid::regprocedure::text, p.proconfig from pg_proc p"
        " join pg_namespace n on n.oid = p.pronamespace where n.nspname in ('app', 'sec', 'trail', 'door')"
    ).fetchall()
    assert dict(paths) == {function: ["search_path=pg_catalog, pg_temp"] for function in FUNCTIONS}


def test_every_login_is_let_in_and_nobody_else(wall: Wall) -> None:
    """With its role, as the lists of logins have it."""
    roles = "select rolname from pg_roles where rolcanlogin and not rolsuper and has_database_privilege(oid, %s, 'connect')"
    listed = wall.admin.execute("select login from sec.logins").fetchall()
    services = {(name,) for name in SERVICE_LOGINS}
    assert set(wall.admin.execute(roles, (wall.database,)).fetchall()) == {*listed, *services}
    for login, role in wall.admin.execute("select login, role from sec.logins").fetchall():
        may = "select pg_has_role(%s, %s, 'usage'), pg_has_role(%s, 'pat_application', 'usage')"
        assert wall.admin.execute(may, (login, f"pat_{role}", login)).fetchone() == (True, True), login


def test_no_role_is_a_member_of_another(wall: Wall) -> None:
    """Save the group's: what an application role may is written where its own name stands."""
    members = wall.admin.execute(
        "select m.rolname, r.rolname from pg_roles m join pg_roles r on r.oid <> m.oid and pg_has_role(m.oid, r.oid, 'member')"
        " where m.rolname = any(%s)",
        (sorted(APPLICATION),),
    ).fetchall()
    assert set(members) == {(f"pat_{role}", "pat_application") for role in Role}


# Large objects and locks are nobody's; the rest shows what everybody together does.
OPEN_BY_DEFAULT = (
    "proname ~ '^(lo_|lowrite$|loread$|pg_notify$|pg_stat_get_|pg_lock_status$)' or proname ~ 'advisory'"
    " or proname in ('pg_cancel_backend', 'pg_terminate_backend', 'pg_relation_size', 'pg_total_relation_size',"
    " 'pg_table_size', 'pg_indexes_size', 'pg_database_size')"
)


def test_no_function_tells_or_stops_what_others_do(wall: Wall) -> None:
    """Every function of such a name, not only those that somebody thought of calling."""
    of_these = f"from pg_proc where pronamespace = 'pg_catalog'::regnamespace and ({OPEN_BY_DEFAULT})"
    number = wall.admin.execute(f"select count(*) {of_these}".encode()).fetchone()
    assert number is not None
    assert number[0] > 100
    still = f"select oid::regprocedure::text {of_these} and has_function_privilege('pat_application', oid, 'execute')"
    assert wall.admin.execute(still.encode()).fetchall() == []


@pytest.mark.parametrize("column", ["reltuples", "relpages", "relallvisible", "relallfrozen"])
def test_how_many_rows_a_table_has_is_not_read_from_the_catalogue(wall: Wall, column: str) -> None:
    with wall.acting(wall.member("cbo-b", Role.AUDITOR)) as connection:
        assert attempt(connection, f"select {column} from pg_catalog.pg_class") == "42501"
        assert attempt(connection, "select relname from pg_catalog.pg_class limit 1") != "42501"


def test_nothing_is_known_of_any_value_after_tables_were_analysed(wall: Wall) -> None:
    """But what the planner was told by hand: that ids are unique, and that about ten organisations share a table."""
    tables = [t.fullname for t in metadata.tables.values() if t.info["kind"] is TableKind.TENANT]
    with wall.admin.transaction(force_rollback=True):
        wall.admin.execute(f"analyze {', '.join(tables)}".encode())
        known = wall.admin.execute(
            "select distinct a.attname, s.stadistinct, s.stanullfrac, s.stavalues1 is null"
            " from pg_statistic s join pg_attribute a on a.attrelid = s.starelid and a.attnum = s.staattnum"
            " where s.starelid = any(%s::regclass[]::oid[])",
            (tables,),
        ).fetchall()
    assert set(known) <= {("id", -1.0, 0.0, True), ("organisation_id", 10.0, 0.0, True)}


def test_a_new_organisation_gets_its_logins(wall: Wall) -> None:
    """By the migrator, in the name of who keeps the list of them."""
    organisation = wall.organisation("a new one")
    with wall.admin.transaction(force_rollback=True):
        wall.admin.execute(
            "insert into app.organisations (id, slug, kind, htcds_type, name, state)"
            " values (%s, 'new', 'FUNDER', 'NGO', 'New', 'Goa')",
            (organisation,),
        )
        wall.admin.execute("set local session authorization pat_service_migrator")
        provision(wall.admin, SECRET, organisation, OrganisationKind.FUNDER)
        wall.admin.execute("set local session authorization default")
        made = wall.admin.execute(
            "select role from sec.logins where organisation_id = %s", (organisation,)
        ).fetchall()
    assert {role for (role,) in made} == set(ROLES_OF[OrganisationKind.FUNDER])


def test_a_function_runs_as_its_owner_where_that_is_meant(wall: Wall) -> None:
    as_owner = wall.admin.execute(
        "select p.oid::regprocedure::text from pg_proc p join pg_namespace n on n.oid = p.pronamespace"
        " where n.nspname in ('app', 'sec', 'trail', 'door') and p.prosecdef"
    ).fetchall()
    assert {function for (function,) in as_owner} == set(FUNCTIONS) - AS_THEIR_CALLER


@pytest.mark.parametrize("login", SERVICE_LOGINS)
def test_a_service_sees_every_row_of_what_it_reads(wall: Wall, login: str) -> None:
    """No policy hides from it what it is there for."""
    with wall.connect_service(login) as connection:
        for table in sorted(READ_BY[login]):
            count = f"select count(*) from {table}"
            seen = attempt(connection, count)
            assert seen == attempt(wall.admin, count), table
            assert seen != [(0,)], table


def test_people_logins_and_sessions_are_kept_by_their_owner(wall: Wall) -> None:
    """Row security binds it too: its functions and the migrator, in its name, see through its own policies."""
    with wall.admin.transaction(force_rollback=True):
        wall.admin.execute("set local role pat_sec")
        for table in ("sec.people", "sec.logins", "sec.sessions"):
            assert attempt(wall.admin, f"select count(*) > 0 from {table}") == [(True,)]
        added = "insert into sec.people (id, email) values (gen_random_uuid(), 'new@example.org')"
        assert attempt(wall.admin, added) == [(1,)]


PRIVILEGES = """
select c.oid::regclass::text, '', coalesce(r.rolname, 'public'), a.privilege_type, a.is_grantable
from pg_class c cross join aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) a left join pg_roles r on r.oid = a.grantee
where c.relnamespace in ('app'::regnamespace, 'door'::regnamespace, 'sec'::regnamespace, 'trail'::regnamespace)
and c.relkind in ('r', 'v') and a.grantee <> c.relowner
union all
select c.oid::regclass::text, t.attname, coalesce(r.rolname, 'public'), a.privilege_type, a.is_grantable
from pg_attribute t join pg_class c on c.oid = t.attrelid cross join aclexplode(t.attacl) a left join pg_roles r on r.oid = a.grantee
where c.relnamespace in ('app'::regnamespace, 'door'::regnamespace, 'sec'::regnamespace, 'trail'::regnamespace)"""


def test_what_is_granted_is_what_is_rendered_no_more_and_no_less(wall: Wall) -> None:
    with wall.admin.transaction(force_rollback=True):
        before = set(wall.admin.execute(PRIVILEGES).fetchall())
        apply_wall(wall.admin, policies_sql())
        after = set(wall.admin.execute(PRIVILEGES).fetchall())
    assert before == after


def test_the_migrator_may_make_what_migrations_make(wall: Wall) -> None:
    (may,) = wall.admin.execute(
        "select has_database_privilege(%s, current_database(), 'create')", (MIGRATOR,)
    ).fetchone() or (None,)
    assert may
