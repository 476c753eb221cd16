"""A receiver's client is told when to forget: with the event that says that a case is not shared any longer."""

from __future__ import annotations

from typing import Any

import pytest
from tests.server.conftest import Act, Network, uuid_in
from tests.server.screens import Screen, screens
from tests.server.sharing import Sharing, do
from tests.server.subscriptions.conftest import Socket, listening

PURGE = "subscription { referralChanged { id purge referral { status sharedCase { expiresAt } } } }"


@pytest.fixture
def sharing(network: Network, act_as: Act) -> Sharing:
    return Sharing(network, act_as, number=6)


@pytest.fixture
def referral(sharing: Sharing) -> str:
    """One that Goa has accepted."""
    referral = sharing.sent(sharing.agreed())
    do(sharing.worker, "answerReferral", id=sharing.received(referral), answer="ACCEPTED")
    return referral


def told(socket: Socket, id: str, seconds: float = 5) -> dict[str, Any]:
    """The next event of this referral."""
    while True:
        change: dict[str, Any] = socket.event(seconds)
        if change["id"] == id:
            return change


def test_a_client_forgets_what_is_shut_and_keeps_what_goes_on(
    server: str, sharing: Sharing, referral: str
) -> None:
    received = sharing.received(referral)
    with listening(server, sharing.worker, PURGE) as receiver:
        do(sharing.worker, "answerReferral", id=received, answer="IN_PROGRESS")
        goes_on = told(receiver, received)
        assert goes_on["purge"] is False
        assert goes_on["referral"]["sharedCase"]["expiresAt"]
        for to, is_shut in (("SUSPENDED", True), ("SENT", False), ("REVOKED", True)):
            do(sharing.manager, "moveReferral", id=referral, to=to)
            change = told(receiver, received)
            assert change["purge"] is is_shut, to
            assert (change["referral"]["sharedCase"] is None) is is_shut, to


def test_it_forgets_what_has_run_out_although_nobody_wrote_it(
    server: str, sharing: Sharing, referral: str
) -> None:
    received = sharing.received(referral)
    with listening(server, sharing.worker, PURGE) as receiver:
        sharing.network.rows(
            "update app.referrals set agreed_until = clock_timestamp() + interval '1.5 seconds' where id = %s",
            uuid_in(referral),
        )
        change = told(receiver, received)
        while not change["purge"]:
            assert change["referral"]["status"] == "ACCEPTED"
            change = told(receiver, received)
    assert change["referral"] == {"status": "EXPIRED", "sharedCase": None}


def test_what_is_not_open_yet_has_nothing_to_keep_and_the_sender_keeps_its_own(
    server: str, sharing: Sharing
) -> None:
    with (
        listening(server, sharing.worker, PURGE) as receiver,
        listening(server, sharing.manager, PURGE) as sender,
    ):
        referral = sharing.sent(sharing.agreed())
        assert told(receiver, sharing.received(referral))["purge"] is True
        do(sharing.manager, "moveReferral", id=referral, to="REVOKED")
        change = told(sender, referral)
        while change["referral"]["status"] != "REVOKED":
            change = told(sender, referral)
        assert change["purge"] is False


def test_a_client_of_npms_graphql_ws_is_told_to_forget_when_she_withdraws(
    server: str, sharing: Sharing
) -> None:
    consent = sharing.agreed()
    referral = sharing.sent(consent)
    received = sharing.received(referral)
    with screens(server, PURGE, sharing.worker) as (screen,):
        do(sharing.worker, "answerReferral", id=received, answer="ACCEPTED")
        assert until(screen, received, "ACCEPTED")["purge"] is False
        do(sharing.survivor, "withdrawConsent", id=consent)
        ended = until(screen, received, "REVOKED")
    assert (ended["purge"], ended["referral"]["sharedCase"]) == (True, None)


def until(screen: Screen, id: str, status: str) -> dict[str, Any]:
    """The first change of a referral from now on that leaves it in this state."""
    while True:
        change: dict[str, Any] = screen.line(5)["data"]["referralChanged"]
        if change["id"] == id and change["referral"]["status"] == status:
            return change
