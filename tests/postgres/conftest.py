"""Folders for clusters, and a process that runs one and can be killed."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pat_platform import postgres_programs
from pat_platform.postgres import EmbeddedPostgres, RunAs

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
def parent(home: Path) -> Iterator[Callable[[RunAs], "subprocess.Popen[str]"]]:
    """Start another process that runs a cluster in `home`; it prints the server's process id and URL."""
    started: list[subprocess.Popen[str]] = []

    def start(way: RunAs) -> "subprocess.Popen[str]":
        command = [sys.executable, "-c", PARENT, str(home), way]
        started.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()
