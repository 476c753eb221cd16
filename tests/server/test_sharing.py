"""A referral from her consent to its withdrawal, over HTTP, as everybody whose step it is."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from tests.server.conftest import Act, Network, uuid_in
from tests.server.sharing import DOCUMENTS, SCOPES, Sharing, do, global_id, organisation, terms
from tests.server.test_suspensions import suspended

from pat_platform.database.logins import login_name, login_password


@pytest.fixture
def sharing(network: Network, act_as: Act) -> Sharing:
    return Sharing(network, act_as)


def test_goa_sees_what_she_agreed_to_until_she_withdraws(sharing: Sharing) -> None:
    consent = sharing.agreed()
    referral = sharing.sent(consent)
    stub = sharing.seen(referral)
    assert (stub["status"], stub["scopes"], stub["partnerName"]) == ("SENT", [], None)
    assert stub["allowedTransitions"] == ["ACCEPTED", "DECLINED"]
    received = sharing.received(referral)
    assert do(sharing.worker, "answerReferral", id=received, answer="ACCEPTED")["status"] == "ACCEPTED"
    assert sharing.seen(referral)["scopes"] == SCOPES
    day = (date.today() + timedelta(days=20)).isoformat()
    reported = do(sharing.worker, "reportHearing", referralId=received, heldOn=day, mode="VIDEO")
    assert reported["__typename"] == "Referral"
    withdrawn = do(sharing.survivor, "withdrawConsent", id=consent)
    assert (withdrawn["isLive"], withdrawn["withdrawnAt"] is None) == (False, False)
    tombstone = sharing.seen(referral)
    assert (tombstone["status"], tombstone["scopes"], tombstone["partnerName"]) == ("REVOKED", [], None)
    assert tombstone["allowedTransitions"] == []
    late = do(sharing.worker, "reportHearing", referralId=received, heldOn=day, mode="VIDEO")
    assert late["code"] == "NOT_SHARED"
    assert (
        do(sharing.worker, "answerReferral", id=received, answer="COMPLETED")["code"] == "STATUS_NOT_ALLOWED"
    )
    hers = "query($id: ID!) { referral(id: $id) { status hearings { heldOn } consent { isLive giver } } }"
    kept = sharing.manager.ask(hers, id=referral)["referral"]
    assert kept == {
        "status": "REVOKED",
        "hearings": [{"heldOn": day}],
        "consent": {"isLive": False, "giver": "SELF"},
    }


def test_to_withdraw_alarms_her_organisation_once_and_may_be_said_twice(sharing: Sharing) -> None:
    consent = sharing.agreed()
    alerts = "{ alerts(first: 200, filter: {isOpen: true}) { edges { node { kind raisedAt reachHerBy survivor { id } } } } }"

    def raised() -> list[Any]:
        hers = global_id("Survivor", sharing.case()[1])
        nodes = [edge["node"] for edge in sharing.manager.ask(alerts)["alerts"]["edges"]]
        return [each for each in nodes if each["survivor"]["id"] == hers and each["kind"] == "WITHDRAWAL"]

    before = len(raised())
    first, second = (do(sharing.survivor, "withdrawConsent", id=consent) for _ in range(2))
    assert first == second
    assert len(raised()) == before + 1
    newest = raised()[0]
    due = datetime.fromisoformat(newest["reachHerBy"]) - datetime.fromisoformat(newest["raisedAt"])
    assert due == timedelta(hours=1)
    told = "select count(*) from trail.events where action = 'consent.withdrawn' and %s = any(subjects)"
    assert sharing.network.rows(told, uuid_in(consent)) == [(1,)]


HELD = "mutation($input: SetSafetyHoldInput!) { setSafetyHold(input: $input) { __typename } }"
LIFT = "mutation($input: LiftSafetyHoldInput!) { liftSafetyHold(input: $input) { __typename } }"


@contextmanager
def in_the_way(sharing: Sharing, referral: str, state: str) -> Iterator[None]:
    """What may stand in the way of her while the block lasts."""
    network, goa = sharing.network, organisation(sharing.network, "goa")
    hers = {"survivorId": global_id("Survivor", sharing.case()[1])}
    undo: list[str] = []
    if state in ("suspended", "revoked"):
        assert do(sharing.manager, "moveReferral", id=referral, to=state.upper())["status"] == state.upper()
    elif state == "no agreement":
        network.rows("create table public.kept as select * from app.agreements; delete from app.agreements")
        undo = ["insert into app.agreements select * from public.kept", "drop table public.kept"]
    elif state == "a safety hold":
        sharing.manager.ask(HELD, input=hers)
    elif state == "suspended in the network":
        secretariat = sharing.act_as("admin@secretariat.example", auth_time=int(time.time()), acr="2")
        assert suspended(secretariat, network, "goa")["__typename"] == "PartnerSuspension"
        undo = ["update app.partner_suspensions set lifted_at = now() where lifted_at is null"]
    else:
        network.rows("update app.memberships set ended_at = now() where organisation_id = %s", goa)
        undo = [f"update app.memberships set ended_at = null where organisation_id = '{goa}'"]
    try:
        yield
    finally:
        if state == "a safety hold":
            sharing.manager.ask(LIFT, input=hers)
        for statement in undo:
            network.rows(statement)


@pytest.mark.parametrize(
    "state",
    [
        *("suspended", "revoked", "no agreement", "receiver without people"),
        *("a safety hold", "suspended in the network"),
    ],
)
def test_nothing_stands_in_the_way_of_withdrawing(sharing: Sharing, state: str) -> None:
    consent = sharing.agreed()
    referral = sharing.sent(consent)
    with in_the_way(sharing, referral, state):
        assert do(sharing.survivor, "withdrawConsent", id=consent)["isLive"] is False
    assert sharing.status(referral) == ("SUSPENDED" if state == "suspended" else "REVOKED")


def test_she_reads_and_ends_her_own_consents_and_nobody_elses(sharing: Sharing, act_as: Act) -> None:
    consent = sharing.agreed()
    mine = "{ me { consents { id isLive recipientName purpose scopes } } }"
    listed = {each["id"]: each for each in sharing.survivor.ask(mine)["me"]["consents"]}
    assert listed[consent]["isLive"] is True
    other = act_as("survivor4@cbo-b.example")
    assert consent not in {each["id"] for each in other.ask(mine)["me"]["consents"]}
    unknown = global_id("Consent", uuid4())
    for stranger in (other, act_as("manager@cbo-c.example")):
        answers = [do(stranger, "withdrawConsent", id=id) for id in (consent, unknown)]
        assert answers[0] == answers[1] == {"__typename": "Refusal", "code": "NOT_FOUND", "field": "id"}
    assert sharing.manager.ask("{ me { name } }")
    assert act_as("worker@goa.example").refused(mine) == "FORBIDDEN"


def test_a_referral_stands_on_a_consent_for_this_receiver_this_need_and_these_scopes(
    sharing: Sharing, network: Network
) -> None:
    referral = sharing.drafted()

    def based(consent: str, **more: Any) -> str:
        return str(do(sharing.manager, "baseReferral", id=referral, consentId=consent, **more).get("code"))

    assert do(sharing.manager, "moveReferral", id=referral, to="SENT")["code"] == "STATUS_NOT_ALLOWED"
    elsewhere = do(sharing.survivor, "giveConsent", terms=terms(network, "delhi"))["id"]
    assert based(elsewhere) == "CONSENT_MISSING"
    assert based(sharing.agreed(purpose="SHELTER")) == "CONSENT_MISSING"
    assert based(global_id("Consent", uuid4())) == "CONSENT_MISSING"
    another = Sharing(network, sharing.act_as, number=6)
    assert based(another.agreed()) == "CONSENT_MISSING"
    gone = sharing.agreed()
    do(sharing.survivor, "withdrawConsent", id=gone)
    assert based(gone) == "CONSENT_MISSING"
    narrow = sharing.agreed(scopes=["LEGAL_STATUS"])
    assert based(narrow, scopes=SCOPES) == "CONSENT_SCOPE"
    assert based(narrow, scopes=[]) == "CONSENT_SCOPE"
    assert based(narrow) == "None"


def test_more_is_shared_on_a_wider_consent_only(sharing: Sharing) -> None:
    referral = sharing.sent(sharing.agreed(scopes=["LEGAL_STATUS"]))
    received = sharing.received(referral)
    do(sharing.worker, "answerReferral", id=received, answer="ACCEPTED")
    assert sharing.seen(referral)["scopes"] == ["LEGAL_STATUS"]
    wider = sharing.agreed()
    assert do(sharing.manager, "baseReferral", id=referral, consentId=wider)["status"] == "ACCEPTED"
    assert sharing.seen(referral)["scopes"] == SCOPES


def test_a_referral_that_has_run_out_goes_on_with_a_new_consent_and_without_none(
    sharing: Sharing, network: Network
) -> None:
    consent = sharing.agreed()
    referral = sharing.sent(consent)
    do(sharing.worker, "answerReferral", id=sharing.received(referral), answer="ACCEPTED")
    over = "update app.consents set given_at = now() - interval '2 days', valid_until = now() where id = %s"
    network.rows(over, uuid_in(consent))
    assert (sharing.status(referral), sharing.seen(referral)["scopes"]) == ("EXPIRED", [])
    assert do(sharing.manager, "baseReferral", id=referral, consentId=consent)["code"] == "CONSENT_MISSING"
    renewed = do(sharing.manager, "baseReferral", id=referral, consentId=sharing.agreed())
    assert renewed["status"] == "ACCEPTED"


def test_nothing_is_sent_without_an_agreement_and_all_is_shut_while_it_is_suspended(
    sharing: Sharing, act_as: Act, network: Network
) -> None:
    referral = sharing.sent(sharing.agreed())
    do(sharing.worker, "answerReferral", id=sharing.received(referral), answer="ACCEPTED")
    waiting = sharing.drafted()
    do(sharing.manager, "baseReferral", id=waiting, consentId=sharing.agreed())
    admin = act_as("admin@goa.example", auth_time=int(time.time()), acr="2")
    partner = global_id("Agreement", organisation(network, "cbo-b"))
    assert do(admin, "suspendAgreement", id=partner)["status"] == "SUSPENDED"
    try:
        assert do(admin, "suspendAgreement", id=partner)["status"] == "SUSPENDED"
        tombstone = sharing.seen(referral)
        assert (tombstone["status"], tombstone["scopes"]) == ("SUSPENDED", [])
        assert sharing.status(referral) == "SUSPENDED"
        assert do(sharing.manager, "moveReferral", id=waiting, to="SENT")["code"] == "AGREEMENT_MISSING"
        # Whoever has not suspended cannot take it back.
        ours = act_as("admin@cbo-b.example", auth_time=int(time.time()), acr="2")
        theirs = global_id("Agreement", organisation(network, "goa"))
        assert do(ours, "resumeAgreement", id=theirs)["status"] == "SUSPENDED"
    finally:
        assert do(admin, "resumeAgreement", id=partner)["status"] == "LIVE"
    assert sharing.seen(referral)["scopes"] == SCOPES
    assert do(sharing.manager, "moveReferral", id=waiting, to="SENT")["status"] == "SENT"


def test_a_consent_to_more_than_the_two_organisations_agreed_on_is_not_sent(sharing: Sharing) -> None:
    """Nobody in the demo has signed for health."""
    referral = sharing.drafted()
    do(sharing.manager, "baseReferral", id=referral, consentId=sharing.agreed(scopes=["HEALTH_MHPSS"]))
    assert do(sharing.manager, "moveReferral", id=referral, to="SENT")["code"] == "AGREEMENT_SCOPE"


@pytest.mark.parametrize(
    ("mutation", "email"),
    [
        ("giveConsent", "manager@cbo-b.example"),
        ("recordConsent", "survivor7@cbo-b.example"),
        ("recordConsent", "admin@cbo-b.example"),
        ("withdrawConsent", "worker@goa.example"),
        ("barGuardian", "survivor7@cbo-b.example"),
        ("draftReferral", "worker1@cbo-b.example"),
        ("baseReferral", "survivor7@cbo-b.example"),
        ("moveReferral", "worker@goa.example"),
        ("answerReferral", "manager@cbo-b.example"),
        ("reportHearing", "manager@cbo-b.example"),
        ("signAgreement", "manager@cbo-b.example"),
        ("suspendAgreement", "worker@goa.example"),
        ("resumeAgreement", "admin@secretariat.example"),
    ],
)
def test_a_step_is_refused_to_whom_it_is_not_given(
    act_as: Act, network: Network, mutation: str, email: str
) -> None:
    thing = global_id("Referral", uuid4())
    inputs: dict[str, dict[str, Any]] = {
        "giveConsent": {"terms": terms(network, "goa")},
        "recordConsent": {
            "survivorId": thing,
            "giver": "SELF",
            "mode": "THUMBPRINT",
            "evidence": "1",
            "terms": terms(network, "goa"),
        },
        "barGuardian": {"survivorId": thing},
        "draftReferral": {"caseId": thing, "to": thing, "need": "SHELTER"},
        "baseReferral": {"id": thing, "consentId": thing},
        "moveReferral": {"id": thing, "to": "SENT"},
        "answerReferral": {"id": thing, "answer": "ACCEPTED"},
        "reportHearing": {"referralId": thing, "heldOn": "2027-01-01", "mode": "VIDEO"},
        "signAgreement": {"scopes": SCOPES, "validUntil": "2027-01-01T00:00:00Z", "organisationId": thing},
    }
    assert (
        act_as(email).refused(DOCUMENTS[mutation], input=inputs.get(mutation, {"id": thing})) == "FORBIDDEN"
    )


def test_no_login_of_an_application_takes_a_step_that_is_none(sharing: Sharing, network: Network) -> None:
    """In SQL, as the case manager's own login, in her session."""
    consent = sharing.agreed()
    draft, sent = sharing.drafted(), sharing.sent(consent)
    principal = network.principal("manager@cbo-b.example")
    login = login_name(principal.organisation, principal.role)
    password = login_password(network.settings.secret, login, 1)

    def tried(statement: str, *values: object) -> str:
        url = network.postgres.url(user=login, password=password, database="network")
        with psycopg.connect(url) as connection:
            connection.execute("select sec.enter(%s)", (str(principal.session),))
            try:
                return str(connection.execute(statement.encode(), values).rowcount)
            except psycopg.errors.CheckViolation as refused:
                return str(refused.diag.constraint_name)
            finally:
                connection.rollback()

    move = "update app.referrals set state = %s where id = %s"
    for state, referral in (
        ("SENT", draft),
        ("CONSENT_RECORDED", draft),
        ("DRAFT", sent),
        ("CONSENT_RECORDED", sent),
    ):
        assert tried(move, state, uuid_in(referral)) == "transition", state
    based = (
        "update app.referrals set state = %s, consent_id = %s, scopes = %s, agreed_until = %s where id = %s"
    )
    until = datetime.now(UTC) + timedelta(days=1)
    ready = ("CONSENT_RECORDED", uuid_in(consent), SCOPES, until, uuid_in(draft))
    assert tried(based, *ready) == "1"
    assert tried(based, *ready[:2], ["HEALTH_MHPSS"], *ready[3:]) == "transition"
    assert tried(based, *ready[:2], [], *ready[3:]) == "transition"
    assert tried(based, *ready[:3], datetime.now(UTC), ready[4]) == "transition"
    do(sharing.survivor, "withdrawConsent", id=consent)
    assert tried(based, *ready) == "transition"
    # What she has withdrawn goes on on nothing else as it is; it is shut, and what is revoked is so for good.
    on_another = "update app.referrals set consent_id = %s where id = %s"
    assert tried(on_another, uuid_in(sharing.agreed()), uuid_in(sent)) == "transition"
    for state in ("SUSPENDED", "REVOKED", "CLOSED"):
        assert tried(move, state, uuid_in(sent)) == "1", state
    do(sharing.manager, "moveReferral", id=sent, to="REVOKED")
    for state in ("SENT", "SUSPENDED", "CLOSED"):
        assert tried(move, state, uuid_in(sent)) == "transition", state
    begun = (
        "insert into app.referrals (organisation_id, id, received_id, case_id, survivor_id, to_organisation_id, need, urgency,"
        " state, created_by) select organisation_id, gen_random_uuid(), gen_random_uuid(), case_id, survivor_id,"
        " to_organisation_id, need, urgency, 'CONSENT_RECORDED', created_by from app.referrals where id = %s"
    )
    assert tried(begun, uuid_in(sent)) == "transition"
