"""Restores a backup onto an empty database, whole or not at all."""

from __future__ import annotations

import tempfile
from pathlib import Path

import psycopg
from psycopg.conninfo import make_conninfo

from pat_server.backups.archive import Archive, read_archive
from pat_server.backups.making import named
from pat_server.backups.programs import BackupRefused, environment_for, find_program
from pat_server.migrate import LOCK, MINIMUM
from pat_tenants.isolation.roles import make_roles

_HOLDS_SOMETHING = """
select exists (
    select from pg_namespace
    where nspname !~ '^pg_' and nspname not in ('information_schema', 'public')
) or exists (select from pg_class where relnamespace = to_regnamespace('public'))"""


def restore_backup(url: str, file: Path) -> Archive:
    """Put the archive into the empty database at ``url``, which names a superuser. Returns what was restored.

    The roles that own things are made first, without logins: nobody can connect before ``pat migrate`` has made those. All that the
    archive holds comes in one transaction; whatever interrupts it, the database is as empty as before.
    Raises BackupRefused, OSError, psycopg.Error.
    """
    with psycopg.connect(named(url, "pat restore"), autocommit=True) as connection:
        major = connection.info.server_version // 10000
        _demand_fit(connection)
        archive = read_archive(file, major)
        program = find_program("pg_restore", major)
        with connection.transaction():
            for statement in make_roles():
                connection.execute(statement.encode())
        with tempfile.NamedTemporaryFile("w", prefix="pat-restore-") as contents:
            contents.write(archive.restored)
            contents.flush()
            program.run(
                [
                    "--single-transaction",
                    "--exit-on-error",
                    "--no-password",
                    f"--use-list={contents.name}",
                    # The rest of the address is in the environment: every user of a machine sees command lines.
                    f"--dbname={make_conninfo(dbname=connection.info.dbname)}",
                    str(file),
                ],
                environment_for(url),
            )
        connection.execute("analyze")
        return archive


def _demand_fit(connection: psycopg.Connection) -> None:
    """Raise BackupRefused unless this database is empty, new enough, ours alone, and the user may make roles."""
    if connection.info.server_version < MINIMUM:
        raise BackupRefused("The server is too old: PostgreSQL 17 or newer is needed.")
    if connection.execute("select rolsuper from pg_roles where rolname = current_user").fetchone() != (True,):
        raise BackupRefused("Only a superuser may restore: owners and policies are part of a backup.")
    if connection.execute("select pg_try_advisory_lock(%s)", (LOCK,)).fetchone() != (True,):
        raise BackupRefused("A migration, a backup or another restore is under way on this database.")
    if connection.execute(_HOLDS_SOMETHING).fetchone() != (False,):
        raise BackupRefused(
            "The database is not empty, and a restore replaces nothing. Make a new one (`createdb`), and name it in DATABASE_URL."
        )
