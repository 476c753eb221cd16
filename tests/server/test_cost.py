"""What requests cost, and what somebody gets whose budget is spent."""

from __future__ import annotations

import asyncio
import json
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from tests.server.conftest import Act, Caller, Network, asks, executing

from pat_auth.policy import Role
from pat_auth.principal import Principal
from pat_platform.settings import SettingsError
from pat_server.app import create_app
from pat_server.budgets import Budgets, SharedStore, Throttled
from pat_server.executing import Executor
from pat_server.requests import Answer, GraphQLRequest

CASES = (
    "query($n: Int) { cases(first: $n) { edges { node { id notes(first: 3) { edges { node { id } } } } } } }"
)


class Clock:
    """A monotonic clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def cost(caller: Caller, query: str, **variables: Any) -> int:
    """The points that an answer says were asked for."""
    told = caller.post(query, variables).json()["extensions"]["cost"]
    assert told["actualQueryCost"] == told["requestedQueryCost"]
    points: int = told["requestedQueryCost"]
    return points


@pytest.mark.parametrize(
    ("query", "points"),
    [
        ("{ __typename }", 0),
        ("{ me { name } }", 1),
        ("{ me { name organisation { name } } }", 1 + 1),
        ("{ cases(first: 7) { edges { node { id } } } }", 2 + 7),
        ("{ cases(first: 7) { edges { node { id code } } pageInfo { hasNextPage endCursor } } }", 2 + 7),
        ("{ cases(first: 7) { edges { cursor } } }", 2 + 7),
        ("{ cases(last: 7) { edges { node { id } } } }", 2 + 7),
        ("{ cases { edges { node { id } } } }", 2 + 50),
        ("{ cases(first: 7) { totalCount } }", 2 + 5),
        ("{ cases(first: 7) { edges { node { survivor { code } } } } }", 2 + 7 * (1 + 1)),
        ("{ cases(first: 7) { edges { node { legalProceedings { id } } } } }", 2 + 7 * (1 + 10)),
        (CASES.replace("$n", "7").removeprefix("query(7: Int) "), 2 + 7 * (1 + 2 + 3)),
        (
            "{ a: places(first: 7) { edges { node { id } } } b: places(first: 7) { edges { node { id } } } }",
            18,
        ),
        ("{ ...F } fragment F on Query { cases(first: 7) { edges { node { id } } } }", 2 + 7),
        ("{ places(first: 7) { totalCount } places(first: 7) { edges { node { id } } } }", 2 + 5 + 7),
        ("{ cases(first: 7) @skip(if: true) { totalCount } me { name } }", 1),
        ('{ __type(name: "Case") { name kind } }', 2),
    ],
)
def test_an_operation_costs_its_objects_and_what_each_page_may_hold(
    manager: Caller, query: str, points: int
) -> None:
    assert cost(manager, query) == points


def test_variables_are_part_of_the_price(manager: Caller) -> None:
    assert cost(manager, CASES, n=5) == 2 + 5 * (1 + 2 + 3)
    assert cost(manager, CASES, n=50) == 2 + 50 * (1 + 2 + 3)
    asked = (
        "query($yes: Boolean!) { cases(first: 7) @include(if: $yes) { edges { node { id } } } __typename }"
    )
    assert cost(manager, asked, yes=True) == 2 + 7
    assert cost(manager, asked, yes=False) == 0


def test_what_is_opened_costs_as_much_as_an_object(manager: Caller) -> None:
    names = (
        "{ cases(first: 7) { edges { node { survivor { identity { ... on SurvivorIdentity { %s } } } } } } }"
    )
    assert cost(manager, names % "firstName secondName") == cost(manager, names % "__typename") + 7 * 2


def test_of_all_types_that_an_id_may_have_the_dearest_counts(manager: Caller) -> None:
    node = "query($id: ID!) { node(id: $id) { %s } }"
    dear = "... on Case { survivor { code } notes(first: 3) { edges { node { id } } } } ... on Place { id }"
    assert cost(manager, node % dear, id=b64encode(f"Place:{uuid4()}".encode()).decode()) == 1 + 1 + 2 + 3


def test_the_dearest_of_several_types_may_follow_the_variables(manager: Caller) -> None:
    node = "query($id: ID!, $n: Int) { node(id: $id) { ... on Case { notes(first: $n) { totalCount edges { cursor } } } %s } }"
    other = "... on Survivor { place { name } cases { place { name } } }"
    id = b64encode(f"Place:{uuid4()}".encode()).decode()
    case, survivor = 1 + 2 + 5, 1 + 1 + 10 * (1 + 1)
    assert cost(manager, node % other, id=id, n=3) == max(case + 3, survivor)
    assert cost(manager, node % other, id=id, n=30) == max(case + 30, survivor)


def test_a_price_does_not_tell_whether_there_is_something(network: Network, act_as: Act) -> None:
    ((theirs,),) = network.rows(
        "select c.id from app.cases c join app.organisations o on o.id = c.organisation_id where o.slug = 'cbo-b' limit 1"
    )
    query = "query($id: ID!) { case(id: $id) { notes(first: 9) { edges { node { id } } } } }"
    stranger = act_as("manager@cbo-a.example")
    ids = (b64encode(f"Case:{key}".encode()).decode() for key in (theirs, uuid4()))
    assert [cost(stranger, query, id=id) for id in ids] == [1 + 2 + 9] * 2


def test_a_verb_costs_ten_points_and_what_it_may_return(manager: Caller) -> None:
    note = """mutation($input: AddCaseNoteInput!) { %s addCaseNote(input: $input) {
        ... on CaseNote { id author { id } } ... on Refusal { code } } }"""
    unknown = {"caseId": "Q2FzZTp4", "kind": "GENERAL", "text": "x"}
    again = "again: addCaseNote(input: $input) { ... on Refusal { code } }"
    assert cost(manager, note % "", input=unknown) == 10 + 2
    assert cost(manager, note % again, input=unknown) == 2 * 10 + 1 + 2


def test_more_than_one_operation_may_cost_is_refused_before_it_is_executed(manager: Caller) -> None:
    answer = manager.post(CASES.replace("first: 3", "first: 500"), {"n": 500})
    told = answer.json()
    assert answer.status_code == 200
    assert "data" not in told
    assert told["errors"][0]["extensions"]["code"] == "TOO_COMPLEX"
    assert told["extensions"]["cost"] == {
        "requestedQueryCost": 2 + 500 * (1 + 2 + 500),
        "actualQueryCost": None,
    }


def test_an_answer_about_the_schema_is_bounded_like_any_other(manager: Caller) -> None:
    wide = " ".join(f"a{n}: __schema {{ types {{ fields {{ name type {{ name }} }} }} }}" for n in range(30))
    answer = manager.post(f"{{ {wide} }}").json()
    assert answer["errors"][0]["extensions"]["code"] == "TOO_COMPLEX"
    assert answer["errors"][0]["message"].startswith("This costs 20")


@asynccontextmanager
async def client_of(network: Network, **settings: Any) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an application with settings of its own, without a network between them."""
    app = create_app(replace(network.settings, **settings))
    try:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://here") as client:
            yield client
    finally:
        await app.state.parts.database.close()


