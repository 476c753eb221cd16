"""Who may agree to what, and until when. Pure decisions."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone

from pat_platform.errors import Refused
from pat_tenants.consents.models import ConsentGiver, ConsentMode, ConsentQuestion
from pat_tenants.referrals.models import Scope

LONGEST = timedelta(days=180)
"""Nobody agrees for longer at once: she is asked again."""

INDIA = timezone(timedelta(hours=5, minutes=30), "IST")
OF_AGE = 18

_NEEDED = frozenset(ConsentQuestion) - {ConsentQuestion.RESEARCH_USE}
_LANGUAGE = re.compile(r"[a-z]{2}")
_VERSION = re.compile(r"[0-9][0-9.-]{0,19}")
_MARK = re.compile(r"[A-Z]{0,3}(?:[-/. ]?[0-9]{1,6}){1,4}")
"""Of a register, a sheet or a recording: it has no room for a name."""


@dataclass(frozen=True)
class Age:
    """What is known of when a survivor turns 18: at ``earliest`` and ``latest``; None where nothing is known."""

    earliest: date | None
    latest: date | None


NEVER_A_CHILD = Age(date.min, date.min)
UNKNOWN = Age(None, None)


def turning_eighteen(birth_date: str | None, birth_year: int | None, *, is_minor_at_intake: bool) -> Age:
    """When she turns 18, from the best that is known of her."""
    if birth_date is not None:
        day = _birthday(date.fromisoformat(birth_date), OF_AGE)
        return Age(day, day)
    if birth_year is not None:
        return Age(date(birth_year + OF_AGE, 1, 1), date(birth_year + OF_AGE, 12, 31))
    # Whoever came of age, or older, is a child no more; of whoever came younger nothing says until when she is one.
    return UNKNOWN if is_minor_at_intake else NEVER_A_CHILD


def _birthday(born: date, years: int) -> date:
    try:
        return born.replace(year=born.year + years)
    except ValueError:
        return date(born.year + years, 3, 1)


def until_when(
    giver: ConsentGiver, age: Age, wanted: datetime, now: datetime, *, is_guardian_barred: bool
) -> datetime:
    """Until when the consent holds: what is wanted, but no longer than whoever gives it may speak for her.

    What others agreed to for a child ends on the first of the month in which she turns 18: the day itself would tell every reader her
    birthday. Raises Refused for a giver who may not speak for her, for a moment that is past or too far, and where her age is not known.
    """
    if wanted <= now:
        raise Refused("DATES_INVALID", "This consent would be over already.", "validUntil")
    if wanted - now > LONGEST:
        raise Refused(
            "DATES_INVALID", "A consent runs for 180 days at most. Ask her again then.", "validUntil"
        )
    today = now.astimezone(INDIA).date()
    if giver is ConsentGiver.SELF:
        _is_of_age(age, today)
        return wanted
    if giver is ConsentGiver.GUARDIAN and is_guardian_barred:
        raise guardian_is_barred()
    if age.earliest is None:
        raise Refused(
            "AGE_UNKNOWN", "Record when she was born first: others speak for a child only.", "giver"
        )
    last = datetime.combine(age.earliest.replace(day=1), time(), INDIA)
    if today >= (age.latest or age.earliest):
        raise Refused("OF_AGE", "She is 18 or older: she is asked herself.", "giver")
    if last > now:
        return min(wanted, last)
    if giver is ConsentGiver.CHILD_WELFARE_COMMITTEE and age.latest != age.earliest:
        # Nobody knows the day: the committee speaks for her to the end of the year.
        return min(wanted, datetime.combine(date(age.earliest.year + 1, 1, 1), time(), INDIA))
    raise Refused("OF_AGE_SOON", "She turns 18 about now. Wait for it, and ask her herself.", "giver")


def nobody_receives() -> Refused:
    """The refusal of terms with an organisation that nothing can be shared with."""
    return Refused(
        "RECIPIENT_UNKNOWN", "Nobody there can receive anything of hers. Choose another one.", "recipientId"
    )


def guardian_is_barred() -> Refused:
    """The refusal of what her guardian agrees to although he must not be asked."""
    return Refused(
        "GUARDIAN_BARRED",
        "Her guardian must not be asked. The Child Welfare Committee decides in his place.",
        "giver",
    )


def _is_of_age(age: Age, today: date) -> None:
    if age.latest is None:
        raise Refused("AGE_UNKNOWN", "Record when she was born first: a child is not asked alone.", "giver")
    if today < age.latest:
        raise Refused(
            "UNDER_AGE",
            "She is under 18. Ask her guardian, or the Child Welfare Committee, and her too.",
            "giver",
        )


def is_informed(
    scopes: Collection[Scope],
    agreed: Collection[ConsentQuestion],
    mode: ConsentMode,
    evidence: str | None,
    *,
    notice_version: str,
    notice_language: str,
) -> None:
    """Raises Refused for a consent that shares nothing, that does not answer what must be answered, or that cannot be shown."""
    if not scopes:
        raise Refused("CONSENT_SCOPE", "A consent names what may be shared.", "scopes")
    if _NEEDED - set(agreed):
        raise Refused(
            "CONSENT_NOT_INFORMED",
            "She must have said yes to every question but that about research. Go through them with her.",
            "agreed",
        )
    if not _VERSION.fullmatch(notice_version):
        raise Refused("NOTICE_INVALID", "Write the number on the notice that she was given.", "noticeVersion")
    if not _LANGUAGE.fullmatch(notice_language):
        raise Refused(
            "LANGUAGE_INVALID",
            "Write the language as its two letters (ISO 639-1), such as bn.",
            "noticeLanguage",
        )
    if mode is not ConsentMode.APP and (evidence is None or not _MARK.fullmatch(evidence)):
        raise Refused(
            "EVIDENCE_INVALID",
            "Write the number under which the sheet or the recording is kept: at most three capital letters, then digits.",
            "evidence",
        )
