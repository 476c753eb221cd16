"""How one schema differs from another: what breaks clients, what may, and which of it was announced."""

from __future__ import annotations

import re
from collections.abc import Iterable

from graphql import build_schema
from graphql.utilities import find_breaking_changes, find_dangerous_changes

_UNRELEASED = re.compile(r"^## \[Unreleased\]\n(.*?)(?=^## \[|\Z)", re.MULTILINE | re.DOTALL)
_BREAKING = re.compile(r"^### Breaking\n(.*?)(?=^### |\Z)", re.MULTILINE | re.DOTALL)


def breaking_changes(released: str, current: str) -> list[str]:
    """What stops a client of the released schema from working: a sentence each, as graphql-core puts it."""
    changes = find_breaking_changes(build_schema(released), build_schema(current))
    return sorted(change.description for change in changes)


def dangerous_changes(released: str, current: str) -> list[str]:
    """What may surprise a client of the released schema, such as a new value of an enum."""
    changes = find_dangerous_changes(build_schema(released), build_schema(current))
    return sorted(change.description for change in changes)


def unannounced(changes: Iterable[str], changelog: str) -> list[str]:
    """Those changes that the section `### Breaking` of the changelog's `[Unreleased]` does not name, word by word."""
    unreleased = _UNRELEASED.search(changelog)
    section = _BREAKING.search(unreleased[1]) if unreleased else None
    announced = _plain(section[1]) if section else ""
    return [change for change in changes if _plain(change) not in announced]


def _plain(text: str) -> str:
    """The words alone: however lines are broken and names are marked."""
    return " ".join(text.replace("`", "").split())
