"""The history of a referral over HTTP: each step of either side, in order, with a name where it was one's own."""

from __future__ import annotations

from typing import Any

import pytest
from tests.server.conftest import Act, Caller, Network
from tests.server.sharing import Sharing, do

HISTORY = "query($id: ID!) { referral(id: $id) { status history { status at by member { name } } } }"


@pytest.fixture
def sharing(network: Network, act_as: Act) -> Sharing:
    return Sharing(network, act_as)


def history(caller: Caller, id: str) -> list[dict[str, Any]]:
    steps: list[dict[str, Any]] = caller.ask(HISTORY, id=id)["referral"]["history"]
    assert [step["at"] for step in steps] == sorted(step["at"] for step in steps)
    return steps


def test_both_sides_read_who_did_what_in_order_and_of_others_no_name(sharing: Sharing) -> None:
    sent = sharing.sent(sharing.agreed())
    received = sharing.received(sent)
    do(sharing.worker, "answerReferral", id=received, answer="ACCEPTED")
    for state in ("SUSPENDED", "SENT"):
        do(sharing.manager, "moveReferral", id=sent, to=state)
    do(sharing.worker, "answerReferral", id=received, answer="IN_PROGRESS")
    do(sharing.manager, "moveReferral", id=sent, to="REVOKED")
    expected = [
        ("DRAFT", "SENDER"),
        ("CONSENT_RECORDED", "SENDER"),
        ("SENT", "SENDER"),
        ("ACCEPTED", "RECEIVER"),
        ("SUSPENDED", "SENDER"),
        ("SENT", "SENDER"),
        ("IN_PROGRESS", "RECEIVER"),
        ("REVOKED", "SENDER"),
    ]
    for caller, id, side, since in (
        (sharing.manager, sent, "SENDER", 0),
        (sharing.worker, received, "RECEIVER", 2),
    ):
        steps = history(caller, id)
        assert [(step["status"], step["by"]) for step in steps] == expected[since:]
        (mine,) = {step["member"] and step["member"]["name"] for step in steps if step["by"] == side}
        assert mine
        assert {step["member"] and step["member"]["name"] for step in steps if step["by"] != side} == {None}
    assert [step["status"] for step in history(sharing.survivor, sent)] == [state for state, _ in expected]


def test_a_history_is_of_one_referral(sharing: Sharing) -> None:
    consent = sharing.agreed()
    one, other = sharing.sent(consent), sharing.sent(consent)
    do(sharing.manager, "moveReferral", id=other, to="CLOSED")
    for caller, id in ((sharing.manager, one), (sharing.worker, sharing.received(one))):
        assert [step["status"] for step in history(caller, id)][-1] == "SENT"
