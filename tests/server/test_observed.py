"""What an operator sees of requests: a line and numbers, neither of which tells who asked or about whom."""

from __future__ import annotations

import asyncio
import logging
from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest
from tests.server.conftest import Network
from tests.server.test_mutations import NOTE
from tests.server.watched import BROKEN, MANAGER, PLAIN, REVEALING, Watched, watching

from pat_platform.encryption.provider import KeysMissing, KeysUnavailable
from pat_platform.logging import allow, configured
from pat_platform.observation import Observation
from pat_server.key_calls import CountedKeys
from pat_server.metrics import BOUNDS, MOST_OPERATIONS, OTHER, Durations, Measures, login_class
from pat_server.observing import new_id
from pat_server.stopping import Stopping


@pytest.fixture
async def watched(network: Network) -> AsyncIterator[Watched]:
    async with watching(network) as found:
        yield found


# The log.


async def test_a_request_is_one_line(watched: Watched) -> None:
    answer = await watched.post(PLAIN, {"first": 7})
    assert answer.json()["data"] == {"cases": {"totalCount": 0}}
    (event,) = watched.requests
    assert event["request_id"] == answer.headers["x-request-id"]
    assert event["ms"] >= event["database_ms"] > 0
    assert {
        key: event[key] for key in ("status", "kind", "role", "client", "organisation", "round_trips")
    } == {
        "status": 200,
        "kind": "query",
        "role": "case_manager",
        "client": "tests",
        "organisation": str(watched.principal.organisation),
        "round_trips": 1,
    }
    assert len(event["operation"]) == 16
    # Nobody who has the log alone can try what stood in a document.
    assert event["operation"] != sha256(f"\n{PLAIN}".encode()).hexdigest()[:16]
    assert event["cost"] > 0


async def test_the_lines_tell_neither_who_asked_nor_what(watched: Watched) -> None:
    await watched.post(PLAIN, {"first": 4_711})
    await watched.post(REVEALING)
    await watched.post(BROKEN)
    await watched.post(NOTE, {"input": {"caseId": "Q2FzZTox", "kind": "SAFETY", "text": "Grimalkinesque"}})
    await watched.client.get("/graphql", params={"query": "{ cases(first: 4712) { totalCount } }"})
    text = b"\n".join(watched.lines).decode()
    assert len(watched.requests) == 5
    person, session = str(watched.principal.person), str(watched.principal.session)
    for word in (
        person,
        session,
        "Malati",
        "Sonajhuri",
        "4711",
        "4712",
        "cases",
        "Grimalkinesque",
        "Q2FzZTox",
        MANAGER,
    ):
        assert word not in text


async def test_the_line_has_its_shapes_although_nobody_looks(watched: Watched) -> None:
    await watched.post(PLAIN, {"first": 7})
    await watched.post(BROKEN)
    await watched.client.post("/graphql", json={"query": PLAIN})
    for event in watched.requests:
        assert allow(None, "info", dict(event)) == event


async def test_a_client_whose_id_says_something_is_not_named(network: Network) -> None:
    async with watching(network) as watched:
        somebody = replace(watched.principal, client="Malati's telephone")
        watched.token = network.token(somebody)
        await watched.post(PLAIN, {"first": 7})
    assert [event["client"] for event in watched.requests] == ["withheld"]


@pytest.mark.parametrize(
    ("query", "kind", "code"),
    [(PLAIN, "query", "BAD_INPUT"), (REVEALING, "audited", None), (BROKEN, None, "BAD_INPUT")],
)
async def test_a_line_tells_the_kind_and_the_error(
    watched: Watched, query: str, kind: str | None, code: str | None
) -> None:
    await watched.post(query)
    (event,) = watched.requests
    assert (event.get("kind"), event.get("code")) == (kind, code)


async def test_a_refusal_of_a_rule_is_told_as_its_code(watched: Watched) -> None:
    case = b64encode(f"Case:{uuid4()}".encode()).decode()
    answer = await watched.post(NOTE, {"input": {"caseId": case, "kind": "SAFETY", "text": "x"}})
    refused = answer.json()["data"]["addCaseNote"]
    (event,) = watched.requests
    assert (event["kind"], event["code"], event["status"]) == ("mutation", refused["code"], 200)


async def test_who_is_not_signed_in_leaves_a_line_without_a_name(watched: Watched) -> None:
    answer = await watched.client.post(
        "/graphql", json={"query": PLAIN}, headers={"authorization": "Bearer x"}
    )
    (event,) = watched.requests
    assert (answer.status_code, event["status"], event["code"]) == (401, 401, "UNAUTHENTICATED")
    assert not {"organisation", "role", "client", "operation"} & set(event)


