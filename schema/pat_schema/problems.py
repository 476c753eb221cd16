"""What a mutation answers when a rule refuses, and what a read answers instead of withheld data."""

from __future__ import annotations

from enum import StrEnum

import strawberry

from pat_schema.declaring import codes, described


@codes
class WithheldReason(StrEnum):
    """Why data is withheld. Decided by role, assignment and agreement, never by whether there is any."""

    ROLE = "ROLE"
    NOT_ASSIGNED = "NOT_ASSIGNED"
    CLIENT = "CLIENT"
    NOT_SHARED = "NOT_SHARED"


@described
class Withheld:
    """Stands where data is that the caller may not see."""

    reason: WithheldReason


@strawberry.interface(
    description="Why a mutation did nothing. `message` is a sentence for the person, `field` the input field it is about."
)
class Problem:
    """What refusals and conflicts share."""

    code: str
    message: str
    field: str | None


@described
class Refusal(Problem):
    """A rule of the domain does not allow it; nothing was changed."""


@described
class Conflict(Problem):
    """Somebody else changed it since it was read; nothing was changed. Read it again, then decide."""

    current_version: int
