"""``pat organisation``: the partners of the network, and the database logins that each of them is."""

import asyncio
import re
from uuid import UUID, uuid4

import click
from psycopg import Connection
from psycopg.errors import UniqueViolation

from pat_platform.encryption.provider import KeysUnavailable
from pat_platform.settings import Settings, SettingsError
from pat_server.commands.admin import Admin
from pat_server.commands.tables import aligned
from pat_server.commands.trouble import Trouble, warn
from pat_server.keeping import opened_keeper
from pat_tenants.htcds import OrganisationType
from pat_tenants.isolation.provision import end_connections, provision, rotate
from pat_tenants.organisations.models import OrganisationKind

SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
LONGEST_SLUG = 40


@click.group("organisation")
def command() -> None:
    """Add an organisation, list them, or renew their passwords.

    They work on DATABASE_URL (an administrator's), or on the running demo of this checkout.
    """


def _slug(_: click.Context, __: click.Parameter, value: str) -> str:
    if not SLUG.fullmatch(value) or len(value) > LONGEST_SLUG:
        raise click.BadParameter("use lower-case letters, digits and single hyphens, as in cbo-a.")
    return value


@command.command("add")
@click.argument("slug", callback=_slug)
@click.option("--name", required=True, help="Its name, as everyone in the network will read it.")
@click.option("--kind", required=True, type=click.Choice(OrganisationKind, case_sensitive=False))
@click.option("--state", required=True, help='The Indian state that it works in: "West Bengal".')
@click.option(
    "--type",
    "htcds_type",
    type=click.Choice(OrganisationType, case_sensitive=False),
    default=OrganisationType.NGO,
    show_default=True,
    help="Its type in the Human Trafficking Case Data Standard.",
)
def add(slug: str, name: str, kind: OrganisationKind, state: str, htcds_type: OrganisationType) -> None:
    """Add an organisation, and make its database logins and its keys."""
    admin = Admin.find()
    secret = admin.secret()
    organisation = uuid4()
    try:
        with admin.transaction() as connection:
            _insert(connection, (organisation, slug, kind.value, htcds_type.value, name, state))
            logins = provision(connection, secret, organisation, kind)
    except UniqueViolation:
        raise Trouble(f"There is an organisation {slug} already: choose another slug.") from None
    click.echo(f"{slug} is organisation {organisation}, with {len(logins)} logins.")
    _make_keys(admin.settings(), slug, organisation)


def _make_keys(settings: Settings, slug: str, organisation: UUID) -> None:
    """Make the organisation's keys, or say how that is done: it stands without them, and can be served."""
    try:
        asyncio.run(_create_keys(settings, organisation))
        return
    except SettingsError:
        reason = "PAT_KEY_PROVIDER is not set."
    except KeysUnavailable as unavailable:
        reason = unavailable.reason
    warn(f"It has no keys yet, and can save no identity: {reason} Make them with `pat keys create {slug}`.")


async def _create_keys(settings: Settings, organisation: UUID) -> None:
    async with opened_keeper(settings) as keeper:
        await keeper.create(organisation)


@command.command("list")
def list_all() -> None:
    """List the organisations and how often their passwords were renewed."""
    with Admin.find().transaction() as connection:
        rows = _all(connection)
    header = ("SLUG", "KIND", "STATE", "LOGINS", "PASSWORDS", "NAME")
    click.echo("\n".join(aligned(rows, header)) if rows else "There is no organisation yet.")


@command.command("rotate")
@click.argument("slug")
def rotate_passwords(slug: str) -> None:
    """Give every login of an organisation a new password, and end the connections that were opened with the old one.

    Running servers notice by themselves and connect again; a change that is under way at that moment is undone.
    """
    admin = Admin.find()
    secret = admin.secret()
    with admin.transaction() as connection:
        organisation = find_organisation(connection, slug)
        logins = rotate(connection, secret, organisation)
    with admin.transaction() as connection:
        ended = end_connections(connection, logins)
    click.echo(f"{slug}: {len(logins)} logins have new passwords; {ended} open connections were ended.")


def _open_directory(connection: Connection) -> None:
    """Act as the owner of the directory, whom row security would show nothing, until the transaction ends."""
    connection.execute("set local role pat_owner")
    connection.execute("alter table app.organisations no force row level security")


def _close_directory(connection: Connection) -> None:
    connection.execute("alter table app.organisations force row level security")
    connection.execute("reset role")


def _insert(connection: Connection, row: tuple[UUID, str, str, str, str, str]) -> None:
    _open_directory(connection)
    connection.execute(
        "insert into app.organisations (id, slug, kind, htcds_type, name, state) values (%s, %s, %s, %s, %s, %s)",
        row,
    )
    _close_directory(connection)


def find_organisation(connection: Connection, slug: str) -> UUID:
    """The organisation with this short name. Raises Trouble."""
    _open_directory(connection)
    row = connection.execute("select id from app.organisations where slug = %s", (slug,)).fetchone()
    _close_directory(connection)
    if row is None:
        raise Trouble(f"There is no organisation {slug}: `pat organisation list` shows all.")
    return UUID(str(row[0]))


def _all(connection: Connection) -> list[tuple[str, str, str, str, str, str]]:
    _open_directory(connection)
    rows = connection.execute(
        "select id, slug, kind, state, name from app.organisations order by slug"
    ).fetchall()
    _close_directory(connection)
    connection.execute("set local role pat_sec")
    logins = connection.execute(
        "select organisation_id, count(*), max(generation) from sec.logins group by organisation_id"
    ).fetchall()
    connection.execute("reset role")
    of = {organisation: (count, generation) for organisation, count, generation in logins}
    result = []
    for organisation, slug, kind, state, name in rows:
        count, generation = of.get(organisation, (0, 0))
        result.append((slug, kind, state, str(count), str(generation or "-"), name))
    return result
