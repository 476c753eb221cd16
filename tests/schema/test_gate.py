"""A change that breaks clients of the last release is announced, or it does not get in."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from pat_schema.changes import breaking_changes, dangerous_changes, unannounced
from pat_server.commands import schema

ROOT = Path(__file__).resolve().parents[2]
RELEASED = ROOT / "schema" / "released.graphql"
CURRENT = ROOT / "schema" / "schema.graphql"

BEFORE = """
type Query { case(id: ID!): Case, cases(first: Int): [Case!]! }
type Case { code: String!, status: Status }
enum Status { OPEN CLOSED }
"""
CHANGELOG = (
    "# Changelog\n\n## [Unreleased]\n\n{}\n\n## [0.1.0]\n\n### Breaking\n\n- `Case.code` was removed.\n"
)


def test_what_breaks_clients_of_the_last_release_is_announced() -> None:
    changes = breaking_changes(RELEASED.read_text(), CURRENT.read_text())
    missing = unannounced(changes, (ROOT / "CHANGELOG.md").read_text())
    assert missing == [], (
        "deprecate instead, or list each of these lines under `### Breaking` in [Unreleased] of CHANGELOG.md"
    )


def test_changes_since_the_last_release_are_listed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(schema, "RELEASED", tmp_path / "released.graphql")
    done = CliRunner().invoke(schema.command, ["--changes"], catch_exceptions=False)
    assert (done.exit_code, "no release yet" in done.stdout) == (0, True)
    (tmp_path / "released.graphql").write_text(CURRENT.read_text())
    done = CliRunner().invoke(schema.command, ["--changes"], catch_exceptions=False)
    assert done.stdout.startswith("Nothing breaks")
    (tmp_path / "released.graphql").write_text(
        CURRENT.read_text().replace(
            "type Case implements Node {", "type Case implements Node {\n  gone: Int\n"
        )
    )
    done = CliRunner().invoke(schema.command, ["--changes"], catch_exceptions=False)
    assert done.stdout == "breaks     Field Case.gone was removed.\n"


@pytest.mark.parametrize(
    ("was", "becomes", "described"),
    [
        ("code: String!, ", "", "Field Case.code was removed."),
        ("code: String!", "code: String", "Field Case.code changed type from String! to String."),
        ("OPEN CLOSED", "OPEN", "Enum value Status.CLOSED was removed."),
        ("case(id: ID!)", "case(id: ID!, at: Int!)", "A required argument Query.case(at:) was added."),
    ],
)
def test_a_break_passes_only_when_its_own_release_names_it(was: str, becomes: str, described: str) -> None:
    changes = breaking_changes(BEFORE, BEFORE.replace(was, becomes))
    assert changes == [described]
    (change,) = changes
    assert unannounced(changes, CHANGELOG.format("### Added\n\n- Something.")) == changes
    assert unannounced(changes, CHANGELOG.format(f"### Removed\n\n- {change}")) == changes
    assert unannounced(changes, CHANGELOG.format(f"### Breaking\n\n- Nobody used it.\n- {change}")) == []
    assert unannounced(changes, "# Changelog\n") == changes


def test_lines_may_be_broken_and_names_marked() -> None:
    section = "### Breaking\n\n- `Case.code`\n  was removed."
    assert unannounced(["Case.code was removed."], CHANGELOG.format(section)) == []


def test_what_does_not_break_is_not_asked_for() -> None:
    more = BEFORE.replace("OPEN", "OPEN PAUSED").replace("code: String!", "code: String!, note: String")
    assert breaking_changes(BEFORE, more) == []
    assert len(dangerous_changes(BEFORE, more)) == 1
