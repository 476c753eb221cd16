"""Notes on cases that were written on before: what is presumed of them changes no answer."""

from __future__ import annotations

from base64 import b64encode
from typing import Any
from uuid import UUID

import httpx
import pytest
from tests.server.conftest import Act, Caller, Network, told

from pat_platform.encryption.chosen import key_keeper
from pat_platform.encryption.provider import WrappedKey

NOTE = """mutation($input: AddCaseNoteInput!) { addCaseNote(input: $input) {
    __typename ... on CaseNote { body { ... on NoteText { text } } } ... on Refusal { code field message } } }"""

REFUSED = "select count(*) from trail.events where action = 'request.refused' and actor = %s"
HERS = """select a.case_id, a.survivor_id, a.id from app.case_assignments a join sec.people p on p.id = a.person_id
    where p.email = 'worker1@cbo-e.example' and a.ended_at is null order by a.case_id"""


@pytest.fixture
def worker(act_as: Act) -> Caller:
    return act_as("worker1@cbo-e.example")


def write(caller: Caller, case: UUID, text: str = "She is well.") -> httpx.Response:
    case_id = b64encode(f"Case:{case}".encode()).decode()
    return caller.post(NOTE, {"input": {"caseId": case_id, "kind": "GENERAL", "text": text}})


def written(answer: httpx.Response) -> Any:
    return answer.json()["data"]["addCaseNote"]


def notes(network: Network, case: UUID) -> tuple[int, int, int]:
    """Notes on a case, their texts, and events that tell of them."""
    (found,) = network.rows(
        "select (select count(*) from app.case_notes where case_id = %s),"
        " (select count(*) from app.case_note_texts where case_id = %s),"
        " (select count(*) from trail.events where action = 'case_note.added' and %s = any(subjects))",
        case,
        case,
        case,
    )
    return found


def test_whose_assignment_has_ended_is_refused_as_if_she_had_never_had_it(
    network: Network, act_as: Act, worker: Caller
) -> None:
    case, _, assignment = network.rows(HERS)[0]
    assert [written(write(worker, case))["__typename"] for _ in range(2)] == ["CaseNote"] * 2
    before, ((refused,),) = notes(network, case), network.rows(REFUSED, worker.principal.person)
    network.rows("update app.case_assignments set ended_at = now() where id = %s", assignment)
    answers = [write(worker, case), write(worker, case), write(act_as("worker2@cbo-f.example"), case)]
    assert written(answers[0])["code"] == "NOT_ASSIGNED"
    assert told(answers[0]) == told(answers[1])
    assert written(answers[2])["code"] == "NOT_FOUND"
    assert notes(network, case) == before
    assert network.rows(REFUSED, worker.principal.person) == [(refused + 2,)]


async def test_a_key_that_was_wrapped_anew_seals_the_next_note(network: Network, worker: Caller) -> None:
    case, survivor, _ = network.rows(HERS)[-1]
    assert written(write(worker, case, "first"))["body"] == {"text": "first"}
    organisation = worker.principal.organisation
    ((old,),) = network.rows("select wrapped from app.survivor_keys where survivor_id = %s", survivor)
    keeper = key_keeper(network.settings)
    (new,) = await keeper.rewrap(organisation, [WrappedKey(survivor, bytes(old))])
    keeper.close()
    network.rows("update app.survivor_keys set wrapped = %s where survivor_id = %s", new, survivor)
    before = notes(network, case)
    assert written(write(worker, case, "second"))["body"] == {"text": "second"}
    assert notes(network, case) == (before[0] + 1, before[1] + 1, before[2] + 1)


def test_nothing_is_sealed_with_a_key_that_was_erased(network: Network, act_as: Act) -> None:
    manager = act_as("manager@cbo-e.example")
    case, survivor, _ = network.rows(HERS)[-1]
    assert written(write(manager, case))["__typename"] == "CaseNote"
    for table in ("case_note_texts", "survivor_identities", "survivor_keys"):
        network.rows(f"delete from app.{table} where survivor_id = %s", survivor)
    before = notes(network, case)
    assert written(write(manager, case))["code"] == "NOT_ASSIGNED"
    assert notes(network, case) == before


def test_a_key_that_does_not_open_any_more_is_told_and_nothing_written(network: Network, act_as: Act) -> None:
    manager = act_as("manager@cbo-e.example")
    case, survivor, _ = network.rows(HERS)[0]
    assert written(write(manager, case))["__typename"] == "CaseNote"
    network.rows("update app.survivor_keys set wrapped = 'lost' where survivor_id = %s", survivor)
    before = notes(network, case)
    for _ in range(2):
        answer = write(manager, case).json()
        assert answer["errors"][0]["extensions"]["code"] == "UNREADABLE"
    assert notes(network, case) == before
