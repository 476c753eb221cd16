"""A backup is whole or absent, private, and replaces nothing."""

from __future__ import annotations

import fcntl
import os
import signal
import stat
import subprocess
import time
from pathlib import Path

import psycopg
import pytest
from tests.backup.conftest import pat_on
from tests.cli.running import PAT, environment
from tests.server.conftest import Network

from pat_platform.postgres_programs import PostgresUnavailable
from pat_server.backups import programs
from pat_server.backups.archive import is_archive
from pat_server.backups.making import LEFT_OUT
from pat_server.backups.programs import BackupRefused, Program, environment_for, find_program
from pat_server.migrate import LOCK
from pat_tenants.tables import metadata


def test_it_says_what_must_be_kept_elsewhere(network: Network, tmp_path: Path) -> None:
    said = pat_on(network)(
        "backup", str(tmp_path / "b.dump"), PAT_SECRET="", PAT_SECRET_FILE="the.secret"
    ).stdout
    assert "the file the.secret" in said
    assert "wherever PAT_KEY_PROVIDER says" in said


def test_a_key_folder_that_is_not_there_is_told(network: Network, tmp_path: Path) -> None:
    done = pat_on(network)("backup", str(tmp_path / "b.dump"), PAT_KEY_FOLDER=str(tmp_path / "none"))
    assert f"THIS MACHINE HAS NO FOLDER {tmp_path / 'none'}" in done.stdout
    assert str(network.settings.secret.decode()) not in done.output


def test_what_hangs_on_rows_that_are_left_out_is_left_out_too() -> None:
    """Otherwise nothing could be restored."""
    kept = [table for name, table in metadata.tables.items() if name not in LEFT_OUT]
    needed = {key.column.table.fullname for table in kept for key in table.foreign_keys}
    assert set(LEFT_OUT) <= set(metadata.tables)
    assert needed & set(LEFT_OUT) == set()


def test_a_file_that_exists_stays_as_it_is(network: Network, tmp_path: Path) -> None:
    file = tmp_path / "b.dump"
    file.write_text("mine")
    done = pat_on(network)("backup", str(file))
    assert (done.exit_code, file.read_text()) == (1, "mine")
    assert "exists already" in done.stderr
    assert list(tmp_path.iterdir()) == [file]


def test_what_a_killed_backup_left_is_written_over_and_closed_to_others(
    network: Network, tmp_path: Path
) -> None:
    part = tmp_path / "b.dump.part"
    part.write_text("half a backup")
    part.chmod(0o644)
    assert pat_on(network)("backup", str(tmp_path / "b.dump")).exit_code == 0
    assert not part.exists()
    assert is_archive(tmp_path / "b.dump")
    assert stat.S_IMODE((tmp_path / "b.dump").stat().st_mode) == 0o600


def test_one_backup_at_a_time_is_written_to_a_file(network: Network, tmp_path: Path) -> None:
    with (tmp_path / "b.dump.part").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        done = pat_on(network)("backup", str(tmp_path / "b.dump"))
    assert done.exit_code == 1
    assert "Another backup is being written" in done.stderr


def test_no_backup_is_made_of_a_database_that_is_being_migrated(network: Network, tmp_path: Path) -> None:
    with psycopg.connect(network.admin_url) as other:
        other.execute("select pg_advisory_xact_lock(%s)", (LOCK,))
        done = pat_on(network)("backup", str(tmp_path / "b.dump"))
    assert done.exit_code == 1
    assert "A migration or a restore is under way" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_whoever_does_not_see_everything_makes_no_backup(network: Network, tmp_path: Path) -> None:
    network.rows("create role clerk login password 'clerk'")
    network.rows("grant connect on database network to clerk")
    try:
        url = network.postgres.url("clerk", "clerk", "network")
        done = pat_on(network)("backup", str(tmp_path / "b.dump"), DATABASE_URL=url)
    finally:
        network.rows("revoke connect on database network from clerk")
        network.rows("drop role clerk")
    assert done.exit_code == 1
    assert "Only a superuser sees every row" in done.stderr


