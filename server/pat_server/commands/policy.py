"""``pat policy``: who may do what, for people to read; and the same as SQL."""

from collections.abc import Iterator

import click

from pat_auth.policy import Permission, Reach, Role, reach_of
from pat_server.commands import rendered
from pat_server.commands.home import CHECKOUT
from pat_server.commands.tables import aligned
from pat_tenants.isolation.render import policies_sql

FILE = CHECKOUT / "migrations" / "policies.sql"
SIGNS = {
    Reach.SELF: "slf",
    Reach.OWN: "own",
    Reach.ASSIGNED: "asg",
    Reach.ORGANISATION: "org",
    Reach.RECEIVED: "rec",
    Reach.NETWORK: "net",
}
MEANINGS = {
    Reach.SELF: "what is about me as a member",
    Reach.OWN: "what is about me as a survivor",
    Reach.ASSIGNED: "of our organisation, and assigned to me",
    Reach.ORGANISATION: "of our organisation",
    Reach.RECEIVED: "of another organisation, while its referral to ours lives",
    Reach.NETWORK: "the directory and geography: what everyone who may ask may see",
}


@click.command("policy")
@click.option("--role", type=click.Choice(Role, case_sensitive=False), help="Only what this role may do.")
@click.option("--sql", "is_sql", is_flag=True, help="Print the rendered SQL instead of the table.")
@click.option("--write", "is_written", is_flag=True, help="Render the SQL into migrations/policies.sql.")
@click.option(
    "--check", "is_checked", is_flag=True, help="Fail if migrations/policies.sql is not what is rendered."
)
def command(role: Role | None, is_sql: bool, is_written: bool, is_checked: bool) -> None:
    """Show who may do what, and to which rows.

    The table is auth/pat_auth/policy.py; migrations/policies.sql is rendered from it.
    """
    if is_sql or is_written or is_checked:
        if role:
            raise click.UsageError("--role is for the table alone.")
        rendered.handle(
            FILE, policies_sql(), command="python3 pat policy", is_written=is_written, is_checked=is_checked
        )
        return
    click.echo("\n".join(of_role(role) if role else table()))


def table() -> Iterator[str]:
    """All permissions and all roles: a line for each permission, a column for each role."""
    roles = list(Role)
    width = max(len(permission.value) for permission in Permission)
    indent = " " * (width + 2)
    for index, role in enumerate(roles):
        yield f"{indent}{'│   ' * index}{role.value}"
    for permission in Permission:
        cells = (reach_of(role, permission) for role in roles)
        signs = " ".join(SIGNS[reach] if reach else " · " for reach in cells)
        yield f"{permission.value.ljust(width)}  {signs}"
    yield ""
    for reach, sign in SIGNS.items():
        yield f"{sign}  {reach.value}: {MEANINGS[reach]}"
    yield " ·   may not"


def of_role(role: Role) -> Iterator[str]:
    """What one role may do: a line for each permission that it has."""
    reaches = {permission: reach_of(role, permission) for permission in Permission}
    yield from aligned(
        (permission.value, reach.value, MEANINGS[reach]) for permission, reach in reaches.items() if reach
    )
