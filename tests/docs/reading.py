"""What the tests of the documentation read: its pages, and what stands in them."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "web" / "README.md"])
DECISIONS = sorted((ROOT / "docs" / "adr").glob("[0-9]*.md"))

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"(?<!!)\[[^\]]+\]\(([^)\s]+)\)")
_HERE_DOCUMENT = re.compile(r"<<'?GRAPHQL'?[^\n]*\n(.*?)\nGRAPHQL$", re.MULTILINE | re.DOTALL)
_PAT = r"(?:python3 pat|docker compose run --rm tools)"
_CALL = re.compile(rf"^[^#\n]*?\b{_PAT} (?P<rest>[^\n]*)$", re.MULTILINE)
_INLINE_CALL = re.compile(rf"`(?:{_PAT}|pat) (?P<rest>[a-z][^`\n]*)`")


def blocks(page: Path, language: str) -> list[str]:
    """The contents of a page's fenced blocks in a language."""
    return [body for found, body in _FENCE.findall(page.read_text()) if found == language]


def links(page: Path) -> list[str]:
    """Where a page's links lead, within the repository: external ones and code are left out."""
    text = _FENCE.sub("", page.read_text())
    return [target for target in _LINK.findall(text) if "://" not in target]


def documents(page: Path) -> list[str]:
    """The GraphQL documents that a page's shell blocks send."""
    return [found for block in blocks(page, "bash") for found in _HERE_DOCUMENT.findall(block)]


def calls(page: Path) -> Iterator[list[str]]:
    """The arguments of each call of the start script, or of the container with it: on a line of a shell block, or between backticks."""
    for block in blocks(page, "bash"):
        for found in _CALL.finditer(block):
            yield _words(found["rest"])
    for found in _INLINE_CALL.finditer(_FENCE.sub("", page.read_text())):
        yield _words(found["rest"])


def _words(rest: str) -> list[str]:
    """A call's arguments; what a shell does after them, such as `)` or `| head`, is cut off."""
    return shlex.split(re.split(r"[|)<>]|\s#", rest)[0])
