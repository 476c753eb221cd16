"""A restore is whole or nothing, and only onto nothing."""

from __future__ import annotations

import subprocess
from pathlib import Path

import psycopg
import pytest
from tests.backup.conftest import pat_on
from tests.server.conftest import Network

from pat_server.backups.programs import environment_for, find_program
from pat_server.migrate import LOCK

SCHEMAS = "select count(*) from pg_namespace where nspname in ('app', 'sec', 'trail', 'door', 'migrations')"


def test_a_database_that_holds_something_is_left_alone(network: Network, archive: Path) -> None:
    done = pat_on(network)("restore", str(archive))
    assert done.exit_code == 1
    assert "The database is not empty" in done.stderr


def test_a_table_in_public_is_something(elsewhere: Network, archive: Path) -> None:
    elsewhere.rows("create table public.mine (id int)")
    done = pat_on(elsewhere)("restore", str(archive))
    assert done.exit_code == 1
    assert elsewhere.rows(SCHEMAS) == [(0,)]


def test_an_archive_that_ends_too_early_leaves_the_database_empty(
    elsewhere: Network, archive: Path, tmp_path: Path
) -> None:
    cut = tmp_path / "cut.dump"
    cut.write_bytes(archive.read_bytes()[: archive.stat().st_size * 3 // 4])
    done = pat_on(elsewhere)("restore", str(cut))
    assert done.exit_code == 1, done.output
    assert "did not finish" in done.stderr
    assert elsewhere.rows(SCHEMAS) == [(0,)]
    assert pat_on(elsewhere)("restore", str(archive)).exit_code == 0


@pytest.mark.parametrize(
    ("content", "said"), [(b"select 1;", "is no backup"), (b"", "is no backup"), (b"PGDMP", "did not finish")]
)
def test_what_is_no_archive_is_not_restored(
    elsewhere: Network, tmp_path: Path, content: bytes, said: str
) -> None:
    file = tmp_path / "x.dump"
    file.write_bytes(content)
    done = pat_on(elsewhere)("restore", str(file))
    assert done.exit_code == 1
    assert said in done.stderr


def dumped(network: Network, file: Path) -> Path:
    """An archive that `pat backup` did not make."""
    program = find_program("pg_dump", 18)
    subprocess.run(
        [program.path, "-Fc", f"--file={file}"], env=environment_for(network.admin_url), check=True
    )
    return file


def test_an_archive_of_something_else_is_not_restored(elsewhere: Network, tmp_path: Path) -> None:
    done = pat_on(elsewhere)("restore", str(dumped(elsewhere, tmp_path / "x.dump")))
    assert done.exit_code == 1
    assert "no backup of this system" in done.stderr


def test_an_archive_of_a_newer_release_is_not_restored(elsewhere: Network, tmp_path: Path) -> None:
    elsewhere.rows("create schema migrations")
    elsewhere.rows("create table migrations.versions as select 'newer'::text as version_num")
    file = dumped(elsewhere, tmp_path / "x.dump")
    elsewhere.rows("drop schema migrations cascade")
    done = pat_on(elsewhere)("restore", str(file))
    assert done.exit_code == 1
    assert "was made by a newer release" in done.stderr


def test_only_a_superuser_restores(elsewhere: Network, archive: Path) -> None:
    elsewhere.rows("create role clerk login createrole password 'clerk'")
    try:
        url = elsewhere.postgres.url("clerk", "clerk", "network")
        done = pat_on(elsewhere)("restore", str(archive), DATABASE_URL=url)
    finally:
        elsewhere.rows("drop role clerk")
    assert done.exit_code == 1
    assert "Only a superuser may restore" in done.stderr


def test_nothing_else_is_done_to_the_database_meanwhile(elsewhere: Network, archive: Path) -> None:
    with psycopg.connect(elsewhere.admin_url) as other:
        other.execute("select pg_advisory_xact_lock(%s)", (LOCK,))
        done = pat_on(elsewhere)("restore", str(archive))
    assert done.exit_code == 1
    assert "is under way on this database" in done.stderr


def test_the_database_to_restore_onto_is_named(network: Network, archive: Path) -> None:
    done = pat_on(network)("restore", str(archive), DATABASE_URL="")
    assert done.exit_code == 1
    assert "it names the empty database" in done.stderr
