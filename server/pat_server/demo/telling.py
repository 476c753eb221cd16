"""Tells the stories of one organisation through the verbs, each step as the person whose work it is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import TypeVar
from uuid import UUID

from pat_platform.database.access import Database
from pat_platform.database.transaction import Transaction
from pat_server.demo.cases import CaseStory
from pat_server.demo.groups import GroupStory
from pat_server.demo.organisations import Community, Partner
from pat_server.demo.owner import Record
from pat_server.demo.people import person
from pat_server.demo.places import block
from pat_tenants.cases.models import Case, CaseNote, CaseStatus, Jurisdiction
from pat_tenants.cases.service import (
    INDIA,
    CaseChanges,
    add_case_note,
    assign_case,
    open_case,
    record_proceeding,
    update_case,
)
from pat_tenants.groups.service import NewEntry, enter_book, form_group
from pat_tenants.survivors.models import Survivor
from pat_tenants.survivors.service import register_survivor
from pat_tenants.vault import Vault

Told = TypeVar("Told")

BENGALI = "bn"
GROUP_WEIGHT = 4
"""Telling a group takes about as long as so many cases."""

A_BATCH = 10
"""So many cases are opened in one transaction."""

_S = CaseStatus
PATHS = {
    _S.FOLLOW_UP: (_S.ACTIVE, _S.FOLLOW_UP),
    _S.CLOSURE_REQUESTED: (_S.ACTIVE, _S.CLOSURE_REQUESTED),
    _S.CLOSED: (_S.ACTIVE, _S.CLOSURE_REQUESTED, _S.CLOSED),
    _S.TRANSFER_PENDING: (_S.ACTIVE, _S.TRANSFER_PENDING),
    _S.CLOSED_REFERRED: (_S.ACTIVE, _S.TRANSFER_PENDING, _S.CLOSED_REFERRED),
    _S.NOT_ELIGIBLE: (_S.SCREENED, _S.NOT_ELIGIBLE),
}
"""The states that a case goes through on its way to another; one that is not named it is opened in."""


@dataclass(frozen=True)
class Stage:
    """Where stories are told: the database, the keys, the sessions of the staff, the notebook for what the verbs cannot write."""

    database: Database
    vault: Vault
    sessions: dict[str, UUID]
    record: Record
    now: datetime
    told: Callable[[str, int], None]
    """Called with what was told, and how much of it."""

    @asynccontextmanager
    async def acting(self, sign_in: str, organisation: Partner) -> AsyncIterator[Transaction]:
        """A transaction of this person, under a session of hers."""
        who = person(sign_in, organisation)
        async with self.database.transaction(who.login, self.sessions[who.email]) as tx:
            yield tx

    def moment(self, day: date, hour: int = 11) -> datetime:
        """A moment in working hours of this day in India; never one to come."""
        return min(datetime.combine(day, time(hour), INDIA), self.now)


async def at_once(work: Iterable[Coroutine[None, None, Told]]) -> list[Told]:
    """Do all of this at once. Where one fails the others stop, and its error is raised."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(each) for each in work]
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None
    return [task.result() for task in tasks]


async def tell_organisation(
    stage: Stage, organisation: Community, cases: Sequence[CaseStory], groups: Sequence[GroupStory]
) -> dict[int, UUID]:
    """Tell the cases and groups of one organisation. Returns the ids of the cases by their numbers.

    One step after the other: all of one organisation's writing waits for the head of its one chain.
    """
    ids: dict[int, UUID] = {}
    for start in range(0, len(cases), A_BATCH):
        batch = cases[start : start + A_BATCH]
        async with stage.acting("manager", organisation) as tx:
            for story in batch:
                ids[story.number] = await _open(stage, tx, organisation, story)
        stage.told(f"{organisation.slug}: cases", len(batch))
    for number in range(1, organisation.workers + 1):
        mine = [story for story in cases if story.worker == number]
        async with stage.acting(f"worker{number}", organisation) as tx:
            for story in mine:
                await _work(stage, tx, ids[story.number], story)
        stage.told(f"{organisation.slug}: notes and proceedings", len(mine))
    async with stage.acting("legal", organisation) as tx:
        for story in cases:
            if story.has_legal_aid:
                await _record_proceedings(tx, ids[story.number], story, Jurisdiction.DESTINATION)
    for group in groups:
        async with stage.acting("facilitator", organisation) as tx:
            await _form(stage, tx, group)
        stage.told(f"{organisation.slug}: groups", GROUP_WEIGHT)
    return ids


