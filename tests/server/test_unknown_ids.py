"""Whoever asks by an id for what is not hers to see is answered like whoever asks for what does not exist, and both are in the trail."""

from __future__ import annotations

import asyncio
import json
from base64 import b64encode
from typing import Any
from uuid import UUID, uuid4

import pytest
from tests.server.conftest import Act, Caller, Network, asks, told, uuid_in
from tests.server.sharing import global_id

from pat_server.assembly import assemble
from pat_server.executing import Executor
from pat_server.requests import GraphQLRequest

ROOTS = {
    "case": ("Case", "cases"),
    "survivor": ("Survivor", "survivors"),
    "selfHelpGroup": ("SelfHelpGroup", "self_help_groups"),
    "referral": ("Referral", "referrals"),
    "node": ("Consent", "consents"),
}
MOVE = """mutation($input: MoveReferralInput!) { moveReferral(input: $input) {
    __typename ... on Refusal { code } } }"""


def events(
    network: Network, caller: Caller, action: str = "id.unknown"
) -> list[tuple[dict[str, Any], list[UUID]]]:
    """What the trail has of it in the caller's organisation, and about whom it is."""
    rows = network.rows(
        "select detail, subjects from trail.events where organisation_id = %s and actor = %s and action = %s order by number",
        caller.principal.organisation,
        caller.principal.person,
        action,
    )
    return [(json.loads(detail), subjects) for detail, subjects in rows]


def elsewhere(network: Network, table: str) -> UUID:
    """A row's id that another organisation has."""
    found: UUID = network.rows(
        f"select t.id from app.{table} t join app.organisations o on o.id = t.organisation_id and o.slug <> 'cbo-f'"
        " order by t.id limit 1"
    )[0][0]
    return found


@pytest.mark.parametrize("field", ROOTS)
def test_an_id_that_leads_to_nothing_is_recorded_alike_be_it_elsewhere_or_nowhere(
    act_as: Act, network: Network, field: str
) -> None:
    kind, table = ROOTS[field]
    theirs, nowhere = elsewhere(network, table), uuid4()
    caller = act_as("manager@cbo-f.example")
    query = f"query($id: ID!) {{ {field}(id: $id) {{ id }} }}"
    count = "select count(*) from trail.events where organisation_id <> %s"
    before, others = len(events(network, caller)), network.rows(count, caller.principal.organisation)
    answers = [caller.post(query, {"id": global_id(kind, key)}) for key in (theirs, nowhere)]
    assert told(answers[0]) == told(answers[1])
    assert answers[0].json()["data"] == {field: None}
    assert events(network, caller)[before:] == [({"ids": [f"{kind}:{key}"]}, []) for key in (theirs, nowhere)]
    assert network.rows(count, caller.principal.organisation) == others


def test_what_is_found_leaves_no_such_event(act_as: Act, network: Network) -> None:
    caller = act_as("manager@cbo-f.example")
    (edge,) = caller.ask("{ cases(first: 1) { edges { node { id } } } }")["cases"]["edges"]
    before = events(network, caller)
    for field in ("case", "node"):
        found = caller.ask(f"query($id: ID!) {{ {field}(id: $id) {{ id }} }}", id=edge["node"]["id"])
        assert found == {field: edge["node"]}
    assert events(network, caller) == before


def test_many_guesses_in_one_request_are_one_event(act_as: Act, network: Network) -> None:
    caller = act_as("worker@goa.example")
    keys = [uuid4() for _ in range(30)]
    asked = " ".join(
        f'_{n}: referral(id: "{global_id("Referral", key)}") {{ id }}' for n, key in enumerate(keys)
    )
    before = len(events(network, caller))
    assert set(caller.ask(f"{{ {asked} }}").values()) == {None}
    ((detail, subjects),) = events(network, caller)[before:]
    assert detail == {"ids": sorted(f"Referral:{key}" for key in keys)}
    assert subjects == []


def test_her_own_administrator_reads_of_it_and_whom_it_was_about_does_not(
    act_as: Act, network: Network
) -> None:
    theirs = elsewhere(network, "survivors")
    caller, admin = act_as("worker1@cbo-f.example"), act_as("admin@cbo-f.example")
    caller.ask("query($id: ID!) { survivor(id: $id) { id } }", id=global_id("Survivor", theirs))
    query = """{ auditEvents(first: 1, filter: {action: "id.unknown"}) { edges { node {
        member { name } subjectCount survivors { id } detail } } } }"""
    ((event),) = [edge["node"] for edge in admin.ask(query)["auditEvents"]["edges"]]
    assert event["member"]["name"] == caller.ask("{ me { name } }")["me"]["name"]
    assert (event["subjectCount"], event["survivors"]) == (0, [])
    assert json.loads(event["detail"])["ids"] == [f"Survivor:{theirs}"]
    assert network.rows(
        "select count(*) from trail.events where action = 'id.unknown' and subjects <> '{}'"
    ) == [(0,)]


