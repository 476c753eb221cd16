"""Authors of clients are told of every code, and with it the status that it comes with."""

import re
from pathlib import Path

import pytest
from graphql import parse, validate
from tests.docs.reading import blocks

from pat_auth.scopes import KNOWN_SCOPES
from pat_schema.root import graphql_schema
from pat_server.demo.clients import CLIENT_ID, ORIGIN, REDIRECT_URIS
from pat_server.endpoint import STATUS

ROOT = Path(__file__).resolve().parents[2]
PATH = ROOT / "docs" / "partners.md"
PAGE = PATH.read_text()
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


def test_every_scope_is_told() -> None:
    told = re.findall(r"^\| `([a-z]+)` \|", PAGE, re.MULTILINE)
    assert set(told) == KNOWN_SCOPES
    assert len(told) == len(set(told))


def test_what_is_to_be_sent_fits_the_schema() -> None:
    documents = blocks(PATH, "graphql")
    assert documents
    for document in documents:
        assert validate(graphql_schema(), parse(document)) == []


def test_the_demos_client_is_told_as_it_is() -> None:
    for told in (str(CLIENT_ID), ORIGIN, *REDIRECT_URIS):
        assert told in PAGE
    for example in ("sign_in.py", "sign_in.ts"):
        text = (ROOT / "tests" / "conformance" / example).read_text()
        assert str(CLIENT_ID) in text
        assert "http://127.0.0.1:8765/callback" in text
