"""What a client may not do, whoever is signed in."""

from __future__ import annotations

import pytest
from tests.server.conftest import Act, Caller
from tests.server.test_mutations import OPEN, new_case

from pat_auth.scopes import SCOPES


@pytest.fixture(scope="module")
def chart(act_as: Act) -> Caller:
    """A manager with a program that draws charts."""
    return act_as("manager@cbo-e.example", scopes=SCOPES - {"identity"})


def test_a_client_without_identities_is_not_told_who_somebody_is_even_by_a_manager(chart: Caller) -> None:
    cases = chart.ask("""{ cases { edges { node { survivor { identity {
        __typename ... on SurvivorIdentity { firstName } ... on Withheld { reason } } }
        notes { edges { node { body { ... on NoteText { text } ... on Withheld { reason } } } } } } } } }""")
    for edge in cases["cases"]["edges"]:
        assert edge["node"]["survivor"]["identity"] == {"__typename": "Withheld", "reason": "CLIENT"}
        for note in edge["node"]["notes"]["edges"]:
            assert note["node"]["body"] == {"reason": "CLIENT"}


def test_it_tells_nobody_who_somebody_is_either(chart: Caller) -> None:
    answer = chart.ask(OPEN, input=new_case())["openCase"]
    assert (answer["__typename"], answer["code"], answer["field"]) == (
        "Refusal",
        "CLIENT_NOT_ALLOWED",
        "identity",
    )


def test_it_may_open_a_case_of_somebody_who_is_not_named(chart: Caller) -> None:
    survivor = {key: value for key, value in new_case()["survivor"].items() if key != "identity"}
    assert chart.ask(OPEN, input=new_case(survivor=survivor))["openCase"]["__typename"] == "Case"
