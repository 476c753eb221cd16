from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from pat_platform.errors import Refused
from pat_tenants.consents import rules
from pat_tenants.consents.models import ConsentGiver, ConsentMode, ConsentQuestion
from pat_tenants.consents.rules import NEVER_A_CHILD, UNKNOWN, Age, turning_eighteen
from pat_tenants.referrals.models import Scope

NOW = datetime(2026, 11, 22, 6, tzinfo=UTC)
SOON = NOW + timedelta(days=90)
SELF, GUARDIAN, COMMITTEE = ConsentGiver
CHILD = Age(date(2030, 5, 20), date(2030, 5, 20))


def until(giver: ConsentGiver, age: Age, wanted: datetime = SOON, *, is_barred: bool = False) -> datetime:
    return rules.until_when(giver, age, wanted, NOW, is_guardian_barred=is_barred)


def refused(giver: ConsentGiver, age: Age, wanted: datetime = SOON, *, is_barred: bool = False) -> str:
    with pytest.raises(Refused) as error:
        until(giver, age, wanted, is_barred=is_barred)
    return error.value.code


def test_when_she_turns_18_is_told_by_the_best_that_is_known() -> None:
    assert turning_eighteen("2012-05-20", 2011, is_minor_at_intake=True) == CHILD
    assert turning_eighteen("2008-02-29", None, is_minor_at_intake=True).latest == date(2026, 3, 1)
    assert turning_eighteen(None, 2010, is_minor_at_intake=True) == Age(date(2028, 1, 1), date(2028, 12, 31))
    assert turning_eighteen(None, None, is_minor_at_intake=True) == UNKNOWN
    assert turning_eighteen(None, None, is_minor_at_intake=False) == NEVER_A_CHILD


def test_who_is_of_age_agrees_herself_and_nobody_for_her() -> None:
    for age in (NEVER_A_CHILD, Age(date(2026, 11, 22), date(2026, 11, 22))):
        assert until(SELF, age) == SOON
        assert refused(GUARDIAN, age) == refused(COMMITTEE, age) == "OF_AGE"


def test_a_child_does_not_agree_alone_and_those_who_speak_for_her_may() -> None:
    assert refused(SELF, CHILD) == "UNDER_AGE"
    assert until(GUARDIAN, CHILD) == until(COMMITTEE, CHILD) == SOON


def test_nobody_speaks_for_whom_nobody_knows_the_age_of() -> None:
    assert {refused(giver, UNKNOWN) for giver in ConsentGiver} == {"AGE_UNKNOWN"}


def test_what_others_agreed_to_ends_in_the_month_in_which_she_turns_18_and_does_not_tell_the_day() -> None:
    turning = Age(date(2027, 1, 20), date(2027, 1, 20))
    first = datetime(2027, 1, 1, tzinfo=rules.INDIA)
    assert until(GUARDIAN, turning) == until(COMMITTEE, turning) == first


def test_in_her_last_weeks_as_a_child_she_is_waited_for() -> None:
    turning = Age(date(2026, 11, 29), date(2026, 11, 29))
    assert refused(GUARDIAN, turning) == refused(COMMITTEE, turning) == "OF_AGE_SOON"
    assert refused(SELF, turning) == "UNDER_AGE"


def test_in_the_year_whose_day_nobody_knows_the_committee_speaks_for_her() -> None:
    turning = Age(date(2026, 1, 1), date(2026, 12, 31))
    assert refused(GUARDIAN, turning) == "OF_AGE_SOON"
    assert refused(SELF, turning) == "UNDER_AGE"
    assert until(COMMITTEE, turning) == datetime(2027, 1, 1, tzinfo=rules.INDIA)


def test_a_guardian_who_is_barred_is_not_asked_and_the_committee_is() -> None:
    assert refused(GUARDIAN, CHILD, is_barred=True) == "GUARDIAN_BARRED"
    assert until(COMMITTEE, CHILD, is_barred=True) == SOON


@pytest.mark.parametrize("wanted", [NOW, NOW - timedelta(days=1), NOW + timedelta(days=181)])
def test_a_consent_runs_for_half_a_year_at_most_and_not_backwards(wanted: datetime) -> None:
    assert refused(SELF, NEVER_A_CHILD, wanted) == "DATES_INVALID"


INFORMED: dict[str, Any] = {
    "scopes": [Scope.LEGAL_STATUS],
    "agreed": list(ConsentQuestion),
    "mode": ConsentMode.THUMBPRINT,
    "evidence": "R 14/2026",
    "notice_version": "2026-11",
    "notice_language": "bn",
}


def test_a_consent_may_decline_research_and_have_nothing_on_paper_where_she_is_signed_in() -> None:
    rules.is_informed(**INFORMED)
    without = [question for question in ConsentQuestion if question is not ConsentQuestion.RESEARCH_USE]
    rules.is_informed(**{**INFORMED, "agreed": without, "mode": ConsentMode.APP, "evidence": None})


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"scopes": []}, "CONSENT_SCOPE"),
        *(
            ({"agreed": [each for each in ConsentQuestion if each is not missing]}, "CONSENT_NOT_INFORMED")
            for missing in ConsentQuestion
            if missing is not ConsentQuestion.RESEARCH_USE
        ),
        ({"notice_version": "the new one"}, "NOTICE_INVALID"),
        ({"notice_language": "Bengali"}, "LANGUAGE_INVALID"),
        ({"evidence": None}, "EVIDENCE_INVALID"),
        ({"evidence": "Asha Devi"}, "EVIDENCE_INVALID"),
        ({"evidence": "R"}, "EVIDENCE_INVALID"),
    ],
)
def test_what_is_not_informed_is_no_consent(changes: dict[str, Any], code: str) -> None:
    with pytest.raises(Refused) as error:
        rules.is_informed(**{**INFORMED, **changes})
    assert error.value.code == code
