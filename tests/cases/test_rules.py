from datetime import date

import pytest

from pat_platform.errors import Refused
from pat_tenants.cases import rules
from pat_tenants.cases.models import CaseStatus

TODAY = date(2026, 11, 21)


@pytest.mark.parametrize("status", list(CaseStatus))
def test_a_case_may_stay_what_it_is(status: CaseStatus) -> None:
    rules.may_become(status, status)


def test_every_state_says_what_may_follow() -> None:
    assert set(rules.TRANSITIONS) == set(CaseStatus)


@pytest.mark.parametrize(
    ("current", "wanted"),
    [
        (CaseStatus.ACTIVE, CaseStatus.CLOSED),
        (CaseStatus.DRAFT, CaseStatus.ACTIVE),
        (CaseStatus.CLOSED_REFERRED, CaseStatus.ACTIVE),
        (CaseStatus.NOT_ELIGIBLE, CaseStatus.ACTIVE),
    ],
)
def test_a_case_cannot_jump(current: CaseStatus, wanted: CaseStatus) -> None:
    with pytest.raises(Refused) as refused:
        rules.may_become(current, wanted)
    assert refused.value.code == "STATUS_NOT_ALLOWED"


def test_a_closed_case_may_be_opened_again() -> None:
    rules.may_become(CaseStatus.CLOSED, CaseStatus.ACTIVE)


def test_an_open_case_has_no_closing_day() -> None:
    assert rules.closing_day(CaseStatus.ACTIVE, TODAY, TODAY, TODAY) is None


def test_a_case_that_ends_without_a_day_ends_today() -> None:
    assert rules.closing_day(CaseStatus.CLOSED, date(2026, 1, 1), None, TODAY) == TODAY


def test_a_case_cannot_close_before_it_was_opened() -> None:
    with pytest.raises(Refused) as refused:
        rules.closing_day(CaseStatus.CLOSED, TODAY, date(2026, 11, 20), TODAY)
    assert refused.value.code == "CLOSED_BEFORE_OPENED"


def test_a_case_cannot_be_opened_tomorrow() -> None:
    rules.may_be_opened_on(TODAY, TODAY)
    with pytest.raises(Refused) as refused:
        rules.may_be_opened_on(date(2026, 11, 22), TODAY)
    assert refused.value.field == "openedOn"


@pytest.mark.parametrize(("text", "code"), [("  \n ", "NOTE_EMPTY"), ("x" * 10_001, "TEXT_TOO_LONG")])
def test_an_empty_or_endless_note_is_refused(text: str, code: str) -> None:
    with pytest.raises(Refused) as refused:
        rules.is_a_note(text)
    assert refused.value.code == code


def test_a_note_keeps_its_words_and_loses_its_blanks() -> None:
    assert rules.is_a_note("  আজ দেখা হয়েছে  ") == "আজ দেখা হয়েছে"
