"""The command line, in this process and as a process of its own."""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from tests.cli.running import TELLING, Demo, copy_of

from pat_server.cli import cli
from pat_server.commands.home import Home


@pytest.fixture(scope="session")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """A demo that was loaded, printed its greeting, and was ended with SIGTERM."""
    demo = Demo(tmp_path_factory.mktemp("loaded") / "home")
    demo.start()
    assert demo.end(signal.SIGTERM) == 128 + signal.SIGTERM, demo.errors()
    yield demo
    demo.erase()


@pytest.fixture(scope="session")
def demo(loaded: Demo, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """A running demo, for tests that leave it alone."""
    running = copy_of(loaded, tmp_path_factory.mktemp("running"))
    running.start()
    yield running
    running.erase()


@pytest.fixture
def own_demo(loaded: Demo, tmp_path: Path) -> Iterator[Demo]:
    """A loaded demo that does not run yet, for one test to do with as it likes."""
    own = copy_of(loaded, tmp_path)
    yield own
    own.erase()


Pat = Callable[..., Result]


@pytest.fixture
def pat(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pat:
    """Run a command in this process, in an environment that says nothing but what a test tells it."""
    for name in list(os.environ):
        if TELLING.match(name):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PAT_HOME", str(tmp_path / "home"))

    def run(*arguments: str, **variables: str) -> Result:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        return CliRunner().invoke(cli, arguments, prog_name="pat", catch_exceptions=False)

    return run


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """The demo's folder, as the commands of this test see it."""
    return Home(tmp_path / "home")
