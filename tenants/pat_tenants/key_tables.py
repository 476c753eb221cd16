"""Where wrapped keys lie: every table with a column `wrapped`, found in the models, so that a new one is rotated too."""

from __future__ import annotations

from dataclasses import dataclass

from pat_tenants.tables import metadata

WRAPPED = "wrapped"


@dataclass(frozen=True)
class KeyTable:
    """A table with a wrapped key in each row; `subject` is the column of the person whose key it is."""

    name: str
    subject: str


def key_tables() -> tuple[KeyTable, ...]:
    """All of them. Raises ValueError for one whose primary key is not the organisation and the person."""
    found = []
    for table in sorted(metadata.tables.values(), key=lambda table: table.fullname):
        if WRAPPED in table.c:
            _, subject = (column.name for column in table.primary_key)
            found.append(KeyTable(table.fullname, subject))
    return tuple(found)
