"""Makes a backup: one archive in PostgreSQL's custom format, whole or not at all, for its owner alone to read."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg.conninfo import make_conninfo

from pat_server.backups.archive import Archive, read_archive
from pat_server.backups.programs import BackupRefused, environment_for, find_program
from pat_server.migrate import LOCK

# Whoever has an old archive must not find in it what still opens a session; and what hangs on a row that is not there cannot be restored.
LEFT_OUT = (
    *("sec.sessions", "sec.refresh_tokens", "sec.codes", "sec.resets"),
    *("sec.browsers", "sec.asks", "sec.challenges", "sec.upstream_visits"),
)
_LOCK_WAIT = "60s"


def make_backup(url: str, file: Path) -> Archive:
    """Write the database at ``url`` into ``file``, which must not exist. Returns what the archive holds.

    ``url`` names a superuser: row security shows everybody else less than everything. A crash leaves ``file.part`` at most.
    Raises BackupRefused, OSError, psycopg.Error.
    """
    with _alone_with(file) as part, psycopg.connect(named(url, "pat backup"), autocommit=True) as connection:
        _demand_superuser(connection)
        _keep_migrations_out(connection)
        major = connection.info.server_version // 10000
        program = find_program("pg_dump", major)
        leaving_out = [f"--exclude-table-data={table}" for table in LEFT_OUT]
        program.run(
            [
                "--format=custom",
                "--no-password",
                f"--lock-wait-timeout={_LOCK_WAIT}",
                *leaving_out,
                f"--file={part}",
            ],
            environment_for(url),
        )
        archive = read_archive(part, major)
        _demand_absent(file)
        part.rename(file)
        _sync(file.absolute().parent)
        return archive


def named(url: str, name: str) -> str:
    """The address, with a name by which others see who holds a lock."""
    return make_conninfo(url, connect_timeout=10, application_name=name)


@contextmanager
def _alone_with(file: Path) -> Iterator[Path]:
    """Hold ``file.part``, empty and private; it goes when the block ends, unless it was renamed."""
    _demand_absent(file)
    part = file.with_name(f"{file.name}.part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BackupRefused(f"Another backup is being written to {file}: wait for it.") from None
        try:
            os.fchmod(descriptor, 0o600)
            os.ftruncate(descriptor, 0)
            yield part
        finally:
            part.unlink(missing_ok=True)
    finally:
        os.close(descriptor)


def _demand_absent(file: Path) -> None:
    if file.exists() or file.is_symlink():
        raise BackupRefused(f"{file} exists already, and a backup replaces none: choose another name.")


def _demand_superuser(connection: psycopg.Connection) -> None:
    row = connection.execute("select rolsuper from pg_roles where rolname = current_user").fetchone()
    if row != (True,):
        raise BackupRefused(
            "Only a superuser sees every row, and the user of DATABASE_URL is none. On a managed server, which gives nobody "
            "that right, use the backups of its provider."
        )


def _keep_migrations_out(connection: psycopg.Connection) -> None:
    """Share the lock that migrations take alone, as long as the connection lasts."""
    row = connection.execute("select pg_try_advisory_lock_shared(%s)", (LOCK,)).fetchone()
    if row != (True,):
        raise BackupRefused("A migration or a restore is under way: try again when it is done.")


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
