"""The database: release, wall, what the server leaves open, whether it keeps what it promised, connections, clock."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator
from typing import Any

import psycopg
from psycopg import errors as postgres_errors

from pat_platform.database.credentials import FIRST_GENERATION
from pat_platform.database.logins import ISSUER
from pat_platform.settings import Settings
from pat_server.doctor.finding import Finding, ok, problem, warning
from pat_server.doctor.logins import look_at_logins
from pat_server.migrate import MINIMUM, known_revisions, newest_revision
from pat_tenants.isolation.harden import still_open
from pat_tenants.isolation.lint import lint

LOCAL = ("", "127.0.0.1", "::1", "localhost")
CLOCK_WARNING_SECONDS, CLOCK_PROBLEM_SECONDS = 2, 30
# What else needs a connection: an operator, a backup, a migration, the looks of /readyz.
SPARE_CONNECTIONS = 10


def look_at_database(connection: psycopg.Connection, settings: Settings) -> Iterator[Finding]:
    """Everything that the administrator's connection tells."""
    yield from look_at_server(connection)
    yield from look_at_clock(connection)
    is_migrated = yield from look_at_release(connection)
    if is_migrated:
        yield from look_at_wall(connection)
        yield from look_at_secret(settings)
        yield from look_at_logins(connection, settings)
    yield from look_at_connections(connection, settings)


def look_at_server(connection: psycopg.Connection) -> Iterator[Finding]:
    """Its version, the way to it, and whether what is committed stays."""
    version = connection.info.server_version
    told = f"PostgreSQL {version // 10000}.{version % 10000}"
    if version < MINIMUM:
        yield problem("server", f"{told} is too old: 17 or newer is needed.")
    else:
        yield ok("server", f"{told}.")
    yield from _way(connection)
    for name, danger in (
        ("fsync", problem("server", "fsync is off: a crash may destroy the whole database. Set it to on.")),
        (
            "full_page_writes",
            problem("server", "full_page_writes is off: a crash may destroy data. Set it to on."),
        ),
        (
            "synchronous_commit",
            warning("server", "synchronous_commit is off: a crash may lose the newest changes."),
        ),
    ):
        if _one(connection, "select current_setting(%s)", name) == "off":
            yield danger


def _way(connection: psycopg.Connection) -> Iterator[Finding]:
    """Whether others on the way to the server could listen, or stand in for it."""
    host, mode = connection.info.host, connection.info.get_parameters().get("sslmode")
    if host in LOCAL or host.startswith("/"):
        return
    if mode == "disable":
        yield warning(
            "server",
            "DATABASE_URL says sslmode=disable: right only if the way to the database never leaves a machine of yours.",
        )
    elif not connection.pgconn.ssl_in_use:
        yield problem(
            "server", "The way to the database is not encrypted: add `?sslmode=verify-full` to DATABASE_URL."
        )
    elif mode != "verify-full":
        yield warning(
            "server", "The database's certificate is not checked: add `?sslmode=verify-full` to DATABASE_URL."
        )


def look_at_clock(connection: psycopg.Connection) -> Iterator[Finding]:
    """Whether this machine and the database agree on the time: tokens and sessions end by both."""
    before = time.time()
    theirs = float(_one(connection, "select extract(epoch from clock_timestamp())"))
    after = time.time()
    apart = max(before - theirs, theirs - after, 0)
    if apart >= CLOCK_PROBLEM_SECONDS:
        yield problem(
            "clock", f"This machine and the database are {apart:.0f} seconds apart: set both by NTP."
        )
    elif apart >= CLOCK_WARNING_SECONDS:
        yield warning(
            "clock", f"This machine and the database are {apart:.0f} seconds apart: set both by NTP."
        )
    else:
        yield ok("clock", "This machine and the database agree on the time.")


def look_at_release(connection: psycopg.Connection) -> Generator[Finding, None, bool]:
    """Whether the database is of this release. Yields findings, returns whether it was migrated at all."""
    if _one(connection, "select to_regclass('migrations.versions')::text") is None:
        yield problem("release", "The database was never migrated: run `pat migrate`.")
        return False
    revision = _one(connection, "select version_num from migrations.versions")
    if revision == newest_revision():
        yield ok("release", f"The database is at this release's revision, {revision}.")
    elif revision in known_revisions():
        yield problem(
            "release", f"The database is at revision {revision}, of an older release: run `pat migrate`."
        )
    else:
        yield warning("release", "The database was migrated by a newer release: run that one.")
    return True


def look_at_wall(connection: psycopg.Connection) -> Iterator[Finding]:
    """The lint of the catalogue, and PostgreSQL's defaults that this server does not let us close."""
    try:
        broken = lint(connection)
    except postgres_errors.InsufficientPrivilege:
        yield warning(
            "wall", "The catalogue cannot be judged by this user: use a superuser, or pat_service_migrator."
        )
        return
    for each in broken:
        yield problem(
            "wall", f"{each}. `pat migrate` puts the wall up again; docs/isolation.md tells what it is."
        )
    if not broken:
        yield ok("wall", "The catalogue keeps every rule of the wall.")
    opened = still_open(connection)
    for sentence in opened:
        yield warning(
            "hardening", f"{sentence[0].upper()}{sentence[1:]}: docs/isolation.md tells what that means."
        )
    if not opened:
        yield ok("hardening", "PostgreSQL's open defaults are closed.")


def look_at_secret(settings: Settings) -> Iterator[Finding]:
    """Whether the deployment's secret opens the logins that were made with it."""
    try:
        psycopg.connect(settings.conninfo(ISSUER, FIRST_GENERATION)).close()
    except psycopg.OperationalError as error:
        if "password authentication failed" not in str(error):
            raise
        yield problem(
            "secret",
            "The secret is not the one that the database was migrated with: put that one back, or run `pat migrate` with this one.",
        )
    else:
        yield ok("secret", "The secret opens the database's logins.")


def look_at_connections(connection: psycopg.Connection, settings: Settings) -> Iterator[Finding]:
    """Whether the server has room for the pool."""
    names = ("max_connections", "superuser_reserved_connections", "reserved_connections")
    most, *reserved = (int(_one(connection, "select current_setting(%s)", name)) for name in names)
    room = most - sum(reserved) - SPARE_CONNECTIONS
    servers = max(room, 0) // settings.pool_size
    if servers < 1:
        yield problem(
            "connections",
            f"max_connections is {most} and PAT_POOL_SIZE {settings.pool_size}: raise the first or lower the second.",
        )
    else:
        noun = "one server process" if servers == 1 else f"{servers} server processes"
        yield ok("connections", f"There is room for {noun} with PAT_POOL_SIZE {settings.pool_size}.")


def _one(connection: psycopg.Connection, query: str, *parameters: object) -> Any:
    row = connection.execute(query.encode(), parameters or None).fetchone()
    return None if row is None else row[0]
