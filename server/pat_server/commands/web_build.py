"""Builds the explorer's page beside the demo: once, niced, and never in the demo's way."""

import fcntl
import hashlib
import os
import shutil
import signal
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Lock, Thread
from typing import IO

from pat_server.commands.node import NodeMissing, find_npm
from pat_server.web import SOURCES, Web

NICENESS = 15
WAITING_SECONDS = 0.5
STAMP = "stamp"
AGAIN = "web/.build/log tells more; the next start of the demo tries again."
# What a build leaves in the folder of its sources, and what says nothing about the page.
NOT_SOURCES = frozenset({"node_modules", "dist", ".build", "README.md"})


class Failed(Exception):
    """The page could not be built; the message says why and what to do."""


class Stopped(Exception):
    """The demo ends before the page is built."""


@contextmanager
def built_in_background(web: Web) -> Iterator[None]:
    """See that the page is built while the block runs; what is not done at its end is ended with it.

    Nothing is built where the page comes from elsewhere, or the checkout holds no sources.
    """
    if web.workshop is None or not (SOURCES / "package.json").is_file():
        yield
        return
    build = Build(web, SOURCES)
    build.start()
    try:
        yield
    finally:
        build.stop()


class Build:
    """One attempt to bring the page up to its sources, in a thread of its own."""

    def __init__(self, web: Web, sources: Path) -> None:
        assert web.workshop
        self._web, self._sources, self._workshop = web, sources, web.workshop
        self._stopped = Event()
        self._child: subprocess.Popen[bytes] | None = None
        # Held while a program is started, so that none is started after the end.
        self._starting = Lock()
        self._thread = Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """Begin, if there is anything to do."""
        if self._stamp() != digest(self._sources):
            self._thread.start()

    def wait(self) -> None:
        """Wait until it is done, or has failed."""
        if self._thread.ident:
            self._thread.join()

    def stop(self) -> None:
        """End it, and all that it started."""
        with self._starting:
            self._stopped.set()
            if self._child:
                _end(self._child)
        self.wait()

    def _run(self) -> None:
        try:
            with self._alone() as lock:
                if self._stamp() != digest(self._sources):
                    self._build(lock)
        except Stopped:
            return
        except Failed as error:
            self._tell(str(error))
        except OSError as error:
            self._tell(f"{error.filename or self._sources}: {error.strerror}. {AGAIN}")

    @contextmanager
    def _alone(self) -> Iterator[IO[str]]:
        """Wait for whoever builds already: another demo of this checkout, or what a killed one left running."""
        self._workshop.mkdir(exist_ok=True)
        with self._web.lock.open("w") as lock:
            while True:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if self._stopped.wait(WAITING_SECONDS):
                        raise Stopped from None
            yield lock

    def _build(self, lock: IO[str]) -> None:
        for leftover in (self._web.failure, self._workshop / "log"):
            leftover.unlink(missing_ok=True)
        wanted, draft = digest(self._sources), self._workshop / "draft"
        try:
            npm = find_npm(lambda command, environment: self._call(command, environment, lock))
        except NodeMissing as error:
            raise Failed(str(error)) from None
        environment = {**npm.environment, "PAT_WEB_DRAFT": str(draft)}
        # Also where NODE_ENV says that this is no place to build.
        if self._call([*npm.command, "ci", "--include=dev"], environment, lock):
            raise Failed(
                f"Its packages could not be installed: the first time, this needs the network. {AGAIN}"
            )
        if self._call([*npm.command, "run", "build"], environment, lock):
            raise Failed(f"Its sources could not be bundled. {AGAIN}")
        (draft / STAMP).write_text(wanted)
        self._replace(draft)

    def _call(self, command: list[str], environment: dict[str, str], lock: IO[str]) -> int:
        """Run a program to its end, and return its exit code. Raises Stopped."""
        with self._starting, (self._workshop / "log").open("a") as log:
            if self._stopped.is_set():
                raise Stopped
            self._child = subprocess.Popen(
                command,
                cwd=self._sources,
                env={**os.environ, **environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # Of its own, so that it is ended with all that it started.
                start_new_session=True,
                # It keeps the lock as long as it lives, even if we are killed.
                pass_fds=[lock.fileno()],
            )
            with suppress(ProcessLookupError):
                os.setpriority(os.PRIO_PROCESS, self._child.pid, NICENESS)
        code = self._child.wait()
        if self._stopped.is_set():
            raise Stopped
        return code

    def _replace(self, draft: Path) -> None:
        """Put the new page where the old one is."""
        old = self._workshop / "old"
        shutil.rmtree(old, ignore_errors=True)
        with suppress(FileNotFoundError):
            self._web.built.rename(old)
        draft.rename(self._web.built)
        shutil.rmtree(old, ignore_errors=True)

    def _stamp(self) -> str | None:
        """The digest of the sources that the page was built from."""
        with suppress(OSError):
            return (self._web.built / STAMP).read_text()
        return None

    def _tell(self, sentence: str) -> None:
        with suppress(OSError):
            self._web.failure.write_text(sentence, encoding="utf-8")


def digest(sources: Path) -> str:
    """What the page depends on: every file of the folder, by name and content."""
    whole = hashlib.sha256()
    for path in sorted(_files(sources)):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        whole.update(f"{path.relative_to(sources)} {content}\n".encode())
    return whole.hexdigest()


def _files(folder: Path) -> Iterable[Path]:
    for entry in folder.iterdir():
        if entry.name in NOT_SOURCES:
            continue
        if entry.is_dir():
            yield from _files(entry)
        else:
            yield entry


def _end(child: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
