"""Key providers of both kinds, and a database with something to rotate."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from tests.cli.running import TELLING
from tests.keys.network import SECRET, KeyNetwork, runner
from tests.keys.transit import TOKEN, Transit, serving_transit

from pat_platform.encryption.vault_provider import VaultKeyProvider
from pat_platform.postgres import EmbeddedPostgres
from pat_platform.settings import VaultAccess
from pat_server.migrate import migrate

FORGETFUL = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


@pytest.fixture
def transit() -> Iterator[Transit]:
    """A Vault that answers on this machine."""
    with serving_transit() as transit:
        yield transit


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    """Where our token lies."""
    file = tmp_path / "vault-token"
    file.write_text(TOKEN + "\n")
    return file


@pytest.fixture
def vault(transit: Transit, token_file: Path) -> Iterator[VaultKeyProvider]:
    """The provider that asks it."""
    provider = VaultKeyProvider(VaultAccess(transit.address, token_file))
    yield provider
    provider.close()


@pytest.fixture(scope="session")
def original(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[EmbeddedPostgres, KeyNetwork]]:
    """A PostgreSQL of our own, for the passwords of service logins belong to a whole server; and in it a network to copy."""
    folder = tmp_path_factory.mktemp("original")
    postgres = EmbeddedPostgres(folder / "postgres", options=FORGETFUL)
    with postgres, pytest.MonkeyPatch.context() as environment:
        forget_the_machine(environment)
        with psycopg.connect(postgres.url(), autocommit=True) as admin:
            admin.execute("create database original")
        migrate(postgres.url(database="original"), SECRET.encode())
        made = network_of(postgres, "original", folder)
        for slug in ("cbo-a", "cbo-b"):
            made.told("organisation", "add", slug, "--name", slug, "--kind", "cbo", "--state", "Goa")
        yield postgres, made
    postgres.erase()


def forget_the_machine(environment: pytest.MonkeyPatch) -> None:
    """Take away what a developer's own environment says."""
    for name in list(os.environ):
        if TELLING.match(name):
            environment.delenv(name)


def network_of(postgres: EmbeddedPostgres, database: str, folder: Path) -> KeyNetwork:
    """A database as commands see it, with its keys in this folder."""
    variables = {
        "DATABASE_URL": postgres.url(database=database),
        "PAT_SECRET": SECRET,
        "PAT_KEY_PROVIDER": "file",
        "PAT_KEY_FOLDER": str(folder / "keys"),
        "PAT_HOME": str(folder / "home"),
    }
    return KeyNetwork(variables["DATABASE_URL"], variables, runner(variables))


@pytest.fixture
def network(
    original: tuple[EmbeddedPostgres, KeyNetwork], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[KeyNetwork]:
    """Two organisations with their keys in files, and nobody in them yet."""
    forget_the_machine(monkeypatch)
    postgres, copied = original
    database = f"keys_{uuid4().hex}"
    made = network_of(postgres, database, tmp_path)
    shutil.copytree(copied.settings.key_folder, made.settings.key_folder)
    with psycopg.connect(postgres.url(), autocommit=True) as admin:
        admin.execute(f"create database {database} template original".encode())
        yield made
        admin.execute(f"drop database {database} with (force)".encode())


@pytest.fixture
def in_vault(network: KeyNetwork, transit: Transit, token_file: Path) -> KeyNetwork:
    """The same two organisations with their keys in Vault."""
    network.variables |= {
        "PAT_KEY_PROVIDER": "vault",
        "PAT_VAULT_ADDRESS": transit.address,
        "PAT_VAULT_TOKEN_FILE": str(token_file),
    }
    for slug in ("cbo-a", "cbo-b"):
        network.told("keys", "create", slug)
    return network
