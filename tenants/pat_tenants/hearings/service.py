"""What is done with days in court: by an organisation in its own proceedings, and by a receiver in rows about a referral."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import select, text, update
from sqlalchemy.dialects.postgresql import insert

from pat_platform import trail
from pat_platform.database.transaction import Transaction
from pat_platform.errors import Refused
from pat_tenants.cases.models import Hearing, HearingMode, HearingPurpose, LegalProceeding
from pat_tenants.cases.service import today
from pat_tenants.hearings import rules
from pat_tenants.hearings.arrangements import HearingOutcome, HearingState, SupportPerson
from pat_tenants.hearings.models import HearingConfirmation
from pat_tenants.referrals.models import ReferralHearing, ReferralStatus, Scope
from pat_tenants.referrals.rules import is_shared
from pat_tenants.survivors.models import Survivor

_THROUGH_THE_DOOR = text(
    "select from_organisation_id, status, scopes from door.received_referrals where id = :id"
)
_CONFIRMED = text(
    "select remote_point, has_coordinator, support_person from door.received_confirmations"
    " where hearing_id = :id and referral_id = :referral"
)
_REPORTED_TO_US = text(
    "select h.mode, h.state, h.remote_point, r.id as referral_id, r.case_id, r.survivor_id, r.to_organisation_id, r.scopes, s.status"
    " from door.sent_hearings h join app.referrals r on r.received_id = h.referral_id"
    " join door.referral_states s on s.id = r.id where h.id = :id"
)
_NEEDS_SUPPORT = text("select needs_support from door.received_support where referral_id = :id")


@dataclass(frozen=True)
class Day:
    """A day in court, past or to come, and what is known of it."""

    held_on: date
    mode: HearingMode
    purpose: HearingPurpose | None = None


@dataclass(frozen=True)
class Preparation:
    """What a day in court needs; what is None stays as it is."""

    court_point: str | None = None
    remote_point: str | None = None
    has_coordinator: bool | None = None
    support_person: SupportPerson | None = None
    interpreter_language: str | None = None

    def values(self) -> dict[str, Any]:
        """The columns that it names. Raises Refused for an office that is none, or a language."""
        said: Mapping[str, Any] = {
            "court_point": rules.is_an_office(self.court_point, "courtPoint"),
            "remote_point": rules.is_an_office(self.remote_point, "remotePoint"),
            "has_coordinator": self.has_coordinator,
            "support_person": self.support_person,
            "interpreter_language": rules.is_a_language(self.interpreter_language),
        }
        return {name: value for name, value in said.items() if value is not None}


NOTHING = Preparation()


async def schedule_hearing(
    tx: Transaction, *, proceeding_id: UUID, day: Day, preparation: Preparation = NOTHING
) -> Hearing:
    """Write down a day in court of a proceeding of the caller's organisation. Raises Refused for an unknown proceeding."""
    proceeding = await tx.get(LegalProceeding, proceeding_id)
    if proceeding is None:
        raise Refused("NOT_FOUND", "There is no such proceeding.", "proceedingId")
    row = await tx.add(
        Hearing(
            organisation_id=tx.organisation,
            id=uuid4(),
            proceeding_id=proceeding.id,
            case_id=proceeding.case_id,
            survivor_id=proceeding.survivor_id,
            **_of_day(day),
            **preparation.values(),
            created_by=tx.actor,
        )
    )
    await trail.record(tx, "hearing.scheduled", [row.id, row.case_id, row.survivor_id])
    return row


async def arrange_hearing(tx: Transaction, *, hearing_id: UUID, preparation: Preparation) -> None:
    """Say what a day in court needs. Raises Refused for one that is unknown, over, or of a case that is not assigned to a worker."""
    hearing = await _own(tx, hearing_id)
    await _change(tx, Hearing, hearing.id, preparation.values())
    await trail.record(tx, "hearing.arranged", [hearing.id, hearing.case_id, hearing.survivor_id])


