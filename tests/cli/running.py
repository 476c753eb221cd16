"""`pat` as a process of its own: started, asked, ended, killed."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.observability.watching import search_stderr

from pat_platform.postgres import EmbeddedPostgres

PAT = Path(sys.executable).with_name("pat")
READY = "Ctrl-C stops it"
START_SECONDS = 120
TELLING = re.compile(r"^(DATABASE_URL$|PAT_|PG)")


def environment(home: Path, **more: str) -> dict[str, str]:
    """An environment in which nothing of the machine's own settings is left, and no demo builds the explorer's page."""
    clean = {name: value for name, value in os.environ.items() if not TELLING.match(name)}
    return {**clean, "PAT_HOME": str(home), "PAT_WEB_FOLDER": str(home / "web"), **more}


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class Demo:
    """`pat demo` in a folder of its own."""

    home: Path
    port: int = field(default_factory=free_port)
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def url(self) -> str:
        """Where it serves."""
        return f"http://127.0.0.1:{self.port}"

    def launch(self, *arguments: str) -> "subprocess.Popen[bytes]":
        """Start it, and return at once."""
        with self._output.open("w") as output, self._errors.open("w") as errors:
            self.process = subprocess.Popen(
                [PAT, "demo", "--port", str(self.port), *arguments],
                env=environment(self.home),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=errors,
                start_new_session=True,
            )
        return self.process

    def start(self, *arguments: str) -> None:
        """Start it, and wait until it is ready."""
        self.launch(*arguments)
        self.wait_until(lambda: READY in self.said())

    def wait_until(self, holds: Callable[[], bool]) -> None:
        """Wait for something while it runs."""
        assert self.process
        deadline = time.monotonic() + START_SECONDS
        while not holds():
            code = self.process.poll()
            assert code is None, f"exit code {code}\n{self.said()}\n{self.errors()}"
            assert time.monotonic() < deadline, self.errors()
            time.sleep(0.05)

    def said(self) -> str:
        """What it wrote to stdout."""
        return self._output.read_text()

    def errors(self) -> str:
        """What it wrote to stderr."""
        return self._errors.read_text()

    @property
    def _output(self) -> Path:
        return self.home.parent / "stdout"

    @property
    def _errors(self) -> Path:
        return self.home.parent / "stderr"

    def end(self, number: signal.Signals) -> int:
        """Send a signal, and return the exit code."""
        assert self.process
        self.process.send_signal(number)
        return self.process.wait(timeout=60)

    def pat(self, *arguments: str, **more: str) -> "subprocess.CompletedProcess[str]":
        """Run another command of the same checkout."""
        return run_pat(self.home, *arguments, **more)

    def erase(self) -> None:
        """End it, however it stands, and remove all that it kept."""
        if self.process and self.process.poll() is None:
            self.end(signal.SIGKILL)
        EmbeddedPostgres(self.home / "postgres").erase()


def run_pat(home: Path, *arguments: str, **more: str) -> "subprocess.CompletedProcess[str]":
    """Run a command to its end."""
    done = subprocess.run(
        [PAT, *arguments],
        env=environment(home, **more),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
    )
    search_stderr(done.stderr, f"stderr of pat {' '.join(arguments)}")
    return done


def copy_of(loaded: Demo, place: Path) -> Demo:
    """The same demo in another folder. (Where root runs it as `nobody`, the data lies elsewhere: it is loaded anew.)"""
    shutil.copytree(loaded.home, place / "home")
    return Demo(place / "home")
