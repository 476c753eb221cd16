"""What a session under duress reads over the API, and who reads the alert."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

import psycopg
import pytest
from tests.server.conftest import Act, Caller, Network, uuid_in

ALERTS = "{ alerts(first: 10) { edges { node { raisedAt survivor { id } } } } }"
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
    assert act_as("manager@cbo-b.example").ask(ALERTS)["alerts"]["edges"] == []
    for email in (SURVIVOR, "admin@cbo-a.example", "worker1@cbo-a.example"):
        assert act_as(email).refused(ALERTS) == "FORBIDDEN"
