"""Whatever the suite logs is searched for the demo's people: their names, numbers, addresses, notes and tokens.

Secrets that look like nothing are known from when they were made (`tests.observability.opaque`).
Three kinds of logs are watched: what this process logs, what processes that it starts write to stderr, and what PostgreSQL writes.
A test during which somebody is named fails.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest
from tests.observability import opaque

from pat_platform.log_sink import Sink
from pat_platform.postgres import EmbeddedPostgres
from pat_server.demo import names
from pat_server.demo.cases import NOTES
from pat_server.demo.organisations import ORGANISATIONS

SHORTEST_PHRASE = 12
LOGS = re.compile(r"stderr.*|errors.*|.*\.(?:log|err)")
NOT_LOGS = {"data", "node_modules"}
"""Folders of a cluster's tables, where nothing of the suite is deleted in clear, and of other people's code."""


def _alternatives(words: Iterator[str]) -> str:
    return "|".join(sorted(map(re.escape, set(words))))


def _phrases() -> Iterator[str]:
    """What every note of the demo holds apart from a name."""
    for _, text in NOTES:
        yield from (part.strip() for part in text.split("{name}") if len(part.strip()) >= SHORTEST_PHRASE)


_NAMES = (*names.SURVIVOR_FIRST, *names.SURVIVOR_SECOND, *names.STAFF_FIRST, *names.STAFF_SECOND)
PEOPLE = re.compile(
    rf"\b(?:{_alternatives(iter((*_NAMES, *names.HAMLETS)))})\b"
    rf"|{_alternatives(_phrases())}"
    r"|\+?91[ -]?5\d{4}[ -]?\d{5}\b"
    # A token, whole or in part.
    r"|\beyJ[\w-]{8,}|[Bb]earer [\w-]{8,}"
)
SIGN_INS = re.compile(rf"[\w.]+@(?:{_alternatives(each.slug for each in ORGANISATIONS)})\.example")
# A file that is missing is no row.
STATEMENTS = re.compile(r"^.*(?:STATEMENT|DETAIL(?!:\s+File )|CONTEXT|parameters|QUERY): .*$", re.MULTILINE)
"""What PostgreSQL adds to a message: the statement, and the values in it."""

leaks: list[str] = []
"""What was found and no test has answered for yet."""


def search(text: str, where: str, *patterns: re.Pattern[str]) -> None:
    """Look for people, and for secrets, in the text of a log."""
    for pattern in patterns or (PEOPLE, SIGN_INS):
        if found := pattern.search(text):
            leaks.append(f"{where} tells {found[0]!r}")
    if secret := opaque.found_in(text):
        leaks.append(f"{where} tells the secret {secret!r}")


def search_stderr(text: str, where: str) -> None:
    """Look for people in what a command wrote to stderr: to its caller it may name the account that the caller has named."""
    for line in text.splitlines():
        search(line, where, *((PEOPLE, SIGN_INS) if line.startswith("{") else (PEOPLE,)))


class Watch(logging.Handler):
    """Reads every record that reaches the root of the standard library's loggers."""

    def emit(self, record: logging.LogRecord) -> None:
        search(logging.Formatter().format(record), f"the logger {record.name}")


@pytest.fixture(autouse=True, scope="session")
def watched_logs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Watch every log, as long as the session lasts."""
    watch = Watch()
    logging.getLogger().addHandler(watch)
    with pytest.MonkeyPatch.context() as patch:
        opaque.watch_makers(patch)
        patch.setattr(Sink, "__call__", _searching_call(Sink.__call__))
        patch.setattr(EmbeddedPostgres, "erase", _searching_erase(EmbeddedPostgres.erase))
        yield
    logging.getLogger().removeHandler(watch)
    for path in log_files(tmp_path_factory.getbasetemp()):
        search_stderr(path.read_text(errors="replace"), str(path))
    answer_for_leaks()


@pytest.fixture(autouse=True)
def nobody_is_named(watched_logs: None) -> Iterator[None]:
    """A test fails if somebody was named in a log while it ran."""
    yield
    answer_for_leaks()


def answer_for_leaks() -> None:
    """Fail if somebody was named."""
    told, leaks[:] = list(leaks), []
    if told:
        pytest.fail("a log names somebody: " + "; ".join(told), pytrace=False)


def log_files(folder: Path) -> Iterator[Path]:
    """The logs below a folder."""
    for place, folders, files in os.walk(folder):
        folders[:] = [each for each in folders if each not in NOT_LOGS]
        yield from (Path(place, name) for name in files if LOGS.fullmatch(name))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    call: pytest.CallInfo[None],
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Search what was written to this process's stderr, by itself or by those that share it."""
    report = yield
    for title, text in report.sections:
        if title == f"Captured stderr {call.when}":
            search_stderr(text, "stderr")
    return report


def _searching_call(call: Callable[[Sink, bytes, bool], None]) -> Callable[[Sink, bytes, bool], None]:
    def searching(self: Sink, line: bytes, urgent: bool) -> None:
        search(line.decode(), "the log")
        call(self, line, urgent)

    return searching


def _searching_erase(erase: Callable[[EmbeddedPostgres], None]) -> Callable[[EmbeddedPostgres], None]:
    def searching(self: EmbeddedPostgres) -> None:
        if self.log_file.is_file():
            search(
                self.log_file.read_text(errors="replace"), str(self.log_file), PEOPLE, SIGN_INS, STATEMENTS
            )
        erase(self)

    return searching
