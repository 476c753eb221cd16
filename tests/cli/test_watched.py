"""A process that serves shows an operator its log and its numbers, and ends with a word that quotes nothing."""

from __future__ import annotations

import logging
import sys
import threading
import urllib.request
from dataclasses import replace
from pathlib import Path

import orjson
import pytest
from tests.cli.running import free_port
from tests.cli.test_serve import SECRET

from pat_platform.logging import get_logger
from pat_platform.settings import KeyProviderKind, Settings, SettingsError
from pat_server.app import create_app
from pat_server.commands.serving import NO_PROXIES
from pat_server.commands.trouble import Trouble
from pat_server.commands.watched import logged, measured

log = get_logger("pat.test")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(
        database_url="postgresql://127.0.0.1:1/nothing",
        secret=SECRET.encode(),
        key_folder=tmp_path / "keys",
        key_provider=KeyProviderKind.FILE,
        metrics_port=free_port(),
    )


def events(capfdbinary: pytest.CaptureFixture[bytes]) -> list[dict[str, object]]:
    return [orjson.loads(line) for line in capfdbinary.readouterr().err.splitlines()]


def test_the_log_goes_to_stderr_and_the_process_is_left_as_it_was(
    capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    with open(2, "wb", closefd=False) as stderr:
        monkeypatch.setattr(sys, "stderr", _Buffered(stderr))
        before = _reporters()
        with logged():
            log.info("test.event", count=1)
        assert _reporters() == before
    assert [event["event"] for event in events(capfdbinary)] == ["test.event"]


def _reporters() -> tuple[object, ...]:
    return list(logging.getLogger().handlers), sys.excepthook, threading.excepthook, sys.unraisablehook


class _Buffered:
    """A stderr that has its bytes below."""

    def __init__(self, buffer: object) -> None:
        self.buffer = buffer


def test_a_mistake_ends_the_process_without_being_quoted(
    capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    with open(2, "wb", closefd=False) as stderr:
        monkeypatch.setattr(sys, "stderr", _Buffered(stderr))
        with pytest.raises(SystemExit) as end, logged():
            raise RuntimeError("Quillonvara")
    assert end.value.code == 1
    told = capfdbinary.readouterr().err
    assert b"Quillonvara" not in told
    assert orjson.loads(told)["event"] == "process.failed"


@pytest.mark.parametrize("expected", [Trouble("It is taken."), SettingsError("Set it.")])
def test_what_a_sentence_tells_is_not_logged(
    capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch, expected: Exception
) -> None:
    with open(2, "wb", closefd=False) as stderr:
        monkeypatch.setattr(sys, "stderr", _Buffered(stderr))
        with pytest.raises(type(expected)), logged():
            raise expected
    assert events(capfdbinary) == []


def test_prometheus_reads_the_numbers_on_a_port_of_their_own(settings: Settings, tmp_path: Path) -> None:
    app = create_app(settings)
    url = f"http://127.0.0.1:{settings.metrics_port}/metrics"
    with logged() as sink, measured(app, settings, sink):
        sink.dropped = 3
        with urllib.request.build_opener(NO_PROXIES).open(url, timeout=10) as answer:
            told = answer.read().decode()
        with (
            pytest.raises(Trouble, match=r"PAT_METRICS_PORT .* cannot be used"),
            measured(app, settings, sink),
        ):
            pass
    assert "pat_log_lines_dropped_total 3.0" in told
    assert "process_resident_memory_bytes" in told


def test_without_a_port_there_are_no_numbers(settings: Settings) -> None:
    none = replace(settings, metrics_port=None)
    with logged() as sink, measured(create_app(none), none, sink):
        assert [thread.name for thread in threading.enumerate() if "serve_forever" in thread.name] == []


@pytest.mark.parametrize(
    ("variables", "field", "value"),
    [
        ({"PAT_LOG_LEVEL": "warning"}, "log_level", "warning"),
        ({"PAT_METRICS_PORT": "9100"}, "metrics_port", 9100),
        ({"PAT_METRICS_HOST": "10.0.0.1"}, "metrics_host", "10.0.0.1"),
        ({"PAT_DRAIN_SECONDS": "0"}, "drain_seconds", 0),
        ({"PAT_TRUST_TRACES": "1"}, "trusts_traces", True),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}, "traces", True),
        ({}, "traces", False),
    ],
)
def test_an_operator_sets_what_is_shown(variables: dict[str, str], field: str, value: object) -> None:
    given = {"DATABASE_URL": "postgresql://127.0.0.1/x", "PAT_SECRET": SECRET}
    assert getattr(Settings.from_environment({**given, **variables}), field) == value


def test_a_level_that_is_none_is_refused() -> None:
    given = {"DATABASE_URL": "postgresql://127.0.0.1/x", "PAT_SECRET": SECRET, "PAT_LOG_LEVEL": "loud"}
    with pytest.raises(SettingsError, match="PAT_LOG_LEVEL must be one of info, warning, error"):
        Settings.from_environment(given)
