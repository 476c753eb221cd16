"""What a dashboard asks: how many cases, and how each one's proceeding stands."""

from __future__ import annotations

from collections import Counter
from typing import Any

from tests.server.conftest import Act, Caller

COUNTS = "{ caseCounts { status place { id name } count } }"
CASES = "{ cases(first: 500) { totalCount edges { node { status place { id } } } } }"
LATEST = """{ cases(first: 500) { edges { node {
  latestProceeding { id }
  legalProceedings { id filedOn }
} } } }"""


def nodes(answer: Any) -> list[Any]:
    return [edge["node"] for edge in answer["cases"]["edges"]]


def test_a_role_without_cases_may_not_count_them(act_as: Act) -> None:
    assert act_as("facilitator@cbo-a.example").refused(COUNTS) == "FORBIDDEN"
    assert act_as("officer@funder.example").refused(COUNTS) == "FORBIDDEN"


def test_the_counts_are_those_of_the_cases_that_the_caller_sees(manager: Caller) -> None:
    seen = Counter(
        (each["status"], each["place"] and each["place"]["id"]) for each in nodes(manager.ask(CASES))
    )
    counted = {
        (each["status"], each["place"] and each["place"]["id"]): each["count"]
        for each in manager.ask(COUNTS)["caseCounts"]
    }
    assert counted == seen


def test_whoever_reads_only_her_own_case_counts_one(act_as: Act) -> None:
    counts = act_as("survivor1@cbo-a.example").ask(COUNTS)["caseCounts"]
    assert [each["count"] for each in counts] == [1]


def test_whoever_reads_assigned_cases_counts_those(act_as: Act) -> None:
    legal = act_as("legal@cbo-a.example")
    total = legal.ask("{ cases { totalCount } }")["cases"]["totalCount"]
    assert sum(each["count"] for each in legal.ask(COUNTS)["caseCounts"]) == total


def test_the_latest_proceeding_is_the_first_of_all(manager: Caller) -> None:
    found = nodes(manager.ask(LATEST))
    assert any(len(each["legalProceedings"]) > 1 for each in found)
    for each in found:
        first = each["legalProceedings"][0]["id"] if each["legalProceedings"] else None
        assert (each["latestProceeding"] or {}).get("id") == first


def test_a_role_without_proceedings_may_not_ask_for_the_latest(act_as: Act) -> None:
    document = "{ cases(first: 1) { edges { node { latestProceeding { id } } } } }"
    assert act_as("counsellor@cbo-a.example").refused(document) == "FORBIDDEN"
