"""Codes: what a column is declared to hold is what its constraint admits, so that no row has to be checked again."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from graphql import GraphQLEnumType, GraphQLObjectType, get_named_type
from tests.support.wall import Wall

from pat_auth.policy import Role
from pat_auth.scopes import SCOPES
from pat_platform.engine.declare import Column
from pat_platform.engine.kinds import CODE, CODE_ARRAY
from pat_platform.settings import Settings
from pat_schema.root import declarations, graphql_schema
from pat_schema.viewer import Viewer
from pat_server.assembly import make_engine, vault_of

TABLES = {
    "Alert": "app.alerts",
    "Case": "app.cases",
    "CaseCount": "app.cases",
    "CaseNote": "app.case_notes",
    "Client": "app.clients",
    "Consent": "app.consents",
    "GroupMember": "app.group_members",
    "Hearing": "app.hearings",
    "LegalBasis": "app.legal_bases",
    "LegalProceeding": "app.legal_proceedings",
    "Organisation": "app.organisations",
    "PartnerSuspension": "app.partner_suspensions",
    "Place": "app.places",
    "Referral": "app.referrals",
    "ReferralCount": "app.referrals",
    "ReferralHearing": "app.referral_hearings",
    "ReferralStep": "app.referral_steps",
    "ReferralUpdate": "app.referral_updates",
    "RemotePointConfirmation": "app.hearing_confirmations",
    "SelfHelpGroup": "app.self_help_groups",
    "SharedHearing": "app.hearings",
    "SharedIdentity": "app.survivors",
    "SharedProceeding": "app.legal_proceedings",
    "SharedRisk": "app.cases",
    "Survivor": "app.survivors",
}
"""Where the rows of each type come from, through whatever view."""
ELSEWHERE = {("Alert", "because"): "app.alert_closings"}
"""Columns that stand in another table."""


def coded() -> Iterator[tuple[str, str, str]]:
    """Type, field and column of everything that is declared to be a code."""
    for type_name, fields in declarations().fields.items():
        for field_name, declaration in fields.items():
            if isinstance(declaration, Column) and declaration.kind in (CODE, CODE_ARRAY):
                yield type_name, field_name, declaration.name


def admitted(wall: Wall, table: str, column: str) -> set[str]:
    """What the column's constraint admits, as the catalogue says it."""
    rows = wall.admin.execute(
        "select pg_get_constraintdef(k.oid) from pg_constraint k join pg_attribute a"
        " on a.attrelid = k.conrelid and k.conkey = array[a.attnum]"
        " where k.contype = 'c' and k.convalidated and k.conrelid = %s::regclass and a.attname = %s",
        (table, column),
    ).fetchall()
    listed = [text for (text,) in rows if " = ANY (" in text or " <@ " in text]
    assert len(listed) == 1, (table, column, rows)
    return set(re.findall(r"'([^']*)'", listed[0]))


@pytest.mark.parametrize(("type_name", "field_name", "column"), list(coded()))
def test_the_constraint_admits_what_the_enum_names_and_nothing_else(
    wall: Wall, type_name: str, field_name: str, column: str
) -> None:
    kind = graphql_schema().type_map[type_name]
    assert isinstance(kind, GraphQLObjectType)
    enumeration = get_named_type(kind.fields[field_name].type)
    assert isinstance(enumeration, GraphQLEnumType)
    table = ELSEWHERE.get((type_name, column), TABLES[type_name])
    assert admitted(wall, table, column) == set(enumeration.values)


def test_a_code_is_passed_on_as_it_is_stored() -> None:
    url = "postgresql://127.0.0.1:1/none"
    settings = Settings.from_environment({}, database_url=url, secret=b"s" * 32, demo=True)
    engine = make_engine(settings, vault_of(settings))
    viewer = Viewer(Role.CASE_MANAGER, SCOPES)
    document = "{ cases { edges { node { status stage exploitation } } } }"
    bound = engine.prepare(document, None, None, viewer, viewer.key)
    assert "when" not in str(bound.sql)
    assert not bound.plan.uses_token
