"""What the trail keeps of requests."""

from __future__ import annotations

import json
from typing import Any

import psycopg
from psycopg.rows import dict_row
from tests.server.conftest import Act, Caller, Network, uuid_in

from pat_platform.trail import Broken, first_broken

IDENTITY = "{ cases(first: 3) { edges { node { survivor { id identity { ... on SurvivorIdentity { firstName } } } } } } }"


def events(network: Network, caller: Caller) -> list[dict[str, Any]]:
    with psycopg.connect(network.admin_url, row_factory=dict_row) as connection:
        return connection.execute(
            "select * from trail.events where organisation_id = %s order by number",
            (caller.principal.organisation,),
        ).fetchall()


def test_reading_who_somebody_is_leaves_one_event_with_everyone_read(network: Network, act_as: Act) -> None:
    reader = act_as("manager@cbo-d.example")
    before = len(events(network, reader))
    answer = reader.ask(IDENTITY)
    new = events(network, reader)[before:]
    assert [event["action"] for event in new] == ["record.read"]
    read = {uuid_in(edge["node"]["survivor"]["id"]) for edge in answer["cases"]["edges"]}
    assert set(new[0]["subjects"]) == read
    assert new[0]["actor"] == reader.principal.person
    assert json.loads(new[0]["detail"])["classes"] == ["identity"]


def test_reading_a_note_is_recorded_as_such(network: Network, act_as: Act) -> None:
    reader = act_as("manager@cbo-d.example")
    before = len(events(network, reader))
    reader.ask(
        "{ cases { edges { node { notes { edges { node { body { ... on NoteText { text } } } } } } } } }"
    )
    (event,) = events(network, reader)[before:]
    assert json.loads(event["detail"])["classes"] == ["note"]


def test_reading_what_names_nobody_leaves_no_event(network: Network, act_as: Act) -> None:
    reader = act_as("manager@cbo-d.example")
    before = len(events(network, reader))
    reader.ask("{ cases { totalCount edges { node { code status survivor { code } } } } me { name } }")
    assert len(events(network, reader)) == before


def test_withheld_identities_are_no_reading(network: Network, act_as: Act) -> None:
    worker = act_as("worker1@cbo-d.example")
    before = len(events(network, worker))
    answer = worker.ask(
        "{ cases(first: 100) { edges { node { survivor { id identity { __typename ... on SurvivorIdentity { alias } } } } } } }"
    )
    (event,) = events(network, worker)[before:]
    seen = {
        uuid_in(edge["node"]["survivor"]["id"])
        for edge in answer["cases"]["edges"]
        if edge["node"]["survivor"]["identity"]["__typename"] == "SurvivorIdentity"
    }
    assert set(event["subjects"]) == seen


def test_a_refused_request_is_recorded_in_a_transaction_of_its_own(network: Network, act_as: Act) -> None:
    facilitator = act_as("facilitator@cbo-d.example")
    before = len(events(network, facilitator))
    assert facilitator.refused("{ cases { totalCount } }") == "FORBIDDEN"
    (event,) = events(network, facilitator)[before:]
    assert event["action"] == "request.refused"
    assert json.loads(event["detail"]) == {"code": "FORBIDDEN", "field": "Query.cases"}


def test_the_chains_hold_and_name_a_row_that_was_changed(network: Network, act_as: Act) -> None:
    reader = act_as("manager@cbo-d.example")
    reader.ask(IDENTITY)
    chain = events(network, reader)
    assert len(chain) > 100
    head = {name: chain[-1][name] for name in ("organisation_id", "number", "hash")}
    assert first_broken(chain, head) is None
    chain[41]["action"] = "nothing.happened"
    assert first_broken(chain, head) == Broken(reader.principal.organisation, 42, "changed")


def test_every_chain_of_the_demo_holds(network: Network) -> None:
    with psycopg.connect(network.admin_url, row_factory=dict_row) as connection:
        heads = connection.execute("select * from trail.heads").fetchall()
        assert len(heads) >= 12
        for head in heads:
            chain = connection.execute(
                "select * from trail.events where organisation_id = %s order by number",
                (head["organisation_id"],),
            ).fetchall()
            assert first_broken(chain, head) is None
