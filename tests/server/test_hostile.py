"""Requests that are made to hurt, and what they get."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from tests.server.conftest import Act, Caller, Network, asks

from pat_auth.policy import Permission
from pat_auth.scopes import SCOPES
from pat_platform.settings import Settings
from pat_schema.viewer import CEILING
from pat_server import asked, readiness
from pat_server.assembly import Parts, assemble
from pat_server.executing import Executor
from pat_server.requests import GraphQLRequest

OPEN = """mutation($input: OpenCaseInput!) { openCase(input: $input) {
    __typename ... on Case { id } ... on Problem { code field } } }"""


def new_case(**survivor: Any) -> Mapping[str, Any]:
    """An input of openCase with these values of the survivor."""
    return {
        "survivor": {"gender": "Feminine", "isMinorAtIntake": False, **survivor},
        "openedOn": "2026-01-01",
        "stage": "RESCUED",
        "riskLevel": "LOW",
        "traffickingStatus": "ActualVictimOfTrafficking",
    }


def test_whose_session_has_ended_is_told_so_whatever_is_asked(network: Network, act_as: Act) -> None:
    facilitator = act_as("facilitator@cbo-f.example")
    assert facilitator.refused("{ cases { totalCount } }") == "FORBIDDEN"
    network.rows("update sec.sessions set revoked_at = now() where id = %s", facilitator.principal.session)
    answer = facilitator.post("{ cases { totalCount } }")
    assert answer.status_code == 401
    assert answer.json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


@pytest.mark.parametrize("year", [-(2**31), 0, 1800, 2**31 - 1])
def test_a_birth_year_that_is_none_spoils_nobodys_list(act_as: Act, year: int) -> None:
    manager = act_as("manager@cbo-f.example")
    answer = manager.ask(OPEN, input=new_case(birthYear=year))["openCase"]
    assert answer == {"__typename": "Refusal", "code": "BIRTH_YEAR_INVALID", "field": "birthYear"}
    assert manager.ask("{ cases(first: 50) { edges { node { survivor { ageBand } } } } }")


@pytest.mark.parametrize("code", ["a\0", "Bengali", "x" * 20_000, ""])
def test_a_language_is_a_code_and_nothing_else(act_as: Act, code: str) -> None:
    answer = act_as("manager@cbo-f.example").ask(OPEN, input=new_case(primaryLanguage=code))["openCase"]
    assert answer == {"__typename": "Refusal", "code": "LANGUAGE_INVALID", "field": "primaryLanguage"}


@pytest.mark.parametrize(
    ("scopes", "asked"),
    [
        (set(), "{ cases { totalCount } }"),
        ({"groups"}, "{ cases { totalCount } }"),
        ({"identity", "health"}, '{ survivor(id: "U3Vydml2b3I6") { code } }'),
        ({"cases"}, "{ selfHelpGroups { totalCount } }"),
        ({"cases"}, "{ referrals(direction: SENT) { totalCount } }"),
        ({"cases"}, "{ cases(first: 1) { edges { node { referrals { status } } } } }"),
        (
            {"referrals"},
            "{ referrals(direction: SENT) { edges { node { case { ... on Case { code } } } } } }",
        ),
        ({"groups"}, 'mutation { addCaseNote(input: {caseId: "x", kind: LEGAL, text: "x"}) { __typename } }'),
    ],
)
def test_a_client_asks_for_nothing_beyond_its_scopes(act_as: Act, scopes: set[str], asked: str) -> None:
    assert act_as("manager@cbo-f.example", frozenset(scopes)).refused(asked) == "FORBIDDEN"


def test_what_a_client_may_not_ask_for_has_no_id_either(act_as: Act) -> None:
    whole = act_as("manager@cbo-f.example")
    id = whole.ask("{ cases(first: 1) { edges { node { id } } } }")["cases"]["edges"][0]["node"]["id"]
    node = "query($id: ID!) { node(id: $id) { id } }"
    assert whole.ask(node, id=id) == {"node": {"id": id}}
    assert act_as("manager@cbo-f.example", frozenset({"groups"})).ask(node, id=id) == {"node": None}


def test_every_permission_is_under_a_ceiling_or_expressly_under_none() -> None:
    assert set(CEILING) == set(Permission)
    assert {scope for scope in CEILING.values() if scope} <= SCOPES
    free = {permission.value for permission, scope in CEILING.items() if scope is None}
    assert free == {"me:read", "me:sign_out", "organisation:read", "place:read", "member:read"}


async def test_a_mistake_of_ours_in_one_verb_is_that_fields_error(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> None:
        raise RuntimeError("Rina Das")

    monkeypatch.setattr("pat_server.mutating.perform", broken)
    parts: Parts = assemble(network.settings)
    try:
        principal = network.principal("manager@cbo-f.example")
        answer = await asks(Executor(parts), principal, GraphQLRequest(OPEN, None, {"input": new_case()}))
    finally:
        await parts.database.close()
    assert answer.body.startswith(b'{"data":null,"errors":[')
    assert b'"path":["openCase"]' in answer.body
    assert b'"code":"INTERNAL"' in answer.body
    assert b"Rina" not in answer.body


def test_a_client_that_hangs_up_is_no_mistake_of_ours(
    client: httpx.Client, act_as: Act, caplog: pytest.LogCaptureFixture
) -> None:
    address = urlsplit(str(client.base_url))
    token = act_as("manager@cbo-f.example").token
    with socket.create_connection((address.hostname, address.port)) as connection:
        connection.sendall(
            b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n"
            + f"Authorization: Bearer {token}\r\n\r\n".encode()
            + b'{"q'
        )
    for _ in range(3):
        assert client.get("/readyz").status_code == 200
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


async def test_many_who_ask_whether_it_is_ready_cost_one_connection(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = 0

    async def look(_: Settings) -> bool:
        nonlocal looks
        looks += 1
        await asyncio.sleep(0.01)
        return looks == 1

    monkeypatch.setattr(readiness, "is_ready", look)
    ready = readiness.Readiness(network.settings)
    assert await asyncio.gather(*(ready() for _ in range(50))) == [True] * 50
    assert await ready() is False
    assert looks == 2


def test_one_damaged_identity_hides_no_other(network: Network, act_as: Act) -> None:
    manager = act_as("manager@cbo-f.example")
    survivor, first_name = network.rows(
        "select i.survivor_id, i.first_name from app.survivor_identities i"
        " join app.cases c on c.survivor_id = i.survivor_id where c.organisation_id = %s and i.first_name is not null",
        manager.principal.organisation,
    )[0]
    damage = "update app.survivor_identities set first_name = %s where survivor_id = %s"
    asked = "{ cases(first: 50) { edges { node { survivor { identity { ... on SurvivorIdentity { firstName } } } } } } }"

    def names(answer: Any) -> list[str]:
        found = (
            edge["node"]["survivor"]["identity"]["firstName"] for edge in answer["data"]["cases"]["edges"]
        )
        return [name for name in found if name]

    whole = names(manager.post(asked).json())
    network.rows(damage, b"\1" + bytes(60), survivor)
    try:
        answer = manager.post(asked).json()
    finally:
        network.rows(damage, first_name, survivor)
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["UNREADABLE"]
    assert len(names(answer)) == len(whole) - 1


def test_a_body_that_never_comes_is_not_waited_for(manager: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asked, "BODY_SECONDS", 0.2)

    def slowly() -> Iterator[bytes]:
        yield b"{"
        time.sleep(1)
        yield b"}"

    headers = {"authorization": f"Bearer {manager.token}", "content-type": "application/json"}
    answer = manager.client.post("/graphql", content=slowly(), headers=headers)
    assert answer.status_code == 400
    assert "did not come" in answer.json()["errors"][0]["message"]


def test_a_name_that_cannot_be_seen_is_refused(act_as: Act) -> None:
    office = act_as("manager@cbo-g.example")
    answer = office.ask(OPEN, input=new_case(identity={"firstName": "Ra\u202ehim"}))["openCase"]
    assert (answer["code"], answer["field"]) == ("TEXT_INVALID", "firstName")
