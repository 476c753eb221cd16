"""What becomes of one referral, as both sides have it before them: each with a client of graphql-ws from npm, open all the while.

Stories 2 and 3 of the domain: a referral to Goa that she ends herself, and one that ends by the clock.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from tests.server.conftest import Act, Caller, Network, uuid_in
from tests.server.screens import Screen, screens
from tests.server.sharing import SCOPES, Sharing, do, global_id, organisation, terms
from tests.server.test_hearings import proceeding

from pat_tenants.cases.service import today

SHARED = """sharedCase { pseudonym expiresAt
    legalStatus { __typename ... on SharedLegalStatus { proceedings { state stage } } }
    schedule { __typename ... on SharedSchedule { hearings { heldOn } } }
    identity { __typename ... on Withheld { reason } } contact { __typename ... on Withheld { reason } }
    risk { __typename ... on Withheld { reason } } }"""
SEEN = (
    f"id status scopes partnerName agreedUntil allowedTransitions hearings {{ heldOn mode nextOn }} {SHARED}"
)
ONE = f"query($id: ID!) {{ referral(id: $id) {{ {SEEN} }} }}"
CHANGES = f"subscription {{ referralChanged {{ id cursor referral {{ {SEEN} }} }} }}"
LOG = """{ me { consents { id isLive } nextHearing { heldOn side } accessLog(first: 50) { edges { node {
    kind classes organisation { slug } referral { id } sentence(language: EN) } } } } }"""
WITHHELD = {"__typename": "Withheld", "reason": "NOT_SHARED"}
NOTHING_LEFT: dict[str, Any] = {
    "scopes": [],
    "partnerName": None,
    "sharedCase": None,
    "allowedTransitions": [],
}
ENDS_WITHIN = 5.0
"""Seconds within which a receiver is told that it is over."""
THE_SAME_SECOND = 1.0


@pytest.fixture
def sharing(network: Network, act_as: Act) -> Sharing:
    return Sharing(network, act_as, slug="cbo-a", number=7)


@pytest.fixture
def swa1(sharing: Sharing) -> Caller:
    """The social worker whose case it is."""
    ((email,),) = sharing.network.rows(
        "select p.email from app.case_assignments a join app.memberships m on m.id = a.membership_id and m.role = 'social_worker'"
        " join sec.people p on p.id = m.person_id where a.case_id = %s and a.ended_at is null",
        sharing.case()[0],
    )
    return sharing.act_as(email)


@contextmanager
def both_sides(server: str, sharing: Sharing, worker: Caller) -> Iterator[tuple[Screen, Screen]]:
    """What the case's social worker and Goa have before them."""
    with screens(server, CHANGES, worker, sharing.worker) as (ours, goas):
        yield ours, goas


def agreed_on_paper(sharing: Sharing, worker: Caller, **changes: Any) -> str:
    """Her thumbprint under it, recorded by her social worker."""
    answer = do(
        worker,
        "recordConsent",
        survivorId=global_id("Survivor", sharing.case()[1]),
        terms=terms(sharing.network, sharing.to, **changes),
        giver="SELF",
        mode="THUMBPRINT",
        evidence="R 7",
    )
    assert (answer["__typename"], answer["mode"], answer["isLive"]) == ("Consent", "THUMBPRINT", True)
    id: str = answer["id"]
    return id


def read_by(sharing: Sharing, received: str) -> list[tuple[str, str, list[str]]]:
    """Who has read what under a referral, as the trail of the receiver has it."""
    return sharing.network.rows(
        "select p.email, substr(e.login, 38), detail::jsonb -> 'classes' from trail.events e join sec.people p on p.id = e.actor"
        " where action = 'record.read' and %s = any(subjects) and organisation_id = %s order by number",
        uuid_in(received),
        organisation(sharing.network, sharing.to),
    )


