"""The demo network with a backup of it, and an empty server to restore it onto."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner, Result
from tests.cli.running import TELLING
from tests.conftest import FORGETFUL
from tests.server.conftest import SECRET, Network, free_port
from tests.server.conftest import network as network

from pat_platform.postgres import EmbeddedPostgres
from pat_server.cli import cli

Pat = Callable[..., Result]


def pat_on(network: Network) -> Pat:
    """Run a command in this process, as an operator of this network would."""
    told = {
        "DATABASE_URL": network.admin_url,
        "PAT_SECRET": SECRET.decode(),
        "PAT_KEY_FOLDER": str(network.settings.key_folder),
        "PAT_KEY_PROVIDER": "file",
    }
    silent = {name: None for name in os.environ if TELLING.match(name)}

    def run(*arguments: str, **more: str) -> Result:
        return CliRunner().invoke(cli, arguments, env={**silent, **told, **more}, prog_name="pat")

    return run


@pytest.fixture(scope="session")
def archive(network: Network, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A backup of the demo network."""
    file = tmp_path_factory.mktemp("backups") / "network.dump"
    done = pat_on(network)("backup", str(file))
    assert done.exit_code == 0, done.output
    return file


@pytest.fixture(scope="session")
def empty_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    """A server on which nobody has been: no role, no database of ours."""
    postgres = EmbeddedPostgres(tmp_path_factory.mktemp("empty"), options=FORGETFUL)
    with postgres:
        yield postgres
    postgres.erase()


@pytest.fixture
def elsewhere(network: Network, empty_server: EmbeddedPostgres) -> Iterator[Network]:
    """The same deployment with an empty database on another server."""
    with psycopg.connect(empty_server.url(), autocommit=True) as admin:
        admin.execute("create database network")
        url = f"http://127.0.0.1:{free_port()}"
        moved = replace(
            network.settings,
            database_url=empty_server.url(database="network"),
            issuer=url,
            audience=f"{url}/graphql",
        )
        yield Network(empty_server, moved)
        admin.execute("drop database network with (force)")
