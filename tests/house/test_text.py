"""No file tells of the machine on which it was written, nor of the index from which packages came."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NOT_OURS = {"__pycache__", "node_modules", "build", "dist"}
MACHINE = re.compile(r"(?<![\w.])/(?:root|work|home/\w+|Users/\w+)/")
INDEX = re.compile(r"pypi\.org|pythonhosted\.org|registry\.npmjs\.org|--(?:extra-)?index-url|--find-links")


def texts() -> Iterator[Path]:
    """Every text file of the checkout that is ours."""
    for path in ROOT.rglob("*"):
        parts = path.relative_to(ROOT).parts
        is_hidden = any(part.startswith(".") and part not in {".ci", ".gitignore"} for part in parts)
        if path.is_file() and not is_hidden and not NOT_OURS.intersection(parts) and path != Path(__file__):
            yield path


@pytest.mark.parametrize("pattern", [MACHINE, INDEX], ids=["machine", "index"])
def test_no_file_names(pattern: re.Pattern[str]) -> None:
    found = []
    for path in texts():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        if hit := pattern.search(text):
            found.append(f"{path.relative_to(ROOT)}: {hit[0]}")
    assert found == []
