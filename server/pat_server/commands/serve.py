"""``pat serve``."""

import os

import click
import psycopg
from psycopg import errors as postgres_errors

from pat_platform.database.credentials import FIRST_GENERATION
from pat_platform.database.logins import ISSUER
from pat_platform.settings import Settings
from pat_server.app import create_app
from pat_server.commands.admin import NOT_MIGRATED, one
from pat_server.commands.ports import reserved
from pat_server.commands.serving import ReadyServer, url_of
from pat_server.commands.signals import stoppable
from pat_server.commands.trouble import Trouble, warn
from pat_server.commands.watched import logged, measured
from pat_server.keeping import missing_keys
from pat_server.migrate import MINIMUM, is_served_by_us, newest_revision

EXPLORABLE = (
    "PAT_DEVELOPMENT or PAT_DEMO is on: clients may look around, and queries may come by GET. "
    "Leave both off where real people are."
)


@click.command("serve")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option(
    "--port", type=click.IntRange(1, 65535), default=8000, show_default=True, help="The port to listen on."
)
def command(host: str, port: int) -> None:
    """Serve the API on your own PostgreSQL, version 17 or newer.

    DATABASE_URL says where it is; PAT_SECRET or PAT_SECRET_FILE holds the secret that it was migrated with;
    PAT_KEY_PROVIDER says who keeps the keys of identities. One process: start one for each core, behind a proxy that speaks TLS.
    """
    settings = Settings.from_environment(os.environ)
    if settings.is_explorable:
        warn(EXPLORABLE)
    with stoppable(), logged(level=settings.log_level) as sink, reserved(host, port) as bound:
        check_database(settings)
        for sentence in missing_keys(settings):
            warn(sentence)
        url = url_of(host, port)
        app = create_app(settings)
        with measured(app, settings, sink):
            ReadyServer(
                app,
                bound,
                on_ready=lambda: click.echo(f"Ready on {url}"),
                stopping=app.state.stopping,
                drain_seconds=settings.drain_seconds,
            ).serve_until_stopped()


def check_database(settings: Settings) -> None:
    """Raise Trouble if this database cannot be served, psycopg.Error if it cannot be reached."""
    try:
        with psycopg.connect(settings.conninfo(ISSUER, FIRST_GENERATION)) as connection:
            _check_release(connection)
            (has_logins,) = one(connection, "select exists (select from sec.logins)")
    except (postgres_errors.UndefinedTable, postgres_errors.InsufficientPrivilege):
        raise Trouble(NOT_MIGRATED) from None
    except psycopg.OperationalError as error:
        if "password authentication failed" not in str(error):
            raise
        # The server does not tell an unknown login from a wrong password.
        raise Trouble(
            f"The database refuses the login {ISSUER}. Either it was never migrated (run `python3 pat migrate`), or "
            "PAT_SECRET is not the secret that it was migrated with."
        ) from None
    if not has_logins:
        warn(
            "There is no organisation yet: add one with `pat organisation add`; /readyz answers 503 until then."
        )


def _check_release(connection: psycopg.Connection) -> None:
    version = connection.info.server_version
    if version < MINIMUM:
        raise Trouble(f"PostgreSQL {version // 10000} is too old: 17 or newer is needed. Upgrade the server.")
    (revision,) = one(connection, "select version_num from migrations.versions")
    if not is_served_by_us(str(revision)):
        raise Trouble("The database is of an older release: run `python3 pat migrate`.")
    if revision != newest_revision():
        warn("The database was migrated by a newer release: go on to that one soon.")