@pytest.mark.parametrize(
    "id",
    [
        "nonsense",
        b64encode(b"Case:nonsense").decode(),
        b64encode(b"Nobody knows:this").decode(),
        b64encode(f"Anything:{UUID(int=7)}".encode()).decode(),
        b64encode(b"Survivor:a name, perhaps").decode(),
    ],
)
def test_what_is_no_id_of_ours_is_not_recorded(act_as: Act, network: Network, id: str) -> None:
    """Nobody writes into the trail what she likes. The last one is of a type that she may not read."""
    caller = act_as("facilitator@cbo-f.example")
    before = events(network, caller)
    caller.post("query($id: ID!) { node(id: $id) { id } }", {"id": id})
    assert events(network, caller) == before


def test_of_a_survivor_only_how_many_ids_is_recorded(act_as: Act, network: Network) -> None:
    """What is hidden from her while somebody looks on is hers: its id would tell her administrators who has signed in."""
    caller = act_as("survivor2@cbo-f.example")
    id = global_id("ReferralHearing", uuid4())
    before = len(events(network, caller)), len(events(network, caller, "request.refused"))
    assert caller.ask("query($id: ID!) { node(id: $id) { id } }", id=id) == {"node": None}
    withdrawn = "mutation($id: ID!) { withdrawConsent(input: {id: $id}) { __typename } }"
    caller.ask(withdrawn, id=global_id("Consent", uuid4()))
    assert events(network, caller)[before[0] :] == [({"count": 1}, [])]
    told = {"code": "NOT_FOUND", "field": "withdrawConsent", "count": 1}
    assert events(network, caller, "request.refused")[before[1] :] == [(told, [])]


def test_of_a_type_that_she_may_not_read_it_is_recorded_too(act_as: Act, network: Network) -> None:
    caller = act_as("facilitator@cbo-f.example")
    id = global_id("Survivor", uuid4())
    before = len(events(network, caller))
    assert caller.ask("query($id: ID!) { node(id: $id) { id } }", id=id) == {"node": None}
    assert events(network, caller)[before:] == [({"ids": [f"Survivor:{uuid_in(id)}"]}, [])]


def test_a_step_that_is_refused_because_there_is_nothing_names_the_id(act_as: Act, network: Network) -> None:
    caller = act_as("manager@cbo-f.example")
    before = len(events(network, caller, "request.refused"))
    ids = [global_id("Referral", key) for key in (elsewhere(network, "referrals"), uuid4())]
    for id in ids:
        answer = caller.ask(MOVE, input={"id": id, "to": "SENT"})
        assert answer["moveReferral"]["code"] == "NOT_FOUND"
    assert events(network, caller, "request.refused")[before:] == [
        ({"code": "NOT_FOUND", "field": "moveReferral", "ids": [f"Referral:{uuid_in(id)}"]}, []) for id in ids
    ]


async def test_to_record_it_takes_as_long_for_what_is_elsewhere_as_for_what_is_nowhere(
    network: Network,
) -> None:
    """Counted in what is sent and waited for; what is found costs nothing more than before."""
    parts = assemble(network.settings)
    principal = network.principal("manager@cbo-f.example")
    mine = network.rows(
        "select id from app.cases where organisation_id = %s limit 1", principal.organisation
    )[0][0]
    document = "query($id: ID!) { case(id: $id) { id code } }"
    costs = []
    try:
        executor = Executor(parts)
        for key in (mine, uuid4(), mine, elsewhere(network, "cases"), uuid4()):
            await asyncio.sleep(0.05)
            traffic = parts.database.traffic
            before = traffic.writes, traffic.waits
            await asks(executor, principal, GraphQLRequest(document, None, {"id": global_id("Case", key)}))
            costs.append((traffic.writes - before[0], traffic.waits - before[1]))
    finally:
        await parts.database.close()
    _, _, found, *unknown = costs
    assert found == (1, 1)
    assert len(set(unknown)) == 1
