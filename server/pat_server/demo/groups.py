"""Self-help groups as they are to be told: three in each community-based organisation, with a book that never lends what is not there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import islice
from random import Random

from pat_server.demo import names
from pat_server.demo.cases import CaseStory
from pat_server.demo.chance import chance
from pat_server.demo.organisations import COMMUNITIES, Community
from pat_tenants.groups.models import EntryKind, GroupPolicy, GroupStatus, MemberRole
from pat_tenants.groups.service import NewMember

GROUP_NAMES = (
    *("Joba", "Aparajita", "Bel", "Togor", "Kamini", "Madhobilata", "Rajanigandha"),
    *("Hasnuhana", "Juthika", "Karabi", "Kadam", "Shirish", "Jarul", "Krishnachura"),
    *("Radhachura", "Sonalu", "Dolonchampa", "Nayantara", "Sandhyamalati", "Ghashphul", "Kolaboti"),
)

OFFICERS = (MemberRole.PRESIDENT, MemberRole.SECRETARY, MemberRole.TREASURER)
STATUSES = (
    *(GroupStatus.LINKED, GroupStatus.BANK_ACCOUNT, GroupStatus.BUSINESS, GroupStatus.GRADED),
    *(GroupStatus.FORMED, GroupStatus.LINKED, GroupStatus.DORMANT),
)
RUPEE = 100
"""Paise in a rupee."""

MONTHS_IN_BOOK = 6
INTEREST_PERCENT = 2
DORMANT_SINCE = timedelta(days=400)
"""A dormant group's book ended so long ago."""


@dataclass(frozen=True)
class Line:
    """One line of a book: whose, by her place among the members; what, how much, when."""

    member: int
    kind: EntryKind
    amount_paise: int
    entered_on: date


@dataclass(frozen=True)
class GroupStory:
    """One group, its members and its book."""

    name: str
    policy: GroupPolicy
    status: GroupStatus
    place: str
    """The name of its block."""
    formed_on: date
    members: tuple[NewMember, ...]
    book: tuple[Line, ...]


def group_stories(cases: dict[str, list[CaseStory]], day: date) -> dict[str, list[GroupStory]]:
    """The groups of every community-based organisation, by its slug; in each are some of its survivors and others alike."""
    # Nobody in a group may share a name with a survivor of another organisation.
    others = islice(names.survivor_names(chance("survivors")), sum(map(len, cases.values())), None)
    titles = iter(GROUP_NAMES)
    told = iter(range(len(GROUP_NAMES)))
    return {
        organisation.slug: [
            _draw_group(organisation, next(told), next(titles), policy, cases[organisation.slug], others, day)
            for policy in (GroupPolicy.SPECIAL, GroupPolicy.NORMAL, GroupPolicy.SPECIAL)
        ]
        for organisation in COMMUNITIES
    }


def _draw_group(
    organisation: Community,
    number: int,
    title: str,
    policy: GroupPolicy,
    cases: list[CaseStory],
    others: Iterator[tuple[str, str]],
    day: date,
) -> GroupStory:
    rng = chance("group", title)
    status = STATUSES[number % len(STATUSES)]
    size = rng.randint(10, 14) if policy is GroupPolicy.NORMAL else rng.randint(5, 9)
    survivors = [
        (case.identity.first_name, case.identity.second_name) for case in rng.sample(cases, size // 3)
    ]
    everyone = [*survivors, *islice(others, size - len(survivors))]
    rng.shuffle(everyone)
    formed_on = day - timedelta(days=rng.randint(700, 1500))
    last_on = day - (DORMANT_SINCE if status is GroupStatus.DORMANT else timedelta(days=rng.randint(1, 20)))
    return GroupStory(
        name=f"{title} Swanirbhar Dal",
        policy=policy,
        status=status,
        place=rng.choice(organisation.blocks),
        formed_on=formed_on,
        members=tuple(
            NewMember(f"{first} {second}", OFFICERS[index] if index < len(OFFICERS) else MemberRole.MEMBER)
            for index, (first, second) in enumerate(everyone)
        ),
        book=tuple(_draw_book(rng, size, last_on)),
    )


def _draw_book(rng: Random, members: int, last_on: date) -> Iterator[Line]:
    """Everyone saves the same amount each month; a third of the members borrow, in turn, and pay back with interest."""
    saving = rng.choice((50, 100, 150, 200)) * RUPEE
    borrowers = rng.sample(range(members), max(1, members // 3))
    for month in range(MONTHS_IN_BOOK):
        on = last_on - timedelta(days=30 * (MONTHS_IN_BOOK - 1 - month))
        for member in range(members):
            yield Line(member, EntryKind.SAVING, saving, on)
        if month < len(borrowers):
            # Half of what came in this month: what is lent is always there.
            yield Line(borrowers[month], EntryKind.LOAN_OUT, saving * members // 2, on)
        if 0 < month <= len(borrowers):
            lent = saving * members // 2
            yield Line(borrowers[month - 1], EntryKind.REPAY_PRINCIPAL, lent // 4, on)
            yield Line(borrowers[month - 1], EntryKind.REPAY_INTEREST, lent * INTEREST_PERCENT // 100, on)
