"""What people do with cases, over HTTP; and what they may not."""

from __future__ import annotations

import concurrent.futures
import time
from base64 import b64encode
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from tests.server.conftest import Act, Caller, Network, told, uuid_in

OPEN = """mutation($input: OpenCaseInput!) { openCase(input: $input) {
    __typename ... on Case { id code status version survivor { id code
        identity { ... on SurvivorIdentity { firstName phone birthDate } } } }
    ... on Refusal { code message field } } }"""
ASSIGN = """mutation($input: AssignCaseInput!) { assignCase(input: $input) {
    __typename ... on Case { id assignments { member { id name } } } ... on Refusal { code field } } }"""
NOTE = """mutation($input: AddCaseNoteInput!) { addCaseNote(input: $input) {
    __typename ... on CaseNote { id kind author { name } body { ... on NoteText { text } } } ... on Refusal { code field message } } }"""
UPDATE = """mutation($input: UpdateCaseInput!) { updateCase(input: $input) {
    __typename ... on Case { id version riskLevel status closedOn }
    ... on Problem { code message field } ... on Conflict { currentVersion } } }"""


def new_case(**changes: Any) -> dict[str, Any]:
    return {
        "survivor": {
            "gender": "Feminine",
            "isMinorAtIntake": True,
            "birthYear": 2011,
            "identity": {"firstName": "Zephyrine", "phone": "+91 98300 12345", "birthDate": "2011-02-03"},
        },
        "openedOn": "2026-01-15",
        "stage": "RESCUED",
        "riskLevel": "HIGH",
        "traffickingStatus": "ActualVictimOfTrafficking",
        "exploitation": ["SexualExploitation"],
        **changes,
    }


@pytest.fixture(scope="module")
def office(act_as: Act) -> Caller:
    """A manager whose organisation these tests may change."""
    return act_as("manager@cbo-g.example")


@pytest.fixture(scope="module")
def case(office: Caller) -> dict[str, Any]:
    answer: dict[str, Any] = office.ask(OPEN, input=new_case())["openCase"]
    assert answer["__typename"] == "Case"
    return answer


def member(caller: Caller, network: Network, email: str) -> str:
    (found,) = network.rows(
        "select m.id from app.memberships m join sec.people p on p.id = m.person_id where p.email = %s", email
    )[0]
    return b64encode(f"Member:{found}".encode()).decode()


def test_a_case_is_opened_and_read_back_at_once(case: dict[str, Any]) -> None:
    assert case["status"] == "ACTIVE"
    assert case["version"] == 1
    assert case["survivor"]["identity"] == {
        "firstName": "Zephyrine",
        "phone": "+91 98300 12345",
        "birthDate": "2011-02-03",
    }


def test_a_case_can_be_given_to_a_worker_who_then_reads_who_it_is(
    office: Caller, network: Network, act_as: Act, case: dict[str, Any]
) -> None:
    asked = """query($id: ID!) { case(id: $id) { survivor { identity { __typename ... on SurvivorIdentity { firstName } } } } }"""
    worker = act_as("worker2@cbo-g.example")
    before = worker.ask(asked, id=case["id"])["case"]["survivor"]["identity"]
    assert before == {"__typename": "Withheld"}
    to = member(office, network, "worker2@cbo-g.example")
    answer = office.ask(ASSIGN, input={"caseId": case["id"], "memberId": to})["assignCase"]
    assert [each["member"]["id"] for each in answer["assignments"]] == [to]
    again = office.ask(ASSIGN, input={"caseId": case["id"], "memberId": to})["assignCase"]
    assert len(again["assignments"]) == 1
    after = worker.ask(asked, id=case["id"])["case"]["survivor"]["identity"]
    assert after["firstName"] == "Zephyrine"


def test_a_note_is_written_and_read_back(office: Caller, case: dict[str, Any]) -> None:
    text = "মা বাড়িতে ছিলেন। Quixotically calm."
    answer = office.ask(NOTE, input={"caseId": case["id"], "kind": "HOME_VISIT", "text": f"  {text} "})[
        "addCaseNote"
    ]
    assert answer["body"] == {"text": text}
    assert answer["author"]["name"]


def test_an_empty_note_is_refused_in_a_sentence(office: Caller, case: dict[str, Any]) -> None:
    answer = office.ask(NOTE, input={"caseId": case["id"], "kind": "GENERAL", "text": " "})["addCaseNote"]
    assert answer == {
        "__typename": "Refusal",
        "code": "NOTE_EMPTY",
        "field": "text",
        "message": "The note is empty. Write what happened.",
    }


