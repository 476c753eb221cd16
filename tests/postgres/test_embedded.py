"""The embedded server keeps what it was given, whoever starts it and whoever is killed."""

import os
import pwd
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from pat_platform import postgres
from pat_platform.postgres import EmbeddedPostgres, PostgresUnavailable, RunAs
from pat_platform.postgres_pid import PidFile, command_line
from pat_platform.postgres_programs import best_run_as, free_port


def remember(url: str, word: str) -> None:
    """Commit a word."""
    with psycopg.connect(url) as connection:
        connection.execute("create table if not exists memory (word text)")
        connection.execute("insert into memory values (%s)", [word])


def remembered(url: str) -> list[str]:
    """The words that were committed."""
    with psycopg.connect(url) as connection:
        return [word for (word,) in connection.execute("select word from memory order by word")]


def is_gone(pid: int) -> bool:
    """Whether the process ends soon."""
    deadline = time.monotonic() + 10
    while command_line(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not command_line(pid)


def test_data_outlives_a_stop(home: Path, run_as: RunAs) -> None:
    with EmbeddedPostgres(home, run_as=run_as) as server:
        remember(server.url(), "kept")
        pid = server.pid
    assert pid
    assert is_gone(pid)
    with EmbeddedPostgres(home, run_as=run_as) as server:
        assert remembered(server.url()) == ["kept"]


def test_a_killed_parent_takes_its_server_along_and_loses_nothing(
    home: Path, run_as: RunAs, parent: Callable[[RunAs], "subprocess.Popen[str]"]
) -> None:
    process = parent(run_as)
    assert process.stdout
    pid, url = process.stdout.readline().split()
    remember(url, "before the kill")
    process.kill()
    process.wait()
    assert is_gone(int(pid)) or sys.platform != "linux"
    with EmbeddedPostgres(home, run_as=run_as) as server:
        assert remembered(server.url()) == ["before the kill"]


def test_a_killed_server_loses_nothing(home: Path, run_as: RunAs) -> None:
    server = EmbeddedPostgres(home, run_as=run_as).start()
    remember(server.url(), "before the kill")
    assert server.pid
    os.kill(server.pid, signal.SIGKILL)
    server.stop()
    with server:
        assert remembered(server.url()) == ["before the kill"]


def test_an_orphan_is_stopped_and_its_data_kept(home: Path, run_as: RunAs) -> None:
    first = EmbeddedPostgres(home, run_as=run_as).start()
    remember(first.url(), "the orphan's")
    # What another system than Linux leaves behind when the parent is killed: a running server, no lock.
    process, first._process = first._process, None
    first.stop()
    with EmbeddedPostgres(home, run_as=run_as) as server:
        assert process
        assert process.wait() == 0
        assert remembered(server.url()) == ["the orphan's"]


def test_a_stranger_with_the_old_process_id_is_left_alone(home: Path, run_as: RunAs) -> None:
    server = EmbeddedPostgres(home, run_as=run_as).start()
    remember(server.url(), "kept")
    assert server.pid
    os.kill(server.pid, signal.SIGKILL)
    server.stop()
    with subprocess.Popen(["sleep", "60"]) as stranger:
        pid_file = server.data / "postmaster.pid"
        lines = pid_file.read_text().splitlines()
        pid_file.write_text("\n".join([str(stranger.pid), *lines[1:]]) + "\n")
        with server:
            assert remembered(server.url()) == ["kept"]
        assert stranger.poll() is None
        stranger.kill()


def test_the_password_is_random_and_for_its_owner_alone(home: Path, run_as: RunAs) -> None:
    with EmbeddedPostgres(home, run_as=run_as) as server:
        assert server.password_file.stat().st_mode & 0o777 == 0o600
        assert server.log_file.stat().st_mode & 0o777 == 0o600
        assert len(server.password) >= 32
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(server.url(password="guess"))


def test_a_half_made_cluster_is_made_anew(home: Path, run_as: RunAs) -> None:
    server = EmbeddedPostgres(home, run_as=run_as)
    with server:
        pass
    half_made = server.data.with_name("data.new-0")
    server.data.rename(half_made)
    with server:
        remember(server.url(), "works")
    assert not half_made.exists()


def test_a_killed_initdb_leaves_nothing_half_made(
    home: Path, run_as: RunAs, parent: Callable[[RunAs], "subprocess.Popen[str]"]
) -> None:
    place = EmbeddedPostgres(home, run_as=run_as).place
    process = parent(run_as)
    deadline = time.monotonic() + 20
    while not list(place.glob("data.new-*/base")) and time.monotonic() < deadline:
        time.sleep(0.005)
    process.kill()
    process.wait()
    assert not (place / "data").exists()
    with EmbeddedPostgres(home, run_as=run_as) as server:
        remember(server.url(), "works")


def test_text_sorts_alike_on_every_machine(cluster: EmbeddedPostgres) -> None:
    with psycopg.connect(cluster.url()) as connection:
        found = connection.execute(
            "select datlocprovider, datlocale, pg_encoding_to_char(encoding) from pg_database"
            " where datname = 'postgres'"
        ).fetchone()
    assert found == ("b", "C.UTF-8", "UTF8")


def test_neither_statements_nor_values_reach_the_log(home: Path) -> None:
    with EmbeddedPostgres(home) as server:
        with psycopg.connect(server.url(), autocommit=True) as connection:
            connection.execute("create table person (name text unique)")
            for _ in range(2):
                with pytest.raises(psycopg.Error):
                    connection.execute("insert into person values ('Plain'), ('Plain')")
                with pytest.raises(psycopg.Error):
                    connection.execute("select %s::text::int", ["Bound"])
        assert b"Plain" not in server.log_file.read_bytes()
        assert b"Bound" not in server.log_file.read_bytes()


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_the_server_inherits_none_of_our_environment(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAT_SECRET", "hidden")
    monkeypatch.setenv("PGDATA", "/nowhere")
    with EmbeddedPostgres(home) as server:
        assert b"hidden" not in Path(f"/proc/{server.pid}/environ").read_bytes()


def test_a_second_start_in_the_same_folder_is_refused(home: Path) -> None:
    with EmbeddedPostgres(home) as first:
        with pytest.raises(PostgresUnavailable, match=f"Process {os.getpid()} already runs"):
            EmbeddedPostgres(home).start()
        remember(first.url(), "undisturbed")


def test_starting_twice_is_starting_once(home: Path) -> None:
    with EmbeddedPostgres(home) as server:
        pid = server.pid
        assert server.start().pid == pid


def test_another_process_can_find_the_running_server(home: Path, run_as: RunAs) -> None:
    other = EmbeddedPostgres(home)
    with pytest.raises(PostgresUnavailable, match="No PostgreSQL runs"):
        other.attach()
    with EmbeddedPostgres(home, run_as=run_as) as server:
        assert other.attach().url() == server.url()
        other.stop()
        remember(server.url(), "still there")


def test_an_erased_cluster_leaves_nothing(home: Path, run_as: RunAs) -> None:
    server = EmbeddedPostgres(home, run_as=run_as).start()
    remember(server.url(), "gone")
    server.erase()
    assert [path.name for path in home.iterdir()] == ["lock"]
    assert not server.data.exists()
    with server, pytest.raises(psycopg.errors.UndefinedTable):
        remembered(server.url())


@pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes nobody")
def test_removing_the_folder_removes_a_cluster_that_lies_elsewhere(home: Path) -> None:
    with EmbeddedPostgres(home, run_as="nobody") as server:
        remember(server.url(), "gone")
    for path in home.iterdir():
        path.unlink()
    with EmbeddedPostgres(home, run_as="nobody") as server, pytest.raises(psycopg.errors.UndefinedTable):
        remembered(server.url())


@pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes nobody")
def test_root_keeps_its_own_folders_closed(home: Path) -> None:
    home.parent.chmod(0o700)
    with EmbeddedPostgres(home, run_as="nobody") as server:
        assert home.parent.stat().st_mode & 0o777 == 0o700
        assert server.data.stat().st_uid == pwd.getpwnam("nobody").pw_uid
        assert server.data.parent.stat().st_mode & 0o777 == 0o700


def test_before_the_start_there_is_no_port(tmp_path: Path) -> None:
    with pytest.raises(PostgresUnavailable, match="has not been started"):
        _ = EmbeddedPostgres(tmp_path).port


def test_an_address_survives_odd_names(cluster: EmbeddedPostgres) -> None:
    with psycopg.connect(cluster.url(), autocommit=True) as connection:
        connection.execute("create role \"o'dd /role\" login password 'p@ss/w:rd'")
        connection.execute('create database "od d?"')
    with psycopg.connect(cluster.url("o'dd /role", "p@ss/w:rd", "od d?")) as connection:
        found = connection.execute("select current_user, current_database()").fetchone()
    assert found == ("o'dd /role", "od d?")


def test_a_port_that_was_just_taken_is_replaced(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        ports = [other.getsockname()[1], free_port()]
        monkeypatch.setattr(postgres, "free_port", lambda: ports.pop(0))
        with EmbeddedPostgres(home) as server:
            remember(server.url(), "works")
    assert not ports


def test_a_server_that_is_slow_to_stop_is_made_to(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = EmbeddedPostgres(home).start()
    remember(server.url(), "kept")
    monkeypatch.setattr(postgres, "STOP_SECONDS", 0)
    server.stop()
    assert server.pid is None
    with server:
        assert remembered(server.url()) == ["kept"]


def test_an_orphan_that_is_slow_to_stop_is_made_to(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = EmbeddedPostgres(home).start()
    remember(server.url(), "kept")
    process, server._process = server._process, None
    server.stop()
    monkeypatch.setattr(postgres, "STOP_SECONDS", 0)
    with EmbeddedPostgres(home) as second:
        assert process
        process.wait()
        assert remembered(second.url()) == ["kept"]


def test_a_server_that_is_never_ready_is_given_up(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "START_SECONDS", 0)
    monkeypatch.setattr(PidFile, "ready_port", lambda self, pid: None)
    server = EmbeddedPostgres(home)
    with pytest.raises(PostgresUnavailable, match="not ready within 0 seconds"):
        server.start()
    assert server.pid is None


def test_the_log_does_not_grow_for_ever(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with EmbeddedPostgres(home) as server:
        pass
    assert b"initdb" in server.log_file.read_bytes() or server.log_file.stat().st_size > 0
    monkeypatch.setattr(postgres, "LARGEST_LOG", 0)
    with server:
        assert b"The files belonging to this database system" not in server.log_file.read_bytes()


@pytest.mark.skipif(best_run_as() != "namespace", reason="needs root and user namespaces")
def test_a_cluster_is_not_forgotten_when_namespaces_are_taken_away(home: Path) -> None:
    with EmbeddedPostgres(home, run_as="namespace") as server:
        remember(server.url(), "kept")
    with pytest.raises(PostgresUnavailable, match="ran in a user namespace"):
        EmbeddedPostgres(home, run_as="nobody").start()
    with EmbeddedPostgres(home, run_as="namespace") as server:
        assert remembered(server.url()) == ["kept"]


def test_a_folder_without_a_server_has_no_process() -> None:
    assert PidFile(Path("/nowhere")).running() is None
