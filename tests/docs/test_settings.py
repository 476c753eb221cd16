"""Operators are told of every setting once, of none that there is not, and of defaults as they are."""

import re
from dataclasses import fields

import pytest
from tests.docs.reading import ROOT

from pat_platform.settings import Settings

PACKAGES = ("server", "platform")
NAME = re.compile(r"(?:PAT|DATABASE|OTEL)_[A-Z_]+")
READ = re.compile(rf'"({NAME.pattern})"')
ROW = re.compile(r"^\| ((?:`[A-Z_]+`(?:, )?)+) \| (.*) \|$", re.MULTILINE)
NUMBER = re.compile(r"`?(\d[\d,]*)`?(?: s)?\b(?![.:])")
TABLES = [row for page in sorted((ROOT / "docs").glob("*.md")) for row in ROW.findall(page.read_text())]
TOLD = [name for names, _ in TABLES for name in NAME.findall(names)]
# Set by the build for its own tools, and by Compose; no process of ours is told them.
NOT_FOR_OPERATORS = {"PAT_WEB_DRAFT", "PAT_HOST", "PAT_CLIENT_ID", "PAT_KEY"}
FIELDS = {f"PAT_{field.name.upper()}": field.default for field in fields(Settings)}
NUMBERS = {name: value for name, value in FIELDS.items() if type(value) in (int, float)}


def read() -> set[str]:
    """The variables that the code reads."""
    files = (path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
    named = {name for path in files for name in READ.findall(path.read_text())}
    return (named | NUMBERS.keys()) - NOT_FOR_OPERATORS


def default_told(name: str) -> float:
    """The default in a setting's row: the first cell that begins with a number."""
    [cells] = [cells for names, cells in TABLES if name in NAME.findall(names)]
    found = [number for cell in cells.split(" | ") if (number := NUMBER.match(cell))]
    assert found, f"{name}: no default is told"
    return float(found[0][1].replace(",", ""))


def test_every_setting_has_its_row() -> None:
    assert sorted(read() - set(TOLD)) == []


def test_no_setting_has_two_rows() -> None:
    assert sorted(name for name in set(TOLD) if TOLD.count(name) > 1) == []


def test_no_page_names_a_setting_that_there_is_not() -> None:
    pages = [
        *ROOT.glob("*.md"),
        *(ROOT / "docs").glob("*.md"),
        ROOT / "web" / "README.md",
        ROOT / "docker-compose.yml",
    ]
    named = {name for page in pages for name in NAME.findall(page.read_text())}
    assert sorted(named - read() - set(FIELDS) - NOT_FOR_OPERATORS) == []


@pytest.mark.parametrize("name", sorted(NUMBERS))
def test_a_default_is_told_as_it_is(name: str) -> None:
    told = default_told(name)
    assert NUMBERS[name] == (1000 * told if name.endswith("_MS") else told)
