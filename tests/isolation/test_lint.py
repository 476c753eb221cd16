"""The catalogue lint finds every fault that is planted, and nothing else; what it exempts is exactly what is listed."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from tests.isolation.plants import OF_TABLES, Plant
from tests.isolation.plants_privileges import OF_PRIVILEGES
from tests.support.wall import Wall

from pat_platform.database.models import TableKind
from pat_tenants.isolation.lint import RULES, Finding, lint
from pat_tenants.isolation.listed import REFERENCE_TABLES
from pat_tenants.tables import metadata

PLANTS = {**OF_TABLES, **OF_PRIVILEGES}


@dataclass(frozen=True)
class Planted:
    rule: str
    plant: Plant

    def __str__(self) -> str:
        return self.plant.sql.strip().splitlines()[0][:90]


ALL = [Planted(rule, plant) for rule, plants in PLANTS.items() for plant in plants]


def lint_with(wall: Wall, statement: str) -> list[Finding]:
    """What the lint says of the database with a fault, which is gone afterwards."""
    with wall.admin.transaction(force_rollback=True):
        wall.admin.execute(statement.replace("{login}", login_of(wall)).encode())
        return lint(wall.admin)


def login_of(wall: Wall) -> str:
    """The login of cbo-a's social workers."""
    return next(m.login for m in wall.members if m.slug == "cbo-a" and m.role == "social_worker")


def test_a_migrated_database_keeps_every_rule(wall: Wall) -> None:
    assert lint(wall.admin) == []


@pytest.mark.parametrize("planted", ALL, ids=str)
def test_a_planted_fault_is_found_by_its_rule_and_by_no_other(wall: Wall, planted: Planted) -> None:
    findings = lint_with(wall, planted.plant.sql)
    assert {finding.rule for finding in findings} == {planted.rule, *planted.plant.also}
    found = [finding.object for finding in findings if finding.rule == planted.rule]
    assert [name for name in found if planted.plant.names.replace("{login}", login_of(wall)) in name]


def test_every_rule_has_a_planted_fault() -> None:
    assert set(PLANTS) == {rule.name for rule in RULES}


def test_no_two_rules_share_a_name() -> None:
    assert len({rule.name for rule in RULES}) == len(RULES)


def test_the_lint_misses_no_table(wall: Wall) -> None:
    tables = {table.fullname: table.info["kind"] for table in metadata.tables.values()}
    of_the_domain = {name for name, kind in tables.items() if kind is not TableKind.SECURITY}
    of_tenants = {name for name, kind in tables.items() if kind is TableKind.TENANT}
    for rule, names, fault in (
        ("table without forced row security", set(tables), "alter table {} no force row level security"),
        ("table that is open without a session", of_the_domain, "drop policy session on {}"),
        ("tenant table without the fence", of_tenants, "drop policy fence on {}"),
    ):
        findings = lint_with(wall, "; ".join(fault.format(name) for name in names))
        assert set(findings) == {Finding(rule, name) for name in names}


def test_the_reference_tables_of_the_lint_are_those_of_the_models() -> None:
    reference = {t.fullname for t in metadata.tables.values() if t.info["kind"] is TableKind.REFERENCE}
    assert set(REFERENCE_TABLES) == reference


def test_the_migrator_may_run_the_lint(wall: Wall) -> None:
    with wall.connect_service("pat_service_migrator") as connection:
        assert lint(connection) == []