async def move_hearing(
    tx: Transaction,
    *,
    hearing_id: UUID,
    to: HearingState,
    outcome: HearingOutcome | None = None,
    next_on: date | None = None,
) -> None:
    """Lead a day in court to another state. The next day that it was adjourned to, or goes on, is written down with it.

    Raises Refused for a step that is none, and for what is missing for it.
    """
    hearing = await _own(tx, hearing_id)
    survivor = await tx.get(Survivor, hearing.survivor_id)
    needs_support = survivor is None or rules.is_a_child(
        survivor.birth_year, today(), was_at_intake=survivor.is_minor_at_intake
    )
    rules.may_become(HearingState(hearing.state), to, _prepared(hearing), needs_support=needs_support)
    changes = _changes(hearing, to, outcome, next_on)
    await _change(tx, Hearing, hearing.id, changes)
    subjects = [hearing.id, hearing.case_id, hearing.survivor_id]
    await trail.record(tx, "hearing.moved", subjects, to=to.value)
    if next_on is not None:
        day = Day(next_on, HearingMode(hearing.mode))
        await schedule_hearing(tx, proceeding_id=hearing.proceeding_id, day=day)


async def report_hearing(
    tx: Transaction, *, received_id: UUID, day: Day, preparation: Preparation = NOTHING
) -> ReferralHearing:
    """Tell the sender of a day in court in the case that it referred. Raises Refused where hearings are not shared, or no longer."""
    found = (await tx.execute(_THROUGH_THE_DOOR, {"id": received_id})).one_or_none()
    if found is None:
        raise Refused("NOT_FOUND", "There is no such referral.", None)
    is_shared(ReferralStatus(found.status), found.scopes, Scope.HEARING_SCHEDULE)
    row = await tx.add(
        ReferralHearing(
            organisation_id=tx.organisation,
            id=uuid4(),
            referral_organisation_id=found.from_organisation_id,
            referral_id=received_id,
            **_of_day(day),
            **preparation.values(),
            created_by=tx.actor,
        )
    )
    await trail.record(tx, "referral.hearing_reported", [received_id])
    return row


async def confirm_remote_point(
    tx: Transaction,
    *,
    hearing_id: UUID,
    remote_point: str | None,
    has_coordinator: bool,
    support_person: SupportPerson | None,
) -> None:
    """Say from where she speaks on a day that the receiver of a referral reported, and who is there, instead of what was said before.

    Without a place, the one that the receiver wrote down. Raises Refused for a day that is unknown, over, or in the court room, and where
    hearings are not shared any longer.
    """
    found = (await tx.execute(_REPORTED_TO_US, {"id": hearing_id})).one_or_none()
    if found is None:
        raise _no_such_hearing()
    is_shared(ReferralStatus(found.status), found.scopes, Scope.HEARING_SCHEDULE)
    rules.may_be_confirmed(HearingMode(found.mode), HearingState(found.state))
    point = rules.is_an_office(remote_point, "remotePoint") or found.remote_point
    if point is None:
        raise Refused("POINT_MISSING", "Say from where she speaks.", "remotePoint")
    said = {
        "remote_point": point,
        "has_coordinator": has_coordinator,
        "support_person": support_person and support_person.value,
        "updated_by": tx.actor,
    }
    known = {"hearing_id": hearing_id, "referral_id": found.referral_id, "created_by": tx.actor}
    known |= {"hearing_organisation_id": found.to_organisation_id, "organisation_id": tx.organisation}
    of_whom = {"case_id": found.case_id, "survivor_id": found.survivor_id}
    replaced = insert(HearingConfirmation).values(**known, **of_whom, **said)
    await tx.put(replaced.on_conflict_do_update(index_elements=["organisation_id", "hearing_id"], set_=said))
    await trail.record(tx, "hearing.confirmed", [found.referral_id, found.case_id, found.survivor_id])


