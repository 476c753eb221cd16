"""Key providers of both kinds, and a database with something to rotate."""

import os
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
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    """A PostgreSQL with a migrated database to copy: the passwords of service logins belong to a whole server."""
    postgres = EmbeddedPostgres(tmp_path_factory.mktemp("postgres"), options=FORGETFUL)
    with postgres:
        with psycopg.connect(postgres.url(), autocommit=True) as admin:
            admin.execute("create database migrated")
        migrate(postgres.url(database="migrated"), SECRET.encode())
        yield postgres
    postgres.erase()


@pytest.fixture
def network(
    server: EmbeddedPostgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[KeyNetwork]:
    """Two organisations with their keys in files: the first has people."""
    for name in list(os.environ):
        if TELLING.match(name):
            monkeypatch.delenv(name)
    database = f"keys_{uuid4().hex}"
    with psycopg.connect(server.url(), autocommit=True) as admin:
        admin.execute(f"create database {database} template migrated".encode())
        variables = {
            "DATABASE_URL": server.url(database=database),
            "PAT_SECRET": SECRET,
            "PAT_KEY_PROVIDER": "file",
            "PAT_KEY_FOLDER": str(tmp_path / "keys"),
            "PAT_HOME": str(tmp_path / "home"),
        }
        made = KeyNetwork(variables["DATABASE_URL"], variables, runner(variables))
        for slug in ("cbo-a", "cbo-b"):
            made.told("organisation", "add", slug, "--name", slug, "--kind", "cbo", "--state", "Goa")
        yield made
        admin.execute(f"drop database {database} with (force)".encode())
        for (login,) in admin.execute(r"select rolname from pg_roles where rolname like 'org\_%'").fetchall():
            admin.execute(f"drop role {login}".encode())


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
