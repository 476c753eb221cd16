"""Survivors and their cases, as they are to be told: drawn for one organisation at a time, always the same."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from pat_server.demo import names
from pat_server.demo.chance import chance, drawn_code
from pat_server.demo.organisations import COMMUNITIES, Community, partner
from pat_server.demo.places import DESTINATIONS
from pat_server.demo.proceedings import ProceedingStory, draw_proceeding
from pat_server.demo.referrals import REFERRALS
from pat_tenants.cases.models import CaseStage, CaseStatus, NoteKind, RiskLevel
from pat_tenants.htcds import Exploitation, Gender, MaritalStatus, TraffickingStatus
from pat_tenants.survivors.service import Identity

LONGEST_AGO = 6 * 365 - 1
ADULT = 18

_S, _G = CaseStatus, CaseStage

STATUSES = (
    *(_S.ACTIVE, _S.FOLLOW_UP, _S.ACTIVE, _S.CLOSED, _S.ACTIVE, _S.SUBMITTED, _S.FOLLOW_UP, _S.ACTIVE),
    *(_S.ACTIVE, _S.FOLLOW_UP, _S.ACTIVE, _S.ACTIVE, _S.SCREENED, _S.ACTIVE, _S.CLOSURE_REQUESTED),
    *(_S.CLOSED, _S.ACTIVE, _S.CLOSED_REFERRED, _S.FOLLOW_UP, _S.DRAFT, _S.ACTIVE, _S.TRANSFER_PENDING),
    *(_S.FOLLOW_UP, _S.NOT_ELIGIBLE, _S.CLOSED),
)
"""The mix of statuses; an organisation has the first so many of them, over and over."""

OPEN = frozenset({_S.ACTIVE, _S.FOLLOW_UP})
OVER = frozenset({_S.CLOSED, _S.CLOSED_REFERRED, _S.NOT_ELIGIBLE})
INTAKE = frozenset({_S.DRAFT, _S.SUBMITTED, _S.SCREENED})

DAYS_OPEN = {
    **dict.fromkeys(INTAKE, (1, 45)),
    _S.ACTIVE: (40, 1100),
    _S.NOT_ELIGIBLE: (60, 900),
    _S.FOLLOW_UP: (400, 1900),
}
LONG_OPEN = (500, LONGEST_AGO)

STAGES = {
    **dict.fromkeys(INTAKE, (_G.MISSING, _G.TRACED, _G.RESCUED)),
    _S.ACTIVE: (
        _G.RESCUED,
        _G.IN_SHELTER,
        _G.RESTORATION_ORDERED,
        _G.REPATRIATED,
        _G.REUNITED,
        _G.COMMUNITY_REHAB,
    ),
    _S.NOT_ELIGIBLE: (_G.TRACED, _G.REUNITED),
    _S.FOLLOW_UP: (_G.REUNITED, _G.COMMUNITY_REHAB, _G.INDEPENDENT),
}
LATE_STAGES = (_G.COMMUNITY_REHAB, _G.INDEPENDENT)

EXPLOITATIONS = (
    (Exploitation.SexualExploitation,),
    (Exploitation.SexualExploitation, Exploitation.ForcedMarriage),
    (Exploitation.ForcedMarriage,),
    (Exploitation.ForcedLabour,),
    (Exploitation.Servitude, Exploitation.ForcedLabour),
    (Exploitation.ForcedBegging,),
)
EXPLOITATION_WEIGHTS = (10, 4, 5, 4, 3, 1)

NOTES = (
    (
        NoteKind.HOME_VISIT,
        "Visited {name} at home. She is well, and her mother was there. Next visit in two weeks.",
    ),
    (
        NoteKind.HOME_VISIT,
        "{name} has begun sewing lessons. The neighbours ask questions; she wants fewer visits.",
    ),
    (NoteKind.PHONE_CALL, "Spoke to {name} on the phone. She asks when she will be heard in court."),
    (NoteKind.LEGAL, "Explained to {name} what the lawyer wrote. She agrees to be heard by video."),
    (NoteKind.SAFETY, "{name} saw one of the accused near the market. The police station has been told."),
    (NoteKind.GENERAL, "{name} brought the papers for the housing scheme. The receipt is in the file."),
    (
        NoteKind.GENERAL,
        "Sat with {name} and her support plan: school first, then work. She chose it herself.",
    ),
)


@dataclass(frozen=True)
class NoteStory:
    """One note and the day on which it was written."""

    kind: NoteKind
    text: str
    written_on: date

    def __repr__(self) -> str:
        return f"NoteStory({self.kind})"


@dataclass(frozen=True)
class CaseStory:
    """One survivor and her case: what is recorded, who works on it, what was written."""

    number: int
    code: str
    survivor_code: str
    identity: Identity
    gender: Gender
    marital_status: MaritalStatus
    birth_year: int
    is_minor: bool
    place: str
    """The name of her block."""
    opened_on: date
    closed_on: date | None
    status: CaseStatus
    stage: CaseStage
    risk_level: RiskLevel
    trafficking_status: TraffickingStatus
    exploitation: tuple[Exploitation, ...]
    worker: int
    """Which of the social workers has it, from 1."""
    has_counsellor: bool
    has_legal_aid: bool
    notes: tuple[NoteStory, ...]
    proceedings: tuple[ProceedingStory, ...]


def case_stories(day: date) -> dict[str, list[CaseStory]]:
    """The cases of every community-based organisation, by its slug, as they stand on ``day``."""
    pairs = names.survivor_names(chance("survivors"))
    return {
        organisation.slug: [
            _draw_case(organisation, number, status, next(pairs), day)
            for number, status in enumerate(_statuses(organisation), start=1)
        ]
        for organisation in COMMUNITIES
    }


def _statuses(organisation: Community) -> list[CaseStatus]:
    """A status for each case; survivors who sign in and those who were referred have one that is open."""
    mix = [STATUSES[index % len(STATUSES)] for index in range(organisation.cases)]
    chance("statuses", organisation.slug).shuffle(mix)
    kept = _referred_to(organisation).keys() | set(range(1, organisation.accounts + 1))
    is_open = iter([status for status in mix if status in OPEN])
    chosen = {number: next(is_open) for number in sorted(kept)}
    rest = [*(status for status in mix if status not in OPEN), *is_open]
    chance("rest", organisation.slug).shuffle(rest)
    others = iter(rest)
    return [chosen[n] if n in chosen else next(others) for n in range(1, organisation.cases + 1)]


def _referred_to(organisation: Community) -> dict[int, str]:
    """The destination state of every case that is referred, by the case's number."""
    return {
        story.case: partner(story.receiver).state for story in REFERRALS if story.sender == organisation.slug
    }


