"""What the Compose file runs, run: its commands, its variables, its secrets, its health checks, on a PostgreSQL with its settings."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from tests.cli.running import PAT, TELLING, free_port
from tests.deployment.compose import compose, environment

from pat_platform.postgres import EmbeddedPostgres

VARIABLES = {"PAT_HOST": "pat.example", "PAT_KEY_PROVIDER": "file"}


@dataclass
class Machine:
    """Where the services would be containers: their addresses, folders and secrets, as this machine has them."""

    postgres: EmbeddedPostgres
    folder: Path
    port: int
    metrics: int

    def here(self, text: str) -> str:
        """A word of the Compose file, for this machine."""
        for theirs, ours in (
            ("database:5432", f"127.0.0.1:{self.postgres.port}"),
            ("/run/secrets/", f"{self.folder}/secrets/"),
            ("127.0.0.1:8000", f"127.0.0.1:{self.port}"),
            ("0.0.0.0", "127.0.0.1"),
        ):
            text = text.replace(theirs, ours)
        return {"8000": str(self.port), "9464": str(self.metrics)}.get(text, text)

    def environment(self, service: Mapping[str, Any]) -> dict[str, str]:
        clean = {name: value for name, value in os.environ.items() if not TELLING.match(name)}
        told = {name: self.here(value) for name, value in environment(service, VARIABLES).items()}
        folders = {
            "PAT_KEY_FOLDER": str(self.folder / "keys"),
            "PAT_BACKUP_FOLDER": str(self.folder / "backups"),
        }
        return {**clean, **told, **folders, "PAT_HOME": str(self.folder / "home")}

    def run(self, name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a service to its end; ``arguments`` instead of its command, as `docker compose run` takes them."""
        service = compose()["services"][name]
        command = [self.here(each) for each in arguments or service["command"]]
        return subprocess.run(
            [PAT, *command],
            env=self.environment(service),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
        )

    def is_healthy(self) -> bool:
        """What the health check of the API says."""
        kind, program, *arguments = compose()["services"]["api"]["healthcheck"]["test"]
        assert (kind, program) == ("CMD", "python")
        asked = [sys.executable, *(self.here(each) for each in arguments)]
        return subprocess.run(asked, capture_output=True, timeout=30).returncode == 0


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """A PostgreSQL that was started with the flags of the Compose file, and the secrets that it names."""
    folder = tmp_path_factory.mktemp("machine")
    flags = [
        flag.removeprefix("-c").partition("=") for flag in compose()["services"]["database"]["command"][1:]
    ]
    options = {name: value for name, _, value in flags}
    with EmbeddedPostgres(folder / "postgres", options=options) as postgres:
        (folder / "secrets").mkdir(mode=0o700)
        for name, content in (
            ("postgres_password", postgres.password),
            ("pat_secret", secrets.token_urlsafe(48)),
            ("vault_token", ""),
        ):
            (folder / "secrets" / name).write_text(content)
            (folder / "secrets" / name).chmod(0o600)
        (folder / "backups").mkdir(mode=0o700)
        with psycopg.connect(postgres.url(), autocommit=True) as admin:
            admin.execute("create database pat")
        yield Machine(postgres, folder, free_port(), free_port())
    postgres.erase()


@pytest.mark.slow
def test_every_service_does_its_work_in_the_order_of_the_file(machine: Machine) -> None:
    done = machine.run("migrate")
    assert done.returncode == 0, done.stderr
    service = compose()["services"]["api"]
    errors = machine.folder / "errors"
    with (
        errors.open("w") as err,
        subprocess.Popen(
            [PAT, *(machine.here(each) for each in service["command"])],
            env=machine.environment(service),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=err,
            text=True,
        ) as process,
    ):
        try:
            assert not machine.is_healthy()
            add = ("organisation", "add", "cbo-a", "--name", "N", "--kind", "CBO", "--state", "S")
            done = machine.run("tools", *add)
            assert done.returncode == 0, done.stderr
            deadline = time.monotonic() + 60
            while not machine.is_healthy():
                assert process.poll() is None, errors.read_text()
                assert time.monotonic() < deadline, errors.read_text()
                time.sleep(0.5)
            done = machine.run("tools", "backup", f"{machine.folder}/backups/first.dump")
            assert done.returncode == 0, done.stderr
            done = machine.run("tools", "doctor", "--json")
            assert done.returncode == 0, done.stdout + done.stderr
            found = {each["subject"]: each["level"] for each in json.loads(done.stdout)["findings"]}
            assert (found["server log"], found["wall"], found["backups"]) == ("ok", "ok", "ok")
            assert machine.run("tools", "audit", "verify").returncode == 0
        finally:
            process.send_signal(signal.SIGTERM)
    assert process.returncode in (0, 128 + signal.SIGTERM), errors.read_text()


def test_the_databases_health_check_is_a_program_of_its_image(machine: Machine) -> None:
    kind, program, *arguments = compose()["services"]["database"]["healthcheck"]["test"]
    found = shutil.which(program)
    assert kind == "CMD"
    if found is None:
        pytest.skip(f"no {program} on this machine")
    asked = [found, *arguments, f"--port={machine.postgres.port}"]
    assert subprocess.run(asked, capture_output=True).returncode == 0
