"""``pat migrate``."""

import os

import click

from pat_platform.settings import Settings
from pat_server.migrate import migrate


@click.command("migrate")
def command() -> None:
    """Bring your database to this release: roles, tables, the wall, the logins.

    Tables and the wall change together or not at all. Safe to run again, and while servers of the release before serve.
    DATABASE_URL names a superuser, or pat_service_migrator once it exists; the passwords of all logins are derived from
    PAT_SECRET or PAT_SECRET_FILE.
    """
    settings = Settings.from_environment(os.environ)
    done = migrate(
        settings.database_url, settings.secret, lambda step: click.echo(f"pat: {step} …", err=True)
    )
    click.echo(f"The database is at this release; {done.logins} logins stand.")
    for sentence in done.open_still:
        click.echo(f"This server leaves open: {sentence}.")
