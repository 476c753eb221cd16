"""What scanners of GraphQL servers look for, and that they find nothing."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from tests.server.conftest import Caller

ME = "{ me { name } }"
CASES = "query($filter: CaseFilter) { cases(filter: $filter) { totalCount } }"


def codes(answer: httpx.Response) -> list[str]:
    return [error["extensions"]["code"] for error in answer.json()["errors"]]


@pytest.mark.parametrize(
    ("document", "variables"),
    [
        ("{ me { nam } }", {}),
        ("{ mee { name } }", {}),
        ("{ case(idd: 1) { id } }", {}),
        ("{ cases(orderBy: OPENED_ON_DES) { totalCount } }", {}),
        ("{ cases(filter: {statu: [ACTIVE]}) { totalCount } }", {}),
        ("{ cases(filter: {status: [ACTIV]}) { totalCount } }", {}),
        ("{ me { name @includ(if: true) } }", {}),
        ("{ me { name @include(iff: true) } }", {}),
        ("{ ...on Cas { id } }", {}),
        ("{ ...Cass } fragment Case on Query { me { name } }", {}),
        ("query($filter: CaseFilte) { cases(filter: $filter) { totalCount } }", {}),
        ("query($filter: CaseFilter) { cases(filter: $filtr) { totalCount } }", {}),
        (CASES, {"filter": {"statu": ["ACTIVE"]}}),
        (CASES, {"filter": {"status": ["ACTIV"]}}),
        (CASES, {"filter": {"riskLevel": "LOWE"}}),
        ("query Cases { me { name } } query Case { me { name } }", {}),
    ],
)
def test_nobody_is_told_what_a_name_could_have_been(
    manager: Caller, document: str, variables: dict[str, Any]
) -> None:
    answer = manager.post(document, variables)
    assert set(codes(answer)) == {"BAD_INPUT"}
    assert "did you mean" not in answer.text.lower()
    assert "OPENED_ON_DESC" not in answer.text


@pytest.mark.parametrize(
    "document",
    [
        "{ " + " ".join(f"a{number}: __typename" for number in range(101)) + " }",
        "{ me { " + " ".join(f"a{number}: name" for number in range(101)) + " } }",
        "{ " + "__typename " * 501 + "}",
        "{ __typename " + "@skip(if: false) " * 61 + "}",
        "{ __typename " + "@nothing" * 61 + " }",
        "query(" + " ".join(f"$v{number}: Int" for number in range(101)) + ") { __typename }",
        "".join(f"query Q{number} {{ __typename }} " for number in range(21)),
        "{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }",
        "{ ...A } fragment A on Query { ...A }",
        "{ __schema { types { fields { type { fields { type { fields { type { fields { type { fields { type"
        " { fields { type { fields { type { name } } } } } } } } } } } } } } } } }",
        "{ __type(name: " + "[" * 20 + "]" * 20 + ") { name } }",
        "mutation { "
        + " ".join(f"m{n}: addCaseNote(input: {{}}) {{ __typename }}" for n in range(31))
        + " }",
    ],
)
def test_an_overloaded_document_is_one_mistake(manager: Caller, document: str) -> None:
    assert codes(manager.post(document)) == ["TOO_COMPLEX"]


def test_many_wrong_directives_are_a_handful_of_mistakes(manager: Caller) -> None:
    found = codes(manager.post("{ __typename " + "@nothing " * 60 + "}"))
    assert 0 < len(found) <= 6
    assert set(found) == {"BAD_INPUT"}


@pytest.mark.parametrize("size", [1, 2, 10])
def test_batches_are_not_served(manager: Caller, size: int) -> None:
    body = json.dumps([{"query": ME}] * size).encode()
    headers = {"authorization": f"Bearer {manager.token}", "content-type": "application/json"}
    answer = manager.client.post("/graphql", content=body, headers=headers)
    assert (answer.status_code, codes(answer)) == (400, ["BAD_INPUT"])


@pytest.mark.parametrize(
    "header", ["x-apollo-tracing", "x-apollo-federation-include-trace", "apollographql-debug", "x-debug"]
)
def test_nothing_is_traced_for_a_client(manager: Caller, header: str) -> None:
    plain, traced = manager.post(ME), manager.post(ME, None, **{header: "ftv1"})
    assert traced.json()["data"] == plain.json()["data"]
    told = (traced.json().get("extensions") or {}).keys()
    assert told == (plain.json().get("extensions") or {}).keys()
    assert not told & {"tracing", "ftv1", "debug", "queryPlan"}


def test_persisted_queries_are_not_made_by_strangers(manager: Caller) -> None:
    extensions = {"persistedQuery": {"version": 1, "sha256Hash": "0" * 64}}
    headers = {"authorization": f"Bearer {manager.token}"}
    answer = manager.client.post("/graphql", json={"extensions": extensions}, headers=headers)
    assert (answer.status_code, codes(answer)) == (400, ["BAD_INPUT"])


@pytest.mark.parametrize("directive", ["@defer", "@stream", "@defer(if: true)"])
def test_an_answer_comes_in_one_piece(manager: Caller, directive: str) -> None:
    answer = manager.post(
        f"{{ ... {directive} {{ me {{ name }} }} }}", accept="multipart/mixed, application/json"
    )
    assert codes(answer) == ["BAD_INPUT"]
    assert answer.headers["content-type"].startswith("application/json")