def _draw_case(
    organisation: Community, number: int, status: CaseStatus, name: tuple[str, str], day: date
) -> CaseStory:
    rng = chance("case", organisation.slug, number)
    referred_to = _referred_to(organisation).get(number)
    opened_on = day - timedelta(days=_days_open(rng, status, is_referred=referred_to is not None))
    closed_on = opened_on + (day - opened_on) * rng.uniform(0.6, 0.95) if status in OVER else None
    birth = opened_on - timedelta(days=rng.randint(13 * 365, 31 * 365))
    is_minor = (opened_on - birth).days < ADULT * 365.25
    place = organisation.blocks[(number - 1) % len(organisation.blocks)]
    proceedings = tuple(_draw_proceedings(rng, status, referred_to, opened_on, closed_on or day, is_minor))
    return CaseStory(
        number=number,
        code=drawn_code(rng),
        survivor_code=drawn_code(rng),
        identity=_identity(rng, name, birth, place),
        gender=rng.choices((Gender.Feminine, Gender.Masculine, Gender.TransgenderFeminine), (50, 2, 1))[0],
        marital_status=MaritalStatus.Single
        if is_minor
        else rng.choice((MaritalStatus.Single, MaritalStatus.Married, MaritalStatus.Separated)),
        birth_year=birth.year,
        is_minor=is_minor,
        place=place,
        opened_on=opened_on,
        closed_on=closed_on,
        status=status,
        stage=rng.choice(STAGES.get(status, LATE_STAGES)),
        risk_level=rng.choices(tuple(RiskLevel), (5, 1, 0) if status in OVER else (4, 5, 2))[0],
        trafficking_status=_trafficking_status(status),
        exploitation=_exploitation(rng, status, is_minor),
        worker=(number - 1) % organisation.workers + 1,
        has_counsellor=status not in INTAKE and rng.random() < 0.25,
        has_legal_aid=any(each.court for each in proceedings) or (bool(proceedings) and rng.random() < 0.3),
        notes=_draw_notes(rng, name[0], opened_on, closed_on or day),
        proceedings=proceedings,
    )


def _days_open(rng: Random, status: CaseStatus, *, is_referred: bool) -> int:
    fewest, most = DAYS_OPEN.get(status, LONG_OPEN)
    # A case is older than its oldest referral.
    return rng.randint(max(fewest, 330) if is_referred else fewest, most)


def _identity(rng: Random, name: tuple[str, str], birth: date, place: str) -> Identity:
    return Identity(
        first_name=name[0],
        second_name=name[1],
        birth_date=birth.isoformat(),
        phone=names.phone(rng),
        address=names.address(rng, place),
    )


def _trafficking_status(status: CaseStatus) -> TraffickingStatus:
    if status is CaseStatus.NOT_ELIGIBLE:
        return TraffickingStatus.NotAVictimOfTrafficking
    if status in INTAKE:
        return TraffickingStatus.PossibleVictimOfTrafficking
    return TraffickingStatus.ActualVictimOfTrafficking


def _exploitation(rng: Random, status: CaseStatus, is_minor: bool) -> tuple[Exploitation, ...]:
    if status is CaseStatus.NOT_ELIGIBLE:
        return ()
    drawn = rng.choices(EXPLOITATIONS, EXPLOITATION_WEIGHTS)[0]
    return (*drawn, Exploitation.ChildLabour) if is_minor and rng.random() < 0.2 else drawn


def _draw_proceedings(
    rng: Random, status: CaseStatus, referred_to: str | None, opened_on: date, day: date, is_minor: bool
) -> Iterator[ProceedingStory]:
    share_taken_away = 0.35
    if status in INTAKE or status is CaseStatus.NOT_ELIGIBLE:
        return
    state = referred_to
    if state is None and rng.random() < share_taken_away:
        state = rng.choice(DESTINATIONS).name
    is_at_home = state is None or rng.random() < 0.6
    # A case may not be closed while a hearing is to come.
    is_over = status in OVER or status in {CaseStatus.CLOSURE_REQUESTED, CaseStatus.TRANSFER_PENDING}
    for where in (*([None] if is_at_home else []), *([state] if state else [])):
        yield draw_proceeding(
            rng, state=where, opened_on=opened_on, day=day, is_over=is_over, is_minor=is_minor
        )


def _draw_notes(rng: Random, name: str, since: date, until: date) -> tuple[NoteStory, ...]:
    drawn = rng.sample(NOTES, rng.choice((1, 1, 2, 2, 3)))
    days = sorted(since + timedelta(days=rng.randrange(max(1, (until - since).days))) for _ in drawn)
    return tuple(
        NoteStory(kind, text.format(name=name), day) for (kind, text), day in zip(drawn, days, strict=True)
    )
