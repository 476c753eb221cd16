"""``pat upstream``: the OpenID providers at which organisations' people sign in with what they have there."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import click

from pat_auth.clients.models import Serves
from pat_auth.issuer.service import Secrets
from pat_auth.issuer.upstreams import RETURN, Registered
from pat_auth.issuer.upstreams import Trouble as Failed
from pat_platform.errors import Refused
from pat_platform.settings import Settings
from pat_server import upstream_registry
from pat_server.commands.admin import Admin
from pat_server.commands.organisation import find_organisation
from pat_server.commands.tables import aligned
from pat_server.commands.trouble import Trouble, warn
from pat_server.upstream_registry import Listed, NewUpstream

HEADER = ("ID", "ORGANISATION", "SERVES", "STATE", "PEOPLE", "NAME", "ISSUER")
LONGEST_SECRET = 1024


@click.group("upstream")
def command() -> None:
    """Let an organisation's people sign in with its own OpenID provider, list those that there are, or disable one.

    They work on DATABASE_URL (an administrator's), or on the running demo of this checkout.
    """


@command.command("add")
@click.argument("organisation")
@click.option("--name", required=True, help="What people read: the way that they call it themselves.")
@click.option("--issuer", required=True, help="The provider's own name for itself, to the letter: https://…")
@click.option("--client-id", required=True, help="What the provider calls this installation.")
@click.option(
    "--secret-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A file with the secret that the provider gave for it.",
)
@click.option("--network", is_flag=True, help="Programs that serve the whole network offer it too.")
@click.option(
    "--both",
    "counts_as_both",
    multiple=True,
    metavar="VALUE",
    help="A value of acr or amr with which it counts for both factors. Without any, people show their code here too.",
)
@click.option("--inside", is_flag=True, help="It may have an address within this server's own network.")
def add(
    organisation: str,
    name: str,
    issuer: str,
    client_id: str,
    secret_file: Path | None,
    network: bool,
    counts_as_both: tuple[str, ...],
    inside: bool,
) -> None:
    """Register the provider of ORGANISATION, and print where it has to send people back to.

    It speaks for this organisation alone. Nobody comes in with it before she has signed in here and added it to her account.
    """
    admin = Admin.find()
    settings = admin.settings()
    ours = Registered(
        issuer=_checked(issuer, settings),
        client_id=client_id,
        secret=None if secret_file is None else _secret(secret_file),
        redirect_uri="",
        is_inside=inside,
        allows_loopback=settings.is_explorable,
    )
    with admin.transaction() as connection:
        new = NewUpstream(
            organisation=find_organisation(connection, organisation),
            name=name,
            issuer=issuer,
            client_id=client_id,
            secret=ours.secret,
            serves=Serves.NETWORK if network else Serves.ORGANISATION,
            counts_as_both=counts_as_both,
            is_inside=inside,
        )
        try:
            upstream = upstream_registry.register(connection, Secrets.of(admin.secret()), new)
        except Refused as refused:
            raise Trouble(refused.message) from None
    _try(ours)
    click.echo(f"{settings.issuer}{RETURN}{upstream}")


@command.command("list")
def list_all() -> None:
    """List the providers of all organisations."""
    with Admin.find().transaction() as connection:
        rows = [_row(each) for each in upstream_registry.listed(connection)]
    click.echo("\n".join(aligned(rows, HEADER)) if rows else "There is no provider yet.")


@command.command("disable")
@click.argument("upstream", metavar="ID", type=click.UUID)
def disable(upstream: UUID) -> None:
    """Let nobody come in through a provider any more, for good, and end every session that was opened through it."""
    with Admin.find().transaction() as connection:
        try:
            ended = upstream_registry.disable(connection, upstream)
        except Refused as refused:
            raise Trouble(refused.message) from None
    sessions = "1 session has" if ended == 1 else f"{ended} sessions have"
    click.echo(f"{upstream} is disabled; {sessions} ended.")


def _checked(issuer: str, settings: Settings) -> str:
    from pat_auth.issuer.upstreams_http import check_address

    try:
        address = check_address(issuer, allows_loopback=settings.is_explorable)
    except Failed:
        raise Trouble("The issuer must be an https address, as in https://login.example.org.") from None
    if "?" in address:
        raise Trouble("The issuer has no query.")
    return address


def _secret(file: Path) -> str:
    try:
        text = file.read_text().strip()
    except (OSError, UnicodeDecodeError):
        raise Trouble("The file with the secret cannot be read as text.") from None
    if not 0 < len(text) <= LONGEST_SECRET:
        raise Trouble("The file with the secret is empty, or holds more than a secret.")
    return text


def _try(ours: Registered) -> None:
    """Ask the provider what it says of itself, and warn if it does not answer as it should."""
    from pat_auth.issuer.upstreams_provider import Providers

    try:
        Providers().published(ours)
    except Failed as failed:
        warn(f"It is registered, but asked from here it did not answer as {ours.issuer}: {failed.code}.")


def _row(upstream: Listed) -> tuple[str, ...]:
    return (
        str(upstream.id),
        upstream.organisation,
        upstream.serves.lower(),
        "disabled" if upstream.is_disabled else "in use",
        str(upstream.linked),
        upstream.name,
        upstream.issuer,
    )
