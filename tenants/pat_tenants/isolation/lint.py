"""The catalogue lint: rules that the live database must keep, whoever changed it and however.

It reads the catalogue only, so it judges what stands, not what was meant. What a rule exempts is a closed list of ``listed.py``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from psycopg import Connection

from pat_tenants.isolation import lint_privileges, lint_tables, listed
from pat_tenants.isolation.roles import (
    APPLICATION_ROLES,
    DOOR_OWNERS,
    GROUP,
    MIGRATOR,
    OWNERS,
    SERVICE_LOGINS,
)


@dataclass(frozen=True)
class Finding:
    """One broken rule: its name, and the object that breaks it."""

    rule: str
    object: str

    def __str__(self) -> str:
        return f"{self.rule}: {self.object}"


RULES = (*lint_tables.RULES, *lint_privileges.RULES)


def lint(connection: Connection[Any]) -> list[Finding]:
    """Judge the database that ``connection`` is open on, as the migrator, which its role must be able to become.

    An empty list means: the wall stands.
    """
    parameters = _parameters()
    with connection.transaction():
        connection.execute(f"set local role {MIGRATOR}")
        # Names come back in full, whatever the caller's path is.
        connection.execute("set local search_path = pg_catalog")
        findings = [
            Finding(rule.name, row[0])
            for rule in RULES
            for row in connection.execute(rule.query, parameters).fetchall()
        ]
        connection.execute("set local search_path to default")
        connection.execute("reset role")
    return findings


def _parameters() -> dict[str, Any]:
    privileges = listed.privileges()
    return {
        "schemas": list(OWNERS),
        "schema_owners": list(OWNERS.values()),
        "owners": sorted({*OWNERS.values()}),
        "doors": list(DOOR_OWNERS),
        "group": GROUP,
        "application": list(APPLICATION_ROLES),
        "services": list(SERVICE_LOGINS),
        "migrator": MIGRATOR,
        "reference": list(listed.REFERENCE_TABLES),
        "second": [list(reference) for reference in listed.SECOND_REFERENCES],
        "second_names": [f"{table}.{name}" for table, name, _ in listed.SECOND_REFERENCES],
        "second_definitions": [definition for _, _, definition in listed.SECOND_REFERENCES],
        "index_names": list(listed.INDEXES),
        "index_definitions": list(listed.INDEXES.values()),
        "trigger_names": list(listed.TRIGGERS),
        "trigger_definitions": list(listed.TRIGGERS.values()),
        "definers": list(listed.DEFINERS),
        "called": [function for function, callers in listed.CALLERS.items() for _ in callers],
        "callers": [caller for callers in listed.CALLERS.values() for caller in callers],
        "hidden_views": list(listed.HIDDEN_VIEWS),
        "other_tables": list(listed.OTHER_TABLES),
        "extensions": list(listed.EXTENSIONS),
        "fence": listed.FENCE,
        "session": listed.SESSION,
        "author": listed.AUTHOR,
        "signature": listed.SIGNATURE,
        "first_signature": listed.FIRST_SIGNATURE,
        "held_roles": [privilege.role for privilege in privileges],
        "held_tables": [privilege.table for privilege in privileges],
        "held_kinds": [privilege.kind for privilege in privileges],
        "held_columns": [privilege.column for privilege in privileges],
    }
