"""The sender's word on its end of a link over HTTP: who gives it, who reads it, and what is told of days in court."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from tests.server.conftest import Act, Network, uuid_in
from tests.server.sharing import Sharing, do, global_id
from tests.server.subscriptions.conftest import CHANGED, listening
from tests.server.test_hearings import act, confirm, proceeding, reported

from pat_tenants.cases.service import today


@pytest.fixture
def sharing(network: Network, act_as: Act) -> Sharing:
    return Sharing(network, act_as, number=4)


@pytest.fixture
def shared(sharing: Sharing) -> str:
    """A referral that Goa has accepted."""
    referral = sharing.sent(sharing.agreed())
    do(sharing.worker, "answerReferral", id=sharing.received(referral), answer="ACCEPTED")
    return referral


def test_her_end_is_confirmed_by_who_works_on_her_case_for_a_day_that_is_told_to_them(
    sharing: Sharing, shared: str, act_as: Act
) -> None:
    id = reported(sharing, shared, today() + timedelta(days=12))
    assert confirm(sharing.manager, id)["code"] == "POINT_MISSING"
    assert confirm(sharing.manager, id, remotePoint="Room 2041")["code"] == "OFFICE_ONLY"
    words = "house of Rina Das, lane behind the mosque"
    assert confirm(sharing.manager, id, remotePoint=words)["code"] == "OFFICE_ONLY"
    said = {"hearingId": id, "hasCoordinator": True, "remotePoint": "DLSA Barasat"}
    document = (
        "mutation($input: ConfirmRemotePointInput!) { confirmRemotePoint(input: $input) { __typename } }"
    )
    for email in ("worker@goa.example", "admin@cbo-b.example", "survivor4@cbo-b.example"):
        assert act_as(email).refused(document, input=said) == "FORBIDDEN"
    unknown = global_id("ReferralHearing", uuid4())
    for stranger in ("manager@cbo-c.example", "legal@cbo-c.example"):
        answers = [confirm(act_as(stranger), each, remotePoint="DLSA Barasat") for each in (id, unknown)]
        assert answers[0] == answers[1] == {"__typename": "Refusal", "code": "NOT_FOUND", "field": "id"}
    assert confirm(sharing.manager, id, remotePoint="DLSA Barasat")["__typename"] == "ReferralHearing"
    told = "select count(*) from trail.events where action = 'hearing.confirmed' and %s = any(subjects)"
    assert sharing.network.rows(told, uuid_in(shared)) == [(1,)]


def test_what_a_receiver_reads_of_a_confirmation_is_recorded_and_ends_with_what_is_shared(
    sharing: Sharing, act_as: Act
) -> None:
    consent = sharing.agreed()
    referral = sharing.sent(consent)
    received = sharing.received(referral)
    do(sharing.worker, "answerReferral", id=received, answer="ACCEPTED")
    id = reported(sharing, referral, today() + timedelta(days=14))
    confirm(sharing.manager, id, remotePoint="DLSA Barasat")
    read = (
        "select count(*) from trail.events where action = 'record.read'"
        " and detail::jsonb -> 'classes' ? 'hearing_schedule' and %s = any(subjects)"
    )
    asked = "query($id: ID!) { node(id: $id) { ... on ReferralHearing { confirmation { remotePoint } } } }"
    [(before,)] = sharing.network.rows(read, uuid_in(received))
    assert sharing.worker.ask(asked, id=id)["node"]["confirmation"] == {"remotePoint": "DLSA Barasat"}
    assert sharing.network.rows(read, uuid_in(received)) == [(before + 1,)]
    sharing.manager.ask(asked, id=id)
    assert sharing.network.rows(read, uuid_in(received)) == [(before + 1,)]
    do(sharing.survivor, "withdrawConsent", id=consent)
    assert sharing.worker.ask(asked, id=id)["node"]["confirmation"] is None
    assert sharing.manager.ask(asked, id=id)["node"]["confirmation"] is not None
    assert confirm(sharing.manager, id, remotePoint="DLSA Barasat")["code"] == "NOT_SHARED"


def test_a_day_that_the_sender_writes_down_is_told_to_the_receiver_while_hearings_are_shared(
    sharing: Sharing, server: str
) -> None:
    consent = sharing.agreed()
    referral = sharing.sent(consent)
    received = sharing.received(referral)
    said = {"heldOn": (today() + timedelta(days=15)).isoformat(), "mode": "VIDEO"}

    def told() -> bool:
        """Whether Goa is told of this referral when the sender writes down a day."""
        with listening(server, sharing.worker, CHANGED) as socket:
            act(sharing.manager, "scheduleHearing", "Hearing", proceedingId=proceeding(sharing), **said)
            ids = set()
            while True:
                try:
                    ids.add(socket.event(1)["id"])
                except TimeoutError:
                    return received in ids

    assert not told()
    do(sharing.worker, "answerReferral", id=received, answer="ACCEPTED")
    assert told()
    do(sharing.survivor, "withdrawConsent", id=consent)
    assert not told()
