"""No field of the schema is left out: whatever may be selected compiles, and is what the standard executor says."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import psycopg
import pytest
from graphql import (
    GraphQLField,
    GraphQLNamedOutputType,
    GraphQLObjectType,
    get_named_type,
    is_abstract_type,
    is_leaf_type,
    is_required_argument,
)
from tests.server.conftest import Network, asks
from tests.support.issuing import put_client

from pat_platform.engine.errors import NotCompilable
from pat_platform.settings import EngineMode
from pat_schema.root import graphql_schema
from pat_server.assembly import assemble
from pat_server.executing import Executor
from pat_server.requests import GraphQLRequest

LEVELS = 7
FEWER = {
    "alerts": 4,
    "auditEvents": 4,
    "case": 3,
    "cases": 3,
    "consents": 3,
    "hearings": 4,
    "legalBases": 3,
    "me": 4,
    "node": 3,
    "partnerEvents": 4,
    "referrals": 2,
    "survivor": 3,
}
"""So many levels fewer: what hangs on the survivors there is asked for elsewhere, and all of it would cost too much."""
PAGE = "first: 2"
NODES = {
    "case": ("Case", "cases"),
    "survivor": ("Survivor", "survivors"),
    "selfHelpGroup": ("SelfHelpGroup", "self_help_groups"),
    "referral": ("Referral", "referrals"),
    "node": ("Case", "cases"),
}
ASKED_BY = {
    "clients": "admin@cbo-f.example",
    "invitations": "admin@cbo-f.example",
    "network": "analyst@secretariat.example",
    "ourSuspension": "admin@cbo-f.example",
    "partnerSuspensions": "admin@secretariat.example",
}
SCHEMA = graphql_schema()
assert SCHEMA.query_type


def selection(kind: GraphQLNamedOutputType, above: tuple[str, ...] = ()) -> str:
    """All fields of a type and of what lies below them, without going round in a circle."""
    if is_abstract_type(kind):
        members = SCHEMA.get_possible_types(kind)
        parts = [f"... on {member.name} {selection(member, above)}" for member in members]
        return "{ __typename " + " ".join(parts) + " }"
    assert isinstance(kind, GraphQLObjectType)
    return "{ __typename " + " ".join(selected(kind, (*above, kind.name))) + " }"


def selected(kind: GraphQLObjectType, above: tuple[str, ...]) -> Iterator[str]:
    for name, field in kind.fields.items():
        named = get_named_type(field.type)
        if is_leaf_type(named):
            yield name
        elif named.name not in above and len(above) < LEVELS:
            # Two members of a union may have fields of one name and different types.
            yield f"{kind.name}_{name}: {name}{arguments(field)} {selection(named, above)}"


def arguments(field: GraphQLField) -> str:
    required = [name for name, each in field.args.items() if is_required_argument(each)]
    assert not required, f"{required}: say here what to ask for"
    return f"({PAGE})" if "first" in field.args else ""


def documents(name: str, network: Network, organisation: str) -> Iterator[str]:
    """A document for each field of what a root field gives: all at once would be more than a request may ask for."""
    assert SCHEMA.query_type
    field = SCHEMA.query_type.fields[name]
    kind = get_named_type(field.type)
    # An alert holds a survivor and all that hangs on her: two would cost more than a request may. An event holds several.
    given = ["first: 1" if name in ("alerts", "auditEvents") else PAGE] if "first" in field.args else []
    if name == "auditEvents":
        # What is asked here is an event itself.
        given.append(f'filter: {{to: "{datetime.now(UTC).isoformat()}"}}')
    if name in NODES:
        given.append(f'id: "{some_id(network, organisation, *NODES[name])}"')
    directions = ("SENT", "RECEIVED") if "direction" in field.args else (None,)
    for direction in directions:
        asked = ", ".join([*given, f"direction: {direction}"] if direction else given)
        start, end = f"{name}({asked})" if asked else name, ""
        if kind.name.endswith("Connection"):
            yield f"{{ {start} {{ totalCount pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }} edges {{ cursor }} }} }}"
            assert isinstance(kind, GraphQLObjectType)
            edge = get_named_type(kind.fields["edges"].type)
            assert isinstance(edge, GraphQLObjectType)
            inner = get_named_type(edge.fields["node"].type)
            start, end = f"{start} {{ edges {{ node", " } }"
        else:
            inner = kind
        if isinstance(inner, GraphQLObjectType):
            for part in selected(inner, (inner.name, *[""] * FEWER.get(name, 0))):
                yield f"{{ {start} {{ {part} }}{end} }}"
        else:
            members = SCHEMA.get_possible_types(inner) if is_abstract_type(inner) else []
            for member in members:
                for part in selected(member, (member.name, *[""] * FEWER.get(name, 0))):
                    yield f"{{ {start} {{ __typename ... on {member.name} {{ {part} }} }}{end} }}"


def some_id(network: Network, organisation: str, kind: str, table: str) -> str:
    (key,) = network.rows(
        f"select t.id from app.{table} t join app.organisations o on o.id = t.organisation_id"
        " where o.slug = %s order by t.id limit 1",
        organisation,
    )[0]
    return b64encode(f"{kind}:{key}".encode()).decode()


@pytest.fixture(scope="module", autouse=True)
def client(network: Network) -> None:
    """A client of the organisation that is asked about."""
    ((organisation,),) = network.rows("select id from app.organisations where slug = 'cbo-f'")
    with psycopg.connect(network.admin_url) as connection:
        put_client(connection, organisation, keys=[{"kid": "first"}])


@pytest.mark.slow
@pytest.mark.parametrize("name", SCHEMA.query_type.fields)
async def test_every_field_compiles_to_what_the_standard_executor_answers(
    network: Network, name: str
) -> None:
    principals = [
        network.principal(email)
        for email in (ASKED_BY.get(name, "manager@cbo-f.example"), "survivor1@cbo-f.example")
    ]
    compiled = assemble(replace(network.settings, engine=EngineMode.COMPILED))
    standard = assemble(replace(network.settings, engine=EngineMode.EXECUTOR))
    try:
        for document in documents(name, network, "cbo-f"):
            request = GraphQLRequest(document, None, None)
            # Nobody else has a log of who has looked.
            principal = principals["accessLog" in document]
            one, other = [
                json.dumps(json.loads((await asks(Executor(parts), principal, request)).body))
                for parts in (compiled, standard)
            ]
            assert one == other, document
            assert "errors" not in json.loads(one), (document, one)
        assert compiled.engine.counters.fallbacks == 0
        assert compiled.engine.counters.compiled > 0
    finally:
        await compiled.database.close()
        await standard.database.close()


async def test_what_does_not_compile_is_an_error_and_counted(
    network: Network, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise NotCompilable("a declaration that nobody foresaw")

    parts = assemble(network.settings)
    monkeypatch.setattr(parts.engine.planner, "query", fail)
    try:
        principal = network.principal("manager@cbo-f.example")
        answer = await asks(Executor(parts), principal, GraphQLRequest("{ me { name } }", None, None))
    finally:
        await parts.database.close()
    (error,) = json.loads(answer.body)["errors"]
    assert error["extensions"]["code"] == "INTERNAL"
    assert parts.engine.counters.fallbacks == 1
    assert '"error":"NotCompilable"' in caplog.text
