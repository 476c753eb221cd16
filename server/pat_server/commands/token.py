"""``pat token``: a token to play with, in the demo and nowhere else."""

import difflib
import os
from datetime import timedelta

import click
import psycopg

from pat_auth.keys import load_or_create_keys
from pat_platform.database.credentials import FIRST_GENERATION
from pat_platform.database.logins import ISSUER
from pat_platform.settings import Settings
from pat_server.commands.home import Home
from pat_server.commands.trouble import Trouble
from pat_server.demo.people import find_person
from pat_server.demo.sign_in import sign_in

CLIENT = "pat-token"
LONGEST_MINUTES = 12 * 60


@click.command("token")
@click.argument("email")
@click.option(
    "--minutes",
    type=click.IntRange(1, LONGEST_MINUTES),
    default=LONGEST_MINUTES,
    show_default=True,
    help="How long it is valid.",
)
def command(email: str, minutes: int) -> None:
    """Print an access token for EMAIL, a person of the running demo.

    It is the one line on stdout: curl -H "Authorization: Bearer $(python3 pat token manager@cbo-a.example)" …
    """
    settings = _settings_of_running_demo()
    conninfo = settings.conninfo(ISSUER, FIRST_GENERATION)
    with psycopg.connect(conninfo) as connection:
        email = email.strip().lower()
        member = find_person(connection, email)
        if member is None:
            raise Trouble(_unknown(connection, email))
        keys = load_or_create_keys(settings.key_folder)
        duration = timedelta(minutes=minutes)
        token = sign_in(connection, member, duration, client=CLIENT, settings=settings, keys=keys)
    click.echo(token)


def _settings_of_running_demo() -> Settings:
    """The settings of this checkout's demo. Raises Trouble anywhere else: there people sign in."""
    home = Home.find()
    running = home.running()
    if running is None:
        if os.environ.get("DATABASE_URL"):
            raise Trouble("Tokens are handed out for the demo only; on your own database people sign in.")
        raise Trouble("No demo is running in this checkout: start it with `python3 pat demo`.")
    if running.database_url is None:
        raise Trouble("The demo is still starting: wait until it prints its sign-ins.")
    return home.settings(running.port, running.database_url)


def _unknown(connection: psycopg.Connection, email: str) -> str:
    known = [row[0] for row in connection.execute("select email from sec.people order by email")]
    near = difflib.get_close_matches(email, known, n=4, cutoff=0.5)
    advice = f" Did you mean {' or '.join(near)}?" if near else ""
    return f"Nobody signs in as {email}.{advice}"
