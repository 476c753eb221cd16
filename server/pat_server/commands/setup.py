"""``pat setup``: the first person of a new network."""

import click

from pat_auth.policy import Role
from pat_server import people_registry
from pat_server.commands.admin import Admin
from pat_server.commands.person import invitation
from pat_server.commands.trouble import Trouble
from pat_server.people_registry import NewMember


@click.command("setup")
@click.argument("email")
@click.option("--name", required=True, help="The name under which colleagues will know them.")
def command(email: str, name: str) -> None:
    """Invite EMAIL as the first administrator of the secretariat, and print the link to send them.

    The secretariat is an organisation like the others: add it before.
    """
    admin = Admin.find()
    issuer = admin.settings().issuer
    with admin.transaction() as connection:
        found = people_registry.organisations_with(connection, Role.SECRETARIAT_ADMIN)
        if not found:
            raise Trouble(
                "There is no secretariat yet: `pat organisation add secretariat --kind secretariat --name … --state …`."
            )
        if any(is_held for _, is_held in found):
            raise Trouble("The secretariat has an administrator already: `pat person invite` invites others.")
        (organisation, _), *others = found
        if others:
            raise Trouble("There are several secretariats: `pat person invite --organisation …` says which.")
        member = NewMember(organisation=organisation, email=email, name=name, role=Role.SECRETARIAT_ADMIN)
        click.echo(invitation(connection, issuer, member))
