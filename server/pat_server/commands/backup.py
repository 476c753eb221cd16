"""``pat backup``."""

import os
from collections.abc import Iterator
from pathlib import Path

import click

from pat_platform.settings import KeyProviderKind, Settings, SettingsError
from pat_server.backups.making import make_backup
from pat_server.commands.admin import Admin
from pat_server.commands.home import KEYS, Home
from pat_server.commands.signals import stoppable


@click.command("backup")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def command(file: Path) -> None:
    """Write the database into FILE, for `pat restore`: one archive in PostgreSQL's custom format, readable by its owner alone.

    It works on DATABASE_URL (a superuser's), or on the running demo of this checkout. Keys, the deployment's secret and
    sessions are not in it. FILE is there when it is complete, and never replaces another.
    """
    admin = Admin.find()
    with stoppable():
        archive = make_backup(admin.url, file)
    size = file.stat().st_size
    click.echo(f"{file}: {size:,} bytes, revision {archive.revision}, from PostgreSQL {archive.server}.")
    click.echo("Not in it, and needed to use it. Keep them elsewhere, each apart from this file:")
    for line in kept_apart(admin):
        click.echo(f"- {line}")


def kept_apart(admin: Admin) -> Iterator[str]:
    """What a backup is worth nothing without, a line each."""
    if admin.is_demo:
        home = Home.find()
        yield f"the demo's secret: {home.folder / 'secret'}"
        yield f"the demo's keys: {home.folder / KEYS}"
        return
    named = os.environ.get("PAT_SECRET_FILE")
    where = f"the file {named}" if named else "the value of PAT_SECRET"
    yield f"the deployment's secret, from which the passwords of all logins are derived: {where}"
    try:
        settings = Settings.from_environment(os.environ, database_url=admin.url)
    except SettingsError:
        yield "the keys of identities, wherever PAT_KEY_PROVIDER says; without them nobody reads a name again"
        return
    if settings.key_provider is KeyProviderKind.VAULT and settings.vault:
        yield f"the keys of identities, in Vault ({settings.vault.address}): by Vault's own backup"
    else:
        folder = settings.key_folder.absolute()
        yield f"the keys of identities, in {folder}; without them nobody reads a name again"
        if not folder.exists():
            yield f"THIS MACHINE HAS NO FOLDER {folder}: see on the one that serves that it is saved"
