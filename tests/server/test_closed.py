"""A server that is no demo: clients ask what they know, and cannot look around."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest
from graphql import get_introspection_query
from tests.server.conftest import Caller, Network, free_port, serving

from pat_platform.settings import KeyProviderKind

ME = "{ me { name } }"


@pytest.fixture(scope="module")
def closed(network: Network) -> Iterator[Caller]:
    """A manager at a server that serves the network as if it were a real one."""
    settings = replace(network.settings, demo=False, key_provider=KeyProviderKind.FILE)
    with serving(settings, port=free_port()) as url, httpx.Client(base_url=url) as client:
        principal = network.principal("manager@cbo-a.example")
        yield Caller(client, principal, network.token(principal))


def only_error(answer: httpx.Response) -> dict[str, Any]:
    assert answer.json().keys() == {"errors"}
    (error,) = answer.json()["errors"]
    found: dict[str, Any] = error
    return found


@pytest.mark.parametrize(
    "document",
    [
        get_introspection_query(),
        "{ __schema { queryType { name } } }",
        '{ me { name } hidden: __type(name: "Case") { name } }',
        "query($off: Boolean!) { me { name } ... @include(if: $off) { ...About } } fragment About on Query { __schema { __typename } }",
        "query A { me { name } } query B { __schema { __typename } }",
    ],
)
def test_the_schema_is_not_told(closed: Caller, document: str) -> None:
    told = only_error(closed.post(document, {"off": False}))
    assert told["extensions"] == {"code": "FORBIDDEN"}
    assert "schema.graphql" in told["message"]


def test_the_name_of_a_type_is_no_secret(closed: Caller) -> None:
    assert closed.ask("{ __typename me { __typename } }") == {
        "__typename": "Query",
        "me": {"__typename": "Me"},
    }


@pytest.mark.parametrize(
    ("document", "variables"),
    [
        ("{ me { nam } }", {}),
        ("{ me { nam pasword } cases { nodes } }", {}),
        ("{ me { name } ... on Cas { id } }", {}),
        ("{ me(withNam: 1) { name } }", {}),
        ("{ cases(orderBy: OPENED_ON_DES) { totalCount } }", {}),
        ("{ cases(filter: {statu: []}) { totalCount } }", {}),
        ("query($id: I!) { case(id: $id) { id } }", {}),
        ("{ me { name @includ(if: true) } }", {}),
        ("query($filter: CaseFilter) { cases(filter: $filter) { totalCount } }", {"filter": {"statu": []}}),
        (
            "query($filter: CaseFilter) { cases(filter: $filter) { totalCount } }",
            {"filter": {"status": ["ACTIV"]}},
        ),
        ("query($id: ID!) { case(id: $id) { id } }", {}),
        ("query A { me { name } } query B { me { name } }", {}),
        ("mutation { openCas { __typename } }", {}),
        ("subscription { cases { totalCount } }", {}),
    ],
)
def test_what_does_not_fit_is_told_so_in_one_sentence(
    closed: Caller, document: str, variables: dict[str, Any]
) -> None:
    answers = [closed.post(document, variables), closed.post("{ anything }")]
    first, second = (only_error(answer) for answer in answers)
    assert first == second
    assert first["extensions"] == {"code": "BAD_INPUT"}


def test_a_syntax_error_is_placed_and_not_quoted(closed: Caller) -> None:
    told = only_error(closed.post("{ me { name Priya"))
    assert told["extensions"] == {"code": "BAD_INPUT"}
    assert "line 1, column 18" in told["message"]
    assert "Priya" not in told["message"]


@pytest.mark.parametrize("parameters", [{}, {"query": ME}, {"query": "mutation { x }"}])
def test_nothing_comes_by_get(closed: Caller, parameters: dict[str, str]) -> None:
    headers = {"authorization": f"Bearer {closed.token}", "accept": "text/html, */*"}
    answer = closed.client.get("/graphql", params=parameters, headers=headers)
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert only_error(answer)["extensions"] == {"code": "METHOD_NOT_ALLOWED"}


def test_there_is_no_explorer(closed: Caller) -> None:
    assert closed.client.get("/graphiql").status_code == 404


def test_queries_and_mutations_are_served(closed: Caller) -> None:
    (case,) = closed.ask("{ cases(first: 1) { edges { node { id } } } }")["cases"]["edges"]
    note = {"caseId": case["node"]["id"], "kind": "LEGAL", "text": "Written where nobody looks around."}
    asked = "mutation($input: AddCaseNoteInput!) { addCaseNote(input: $input) { __typename } }"
    assert closed.ask(asked, input=note) == {"addCaseNote": {"__typename": "CaseNote"}}


def test_a_developers_server_may_be_looked_around_in(network: Network) -> None:
    plain = replace(network.settings, demo=False)
    assert not plain.is_explorable
    assert replace(plain, development=True).is_explorable
