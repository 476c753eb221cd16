"""One demo at a time runs from a folder, and what a killed one left behind deceives nobody."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pat_server.commands.home import CHECKOUT, Home, Running
from pat_server.commands.trouble import Trouble


def test_it_lies_in_the_checkout_unless_a_variable_names_another_folder(tmp_path: Path) -> None:
    assert Home.find({}).folder == CHECKOUT / ".pat"
    assert (CHECKOUT / "pyproject.toml").exists()
    assert Home.find({"PAT_HOME": str(tmp_path)}).folder == tmp_path


def test_it_tells_of_a_demo_for_as_long_as_that_runs(home: Home) -> None:
    assert home.running() is None
    with home.held(8123):
        assert home.running() == Running(os.getpid(), 8123)
        home.announce(Running(os.getpid(), 8123, "postgresql://127.0.0.1:5/pat"))
        assert home.running() == Running(os.getpid(), 8123, "postgresql://127.0.0.1:5/pat")
    assert home.running() is None


def test_only_one_demo_runs(home: Home) -> None:
    with (
        home.held(8123),
        pytest.raises(Trouble, match=r"already runs on http://127.0.0.1:8123"),
        home.held(8124),
    ):
        pass
    with home.held(8124):
        pass


DYING = """
import os, sys
from pathlib import Path
from pat_server.commands.home import Home
with Home(Path(sys.argv[1])).held(8123):
    os._exit(9)
"""


def test_what_a_killed_demo_left_behind_counts_for_nothing(home: Home) -> None:
    assert subprocess.run([sys.executable, "-c", DYING, home.folder]).returncode == 9
    assert (home.folder / "runtime.json").exists()
    assert home.running() is None
    with home.held(8124):
        assert home.running() == Running(os.getpid(), 8124)


def test_the_secret_is_made_once_and_for_its_owner_alone(home: Home) -> None:
    with home.held(8123):
        secret = home.secret()
        assert home.secret() == secret
        assert len(secret) >= 32
        assert (home.folder / "secret").stat().st_mode & 0o777 == 0o600
        home.erase()
        assert home.secret() != secret


def test_the_settings_are_those_of_a_demo_at_its_port(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAT_POOL_SIZE", "7")
    monkeypatch.setenv("PAT_ISSUER", "https://elsewhere.example")
    with home.held(8123):
        settings = home.settings(8123, "postgresql://127.0.0.1:5/pat")
    assert settings.demo
    assert settings.pool_size == 7
    assert (settings.issuer, settings.audience) == ("http://127.0.0.1:8123", "http://127.0.0.1:8123/graphql")
    assert settings.key_folder == home.folder / "demo-keys"


def test_a_fresh_demo_leaves_the_keys_of_a_server_of_ones_own_alone(home: Home) -> None:
    with home.held(8123):
        (home.folder / "keys").mkdir()
        (home.folder / "demo-keys").mkdir()
        home.erase()
    assert [path.name for path in home.folder.iterdir() if path.is_dir()] == ["keys"]
