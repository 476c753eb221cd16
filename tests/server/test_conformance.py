"""GraphQL over HTTP as others understand it: the public audits, and the clients that partners use."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from gql import Client, gql
from gql.transport.exceptions import TransportQueryError
from gql.transport.httpx import HTTPXTransport
from tests.conformance.programs import run_node, run_python
from tests.server.conftest import Caller

AUDITS = 61
JAVASCRIPT_CLIENTS = ("urql, getting", "urql", "apollo", "graphql-request")
CODES = "query($filter: CaseFilter) { cases(first: 2, filter: $filter) { edges { node { id code } } } }"
ADD_NOTE = "mutation($input: AddCaseNoteInput!) { addCaseNote(input: $input) { __typename } }"


def asking(server: str, caller: Caller) -> dict[str, str]:
    """What a client program has to know."""
    return {
        "PAT_URL": f"{server}/graphql",
        "PAT_TOKEN": caller.token,
        "PAT_MUTATION": str(uuid4()),
    }


def understood(caller: Caller, **variables: Any) -> dict[str, Any]:
    """What each client has to understand: data, a mutation, a mistake, and not being signed in."""
    cases = caller.ask(CODES, **variables)["cases"]["edges"]
    return {
        "codes": [case["node"]["code"] for case in cases],
        "added": ["CaseNote", "PHONE_CALL"],
        "mistaken": "BAD_INPUT",
        "nobody": "UNAUTHENTICATED",
    }


def test_every_audit_of_graphql_over_http_is_passed(server: str, manager: Caller) -> None:
    results = run_node("audits.mjs", **asking(server, manager))
    assert [result for result in results if result["status"] != "ok"] == []
    assert len(results) == AUDITS


def test_javascript_clients_are_understood(server: str, manager: Caller) -> None:
    told = run_node("clients.mjs", **asking(server, manager))
    assert told == dict.fromkeys(JAVASCRIPT_CLIENTS, understood(manager))


@pytest.mark.slow
def test_typescript_that_is_generated_from_the_schema_compiles_and_is_understood(
    server: str, manager: Caller
) -> None:
    run_node("codegen.mjs")
    run_node("node_modules/typescript/bin/tsc", "--project", ".")
    told = run_node("build/js/typed.js", **asking(server, manager))
    expected = understood(manager, filter={"status": ["ACTIVE"]})
    assert told == {**expected, "statuses": ["ACTIVE"]}


def test_python_that_is_generated_from_the_schema_is_understood(server: str, manager: Caller) -> None:
    told = run_python("typed_client.py", **asking(server, manager))
    expected = understood(manager, filter={"status": ["ACTIVE"]})
    assert told == {**expected, "statuses": ["ACTIVE"]}


def test_a_python_client_checks_its_documents_against_the_schema_it_asks_for(
    server: str, manager: Caller
) -> None:
    headers = {"authorization": f"Bearer {manager.token}"}
    transport = HTTPXTransport(f"{server}/graphql", headers=headers)
    with Client(transport=transport, fetch_schema_from_transport=True) as session:
        listed = session.execute(gql(CODES))
        assert listed == manager.ask(CODES)
        (first, *_) = listed["cases"]["edges"]
        note = {"caseId": first["node"]["id"], "kind": "LEGAL", "text": "Written by a client."}
        asked = gql(ADD_NOTE)
        asked.variable_values = {"input": note}
        assert session.execute(asked) == {"addCaseNote": {"__typename": "CaseNote"}}
        with pytest.raises(TransportQueryError) as mistaken:
            session.execute(gql('{ case(id: "nonsense") { code } }'))
    assert codes(mistaken.value) == ["BAD_INPUT"]


def test_a_python_client_without_a_token_is_told_that_it_needs_one(server: str) -> None:
    client = Client(transport=HTTPXTransport(f"{server}/graphql"))
    with pytest.raises(TransportQueryError) as refused, client as session:
        session.execute(gql("{ me { name } }"))
    assert codes(refused.value) == ["UNAUTHENTICATED"]


def codes(error: TransportQueryError) -> list[str]:
    return [each["extensions"]["code"] for each in error.errors or ()]
