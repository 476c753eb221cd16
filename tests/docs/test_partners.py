"""Authors of clients are told of every code, and with it the status that it comes with."""

import re
from pathlib import Path

import pytest

from pat_server.endpoint import STATUS

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "partners.md").read_text()
ROW = re.compile(r"^\| (`[A-Z_`, ]+`) \| (\d{3}) \|", re.MULTILINE)
RAISED = re.compile(r"(?:Fault|FieldError|\berror|super\(\).__init__)\((?:[^()]*, )?\s*\"([A-Z_]+)\"")
TOLD = {code: int(status) for codes, status in ROW.findall(PAGE) for code in re.findall(r"[A-Z_]+", codes)}
PACKAGES = ("server", "schema", "tenants", "auth", "platform")


def raised() -> set[str]:
    """The codes of faults that stand in the code."""
    files = (path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
    return {code for path in files for code in RAISED.findall(path.read_text())}


@pytest.mark.parametrize("code", sorted(raised() | STATUS.keys()))
def test_every_code_is_told(code: str) -> None:
    assert code in TOLD


@pytest.mark.parametrize(("code", "status"), STATUS.items())
def test_statuses_are_told_as_they_are(code: str, status: int) -> None:
    assert TOLD[code] == status


def test_no_code_is_told_that_there_is_not() -> None:
    assert TOLD.keys() <= raised() | STATUS.keys()
