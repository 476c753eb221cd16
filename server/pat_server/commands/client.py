"""``pat client``: the programs that organisations' people sign in to."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import click
from psycopg import Connection

from pat_auth.clients.models import ClientKind, Serves
from pat_auth.scopes import SCOPES
from pat_platform.errors import Refused
from pat_platform.settings import SettingsError
from pat_server import client_registry
from pat_server.client_registry import Listed, NewClient
from pat_server.commands.admin import Admin
from pat_server.commands.organisation import find_organisation
from pat_server.commands.tables import aligned
from pat_server.commands.trouble import Trouble

HEADER = ("CLIENT_ID", "ORGANISATION", "KIND", "SERVES", "KEYS", "STATE", "NAME", "SCOPES")
KEY_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group("client")
def command() -> None:
    """Register a program that people sign in to, list them, disable one, or renew its key.

    They work on DATABASE_URL (an administrator's), or on the running demo of this checkout. An organisation's administrators
    do the same for themselves, through the API.
    """


@command.command("add")
@click.argument("organisation")
@click.option("--name", required=True, help="What people read when they are asked whether they let it in.")
@click.option(
    "--kind",
    type=click.Choice(ClientKind, case_sensitive=False),
    default=ClientKind.PUBLIC,
    show_default=True,
    help="How it shows that it is itself: not at all, or with a key; a machine acts for nobody.",
)
@click.option("--redirect-uri", "redirect_uris", multiple=True, help="Where people are sent back to.")
@click.option("--logout-uri", "logout_uris", multiple=True, help="Where people are sent after signing out.")
@click.option("--origin", "origins", multiple=True, help="Whose pages may ask from within a browser.")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    type=click.Choice(sorted(SCOPES)),
    help="What it may ask for, whoever is signed in. Without any: who signed in, and no more.",
)
@click.option("--key", type=KEY_FILE, help="A file with the public key that it signs with: a JWK, EC, P-256.")
@click.option(
    "--network", is_flag=True, help="It serves the people of every organisation, not of this alone."
)
def add(
    organisation: str,
    name: str,
    kind: ClientKind,
    redirect_uris: tuple[str, ...],
    logout_uris: tuple[str, ...],
    origins: tuple[str, ...],
    scopes: tuple[str, ...],
    key: Path | None,
    network: bool,
) -> None:
    """Register a program of ORGANISATION, and print its client_id.

    Addresses are compared to the letter. In the demo, and on a developer's server, they may be http on this machine.
    """
    admin = Admin.find()
    loopback = _allows_loopback(admin)
    with admin.transaction() as connection:
        new = NewClient(
            organisation=find_organisation(connection, organisation),
            name=name,
            kind=kind,
            serves=Serves.NETWORK if network else Serves.ORGANISATION,
            redirect_uris=redirect_uris,
            logout_uris=logout_uris,
            origins=origins,
            scopes=scopes,
            jwk=None if key is None else _text(key),
        )
        try:
            client = client_registry.register(connection, new, allows_loopback=loopback)
        except Refused as refused:
            raise _trouble(refused) from None
    click.echo(client)


@command.command("list")
@click.argument("organisation", required=False)
def list_all(organisation: str | None) -> None:
    """List the clients of ORGANISATION, or of all."""
    with Admin.find().transaction() as connection:
        found = client_registry.listed(connection, _named(connection, organisation))
    rows = [_row(each) for each in found]
    click.echo("\n".join(aligned(rows, HEADER)) if rows else "There is no client yet.")


@command.command("disable")
@click.argument("client", metavar="CLIENT_ID", type=click.UUID)
def disable(client: UUID) -> None:
    """Let nobody use a client any more, for good, and end every session that was opened through it."""
    with Admin.find().transaction() as connection:
        try:
            ended = client_registry.disable(connection, client)
        except Refused as refused:
            raise _trouble(refused) from None
    sessions = "1 session has" if ended == 1 else f"{ended} sessions have"
    click.echo(f"{client} is disabled; {sessions} ended.")


@command.command("rotate")
@click.argument("client", metavar="CLIENT_ID", type=click.UUID)
@click.argument("key", metavar="PUBLIC_KEY", type=KEY_FILE)
@click.option("--retire-others", is_flag=True, help="The keys before it got lost: believe it alone.")
def rotate(client: UUID, key: Path, retire_others: bool) -> None:
    """Give a client another public key: a file with a JWK, EC, P-256. The newest one before it is still believed."""
    jwk = _text(key)
    with Admin.find().transaction() as connection:
        try:
            kid = client_registry.rotate_key(connection, client, jwk, retire_others=retire_others)
        except Refused as refused:
            raise _trouble(refused) from None
    click.echo(f"{client} signs with {kid} from now on.")


def _allows_loopback(admin: Admin) -> bool:
    """Whether it is the demo or a developer's server. Whoever does not say so has neither."""
    try:
        return admin.settings().is_explorable
    except SettingsError:
        return False


def _text(file: Path) -> str:
    try:
        return file.read_text()
    except (OSError, UnicodeDecodeError):
        raise Trouble("The file with the key cannot be read as text.") from None


def _named(connection: Connection, organisation: str | None) -> UUID | None:
    return None if organisation is None else find_organisation(connection, organisation)


def _row(client: Listed) -> tuple[str, ...]:
    return (
        str(client.id),
        client.organisation,
        client.kind.lower(),
        client.serves.lower(),
        str(client.keys),
        "disabled" if client.is_disabled else "in use",
        client.name,
        " ".join(client.scopes) or "-",
    )


def _trouble(refused: Refused) -> Trouble:
    return Trouble(refused.message)
