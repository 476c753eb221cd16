"""What is done with referrals: by the sender on its own row, by the receiver with rows of its own."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import text, update

from pat_platform import trail
from pat_platform.database.transaction import Transaction
from pat_platform.errors import Refused
from pat_tenants.cases.models import HearingMode, HearingPurpose
from pat_tenants.cases.service import known_case
from pat_tenants.referrals import rules
from pat_tenants.referrals.models import (
    Answer,
    Need,
    Referral,
    ReferralAnswer,
    ReferralHearing,
    ReferralStatus,
    Scope,
    SenderState,
    Urgency,
)

_ENDED = frozenset({SenderState.REVOKED, SenderState.CLOSED})

_THROUGH_THE_DOOR = text(
    "select from_organisation_id, status, scopes from door.received_referrals where id = :id"
)


async def draft_referral(
    tx: Transaction, *, case_id: UUID, to: UUID, need: Need, urgency: Urgency = Urgency.ROUTINE
) -> Referral:
    """Prepare a referral of one case to another organisation; nothing is shared yet. Raises Refused for an unknown case."""
    case = await known_case(tx, case_id)
    if to == tx.organisation:
        raise Refused("TO_ITSELF", "A referral goes to another organisation.", "to")
    referral = await tx.add(
        Referral(
            organisation_id=tx.organisation,
            id=uuid4(),
            received_id=uuid4(),
            case_id=case.id,
            survivor_id=case.survivor_id,
            to_organisation_id=to,
            need=need,
            urgency=urgency,
            scopes=[],
            state=SenderState.DRAFT,
            created_by=tx.actor,
        )
    )
    await trail.record(tx, "referral.drafted", [referral.id, case.id, case.survivor_id], need=need.value)
    return referral


async def record_consent(
    tx: Transaction, *, referral_id: UUID, scopes: Sequence[Scope], agreed_until: datetime
) -> None:
    """Record what the survivor agreed to share with this one organisation, and until when."""
    referral = await _own(tx, referral_id)
    rules.sender_may(SenderState(referral.state), SenderState.CONSENT_RECORDED)
    rules.agreement_holds(scopes, agreed_until, datetime.now(UTC))
    agreed = [scope.value for scope in scopes]
    await _move(tx, referral, SenderState.CONSENT_RECORDED, scopes=agreed, agreed_until=agreed_until)


async def send_referral(tx: Transaction, *, referral_id: UUID) -> None:
    """Open the door: the receiver now sees what is asked, and, once it has accepted, what was agreed."""
    referral = await _own(tx, referral_id)
    rules.sender_may(SenderState(referral.state), SenderState.SENT)
    now = datetime.now(UTC)
    rules.agreement_holds([Scope(scope) for scope in referral.scopes], referral.agreed_until, now)
    await _move(tx, referral, SenderState.SENT, sent_at=referral.sent_at or now)


async def suspend_referral(tx: Transaction, *, referral_id: UUID) -> None:
    """Close the door for now, for her safety; `send_referral` opens it again."""
    referral = await _own(tx, referral_id)
    rules.sender_may(SenderState(referral.state), SenderState.SUSPENDED)
    await _move(tx, referral, SenderState.SUSPENDED)


async def revoke_referral(tx: Transaction, *, referral_id: UUID) -> None:
    """Close the door for good: the survivor no longer agrees. Effective with the receiver's next statement."""
    referral = await _own(tx, referral_id)
    rules.sender_may(SenderState(referral.state), SenderState.REVOKED)
    await _move(tx, referral, SenderState.REVOKED)


async def close_referral(tx: Transaction, *, referral_id: UUID) -> None:
    """End a referral whose work is done."""
    referral = await _own(tx, referral_id)
    rules.sender_may(SenderState(referral.state), SenderState.CLOSED)
    await _move(tx, referral, SenderState.CLOSED)


async def answer_referral(tx: Transaction, *, received_id: UUID, answer: Answer) -> ReferralAnswer:
    """Answer a referral that was sent to the caller's organisation. Raises Refused when there is none, or not in that state."""
    sender, status, _ = await _received(tx, received_id)
    rules.receiver_may(status, answer)
    row = await tx.add(
        ReferralAnswer(
            organisation_id=tx.organisation,
            id=uuid4(),
            referral_organisation_id=sender,
            referral_id=received_id,
            answer=answer,
            created_by=tx.actor,
        )
    )
    await trail.record(tx, "referral.answered", [received_id], answer=answer.value)
    return row


async def report_hearing(
    tx: Transaction,
    *,
    received_id: UUID,
    held_on: date,
    mode: HearingMode,
    purpose: HearingPurpose | None = None,
) -> ReferralHearing:
    """Tell the sender of a hearing in the case that it referred. Raises Refused where hearings are not shared, or no longer."""
    sender, status, scopes = await _received(tx, received_id)
    if (
        status not in {ReferralStatus.ACCEPTED, ReferralStatus.IN_PROGRESS}
        or Scope.HEARING_SCHEDULE not in scopes
    ):
        raise Refused("NOT_SHARED", "Hearings are not shared through this referral, or no longer.", None)
    row = await tx.add(
        ReferralHearing(
            organisation_id=tx.organisation,
            id=uuid4(),
            referral_organisation_id=sender,
            referral_id=received_id,
            held_on=held_on,
            mode=mode,
            purpose=purpose,
            created_by=tx.actor,
        )
    )
    await trail.record(tx, "referral.hearing_reported", [received_id])
    return row


async def _own(tx: Transaction, referral_id: UUID) -> Referral:
    referral = await tx.get(Referral, referral_id, lock=True)
    if referral is None:
        raise Refused("NOT_FOUND", "There is no such referral.", None)
    return referral


async def _move(tx: Transaction, referral: Referral, state: SenderState, **changes: Any) -> None:
    changes |= {"state": state, "ended_at": datetime.now(UTC) if state in _ENDED else None}
    await tx.change(update(Referral).where(Referral.id == referral.id).values(**changes))
    subjects = [referral.id, referral.received_id, referral.case_id, referral.survivor_id]
    scopes = list(changes.get("scopes", referral.scopes))
    await trail.record(tx, f"referral.{state.value.lower()}", subjects, scopes=scopes)


async def _received(tx: Transaction, received_id: UUID) -> tuple[UUID, ReferralStatus, list[str]]:
    row = (await tx.execute(_THROUGH_THE_DOOR, {"id": received_id})).one_or_none()
    if row is None:
        raise Refused("NOT_FOUND", "There is no such referral.", None)
    return row.from_organisation_id, ReferralStatus(row.status), list(row.scopes)
