"""The reports without a floor: each runs, in its smallest form, and says what it promises."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import psycopg
import pytest
from tests.bench import __main__ as command
from tests.bench import audit, clients, data, growth, inbox, logins, memory, page, processes, sign_in, sockets
from tests.bench.data import Data
from tests.bench.network import CASES_OF_EACH, Small, many
from tests.bench.telling import Columns, Row, table, tell


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Data]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(data, "FOLDER", tmp_path_factory.mktemp("bench"))
        with data.loaded(1) as found:
            yield found


def is_whole(columns: Columns, rows: Sequence[Row]) -> bool:
    """Whether each row has what the table shows of it, and nobody was refused."""
    return all(columns.keys() <= row.keys() and not row.get("failures") for row in rows)


@pytest.mark.slow
def test_memory_is_measured_idle_and_under_load(small: Data) -> None:
    rows = memory.measured(small, clients=20, seconds=0.2)
    assert is_whole(memory.COLUMNS, rows)
    assert [row["clients"] for row in rows] == [1, 20]
    assert all(0 < row["resident_mb"] <= row["most_mb"] + 1 for row in rows)


@pytest.mark.slow
def test_subscriptions_are_told_of_every_change(small: Data) -> None:
    rows = sockets.measured(small, subscriptions=20, events=2)
    assert is_whole(sockets.COLUMNS, rows)
    assert rows[0]["told"] > 0


@pytest.mark.slow
def test_a_write_is_measured_with_its_trail_and_without_and_the_trail_is_whole_again(small: Data) -> None:
    rows = audit.measured(small, rounds=1, seconds=0.2)
    assert is_whole(audit.COLUMNS, rows)
    with audit.silent(small), pytest.raises(ValueError, match="broken-off"), audit.silent(small):
        pass
    with audit.silent(small):
        pass


@pytest.mark.slow
def test_the_inbox_is_filled_once(small: Data) -> None:
    # Filling locks tables: nothing may stay open meanwhile.
    with psycopg.connect(small.admin_url, autocommit=True) as connection:
        counts = []
        for _ in range(2):
            inbox.fill(small.admin_url)
            counts.append(
                connection.execute(
                    "select min(n), max(n) from (select count(*) n from app.consents where evidence = %s"
                    " group by recipient_id) c",
                    (inbox.MARK,),
                ).fetchone()
            )
    assert counts[0] == counts[1]
    assert counts[0] is not None
    assert 100 < counts[0][0] <= counts[0][1] <= inbox.IN_EACH


@pytest.mark.slow
def test_signing_in_is_measured_from_the_password_to_the_tokens(small: Data) -> None:
    rows = sign_in.measured(small, at_once=2, times=1)
    assert is_whole(sign_in.COLUMNS, rows)
    assert [row["number"] for row in rows] == [2, 2, sign_in.VERIFIED]
    password, whole, token = (row["p50_ms"] for row in rows)
    assert 0 < token < password < whole


@pytest.mark.slow
def test_clients_are_counted_for_each_operation(small: Data) -> None:
    rows = clients.measured(small, (1, 60), seconds=0.2)
    assert is_whole(clients.COLUMNS, rows)
    found = [(row["operation"], row["clients"]) for row in rows]
    assert found == [("a", 1), ("a", 60), ("b", 1), ("b", 60)]


@pytest.mark.slow
def test_processes_are_asked_at_the_same_time(small: Data) -> None:
    rows = processes.measured(small, (2,), clients=4, seconds=0.2)
    assert is_whole(processes.COLUMNS, rows)
    assert [(row["operation"], row["processes"]) for row in rows] == [("a", 2), ("b", 2)]


@pytest.mark.slow
def test_growth_is_measured_on_pages_that_the_smallest_network_fills(small: Data) -> None:
    rows = growth.measured({1: small}, rounds=1, seconds=0.2)
    assert is_whole(growth.columns((1,)), rows)
    assert [row["operation"] for row in rows] == list(growth.ASKED)
    by_name = {row["operation"]: row for row in rows}
    assert by_name[f"b, {growth.SMALL_B} rows"]["rows_1"] == growth.SMALL_B
    assert by_name[f"e, {growth.SMALL_E} rows"]["rows_1"] == growth.SMALL_E


def test_a_page_says_the_command_without_where_else_it_wrote() -> None:
    told = page.source(["--only", "a", "--json", "somewhere.json", "--write"])
    assert told.startswith("`python3 pat bench --only a --write`, ")


@pytest.mark.slow
def test_small_organisations_ask_for_their_own_cases(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data, "FOLDER", tmp_path)
    with many(2, lambda _: None) as (made, callers):
        rows = logins.measured(made, callers, (4,), seconds=0.2)
    assert is_whole(logins.COLUMNS, rows)
    assert [(row["organisations"], row["wrong_rows"]) for row in rows] == [(2, 0)]


def test_rows_of_another_organisation_are_noticed() -> None:
    mine, another = Small(0).mark, Small(1).mark
    found = logins.Asked({b"page": (mine.encode(), 2), b"case": (mine.encode(), 1)})
    found.look(b"page", f'{{"code" : "{mine}-0"}}, {{"code":"{mine}-1"}}'.encode())
    assert found.wrong_rows == 0
    found.look(b"case", f'{{"code" : "{mine}-0"}}, {{"code":"{another}-1"}}'.encode())
    assert found.wrong_rows == 1
    found.look(b"page", f'{{"code" : "{mine}-0"}}'.encode())
    assert found.wrong_rows == 2


def test_small_organisations_have_cases_of_their_own() -> None:
    cases = {Small(number).case(case) for number in range(3) for case in range(CASES_OF_EACH)}
    assert len(cases) == 3 * CASES_OF_EACH


def test_a_report_is_told_as_a_table_and_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    columns, rows = {"name": "who", "ms": "ms"}, [{"name": "a", "ms": 0.123}, {"name": "b", "ms": 1234.5}]
    tell("example", columns, rows, tmp_path / "example.json")
    assert capsys.readouterr().out == "| who | ms |\n| --- | --- |\n| a | 0.12 |\n| b | 1234 |\n"
    assert json.loads((tmp_path / "example.json").read_text()) == {"example": rows}
    assert table(columns, [{"name": "c"}]).endswith("| c | - |")


def test_every_report_is_told_in_the_help() -> None:
    assert all(f"python3 pat bench {name} " in (command.__doc__ or "") for name in command.OTHERS)
