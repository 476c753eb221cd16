"""What may be done with a day in court, by whichever side writes of it. Pure decisions; the steps are ``transitions/steps.py``'s."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import date

from pat_platform.errors import Refused
from pat_platform.texts import plain
from pat_tenants.cases.models import HearingMode
from pat_tenants.hearings.arrangements import NO_OFFICE, OFFICE, OFFICE_LIMIT, UPCOMING, HearingState
from pat_tenants.transitions.steps import Guard, hearing_step, reported_step

OF_AGE = 18

_OFFICE, _NO_OFFICE = re.compile(OFFICE, re.IGNORECASE), re.compile(NO_OFFICE)
_LANGUAGE = re.compile(r"[a-z]{2}")


@dataclass(frozen=True)
class Prepared:
    """How far a day in court is prepared."""

    mode: HearingMode
    court_point: str | None
    remote_point: str | None
    has_coordinator: bool
    support_person: str | None


@dataclass(frozen=True)
class Confirmed:
    """What the sender of a referral says of its end of a link."""

    remote_point: str
    has_coordinator: bool
    support_person: str | None


def is_an_office(text: str | None, field: str) -> str | None:
    """The name of a court or an office, which says what kind it is. Raises Refused for what is longer than a name, or has numbers."""
    if text is None:
        return None
    text = plain(text, limit=OFFICE_LIMIT, field=field)
    if text and (_NO_OFFICE.search(text) or not _OFFICE.search(text)):
        raise Refused(
            "OFFICE_ONLY",
            "Write what court or office it is, such as District Court Barasat: eight words, no numbers. Others read it.",
            field,
        )
    return text or None


def is_a_language(code: str | None) -> str | None:
    """A code in the form of ISO 639-1, or None. Raises Refused for anything else."""
    if code is not None and not _LANGUAGE.fullmatch(code):
        raise Refused(
            "LANGUAGE_INVALID",
            "Write the language as its two letters (ISO 639-1), such as bn.",
            "interpreterLanguage",
        )
    return code


def begins_as(held_on: date, today: date) -> HearingState:
    """What is told of a day: that it is to come, or that it has been."""
    return HearingState.HELD if held_on < today else HearingState.SCHEDULED


def is_a_child(birth_year: int | None, today: date, *, was_at_intake: bool) -> bool:
    """Whether somebody has to be with her. Where the year alone does not tell, she still is one: then somebody too many is there."""
    return was_at_intake if birth_year is None else today.year - birth_year <= OF_AGE


def is_to_come(state: HearingState) -> None:
    """Raises Refused for a day that is over: nothing is prepared for it any more."""
    if state not in UPCOMING:
        raise no_step()


def may_be_confirmed(mode: HearingMode, state: HearingState) -> None:
    """Raises Refused where there is no end of a link to confirm: in the court room, and once the day is over."""
    if mode is not HearingMode.VIDEO or state not in UPCOMING:
        raise no_step()


def may_become(
    current: HearingState, wanted: HearingState, prepared: Prepared, *, needs_support: bool
) -> None:
    """Raises Refused when a day in court cannot take this step, or lacks what it needs for it: as the Supreme Court has it for children."""
    step = hearing_step(current, wanted)
    if step is None:
        raise no_step()
    _require(step.guard, prepared, needs_support=needs_support)


def reported_may_become(
    current: HearingState,
    wanted: HearingState,
    prepared: Prepared,
    confirmed: Confirmed | None,
    *,
    needs_support: bool,
) -> None:
    """The same, for a day that a receiver reports. Raises Refused, too, while her end of the link is not confirmed."""
    step = reported_step(current, wanted)
    if step is None:
        raise no_step()
    guard = step.guard
    if guard in _BY_THE_OTHER_SIDE:
        guard = _BY_THE_OTHER_SIDE[guard]
        prepared = _with(prepared, confirmed)
    _require(guard, prepared, needs_support=needs_support)


_BY_THE_OTHER_SIDE = {Guard.LINK_CONFIRMED: Guard.LINK, Guard.SUPPORT_CONFIRMED: Guard.SUPPORT}


def _with(prepared: Prepared, confirmed: Confirmed | None) -> Prepared:
    """What both sides have said together: of her end, what was confirmed."""
    if confirmed is None:
        raise Refused(
            "CONFIRMATION_MISSING", "Whoever sent the referral has to confirm from where she speaks.", "to"
        )
    if prepared.remote_point not in (None, confirmed.remote_point):
        raise Refused("POINT_DIFFERS", "Another place was confirmed than you wrote down. Correct it.", "to")
    return replace(
        prepared,
        remote_point=confirmed.remote_point,
        has_coordinator=confirmed.has_coordinator,
        support_person=prepared.support_person or confirmed.support_person,
    )


def _require(guard: Guard | None, prepared: Prepared, *, needs_support: bool) -> None:
    is_video = prepared.mode is HearingMode.VIDEO
    if guard is not None and is_video is (guard is Guard.ROOM):
        raise no_step()
    if guard in (Guard.LINK, Guard.SUPPORT) and not (prepared.court_point and prepared.remote_point):
        raise Refused("POINT_MISSING", "Say both ends of the link first: the court's and hers.", "to")
    if guard is Guard.SUPPORT and not prepared.has_coordinator:
        raise Refused("COORDINATOR_MISSING", "Somebody has to coordinate the place she speaks from.", "to")
    if guard in (Guard.SUPPORT, Guard.ROOM) and needs_support and not prepared.support_person:
        raise Refused("SUPPORT_MISSING", "She is under 18: somebody has to be with her.", "to")


def next_day(wanted: HearingState, held_on: date, next_on: date | None) -> date | None:
    """The day to go on. Raises Refused for an adjournment without one, for an earlier day, and where there is nothing to go on."""
    if next_on is None:
        if wanted is HearingState.ADJOURNED:
            raise Refused("DATES_INVALID", "An adjourned hearing has a next day. Ask the court.", "nextOn")
        return None
    if wanted not in (HearingState.ADJOURNED, HearingState.HELD) or next_on <= held_on:
        raise Refused(
            "DATES_INVALID", "The next day in court comes after this one was held or adjourned.", "nextOn"
        )
    return next_on


def no_step() -> Refused:
    """That there is no such step from the state that it is in."""
    return Refused(
        "STATUS_NOT_ALLOWED", "This hearing cannot take that step now. Look at its state first.", "to"
    )
