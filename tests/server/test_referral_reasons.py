"""Why a referral was declined, suspended, revoked or closed: said by whoever did it, read by whom it does not endanger her."""

from __future__ import annotations

from typing import Any

import pytest
from tests.server.conftest import Act, Caller, Network, uuid_in
from tests.server.sharing import Sharing, do, global_id

WHY = "query($id: ID!) { referral(id: $id) { status reason } }"


@pytest.fixture
def sharing(network: Network, act_as: Act) -> Sharing:
    return Sharing(network, act_as)


def why(caller: Caller, id: str) -> tuple[str, str | None]:
    found = caller.ask(WHY, id=id)["referral"]
    return found["status"], found["reason"]


def accepted(sharing: Sharing) -> tuple[str, str]:
    """Its names on both sides."""
    sent = sharing.sent(sharing.agreed())
    received = sharing.received(sent)
    assert do(sharing.worker, "answerReferral", id=received, answer="ACCEPTED")["status"] == "ACCEPTED"
    return sent, received


def test_whoever_declines_says_why_and_both_sides_read_it(sharing: Sharing, network: Network) -> None:
    sent = sharing.sent(sharing.agreed())
    received = sharing.received(sent)

    def declined(**given: Any) -> Any:
        return do(sharing.worker, "answerReferral", id=received, **{"answer": "DECLINED", **given})

    refused = declined()
    assert (refused["code"], refused["field"]) == ("REASON_MISSING", "reason")
    assert declined(answer="ACCEPTED", reason="SAFETY")["code"] == "REASON_NOT_ALLOWED"
    assert why(sharing.worker, received) == ("SENT", None)
    assert declined(reason="OUTSIDE_AREA")["status"] == "DECLINED"
    for caller, id in ((sharing.worker, received), (sharing.manager, sent), (sharing.survivor, sent)):
        assert why(caller, id) == ("DECLINED", "OUTSIDE_AREA")
    events = network.rows(
        "select detail::jsonb ->> 'reason' from trail.events where action = 'referral.answered' and %s = any(subjects)",
        uuid_in(received),
    )
    assert events == [("OUTSIDE_AREA",)]
    # That it was declined is over when it is closed.
    assert do(sharing.manager, "moveReferral", id=sent, to="CLOSED")["status"] == "CLOSED"
    assert why(sharing.manager, sent) == ("CLOSED", None)
    assert why(sharing.worker, received) == ("CLOSED", None)


@pytest.mark.parametrize("state", ["SUSPENDED", "REVOKED", "CLOSED"])
def test_why_a_referral_ends_its_sender_knows_and_no_receiver_learns(sharing: Sharing, state: str) -> None:
    sent, received = accepted(sharing)
    moved = do(sharing.manager, "moveReferral", id=sent, to=state, reason="SAFETY")
    assert moved["status"] == state
    assert why(sharing.manager, sent) == (state, "SAFETY")
    assert why(sharing.survivor, sent) == (state, "SAFETY")
    assert why(sharing.worker, received) == (state, None)


def test_nobody_needs_a_reason_to_shut_a_door_and_one_that_is_open_again_has_none(sharing: Sharing) -> None:
    sent, _ = accepted(sharing)
    assert (
        do(sharing.manager, "moveReferral", id=sent, to="SUSPENDED", reason="PARTNER")["status"]
        == "SUSPENDED"
    )
    again = do(sharing.manager, "moveReferral", id=sent, to="SENT", reason="PARTNER")
    assert (again["code"], again["field"]) == ("REASON_NOT_ALLOWED", "reason")
    assert do(sharing.manager, "moveReferral", id=sent, to="SENT")["__typename"] == "Referral"
    assert why(sharing.manager, sent) == ("ACCEPTED", None)
    assert do(sharing.manager, "moveReferral", id=sent, to="REVOKED")["status"] == "REVOKED"
    assert why(sharing.manager, sent) == ("REVOKED", None)


@pytest.mark.parametrize("by", ["survivor", "manager"])
def test_what_follows_from_a_withdrawal_says_so_to_her_organisation_alone(sharing: Sharing, by: str) -> None:
    """Not who has said it: a guardian's may be withdrawn because he is barred."""
    consent = sharing.agreed()
    sent = sharing.sent(consent)
    do(getattr(sharing, by), "withdrawConsent", id=consent)
    assert why(sharing.manager, sent) == ("REVOKED", "CONSENT_WITHDRAWN")
    assert why(sharing.worker, sharing.received(sent)) == ("REVOKED", None)


def test_while_a_safety_hold_is_in_force_she_is_not_shown_why(sharing: Sharing) -> None:
    sent, _ = accepted(sharing)
    do(sharing.manager, "moveReferral", id=sent, to="SUSPENDED", reason="SAFETY")
    hers = {"survivorId": global_id("Survivor", sharing.case()[1])}
    for verb, expected in (("set", None), ("lift", "SAFETY")):
        sharing.manager.ask(
            f"mutation($input: {verb.title()}SafetyHoldInput!) {{ {verb}SafetyHold(input: $input) {{ __typename }} }}",
            input=hers,
        )
        assert why(sharing.survivor, sent) == ("SUSPENDED", expected)
        assert why(sharing.manager, sent) == ("SUSPENDED", "SAFETY")