async def _open(stage: Stage, tx: Transaction, organisation: Community, story: CaseStory) -> UUID:
    survivor = await register_survivor(
        tx,
        stage.vault,
        gender=story.gender,
        is_minor_at_intake=story.is_minor,
        marital_status=story.marital_status,
        birth_year=story.birth_year,
        primary_language=BENGALI,
        place_id=block(story.place).id,
        identity=story.identity,
    )
    first, *further = PATHS.get(story.status, (story.status,))
    case = await open_case(
        tx,
        survivor=survivor,
        opened_on=story.opened_on,
        stage=story.stage,
        risk_level=story.risk_level,
        trafficking_status=story.trafficking_status,
        exploitation=story.exploitation,
        status=first,
        place_id=block(story.place).id,
    )
    version = case.version
    for status in further:
        changes = CaseChanges(status=status, closed_on=story.closed_on)
        version = await update_case(tx, case_id=case.id, base_version=version, changes=changes)
    for sign_in in _assigned(story):
        await assign_case(tx, case_id=case.id, member_id=person(sign_in, organisation).membership)
    opened_at = stage.moment(story.opened_on)
    stage.record.put(Survivor, "code", survivor.id, story.survivor_code)
    stage.record.put(Survivor, "created_at", survivor.id, opened_at)
    stage.record.put(Case, "code", case.id, story.code)
    stage.record.put(Case, "created_at", case.id, opened_at)
    stage.record.put(Case, "updated_at", case.id, stage.moment(story.closed_on or story.opened_on, 16))
    stage.record.survivors[organisation.slug, story.number] = survivor.id, story.code
    return case.id


def _assigned(story: CaseStory) -> list[str]:
    others = {"counsellor": story.has_counsellor, "legal": story.has_legal_aid}
    return [f"worker{story.worker}", *(sign_in for sign_in, is_needed in others.items() if is_needed)]


async def _work(stage: Stage, tx: Transaction, case_id: UUID, story: CaseStory) -> None:
    """What the social worker of a case writes."""
    for told in story.notes:
        note_id = await add_case_note(tx, stage.vault, case_id=case_id, kind=told.kind, text=told.text)
        stage.record.put(CaseNote, "written_at", note_id, stage.moment(told.written_on, 15))
    await _record_proceedings(tx, case_id, story, Jurisdiction.SOURCE)
    if not story.has_legal_aid:
        await _record_proceedings(tx, case_id, story, Jurisdiction.DESTINATION)


async def _record_proceedings(
    tx: Transaction, case_id: UUID, story: CaseStory, jurisdiction: Jurisdiction
) -> None:
    for told in story.proceedings:
        if told.jurisdiction is jurisdiction:
            await record_proceeding(
                tx,
                case_id=case_id,
                jurisdiction=jurisdiction,
                state=told.state,
                stage=told.stage,
                court=told.court,
                sections=told.sections,
                filed_on=told.filed_on,
                hearings=told.hearings,
            )


async def _form(stage: Stage, tx: Transaction, story: GroupStory) -> None:
    group, members = await form_group(
        tx,
        stage.vault,
        name=story.name,
        policy=story.policy,
        formed_on=story.formed_on,
        members=story.members,
        status=story.status,
        place_id=block(story.place).id,
    )
    lines = [
        NewEntry(members[line.member].id, line.kind, line.amount_paise, line.entered_on)
        for line in story.book
    ]
    await enter_book(tx, group_id=group.id, entries=lines)
