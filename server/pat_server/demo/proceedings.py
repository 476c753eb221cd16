"""Legal proceedings of a case: at home and where she was taken, with hearings past and to come."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from pat_tenants.cases.models import HearingMode, HearingPurpose, Jurisdiction, ProceedingStage
from pat_tenants.cases.service import NewHearing

BNS_IN_FORCE = date(2024, 7, 1)
"""From this day the Bharatiya Nyaya Sanhita replaces the Indian Penal Code."""

HOME_COURTS = ("Barasat", "Bongaon", "Basirhat", "Barrackpore")
COURTS = {
    "Goa": ("Panaji", "Margao"),
    "Maharashtra": ("Mumbai", "Pune", "Thane"),
    "Delhi": ("Saket", "Tis Hazari"),
    "Uttar Pradesh": ("Ghaziabad", "Agra"),
    "Gujarat": ("Surat", "Ahmedabad"),
    "Punjab": ("Ludhiana", "Amritsar"),
}

_S = ProceedingStage
BEFORE_COURT = (_S.NOT_REPORTED, _S.GD_ENTRY, _S.FIR, _S.INVESTIGATION, _S.CHARGESHEET)
IN_COURT = (_S.COGNIZANCE, _S.CHARGE_FRAMED, _S.EVIDENCE, _S.EVIDENCE, _S.ARGUMENTS)
ENDED = (_S.FINAL_REPORT, _S.JUDGMENT, _S.JUDGMENT, _S.APPEAL, _S.DISPOSED)
UNFILED = frozenset({_S.NOT_REPORTED, _S.GD_ENTRY})
PURPOSES = (
    HearingPurpose.CHARGE,
    HearingPurpose.EVIDENCE,
    HearingPurpose.APPEARANCE,
    HearingPurpose.ARGUMENTS,
    HearingPurpose.BAIL,
)


@dataclass(frozen=True)
class ProceedingStory:
    """What is recorded of one proceeding."""

    jurisdiction: Jurisdiction
    state: str
    court: str | None
    stage: ProceedingStage
    sections: tuple[str, ...]
    filed_on: date | None
    hearings: tuple[NewHearing, ...]


def draw_proceeding(
    rng: Random, *, state: str | None, opened_on: date, day: date, is_over: bool, is_minor: bool
) -> ProceedingStory:
    """One proceeding of a case that was opened on ``opened_on``, seen from ``day``; at home, or in the named state.

    A case that is over has no hearing to come.
    """
    stage = rng.choice(ENDED) if is_over else _stage(rng, (day - opened_on).days)
    filed_on = None if stage in UNFILED else min(day, opened_on + timedelta(days=rng.randint(0, 40)))
    has_court = stage not in BEFORE_COURT and stage is not _S.FINAL_REPORT
    jurisdiction = Jurisdiction.SOURCE if state is None else Jurisdiction.DESTINATION
    towns = HOME_COURTS if state is None else COURTS[state]
    return ProceedingStory(
        jurisdiction=jurisdiction,
        state=state or "West Bengal",
        court=f"Sessions Court, {rng.choice(towns)}" if has_court else None,
        stage=stage,
        sections=_sections(filed_on, is_minor),
        filed_on=filed_on,
        hearings=_hearings(rng, jurisdiction, filed_on or opened_on, day, stage) if has_court else (),
    )


def _stage(rng: Random, days_open: int) -> ProceedingStage:
    if days_open < 120 or rng.random() < 0.3:
        return rng.choice(BEFORE_COURT)
    return rng.choice(IN_COURT)


def _sections(filed_on: date | None, is_minor: bool) -> tuple[str, ...]:
    if filed_on is None:
        return ()
    trafficking = "BNS 143" if filed_on >= BNS_IN_FORCE else "IPC 370"
    return (trafficking, "ITPA 5", *(("POCSO 6",) if is_minor else ()))


def _hearings(
    rng: Random, jurisdiction: Jurisdiction, since: date, day: date, stage: ProceedingStage
) -> tuple[NewHearing, ...]:
    span = max(1, (day - since).days)
    days = sorted(since + timedelta(days=rng.randrange(span)) for _ in range(rng.randint(1, 3)))
    if stage in IN_COURT:
        days.append(day + timedelta(days=rng.randint(3, 80)))
    share_by_video = 0.6 if jurisdiction is Jurisdiction.DESTINATION else 0.15
    return tuple(
        NewHearing(
            held_on,
            HearingMode.VIDEO if rng.random() < share_by_video else HearingMode.PHYSICAL,
            rng.choice(PURPOSES),
        )
        for held_on in days
    )
