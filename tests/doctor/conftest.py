"""An installation as `pat migrate` leaves it, with one organisation and its keys: for the doctor to look at."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from click.testing import CliRunner, Result
from tests.cli.running import TELLING

from pat_platform.postgres import EmbeddedPostgres
from pat_server.cli import cli

SECRET = "a deployment secret for tests only, long enough"


@dataclass
class Installation:
    """What an operator has, and what the doctor says of it."""

    postgres: EmbeddedPostgres
    folder: Path

    @property
    def url(self) -> str:
        return self.postgres.url(database="pat")

    def pat(self, *arguments: str, **more: str) -> Result:
        told = {
            "DATABASE_URL": self.url,
            "PAT_SECRET_FILE": str(self.folder / "secret"),
            "PAT_KEY_FOLDER": str(self.folder / "keys"),
            "PAT_KEY_PROVIDER": "file",
            "PAT_BACKUP_FOLDER": str(self.folder / "backups"),
            "PAT_HOME": str(self.folder / "home"),
        }
        silent = {name: None for name in os.environ if TELLING.match(name)}
        return CliRunner().invoke(cli, arguments, env={**silent, **told, **more}, prog_name="pat")

    def examined(self, **more: str) -> dict[str, Any]:
        """What `pat doctor --json` prints; its exit code must fit."""
        done = self.pat("doctor", "--json", **more)
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        found: dict[str, Any] = json.loads(done.stdout)
        assert done.exit_code == (1 if found["problem"] else 0)
        return found

    def said(self, subject: str, **more: str) -> list[tuple[str, str]]:
        """Level and sentence of what was found on one subject."""
        return [
            (each["level"], each["sentence"])
            for each in self.examined(**more)["findings"]
            if each["subject"] == subject
        ]

    def run(self, statement: str) -> None:
        """Run a statement as superuser."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(statement.encode())


@pytest.fixture(scope="session")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """One that is in order, on a server with the settings of the demo's."""
    folder = tmp_path_factory.mktemp("installation")
    with EmbeddedPostgres(folder / "postgres") as postgres:
        with psycopg.connect(postgres.url(), autocommit=True) as admin:
            admin.execute("create database pat")
        made = Installation(postgres, folder)
        (folder / "secret").write_text(SECRET)
        (folder / "secret").chmod(0o600)
        (folder / "backups").mkdir(mode=0o700)
        for call in (
            ("migrate",),
            ("organisation", "add", "cbo-a", "--name", "Doyel", "--kind", "CBO", "--state", "West Bengal"),
            ("keys", "list"),
            ("backup", str(folder / "backups" / "monday.dump")),
        ):
            done = made.pat(*call)
            assert done.exit_code == 0, done.output
        yield made
    postgres.erase()


Setting = Callable[[str, str], None]


@pytest.fixture
def setting(installation: Installation) -> Iterator[Setting]:
    """Change a setting of the database for one test."""
    changed = []

    def change(name: str, value: str) -> None:
        installation.run(f"alter database pat set {name} = '{value}'")
        changed.append(name)

    yield change
    for name in changed:
        installation.run(f"alter database pat reset {name}")
