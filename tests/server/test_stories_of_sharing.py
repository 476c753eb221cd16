"""What becomes of one referral, as both sides have it before them: each with a client of graphql-ws from npm, open all the while.

Stories 2, 3 and 4 of the domain: a referral to Goa that she ends herself, one that ends by the clock, and a child who speaks over a
video link.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from tests.server.conftest import Act, Caller, Network, uuid_in
from tests.server.screens import Screen, screens
from tests.server.sharing import SCOPES, Sharing, do, global_id, organisation, terms
from tests.server.test_consents import born
from tests.server.test_hearings import act, confirm, proceeding, reported

from pat_auth.policy import Role
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
def both_sides(
    server: str, sharing: Sharing, worker: Caller, query: str = CHANGES
) -> Iterator[tuple[Screen, Screen]]:
    """What the case's social worker and Goa have before them."""
    with screens(server, query, worker, sharing.worker) as (ours, goas):
        yield ours, goas


def agreed_on_paper(sharing: Sharing, worker: Caller, giver: str = "SELF", **changes: Any) -> str:
    """A thumbprint under it, recorded by her social worker."""
    answer = do(
        worker,
        "recordConsent",
        survivorId=global_id("Survivor", sharing.case()[1]),
        terms=terms(sharing.network, sharing.to, **changes),
        giver=giver,
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


PREPARED = "id heldOn state courtPoint remotePoint interpreterLanguage nextOn allowedTransitions confirmation { remotePoint supportPerson }"
PREPARING = (
    f"subscription {{ referralChanged {{ id cursor referral {{ id status hearings {{ {PREPARED} }} }} }} }}"
)
CALENDAR = "query($from: Date!) { hearings(from: $from) { edges { node { heldOn state referral { id } } } } }"


OPEN = """mutation($input: OpenCaseInput!) { openCase(input: $input) {
    ... on Case { id survivor { id } } } }"""
ASSIGN = """mutation($input: AssignCaseInput!) { assignCase(input: $input) {
    ... on Case { assignments { member { id } } } } }"""


@dataclass
class OfAChild(Sharing):
    """A girl of fourteen, whose case has just been opened."""

    ids: tuple[UUID, UUID] | None = None

    def case(self) -> tuple[UUID, UUID]:
        assert self.ids is not None
        return self.ids


@pytest.fixture
def swa1s(network: Network, act_as: Act, swa1: Caller) -> OfAChild:
    """Hers is the case, and the manager's."""
    child = OfAChild(network, act_as, slug="cbo-a")
    girl = {"gender": "Feminine", "isMinorAtIntake": True, **born(14)}
    known = {"openedOn": "2026-01-01", "stage": "REUNITED", "riskLevel": "HIGH"}
    known["traffickingStatus"] = "ActualVictimOfTrafficking"
    opened = child.manager.ask(OPEN, input={"survivor": girl, **known})["openCase"]
    member = swa1.ask("{ me { id } }")["me"]["id"]
    given = {"caseId": opened["id"], "memberId": member}
    assert child.manager.ask(ASSIGN, input=given)["assignCase"]["assignments"]
    child.ids = uuid_in(opened["id"]), uuid_in(opened["survivor"]["id"])
    return child


def test_story_4_a_child_speaks_over_a_video_link_with_somebody_beside_her(
    server: str, swa1s: OfAChild, swa1: Caller
) -> None:
    child = swa1s
    referral = child.sent(agreed_on_paper(child, swa1, giver="GUARDIAN"))
    received, gw1 = child.received(referral), child.worker
    do(gw1, "answerReferral", id=received, answer="ACCEPTED")
    day, later = today() + timedelta(days=51), today() + timedelta(days=80)
    with both_sides(server, child, swa1, PREPARING) as (ours, goas):

        def seen(screen: Screen, **expected: Any) -> dict[str, Any]:
            """The one day, as it is told once all that is expected of it holds."""
            id = referral if screen is ours else received
            while True:
                for each in screen.until(id=id)["hearings"]:
                    if all(each[name] == value for name, value in expected.items()):
                        return dict(each)

        def move(to: str, **more: Any) -> dict[str, Any]:
            return act(gw1, "moveReportedHearing", "ReferralHearing", id=id, to=to, **more)

        prepared = {"courtPoint": "Sessions Court, Panaji", "remotePoint": "DLSA Barasat"}
        prepared["interpreterLanguage"] = "bn"
        told = {"referralId": received, "heldOn": day.isoformat(), "mode": "VIDEO", "preparation": prepared}
        assert do(gw1, "reportHearing", **told)["__typename"] == "Referral"
        asked_for = seen(ours, state="SCHEDULED", **prepared)
        assert (asked_for["heldOn"], asked_for["confirmation"]) == (day.isoformat(), None)
        # What the other side has reported is not ours to lead on.
        assert asked_for["allowedTransitions"] == []
        id = asked_for["id"]
        assert move("VC_REQUESTED")["state"] == "VC_REQUESTED"
        seen(ours, state="VC_REQUESTED")
        assert move("VC_CONFIRMED")["code"] == "CONFIRMATION_MISSING"
        # Her social worker, whose case it is: no manager is needed for it.
        assert swa1.principal.role is Role.SOCIAL_WORKER
        assert confirm(swa1, id)["remotePoint"] == "DLSA Barasat"
        point = {"remotePoint": "DLSA Barasat", "supportPerson": None}
        assert "VC_CONFIRMED" in seen(goas, confirmation=point)["allowedTransitions"]
        assert move("VC_CONFIRMED")["state"] == "VC_CONFIRMED"
        seen(ours, state="VC_CONFIRMED", confirmation=point)
        assert move("READY")["code"] == "SUPPORT_MISSING"
        assert ours.is_quiet()
        confirm(swa1, id, supportPerson="CHILD_WELFARE_OFFICER")
        seen(goas, confirmation={**point, "supportPerson": "CHILD_WELFARE_OFFICER"})
        assert move("READY")["state"] == "READY"
        seen(ours, state="READY")
        assert move("ADJOURNED")["code"] == "DATES_INVALID"
        assert ours.is_quiet()
        assert move("HELD", outcome="PARTLY_HEARD", nextOn=later.isoformat())["state"] == "HELD"
        for screen in (ours, goas):
            over = seen(screen, heldOn=day.isoformat(), state="HELD")
            assert (over["nextOn"], over["allowedTransitions"]) == (later.isoformat(), [])
    for caller, of in ((swa1, referral), (gw1, received)):
        edges = caller.ask(CALENDAR, **{"from": day.isoformat()})["hearings"]["edges"]
        days = [edge["node"] for edge in edges if (edge["node"]["referral"] or {}).get("id") == of]
        assert [(each["heldOn"], each["state"]) for each in days] == [
            (day.isoformat(), "HELD"),
            (later.isoformat(), "SCHEDULED"),
        ]


def test_story_4_no_day_is_put_off_without_another(swa1s: OfAChild, swa1: Caller) -> None:
    """Also one that nothing else stands in the way of."""
    child = swa1s
    referral = child.sent(agreed_on_paper(child, swa1, giver="GUARDIAN"))
    do(child.worker, "answerReferral", id=child.received(referral), answer="ACCEPTED")
    id, later = reported(child, referral, today() + timedelta(days=52)), today() + timedelta(days=81)

    def adjourn(**more: Any) -> dict[str, Any]:
        return act(child.worker, "moveReportedHearing", "ReferralHearing", id=id, to="ADJOURNED", **more)

    assert adjourn()["code"] == "DATES_INVALID"
    put_off = adjourn(outcome="COURT_DID_NOT_SIT", nextOn=later.isoformat())
    assert (put_off["state"], put_off["nextOn"]) == ("ADJOURNED", later.isoformat())
