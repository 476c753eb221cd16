"""Whose turn it is: one migration at a time, which never makes requests wait long and never costs one its answer."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from psycopg import errors as postgres_errors

from pat_tenants.isolation.apply import close_gate, take_tables

if TYPE_CHECKING:
    import psycopg

LOCK = 0x70617421  # "pat!": any constant will do, as long as every release takes the same

TURN_SECONDS = 60
TABLES_SECONDS = 60
# How long new requests may stand at the closed gate while those before them end; then how long others (a look of /readyz, an
# autovacuum) may still hold a table. Requests themselves wait for five seconds.
GATE_MS, TABLE_MS = 1500, 1000
REST_MS = 4000


class MigrationRefused(Exception):
    """The database cannot be brought to this release; the message says what to do."""


def take_turn(connection: psycopg.Connection, say: Callable[[str], None]) -> None:
    """Hold the lock of migrations until the transaction ends. Raises MigrationRefused if others hold it for a minute."""
    for milliseconds in (1000, TURN_SECONDS * 1000):
        try:
            # A savepoint: waiting in vain must not end the transaction.
            with connection.transaction():
                connection.execute(f"set local lock_timeout = {milliseconds}")
                connection.execute("select pg_advisory_xact_lock(%s)", (LOCK,))
            return
        except postgres_errors.LockNotAvailable:
            say("waiting for another migration, or a backup")
    raise MigrationRefused(
        f"Another migration, a backup or a restore has held this database for more than {TURN_SECONDS} seconds. "
        "Try again when it is done."
    )


def take_tables_from_requests(connection: psycopg.Connection, say: Callable[[str], None]) -> None:
    """Lock every table, all or none, until the transaction ends.

    Whoever waits for a table stands in front of all who come later, so each attempt is short and lets go of what it had.
    Raises MigrationRefused if a long transaction of somebody else is in the way for a minute.
    """
    deadline = time.monotonic() + TABLES_SECONDS
    with suppress(postgres_errors.InsufficientPrivilege), connection.transaction():
        # A deadlock is found by whoever waits longest: let that be us, who try again. It ends an autovacuum in our way, too.
        connection.execute("set local deadlock_timeout = '100ms'")
    is_first = True
    while not _took(connection):
        if time.monotonic() > deadline:
            raise MigrationRefused(
                f"Transactions of others have held tables for more than {TABLES_SECONDS} seconds; nothing was changed. "
                "Look for a long one (`select pid, usename, state, xact_start from pg_stat_activity order by xact_start`), "
                "and try again."
            )
        if is_first:
            say("waiting for a moment without long transactions")
        is_first = False
        time.sleep(random.uniform(0.2, 0.8))  # noqa: S311
    connection.execute("set local statement_timeout to default")
    connection.execute(f"set local lock_timeout = {REST_MS}")


def _took(connection: psycopg.Connection) -> bool:
    try:
        with connection.transaction():
            connection.execute(f"set local lock_timeout = {GATE_MS}")
            close_gate(connection)
            connection.execute(f"set local lock_timeout = {TABLE_MS}")
            connection.execute(f"set local statement_timeout = {TABLE_MS}")
            take_tables(connection)
    except (
        postgres_errors.LockNotAvailable,
        postgres_errors.DeadlockDetected,
        postgres_errors.QueryCanceled,
    ):
        return False
    return True
