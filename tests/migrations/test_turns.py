"""One migration at a time, and none that waits with tables in its hands."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from psycopg import sql
from tests.cli.conftest import SECRET

from pat_platform.postgres import EmbeddedPostgres
from pat_server import migrate as migrating
from pat_server import turns
from pat_server.migrate import LOCK, MigrationRefused, is_served_by_us, migrate, newest_revision


@pytest.fixture(scope="module")
def url(cluster: EmbeddedPostgres) -> Iterator[str]:
    """A migrated database of its own."""
    name = sql.Identifier("turns")
    with psycopg.connect(cluster.url(), autocommit=True) as admin:
        admin.execute(sql.SQL("create database {}").format(name))
        url = cluster.url(database="turns")
        migrate(url, SECRET.encode())
        yield url
        admin.execute(sql.SQL("drop database {} with (force)").format(name))


def policies(url: str) -> int:
    with psycopg.connect(url) as connection:
        ((count,),) = connection.execute("select count(*) from pg_policies").fetchall()
        return int(count)


@contextmanager
def holding(url: str, statement: str, *parameters: object) -> Iterator[psycopg.Connection]:
    """A transaction of somebody else that has run a statement and does not end."""
    with psycopg.connect(url) as other:
        other.execute(statement.encode(), parameters)
        yield other


def test_the_second_of_two_migrations_waits_and_says_so(url: str) -> None:
    said: list[str] = []
    waiting = threading.Event()

    def say(step: str) -> None:
        said.append(step)
        if step.startswith("waiting"):
            waiting.set()

    with holding(url, "select pg_advisory_xact_lock(%s)", LOCK) as first:
        second = threading.Thread(target=migrate, args=(url, SECRET.encode(), say))
        second.start()
        assert waiting.wait(30)
        assert said == ["waiting for another migration, or a backup"]
        first.rollback()
        second.join()
    assert said[-1] == "lint"


def test_a_migration_does_not_wait_for_ever(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "TURN_SECONDS", 1)
    before = policies(url)
    with (
        holding(url, "select pg_advisory_xact_lock(%s)", LOCK),
        pytest.raises(MigrationRefused, match="has held this database for more than 1 seconds"),
    ):
        migrate(url, SECRET.encode())
    assert policies(url) == before


def test_a_long_transaction_is_waited_for_in_short_attempts_that_hold_nothing(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "TABLES_SECONDS", 1)
    before = policies(url)
    with holding(url, "select from app.cases"), psycopg.connect(url) as reader:
        reader.execute("set lock_timeout = '20s'")
        refused: list[Exception] = []

        def attempt() -> None:
            try:
                migrate(url, SECRET.encode())
            except MigrationRefused as error:
                refused.append(error)

        migration = threading.Thread(target=attempt)
        migration.start()
        slowest = 0.0
        while migration.is_alive():
            begin = time.monotonic()
            reader.execute("select count(*) from sec.sessions")
            reader.rollback()
            slowest = max(slowest, time.monotonic() - begin)
        migration.join()
    (error,) = refused
    assert "Transactions of others have held tables for more than 1 seconds; nothing was changed" in str(
        error
    )
    # Whoever came meanwhile waited for an attempt, not for the migration.
    assert slowest < turns.GATE_MS / 1000 + turns.TABLE_MS / 1000 + 2
    assert policies(url) == before


def test_when_the_long_transaction_ends_the_migration_goes_on(url: str) -> None:
    said: list[str] = []
    with holding(url, "select from app.cases") as other:

        def say(step: str) -> None:
            said.append(step)
            if step.startswith("waiting"):
                other.rollback()

        migrate(url, SECRET.encode(), say)
    assert "waiting for a moment without long transactions" in said
    assert said[-1] == "lint"


def test_a_server_serves_its_own_release_and_newer_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    newest = newest_revision()
    assert newest is not None
    assert is_served_by_us(newest)
    assert is_served_by_us("2099_01_01_01")
    assert not is_served_by_us("2026_11_21_01")


def test_a_broken_wall_is_not_migrated_to(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before = policies(url)
    monkeypatch.setattr(migrating, "lint", lambda _: ["fence: app.cases"])
    with pytest.raises(MigrationRefused, match=r"nothing was changed:\n  fence: app\.cases"):
        migrate(url, SECRET.encode())
    assert policies(url) == before
