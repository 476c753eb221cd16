"""What is done with cases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import bindparam, func, select, update

from pat_auth.models import Membership
from pat_auth.policy import Role
from pat_platform import trail
from pat_platform.database.transaction import Transaction
from pat_platform.encryption.envelope import Place
from pat_platform.errors import ChangedSince, Refused
from pat_tenants.cases import rules
from pat_tenants.cases.models import (
    Case,
    CaseAssignment,
    CaseNote,
    CaseNoteText,
    CaseStage,
    CaseStatus,
    Hearing,
    HearingMode,
    HearingPurpose,
    Jurisdiction,
    LegalProceeding,
    NoteKind,
    ProceedingStage,
    RiskLevel,
)
from pat_tenants.codes import new_code
from pat_tenants.hearings.rules import begins_as
from pat_tenants.htcds import Exploitation, TraffickingStatus
from pat_tenants.survivors.models import Survivor, SurvivorKey
from pat_tenants.vault import Vault

ASSIGNABLE = frozenset({Role.CASE_MANAGER, Role.SOCIAL_WORKER, Role.COUNSELLOR, Role.LEGAL_AID})
"""Whom a case may be given to."""

_CASE_AND_KEY = (
    select(Case.id, Case.survivor_id, SurvivorKey.wrapped)
    .outerjoin(
        SurvivorKey,
        (SurvivorKey.organisation_id == Case.organisation_id) & (SurvivorKey.survivor_id == Case.survivor_id),
    )
    .where(Case.id == bindparam("case_id"))
)
"""A case, and the key that what is written about its survivor is sealed with; null where the caller may not have it."""


@dataclass(frozen=True)
class NewHearing:
    """A day in court: past or to come."""

    held_on: date
    mode: HearingMode
    purpose: HearingPurpose | None = None


@dataclass(frozen=True)
class CaseChanges:
    """What to change on a case; None leaves a value as it is."""

    status: CaseStatus | None = None
    stage: CaseStage | None = None
    risk_level: RiskLevel | None = None
    trafficking_status: TraffickingStatus | None = None
    exploitation: Sequence[Exploitation] | None = None
    closed_on: date | None = None


async def open_case(
    tx: Transaction,
    *,
    survivor: Survivor,
    opened_on: date,
    stage: CaseStage,
    risk_level: RiskLevel,
    trafficking_status: TraffickingStatus,
    exploitation: Sequence[Exploitation] = (),
    status: CaseStatus = CaseStatus.ACTIVE,
    place_id: UUID | None = None,
) -> Case:
    """Open a case for a survivor who was registered in the same transaction. Raises Refused for a day to come."""
    rules.may_be_opened_on(opened_on, today())
    case = await tx.add(
        Case(
            organisation_id=tx.organisation,
            id=uuid4(),
            survivor_id=survivor.id,
            code=new_code(),
            status=status,
            stage=stage,
            risk_level=risk_level,
            trafficking_status=trafficking_status,
            exploitation=[code.value for code in exploitation],
            place_id=place_id,
            opened_on=opened_on,
            version=1,
            created_by=tx.actor,
            updated_by=tx.actor,
        )
    )
    await trail.record(tx, "case.opened", [case.id, survivor.id], status=status.value)
    return case


async def assign_case(tx: Transaction, *, case_id: UUID, member_id: UUID) -> Case:
    """Give a case to a colleague in one of her roles; giving it again changes nothing. Raises Refused for an unknown case or colleague."""
    case = await known_case(tx, case_id)
    person = await _colleague(tx, member_id)
    live = select(CaseAssignment.id).where(
        CaseAssignment.case_id == case.id,
        CaseAssignment.membership_id == member_id,
        CaseAssignment.ended_at.is_(None),
    )
    if await tx.scalar(live) is None:
        await tx.add(
            CaseAssignment(
                organisation_id=tx.organisation,
                id=uuid4(),
                case_id=case.id,
                survivor_id=case.survivor_id,
                person_id=person,
                membership_id=member_id,
                created_by=tx.actor,
            )
        )
        await trail.record(tx, "case.assigned", [case.id, case.survivor_id], member=str(member_id))
    return case


async def unassign_case(tx: Transaction, *, case_id: UUID, member_id: UUID) -> Case:
    """Take a case from a colleague in one of her roles: what she reached by it is closed with the next statement.

    Raises Refused for an unknown case or colleague.
    """
    case = await known_case(tx, case_id)
    await _colleague(tx, member_id)
    await tx.execute(
        update(CaseAssignment)
        .where(
            CaseAssignment.case_id == case.id,
            CaseAssignment.membership_id == member_id,
            CaseAssignment.ended_at.is_(None),
        )
        .values(ended_at=func.now())
    )
    await trail.record(tx, "case.unassigned", [case.id, case.survivor_id], member=str(member_id))
    return case


async def add_case_note(tx: Transaction, vault: Vault, *, case_id: UUID, kind: NoteKind, text: str) -> UUID:
    """Write a note on a case; return its id.

    Raises Refused for an unknown case, one not assigned to a worker, and an empty or endless text.
    """
    text = rules.is_a_note(text)
    case = await tx.presume(_CASE_AND_KEY, {"case_id": case_id})
    if case is None:
        raise _no_such_case()
    if case.wrapped is None:
        raise _not_assigned()
    ring = vault.ring(tx.organisation)
    await ring.unlock({case.survivor_id: case.wrapped})
    note_id = uuid4()
    await tx.insert(
        CaseNote,
        organisation_id=tx.organisation,
        id=note_id,
        case_id=case.id,
        survivor_id=case.survivor_id,
        kind=kind,
        created_by=tx.actor,
    )
    place = Place(tx.organisation, "case_note_texts", "text", case.survivor_id, note_id)
    await tx.insert(
        CaseNoteText,
        organisation_id=tx.organisation,
        note_id=note_id,
        case_id=case.id,
        survivor_id=case.survivor_id,
        text=ring.seal(place, text),
        created_by=tx.actor,
    )
    await trail.record(tx, "case_note.added", [case.id, case.survivor_id], kind=kind.value)
    return note_id


async def update_case(tx: Transaction, *, case_id: UUID, base_version: int, changes: CaseChanges) -> int:
    """Change a case that the caller read at ``base_version``; return the version that it has now.

    Raises ChangedSince when somebody was faster, Refused for an unknown case, one that is not assigned to a worker, or a state
    that cannot follow.
    """
    case = await tx.get(Case, case_id, lock=True)
    if case is None:
        await known_case(tx, case_id)
        raise _not_assigned()
    if case.version != base_version:
        raise ChangedSince(case.version)
    changed = _changed(case, changes)
    if not changed:
        return case.version
    version = case.version + 1
    stamp = {"version": version, "updated_by": tx.actor, "updated_at": datetime.now(UTC)}
    await tx.change(update(Case).where(Case.id == case.id).values(**changed, **stamp))
    await trail.record(tx, "case.updated", [case.id, case.survivor_id], fields=list(changed))
    return version


async def record_proceeding(
    tx: Transaction,
    *,
    case_id: UUID,
    jurisdiction: Jurisdiction,
    state: str,
    stage: ProceedingStage,
    court: str | None = None,
    sections: Sequence[str] = (),
    filed_on: date | None = None,
    hearings: Sequence[NewHearing] = (),
) -> LegalProceeding:
    """Record a criminal proceeding and the hearings known so far. Raises Refused for an unknown case."""
    case = await known_case(tx, case_id)
    proceeding = await tx.add(
        LegalProceeding(
            organisation_id=tx.organisation,
            id=uuid4(),
            case_id=case.id,
            survivor_id=case.survivor_id,
            jurisdiction=jurisdiction,
            state=state,
            court=court,
            stage=stage,
            sections=list(sections),
            filed_on=filed_on,
            created_by=tx.actor,
        )
    )
    await tx.add_all([_hearing_of(tx, proceeding, hearing) for hearing in hearings])
    await trail.record(
        tx, "proceeding.recorded", [case.id, case.survivor_id], stage=stage.value, hearings=len(hearings)
    )
    return proceeding


async def known_case(tx: Transaction, case_id: UUID) -> Case:
    """The case as far as the caller may see it. Raises Refused, in the same words for hidden and missing."""
    case = await tx.get(Case, case_id)
    if case is None:
        raise _no_such_case()
    return case


def _no_such_case() -> Refused:
    return Refused("NOT_FOUND", "There is no such case.", "caseId")


def _not_assigned() -> Refused:
    return Refused("NOT_ASSIGNED", "This case is not assigned to you. Ask your case manager.", "caseId")


INDIA = timezone(timedelta(hours=5, minutes=30))


def today() -> date:
    """The day it is in India, where all partners work: five and a half hours ahead of UTC."""
    return datetime.now(INDIA).date()


async def _colleague(tx: Transaction, member_id: UUID) -> UUID:
    """The person behind a live membership that cases are given to. Raises Refused for any other."""
    person: UUID | None = await tx.scalar(
        select(Membership.person_id).where(
            Membership.id == member_id,
            Membership.ended_at.is_(None),
            Membership.role.in_([role.value for role in ASSIGNABLE]),
        )
    )
    if person is None:
        raise Refused("NOT_FOUND", "There is no such colleague to give the case to.", "memberId")
    return person


def _changed(case: Case, changes: CaseChanges) -> dict[str, Any]:
    """The values that differ from those of the case. Raises Refused for a state that cannot follow."""
    status = changes.status or CaseStatus(case.status)
    rules.may_become(CaseStatus(case.status), status)
    wanted = {
        "status": status.value,
        "stage": changes.stage,
        "risk_level": changes.risk_level,
        "trafficking_status": changes.trafficking_status,
        "exploitation": None
        if changes.exploitation is None
        else [code.value for code in changes.exploitation],
    }
    differing = {name: value for name, value in wanted.items() if value not in (None, getattr(case, name))}
    closed_on = rules.closing_day(status, case.opened_on, changes.closed_on or case.closed_on, today())
    return differing if closed_on == case.closed_on else differing | {"closed_on": closed_on}


def _hearing_of(tx: Transaction, proceeding: LegalProceeding, new: NewHearing) -> Hearing:
    return Hearing(
        organisation_id=tx.organisation,
        id=uuid4(),
        proceeding_id=proceeding.id,
        case_id=proceeding.case_id,
        survivor_id=proceeding.survivor_id,
        held_on=new.held_on,
        mode=new.mode,
        purpose=new.purpose,
        state=begins_as(new.held_on, today()),
        created_by=tx.actor,
    )