async def test_a_mistake_of_ours_is_told_under_the_same_request(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object, **__: object) -> None:
        raise RuntimeError("Malati")

    monkeypatch.setattr(type(watched.app.state.parts.database), "read", broken)
    answer = await watched.post(PLAIN, {"first": 7})
    mistake, request = (orjson.loads(line) for line in watched.lines)
    assert (mistake["event"], mistake["error"], mistake["level"]) == (
        "request.failed",
        "RuntimeError",
        "error",
    )
    assert mistake["reference"] == answer.json()["errors"][0]["extensions"]["reference"]
    assert mistake["request_id"] == request["request_id"] == answer.headers["x-request-id"]
    assert any(place.startswith("pat_server/executing.py:") for place in mistake["trace"])
    assert request["code"] == "INTERNAL"


async def test_a_server_that_logs_warnings_alone_leaves_requests_out(network: Network) -> None:
    async with watching(network) as watched:
        with configured(lambda line, urgent: watched.lines.append(line), level="warning"):
            await watched.post(PLAIN, {"first": 7})
        assert watched.lines == []
        assert watched.measures.requests.total() == 1


async def test_only_the_api_is_observed(watched: Watched) -> None:
    assert (await watched.client.get("/healthz")).status_code == 200
    assert (await watched.client.get("/nothing/Malati")).status_code == 404
    assert watched.lines == []
    assert watched.measures.requests.total() == 0


# Ids and headers.


async def test_an_id_that_a_client_gives_is_taken_if_it_says_nothing_else(watched: Watched) -> None:
    given = str(uuid4())
    assert (await watched.post(PLAIN, headers={"x-request-id": given.upper()})).headers[
        "x-request-id"
    ] == given
    for other in ("Malati", given + "x", f"{given}, {given}", "1" * 32):
        taken = (await watched.post(PLAIN, headers={"x-request-id": other})).headers["x-request-id"]
        assert UUID(taken).version == 4
        assert taken != other


def test_the_ids_that_are_made_are_random_uuids() -> None:
    made = {new_id() for _ in range(200)}
    assert len(made) == 200
    assert {UUID(each).version for each in made} == {4}
    assert all(str(UUID(each)) == each for each in made)


async def test_nobody_on_the_way_keeps_an_answer(watched: Watched) -> None:
    for path in ("/graphql", "/healthz", "/nothing"):
        headers = (await watched.client.get(path)).headers
        assert headers.get_list("cache-control") == ["no-store"]
        assert headers["x-content-type-options"] == "nosniff"
        assert "connection" not in headers


async def test_a_server_that_stops_says_so_and_asks_clients_to_connect_anew(watched: Watched) -> None:
    assert (await watched.client.get("/readyz")).status_code == 200
    watched.app.state.stopping.begin()
    answer = await watched.client.get("/readyz")
    assert (answer.status_code, answer.json()) == (503, {"status": "stopping"})
    answer = await watched.post(PLAIN, {"first": 7})
    assert (answer.status_code, answer.headers["connection"]) == (200, "close")


def test_farewells_are_said_once_and_can_be_taken_back() -> None:
    stopping, said = Stopping(), []
    stopping.when_begun(lambda: said.append("first"))
    forget = stopping.when_begun(lambda: said.append("second"))
    forget()
    stopping.say_farewell()
    stopping.say_farewell()
    assert said == ["first"]


async def test_sockets_hear_of_the_end_before_the_connections_to_the_database_close(network: Network) -> None:
    said = []
    async with watching(network) as watched:
        pool = watched.app.state.parts.database.pool
        await watched.post(PLAIN, {"first": 7})
        watched.app.state.stopping.when_begun(lambda: said.append(pool.size))
    assert said == [1]
    assert pool.size == 0


# Numbers.


