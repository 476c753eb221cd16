"""The watch over the suite's logs would find somebody who is named in one."""

from __future__ import annotations

import logging
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any
from unittest.mock import MagicMock
from uuid import uuid4

import psycopg
import pytest
from tests.cli.running import run_pat
from tests.observability import watching

from pat_auth.issuer import browsers, issuing, recovery, refreshing, taking_up, totp, upstreams
from pat_auth.members import links, service
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


def _as_imported_by(module: ModuleType) -> str:
    made: str = vars(module)["token_urlsafe"](32)
    return made


def _recovery_code() -> str:
    running: Any = SimpleNamespace(clock=datetime.now, secrets=SimpleNamespace(recovery_codes=b"key"))
    return recovery.renew_recovery_codes(MagicMock(), running, uuid4())[3]


@pytest.mark.parametrize(
    "make",
    [
        issuing.new_secret,
        taking_up.new_token,
        totp.new_secret,
        browsers._new_secret,
        lambda: refreshing.successor(b"key", "the one before"),
        partial(_as_imported_by, links),
        partial(_as_imported_by, service),
        partial(_as_imported_by, upstreams),
        _recovery_code,
    ],
)
def test_a_secret_that_looks_like_nothing_is_found_however_it_was_made(
    found: list[str], make: Callable[[], str]
) -> None:
    secret = make()
    logging.getLogger("somebody.else").warning("GET /sign-in?token=%%22%s%%22", secret)
    assert len(found) == 1
    assert secret not in found[0]
    watching.search(secret[:-1] + "?", "here")
    assert len(found) == 2
    watching.search(secret[::-1], "here")
    assert len(found) == 2


def test_whatever_makes_a_secret_is_watched() -> None:
    """Who calls for randomness in letters does it by a name that is watched, or nobody is let in by it."""
    made = re.compile(r"\b(token_hex|token_urlsafe|b32encode|secrets\.choice)\(")
    makers = {
        (source.relative_to(ROOT).as_posix(), name)
        for root in ("auth", "tenants", "schema", "server", "platform")
        for source in (ROOT / root).rglob("*.py")
        for name in made.findall(source.read_text())
        if name != "token_urlsafe"
    }
    assert makers == {
        ("auth/pat_auth/issuer/recovery.py", "b32encode"),
        ("auth/pat_auth/issuer/totp.py", "b32encode"),
        # What the demo's invented people sign in with, which it tells everybody.
        ("server/pat_server/demo/credentials.py", "b32encode"),
        # Names of files and places, and the codes of cases and survivors: none lets anybody in.
        ("platform/pat_platform/encryption/private_file.py", "token_hex"),
        ("platform/pat_platform/engine/engine.py", "token_hex"),
        ("platform/pat_platform/postgres.py", "token_hex"),
        ("tenants/pat_tenants/codes.py", "secrets.choice"),
    }


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
