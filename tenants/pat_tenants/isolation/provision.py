"""Organisations as logins: who gets which, and their passwords, derived from one secret and never stored."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from uuid import UUID

from psycopg import Connection, sql

from pat_auth.policy import Role
from pat_platform.database.logins import login_name, login_password
from pat_tenants.isolation.harden import let_connect
from pat_tenants.isolation.roles import MIGRATOR, SERVICE_LOGINS, database_role, grant_membership
from pat_tenants.organisations.models import OrganisationKind

ROLES_OF: Mapping[OrganisationKind, tuple[Role, ...]] = MappingProxyType(
    {
        OrganisationKind.CBO: (
            Role.ORGANISATION_ADMIN,
            Role.CASE_MANAGER,
            Role.SOCIAL_WORKER,
            Role.COUNSELLOR,
            Role.LEGAL_AID,
            Role.SHG_FACILITATOR,
            Role.MIS_FOCAL,
            Role.SURVIVOR,
            Role.SERVICE,
        ),
        OrganisationKind.SECRETARIAT: (
            Role.SECRETARIAT_ADMIN,
            Role.SECRETARIAT_ANALYST,
            Role.AUDITOR,
            Role.SERVICE,
        ),
        OrganisationKind.DESTINATION: (Role.DESTINATION_ADMIN, Role.DESTINATION_WORKER, Role.SERVICE),
        OrganisationKind.SUPPORT: (),
        OrganisationKind.FUNDER: (Role.FUNDER,),
    }
)
"""The logins that an organisation of each kind needs: no more. Programs of their own belong to those that have administrators."""

LIMITS = {
    "statement_timeout": "5s",
    "lock_timeout": "2s",
    "idle_in_transaction_session_timeout": "10s",
    "search_path": "pg_catalog",
}
"""What an organisation's login starts with. PostgreSQL lets every login change its own settings, and its own password."""

_SETTINGS = """
select r.rolname, d.datname, s.setconfig from pg_db_role_setting s
join pg_roles r on r.oid = s.setrole left join pg_database d on d.oid = s.setdatabase
where r.rolname = any(%s)"""


def provision(connection: Connection, secret: bytes, organisation: UUID, kind: OrganisationKind) -> list[str]:
    """Make the logins of one organisation, or give those that exist the password of their generation. Returns their names."""
    names = []
    for role in ROLES_OF[kind]:
        name = login_name(organisation, role.value)
        connection.execute("set local role pat_sec")
        ((generation,),) = connection.execute(
            "insert into sec.logins (login, organisation_id, role) values (%s, %s, %s)"
            " on conflict (login) do update set generation = sec.logins.generation returning generation",
            (name, organisation, role.value),
        ).fetchall()
        connection.execute("reset role")
        _make_login(connection, name, login_password(secret, name, generation), member_of=database_role(role))
        names.append(name)
    return names


def rotate(connection: Connection, secret: bytes, organisation: UUID) -> list[str]:
    """Give every login of one organisation a new password: the next generation.

    New connections need it; :func:`end_connections` ends the others.
    """
    connection.execute("set local role pat_sec")
    rows = connection.execute(
        "update sec.logins set generation = generation + 1 where organisation_id = %s returning login, role, generation",
        (organisation,),
    ).fetchall()
    connection.execute("reset role")
    for name, role, generation in rows:
        _make_login(
            connection, name, login_password(secret, name, generation), member_of=database_role(Role(role))
        )
    return [row[0] for row in rows]


def end_connections(connection: Connection, names: list[str]) -> int:
    """End every open connection of these logins, after their new passwords were committed: whoever had an old one is out.

    Servers connect again by themselves. Returns how many were ended. Raises InsufficientPrivilege for a role that may not.
    """
    ended = connection.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity where usename = any(%s)", (names,)
    ).fetchall()
    return len(ended)


def all_organisations(connection: Connection) -> list[tuple[UUID, OrganisationKind]]:
    """Every organisation and its kind. Locks the directory until the transaction ends: row security would show its owner nothing."""
    connection.execute("set local role pat_owner")
    connection.execute("alter table app.organisations no force row level security")
    rows = connection.execute("select id, kind from app.organisations order by slug").fetchall()
    connection.execute("alter table app.organisations force row level security")
    connection.execute("reset role")
    return [(organisation, OrganisationKind(kind)) for organisation, kind in rows]


def provision_all(
    connection: Connection, secret: bytes, organisations: Iterable[tuple[UUID, OrganisationKind]]
) -> int:
    """Make every login of these organisations, and the service logins: they are not in a dump. Returns how many."""
    count = provision_services(connection, secret)
    for organisation, kind in organisations:
        count += len(provision(connection, secret, organisation, kind))
    return count


def provision_services(connection: Connection, secret: bytes, names: Iterable[str] = SERVICE_LOGINS) -> int:
    """Give the service logins their passwords, and no settings."""
    names = tuple(names)
    for name in changed_settings(connection, names, {}):
        _set_settings(connection, name, {})
    for name in names:
        _set_password(connection, name, login_password(secret, name, 1))
    return len(names)


def changed_settings(
    connection: Connection, names: Iterable[str], limits: Mapping[str, str] = LIMITS
) -> list[str]:
    """Those of the logins that do not start with exactly these settings, in whatever database."""
    names = tuple(names)
    found: dict[str, list[str]] = {name: [] for name in names}
    for name, database, settings in connection.execute(_SETTINGS, (list(names),)).fetchall():
        found[name] += [setting if database is None else f"{database}: {setting}" for setting in settings]
    given = sorted(f"{setting}={value}" for setting, value in limits.items())
    return [name for name, settings in found.items() if sorted(settings) != given]


def _set_settings(connection: Connection, name: str, limits: Mapping[str, str]) -> None:
    """Take every setting that a login has away, and give it these."""
    login = sql.Identifier(name)
    for _, database, _ in connection.execute(_SETTINGS, ([name],)).fetchall():
        where = (
            sql.SQL("") if database is None else sql.SQL("in database {}").format(sql.Identifier(database))
        )
        connection.execute(sql.SQL("alter role {} {} reset all").format(login, where))
    for setting, value in limits.items():
        connection.execute(
            sql.SQL("alter role {} set {} = {}").format(login, sql.Identifier(setting), sql.Literal(value))
        )


def _make_login(connection: Connection, name: str, password: str, *, member_of: str) -> None:
    exists = connection.execute("select 1 from pg_roles where rolname = %s", (name,)).fetchone()
    if not exists:
        connection.execute(
            sql.SQL("create role {} login inherit connection limit 50 in role {}").format(
                sql.Identifier(name), sql.Identifier(member_of)
            )
        )
        connection.execute(
            grant_membership(
                name, MIGRATOR, "admin true, inherit false, set false", "admin_option", not_by=MIGRATOR
            )
        )
    if changed_settings(connection, [name]):
        _set_settings(connection, name, LIMITS)
    let_connect(connection, name)
    _set_password(connection, name, password)


def _set_password(connection: Connection, name: str, password: str) -> None:
    # The verifier is computed here, so that no statement ever carries a password.
    verifier = connection.pgconn.encrypt_password(password.encode(), name.encode(), b"scram-sha-256")
    connection.execute(
        sql.SQL("alter role {} password {}").format(sql.Identifier(name), sql.Literal(verifier.decode()))
    )
