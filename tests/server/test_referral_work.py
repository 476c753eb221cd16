"""What the receiver of a referral does about it, over HTTP: who works on it, and what has been done."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from tests.server.conftest import Act, Caller, Network, uuid_in
from tests.server.sharing import DOCUMENTS, Sharing, do, global_id

from pat_tenants.cases.service import today

UPDATES = "query($id: ID!) { referral(id: $id) { status updates { kind happenedOn reportedAt } assignee { name } } }"
TODAY = today().isoformat()


@pytest.fixture
def sharing(network: Network, act_as: Act) -> Sharing:
    return Sharing(network, act_as)


@pytest.fixture
def referral(sharing: Sharing) -> str:
    """One that Goa has taken on."""
    sent = sharing.sent(sharing.agreed())
    assert (
        do(sharing.worker, "answerReferral", id=sharing.received(sent), answer="ACCEPTED")["status"]
        == "ACCEPTED"
    )
    return sent


def member(network: Network, email: str) -> str:
    ((key,),) = network.rows(
        "select m.id from app.memberships m join sec.people p on p.id = m.person_id where p.email = %s", email
    )
    return global_id("Member", key)


def leader(sharing: Sharing) -> Caller:
    return sharing.act_as("admin@goa.example")


def updates(caller: Caller, id: str) -> list[tuple[str, str]]:
    told = caller.ask(UPDATES, id=id)["referral"]["updates"]
    return [(each["kind"], each["happenedOn"]) for each in told]


def assignee(caller: Caller, id: str) -> str | None:
    found = caller.ask(UPDATES, id=id)["referral"]["assignee"]
    return found and str(found["name"])


def test_both_sides_see_what_was_done_in_order_and_the_receiver_also_after_the_end(
    sharing: Sharing, referral: str
) -> None:
    received = sharing.received(referral)
    before = (today() - timedelta(days=3)).isoformat()
    for kind, day in (("LAWYER_APPOINTED", TODAY), ("CONTACT_MADE", before)):
        told = do(sharing.worker, "reportUpdate", id=received, kind=kind, happenedOn=day)
        assert told["__typename"] == "Referral"
    expected = [("CONTACT_MADE", before), ("LAWYER_APPOINTED", TODAY)]
    assert updates(sharing.worker, received) == expected
    assert updates(sharing.manager, referral) == expected
    assert updates(sharing.survivor, referral) == expected
    assert do(sharing.manager, "moveReferral", id=referral, to="REVOKED")["status"] == "REVOKED"
    assert updates(sharing.worker, received) == expected
    late = do(sharing.worker, "reportUpdate", id=received, kind="TRACED", happenedOn=TODAY)
    assert late["code"] == "NOT_SHARED"
    assert updates(sharing.manager, referral) == expected


def test_while_a_safety_hold_is_in_force_she_is_not_shown_what_was_done(
    sharing: Sharing, referral: str
) -> None:
    do(sharing.worker, "reportUpdate", id=sharing.received(referral), kind="TRACED", happenedOn=TODAY)
    set_hold = """mutation($input: SetSafetyHoldInput!) {
      setSafetyHold(input: $input) { __typename } }"""
    lift = "mutation($input: LiftSafetyHoldInput!) { liftSafetyHold(input: $input) { __typename } }"
    hers = {"survivorId": global_id("Survivor", sharing.case()[1])}
    sharing.manager.ask(set_hold, input=hers)
    try:
        assert updates(sharing.survivor, referral) == []
        assert updates(sharing.manager, referral) == [("TRACED", TODAY)]
        steps = "query($id: ID!) { referral(id: $id) { history { status } } }"
        assert sharing.survivor.ask(steps, id=referral)["referral"]["history"] == []
        assert len(sharing.manager.ask(steps, id=referral)["referral"]["history"]) == 4
    finally:
        sharing.manager.ask(lift, input=hers)


def test_what_was_not_done_yet_or_by_nobody_is_not_told(sharing: Sharing, referral: str) -> None:
    received = sharing.received(referral)
    tomorrow = (today() + timedelta(days=1)).isoformat()
    told = do(sharing.worker, "reportUpdate", id=received, kind="TRACED", happenedOn=tomorrow)
    assert (told["code"], told["field"]) == ("DATES_INVALID", "happenedOn")
    for long_ago in ("1999-12-31", "0001-01-01"):
        told = do(sharing.worker, "reportUpdate", id=received, kind="TRACED", happenedOn=long_ago)
        assert (told["code"], told["field"]) == ("DATES_INVALID", "happenedOn")
    for id, caller in (
        (global_id("Referral", uuid4()), sharing.worker),
        (referral, sharing.worker),
        (received, sharing.act_as("worker@delhi.example")),
    ):
        assert do(caller, "reportUpdate", id=id, kind="TRACED", happenedOn=TODAY)["code"] == "NOT_FOUND"
    stub = sharing.received(sharing.sent(sharing.agreed()))
    assert (
        do(sharing.worker, "reportUpdate", id=stub, kind="TRACED", happenedOn=TODAY)["code"] == "NOT_SHARED"
    )


def test_a_referral_is_given_to_one_at_a_time_whom_only_the_receiver_knows(
    sharing: Sharing, referral: str, network: Network
) -> None:
    received, admin = sharing.received(referral), leader(sharing)
    worker, herself = member(network, "worker@goa.example"), member(network, "admin@goa.example")
    assert assignee(admin, received) is None
    given = do(admin, "assignReferral", id=received, memberId=worker)
    assert given["__typename"] == "Referral"
    name = assignee(sharing.worker, received)
    assert name == assignee(admin, received) is not None
    assert assignee(sharing.manager, referral) is None
    assert assignee(sharing.survivor, referral) is None
    do(admin, "assignReferral", id=received, memberId=herself)
    assert assignee(admin, received) not in (name, None)
    do(sharing.worker, "takeReferral", id=received)
    assert assignee(admin, received) == name
    written = "select count(*) from app.referral_assignments where referral_id = %s"
    assert network.rows(written, uuid_in(received)) == [(3,)]
    # To give it again changes nothing.
    do(sharing.worker, "takeReferral", id=received)
    assert network.rows(written, uuid_in(received)) == [(3,)]
    do(admin, "assignReferral", id=received)
    assert assignee(admin, received) is None


def mine(caller: Caller, direction: str, is_mine: bool) -> set[str]:
    query = """query($direction: ReferralDirection!, $mine: Boolean!) {
      referrals(direction: $direction, filter: {assignedToMe: $mine}, first: 500) { edges { node { id } } } }"""
    answer = caller.ask(query, direction=direction, mine=is_mine)["referrals"]["edges"]
    return {edge["node"]["id"] for edge in answer}


def test_an_inbox_is_narrowed_to_what_is_given_to_the_caller(sharing: Sharing, referral: str) -> None:
    received = sharing.received(referral)
    other = sharing.received(sharing.sent(sharing.agreed()))
    do(sharing.worker, "takeReferral", id=received)
    hers, others = mine(sharing.worker, "RECEIVED", True), mine(sharing.worker, "RECEIVED", False)
    assert received in hers - others
    assert other in others - hers
    assert received in mine(leader(sharing), "RECEIVED", False)
    assert mine(sharing.manager, "SENT", True) == set()
    assert referral in mine(sharing.manager, "SENT", False)


def test_whoever_has_left_works_on_nothing(sharing: Sharing, referral: str, network: Network) -> None:
    received = sharing.received(referral)
    do(sharing.worker, "takeReferral", id=received)
    assert assignee(leader(sharing), received) is not None
    worker = uuid_in(member(network, "worker@goa.example"))
    left = "update app.memberships set ended_at = %s where id = %s"
    network.rows(left, datetime.now(UTC), worker)
    try:
        assert assignee(leader(sharing), received) is None
        again = do(leader(sharing), "assignReferral", id=received, memberId=global_id("Member", worker))
        assert (again["code"], again["field"]) == ("NOT_FOUND", "memberId")
    finally:
        network.rows(left, None, worker)


def test_what_has_ended_or_is_of_others_is_given_to_nobody(
    sharing: Sharing, referral: str, network: Network
) -> None:
    received, admin = sharing.received(referral), leader(sharing)
    worker = member(network, "worker@goa.example")

    def given(id: str, caller: Caller = admin, **to: Any) -> Any:
        return do(caller, "assignReferral", id=id, **{"memberId": worker, **to})["code"]

    assert given(received, memberId=member(network, "worker@delhi.example")) == "NOT_FOUND"
    assert given(received, sharing.act_as("admin@delhi.example")) == "NOT_FOUND"
    assert given(referral) == "NOT_FOUND"
    do(sharing.manager, "moveReferral", id=referral, to="REVOKED")
    assert given(received) == "STATUS_NOT_ALLOWED"
    assert do(sharing.worker, "takeReferral", id=received)["code"] == "STATUS_NOT_ALLOWED"


def test_the_trail_says_to_whom_it_was_given_and_what_was_told(
    sharing: Sharing, referral: str, network: Network
) -> None:
    received = sharing.received(referral)
    do(sharing.worker, "takeReferral", id=received)
    do(sharing.worker, "reportUpdate", id=received, kind="TRACED", happenedOn=TODAY)
    events = network.rows(
        "select action, detail::jsonb from trail.events where %s = any(subjects) and action in"
        " ('referral.assigned', 'referral.update_reported') order by number",
        uuid_in(received),
    )
    assert [action for action, _ in events] == ["referral.assigned", "referral.update_reported"]
    assert events[0][1]["member"] == str(uuid_in(member(network, "worker@goa.example")))
    assert events[1][1]["kind"] == "TRACED"


@pytest.mark.parametrize(
    ("mutation", "email"),
    [
        ("assignReferral", "worker@goa.example"),
        ("assignReferral", "manager@cbo-b.example"),
        ("takeReferral", "manager@cbo-b.example"),
        ("reportUpdate", "manager@cbo-b.example"),
        ("reportUpdate", "survivor7@cbo-b.example"),
    ],
)
def test_a_step_is_refused_to_whom_it_is_not_given(act_as: Act, mutation: str, email: str) -> None:
    told = {"kind": "TRACED", "happenedOn": TODAY} if mutation == "reportUpdate" else {}
    given = {"id": global_id("Referral", uuid4()), **told}
    assert act_as(email).refused(DOCUMENTS[mutation], input=given) == "FORBIDDEN"
