"""What a day in court needs besides its date, in the same columns whoever writes of it: its own organisation, or a receiver."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from pat_platform.database.models import one_of

OFFICE_LIMIT = 120
"""Characters: the name of an office, not a note."""


_KINDS = (
    *(
        "courts?",
        "tribunal",
        "magistrate",
        "judge",
        "legal services",
        "legal aid",
        "(nal|sl|dl|sdl|tl)sa",
        "(dl|tl|sdl)sc",
    ),
    *("cwc", "child welfare committee", "jjb", "juvenile justice board", "dcpu", "child protection unit"),
    *(
        "(children.?s|shelter|observation) home",
        "one stop centre",
        "embassy",
        "consulate",
        "high commission",
    ),
    *("আদালত", "কোর্ট", "अदालत", "न्यायालय", "कोर्ट"),
)
OFFICE = f"(^|[^a-z])({'|'.join(_KINDS)})([^a-z]|$)"
"""A regular expression, whatever the case: a court, or an office from which the Supreme Court lets somebody speak by video link."""

NO_OFFICE = r"[0-9]{4}|([^\s,;/]+[\s,;/]+){8}[^\s,;/]"
"""The numbers of files and telephones; more than eight words."""


class HearingState(StrEnum):
    """How far a day in court is prepared, or how it ended."""

    SCHEDULED = "SCHEDULED"
    VC_REQUESTED = "VC_REQUESTED"
    VC_CONFIRMED = "VC_CONFIRMED"
    READY = "READY"
    HELD = "HELD"
    ADJOURNED = "ADJOURNED"
    MISSED = "MISSED"
    CANCELLED = "CANCELLED"


class SupportPerson(StrEnum):
    """Who is with her in court or before the camera. What she or he is, never a name: it is shared with other organisations."""

    SOCIAL_WORKER = "SOCIAL_WORKER"
    COUNSELLOR = "COUNSELLOR"
    LAWYER = "LAWYER"
    CHILD_WELFARE_OFFICER = "CHILD_WELFARE_OFFICER"
    FAMILY = "FAMILY"
    OTHER = "OTHER"


class HearingOutcome(StrEnum):
    """What came of a day in court. A code, never a text: it is shared with other organisations."""

    EVIDENCE_RECORDED = "EVIDENCE_RECORDED"
    PARTLY_HEARD = "PARTLY_HEARD"
    ORDER_MADE = "ORDER_MADE"
    ORDER_RESERVED = "ORDER_RESERVED"
    JUDGMENT = "JUDGMENT"
    COURT_DID_NOT_SIT = "COURT_DID_NOT_SIT"
    LINK_FAILED = "LINK_FAILED"
    SOMEBODY_ABSENT = "SOMEBODY_ABSENT"
    OTHER = "OTHER"


UPCOMING = frozenset(
    {HearingState.SCHEDULED, HearingState.VC_REQUESTED, HearingState.VC_CONFIRMED, HearingState.READY}
)
"""The states of a day that is still to come."""

ARRANGED = ("court_point", "remote_point", "has_coordinator", "support_person", "interpreter_language")
"""Columns that are filled in while a day in court is prepared."""

CHANGED = ("state", *ARRANGED, "outcome", "next_on", "updated_by")
"""All columns that change. The day itself never does: it is adjourned."""


class Arrangements:
    """The columns. The remote point's coordinator is a third party (field class P): that there is one is said, never who."""

    state: Mapped[str] = mapped_column(server_default=text("'SCHEDULED'"))
    court_point: Mapped[str | None]
    """The court, as the name of an office."""
    remote_point: Mapped[str | None]
    """From where she speaks: a court complex or an office of legal services."""
    has_coordinator: Mapped[bool] = mapped_column(server_default=text("false"))
    support_person: Mapped[str | None]
    interpreter_language: Mapped[str | None]
    """ISO 639-1."""
    outcome: Mapped[str | None]
    next_on: Mapped[date | None]
    updated_by: Mapped[UUID | None]


def is_office(column: str) -> str:
    """In SQL: that a column names an office for what it is, in few words and without the numbers of files and telephones."""
    return f"length({column}) <= {OFFICE_LIMIT} and {column} ~* '{OFFICE}' and {column} !~ '{NO_OFFICE}'"


def checks() -> tuple[CheckConstraint, ...]:
    """What the database refuses of them."""
    return (
        one_of("state", HearingState),
        one_of("support_person", SupportPerson),
        one_of("outcome", HearingOutcome),
        *(CheckConstraint(is_office(column), name=column) for column in ("court_point", "remote_point")),
        CheckConstraint("interpreter_language ~ '^[a-z]{2}$'", name="interpreter_language"),
        CheckConstraint("state <> 'ADJOURNED' or next_on is not null", name="adjourned"),
        CheckConstraint(
            "next_on is null or (next_on > held_on and state in ('HELD', 'ADJOURNED'))", name="next_on"
        ),
    )
