"""The demo's database: made whole or not at all, and brought to the checkout's release at every start."""

import asyncio
from itertools import count

import psycopg
from psycopg import sql

from pat_platform.database.access import Database
from pat_platform.postgres import EmbeddedPostgres
from pat_platform.settings import Settings
from pat_server.assembly import vault_of
from pat_server.commands.home import Home
from pat_server.commands.progress import Progress
from pat_server.commands.signals import run_stoppable
from pat_server.commands.trouble import Trouble
from pat_server.demo.load import load, patient
from pat_server.demo.owner import let_sign_in
from pat_server.demo.scale import scale as multiply
from pat_server.migrate import migrate

NAME = "pat"
DRAFT = "pat_draft"
"""Where the network is loaded. Only what is complete is ever called NAME, whenever the machine may stop."""

MIGRATION_STEPS = 5


def prepare(
    postgres: EmbeddedPostgres, home: Home, port: int, scale: int | None, progress: Progress
) -> Settings:
    """Make the demo's database if there is none, and bring it to this release. Returns the settings to serve it with.

    Raises Trouble if it was loaded on another scale than the one that is asked for.
    """
    settings = home.settings(port, _address(postgres, NAME))
    with psycopg.connect(postgres.url(), autocommit=True) as admin:
        loaded = _loaded_scale(admin)
        if loaded is None:
            _create_draft(admin)
            draft = home.settings(port, _address(postgres, DRAFT))
            _bring_to_release(postgres.url(database=DRAFT), settings.secret, progress)
            _load(postgres.url(database=DRAFT), draft, scale or 1, progress)
            _complete(admin, scale or 1)
            return settings
    if scale not in (None, loaded):
        raise Trouble(
            f"The demo was loaded with --scale {loaded}. Add --fresh to remove its data and load it with --scale {scale}."
        )
    _bring_to_release(postgres.url(database=NAME), settings.secret, progress)
    # The release that loaded it may have known nobody's password.
    let_sign_in(postgres.url(database=NAME), settings.secret)
    return settings


def _address(postgres: EmbeddedPostgres, database: str) -> str:
    """Where a database is, without a name or a password."""
    return f"postgresql://127.0.0.1:{postgres.port}/{database}"


def _loaded_scale(admin: psycopg.Connection) -> int | None:
    """The scale on which the demo was loaded, which its database's comment tells; None if it is still to be loaded."""
    query = "select shobj_description(oid, 'pg_database') from pg_database where datname = %s"
    row = admin.execute(query, (NAME,)).fetchone()
    return None if row is None else int(row[0] or 1)


def _create_draft(admin: psycopg.Connection) -> None:
    """Make an empty database, in the place of what an interrupted load may have left."""
    admin.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(DRAFT)))
    admin.execute(sql.SQL("create database {}").format(sql.Identifier(DRAFT)))


def _complete(admin: psycopg.Connection, scale: int) -> None:
    """Give the loaded database its name: from now on it is the demo."""
    comment = sql.SQL("comment on database {} is {}")
    admin.execute(comment.format(sql.Identifier(DRAFT), sql.Literal(str(scale))))
    admin.execute(
        "select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = %s and pid <> pg_backend_pid()",
        (DRAFT,),
    )
    admin.execute(
        sql.SQL("alter database {} rename to {}").format(sql.Identifier(DRAFT), sql.Identifier(NAME))
    )


def _bring_to_release(admin_url: str, secret: bytes, progress: Progress) -> None:
    """Migrate; quick when nothing has changed."""
    progress.step("preparing the database", 0.15)
    steps = count()
    migrate(admin_url, secret, lambda step: progress.within(step, next(steps) / MIGRATION_STEPS))


def _load(admin_url: str, settings: Settings, scale: int, progress: Progress) -> None:
    """Tell the network's stories through the verbs, then multiply them."""
    progress.step("loading the demo network", 0.7 if scale == 1 else 0.2)
    run_stoppable(_tell(admin_url, settings, progress))
    if scale > 1:
        progress.step(f"multiplying it by {scale}", 0.5)
        # One task that hardly ever waits: a signal may end it where it stands.
        asyncio.run(multiply(admin_url, vault_of(settings), scale, progress.within))
    # The planner of a database that was just filled knows nothing of it yet.
    with psycopg.connect(admin_url, autocommit=True) as admin:
        admin.execute("vacuum (analyze)")


async def _tell(admin_url: str, settings: Settings, progress: Progress) -> None:
    database = Database(patient(settings))
    try:
        await load(admin_url, database, vault_of(settings), settings.secret, progress.within)
    finally:
        await database.close()
