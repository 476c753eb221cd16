from datetime import UTC, datetime, timedelta

import pytest

from pat_platform.errors import Refused
from pat_tenants.referrals import rules
from pat_tenants.referrals.models import Answer, ReferralStatus, Scope, SenderState

NOW = datetime(2026, 11, 21, tzinfo=UTC)


def test_every_state_of_the_sender_says_what_may_follow() -> None:
    assert set(rules.SENDER_MOVES) == set(SenderState)


@pytest.mark.parametrize("wanted", [SenderState.REVOKED, SenderState.SUSPENDED, SenderState.CLOSED])
def test_what_was_sent_may_be_ended_or_suspended(wanted: SenderState) -> None:
    rules.sender_may(SenderState.SENT, wanted)


@pytest.mark.parametrize(
    ("current", "wanted"),
    [
        (SenderState.DRAFT, SenderState.SENT),
        (SenderState.REVOKED, SenderState.SENT),
        (SenderState.CLOSED, SenderState.SENT),
    ],
)
def test_nothing_is_sent_without_consent_or_after_its_end(current: SenderState, wanted: SenderState) -> None:
    with pytest.raises(Refused) as refused:
        rules.sender_may(current, wanted)
    assert refused.value.code == "STATUS_NOT_ALLOWED"


def test_the_receiver_answers_in_order() -> None:
    rules.receiver_may(ReferralStatus.SENT, Answer.ACCEPTED)
    rules.receiver_may(ReferralStatus.ACCEPTED, Answer.IN_PROGRESS)
    rules.receiver_may(ReferralStatus.IN_PROGRESS, Answer.COMPLETED)


@pytest.mark.parametrize(
    "current",
    [status for status in ReferralStatus if status not in rules.RECEIVER_MOVES],
)
def test_the_receiver_cannot_answer_what_is_not_open_to_it(current: ReferralStatus) -> None:
    for answer in Answer:
        with pytest.raises(Refused):
            rules.receiver_may(current, answer)


def test_an_agreement_names_what_may_be_shared() -> None:
    with pytest.raises(Refused) as refused:
        rules.agreement_holds([], NOW + timedelta(days=1), NOW)
    assert refused.value.code == "CONSENT_SCOPE"


def test_without_an_agreement_nothing_is_shared() -> None:
    with pytest.raises(Refused) as refused:
        rules.agreement_holds([Scope.LEGAL_STATUS], None, NOW)
    assert refused.value.code == "CONSENT_MISSING"


def test_an_agreement_that_has_run_out_holds_no_longer() -> None:
    rules.agreement_holds([Scope.LEGAL_STATUS], NOW + timedelta(seconds=1), NOW)
    with pytest.raises(Refused) as refused:
        rules.agreement_holds([Scope.LEGAL_STATUS], NOW, NOW)
    assert refused.value.code == "CONSENT_MISSING"
