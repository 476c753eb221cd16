"""What every row of the tests' organisations is made with: whose it is, who wrote it, and when."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from tests.support.people import Row, named

from pat_auth.policy import Role

LABELS = ("hers", "ours")
DAY = date(2026, 1, 15)
LATER = datetime.now(UTC) + timedelta(days=30)
EARLIER = datetime.now(UTC) - timedelta(days=30)

Labelled = dict[str, Row]


def author(slug: str) -> UUID:
    return named("person", f"{slug}/{Role.CASE_MANAGER}/1")


def made(slug: str, table: str, label: str, **values: Any) -> tuple[str, Row]:
    row = {
        "organisation_id": named("organisation", slug),
        "id": named(slug, table, label),
        "created_by": author(slug),
        **values,
    }
    return f"app.{table}", {name: value for name, value in row.items() if value is not None}


def about_her(
    slug: str, table: str, label: str, *, survivor: str, has_id: bool = False, **values: Any
) -> Row:
    """A row about a survivor."""
    if not has_id:
        values["id"] = None
    return made(slug, table, label, survivor_id=named(slug, "survivors", survivor), **values)[1]


def marker(slug: str, label: str) -> bytes:
    return f"marker {slug} {label}".encode()