def test_a_worker_cannot_write_on_a_case_that_is_not_hers(act_as: Act, case: dict[str, Any]) -> None:
    stranger = act_as("worker1@cbo-g.example")
    answer = stranger.ask(NOTE, input={"caseId": case["id"], "kind": "GENERAL", "text": "x"})["addCaseNote"]
    assert (answer["__typename"], answer["code"]) == ("Refusal", "NOT_ASSIGNED")
    change = {"caseId": case["id"], "baseVersion": 1, "riskLevel": "LOW"}
    answer = stranger.ask(UPDATE, input=change)["updateCase"]
    assert (answer["__typename"], answer["code"]) == ("Refusal", "NOT_ASSIGNED")


def test_the_case_of_another_organisation_is_refused_like_an_unknown_one(
    act_as: Act, case: dict[str, Any]
) -> None:
    stranger = act_as("manager@cbo-f.example")
    unknown = b64encode(f"Case:{uuid4()}".encode()).decode()
    for query, rest in (
        (NOTE, {"kind": "GENERAL", "text": "x"}),
        (UPDATE, {"baseVersion": 1, "riskLevel": "LOW"}),
        (ASSIGN, {"memberId": unknown}),
    ):
        answers = [stranger.post(query, {"input": {"caseId": id, **rest}}) for id in (case["id"], unknown)]
        assert told(answers[0]) == told(answers[1])
        assert b"NOT_FOUND" in answers[0].content


@pytest.mark.parametrize(
    "email",
    ["worker1@cbo-g.example", "admin@cbo-g.example", "facilitator@cbo-g.example", "survivor7@cbo-g.example"],
)
def test_only_a_manager_opens_cases(act_as: Act, email: str) -> None:
    assert act_as(email).refused(OPEN, input=new_case()) == "FORBIDDEN"


def test_a_change_raises_the_version_and_a_stale_one_is_a_conflict(office: Caller) -> None:
    opened = office.ask(OPEN, input=new_case())["openCase"]
    change = {"caseId": opened["id"], "baseVersion": 1, "riskLevel": "LOW"}
    first = office.ask(UPDATE, input=change)["updateCase"]
    assert (first["__typename"], first["version"], first["riskLevel"]) == ("Case", 2, "LOW")
    stale = office.ask(UPDATE, input={**change, "riskLevel": "MEDIUM"})["updateCase"]
    assert (stale["__typename"], stale["currentVersion"], stale["field"]) == ("Conflict", 2, "baseVersion")
    kept = office.ask("query($id: ID!) { case(id: $id) { riskLevel version } }", id=opened["id"])["case"]
    assert kept == {"riskLevel": "LOW", "version": 2}


def test_a_state_that_cannot_follow_is_refused(office: Caller) -> None:
    opened = office.ask(OPEN, input=new_case())["openCase"]
    answer = office.ask(UPDATE, input={"caseId": opened["id"], "baseVersion": 1, "status": "CLOSED"})[
        "updateCase"
    ]
    assert (answer["__typename"], answer["code"]) == ("Refusal", "STATUS_NOT_ALLOWED")


def test_a_case_ends_in_two_steps(office: Caller) -> None:
    opened = office.ask(OPEN, input=new_case())["openCase"]
    asked = {"caseId": opened["id"], "baseVersion": 1, "status": "CLOSURE_REQUESTED"}
    assert office.ask(UPDATE, input=asked)["updateCase"]["version"] == 2
    closed = {"caseId": opened["id"], "baseVersion": 2, "status": "CLOSED", "closedOn": "2026-10-01"}
    answer = office.ask(UPDATE, input=closed)["updateCase"]
    assert (answer["status"], answer["closedOn"]) == ("CLOSED", "2026-10-01")


def test_a_wrong_phone_number_is_refused_and_nothing_is_kept(office: Caller) -> None:
    before = office.ask("{ cases { totalCount } }")
    survivor = {**new_case()["survivor"], "identity": {"phone": "12"}}
    answer = office.ask(OPEN, input=new_case(survivor=survivor))["openCase"]
    assert (answer["__typename"], answer["code"], answer["field"]) == ("Refusal", "PHONE_INVALID", "phone")
    assert office.ask("{ cases { totalCount } }") == before


def test_a_case_of_tomorrow_is_refused(office: Caller) -> None:
    answer = office.ask(OPEN, input=new_case(openedOn="2999-01-01"))["openCase"]
    assert (answer["code"], answer["field"]) == ("OPENED_IN_FUTURE", "openedOn")


def test_an_id_that_is_none_is_bad_input(office: Caller) -> None:
    answer = office.post(NOTE, {"input": {"caseId": "nonsense", "kind": "GENERAL", "text": "x"}}).json()
    assert answer["errors"][0]["extensions"]["code"] == "BAD_INPUT"


def test_a_replayed_mutation_answers_the_same_and_does_nothing_twice(office: Caller) -> None:
    before = office.ask("{ cases { totalCount } }")["cases"]["totalCount"]
    asked = new_case(clientMutationId=str(uuid4()))
    first = office.ask(OPEN, input=asked)["openCase"]
    second = office.ask(OPEN, input=asked)["openCase"]
    assert first == second
    assert office.ask("{ cases { totalCount } }")["cases"]["totalCount"] == before + 1


