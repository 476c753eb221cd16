"""A server switched to the standard executor answers what the compiled one does."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from tests.server.conftest import Network, asks

from pat_platform.settings import EngineMode
from pat_server.assembly import assemble
from pat_server.executing import Executor
from pat_server.requests import GraphQLRequest

DOCUMENTS = {
    "manager@cbo-a.example": """{ me { name role organisation { name } }
        cases(first: 4, orderBy: CODE_ASC) { totalCount pageInfo { hasNextPage endCursor } edges { cursor node {
            id code status htcdsStatus survivor { code ageBand place { name parent { name } }
            identity { __typename ... on SurvivorIdentity { firstName phone birthDate } } }
            assignments { member { name role } since } legalProceedings { stage sections hearings { heldOn mode } }
            notes(last: 1) { totalCount edges { node { writtenAt body { ... on NoteText { text } } } } }
            referrals { status partnerName scopes sentAt } } } }
        selfHelpGroups(first: 2) { edges { node { name savingsTotal loansOutstanding memberCount members { role
            identity { ... on GroupMemberIdentity { name } } } } } } }""",
    "worker1@cbo-a.example": """{ cases(first: 6) { edges { node { survivor { identity {
        __typename ... on Withheld { reason } ... on SurvivorIdentity { alias } } } } } } }""",
    "survivor7@cbo-a.example": "{ cases { edges { node { code survivor { code identity { ... on SurvivorIdentity { firstName } } } } } } }",
    "worker@goa.example": """{ referrals(direction: RECEIVED) { totalCount edges { node { id status scopes
        case { ... on Withheld { reason } } hearings { heldOn } } } } organisations { edges { node { name } } } }""",
    "mis@cbo-a.example": "{ cases { totalCount } }",
    "manager@cbo-c.example": "{ caseCounts { status count place { name } } }",
}


@pytest.mark.parametrize("email", DOCUMENTS)
async def test_both_ways_of_executing_answer_the_same(network: Network, email: str) -> None:
    request = GraphQLRequest(DOCUMENTS[email], None, None)
    principal = network.principal(email)
    answers = []
    for mode in EngineMode:
        parts = assemble(replace(network.settings, engine=mode))
        try:
            answer = await asks(Executor(parts), principal, request)
            # PostgreSQL puts blanks where others do not; all else, the order of keys too, must be the same.
            answers.append(json.dumps(json.loads(answer.body)))
        finally:
            await parts.database.close()
    assert answers[0] == answers[1]


async def test_cases_without_a_place_are_counted_there_too(network: Network) -> None:
    email = "manager@cbo-c.example"
    organisation = network.principal(email).organisation
    before = network.rows(
        "update app.cases set place_id = null where id in (select id from app.cases where organisation_id = %s limit 1)"
        " and organisation_id = %s returning id",
        organisation,
        organisation,
    )
    assert before
    await test_both_ways_of_executing_answer_the_same(network, email)


async def test_a_revoked_session_is_nobody_there_too(network: Network) -> None:
    parts = assemble(replace(network.settings, engine=EngineMode.EXECUTOR))
    principal = network.principal("manager@cbo-a.example")
    network.rows("update sec.sessions set revoked_at = now() where id = %s", principal.session)
    try:
        answer = await asks(Executor(parts), principal, GraphQLRequest("{ me { name } }", None, None))
    finally:
        await parts.database.close()
    assert b"UNAUTHENTICATED" in answer.body
