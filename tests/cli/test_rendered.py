"""What is rendered from code can be read, written and compared."""

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.cli.conftest import Pat

from pat_auth.policy import Permission, Role
from pat_schema.root import print_schema
from pat_server.commands import policy, rendered, schema
from pat_tenants.isolation.render import policies_sql

CASES = [("policy", policy, policies_sql, ["--sql"]), ("schema", schema, print_schema, [])]


@pytest.fixture(params=CASES, ids=["policy", "schema"])
def case(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[str, Path, Callable[[], str], list[str]]:
    """A command, the file that it looks after (here an empty one), what belongs into it, and how to print it."""
    name, module, render, printing = request.param
    monkeypatch.setattr(rendered, "CHECKOUT", tmp_path)
    monkeypatch.setattr(module, "FILE", tmp_path / "file")
    return name, tmp_path / "file", render, printing


Case = tuple[str, Path, Callable[[], str], list[str]]


def test_it_is_printed_and_nothing_else(pat: Pat, case: Case) -> None:
    name, file, render, printing = case
    assert pat(name, *printing).output == render()
    assert not file.exists()


def test_what_is_written_passes_the_check(pat: Pat, case: Case) -> None:
    name, file, render, _ = case
    assert pat(name, "--write").exit_code == 0
    assert file.read_text() == render()
    assert pat(name, "--check").output == "file is what the code says.\n"


@pytest.mark.parametrize("stored", [None, "something else\n"])
def test_a_difference_fails_the_check_is_shown_and_says_what_to_do(
    pat: Pat, case: Case, stored: str | None
) -> None:
    name, file, render, _ = case
    if stored:
        file.write_text(stored)
    done = pat(name, "--check")
    assert done.exit_code == 1
    assert "+" + render().splitlines()[0] in done.stdout
    assert "more lines" in done.stdout
    assert f"run `python3 pat {name} --write`" in done.stderr


def test_to_write_and_to_check_exclude_each_other(pat: Pat, case: Case) -> None:
    assert pat(case[0], "--write", "--check").exit_code == 2


def test_the_table_has_a_line_for_each_permission_and_a_column_for_each_role(pat: Pat) -> None:
    lines = pat("policy").output.splitlines()
    roles, rows = lines[: len(Role)], lines[len(Role) : len(Role) + len(Permission)]
    for index, (role, line) in enumerate(zip(Role, roles, strict=True)):
        assert line.split("│")[-1].split() == [role.value]
        assert line.count("│") == index
    assert [row.split()[0] for row in rows] == [permission.value for permission in Permission]
    row = next(row for row in rows if row.startswith("identity:read"))
    assert row.split()[1:9] == ["org", "org", "asg", "asg", "asg", "·", "·", "own"]


def test_a_column_stands_under_the_name_of_its_role(pat: Pat) -> None:
    lines = pat("policy").output.splitlines()
    survivor = next(line for line in lines if line.endswith(" survivor"))
    row = next(line for line in lines if line.startswith("referral:read"))
    assert row[survivor.index("survivor") :].startswith("own")


def test_the_table_of_one_role_has_only_what_she_may(pat: Pat) -> None:
    lines = pat("policy", "--role", "survivor").output.splitlines()
    assert [line.split()[:2] for line in lines if line.startswith(("identity", "case"))] == [
        ["case:read", "own"],
        ["identity:read", "own"],
    ]


def test_a_role_has_no_sql_of_its_own(pat: Pat) -> None:
    assert pat("policy", "--role", "survivor", "--sql").exit_code == 2