async def test_requests_plans_connections_and_the_trail_are_counted(watched: Watched) -> None:
    for first in (1, 2, 3):
        await watched.post(PLAIN, {"first": first})
    await watched.post(REVEALING)
    await watched.post(BROKEN)
    digest = watched.requests[0]["operation"]
    # The connection is cleaned behind the answer.
    await asyncio.sleep(0.2)
    told = watched.metrics
    for line in (
        f'pat_requests_total{{code="OK",kind="query",operation="{digest}",status="200"}} 3.0',
        'pat_request_seconds_count{kind="query"} 3.0',
        'pat_request_seconds_bucket{kind="audited",le="+Inf"} 1.0',
        'pat_plan_lookups_total{result="hit"} 2.0',
        'pat_plan_lookups_total{result="miss"} 2.0',
        'pat_cached{cache="plans"} 2.0',
        'pat_cached{cache="documents"} 2.0',
        'pat_pool_connections{login_class="case_manager",state="idle"} 1.0',
        'pat_pool_waiting{login_class="case_manager"} 0.0',
        "pat_pool_budget 20.0",
        "pat_database_round_trips_total 4.0",
        'pat_trail_answers_total{kind="audited"} 1.0',
        'pat_key_provider_calls_total{call="unwrap",result="ok"} 1.0',
        "pat_requests_under_way 0.0",
    ):
        assert line in told.splitlines(), line
    for stage in ("parse", "plan", "database", "complete"):
        assert f'pat_stage_seconds_total{{stage="{stage}"}}' in told
    seconds = watched.measures.database_seconds
    assert 0 < seconds < 60
    assert f"pat_database_seconds_total {seconds}" in told


async def test_the_numbers_name_no_organisation_and_nobody(watched: Watched) -> None:
    await watched.post(PLAIN, {"first": 1})
    told = watched.metrics
    organisation = watched.principal.organisation
    for word in (
        organisation.hex,
        str(organisation),
        "cbo-b",
        "Malati",
        "cases",
        str(watched.principal.person),
    ):
        assert word not in told


async def test_a_mutation_tells_the_trail(watched: Watched) -> None:
    asked = "{ cases(first: 1) { edges { node { id } } } }"
    case = (await watched.post(asked)).json()["data"]["cases"]["edges"][0]["node"]["id"]
    given = {"caseId": case, "kind": "GENERAL", "text": "Grimalkinesque"}
    answer = await watched.post(NOTE, {"input": given})
    assert answer.json()["data"]["addCaseNote"]["__typename"] == "CaseNote"
    assert watched.measures.trail_answers == {"mutation": 1}
    assert watched.measures.stages["mutate"] > 0


def test_whoever_invents_operations_fills_no_memory() -> None:
    measures = Measures()
    for number in range(MOST_OPERATIONS + 50):
        measures.note(Observation(operation=f"{number:016x}", kind="query"), 200, 0)
    assert len(measures.requests) == MOST_OPERATIONS + 1
    assert measures.requests[OTHER, "query", 200, "OK"] == 50


def test_durations_are_counted_up_to_their_bounds() -> None:
    durations = Durations()
    for seconds in (0.0005, 0.001, 0.3, 99):
        durations.add(seconds)
    buckets = dict(durations.buckets())
    assert (buckets["0.001"], buckets["0.25"], buckets["0.5"], buckets["+Inf"]) == (2, 2, 3, 4)
    assert len(buckets) == len(BOUNDS) + 1
    assert durations.total == pytest.approx(99.3015)


def test_a_login_is_counted_by_its_role() -> None:
    assert login_class(f"org_{uuid4().hex}_social_worker") == "social_worker"
    assert login_class("pat_service_issuer") == "pat_service_issuer"


@pytest.mark.parametrize(
    ("mistake", "result", "event"),
    [
        (KeysUnavailable("it is away"), "unavailable", ["keys.unavailable"]),
        (KeysMissing("there are none"), "missing", ["keys.missing"]),
        (ValueError("Malati"), "failed", []),
    ],
)
async def test_a_key_provider_that_fails_is_counted_and_logged(
    mistake: Exception, result: str, event: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    class Broken:
        name = "vault"

        def __getattr__(self, _: str) -> Any:
            async def fail(*_: object) -> None:
                raise mistake

            return fail

    caplog.set_level(logging.ERROR)
    measures, organisation = Measures(), uuid4()
    keys = CountedKeys(Broken(), measures)
    calls: dict[str, Callable[[], Awaitable[object]]] = {
        "wrap": lambda: keys.wrap(organisation, []),
        "unwrap": lambda: keys.unwrap(organisation, []),
        "derive": lambda: keys.derive(organisation, b"x"),
        "create": lambda: keys.create(organisation),
        "versions": lambda: keys.versions(organisation),
        "rotate": lambda: keys.rotate(organisation),
        "rewrap": lambda: keys.rewrap(organisation, []),
        "destroy": lambda: keys.destroy_before(organisation, None),  # type: ignore[arg-type]
    }
    for call in calls.values():
        with pytest.raises(type(mistake)):
            await call()
    assert measures.keys == {(call, result): 1 for call in calls}
    assert [orjson.loads(record.getMessage())["event"] for record in caplog.records] == event * len(calls)
    assert keys.name == "vault"
