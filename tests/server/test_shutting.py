"""What is shut already, by a withdrawal, a suspended agreement or because it ran out, its sender may shut itself, so that it stays so."""

from __future__ import annotations

import time
from typing import Any

import pytest
from tests.server.conftest import Act, Network, uuid_in
from tests.server.sharing import SCOPES, Sharing, do, global_id, organisation

ALLOWED = "query($id: ID!) { referral(id: $id) { status allowedTransitions } }"


@pytest.fixture
def sharing(network: Network, act_as: Act) -> Sharing:
    return Sharing(network, act_as)


def accepted(sharing: Sharing, consent: str) -> str:
    referral = sharing.sent(consent)
    do(sharing.worker, "answerReferral", id=sharing.received(referral), answer="ACCEPTED")
    return referral


def withdrawn(sharing: Sharing) -> str:
    consent = sharing.agreed()
    referral = accepted(sharing, consent)
    do(sharing.survivor, "withdrawConsent", id=consent)
    return referral


def may(sharing: Sharing, referral: str) -> tuple[str, list[str]]:
    found = sharing.manager.ask(ALLOWED, id=referral)["referral"]
    return found["status"], found["allowedTransitions"]


def moved(sharing: Sharing, referral: str, to: str, **more: Any) -> str:
    """The state that it is in then, or why not."""
    answer = do(sharing.manager, "moveReferral", id=referral, to=to, **more)
    state: str = answer.get("status") or answer["code"]
    return state


@pytest.mark.parametrize("end", ["REVOKED", "CLOSED"])
def test_what_she_has_withdrawn_is_nailed_shut(sharing: Sharing, end: str) -> None:
    referral = withdrawn(sharing)
    assert may(sharing, referral) == ("REVOKED", ["CLOSED", "REVOKED", "SUSPENDED"])
    assert sharing.seen(referral)["allowedTransitions"] == []
    assert moved(sharing, referral, end, reason="SAFETY") == end
    assert may(sharing, referral) == (end, [])
    for other in ("REVOKED", "CLOSED", "SUSPENDED", "SENT"):
        assert moved(sharing, referral, other) == "STATUS_NOT_ALLOWED"
    again = do(sharing.manager, "baseReferral", id=referral, consentId=sharing.agreed())
    assert again["code"] == "STATUS_NOT_ALLOWED"


def test_what_she_has_withdrawn_goes_on_when_it_is_sent_anew_and_not_before(
    sharing: Sharing, network: Network
) -> None:
    referral = withdrawn(sharing)
    based = do(sharing.manager, "baseReferral", id=referral, consentId=sharing.agreed())
    assert (based["status"], based["allowedTransitions"]) == ("SUSPENDED", ["REVOKED", "SENT"])
    assert (sharing.seen(referral)["status"], sharing.seen(referral)["scopes"]) == ("SUSPENDED", [])
    assert moved(sharing, referral, "SENT") == "ACCEPTED"
    assert sharing.seen(referral)["scopes"] == SCOPES
    told = "select action from trail.events where %s = any(subjects) order by number desc limit 2"
    assert network.rows(told, uuid_in(referral)) == [("referral.sent",), ("referral.based",)]


def test_what_the_agreement_has_suspended_her_organisation_suspends_for_her(
    sharing: Sharing, act_as: Act, network: Network
) -> None:
    referral = accepted(sharing, sharing.agreed())
    admin = act_as("admin@goa.example", auth_time=int(time.time()), acr="2")
    partner = global_id("Agreement", organisation(network, sharing.slug))
    do(admin, "suspendAgreement", id=partner)
    try:
        assert may(sharing, referral) == ("SUSPENDED", ["REVOKED", "SUSPENDED"])
        assert moved(sharing, referral, "SENT") == "STATUS_NOT_ALLOWED"
        assert moved(sharing, referral, "SUSPENDED", reason="SAFETY") == "SUSPENDED"
        assert may(sharing, referral) == ("SUSPENDED", ["REVOKED", "SENT"])
        assert moved(sharing, referral, "SUSPENDED") == "STATUS_NOT_ALLOWED"
    finally:
        assert do(admin, "resumeAgreement", id=partner)["status"] == "LIVE"
    assert (sharing.status(referral), sharing.seen(referral)["scopes"]) == ("SUSPENDED", [])
    assert moved(sharing, referral, "SENT") == "ACCEPTED"


def test_what_ran_out_is_suspended_before_anybody_prolongs_it(sharing: Sharing, network: Network) -> None:
    consent = sharing.agreed()
    referral = accepted(sharing, consent)
    over = "update app.consents set given_at = now() - interval '2 days', valid_until = now() where id = %s"
    network.rows(over, uuid_in(consent))
    assert may(sharing, referral) == ("EXPIRED", ["CLOSED", "REVOKED", "SUSPENDED"])
    assert moved(sharing, referral, "SUSPENDED") == "SUSPENDED"
    based = do(sharing.manager, "baseReferral", id=referral, consentId=sharing.agreed())
    assert based["status"] == "SUSPENDED"


def test_a_withdrawal_says_what_else_she_has_agreed_to_with_the_same_organisation(sharing: Sharing) -> None:
    first, second = sharing.agreed(), sharing.agreed(scopes=["LEGAL_STATUS"])
    gone, elsewhere = sharing.agreed(), Sharing(sharing.network, sharing.act_as, to="delhi").agreed()
    said = "... on Consent { isLive alsoAgreed { id isLive scopes recipientName } }"
    asked = f"mutation($id: ID!) {{ withdrawConsent(input: {{id: $id}}) {{ {said} }} }}"
    sharing.survivor.ask(asked, id=gone)
    for caller in (sharing.survivor, sharing.manager):
        answer = caller.ask(asked, id=first)["withdrawConsent"]
        assert answer["isLive"] is False
        also = {each["id"]: each for each in answer["alsoAgreed"]}
        assert (also[second]["isLive"], also[second]["scopes"]) == (True, ["LEGAL_STATUS"])
        assert not also.keys() & {first, gone, elsewhere}
