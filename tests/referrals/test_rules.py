from datetime import UTC, datetime, timedelta

import pytest

from pat_platform.errors import Refused
from pat_tenants.referral_work import rules as working
from pat_tenants.referrals import rules
from pat_tenants.referrals.models import Answer, ReferralStatus, Scope, SenderState
from pat_tenants.referrals.rules import Allowed

NOW = datetime(2026, 11, 21, tzinfo=UTC)
LATER = NOW + timedelta(days=1)
LEGAL = [Scope.LEGAL_STATUS.value]


def code(decide: object, *arguments: object) -> str:
    with pytest.raises(Refused) as refused:
        decide(*arguments)  # type: ignore[operator]  # whichever rule it is
    return refused.value.code


@pytest.mark.parametrize("wanted", [ReferralStatus.REVOKED, ReferralStatus.SUSPENDED, ReferralStatus.CLOSED])
def test_what_was_sent_may_be_ended_or_suspended(wanted: ReferralStatus) -> None:
    rules.sender_may(ReferralStatus.SENT, wanted, SenderState.SENT)


@pytest.mark.parametrize("current", [ReferralStatus.DRAFT, ReferralStatus.REVOKED, ReferralStatus.CLOSED])
def test_nothing_is_sent_without_consent_or_after_its_end(current: ReferralStatus) -> None:
    for own in (SenderState.DRAFT, SenderState.SENT):
        assert code(rules.sender_may, current, ReferralStatus.SENT, own) == "STATUS_NOT_ALLOWED"


@pytest.mark.parametrize(
    "current", [ReferralStatus.SUSPENDED, ReferralStatus.EXPIRED, ReferralStatus.REVOKED]
)
def test_what_is_shut_by_something_else_its_sender_may_shut_itself_once(current: ReferralStatus) -> None:
    for wanted in (ReferralStatus.SUSPENDED, ReferralStatus.REVOKED):
        rules.sender_may(current, wanted, SenderState.SENT)
        assert code(rules.sender_may, current, wanted, SenderState(wanted)) == "STATUS_NOT_ALLOWED"
        assert code(rules.sender_may, current, wanted, SenderState.REVOKED) == "STATUS_NOT_ALLOWED"


def test_the_receiver_answers_in_order() -> None:
    rules.receiver_may(ReferralStatus.SENT, Answer.ACCEPTED)
    rules.receiver_may(ReferralStatus.ACCEPTED, Answer.IN_PROGRESS)
    rules.receiver_may(ReferralStatus.IN_PROGRESS, Answer.COMPLETED)


@pytest.mark.parametrize(
    "current",
    [
        status
        for status in ReferralStatus
        if status not in {ReferralStatus.SENT, ReferralStatus.ACCEPTED, ReferralStatus.IN_PROGRESS}
    ],
)
def test_the_receiver_cannot_answer_what_is_not_open_to_it(current: ReferralStatus) -> None:
    for answer in Answer:
        assert code(rules.receiver_may, current, answer) == "STATUS_NOT_ALLOWED"


def test_a_consent_covers_what_it_names_while_it_runs() -> None:
    rules.consent_covers(Allowed([*LEGAL, "RISK_SAFETY"], LATER), LEGAL, LATER, NOW)


@pytest.mark.parametrize(
    "consent",
    [None, Allowed(LEGAL, NOW), Allowed(LEGAL, LATER, is_live=False)],
    ids=["none", "over", "ended"],
)
def test_without_a_consent_that_runs_nothing_is_shared(consent: Allowed | None) -> None:
    assert code(rules.consent_covers, consent, LEGAL, LATER, NOW) == "CONSENT_MISSING"


@pytest.mark.parametrize("scopes", [[], ["RISK_SAFETY"], [*LEGAL, "RISK_SAFETY"]])
def test_a_referral_shares_no_more_than_the_consent_and_not_nothing(scopes: list[str]) -> None:
    assert code(rules.consent_covers, Allowed(LEGAL, LATER), scopes, LATER, NOW) == "CONSENT_SCOPE"


@pytest.mark.parametrize("until", [None, NOW])
def test_a_referral_does_not_end_before_it_begins(until: datetime | None) -> None:
    assert code(rules.consent_covers, Allowed(LEGAL, LATER), LEGAL, until, NOW) == "DATES_INVALID"


def test_an_agreement_covers_what_it_names_while_it_is_live() -> None:
    rules.agreement_covers(Allowed(LEGAL, LATER), LEGAL, NOW)
    for none in (None, Allowed(LEGAL, NOW), Allowed(LEGAL, LATER, is_live=False)):
        assert code(rules.agreement_covers, none, LEGAL, NOW) == "AGREEMENT_MISSING"
    with pytest.raises(Refused, match="suspended"):  # to sign it again would help nobody
        rules.agreement_covers(Allowed(LEGAL, LATER, is_live=False), LEGAL, NOW)
    with pytest.raises(Refused, match="or is suspended"):
        working.is_unended(ReferralStatus.SUSPENDED)
    assert code(rules.agreement_covers, Allowed(["RISK_SAFETY"], LATER), LEGAL, NOW) == "AGREEMENT_SCOPE"


def test_hearings_are_reported_where_they_are_shared() -> None:
    rules.is_shared(ReferralStatus.ACCEPTED, ["HEARING_SCHEDULE"], Scope.HEARING_SCHEDULE)
    for status, scopes in ((ReferralStatus.SENT, ["HEARING_SCHEDULE"]), (ReferralStatus.ACCEPTED, LEGAL)):
        assert code(rules.is_shared, status, scopes, Scope.HEARING_SCHEDULE) == "NOT_SHARED"
