"""What may be done with a case. Pure decisions."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from types import MappingProxyType

from pat_platform.errors import Refused
from pat_platform.texts import plain
from pat_tenants.cases.models import CaseStatus

_S = CaseStatus

TRANSITIONS: Mapping[CaseStatus, frozenset[CaseStatus]] = MappingProxyType(
    {
        _S.DRAFT: frozenset({_S.SUBMITTED}),
        _S.SUBMITTED: frozenset({_S.SCREENED}),
        _S.SCREENED: frozenset({_S.ACTIVE, _S.NOT_ELIGIBLE}),
        _S.NOT_ELIGIBLE: frozenset(),
        _S.ACTIVE: frozenset({_S.FOLLOW_UP, _S.CLOSURE_REQUESTED, _S.TRANSFER_PENDING}),
        _S.FOLLOW_UP: frozenset({_S.ACTIVE, _S.CLOSURE_REQUESTED, _S.TRANSFER_PENDING}),
        _S.CLOSURE_REQUESTED: frozenset({_S.CLOSED, _S.ACTIVE, _S.FOLLOW_UP}),
        _S.TRANSFER_PENDING: frozenset({_S.CLOSED_REFERRED, _S.ACTIVE}),
        _S.CLOSED: frozenset({_S.ACTIVE}),
        _S.CLOSED_REFERRED: frozenset(),
    }
)
"""Which state may follow which."""

NOTE_LIMIT = 10_000


def may_become(current: CaseStatus, wanted: CaseStatus) -> None:
    """Raises Refused when a case cannot go from one state to the other."""
    if wanted is not current and wanted not in TRANSITIONS[current]:
        raise Refused(
            "STATUS_NOT_ALLOWED",
            f"A case that is {_words(current)} cannot become {_words(wanted)}.",
            "status",
        )


def closing_day(wanted: CaseStatus, opened_on: date, closed_on: date | None, today: date) -> date | None:
    """The day to record as the end of a case: given or today when it ends, none while it is open."""
    if wanted not in {_S.CLOSED, _S.CLOSED_REFERRED, _S.NOT_ELIGIBLE}:
        return None
    day = closed_on or today
    if day < opened_on:
        raise Refused("CLOSED_BEFORE_OPENED", "A case cannot close before the day it was opened.", "closedOn")
    return day


def may_be_opened_on(opened_on: date, today: date) -> None:
    """Raises Refused for a day that has not come."""
    if opened_on > today:
        raise Refused("OPENED_IN_FUTURE", "A case cannot be opened on a day to come.", "openedOn")


def is_a_note(text: str) -> str:
    """The text of a note, without blanks around it. Raises Refused when nothing or too much is left."""
    if not text.strip():
        raise Refused("NOTE_EMPTY", "The note is empty. Write what happened.", "text")
    return plain(text, limit=NOTE_LIMIT, field="text", lines=True)


def _words(status: CaseStatus) -> str:
    return status.value.lower().replace("_", " ")
