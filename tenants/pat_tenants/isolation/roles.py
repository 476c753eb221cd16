"""The database roles: owners, the application group and its roles, the doors' owners, the service logins."""

from __future__ import annotations

from collections.abc import Iterator

from pat_auth.policy import Role

GROUP = "pat_application"
"""Every application role is a member; the fence binds it, and through it every role to come."""

OWNERS = {"app": "pat_owner", "sec": "pat_sec", "trail": "pat_trail", "door": "pat_owner"}
"""Which role owns a schema."""

DOOR_OWNERS = ("pat_door_referral",)
"""The owners of the views that lead across the fence: the only readers that it does not bind."""

SERVICE_LOGINS = ("pat_service_migrator", "pat_service_issuer", "pat_service_listener", "pat_service_jobs")
"""The closed list of logins that are not an organisation's."""


def database_role(role: Role) -> str:
    """The NOLOGIN role that carries the grants and policies of an application role."""
    return f"pat_{role.value}"


APPLICATION_ROLES = tuple(database_role(role) for role in Role)


def bootstrap() -> Iterator[str]:
    """Statements that make the roles and schemas where they are missing. Needs CREATEROLE, and may be run again at any time."""
    for name in dict.fromkeys((*OWNERS.values(), *DOOR_OWNERS, GROUP)):
        yield _create_role(name, "nologin noinherit" if name != GROUP else "nologin")
    for name in APPLICATION_ROLES:
        yield _create_role(name, "nologin")
        yield f"grant {GROUP} to {name}"
    for name in SERVICE_LOGINS:
        yield _create_role(
            name, "login noinherit" + (" createrole" if name == "pat_service_migrator" else "")
        )
    for name in dict.fromkeys((*OWNERS.values(), *DOOR_OWNERS)):
        yield f"grant {name} to pat_service_migrator with inherit false, set true"
        yield f"grant {name} to current_user with inherit false, set true"
    for name in APPLICATION_ROLES:
        yield f"grant {name} to pat_service_migrator with admin true, inherit false, set false"
    for schema, owner in OWNERS.items():
        yield f"create schema if not exists {schema} authorization {owner}"


def _create_role(name: str, options: str) -> str:
    return f"""do $$ begin if not exists (select from pg_roles where rolname = '{name}') then create role {name} {options}; end if; end $$"""
