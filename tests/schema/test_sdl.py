"""The schema as a contract."""

from __future__ import annotations

from pathlib import Path

import pytest
from graphql import build_schema

from pat_auth.policy import POLICY, STEP_UP, Permission
from pat_platform.settings import Settings
from pat_schema.root import declarations, graphql_schema, print_schema
from pat_server import assembly
from pat_server.app import create_app

SDL = Path(__file__).resolve().parents[2] / "schema" / "schema.graphql"


def test_the_committed_schema_is_the_one_that_is_served() -> None:
    assert SDL.read_text() == print_schema(), "run `python3 pat schema --write` and read the difference"


def test_the_committed_schema_is_valid() -> None:
    build_schema(SDL.read_text())


def test_every_root_field_names_its_permission() -> None:
    assembly.demand_permissions()


def test_a_root_field_without_a_permission_is_not_served(monkeypatch: pytest.MonkeyPatch) -> None:
    found = declarations()
    lacking = {
        **found.fields,
        "Query": {name: each for name, each in found.fields["Query"].items() if name != "me"},
    }
    monkeypatch.setattr(assembly, "declarations", lambda: type(found)(lacking))
    settings = Settings.from_environment({}, database_url="postgresql://127.0.0.1:1/none", secret=b"s" * 32)
    with pytest.raises(assembly.PermissionMissing, match=r"Query\.me"):
        create_app(settings)


def test_what_needs_both_factors_lately_is_a_mutation() -> None:
    # Plans are kept for a role and a ceiling: when somebody signed in is not looked at for what is read.
    fields = declarations().fields
    needing = {
        f"{kind}.{name}"
        for kind, each in fields.items()
        for name, found in each.items()
        if found.requires in STEP_UP
    }
    assert needing
    assert {name.partition(".")[0] for name in needing} == {"Mutation"}


def test_every_permission_is_held_by_somebody() -> None:
    assert all(POLICY[permission] for permission in Permission)


def test_everything_is_described() -> None:
    lacking = []
    for name, kind in graphql_schema().type_map.items():
        if name.startswith("__") or name in {"Int", "String", "Boolean", "ID", "Float"}:
            continue
        if not kind.description and not name.endswith("Result"):
            lacking.append(name)
    assert not lacking


def test_no_sql_stands_in_the_schema() -> None:
    package = SDL.parent / "pat_schema"
    found = [
        f"{path.name}: {word}"
        for path in package.glob("*.py")
        for word in ("select ", "{n}", "{t}", " from app.")
        if word in path.read_text()
    ]
    assert not found
