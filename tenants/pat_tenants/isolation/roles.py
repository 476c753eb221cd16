"""The database roles: owners, the application group and its roles, the doors' owners, the service logins."""

from __future__ import annotations

from collections.abc import Iterator

from pat_auth.policy import Role
from pat_platform.database.logins import MIGRATOR, SERVICE_LOGINS

__all__ = [
    "APPLICATION_ROLES",
    "DOOR_OWNERS",
    "GROUP",
    "MIGRATOR",
    "OWNERS",
    "SERVICE_LOGINS",
    "bootstrap",
    "database_role",
    "grant_membership",
    "make_roles",
]

GROUP = "pat_application"
"""Every application role is a member; the fence binds it, and through it every role to come."""

OWNERS = {"app": "pat_owner", "sec": "pat_sec", "trail": "pat_trail", "door": "pat_owner"}
"""Which role owns a schema."""

DOOR_OWNERS = (
    "pat_door_referral",
    "pat_door_network_referrals",
    "pat_door_trail",
    "pat_door_network_trail",
    "pat_door_access",
)
"""The owners of the views that lead across the fence: the only readers that it does not bind."""


def database_role(role: Role) -> str:
    """The NOLOGIN role that carries the grants and policies of an application role."""
    return f"pat_{role.value}"


APPLICATION_ROLES = tuple(database_role(role) for role in Role)


def bootstrap() -> Iterator[str]:
    """Statements that make the roles and schemas where they are missing.

    The first run needs a superuser, or a role with CREATEROLE that owns the database; every later one may be the migrator's.
    """
    yield from make_roles()
    for schema, owner in OWNERS.items():
        yield f"create schema if not exists {schema} authorization {owner}"


def make_roles() -> Iterator[str]:
    """Statements that make the roles where they are missing: what a backup needs to find before it is restored."""
    become = tuple(dict.fromkeys((*OWNERS.values(), *DOOR_OWNERS)))
    for name in become:
        yield _create_role(name, "nologin noinherit")
    yield _create_role(GROUP, "nologin")
    for name in APPLICATION_ROLES:
        yield _create_role(name, "nologin")
        yield grant_membership(GROUP, name, "inherit true", "inherit_option")
    for name in SERVICE_LOGINS:
        yield _create_role(name, "login noinherit" + (" createrole" if name == MIGRATOR else ""))
    for name in (*become, GROUP, *APPLICATION_ROLES, *(name for name in SERVICE_LOGINS if name != MIGRATOR)):
        yield grant_membership(
            name, MIGRATOR, "admin true, inherit false, set false", "admin_option", not_by=MIGRATOR
        )
    # Whoever runs this makes the tables in the name of their owners, and so does the migrator after it.
    for name in become:
        yield grant_membership(name, MIGRATOR, "inherit false, set true", "set_option")
    for name in (*become, MIGRATOR):
        yield grant_membership(name, "current_user", "inherit false, set true", "set_option", not_by=MIGRATOR)
    yield _DATABASE


# The migrator makes schemas, and lets new logins connect.
_DATABASE = f"""do $$ begin
    if current_user <> '{MIGRATOR}' then
        execute format('grant create on database %I to {MIGRATOR}', current_database());
        execute format('grant connect on database %I to {MIGRATOR} with grant option', current_database());
    end if;
end $$"""


def _create_role(name: str, options: str) -> str:
    return f"""do $$ begin
    if not exists (select from pg_roles where rolname = '{name}') then create role {name} {options}; end if;
end $$"""


def grant_membership(role: str, member: str, options: str, held: str, *, not_by: str = "") -> str:
    """A statement that makes ``member`` a member of ``role``, unless it has the option ``held`` already.

    Whoever is named in ``not_by`` skips it: nobody grants anything to itself. ``member`` may be ``current_user``.
    """
    name = member if member == "current_user" else f"'{member}'"
    return f"""do $$ begin
    if current_user <> '{not_by}' and not exists (
        select from pg_auth_members m join pg_roles r on r.oid = m.roleid join pg_roles u on u.oid = m.member
        where r.rolname = '{role}' and u.rolname = {name} and m.{held}
    ) then
        grant {role} to {member} with {options};
    end if;
end $$"""
