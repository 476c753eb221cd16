"""What may be done with a day in court."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from itertools import pairwise

import pytest

from pat_platform.errors import Refused
from pat_tenants.cases.models import HearingMode
from pat_tenants.hearings import rules
from pat_tenants.hearings.arrangements import UPCOMING, HearingState
from pat_tenants.hearings.rules import Confirmed, Prepared

S = HearingState
DAY = date(2026, 12, 1)
LINK = Prepared(HearingMode.VIDEO, "Sessions Court Panaji", "DLSA Barasat", True, "SOCIAL_WORKER")
ROOM = Prepared(HearingMode.PHYSICAL, None, None, False, "LAWYER")


def refused(before: S, after: S, prepared: Prepared, *, is_child: bool = True) -> str | None:
    try:
        rules.may_become(before, after, prepared, needs_support=is_child)
    except Refused as why:
        return why.code
    return None


def test_a_link_is_requested_confirmed_ready_and_held() -> None:
    way = [S.SCHEDULED, S.VC_REQUESTED, S.VC_CONFIRMED, S.READY, S.HELD]
    assert [refused(*pair, LINK) for pair in pairwise(way)] == [None] * 4
    assert refused(S.SCHEDULED, S.VC_CONFIRMED, LINK) == "STATUS_NOT_ALLOWED"
    assert refused(S.SCHEDULED, S.READY, LINK) == "STATUS_NOT_ALLOWED"
    assert refused(S.SCHEDULED, S.HELD, LINK) == "STATUS_NOT_ALLOWED"


def test_nobody_asks_for_a_link_to_the_room_next_door() -> None:
    assert refused(S.SCHEDULED, S.VC_REQUESTED, ROOM) == "STATUS_NOT_ALLOWED"
    assert refused(S.SCHEDULED, S.READY, ROOM) is None


@pytest.mark.parametrize("missing", ["court_point", "remote_point"])
def test_a_link_has_two_ends(missing: str) -> None:
    prepared = (
        replace(LINK, court_point=None) if missing == "court_point" else replace(LINK, remote_point=None)
    )
    for before, after in ((S.VC_REQUESTED, S.VC_CONFIRMED), (S.VC_CONFIRMED, S.READY)):
        assert refused(before, after, prepared) == "POINT_MISSING"


def test_somebody_coordinates_the_remote_point() -> None:
    assert refused(S.VC_CONFIRMED, S.READY, replace(LINK, has_coordinator=False)) == "COORDINATOR_MISSING"


def test_a_child_does_not_speak_alone() -> None:
    for before, prepared in ((S.VC_CONFIRMED, LINK), (S.SCHEDULED, ROOM)):
        alone = replace(prepared, support_person=None)
        assert refused(before, S.READY, alone) == "SUPPORT_MISSING"
        assert refused(before, S.READY, alone, is_child=False) is None


def test_whatever_is_to_come_may_end_otherwise_and_what_has_ended_is_over() -> None:
    for state in S:
        expected = None if state in UPCOMING else "STATUS_NOT_ALLOWED"
        for end in (S.ADJOURNED, S.MISSED, S.CANCELLED):
            assert refused(state, end, LINK) == expected
        if state not in UPCOMING:
            with pytest.raises(Refused):
                rules.is_to_come(state)


def test_an_adjourned_hearing_has_a_later_day_and_only_what_goes_on_has_one() -> None:
    later = date(2026, 12, 24)
    assert rules.next_day(S.ADJOURNED, DAY, later) == rules.next_day(S.HELD, DAY, later) == later
    assert rules.next_day(S.HELD, DAY, None) is None
    for state, day in ((S.ADJOURNED, None), (S.ADJOURNED, DAY), (S.HELD, DAY), (S.MISSED, later)):
        with pytest.raises(Refused, match="next"):
            rules.next_day(state, DAY, day)


OFFICES = (
    *(
        "DLSA Barasat, room 12",
        "District Court Barasat",
        "Additional Sessions court, Panaji",
        "CWC Kolkata",
        "SDLSC Bongaon",
    ),
    *("Children's Home for Girls, Barasat", "Embassy of India, Dhaka", "জেলা আদালত, বারাসাত", "जिला न्यायालय"),
)
NO_OFFICES = (
    *(
        "Court, FIR 1234",
        "DLSA 9830012345",
        "Barasat",
        "her aunt Meena's house",
        "courteous Rina",
        "house of Rina Das, lane",
    ),
    "Rina Das at her aunt Meena near the court, husband not told",
    "court;Rina;Das;at;her;aunt;Meena;in;Barasat",
)


@pytest.mark.parametrize("name", OFFICES)
def test_offices_are_named_for_what_they_are(name: str) -> None:
    assert rules.is_an_office(f"  {name} ", "courtPoint") == name


def test_no_office_need_be_named() -> None:
    assert rules.is_an_office(None, "courtPoint") is rules.is_an_office(" ", "courtPoint") is None


@pytest.mark.parametrize("text", NO_OFFICES)
def test_what_is_no_name_of_an_office_is_refused(text: str) -> None:
    with pytest.raises(Refused) as refused:
        rules.is_an_office(text, "courtPoint")
    assert refused.value.code == "OFFICE_ONLY"
    with pytest.raises(Refused):
        rules.is_an_office("court" * 25, "courtPoint")


def test_a_language_has_two_letters() -> None:
    assert rules.is_a_language("bn") == "bn"
    assert rules.is_a_language(None) is None
    with pytest.raises(Refused):
        rules.is_a_language("bengali")


def test_what_is_told_of_the_past_was_held() -> None:
    assert rules.begins_as(DAY, DAY) is S.SCHEDULED
    assert rules.begins_as(DAY, date(2026, 12, 2)) is S.HELD


@pytest.mark.parametrize(
    ("birth_year", "was_at_intake", "expected"),
    [(None, True, True), (None, False, False), (2008, False, True), (2007, True, False)],
)
def test_she_is_a_child_as_long_as_she_may_be_one(
    birth_year: int | None, was_at_intake: bool, expected: bool
) -> None:
    assert rules.is_a_child(birth_year, DAY, was_at_intake=was_at_intake) is expected


CONFIRMED = Confirmed("DLSA Barasat", True, None)


def refused_to_a_receiver(
    before: S, after: S, prepared: Prepared, confirmed: Confirmed | None = CONFIRMED, *, is_child: bool = True
) -> str | None:
    try:
        rules.reported_may_become(before, after, prepared, confirmed, needs_support=is_child)
    except Refused as why:
        return why.code
    return None


def test_a_receiver_takes_the_same_way_once_her_end_is_confirmed() -> None:
    way = [S.SCHEDULED, S.VC_REQUESTED, S.VC_CONFIRMED, S.READY, S.HELD]
    assert [refused_to_a_receiver(*pair, LINK) for pair in pairwise(way)] == [None] * 4
    without = [refused_to_a_receiver(*pair, LINK, None) for pair in pairwise(way)]
    assert without == [None, "CONFIRMATION_MISSING", "CONFIRMATION_MISSING", None]
    assert refused_to_a_receiver(S.SCHEDULED, S.HELD, LINK) == "STATUS_NOT_ALLOWED"
    assert refused_to_a_receiver(S.SCHEDULED, S.READY, ROOM, None) is None


def test_of_her_end_counts_what_was_confirmed() -> None:
    step = (S.VC_CONFIRMED, S.READY)
    assert refused_to_a_receiver(*step, replace(LINK, remote_point=None, has_coordinator=False)) is None
    assert refused_to_a_receiver(*step, replace(LINK, remote_point="Ponda")) == "POINT_DIFFERS"
    assert refused_to_a_receiver(*step, replace(LINK, court_point=None)) == "POINT_MISSING"
    nobody = replace(CONFIRMED, has_coordinator=False)
    assert refused_to_a_receiver(*step, LINK, nobody) == "COORDINATOR_MISSING"


def test_who_is_with_a_child_either_side_says() -> None:
    step, alone = (S.VC_CONFIRMED, S.READY), replace(LINK, support_person=None)
    assert refused_to_a_receiver(*step, alone) == "SUPPORT_MISSING"
    assert refused_to_a_receiver(*step, alone, is_child=False) is None
    assert refused_to_a_receiver(*step, alone, replace(CONFIRMED, support_person="FAMILY")) is None


@pytest.mark.parametrize("mode", HearingMode)
@pytest.mark.parametrize("state", S)
def test_there_is_an_end_to_confirm_of_a_link_that_is_to_come(mode: HearingMode, state: S) -> None:
    if mode is HearingMode.VIDEO and state in UPCOMING:
        rules.may_be_confirmed(mode, state)
    else:
        with pytest.raises(Refused, match="cannot take that step"):
            rules.may_be_confirmed(mode, state)
