"""The repository speaks of the product alone: not of how, where or by what it was written."""

import re
import subprocess
from pathlib import Path

import pytest
from tests.docs.reading import PAGES, ROOT

WORDS = (
    r"prototypes?",
    r"(?:sub-?)?agents?",
    r"assistants?",
    r"helpers?",
    r"workplace",
    r"issue #?\d+",
    r"(?:design|domain|style)\.md",
    r"evidence/",
    r"todo",
    r"fixme",
)
# A library may call a part of itself as it likes.
NOT_OURS = re.compile(rf"(?<![\w-])(?<!webauthn\.)(?:{'|'.join(WORDS)})(?![\w-])", re.IGNORECASE)
# Words that a shop window would use.
ADVERTISING = re.compile(
    r"\b(?:seamless|robust|powerful|cutting-edge|state-of-the-art|blazing|leverag\w+|effortless\w*)\b", re.I
)


def ours() -> list[Path]:
    """The text files that git knows, or, in a checkout without git, the pages."""
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    if done.returncode != 0:
        return PAGES
    named = (ROOT / name for name in done.stdout.split("\0") if name)
    return [path for path in named if path.is_file() and path != Path(__file__) and not is_lock(path)]


def is_lock(path: Path) -> bool:
    """Whether a file names packages as their authors did."""
    return path.suffix == ".txt" or path.name == "package-lock.json"


def test_no_file_speaks_of_anything_but_the_product() -> None:
    found = []
    for path in ours():
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            if hit := NOT_OURS.search(line):
                found.append(f"{path.relative_to(ROOT)}:{number}: {hit[0]}")
    assert found == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_page_advertises(page: Path) -> None:
    assert ADVERTISING.findall(page.read_text()) == []
