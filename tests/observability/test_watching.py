"""The watch over the suite's logs would find somebody who is named in one."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from tests.cli.running import run_pat
from tests.observability import watching

from pat_platform.log_sink import Sink
from pat_platform.postgres import EmbeddedPostgres

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def found() -> Iterator[list[str]]:
    """What the watch has found; it is expected here."""
    yield watching.leaks
    watching.leaks.clear()


@pytest.mark.parametrize(
    "text",
    [
        "Malati has come",
        "Sonajhuri",
        "call +91 51234 56789",
        "call 5123456789 or +915123456789",
        "House 17, Bat Tala, Basirhat",
        "for manager@cbo-a.example",
        "Authorization: Bearer abcdefghijkl",
        "eyJhbGciOiJFUzI1NiJ9.eyJzdWIi",
    ],
)
def test_whoever_is_named_is_found(found: list[str], text: str) -> None:
    logging.getLogger("somebody.else").warning("it said: %s", text)
    assert len(found) == 1


def test_a_note_of_the_demo_is_found(found: list[str]) -> None:
    for phrase in watching._phrases():
        watching.search(f"… {phrase} …", "here")
        assert found, phrase
        found.clear()


def test_the_log_of_a_server_in_this_process_is_searched(found: list[str], tmp_path: Path) -> None:
    with (tmp_path / "out").open("wb") as stream, Sink(stream) as sink:
        sink(b'{"event":"request","role":"Malati"}', False)
    assert found == ["the log tells 'Malati'"]


def test_what_a_command_says_to_its_caller_may_name_the_account_but_nobody_else(found: list[str]) -> None:
    watching.search_stderr("pat: There is no manager@cbo-a.example.\n", "stderr")
    assert found == []
    watching.search_stderr('{"event":"x","role":"manager@cbo-a.example"}\npat: Malati', "stderr")
    assert len(found) == 2


def test_what_commands_write_is_searched(found: list[str], tmp_path: Path) -> None:
    assert "Malati" in run_pat(tmp_path, "token", "x", "Malati").stderr
    assert len(found) == 1


def test_logs_that_tests_leave_behind_are_found_but_not_in_tables(tmp_path: Path) -> None:
    for name in ("a/stderr", "b/errors", "c/server.log", "c/server.err", "c/data/17", "d/output"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    names = sorted(path.name for path in watching.log_files(tmp_path))
    assert names == ["errors", "server.err", "server.log", "stderr"]


def test_the_log_of_a_database_is_searched_before_it_is_erased(found: list[str], tmp_path: Path) -> None:
    talkative = {"log_min_messages": "error", "log_min_error_statement": "error", "fsync": "off"}
    postgres = EmbeddedPostgres(tmp_path / "postgres", options=talkative)
    with postgres, psycopg.connect(postgres.url()) as connection, pytest.raises(psycopg.Error):
        connection.execute("select 'Malati'::uuid")
    postgres.erase()
    assert len(found) == 2
    assert "'Malati'" in found[0]
    assert "STATEMENT" in found[1]


def test_a_test_that_names_somebody_fails(tmp_path: Path) -> None:
    watch = (
        "from tests.observability.watching import nobody_is_named, pytest_runtest_makereport, watched_logs\n"
    )
    (tmp_path / "conftest.py").write_text(watch)
    (tmp_path / "test_it.py").write_text(
        "import logging, sys\n"
        "def test_record(): logging.getLogger('x').error('Malati')\n"
        "def test_stderr(): print('Malati', file=sys.stderr)\n"
        "def test_silent(): pass\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", tmp_path, tmp_path],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert "3 passed, 2 errors" in done.stdout, done.stdout
