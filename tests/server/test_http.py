"""What the endpoint answers to requests that are not as they should be."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import httpx
import pytest
from tests.server.conftest import Act, Caller, Network, free_port

from pat_auth.keys import SigningKeys
from pat_auth.principal import Principal
from pat_auth.tokens import mint
from pat_server.app import create_app

ME = "{ me { name } }"
IN_JSON = {"content-type": "application/json"}


def code(answer: httpx.Response) -> str:
    (error,) = answer.json()["errors"]
    found: str = error["extensions"]["code"]
    return found


def test_nobody_gets_nothing(client: httpx.Client) -> None:
    answer = client.post("/graphql", json={"query": ME})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert code(answer) == "UNAUTHENTICATED"
    assert "data" not in answer.json()


@pytest.mark.parametrize("header", ["Bearer", "Basic eDp5", "Bearer nonsense", "Bearer a.b.c"])
def test_a_broken_token_is_nobody(client: httpx.Client, header: str) -> None:
    answer = client.post("/graphql", json={"query": ME}, headers={"authorization": header})
    assert (answer.status_code, code(answer)) == (401, "UNAUTHENTICATED")


def test_a_token_that_somebody_else_signed_is_nobody(network: Network, client: httpx.Client) -> None:
    principal = network.principal("manager@cbo-a.example")
    settings = network.settings
    forged = mint(principal, keys=SigningKeys.generate(), issuer=settings.issuer, audience=settings.audience)
    answer = client.post("/graphql", json={"query": ME}, headers={"authorization": f"Bearer {forged}"})
    assert (answer.status_code, code(answer)) == (401, "UNAUTHENTICATED")


def test_a_token_for_an_organisation_that_is_not_there_is_nobody(
    network: Network, client: httpx.Client
) -> None:
    known = network.principal("manager@cbo-a.example")
    stranger = Principal(known.person, uuid4(), known.role, known.session, known.scopes, known.client)
    answer = client.post(
        "/graphql", json={"query": ME}, headers={"authorization": f"Bearer {network.token(stranger)}"}
    )
    assert (answer.status_code, code(answer)) == (401, "UNAUTHENTICATED")
    assert "data" not in answer.json()


def test_a_session_of_another_role_is_nobody(network: Network, client: httpx.Client) -> None:
    manager = network.principal("manager@cbo-a.example")
    worker = network.principal("worker1@cbo-a.example")
    mixed = Principal(
        worker.person, worker.organisation, manager.role, worker.session, worker.scopes, "tests"
    )
    answer = client.post(
        "/graphql", json={"query": ME}, headers={"authorization": f"Bearer {network.token(mixed)}"}
    )
    assert (answer.status_code, code(answer)) == (401, "UNAUTHENTICATED")


def test_a_revoked_session_is_nobody_from_the_next_request_on(network: Network, act_as: Act) -> None:
    worker = act_as("worker2@cbo-b.example")
    assert worker.ask(ME)["me"]["name"]
    network.rows("update sec.sessions set revoked_at = now() where id = %s", worker.principal.session)
    answer = worker.post(ME)
    assert (answer.status_code, code(answer)) == (401, "UNAUTHENTICATED")


def test_an_ended_membership_is_nobody_from_the_next_request_on(network: Network, act_as: Act) -> None:
    worker = act_as("worker3@cbo-b.example")
    assert worker.ask(ME)["me"]["name"]
    person = worker.principal.person
    network.rows("update app.memberships set ended_at = now() where person_id = %s", person)
    try:
        assert worker.post(ME).status_code == 401
    finally:
        network.rows("update app.memberships set ended_at = null where person_id = %s", person)


def test_an_expired_session_is_nobody(network: Network, act_as: Act) -> None:
    worker = act_as("worker2@cbo-c.example")
    network.rows(
        "update sec.sessions set expires_at = %s where id = %s",
        datetime.now(UTC) - timedelta(seconds=1),
        worker.principal.session,
    )
    assert worker.post(ME).status_code == 401


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"{not json", "application/json"),
        (b"", "application/json"),
        (b"[]", "application/json"),
        (b'[{"query": "{me{name}}"}]', "application/json"),
        (b'"{me{name}}"', "application/json"),
        (b"{}", "application/json"),
        (b'{"query": 1}', "application/json"),
        (b'{"query": "{me{name}}", "variables": []}', "application/json"),
        (b'{"query": "{me{name}}", "operationName": 1}', "application/json"),
        (b'{"query": "{me{name}}", "extensions": ""}', "application/json; charset=utf-8"),
    ],
)
def test_a_body_that_is_no_request_is_bad_input(manager: Caller, body: bytes, kind: str) -> None:
    headers = {"authorization": f"Bearer {manager.token}", "content-type": kind}
    answer = manager.client.post("/graphql", content=body, headers=headers)
    assert (answer.status_code, code(answer)) == (400, "BAD_INPUT")


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b'{"query": "{me{name}}"}', {"content-type": "text/plain"}),
        (b'{"query": "{me{name}}"}', {}),
        ('{"query": "{me{name}}"}'.encode("utf-16"), {"content-type": "application/json; charset=utf-16"}),
        (gzip.compress(b'{"query": "{me{name}}"}', mtime=0), {**IN_JSON, "content-encoding": "gzip"}),
        (b"query=%7Bme%7Bname%7D%7D", {"content-type": "application/x-www-form-urlencoded"}),
        (b'--x\r\n\r\n{"query": "{me{name}}"}\r\n--x--', {"content-type": "multipart/form-data; boundary=x"}),
    ],
)
def test_a_body_in_another_form_is_not_read(manager: Caller, body: bytes, headers: dict[str, str]) -> None:
    signed_in = {"authorization": f"Bearer {manager.token}", **headers}
    answer = manager.client.post("/graphql", content=body, headers=signed_in)
    assert (answer.status_code, code(answer)) == (415, "UNSUPPORTED_MEDIA_TYPE")


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS", "HEAD", "PROPFIND"])
def test_methods_that_are_not_served_are_told_which_are(manager: Caller, method: str) -> None:
    headers = {"authorization": f"Bearer {manager.token}"}
    answer = manager.client.request(method, "/graphql", params={"query": ME}, headers=headers)
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, POST")


def get(caller: Caller, accept: str = "*/*", **parameters: str) -> httpx.Response:
    headers = {"authorization": f"Bearer {caller.token}", "accept": accept}
    return caller.client.get("/graphql", params=parameters, headers=headers)


def test_in_the_demo_a_query_may_come_by_get(manager: Caller) -> None:
    asked = "query A { me { name } } query B($first: Int) { cases(first: $first) { edges { node { id } } } }"
    answer = get(manager, query=asked, operationName="B", variables='{"first": 2}', extensions="")
    assert len(answer.json()["data"]["cases"]["edges"]) == 2


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"query": ""},
        {"query": ME, "variables": "{"},
        {"query": ME, "variables": "[]"},
        {"query": ME, "extensions": "1"},
        {"query": [ME, ME]},
    ],
)
def test_parameters_that_are_no_request_are_bad_input(manager: Caller, parameters: dict[str, str]) -> None:
    answer = get(manager, **parameters)
    assert (answer.status_code, code(answer)) == (400, "BAD_INPUT")


def test_a_get_needs_a_token_like_any_other_request(client: httpx.Client) -> None:
    answer = client.get("/graphql", params={"query": ME})
    assert (answer.status_code, code(answer)) == (401, "UNAUTHENTICATED")


@pytest.mark.parametrize("accept", ["application/json", "application/graphql-response+json"])
def test_a_get_changes_nothing(network: Network, manager: Caller, accept: str) -> None:
    (case,) = manager.ask("{ cases(first: 1) { edges { node { id } } } }")["cases"]["edges"]
    note = {"caseId": case["node"]["id"], "kind": "LEGAL", "text": "Written by a GET."}
    asked = "mutation($input: AddCaseNoteInput!) { addCaseNote(input: $input) { __typename } }"
    before = network.rows("select count(*) from app.case_notes")
    answer = get(manager, accept, query=asked, variables=json.dumps({"input": note}))
    assert (answer.status_code, code(answer)) == (405, "METHOD_NOT_ALLOWED")
    assert network.rows("select count(*) from app.case_notes") == before


def test_a_browser_that_comes_along_is_shown_the_explorer(client: httpx.Client) -> None:
    browsers = {"accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
    visit = client.get("/graphql", headers=browsers)
    assert (visit.status_code, visit.headers["location"]) == (303, "graphiql")
    assert client.get("/graphql", params={"query": ME}, headers=browsers).status_code == 401


def test_what_is_accepted_may_stand_in_several_headers(manager: Caller) -> None:
    several = [("accept", "text/html"), ("accept", "application/graphql-response+json")]
    headers = [("authorization", f"Bearer {manager.token}"), *several]
    answer = httpx.post(manager.client.base_url.join("/graphql"), json={"query": ME}, headers=headers)
    assert answer.headers["content-type"] == "application/graphql-response+json; charset=utf-8"


def test_who_reads_neither_media_type_is_told_which_there_are(manager: Caller) -> None:
    answer = manager.post(ME, accept="text/html, application/json;q=0")
    assert (answer.status_code, code(answer)) == (406, "NOT_ACCEPTABLE")
    assert answer.headers["content-type"] == "application/json; charset=utf-8"


def test_a_body_of_a_megabyte_is_too_large(manager: Caller) -> None:
    answer = manager.post("{ me { name } }" + " " * 1_000_000)
    assert (answer.status_code, code(answer)) == (413, "TOO_LARGE")


@pytest.mark.parametrize(("size", "status"), [(64 * 1024, 200), (64 * 1024 + 1, 413)])
def test_a_body_of_64_kib_is_the_largest(manager: Caller, size: int, status: int) -> None:
    body = json.dumps({"query": ME}).encode().ljust(size)
    headers = {"authorization": f"Bearer {manager.token}", "content-type": "application/json"}
    assert manager.client.post("/graphql", content=body, headers=headers).status_code == status


def test_a_body_that_lies_about_its_length_is_counted(manager: Caller) -> None:
    def chunks() -> object:
        for _ in range(100):
            yield b" " * 1000

    headers = {"authorization": f"Bearer {manager.token}", "content-type": "application/json"}
    answer = manager.client.post("/graphql", content=chunks(), headers=headers)  # type: ignore[arg-type]
    assert (answer.status_code, code(answer)) == (413, "TOO_LARGE")


DEEP = "{ cases { edges { node " + "{ survivor { cases " * 12 + "{ id }" + " } }" * 12 + " } } }"
FANNED = "{ ...F0 } " + " ".join(f"fragment F{n} on Query {{ ...F{n + 1} ...F{n + 1} }}" for n in range(24))
FANNED += " fragment F24 on Query { me { name } }"


@pytest.mark.parametrize("document", [DEEP, FANNED])
def test_a_deep_or_fanned_out_document_is_too_complex(manager: Caller, document: str) -> None:
    assert manager.refused(document) == "TOO_COMPLEX"


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ("{ me { nam } }", "BAD_INPUT"),
        ("{ me { name }", "BAD_INPUT"),
        ("{ cases(first: 100000) { totalCount } }", "BAD_INPUT"),
        ("{ cases(first: -1) { totalCount } }", "BAD_INPUT"),
        ("{ cases(first: 1, last: 1) { totalCount } }", "BAD_INPUT"),
        ('{ cases(after: "nonsense") { totalCount } }', "BAD_CURSOR"),
        ('{ case(id: "nonsense") { id } }', "BAD_INPUT"),
        ('{ node(id: "%%%") { id } }', "BAD_INPUT"),
        ("query A { me { name } } query B { me { name } }", "BAD_INPUT"),
        ("subscription { me { name } }", "BAD_INPUT"),
    ],
)
def test_a_mistake_in_a_document_has_a_code(manager: Caller, document: str, expected: str) -> None:
    answer = manager.post(document)
    errors = answer.json()["errors"]
    assert {error["extensions"]["code"] for error in errors} == {expected}
    assert not answer.json().get("data")


def test_a_cursor_of_another_list_is_refused(manager: Caller) -> None:
    cursor = manager.ask("{ cases(first: 1) { pageInfo { endCursor } } }")["cases"]["pageInfo"]["endCursor"]
    asked = "query($c: String) { cases(first: 1, after: $c) { totalCount } }"
    manager.ask(asked, c=cursor)
    other = "query($c: String) { cases(first: 1, after: $c, orderBy: CODE_ASC) { totalCount } }"
    assert manager.refused(other, c=cursor) == "BAD_CURSOR"
    assert manager.refused(asked, c=cursor[:-2] + ("AA" if cursor[-2:] != "AA" else "BB")) == "BAD_CURSOR"


def test_variables_that_do_not_fit_have_a_code(manager: Caller) -> None:
    asked = "query($first: Int!) { cases(first: $first) { totalCount } }"
    assert manager.refused(asked) == "BAD_INPUT"
    assert manager.refused(asked, first="many") == "BAD_INPUT"


NOT_PARSED, NOT_VALID = "{ me { name }", "{ nothing }"
NOT_COERCED = "query($id: ID!) { case(id: $id) { id } }"


@pytest.mark.parametrize("document", [NOT_PARSED, NOT_VALID, NOT_COERCED])
@pytest.mark.parametrize(
    ("accept", "kind", "status"),
    [
        ("application/graphql-response+json", "application/graphql-response+json", 400),
        ("application/json", "application/json", 200),
        ("*/*", "application/json", 200),
    ],
)
def test_a_refused_document_has_the_status_that_its_client_reads(
    manager: Caller, document: str, accept: str, kind: str, status: int
) -> None:
    wrong = manager.post(document, accept=accept)
    right = manager.post(ME, accept=accept)
    assert (wrong.status_code, right.status_code) == (status, 200)
    assert {answer.headers["content-type"] for answer in (wrong, right)} == {f"{kind}; charset=utf-8"}
    assert wrong.json().keys() == {"errors"}
    assert right.json().keys() >= {"data"}


def test_no_answer_may_be_kept_and_every_answer_has_an_id(manager: Caller) -> None:
    first, second = manager.post(ME), manager.post(ME)
    assert first.headers["cache-control"] == "no-store"
    assert first.headers["x-request-id"] != second.headers["x-request-id"]


def test_introspection_is_answered_in_the_demo(manager: Caller) -> None:
    data = manager.ask("{ __schema { queryType { name } } me { name } __typename }")
    assert data["__schema"] == {"queryType": {"name": "Query"}}
    assert list(data) == ["__schema", "me", "__typename"]


def test_the_public_keys_are_served_without_the_private_part(client: httpx.Client) -> None:
    keys = client.get("/.well-known/jwks.json").json()["keys"]
    assert keys
    assert all(key["kty"] == "EC" and "d" not in key for key in keys)


def test_alive_and_ready(client: httpx.Client) -> None:
    assert client.get("/healthz").json() == {"status": "alive"}
    assert client.get("/readyz").status_code == 200


async def test_without_its_database_a_server_is_alive_and_not_ready(network: Network) -> None:
    settings = replace(network.settings, database_url=f"postgresql://127.0.0.1:{free_port()}/network")
    token = network.token(network.principal("manager@cbo-a.example"))
    transport = httpx.ASGITransport(create_app(settings))
    async with httpx.AsyncClient(transport=transport, base_url="http://server") as client:
        assert (await client.get("/healthz")).status_code == 200
        assert (await client.get("/readyz")).status_code == 503
        asked = await client.post(
            "/graphql", json={"query": ME}, headers={"authorization": f"Bearer {token}"}
        )
    assert (asked.status_code, code(asked)) == (503, "UNAVAILABLE")


def test_errors_tell_nothing_of_the_inside(manager: Caller) -> None:
    answers = [
        manager.post("{ cases(first: " + "9" * 5000 + ") { totalCount } }"),
        manager.post("{ me { nam } }"),
        manager.post('{ case(id: "x") { id } }'),
        manager.post("{ cases(first: 9999) { totalCount } }"),
    ]
    told = json.dumps([answer.json() for answer in answers]).lower()
    for word in ("traceback", "select ", "psycopg", "app.", "postgres", "did you mean", "org_", "sys."):
        assert word not in told
