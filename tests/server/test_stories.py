"""What the people of the network see: each story as its person, over HTTP, against the demo network."""

from __future__ import annotations

from base64 import b64encode
from uuid import uuid4

import pytest
from tests.server.conftest import Act, Caller, Network, told

CASES = {"cbo-a": 34, "cbo-b": 28, "cbo-c": 26, "cbo-d": 24, "cbo-e": 20, "cbo-f": 18, "cbo-g": 14}

IDENTITIES = """{ cases(first: 100) { edges { node { id survivor { id identity {
    __typename ... on SurvivorIdentity { firstName phone } ... on Withheld { reason } } } } } } }"""


def test_the_demo_has_the_cases_of_the_network(network: Network) -> None:
    assert network.loaded == CASES


@pytest.mark.parametrize("organisation", CASES)
def test_a_manager_counts_the_cases_of_her_organisation(
    act_as: Act, network: Network, organisation: str
) -> None:
    manager = act_as(f"manager@{organisation}.example")
    # Other tests open cases meanwhile; the database's owner knows how many there are now.
    assert manager.ask("{ cases { totalCount } }") == {
        "cases": {"totalCount": network.counted()[organisation]}
    }


def test_she_asks_for_everything_in_one_request(manager: Caller) -> None:
    data = manager.ask(
        """{
            me { name role organisation { name slug } }
            cases(first: 50) { totalCount edges { node {
                id code status htcdsStatus survivor { code }
                legalProceedings { stage sections hearings { heldOn mode } }
                notes(first: 2) { edges { node { kind writtenAt author { name } body { ... on NoteText { text } } } } }
            } } }
            selfHelpGroups { edges { node { name savingsTotal loansTotal loansOutstanding memberCount } } }
            referrals(direction: SENT) { edges { node { status partnerName partnerState case { ... on Case { code } } } } }
        }"""
    )
    assert data["me"]["role"] == "CASE_MANAGER"
    assert data["me"]["organisation"]["slug"] == "cbo-a"
    assert len(data["cases"]["edges"]) == 34
    assert any(edge["node"]["legalProceedings"] for edge in data["cases"]["edges"])
    assert any(edge["node"]["notes"]["edges"] for edge in data["cases"]["edges"])
    assert all(edge["node"]["savingsTotal"] > 0 for edge in data["selfHelpGroups"]["edges"])
    assert sum(edge["node"]["partnerState"] == "Goa" for edge in data["referrals"]["edges"]) >= 2


def test_a_manager_sees_who_they_are(manager: Caller) -> None:
    for edge in manager.ask(IDENTITIES)["cases"]["edges"]:
        identity = edge["node"]["survivor"]["identity"]
        assert identity["__typename"] == "SurvivorIdentity"
        assert identity["firstName"]


def test_a_worker_sees_her_own_caseload_and_withheld_for_the_rest(act_as: Act) -> None:
    worker = act_as("worker1@cbo-a.example")
    assigned = {
        edge["node"]["id"]
        for edge in worker.ask(
            "{ cases(first: 100, filter: {assignedToMe: true}) { edges { node { id } } } }"
        )["cases"]["edges"]
    }
    assert 0 < len(assigned) < 34
    edges = worker.ask(IDENTITIES)["cases"]["edges"]
    assert len(edges) == 34
    for edge in edges:
        identity = edge["node"]["survivor"]["identity"]
        if edge["node"]["id"] in assigned:
            assert identity["__typename"] == "SurvivorIdentity"
        else:
            assert identity == {"__typename": "Withheld", "reason": "NOT_ASSIGNED"}


def test_the_workers_of_an_organisation_share_its_cases_between_them(act_as: Act) -> None:
    mine = "{ cases(filter: {assignedToMe: true}) { totalCount } }"
    counts = [act_as(f"worker{n}@cbo-a.example").ask(mine)["cases"]["totalCount"] for n in (1, 2, 3, 4)]
    assert sum(counts) == 34


def test_a_survivor_sees_one_case_and_herself(act_as: Act) -> None:
    survivor = act_as("survivor7@cbo-a.example")
    cases = survivor.ask(IDENTITIES)["cases"]["edges"]
    assert len(cases) == 1
    assert cases[0]["node"]["survivor"]["identity"]["__typename"] == "SurvivorIdentity"


def test_a_facilitator_sees_groups_and_no_case(act_as: Act) -> None:
    facilitator = act_as("facilitator@cbo-a.example")
    groups = facilitator.ask(
        "{ selfHelpGroups { edges { node { members { identity { ... on GroupMemberIdentity { name } } } } } } }"
    )["selfHelpGroups"]["edges"]
    assert all(member["identity"]["name"] for edge in groups for member in edge["node"]["members"])
    assert facilitator.refused("{ cases { totalCount } }") == "FORBIDDEN"


