"""``pat restore``."""

import os
from pathlib import Path

import click

from pat_platform.settings import SettingsError
from pat_server.backups.restoring import restore_backup
from pat_server.commands.admin import Admin
from pat_server.commands.signals import stoppable


@click.command("restore")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def command(file: Path) -> None:
    """Put the backup FILE onto the empty database that DATABASE_URL names, as a superuser.

    All or nothing. No login comes with it: until `pat migrate` has made them, nobody can connect and nothing can be served.
    """
    if not os.environ.get("DATABASE_URL"):
        raise SettingsError("DATABASE_URL is not set: it names the empty database to restore onto.")
    with stoppable():
        archive = restore_backup(Admin.find().url, file)
    click.echo(f"Restored: revision {archive.revision}, as of {archive.created_at}.")
    click.echo("Next, with the secret and the keys of that time in place:")
    click.echo("- `pat migrate` brings it to this release and makes the logins")
    click.echo("- `pat audit verify` checks the trail")
    click.echo("- `pat doctor` looks at the rest")
