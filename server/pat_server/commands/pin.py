"""``pat pin``: a link by which a survivor chooses what she signs in with."""

import click

from pat_auth.members.links import address_of
from pat_platform.errors import Refused
from pat_server import pin_registry
from pat_server.commands.admin import Admin
from pat_server.commands.organisation import find_organisation
from pat_server.commands.trouble import Trouble


@click.command("pin")
@click.argument("code")
@click.option("--organisation", "slug", required=True, help="Its short name, as in cbo-a.")
@click.option("--name", required=True, help="What she is called where she reads it: need not be her name.")
def command(code: str, slug: str, name: str) -> None:
    """Print the link by which the survivor whose record is CODE chooses a name and a PIN.

    It stands for a day, and counts once. Open it with her on the device that she will use. Whoever has a PIN already chooses anew,
    and the old one is void.
    """
    admin = Admin.find()
    issuer = admin.settings().issuer
    with admin.transaction() as connection:
        try:
            token = pin_registry.invite_survivor(
                connection, find_organisation(connection, slug), code=code, name=name
            )
        except Refused as refused:
            raise Trouble(refused.message) from None
    click.echo(address_of(issuer, token))