async def asked(executor: Executor, principal: Principal, query: str, **variables: Any) -> Answer:
    return await asks(executor, principal, GraphQLRequest(query, None, variables))


MANY = "{ cases(first: 400) { edges { node { id } } } }"


async def test_whose_budget_is_spent_waits_for_the_minute_to_end(network: Network) -> None:
    principal = network.principal("manager@cbo-a.example")
    async with executing(network, max_cost=1_000, budget_person=1_100) as executor:
        first = json.loads((await asked(executor, principal, MANY)).body)
        assert first["extensions"]["cost"]["throttleStatus"] == {
            "maximumAvailable": 1_100,
            "currentlyAvailable": 1_100 - 402,
            "restoreRate": 1_100 // 60,
        }
        refused = await asked(
            executor, principal, "{ cases(first: 400) { edges { node { survivor { code } } } } }"
        )
        # A refusal for its price is paid for, as nobody else can pay for finding it out.
        assert json.loads(refused.body)["errors"][0]["extensions"]["code"] == "THROTTLED"
        later = await asked(executor, principal, "{ me { name } }")
    told = json.loads(later.body)
    assert later.code == "THROTTLED"
    assert 1 <= int(later.headers["Retry-After"]) <= 60
    assert told["errors"][0]["message"].startswith("You have spent your points for this minute.")
    assert told["extensions"]["cost"]["throttleStatus"]["currentlyAvailable"] < 1_000


