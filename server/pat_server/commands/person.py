"""``pat person``: who may sign in, from the first invitation to the last day."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import click
from psycopg import Connection

from pat_auth.invitations.models import INVITED
from pat_auth.issuer.totp import present_code
from pat_auth.policy import Role
from pat_platform.errors import Refused
from pat_server import people_registry
from pat_server.commands.admin import Admin
from pat_server.commands.organisation import find_organisation
from pat_server.commands.trouble import Trouble, warn
from pat_server.demo.credentials import demo_generator
from pat_server.demo.people import STAFF, SURVIVORS
from pat_server.people_registry import Left, LeftOpen, NewMember

LONGEST_DAYS = 30


@click.group("person")
def command() -> None:
    """Invite somebody, or let somebody in no more.

    They work on DATABASE_URL (an administrator's), or on the running demo of this checkout.
    """


def _role(_: click.Context, __: click.Parameter, value: str) -> Role:
    return Role(value)


@command.command("invite")
@click.argument("email")
@click.option("--organisation", "slug", required=True, help="Its short name, as in cbo-a.")
@click.option("--role", required=True, type=click.Choice([role.value for role in INVITED]), callback=_role)
@click.option("--name", required=True, help="The name under which colleagues will know them.")
@click.option(
    "--days", type=click.IntRange(1, LONGEST_DAYS), default=7, show_default=True, help="How long it stands."
)
def invite(email: str, slug: str, role: Role, name: str, days: int) -> None:
    """Invite EMAIL into a role of an organisation, and print the link to send them.

    Whoever follows the link first is that person: send it where nobody else reads. Somebody who is known already signs in to join;
    an invitation never changes anybody's password.
    """
    admin = Admin.find()
    issuer = admin.settings().issuer
    with admin.transaction() as connection:
        member = NewMember(
            organisation=find_organisation(connection, slug),
            email=email,
            name=name,
            role=role,
            stands=timedelta(days=days),
        )
        link = invitation(connection, issuer, member)
    click.echo(link)


def invitation(connection: Connection, issuer: str, member: NewMember) -> str:
    """Invite somebody, and return the link. Raises Trouble."""
    try:
        token = people_registry.invite(connection, member)
    except Refused as refused:
        raise Trouble(refused.message) from None
    return f"{issuer}/invitation?{urlencode({'token': token})}"


@command.command("disable")
@click.argument("email")
def disable(email: str) -> None:
    """Let EMAIL in no more: every session, sign-in, membership and invitation ends now, in all organisations.

    What they had open is listed, for others to see to.
    """
    admin = Admin.find()
    with admin.transaction() as connection:
        try:
            left = people_registry.disable(connection, email)
        except Refused as refused:
            raise Trouble(refused.message) from None
    with admin.transaction() as connection:
        found = people_registry.left_open(connection, left)
    click.echo("\n".join((_ended(left), *_to_do(found))))


@command.command("enable")
@click.argument("email")
def enable(email: str) -> None:
    """Let EMAIL, who was disabled, sign in again. Their memberships stay ended: invite them anew."""
    with Admin.find().transaction() as connection:
        try:
            people_registry.enable(connection, email)
        except Refused as refused:
            raise Trouble(refused.message) from None
    warn("Their memberships stay ended: `pat person invite` gives one back.")
    click.echo(f"{email.strip().lower()} may sign in again.")


@command.command("code")
@click.argument("email")
def code(email: str) -> None:
    """Print the code that EMAIL, a person of the running demo, signs in with now.

    It counts once, and half a minute or so; with the password that the demo printed.
    """
    admin = Admin.find()
    if not admin.is_demo:
        raise Trouble(
            "Codes are told for the demo only; on your own database people have them on their phones."
        )
    email = email.strip().lower()
    if email in {person.email for person in SURVIVORS}:
        raise Trouble(f"{email} signs in with the password alone.")
    if email not in {person.email for person in STAFF}:
        raise Trouble(f"The demo has invented nobody with the address {email}.")
    click.echo(present_code(demo_generator(admin.secret(), email), datetime.now(UTC)))


def _ended(left: Left) -> str:
    counts = (
        _counted(left.sessions, "session"),
        _counted(left.browsers, "browser"),
        _counted(len(left.memberships), "membership"),
        _counted(left.invitations, "invitation"),
    )
    return f"Ended: {', '.join(counts)}."


def _to_do(found: Sequence[LeftOpen]) -> Sequence[str]:
    lines = []
    for each in found:
        if each.cases:
            lines.append(
                f"{each.organisation}: {_counted(each.cases, 'case')} assigned to them: assign somebody else."
            )
        if each.referrals:
            lines.append(
                f"{each.organisation}: {_counted(each.referrals, 'referral')} of theirs not over: somebody has to follow up."
            )
        if each.alerts:
            lines.append(f"{each.organisation}: {_counted(each.alerts, 'alert')} open: look at them today.")
        lines.extend(
            f"{each.organisation}: they registered the program {name}: renew its key, or disable it."
            for name in each.clients
        )
    return lines or ["They have left nothing open."]


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