def test_story_2_goa_follows_how_her_matters_stand_until_she_ends_it(
    server: str, sharing: Sharing, swa1: Caller
) -> None:
    proceeding(sharing)
    consent = agreed_on_paper(sharing, swa1)
    day, later = (today() + timedelta(days=1)).isoformat(), (today() + timedelta(days=40)).isoformat()
    with both_sides(server, sharing, swa1) as (ours, goas):
        referral = sharing.sent(consent)
        received = sharing.received(referral)
        stub = goas.until(id=received, status="SENT")
        assert (stub["scopes"], stub["partnerName"], stub["sharedCase"]) == ([], None, None)
        assert stub["allowedTransitions"] == ["ACCEPTED", "DECLINED"]
        assert do(sharing.worker, "answerReferral", id=received, answer="ACCEPTED")["status"] == "ACCEPTED"
        for screen, id in ((ours, referral), (goas, received)):
            assert screen.until(id=id, status="ACCEPTED")["scopes"] == SCOPES
        gw1 = sharing.worker
        opened = gw1.ask(ONE, id=received)["referral"]["sharedCase"]
        assert opened["legalStatus"]["proceedings"][0]["stage"]
        assert [opened[part] for part in ("identity", "contact", "risk")] == [WITHHELD] * 3
        # What she told Goa: the other side has it before her in the same second, and so has she.
        said_at = time.monotonic()
        told = do(gw1, "reportHearing", referralId=received, heldOn=day, mode="VIDEO")
        assert told["__typename"] == "Referral"
        shown = ours.until(id=referral, hearings=[{"heldOn": day, "mode": "VIDEO", "nextOn": None}])
        assert shown["partnerName"]
        assert ours.at - said_at < THE_SAME_SECOND
        on_that_day = "query($day: Date!) { hearings(from: $day, to: $day) { edges { node { heldOn side referral { id } } } } }"
        for caller in (swa1, sharing.manager, sharing.survivor):
            days = [edge["node"] for edge in caller.ask(on_that_day, day=day)["hearings"]["edges"]]
            assert {"heldOn": day, "side": "PARTNER", "referral": {"id": referral}} in days
        assert sharing.survivor.ask(LOG)["me"]["nextHearing"]["heldOn"] <= day
        goas.until(id=received, status="ACCEPTED")
        assert goas.is_quiet()
        reads = read_by(sharing, received)
        ended_at = time.monotonic()
        withdrawn = do(sharing.survivor, "withdrawConsent", id=consent)
        assert (withdrawn["isLive"], withdrawn["withdrawnAt"] is None) == (False, False)
        # The next query, whatever has been told by then.
        tombstone = gw1.ask(ONE, id=received)["referral"]
        assert {name: tombstone[name] for name in NOTHING_LEFT} == NOTHING_LEFT
        assert (tombstone["status"], tombstone["hearings"]) == ("REVOKED", shown["hearings"])
        over = goas.until(id=received, status="REVOKED")
        assert goas.at - ended_at < ENDS_WITHIN
        assert {name: over[name] for name in NOTHING_LEFT} == NOTHING_LEFT
        assert ours.until(id=referral, status="REVOKED")["hearings"] == shown["hearings"]
        late = do(gw1, "reportHearing", referralId=received, heldOn=later, mode="VIDEO")
        assert (late["__typename"], late["code"]) == ("Refusal", "NOT_SHARED")
        assert do(gw1, "answerReferral", id=received, answer="COMPLETED")["code"] == "STATUS_NOT_ALLOWED"
        assert swa1.ask(ONE, id=referral)["referral"]["hearings"] == shown["hearings"]
    told_of_it(sharing, consent, referral, received, reads)


def told_of_it(
    sharing: Sharing, consent: str, referral: str, received: str, reads: list[tuple[str, str, list[str]]]
) -> None:
    """The trail has the end and every read before it, each told to her in words; and none after it."""
    assert read_by(sharing, received) == reads
    assert {(email, role) for email, role, _ in reads} == {("worker@goa.example", "destination_worker")}
    assert {each for _, _, classes in reads for each in classes} == {"hearing_schedule", "legal_status"}
    withdrawals = sharing.network.rows(
        "select substr(login, 38) from trail.events where action = 'consent.withdrawn' and %s = any(subjects)",
        uuid_in(consent),
    )
    assert withdrawals == [("survivor",)]
    hers = sharing.survivor.ask(LOG)["me"]
    assert {"id": consent, "isLive": False} in hers["consents"]
    lines = [edge["node"] for edge in hers["accessLog"]["edges"]]
    under = [each for each in lines if each["referral"] == {"id": referral} and each["kind"] == "READ"]
    assert len(under) == len(reads)
    for each in under:
        assert each["organisation"] == {"slug": "goa"}
        assert " read, as you have agreed: " in each["sentence"]


def test_story_3_what_runs_out_is_over_for_goa_in_that_moment(
    server: str, sharing: Sharing, swa1: Caller
) -> None:
    """By the real clock: nothing has to run for it, and nobody has to ask."""
    first = agreed_on_paper(sharing, swa1, scopes=["LEGAL_STATUS"])
    referral = sharing.sent(first)
    received = sharing.received(referral)
    gw1 = sharing.worker
    do(gw1, "answerReferral", id=received, answer="ACCEPTED")
    # More than she agreed to, and the same again, need that she agrees anew.
    wider = do(sharing.manager, "baseReferral", id=referral, consentId=first, scopes=SCOPES)
    assert wider["code"] == "CONSENT_SCOPE"
    with both_sides(server, sharing, swa1) as (ours, goas):
        end = datetime.now(UTC) + timedelta(seconds=2)
        brief = agreed_on_paper(sharing, swa1, validUntil=end.isoformat())
        based = do(sharing.manager, "baseReferral", id=referral, consentId=brief)
        assert based.get("status") == "ACCEPTED", based
        while_it_runs = goas.until(id=received, status="ACCEPTED")
        assert (while_it_runs["scopes"], while_it_runs["sharedCase"] is None) == (SCOPES, False)
        assert datetime.fromisoformat(while_it_runs["sharedCase"]["expiresAt"]) == end
        over = goas.until(ENDS_WITHIN, id=received, status="EXPIRED")
        assert datetime.now(UTC) - end < timedelta(seconds=THE_SAME_SECOND)
        assert {name: over[name] for name in NOTHING_LEFT} == NOTHING_LEFT
        assert ours.until(ENDS_WITHIN, id=referral, status="EXPIRED")["partnerName"]
        asked = gw1.ask(ONE, id=received)["referral"]
        assert asked == over
        day = (today() + timedelta(days=9)).isoformat()
        assert do(gw1, "reportHearing", referralId=received, heldOn=day, mode="VIDEO")["code"] == "NOT_SHARED"
        again = do(sharing.manager, "baseReferral", id=referral, consentId=brief)
        assert again["code"] == "CONSENT_MISSING"
        written: UUID = uuid_in(referral)
        assert sharing.network.rows("select state from app.referrals where id = %s", written) == [("SENT",)]