@pytest.mark.parametrize(
    "query",
    [
        "{",
        "{ nothing }",
        "{ cases(first: 501) { totalCount } }",
        '{ cases(after: "x") { totalCount } }',
        "{ a " * 20,
    ],
)
async def test_what_is_refused_for_what_it_says_is_paid_for(network: Network, query: str) -> None:
    principal = network.principal("manager@cbo-a.example")
    async with executing(network, max_cost=1_000, budget_person=2_500) as executor:
        codes = [(await asked(executor, principal, query)).code for _ in range(3)]
    assert codes[0] == codes[1] != "THROTTLED"
    assert codes[2] == "THROTTLED"


async def test_what_a_role_may_not_ask_for_is_paid_for_too(network: Network) -> None:
    """A refusal is recorded, and that is dearer than most answers."""
    principal = network.principal("facilitator@cbo-f.example")
    async with executing(network, max_cost=1_000, budget_person=1_500) as executor:
        assert (await asked(executor, principal, MANY)).code == "FORBIDDEN"
        assert (await asked(executor, principal, MANY)).code == "THROTTLED"


async def test_what_is_too_dear_for_what_is_left_is_told_and_what_is_not_is_served(network: Network) -> None:
    principal = network.principal("manager@cbo-a.example")
    dear = (
        "{ cases(first: 400) { edges { node { survivor { place { name } } latestProceeding { stage } } } } }"
    )
    async with executing(network, max_cost=2_000, budget_person=2_000) as executor:
        assert (await asked(executor, principal, MANY)).code is None
        refused = await asked(executor, principal, dear)
        assert (await asked(executor, principal, MANY)).code is None
    assert refused.code == "THROTTLED"
    assert json.loads(refused.body)["extensions"]["cost"] == {
        "requestedQueryCost": 2 + 400 * 4,
        "actualQueryCost": None,
        "throttleStatus": {"maximumAvailable": 2_000, "currentlyAvailable": 2_000 - 402, "restoreRate": 33},
    }


async def test_throttled_is_429_with_the_time_to_wait(network: Network, act_as: Act) -> None:
    headers = {"authorization": f"Bearer {act_as('manager@cbo-a.example').token}"}
    async with client_of(network, max_cost=1_000, budget_client=1_300) as client:
        answers = [await client.post("/graphql", json={"query": MANY}, headers=headers) for _ in range(2)]
    assert [each.status_code for each in answers] == [200, 429]
    assert int(answers[1].headers["retry-after"]) in range(1, 61)
    told = answers[1].json()
    assert told["errors"][0]["message"].startswith("This program has spent its points for this minute.")
    assert "data" not in told


