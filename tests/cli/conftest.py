"""The command line, in this process and as a process of its own."""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from click.testing import CliRunner, Result
from psycopg import sql
from tests.cli.running import TELLING, Demo, copy_of

from pat_platform.postgres import EmbeddedPostgres
from pat_server.cli import cli
from pat_server.commands.home import Home
from pat_server.migrate import migrate

SECRET = "a deployment secret for tests only, long enough"
FORGETFUL = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


@pytest.fixture(scope="session")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """A demo that was loaded, printed its greeting, and was ended with SIGTERM."""
    demo = Demo(tmp_path_factory.mktemp("loaded") / "home")
    demo.start()
    assert demo.end(signal.SIGTERM) == 128 + signal.SIGTERM, demo.errors()
    yield demo
    demo.erase()


@pytest.fixture(scope="session")
def demo(loaded: Demo, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """A running demo, for tests that leave it alone."""
    running = copy_of(loaded, tmp_path_factory.mktemp("running"))
    running.start()
    yield running
    running.erase()


@pytest.fixture
def own_demo(loaded: Demo, tmp_path: Path) -> Iterator[Demo]:
    """A loaded demo that does not run yet, for one test to do with as it likes."""
    own = copy_of(loaded, tmp_path)
    yield own
    own.erase()


Pat = Callable[..., Result]


@pytest.fixture
def pat(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pat:
    """Run a command in this process, in an environment that says nothing but what a test tells it."""
    for name in list(os.environ):
        if TELLING.match(name):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PAT_HOME", str(tmp_path / "home"))

    def run(*arguments: str, **variables: str) -> Result:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        return CliRunner().invoke(cli, arguments, prog_name="pat", catch_exceptions=False)

    return run


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """The demo's folder, as the commands of this test see it."""
    return Home(tmp_path / "home")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    """A PostgreSQL of our own: the passwords of service logins belong to a whole server."""
    postgres = EmbeddedPostgres(tmp_path_factory.mktemp("postgres"), options=FORGETFUL)
    with postgres, psycopg.connect(postgres.url(), autocommit=True) as admin:
        admin.execute("create database migrated")
        migrate(postgres.url(database="migrated"), SECRET.encode())
        yield postgres
    postgres.erase()


@pytest.fixture
def empty(server: EmbeddedPostgres) -> Iterator[str]:
    """The administrator's address of a database with nothing in it."""
    yield from _database(server, template="template1")


@pytest.fixture
def migrated(server: EmbeddedPostgres) -> Iterator[str]:
    """The administrator's address of a migrated database without organisations."""
    yield from _database(server, template="migrated")
    with psycopg.connect(server.url(), autocommit=True) as admin:
        for (login,) in admin.execute(r"select rolname from pg_roles where rolname like 'org\_%'").fetchall():
            admin.execute(sql.SQL("drop role {}").format(sql.Identifier(login)))


def _database(server: EmbeddedPostgres, template: str) -> Iterator[str]:
    name = f"cli_{uuid4().hex}"
    with psycopg.connect(server.url(), autocommit=True) as admin:
        admin.execute(
            sql.SQL("create database {} template {}").format(sql.Identifier(name), sql.Identifier(template))
        )
        yield server.url(database=name)
        admin.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


@pytest.fixture
def own(pat: Pat, monkeypatch: pytest.MonkeyPatch, migrated: str, tmp_path: Path) -> Pat:
    """Commands on the migrated database."""
    monkeypatch.setenv("DATABASE_URL", migrated)
    monkeypatch.setenv("PAT_SECRET", SECRET)
    monkeypatch.setenv("PAT_KEY_PROVIDER", "file")
    monkeypatch.setenv("PAT_KEY_FOLDER", str(tmp_path / "keys"))
    return pat


def rows(url: str, query: str, *parameters: object) -> list[tuple[object, ...]]:
    """What the superuser sees."""
    with psycopg.connect(url) as connection:
        cursor = connection.execute(query.encode(), parameters)
        return cursor.fetchall() if cursor.description else []