def test_a_replay_with_another_input_is_refused(office: Caller) -> None:
    key = str(uuid4())
    office.ask(OPEN, input=new_case(clientMutationId=key))
    answer = office.ask(OPEN, input=new_case(clientMutationId=key, riskLevel="LOW"))["openCase"]
    assert (answer["code"], answer["field"]) == ("MUTATION_ID_REUSED", "clientMutationId")


def test_a_key_is_nobody_elses(act_as: Act, office: Caller) -> None:
    key = str(uuid4())
    office.ask(OPEN, input=new_case(clientMutationId=key))
    other = act_as("manager@cbo-f.example").ask(OPEN, input=new_case(clientMutationId=key))["openCase"]
    assert other["__typename"] == "Case"


def test_one_mutation_sent_many_times_at_once_is_done_once(office: Caller) -> None:
    before = office.ask("{ cases { totalCount } }")["cases"]["totalCount"]
    asked = {"input": new_case(clientMutationId=str(uuid4()))}
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        answers = [each.json() for each in pool.map(lambda _: office.post(OPEN, asked), range(6))]
    assert len({answer["data"]["openCase"]["id"] for answer in answers}) == 1
    assert office.ask("{ cases { totalCount } }")["cases"]["totalCount"] == before + 1


def test_a_mutation_that_is_under_way_twice_is_done_once(office: Caller, network: Network) -> None:
    before = office.ask("{ cases { totalCount } }")["cases"]["totalCount"]
    asked = {"input": new_case(clientMutationId=str(uuid4()))}
    waiting = "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and usename like 'org%%'"
    with (
        psycopg.connect(network.admin_url) as holder,
        concurrent.futures.ThreadPoolExecutor(2) as pool,
    ):
        # Neither can append to the trail before both have seen that the key is new.
        holder.execute("select from trail.heads for update")
        under_way = [pool.submit(office.post, OPEN, asked) for _ in range(2)]
        deadline = time.monotonic() + 20
        while network.rows(waiting) != [(2,)]:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        holder.rollback()
        answers = [each.result().json() for each in under_way]
    assert len({answer["data"]["openCase"]["id"] for answer in answers}) == 1
    assert office.ask("{ cases { totalCount } }")["cases"]["totalCount"] == before + 1


def test_what_the_database_refuses_is_a_refusal(office: Caller, network: Network) -> None:
    before = network.rows("select count(*) from app.survivors")
    place = b64encode(f"Place:{uuid4()}".encode()).decode()
    answer = office.ask(OPEN, input=new_case(placeId=place))["openCase"]
    assert (answer["__typename"], answer["code"]) == ("Refusal", "NOT_FOUND")
    assert network.rows("select count(*) from app.survivors") == before


def test_the_replay_keeps_ids_and_no_word_of_the_input(office: Caller, network: Network) -> None:
    office.ask(OPEN, input=new_case(clientMutationId=str(uuid4())))
    kept = network.rows("select r::text from app.replays r")
    assert kept
    assert not any("Zephyrine" in row[0] for row in kept)


def test_several_mutations_are_done_in_order_each_in_its_own_transaction(
    office: Caller, case: dict[str, Any]
) -> None:
    document = """mutation($good: AddCaseNoteInput!, $bad: AddCaseNoteInput!) {
        one: addCaseNote(input: $good) { __typename } two: addCaseNote(input: $bad) { __typename }
        three: addCaseNote(input: $good) { __typename } }"""
    good = {"caseId": case["id"], "kind": "GENERAL", "text": "seen"}
    answer = office.ask(document, good=good, bad={**good, "text": ""})
    assert [answer[key]["__typename"] for key in ("one", "two", "three")] == [
        "CaseNote",
        "Refusal",
        "CaseNote",
    ]


def test_a_client_without_the_scope_never_gets_a_name(
    act_as: Act, office: Caller, case: dict[str, Any]
) -> None:
    office.ask(NOTE, input={"caseId": case["id"], "kind": "GENERAL", "text": "seen"})
    ceiling = frozenset({"cases", "groups"})
    narrow = act_as("manager@cbo-g.example", ceiling)
    asked = """query($id: ID!) { case(id: $id) { survivor { identity { ... on Withheld { reason } } }
        notes(first: 1) { edges { node { body { ... on Withheld { reason } } } } } } }"""
    answer = narrow.ask(asked, id=case["id"])["case"]
    assert answer["survivor"]["identity"] == {"reason": "CLIENT"}
    assert answer["notes"]["edges"][0]["node"]["body"] == {"reason": "CLIENT"}


def test_the_author_is_who_was_signed_in(office: Caller, network: Network, case: dict[str, Any]) -> None:
    rows = network.rows("select created_by from app.cases where id = %s", uuid_in(case["id"]))
    assert rows == [(office.principal.person,)]
