"""What abuse of sharing gets: each attack is refused and recorded, by the code, and by the database where the code is gone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from tests.server.conftest import Act, Network, uuid_in
from tests.server.sharing import SCOPES, Sharing, do, global_id, organisation
from tests.support.cutting import Cut, Line, Value, cut
from tests.support.relaxing import Check, Guard, Policy, Trigger, relaxed

from pat_tenants.hearings import service as hearings
from pat_tenants.referrals import rules, service
from pat_tenants.replays import Replays

DAY = (date.today() + timedelta(days=30)).isoformat()


@dataclass(frozen=True)
class Attack:
    """What somebody tries; it gives what she is told.

    ``code`` is what the trail has of it, ``guard`` what is cut in the code, and ``behind`` what the database has behind that.
    """

    tried: Callable[[Sharing], dict[str, Any]]
    code: str
    mutation: str
    guard: Sequence[Cut]
    behind: Sequence[Guard] = ()

    def __str__(self) -> str:
        return self.tried.__name__


def a_referral_is_sent_without_consent(sharing: Sharing) -> dict[str, Any]:
    return do(sharing.manager, "moveReferral", id=sharing.drafted(), to="SENT")


def a_referral_is_sent_on_a_consent_that_she_withdrew(sharing: Sharing) -> dict[str, Any]:
    referral, consent = sharing.drafted(), sharing.agreed()
    do(sharing.manager, "baseReferral", id=referral, consentId=consent)
    do(sharing.survivor, "withdrawConsent", id=consent)
    return do(sharing.manager, "moveReferral", id=referral, to="SENT")


def more_is_shared_than_she_agreed_to(sharing: Sharing) -> dict[str, Any]:
    referral, consent = sharing.drafted(), sharing.agreed(scopes=["LEGAL_STATUS"])
    return do(sharing.manager, "baseReferral", id=referral, consentId=consent, scopes=SCOPES)


def more_is_shared_than_was_signed_for(sharing: Sharing) -> dict[str, Any]:
    referral, consent = sharing.drafted(), sharing.agreed(scopes=["HEALTH_MHPSS"])
    do(sharing.manager, "baseReferral", id=referral, consentId=consent)
    return do(sharing.manager, "moveReferral", id=referral, to="SENT")


def a_referral_goes_to_its_own_sender(sharing: Sharing) -> dict[str, Any]:
    ours = global_id("Organisation", organisation(sharing.network, sharing.slug))
    case = global_id("Case", sharing.case()[0])
    return do(sharing.manager, "draftReferral", caseId=case, to=ours, need="SHELTER")


def a_draft_is_closed_before_it_is_sent(sharing: Sharing) -> dict[str, Any]:
    return do(sharing.manager, "moveReferral", id=sharing.drafted(), to="CLOSED")


def what_is_revoked_is_opened_again(sharing: Sharing) -> dict[str, Any]:
    referral = sharing.sent(sharing.agreed())
    do(sharing.manager, "moveReferral", id=referral, to="REVOKED")
    return do(sharing.manager, "moveReferral", id=referral, to="SENT")


def a_referral_is_completed_before_it_is_accepted(sharing: Sharing) -> dict[str, Any]:
    received = sharing.received(sharing.sent(sharing.agreed()))
    return do(sharing.worker, "answerReferral", id=received, answer="COMPLETED")


def it_is_answered_after_the_withdrawal(sharing: Sharing) -> dict[str, Any]:
    return do(sharing.worker, "answerReferral", id=over(sharing), answer="COMPLETED")


def a_hearing_is_reported_after_the_withdrawal(sharing: Sharing) -> dict[str, Any]:
    return do(sharing.worker, "reportHearing", referralId=over(sharing), heldOn=DAY, mode="VIDEO")


def one_key_is_sent_with_two_inputs(sharing: Sharing) -> dict[str, Any]:
    received, key = sharing.received(sharing.sent(sharing.agreed())), str(uuid4())
    do(sharing.worker, "answerReferral", id=received, answer="ACCEPTED", clientMutationId=key)
    return do(sharing.worker, "answerReferral", id=received, answer="DECLINED", clientMutationId=key)


def over(sharing: Sharing) -> str:
    """What the receiver has of a referral that it accepted, and that she has withdrawn."""
    consent = sharing.agreed()
    received = sharing.received(sharing.sent(consent))
    assert do(sharing.worker, "answerReferral", id=received, answer="ACCEPTED")["status"] == "ACCEPTED"
    do(sharing.survivor, "withdrawConsent", id=consent)
    return received


def _nothing(*_: object) -> None:
    """It refuses nobody."""


REFERRALS = "app.referrals"
NEVER_SENT = "state = 'CLOSED' and sent_at is null"
STEPS = (Trigger(REFERRALS, "take_step"),)
ANSWERS = (
    Policy("app.referral_answers", "referral_answer_destination_worker_insert"),
    Trigger("app.referral_answers", "take_answer"),
)
SENDING, ANSWERING = Value(rules, "sender_may", _nothing), Value(rules, "receiver_may", _nothing)
CONSENTING = Value(rules, "consent_covers", _nothing)
AGREEING = Value(rules, "agreement_covers", lambda allowed, scopes, now: allowed.until)
MOVE, ANSWER = "moveReferral", "answerReferral"

ATTACKS = (
    Attack(
        a_referral_is_sent_without_consent, "STATUS_NOT_ALLOWED", MOVE, [SENDING, CONSENTING, AGREEING], STEPS
    ),
    Attack(
        a_referral_is_sent_on_a_consent_that_she_withdrew,
        "CONSENT_MISSING",
        MOVE,
        [SENDING, CONSENTING, AGREEING],
        STEPS,
    ),
    Attack(more_is_shared_than_she_agreed_to, "CONSENT_SCOPE", "baseReferral", [CONSENTING], STEPS),
    Attack(more_is_shared_than_was_signed_for, "AGREEMENT_SCOPE", MOVE, [AGREEING], STEPS),
    Attack(
        a_referral_goes_to_its_own_sender,
        "TO_ITSELF",
        "draftReferral",
        [
            Line(service.draft_referral, "to == tx.organisation", "False"),
            Line(service.draft_referral, "recipient.kind not in rules.RECEIVING", "False"),
        ],
        [Check(REFERRALS, "ck_referrals_receiver", "to_organisation_id = organisation_id")],
    ),
    Attack(
        a_draft_is_closed_before_it_is_sent,
        "STATUS_NOT_ALLOWED",
        MOVE,
        [SENDING],
        [
            *STEPS,
            *(Check(REFERRALS, f"ck_referrals_{name}", NEVER_SENT) for name in ("sent", "agreed")),
        ],
    ),
    Attack(
        what_is_revoked_is_opened_again, "STATUS_NOT_ALLOWED", MOVE, [SENDING, CONSENTING, AGREEING], STEPS
    ),
    Attack(
        a_referral_is_completed_before_it_is_accepted, "STATUS_NOT_ALLOWED", ANSWER, [ANSWERING], ANSWERS[1:]
    ),
    Attack(it_is_answered_after_the_withdrawal, "STATUS_NOT_ALLOWED", ANSWER, [ANSWERING], ANSWERS),
    Attack(
        a_hearing_is_reported_after_the_withdrawal,
        "NOT_SHARED",
        "reportHearing",
        [Value(hearings, "is_shared", _nothing)],
        [Policy("app.referral_hearings", "referral_answer_destination_worker_insert")],
    ),
    Attack(
        one_key_is_sent_with_two_inputs,
        "MUTATION_ID_REUSED",
        ANSWER,
        [Line(Replays.answered, "not hmac.compare_digest(known.input_hash, input_hash)", "False")],
    ),
)


@pytest.fixture
def sharing(network: Network, act_as: Act) -> Sharing:
    return Sharing(network, act_as)


@contextmanager
def recorded(network: Network) -> Iterator[list[tuple[str, str]]]:
    """The refusals that the trail has from the block, as code and field."""
    said = "select detail::jsonb ->> 'code', detail::jsonb ->> 'field' from trail.events where action = 'request.refused'"
    ((since,),) = network.rows("select clock_timestamp()")
    found: list[tuple[str, str]] = []
    yield found
    found += network.rows(f"{said} and at >= %s", since)


@pytest.mark.parametrize("attack", ATTACKS, ids=str)
def test_an_attack_is_refused_and_recorded(sharing: Sharing, attack: Attack) -> None:
    with recorded(sharing.network) as events:
        answer = attack.tried(sharing)
    assert (answer["__typename"], answer["code"]) == ("Refusal", attack.code)
    assert [(code, field.rpartition(".")[2]) for code, field in events] == [(attack.code, attack.mutation)]


BEHIND = [attack for attack in ATTACKS if attack.behind]


@pytest.mark.parametrize("attack", BEHIND, ids=str)
def test_the_database_refuses_what_the_code_no_longer_does(
    sharing: Sharing, attack: Attack, monkeypatch: pytest.MonkeyPatch
) -> None:
    with psycopg.connect(sharing.network.admin_url) as admin:
        cut(attack.guard, monkeypatch, admin)
    with recorded(sharing.network) as events:
        answer = attack.tried(sharing)
    assert answer["__typename"] == "Refusal"
    assert answer["code"] in ("NOT_ALLOWED", "NOT_VALID")
    assert len(events) == 1


@pytest.mark.parametrize("attack", ATTACKS, ids=str)
def test_without_its_guards_it_succeeds(
    sharing: Sharing, attack: Attack, monkeypatch: pytest.MonkeyPatch
) -> None:
    with psycopg.connect(sharing.network.admin_url, autocommit=True) as admin, relaxed(admin, attack.behind):
        with admin.transaction():
            cut(attack.guard, monkeypatch, admin)
        assert attack.tried(sharing)["__typename"] == "Referral"


def test_what_got_past_the_code_and_past_the_steps_is_not_shown_to_the_receiver(
    sharing: Sharing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The door asks what she agreed to at every reading, whatever a row of the sender says."""
    referral = sharing.sent(sharing.agreed(scopes=["LEGAL_STATUS"]))
    do(sharing.worker, "answerReferral", id=sharing.received(referral), answer="ACCEPTED")
    sharing.network.rows("update app.referrals set scopes = %s where id = %s", SCOPES, uuid_in(referral))
    assert sharing.seen(referral)["scopes"] == ["LEGAL_STATUS"]
    unfounded = sharing.drafted()
    with psycopg.connect(sharing.network.admin_url, autocommit=True) as admin, relaxed(admin, STEPS):
        cut([SENDING, CONSENTING, AGREEING], monkeypatch, admin)
        do(sharing.manager, "moveReferral", id=unfounded, to="SENT")
    assert (sharing.seen(unfounded)["status"], sharing.seen(unfounded)["scopes"]) == ("EXPIRED", [])


