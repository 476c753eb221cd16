"""The benchmark itself: the floor answers what the engine answers, and the report has the form that others read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.bench import __main__ as command
from tests.bench import cpu, data
from tests.bench.operations import OPERATIONS
from tests.bench.report import Ratio, ratio_of


@pytest.mark.slow
def test_the_floor_answers_as_the_engine_and_the_report_says_what_it_promises(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(data, "FOLDER", tmp_path / "bench")
    written = tmp_path / "report.json"
    command.main(["--scale", "1", "--rounds", "1", "--seconds", "0.2", "--json", str(written)])
    report = json.loads(written.read_text())
    assert list(report["operations"]) == list("abcdefgh")
    for letter, each in report["operations"].items():
        assert {"ratio", "low", "high"} <= each.keys()
        assert 0 < each["low"] <= each["high"]
        assert each["peers"].keys() == {"engine", "floor"}
        assert all(peer["requests"] > 0 for peer in each["peers"].values()), letter
    table = capsys.readouterr().out
    assert all(operation.words in table for operation in OPERATIONS.values())


def test_an_interval_narrows_with_the_rounds() -> None:
    few, many = ratio_of([0.8, 1.0]), ratio_of([0.8, 1.0] * 10)
    assert few.low < many.low < 0.9 < many.high < few.high
    assert many.median == pytest.approx(0.9)


def test_a_single_round_is_its_own_interval() -> None:
    assert ratio_of([0.9]) == Ratio(0.9, 0.9, 0.9)


def test_processor_time_is_counted_with_that_of_children() -> None:
    before = cpu.cpu_ms(1)
    assert cpu.cpu_ms(1) >= before >= 0
    assert cpu.resident_mb(1) > 0


def test_an_operation_that_is_unknown_is_said_to_be(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        command.main(["--only", "a,z"])
    assert "there is no operation z" in capsys.readouterr().err