def test_a_worker_sees_groups_without_names(act_as: Act) -> None:
    groups = act_as("worker1@cbo-a.example").ask(
        "{ selfHelpGroups { edges { node { members { identity { __typename ... on Withheld { reason } } } } } } }"
    )["selfHelpGroups"]["edges"]
    found = {str(member["identity"]) for edge in groups for member in edge["node"]["members"]}
    assert found == {"{'__typename': 'Withheld', 'reason': 'ROLE'}"}


def test_a_counsellor_sees_the_cases_given_to_her_only(act_as: Act) -> None:
    cases = act_as("counsellor@cbo-a.example").ask(IDENTITIES)["cases"]["edges"]
    assert 0 < len(cases) < 34
    assert {edge["node"]["survivor"]["identity"]["__typename"] for edge in cases} == {"SurvivorIdentity"}


@pytest.mark.parametrize(
    "email",
    [
        "mis@cbo-a.example",
        "admin@secretariat.example",
        "analyst@secretariat.example",
        "auditor@secretariat.example",
        "worker@goa.example",
        "officer@funder.example",
    ],
)
def test_others_may_not_ask_for_cases(act_as: Act, email: str) -> None:
    assert act_as(email).refused("{ cases { totalCount } }") == "FORBIDDEN"


def test_goa_sees_the_referrals_sent_to_it_and_nothing_behind_them(act_as: Act) -> None:
    data = act_as("worker@goa.example").ask(
        """{ referrals(direction: RECEIVED) { totalCount edges { node {
            direction status need urgency scopes partnerName case { __typename ... on Withheld { reason } } hearings { heldOn }
        } } } me { organisation { slug } } }"""
    )
    assert data["me"]["organisation"]["slug"] == "goa"
    assert data["referrals"]["totalCount"] > 0
    for edge in data["referrals"]["edges"]:
        assert edge["node"]["direction"] == "RECEIVED"
        assert edge["node"]["status"] not in {"DRAFT", "CONSENT_RECORDED"}
        assert edge["node"]["case"] == {"__typename": "Withheld", "reason": "NOT_SHARED"}


def test_no_organisation_learns_the_other_sides_id_of_a_referral(act_as: Act, manager: Caller) -> None:
    sent = "{ referrals(direction: SENT, first: 100) { edges { node { id } } } }"
    received = "{ referrals(direction: RECEIVED, first: 100) { edges { node { id } } } }"
    ids = {edge["node"]["id"] for edge in manager.ask(sent)["referrals"]["edges"]}
    theirs = {edge["node"]["id"] for edge in act_as("worker@goa.example").ask(received)["referrals"]["edges"]}
    assert ids
    assert theirs
    assert not ids & theirs


def test_every_status_of_a_referral_is_in_the_demo(act_as: Act) -> None:
    found = set()
    for letter in "abcdefg":
        answer = act_as(f"manager@cbo-{letter}.example").ask(
            "{ referrals(direction: SENT, first: 100) { edges { node { status } } } }"
        )
        found |= {edge["node"]["status"] for edge in answer["referrals"]["edges"]}
    assert found == {
        "DRAFT", "CONSENT_RECORDED", "SENT", "ACCEPTED", "DECLINED", "EXPIRED", "IN_PROGRESS", "COMPLETED",
        "CLOSED", "REVOKED", "SUSPENDED",
    }  # fmt: skip


@pytest.mark.parametrize("field", ["case", "survivor", "selfHelpGroup", "referral", "node"])
def test_the_ids_of_another_organisation_behave_like_unknown_ones(
    act_as: Act, network: Network, field: str
) -> None:

    tables = {
        "case": ("Case", "cases"),
        "survivor": ("Survivor", "survivors"),
        "selfHelpGroup": ("SelfHelpGroup", "self_help_groups"),
        "referral": ("Referral", "referrals"),
        "node": ("Case", "cases"),
    }
    kind, table = tables[field]
    (theirs,) = network.rows(
        f"select t.id from app.{table} t join app.organisations o on o.id = t.organisation_id where o.slug = 'cbo-b' limit 1"
    )[0]
    stranger = act_as("manager@cbo-a.example")
    query = f"query($id: ID!) {{ {field}(id: $id) {{ id }} }}"
    answers = [
        stranger.post(query, {"id": b64encode(f"{kind}:{key}".encode()).decode()})
        for key in (theirs, uuid4())
    ]
    assert told(answers[0]) == told(answers[1])
    assert answers[0].json()["data"] == {field: None}
    assert [answer.status_code for answer in answers] == [200, 200]