def test_a_key_is_whose_it_was_sent_by(sharing: Sharing, act_as: Act) -> None:
    """Another's tells nothing, and stops nobody."""
    received, key = sharing.received(sharing.sent(sharing.agreed())), str(uuid4())
    given = {"id": received, "answer": "ACCEPTED", "clientMutationId": key}
    assert do(sharing.worker, "answerReferral", **given)["status"] == "ACCEPTED"
    for email in ("admin@goa.example", "worker@delhi.example"):
        other = act_as(email)
        unknown = {**given, "id": global_id("Referral", uuid4())}
        assert do(other, "answerReferral", **unknown)["code"] == "NOT_FOUND"
    assert do(act_as("worker@delhi.example"), "answerReferral", **given)["code"] == "NOT_FOUND"
    assert do(act_as("admin@goa.example"), "answerReferral", **given)["code"] == "STATUS_NOT_ALLOWED"
    assert do(sharing.worker, "answerReferral", **given)["status"] == "ACCEPTED"


def test_a_replay_after_the_withdrawal_is_read_again_under_the_rights_of_now(sharing: Sharing) -> None:
    consent, key = sharing.agreed(), str(uuid4())
    received = sharing.received(sharing.sent(consent))
    document = (
        "mutation($input: AnswerReferralInput!) { answerReferral(input: $input) { ... on Referral {"
        " status scopes partnerName sharedCase { pseudonym } } } }"
    )

    def answered() -> dict[str, Any]:
        given = {"id": received, "answer": "ACCEPTED", "clientMutationId": key}
        answer: dict[str, Any] = sharing.worker.ask(document, input=given)["answerReferral"]
        return answer

    first = answered()
    assert (first["status"], first["scopes"]) == ("ACCEPTED", SCOPES)
    assert first["sharedCase"]["pseudonym"]
    do(sharing.survivor, "withdrawConsent", id=consent)
    assert answered() == {"status": "REVOKED", "scopes": [], "partnerName": None, "sharedCase": None}
    told = "select count(*) from trail.events where action = 'referral.answered' and %s = any(subjects)"
    assert sharing.network.rows(told, uuid_in(received)) == [(1,)]
