"""What a session under duress reads over the API, who reads the alert, and who closes it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from tests.server.conftest import Act, Caller, Network, uuid_in

ALERTS = "{ alerts(first: 10) { edges { node { raisedAt survivor { id } } } } }"
ALL = """query($filter: AlertFilter) { alerts(first: 10, filter: $filter) { edges { node {
    id isOpen closedAt closedBecause closedBy { name role } } } } }"""
CLOSE = """mutation($input: CloseAlertInput!) { closeAlert(input: $input) { __typename
    ... on Alert { id isOpen closedAt closedBecause closedBy { role } } ... on Refusal { code field } } }"""
HERS = """{ me { role organisation { slug } } cases(first: 10) { totalCount edges { node { id } } }
    referrals(direction: SENT, first: 10) { edges { node { id } } } }"""
SURVIVOR = "survivor7@cbo-a.example"


@pytest.fixture
def under_duress(network: Network, act_as: Act) -> Iterator[Caller]:
    """She is signed in as always; then every session of hers is one that the other PIN has opened."""
    caller = act_as(SURVIVOR)
    ((person, survivor),) = network.rows(
        "select p.id, m.survivor_id from sec.people p join app.memberships m on m.person_id = p.id where p.email = %s",
        SURVIVOR,
    )
    with psycopg.connect(network.admin_url) as admin:
        admin.execute("update sec.sessions set is_duress = true where person_id = %s", (person,))
        admin.execute("select sec.note_arrival(%s, true)", (person,))
        admin.execute("select sec.note_arrival(%s, false)", (person,))
    yield caller
    with psycopg.connect(network.admin_url) as admin:
        admin.execute("update sec.sessions set is_duress = false where person_id = %s", (person,))
        admin.execute(
            "delete from app.alert_closings where alert_id in (select id from app.alerts where survivor_id = %s)",
            (survivor,),
        )
        admin.execute("delete from app.alerts where survivor_id = %s", (survivor,))


def test_what_she_reads_is_empty_without_an_error(under_duress: Caller) -> None:
    answer = under_duress.ask(HERS)
    assert answer["me"]["role"] == "SURVIVOR"
    assert answer["cases"] == {"totalCount": 0, "edges": []}
    assert answer["referrals"] == {"edges": []}


def test_the_manager_of_her_organisation_reads_the_alert_and_nobody_else(
    under_duress: Caller, act_as: Act, network: Network
) -> None:
    ((survivor,),) = network.rows(
        "select m.survivor_id from sec.people p join app.memberships m on m.person_id = p.id where p.email = %s",
        SURVIVOR,
    )
    (edge,) = act_as("manager@cbo-a.example").ask(ALERTS)["alerts"]["edges"]
    assert uuid_in(edge["node"]["survivor"]["id"]) == UUID(str(survivor))
    others = act_as("manager@cbo-b.example").ask(ALERTS)["alerts"]["edges"]
    assert edge["node"]["survivor"]["id"] not in [each["node"]["survivor"]["id"] for each in others]
    for email in (SURVIVOR, "admin@cbo-a.example", "worker1@cbo-a.example"):
        assert act_as(email).refused(ALERTS) == "FORBIDDEN"


@pytest.fixture
def manager(act_as: Act) -> Caller:
    return act_as("manager@cbo-a.example")


@pytest.fixture
def alert(under_duress: Caller, manager: Caller) -> str:
    (found,) = listed(manager)
    assert found["isOpen"]
    return str(found["id"])


def listed(caller: Caller, **filter: Any) -> list[dict[str, Any]]:
    return [edge["node"] for edge in caller.ask(ALL, filter=filter)["alerts"]["edges"]]


def close(caller: Caller, alert: str, **more: Any) -> Any:
    return caller.ask(CLOSE, input={"id": alert, "because": "SAFE", **more})["closeAlert"]


def test_an_alert_is_closed_with_who_when_and_why_and_stays_in_the_list(
    manager: Caller, alert: str, network: Network
) -> None:
    answer = close(manager, alert)
    closed = {"__typename": "Alert", "id": alert, "isOpen": False, "closedBecause": "SAFE"}
    assert answer.pop("closedAt")
    assert answer == {**closed, "closedBy": {"role": "CASE_MANAGER"}}
    (found,) = listed(manager)
    assert found["closedBy"]["name"]
    assert [each["id"] for each in listed(manager, isOpen=False)] == [alert]
    assert listed(manager, isOpen=True) == []
    ((actor, detail),) = network.rows(
        "select actor, detail::json from trail.events where action = 'alert.closed' and subjects[1] = %s",
        uuid_in(alert),
    )
    assert (actor, detail) == (manager.principal.person, {"because": "SAFE"})


def test_it_is_closed_once_and_the_same_sent_again_is_the_same(manager: Caller, alert: str) -> None:
    key = str(uuid4())
    first, second = (close(manager, alert, clientMutationId=key) for _ in range(2))
    assert first == second
    again = close(manager, alert, because="MISTAKE")
    assert again == {"__typename": "Refusal", "code": "ALREADY_CLOSED", "field": "id"}


def test_nobody_else_closes_it(under_duress: Caller, act_as: Act, alert: str) -> None:
    """Another organisation is not told that it is there."""
    refused = {"__typename": "Refusal", "code": "NOT_FOUND", "field": "id"}
    assert close(act_as("manager@cbo-b.example"), alert) == refused
    input = {"id": alert, "because": "SAFE"}
    for email in (SURVIVOR, "admin@cbo-a.example", "worker1@cbo-a.example"):
        assert act_as(email).refused(CLOSE, input=input) == "FORBIDDEN"
    narrow = act_as("manager@cbo-a.example", frozenset({"identity"}))
    assert narrow.refused(CLOSE, input=input) == "FORBIDDEN"