async def arrange_reported_hearing(tx: Transaction, *, hearing_id: UUID, preparation: Preparation) -> None:
    """Say what a day in court that was reported needs. Raises Refused where hearings are not shared any longer."""
    hearing = await _reported(tx, hearing_id)
    await _change(tx, ReferralHearing, hearing.id, preparation.values())
    await trail.record(tx, "referral.hearing_arranged", [hearing.referral_id])


async def move_reported_hearing(
    tx: Transaction,
    *,
    hearing_id: UUID,
    to: HearingState,
    outcome: HearingOutcome | None = None,
    next_on: date | None = None,
) -> None:
    """Lead a day in court that was reported to another state, as `move_hearing` does."""
    hearing = await _reported(tx, hearing_id)
    needs_support = await tx.scalar(_NEEDS_SUPPORT, {"id": hearing.referral_id}) is not False
    said = (await tx.execute(_CONFIRMED, {"id": hearing_id, "referral": hearing.referral_id})).one_or_none()
    confirmed = (
        None
        if said is None
        else rules.Confirmed(said.remote_point, said.has_coordinator, said.support_person)
    )
    rules.reported_may_become(
        HearingState(hearing.state), to, _prepared(hearing), confirmed, needs_support=needs_support
    )
    changes = _changes(hearing, to, outcome, next_on)
    await _change(tx, ReferralHearing, hearing.id, changes)
    await trail.record(tx, "referral.hearing_moved", [hearing.referral_id], to=to.value)
    if next_on is not None:
        day = Day(next_on, HearingMode(hearing.mode))
        await report_hearing(tx, received_id=hearing.referral_id, day=day)


def _of_day(day: Day) -> dict[str, Any]:
    state = rules.begins_as(day.held_on, today())
    return {"held_on": day.held_on, "mode": day.mode, "purpose": day.purpose, "state": state}


async def _own(tx: Transaction, hearing_id: UUID) -> Hearing:
    """A day of the caller's organisation, held to be changed."""
    hearing = await tx.get(Hearing, hearing_id, lock=True)
    if hearing is not None:
        return hearing
    seen = await tx.get(Hearing, hearing_id)
    if seen is None:
        raise _no_such_hearing()
    rules.is_to_come(HearingState(seen.state))
    raise Refused("NOT_ASSIGNED", "This case is not assigned to you. Ask your case manager.", "id")


async def _reported(tx: Transaction, hearing_id: UUID) -> ReferralHearing:
    """A day that the caller's organisation reported, held to be changed, while hearings are shared."""
    seen = (
        await tx.execute(select(ReferralHearing.referral_id).where(ReferralHearing.id == hearing_id))
    ).one_or_none()
    if seen is None:
        raise _no_such_hearing()
    found = (await tx.execute(_THROUGH_THE_DOOR, {"id": seen.referral_id})).one()
    is_shared(ReferralStatus(found.status), found.scopes, Scope.HEARING_SCHEDULE)
    hearing = await tx.get(ReferralHearing, hearing_id, lock=True)
    if hearing is None:
        # It is hers and shared: what is left is that it is over.
        raise rules.no_step()
    return hearing


def _no_such_hearing() -> Refused:
    return Refused("NOT_FOUND", "There is no such hearing.", "id")


def _prepared(hearing: Hearing | ReferralHearing) -> rules.Prepared:
    return rules.Prepared(
        HearingMode(hearing.mode),
        hearing.court_point,
        hearing.remote_point,
        hearing.has_coordinator,
        hearing.support_person,
    )


def _changes(
    hearing: Hearing | ReferralHearing,
    to: HearingState,
    outcome: HearingOutcome | None,
    next_on: date | None,
) -> dict[str, Any]:
    """The changes of a step that may be taken. Raises Refused for a next day that is none."""
    return {"state": to, "outcome": outcome, "next_on": rules.next_day(to, hearing.held_on, next_on)}


async def _change(
    tx: Transaction, model: type[Hearing | ReferralHearing], hearing_id: UUID, changes: Mapping[str, Any]
) -> None:
    stamped = {**changes, "updated_by": tx.actor}
    await tx.change(update(model).where(model.id == hearing_id).values(**stamped))