async def test_who_is_not_signed_in_touches_no_budget(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pat_server.budgets.Purse.admit", None)
    async with client_of(network) as client:
        assert (await client.post("/graphql", json={"query": "{"})).status_code == 401


def somebody(organisation: UUID | None = None, person: UUID | None = None, client: str = "app") -> Principal:
    return Principal(
        person or uuid4(), organisation or uuid4(), Role.CASE_MANAGER, uuid4(), frozenset(), client
    )


def budgets(network: Network, clock: Clock | None = None, **given: Any) -> Budgets:
    settings = replace(network.settings, **{"max_cost": 1_000, **given})
    return Budgets(settings, clock) if clock else Budgets(settings)


async def spends(budgets: Budgets, principal: Principal, points: int) -> bool:
    """Whether the points could be paid."""
    try:
        await budgets.purse(principal).spend(points)
    except Throttled:
        return False
    return True


async def test_a_budget_is_whole_again_after_a_minute(network: Network) -> None:
    clock, anna = Clock(), somebody()
    kept = budgets(network, clock, budget_person=5_000)
    assert await spends(kept, anna, 5_000)
    assert not await spends(kept, anna, 1)
    with pytest.raises(Throttled) as caught:
        kept.purse(anna).admit()
    assert caught.value.retry_after == 60
    clock.now += 60
    kept.purse(anna).admit()
    assert await spends(kept, anna, 5_000)


async def test_each_level_has_a_budget_of_its_own_and_none_is_charged_for_a_refusal(network: Network) -> None:
    kept = budgets(network, Clock(), budget_organisation=6_000, budget_client=4_000, budget_person=3_000)
    anna = somebody()
    bela = somebody(anna.organisation)
    phone = somebody(anna.organisation, client="phone")
    assert await spends(kept, anna, 3_000)
    assert not await spends(kept, anna, 1_000)
    # Of the client's 4,000 and the organisation's 6,000 only the 3,000 are gone.
    assert not await spends(kept, bela, 1_001)
    assert await spends(kept, bela, 1_000)
    assert await spends(kept, phone, 2_000)
    assert not await spends(kept, phone, 1)
    # A refusal further up costs nothing further down.
    status = await kept.purse(bela).spend(0)
    assert status is not None
    assert status.available == 3_000 - 1_000


async def test_what_others_spend_elsewhere_is_never_told(network: Network) -> None:
    kept = budgets(network, Clock(), budget_person=5_000, budget_client=5_000, budget_organisation=9_000)
    anna = somebody()
    await kept.purse(somebody(client=anna.client)).spend(4_000)
    await kept.purse(somebody(person=anna.person)).spend(4_000)
    await kept.purse(somebody(organisation=anna.organisation)).spend(4_000)
    status = await kept.purse(anna).spend(10)
    assert status == (5_000, 4_990, 83)


async def test_without_a_budget_nothing_is_counted(network: Network) -> None:
    kept = budgets(network, budget_person=0, budget_client=0, budget_organisation=0)
    anna = somebody()
    kept.purse(anna).admit()
    assert await kept.purse(anna).spend(10**9) is None


async def test_processes_that_share_a_store_share_their_budgets(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = SharedStore("memory://")
    monkeypatch.setattr("pat_server.budgets.SharedStore", lambda _: store)
    one, two = (budgets(network, budget_person=10_000, budget_store="memory://") for _ in range(2))
    anna = somebody()
    assert await spends(one, anna, 6_000)
    assert not await spends(two, anna, 5_000)
    assert await spends(two, anna, 4_000)
    assert not await spends(one, anna, 1)
    with pytest.raises(Throttled) as caught:
        one.purse(anna).admit()
    assert 1 <= caught.value.retry_after <= 60


async def test_a_portion_is_spent_without_asking_the_store_again(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = budgets(network, budget_person=10_000, budget_store="memory://")
    anna = somebody()
    first = await kept.purse(anna).spend(1)
    monkeypatch.setattr("pat_server.budgets.SharedStore.draw", None)
    last = [await kept.purse(anna).spend(1) for _ in range(99)][-1]
    assert (first, last) == ((10_000, 9_999, 166), (10_000, 9_900, 166))


@pytest.mark.parametrize("trouble", ["error", "silence"])
async def test_a_store_that_does_not_answer_stops_nobody(
    network: Network, monkeypatch: pytest.MonkeyPatch, trouble: str
) -> None:
    from limits.errors import StorageError

    calls = 0

    async def lost(*_: object) -> None:
        nonlocal calls
        calls += 1
        if trouble == "silence":
            await asyncio.sleep(60)
        raise StorageError(ConnectionError())

    monkeypatch.setattr("pat_server.budgets.STORE_SECONDS", 0.05)
    kept = budgets(network, budget_person=10_000, budget_store="memory://")
    monkeypatch.setattr("limits.aio.strategies.FixedWindowRateLimiter.get_window_stats", lost)
    assert await spends(kept, somebody(), 500)
    assert await spends(kept, somebody(), 500)
    assert calls == 1


def test_a_store_that_there_is_not_is_a_mistake_of_the_settings(network: Network) -> None:
    with pytest.raises(SettingsError, match="PAT_BUDGET_STORE cannot be used") as caught:
        budgets(network, budget_store="nosuch://user:secret@host")
    assert "secret" not in str(caught.value)
