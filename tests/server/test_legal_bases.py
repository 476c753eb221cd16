"""What is shared without her consent, over HTTP: an order, a duty, and a danger to her life; and what a withdrawal leaves of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from tests.server.conftest import Act, Caller, Network, uuid_in
from tests.server.sharing import SCOPES, Sharing, do, global_id, organisation
from tests.server.subscriptions.conftest import CHANGED, listening

VITAL = ["CONTACT_SAFE", "RISK_SAFETY"]
WHY = "Her mother says that she left with Bikash for the station, and her phone is off."
ORDER = {"kind": "COURT_ORDER", "reference": "WP 1234/2026 12.11.2026", "scopes": SCOPES}
MISSING = {"kind": "VITAL_INTEREST", "reason": WHY, "scopes": VITAL}


@pytest.fixture
def sharing(network: Network, act_as: Act) -> Sharing:
    return Sharing(network, act_as)


@pytest.fixture
def admin(act_as: Act) -> Caller:
    return act_as("admin@cbo-b.example")


@pytest.fixture
def colleague(network: Network, sharing: Sharing) -> Caller:
    """Another case manager of the same organisation."""
    manager, person, membership = sharing.manager, uuid4(), uuid4()
    mine = manager.principal.organisation
    network.rows("insert into sec.people (id, email) values (%s, %s)", person, f"{person}@cbo-b.example")
    network.rows(
        "insert into app.memberships (organisation_id, id, person_id, role, name) values (%s, %s, %s, 'case_manager', 'Colleague')",
        *(mine, membership, person),
    )
    return sharing.act_as(f"{person}@cbo-b.example")


def recorded(sharing: Sharing, kind: dict[str, Any], **changes: Any) -> dict[str, Any]:
    hours = 48 if kind is MISSING else 24 * 90
    given = {
        "survivorId": global_id("Survivor", sharing.case()[1]),
        "recipientId": global_id("Organisation", organisation(sharing.network, sharing.to)),
        "purpose": "COURT_FOLLOW_UP",
        "validUntil": (datetime.now(UTC) + timedelta(hours=hours)).isoformat(),
        **kind,
        **changes,
    }
    return do(sharing.manager, "recordLegalBasis", **given)


def sent_on(sharing: Sharing, basis: str) -> str:
    """A referral on it that Goa has accepted."""
    referral = sharing.drafted()
    assert (
        do(sharing.manager, "baseReferral", id=referral, legalBasisId=basis)["status"] == "CONSENT_RECORDED"
    )
    assert do(sharing.manager, "moveReferral", id=referral, to="SENT")["status"] == "SENT"
    accepted = do(sharing.worker, "answerReferral", id=sharing.received(referral), answer="ACCEPTED")
    assert accepted["status"] == "ACCEPTED"
    return referral


def ground(caller: Caller, referral: str) -> str | None:
    answer = caller.ask("query($id: ID!) { referral(id: $id) { ground } }", id=referral)
    found: str | None = answer["referral"]["ground"]
    return found


def events(network: Network, basis: str) -> list[str]:
    told = "select action from trail.events where %s = any(subjects) and action like 'legal_basis.%%' order by number"
    return [action for (action,) in network.rows(told, uuid_in(basis))]


def test_a_court_order_shares_at_once_and_both_sides_are_told_so(sharing: Sharing, network: Network) -> None:
    basis = recorded(sharing, ORDER)
    assert (basis["isLive"], basis["approvedAt"], basis["reference"]) == (True, None, ORDER["reference"])
    assert basis["reason"] == {"text": None}
    referral = sharing.drafted()
    assert ground(sharing.manager, referral) is None
    referral = sent_on(sharing, basis["id"])
    assert sharing.seen(referral)["scopes"] == SCOPES
    assert (
        ground(sharing.manager, referral)
        == ground(sharing.worker, sharing.received(referral))
        == "COURT_ORDER"
    )
    hers = "query($id: ID!) { referral(id: $id) { consent { id } legalBasis { id recordedBy { role } } } }"
    assert sharing.manager.ask(hers, id=referral)["referral"] == {
        "consent": None,
        "legalBasis": {"id": basis["id"], "recordedBy": {"role": "CASE_MANAGER"}},
    }
    ended = do(sharing.manager, "endLegalBasis", id=basis["id"])
    assert (ended["isLive"], ended["isReviewDue"]) == (False, False)
    assert do(sharing.manager, "endLegalBasis", id=basis["id"]) == ended
    tombstone = sharing.seen(referral)
    assert (tombstone["status"], tombstone["scopes"], tombstone["partnerName"]) == ("REVOKED", [], None)
    assert ground(sharing.worker, sharing.received(referral)) is None
    assert events(network, basis["id"]) == ["legal_basis.recorded", "legal_basis.ended"]


def test_a_withdrawal_ends_what_stands_on_it_and_says_what_goes_on(sharing: Sharing) -> None:
    consent = sharing.agreed()
    hers, ordered = sharing.sent(consent), sent_on(sharing, recorded(sharing, ORDER)["id"])
    said = "... on Consent { isLive survivedBy { kind reference recipientName scopes } }"
    asked = f"mutation($id: ID!) {{ withdrawConsent(input: {{id: $id}}) {{ {said} }} }}"
    for caller in (sharing.survivor, sharing.manager):
        withdrawn = caller.ask(asked, id=consent)["withdrawConsent"]
        assert withdrawn["isLive"] is False
        on = [each for each in withdrawn["survivedBy"] if each["reference"] == ORDER["reference"]]
        assert on
        assert {each["kind"] for each in on} == {"COURT_ORDER"}
        assert on[0]["scopes"] == SCOPES
    assert (sharing.status(hers), sharing.status(ordered)) == ("REVOKED", "ACCEPTED")
    assert sharing.seen(ordered)["scopes"] == SCOPES


def test_what_she_withdrew_goes_on_by_order_where_it_is_put_on_one_and_sent_anew(sharing: Sharing) -> None:
    consent = sharing.agreed()
    referral = sharing.sent(consent)
    do(sharing.worker, "answerReferral", id=sharing.received(referral), answer="ACCEPTED")
    do(sharing.survivor, "withdrawConsent", id=consent)
    assert sharing.seen(referral)["scopes"] == []
    narrow = recorded(sharing, {**ORDER, "scopes": ["LEGAL_STATUS"]})["id"]
    assert do(sharing.manager, "baseReferral", id=referral, legalBasisId=narrow)["status"] == "SUSPENDED"
    assert sharing.seen(referral)["scopes"] == []
    assert do(sharing.manager, "moveReferral", id=referral, to="SENT")["status"] == "ACCEPTED"
    assert sharing.seen(referral)["scopes"] == ["LEGAL_STATUS"]


def test_she_is_missing_and_a_second_person_approves(
    sharing: Sharing, network: Network, colleague: Caller, admin: Caller
) -> None:
    basis = recorded(sharing, MISSING)
    assert (basis["isLive"], basis["reason"]) == (False, {"text": WHY})
    id, referral = basis["id"], sharing.drafted()
    assert do(sharing.manager, "baseReferral", id=referral, legalBasisId=id)["code"] == "BASIS_MISSING"
    assert do(sharing.manager, "approveLegalBasis", id=id)["code"] == "SAME_PERSON"
    approved = do(colleague, "approveLegalBasis", id=id)
    assert (approved["isLive"], approved["isReviewDue"]) == (True, False)
    assert do(admin, "approveLegalBasis", id=id)["code"] == "ALREADY_APPROVED"
    referral = sent_on(sharing, id)
    assert sharing.seen(referral)["scopes"] == VITAL
    assert do(admin, "reviewLegalBasis", id=id, review="JUSTIFIED")["code"] == "BASIS_RUNS"
    due = "{ legalBases(first: 200, filter: {isReviewDue: true}) { edges { node { id } } } }"

    def is_listed() -> bool:
        return id in [edge["node"]["id"] for edge in admin.ask(due)["legalBases"]["edges"]]

    assert not is_listed()
    assert do(colleague, "endLegalBasis", id=id)["isReviewDue"]
    assert is_listed()
    assert do(sharing.manager, "approveLegalBasis", id=id)["code"] == "ALREADY_APPROVED"
    reviewed = do(admin, "reviewLegalBasis", id=id, review="UNJUSTIFIED")
    assert (reviewed["review"], reviewed["isReviewDue"]) == ("UNJUSTIFIED", False)
    assert not is_listed()
    assert do(admin, "reviewLegalBasis", id=id, review="JUSTIFIED")["code"] == "ALREADY_REVIEWED"
    steps = ("recorded", "approved", "ended", "reviewed")
    assert events(network, id) == [f"legal_basis.{step}" for step in steps]


def test_who_has_approved_does_not_review_and_nothing_is_reviewed_that_shared_nothing(
    sharing: Sharing, admin: Caller
) -> None:
    id = recorded(sharing, MISSING)["id"]
    assert do(admin, "approveLegalBasis", id=id)["isLive"]
    do(admin, "endLegalBasis", id=id)
    assert do(admin, "reviewLegalBasis", id=id, review="JUSTIFIED")["code"] == "SAME_PERSON"
    id = recorded(sharing, MISSING)["id"]
    do(admin, "endLegalBasis", id=id)
    assert do(admin, "approveLegalBasis", id=id)["code"] == "BASIS_OVER"
    assert do(admin, "reviewLegalBasis", id=id, review="JUSTIFIED")["code"] == "REVIEW_NOT_NEEDED"
    order = recorded(sharing, ORDER)["id"]
    assert do(admin, "approveLegalBasis", id=order)["code"] == "APPROVAL_NOT_NEEDED"


def test_the_reason_is_sealed_and_each_reading_of_it_is_in_the_trail(
    sharing: Sharing, network: Network
) -> None:
    id = recorded(sharing, MISSING)["id"]
    ((sealed,),) = network.rows("select reason from app.legal_basis_reasons where basis_id = %s", uuid_in(id))
    assert b"Bikash" not in sealed
    read = "select count(*) from trail.events where action = 'record.read' and %s = any(subjects) and detail like '%%note%%'"
    (before,) = network.rows(read, sharing.case()[1])
    query = "query($id: ID!) { node(id: $id) { ... on LegalBasis { reason { ... on BasisReason { text } ... on Withheld { reason } } } } }"
    assert sharing.manager.ask(query, id=id)["node"]["reason"] == {"text": WHY}
    assert network.rows(read, sharing.case()[1]) == [(before[0] + 1,)]
    assert sharing.survivor.ask(query, id=id)["node"]["reason"] == {"reason": "ROLE"}
    kept = sharing.manager.principal
    without = sharing.act_as(f"manager@{sharing.slug}.example", kept.scopes - {"identity"})
    assert without.ask(query, id=id)["node"]["reason"] == {"reason": "CLIENT"}


def test_she_sees_what_is_shared_without_her_consent(sharing: Sharing) -> None:
    recorded(sharing, ORDER)
    mine = "{ me { legalBases { kind reference recipientName scopes validUntil isLive } } }"
    first = sharing.survivor.ask(mine)["me"]["legalBases"][0]
    assert (first["kind"], first["reference"], first["scopes"]) == ("COURT_ORDER", ORDER["reference"], SCOPES)
    assert sharing.act_as("survivor4@cbo-b.example").ask(mine)["me"]["legalBases"] == []
    refused = "mutation($id: ID!) { endLegalBasis(input: {id: $id}) { __typename } }"
    assert sharing.survivor.refused(refused, id=recorded(sharing, ORDER)["id"]) == "FORBIDDEN"


def test_her_access_log_says_under_which_ground(sharing: Sharing) -> None:
    referral = sent_on(sharing, recorded(sharing, ORDER)["id"])
    shared = "query($id: ID!) { referral(id: $id) { sharedCase { legalStatus { ... on SharedLegalStatus { proceedings { stage } } } } } }"
    sharing.worker.ask(shared, id=sharing.received(referral))
    log = "{ me { accessLog(first: 5) { edges { node { kind classes referral { id ground } } } } } }"
    nodes = [edge["node"] for edge in sharing.survivor.ask(log)["me"]["accessLog"]["edges"]]
    under = {"id": referral, "ground": "COURT_ORDER"}
    assert {"kind": "READ", "classes": ["LEGAL_STATUS"], "referral": under} in nodes


def test_her_access_log_says_what_was_done_with_a_basis(network: Network, act_as: Act, admin: Caller) -> None:
    """One sentence of its own each, in her language."""
    sharing = Sharing(network, act_as)
    basis = recorded(sharing, MISSING)["id"]
    assert do(admin, "approveLegalBasis", id=basis)["isLive"]
    assert do(sharing.manager, "endLegalBasis", id=basis)["endedAt"]
    log = """query($in: MailLanguage!) { me { accessLog(first: 9) { edges { node { kind sentence(language: $in) } } } } }"""

    def said(language: str) -> list[str]:
        nodes = [
            edge["node"] for edge in sharing.survivor.ask(log, **{"in": language})["me"]["accessLog"]["edges"]
        ]
        return [node["sentence"] for node in nodes if node["kind"] == "WRITTEN"][:3]

    ended, approved, written = said("EN")
    assert "ended that parts of your record may be shared without asking you." in ended
    assert (
        "confirmed that parts of your record may be shared without asking you: you can see which" in approved
    )
    assert "wrote that parts of your record may be shared without asking you: you can see which" in written
    for language, unasked in (("BN", "জিজ্ঞাসা না কর"), ("HI", "आपसे पूछे बिना")):
        assert len({each for each in said(language) if unasked in each}) == 3


def test_what_was_read_on_an_order_is_not_said_to_be_agreed_to_when_she_agrees_later(
    network: Network, act_as: Act
) -> None:
    sharing = Sharing(network, act_as, slug="cbo-d", number=3, to="punjab")
    shared = "query($id: ID!) { referral(id: $id) { sharedCase { legalStatus { ... on SharedLegalStatus { proceedings { stage } } } } } }"
    log = "{ me { accessLog(first: 9) { edges { node { kind sentence } } } } }"

    def said() -> str:
        """How it is said that somebody reads now."""
        sharing.worker.ask(shared, id=sharing.received(referral))
        return read()[0]

    def read() -> list[str]:
        nodes = [edge["node"] for edge in sharing.survivor.ask(log)["me"]["accessLog"]["edges"]]
        return [
            each["sentence"].split(" read")[1]
            for each in nodes
            if each["kind"] == "READ" and "Worker" in each["sentence"]
        ]

    unasked, neither, agreed = ", without having to ask you", "", ", as you have agreed"
    basis = recorded(sharing, ORDER)["id"]
    referral = sent_on(sharing, basis)
    assert said() == f"{unasked}: how your matters stand."
    do(sharing.manager, "baseReferral", id=referral, consentId=sharing.agreed())
    assert read()[0] == f"{unasked}: how your matters stand."
    assert said() == f"{neither}: how your matters stand."
    do(sharing.manager, "endLegalBasis", id=basis)
    assert said() == f"{agreed}: how your matters stand."


def test_whoever_waits_is_told_at_once_that_a_basis_has_ended(server: str, sharing: Sharing) -> None:
    basis = recorded(sharing, ORDER)["id"]
    referral = sent_on(sharing, basis)
    with (
        listening(server, sharing.worker, CHANGED) as receiver,
        listening(server, sharing.manager, CHANGED) as sender,
    ):
        do(sharing.manager, "endLegalBasis", id=basis)
        for socket, id in ((receiver, sharing.received(referral)), (sender, referral)):
            told = socket.event()
            while told["id"] != id:
                told = socket.event()
            assert told["referral"]["status"] == "REVOKED"


def test_the_trail_keeps_on_what_a_referral_stood_when(sharing: Sharing, network: Network) -> None:
    basis, consent = recorded(sharing, ORDER)["id"], sharing.agreed()
    referral = sent_on(sharing, basis)
    do(sharing.manager, "baseReferral", id=referral, consentId=consent)
    told = "select action, subjects from trail.events where %s = any(subjects) and action <> 'referral.drafted' order by number"
    stood = [
        (action, uuid_in(basis) in subjects, uuid_in(consent) in subjects)
        for action, subjects in network.rows(told, uuid_in(referral))
    ]
    on_order = [("referral.consent_recorded", True, False), ("referral.sent", True, False)]
    assert stood == [*on_order, ("referral.based", False, True)]


@pytest.mark.parametrize(
    ("kind", "changes", "expected"),
    [
        (ORDER, {"scopes": []}, "BASIS_SCOPE"),
        (MISSING, {"scopes": ["LEGAL_STATUS"]}, "BASIS_SCOPE"),
        (ORDER, {"reference": None}, "REFERENCE_INVALID"),
        (ORDER, {"reference": "the order about Rina Das"}, "REFERENCE_INVALID"),
        (ORDER, {"reason": WHY}, "REASON_INVALID"),
        (MISSING, {"reference": "WP 1/2026"}, "REFERENCE_INVALID"),
        (MISSING, {"reason": " "}, "REASON_MISSING"),
        (MISSING, {"reason": None}, "REASON_MISSING"),
        (MISSING, {"reason": "\u202e" + WHY}, "TEXT_INVALID"),
        (MISSING, {"reason": WHY * 200}, "TEXT_TOO_LONG"),
        (ORDER, {"validUntil": "2026-01-01T00:00:00Z"}, "DATES_INVALID"),
        (MISSING, {"validUntil": (datetime.now(UTC) + timedelta(hours=74)).isoformat()}, "DATES_INVALID"),
        (ORDER, {"recipientId": global_id("Organisation", uuid4())}, "RECIPIENT_UNKNOWN"),
        (ORDER, {"survivorId": global_id("Survivor", uuid4())}, "NOT_FOUND"),
    ],
)
def test_what_rests_on_nothing_is_not_recorded(
    sharing: Sharing, kind: dict[str, Any], changes: dict[str, Any], expected: str
) -> None:
    assert recorded(sharing, kind, **changes)["code"] == expected


def test_no_basis_is_for_whom_no_referral_can_go_to(sharing: Sharing) -> None:
    to = global_id("Organisation", organisation(sharing.network, "cbo-c"))
    for kind in (ORDER, MISSING):
        assert recorded(sharing, kind, recipientId=to)["code"] == "RECIPIENT_UNKNOWN"


@pytest.mark.parametrize("verb", ["approve", "end", "review"])
def test_nothing_is_done_to_a_basis_of_others(sharing: Sharing, act_as: Act, verb: str) -> None:
    basis = recorded(sharing, MISSING)["id"]
    more = {"review": "JUSTIFIED"} if verb == "review" else {}
    for id in (basis, global_id("LegalBasis", uuid4())):
        answer = do(act_as("admin@cbo-c.example"), f"{verb}LegalBasis", id=id, **more)
        assert answer["code"] == "NOT_FOUND"


def test_a_referral_stands_on_one_thing_that_is_about_it(sharing: Sharing) -> None:
    consent, basis, referral = sharing.agreed(), recorded(sharing, ORDER)["id"], sharing.drafted()
    both = do(sharing.manager, "baseReferral", id=referral, consentId=consent, legalBasisId=basis)
    assert both["code"] == do(sharing.manager, "baseReferral", id=referral)["code"] == "GROUND_INVALID"
    other = recorded(sharing, ORDER, purpose="SHELTER")["id"]
    assert do(sharing.manager, "baseReferral", id=referral, legalBasisId=other)["code"] == "BASIS_MISSING"
    wide = do(sharing.manager, "baseReferral", id=referral, legalBasisId=basis, scopes=VITAL)
    assert wide["code"] == "BASIS_SCOPE"
    over = do(sharing.manager, "baseReferral", id=referral, legalBasisId=basis, until="2026-01-01T00:00:00Z")
    assert over["code"] == "DATES_INVALID"
    assert (
        do(sharing.manager, "baseReferral", id=referral, legalBasisId=basis)["status"] == "CONSENT_RECORDED"
    )
    do(sharing.manager, "endLegalBasis", id=basis)
    assert do(sharing.manager, "moveReferral", id=referral, to="SENT")["code"] == "BASIS_MISSING"
