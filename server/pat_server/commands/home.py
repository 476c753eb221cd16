"""The folder ``.pat/`` of a checkout: all that the demo keeps between starts, and what tells that it runs."""

import fcntl
import json
import os
import secrets
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Self

from pat_platform.encryption.private_file import read_private, write_private
from pat_platform.postgres import EmbeddedPostgres
from pat_platform.settings import KeyProviderKind, Settings
from pat_server.commands.trouble import Trouble

CHECKOUT = Path(__file__).resolve().parents[3]
PATIENCE_SECONDS = 0.5
# Not `keys`: a server of one's own keeps its keys there by default, and --fresh must never remove those.
KEYS = "demo-keys"


@dataclass(frozen=True)
class Running:
    """A demo that runs: its process, its port, and its database once that is ready."""

    process: int
    port: int
    database_url: str | None = None

    @property
    def url(self) -> str:
        """Where it serves."""
        return f"http://127.0.0.1:{self.port}"


@dataclass(frozen=True)
class Home:
    """The demo's folder. Whoever holds it is the one process that may run the demo from it."""

    folder: Path

    @classmethod
    def find(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """The folder of this checkout; PAT_HOME names another one."""
        named = environment.get("PAT_HOME")
        return cls(Path(named).absolute() if named else CHECKOUT / ".pat")

    @property
    def postgres(self) -> EmbeddedPostgres:
        """The demo's database server; not started."""
        return EmbeddedPostgres(self.folder / "postgres")

    def secret(self) -> bytes:
        """The deployment secret, made at the first start."""
        path = self.folder / "secret"
        content = read_private(path)
        if content is None:
            content = secrets.token_urlsafe(48).encode()
            write_private(path, content)
        return content

    def settings(self, port: int, database_url: str) -> Settings:
        """The settings that the demo serves with. What tunes a server may come from the environment."""
        url = f"http://127.0.0.1:{port}"
        return Settings.from_environment(
            os.environ,
            database_url=database_url,
            secret=self.secret(),
            demo=True,
            issuer=url,
            audience=f"{url}/graphql",
            key_folder=self.folder / KEYS,
            key_provider=KeyProviderKind.FILE,
        )

    def erase(self) -> None:
        """Remove the data, the keys and the secret. Only their holder may."""
        self.postgres.erase()
        for name in ("postgres", KEYS):
            shutil.rmtree(self.folder / name, ignore_errors=True)
        (self.folder / "secret").unlink(missing_ok=True)

    @contextmanager
    def held(self, port: int) -> Iterator[None]:
        """Be the one demo of this folder, for as long as the block lasts.

        The kernel lets go of the lock when the process dies, however it dies. Raises Trouble if a demo runs already.
        """
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with (self.folder / "lock").open("a") as lock:
            self._take(lock)
            self.announce(Running(os.getpid(), port))
            try:
                yield
            finally:
                self._runtime.unlink(missing_ok=True)

    def _take(self, lock: IO[str]) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                return fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                # A command that only looks whether a demo runs holds the lock for an instant.
                if time.monotonic() > deadline:
                    raise Trouble(self._in_use()) from None
                time.sleep(0.05)

    def announce(self, running: Running) -> None:
        """Tell other processes of this checkout where the demo is."""
        write_private(self._runtime, json.dumps(asdict(running), indent=1).encode())

    def running(self) -> Running | None:
        """The demo that runs from this folder; None if none does, whatever a killed one left behind."""
        with suppress(FileNotFoundError), (self.folder / "lock").open() as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                content = read_private(self._runtime)
                return Running(**json.loads(content)) if content else None
        return None

    @property
    def _runtime(self) -> Path:
        return self.folder / "runtime.json"

    def _in_use(self) -> str:
        running = self.running()
        where = f" on {running.url} (process {running.process})" if running else ""
        return f"The demo of this checkout already runs{where}. Use that one, or stop it first."
