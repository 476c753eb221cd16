"""How often a request goes to the database."""

from __future__ import annotations

import asyncio

import orjson
import pytest
from tests.bench.operations import OPERATIONS
from tests.server.conftest import Network, asks

from pat_server.assembly import Parts, assemble
from pat_server.executing import Executor
from pat_server.requests import GraphQLRequest

PLAIN = "{ me { name } cases(first: 50) { totalCount edges { node { id legalProceedings { stage hearings { heldOn } } } } } }"
AUDITED = "{ cases(first: 50) { edges { node { survivor { identity { ... on SurvivorIdentity { firstName phone } } } } } } }"
A_CASE = "{ cases(first: 1) { edges { node { id } } } }"
NOTE = "mutation ($input: AddCaseNoteInput!) { addCaseNote(input: $input) { __typename } }"


@pytest.mark.parametrize(
    ("email", "document"),
    [
        ("manager@cbo-a.example", PLAIN),
        ("manager@cbo-a.example", AUDITED),
        ("worker@goa.example", OPERATIONS["h"].document),
    ],
    ids=["cases", "identities", "inbox"],
)
async def test_a_read_is_one_write_and_one_wait(network: Network, email: str, document: str) -> None:
    """A receiver's inbox too: with what is shared of each case, and what is recorded of that."""
    parts: Parts = assemble(network.settings)
    try:
        executor, principal = Executor(parts), network.principal(email)
        request = GraphQLRequest(document, None, None)
        await asks(executor, principal, request)
        await asyncio.sleep(0.05)
        traffic = parts.database.traffic
        writes, waits = traffic.writes, traffic.waits
        answer = await asks(executor, principal, request)
        assert answer.body.startswith(b'{"data"')
        assert (traffic.writes - writes, traffic.waits - waits) == (1, 1)
    finally:
        await parts.database.close()


async def test_a_second_note_on_a_case_is_one_write_and_one_wait(network: Network) -> None:
    parts: Parts = assemble(network.settings)
    try:
        executor, principal = Executor(parts), network.principal("manager@cbo-a.example")
        found = await asks(executor, principal, GraphQLRequest(A_CASE, None, None))
        (edge,) = orjson.loads(found.body)["data"]["cases"]["edges"]
        note = {"input": {"caseId": edge["node"]["id"], "kind": "GENERAL", "text": "She is well."}}
        costs = []
        for _ in range(2):
            await asyncio.sleep(0.05)
            traffic = parts.database.traffic
            writes, waits = traffic.writes, traffic.waits
            answer = await asks(executor, principal, GraphQLRequest(NOTE, None, note))
            assert b'"__typename":"CaseNote"' in answer.body
            costs.append((traffic.writes - writes, traffic.waits - waits))
        assert costs == [(2, 2), (1, 1)]
    finally:
        await parts.database.close()