def program(folder: Path, name: str, version: str) -> Path:
    folder.mkdir()
    path = folder / name
    path.write_text(f'#!/bin/sh\necho "{name} (PostgreSQL) {version}"\n')
    path.chmod(0o755)
    return path


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without any program of PostgreSQL."""

    def nothing() -> Path:
        raise PostgresUnavailable("none")

    monkeypatch.setattr(programs, "find_binaries", nothing)
    monkeypatch.setattr(programs, "_BESIDE", tmp_path / "none")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    return tmp_path


def test_a_program_of_the_servers_own_version_is_chosen_else_the_next(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = {version: program(machine / version, "pg_dump", f"{version}.1") for version in ("15", "19", "18")}
    monkeypatch.setenv("PATH", ":".join(str(path.parent) for path in made.values()))
    assert find_program("pg_dump", 18).path == made["18"]
    assert find_program("pg_dump", 17).path == made["18"]
    assert find_program("pg_dump", 19).path == made["19"]
    with pytest.raises(BackupRefused, match=r"pg_dump 19 is older than the server, which is PostgreSQL 20"):
        find_program("pg_dump", 20)


def test_a_machine_without_the_program_is_told_what_to_install(machine: Path) -> None:
    with pytest.raises(BackupRefused, match=r"no pg_dump on this machine.*postgresql-client-18"):
        find_program("pg_dump", 18)


def test_something_else_of_the_same_name_is_not_taken(machine: Path) -> None:
    (machine / "bin").mkdir()
    for text in ("#!/bin/sh\necho hello\n", "no program"):
        (machine / "bin" / "pg_dump").write_text(text)
        (machine / "bin" / "pg_dump").chmod(0o755)
        with pytest.raises(BackupRefused, match="no pg_dump on this machine"):
            find_program("pg_dump", 18)


def test_a_backup_that_is_stopped_leaves_nothing(network: Network, tmp_path: Path) -> None:
    slow = tmp_path / "bin"
    slow.mkdir()
    dump = slow / "pg_dump"
    dump.write_text(
        '#!/bin/sh\n[ "$1" = --version ] && { echo "pg_dump (PostgreSQL) 18.6"; exit; }\ntouch "$0.began"\nexec sleep 60\n'
    )
    dump.chmod(0o755)
    told = {"DATABASE_URL": network.admin_url, "PATH": f"{slow}:{os.environ['PATH']}"}
    file = tmp_path / "b.dump"
    with subprocess.Popen(
        [PAT, "backup", str(file)],
        env=environment(tmp_path / "home", **told),
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        deadline = time.monotonic() + 60
        while not Path(f"{dump}.began").exists():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        assert process.stderr
        assert process.stderr.read().endswith("pat: stopped.\n")
    assert process.returncode == 128 + signal.SIGTERM
    assert [path.name for path in tmp_path.iterdir()] == ["bin"]


def test_programs_learn_the_password_but_not_our_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAT_SECRET", "ours")
    monkeypatch.setenv("DATABASE_URL", "ours")
    found = environment_for("postgresql://somebody:pass%20word@db.example:6543/pat?sslmode=require")
    assert (found["PGUSER"], found["PGPASSWORD"], found["PGHOST"]) == ("somebody", "pass word", "db.example")
    assert (found["PGPORT"], found["PGDATABASE"], found["PGSSLMODE"]) == ("6543", "pat", "require")
    assert "ours" not in found.values()


def test_what_a_program_says_of_its_failure_quotes_no_row(tmp_path: Path) -> None:
    failing = program(tmp_path / "bin", "pg_restore", "18.1")
    failing.write_text(
        "#!/bin/sh\n"
        "echo 'pg_restore: error: COPY failed for table \"notes\": ERROR:  duplicate key value' >&2\n"
        "echo 'DETAIL:  Key (words)=(Quillonvara lives here) already exists.' >&2\n"
        "echo 'CONTEXT:  COPY notes, line 1: \"Quillonvara\"' >&2\n"
        "exit 1\n"
    )
    with pytest.raises(BackupRefused, match="duplicate key") as refused:
        Program(failing, 18).run([], {})
    assert "Quillonvara" not in str(refused.value)
