"""What is done with referrals: by the sender on its own row, by the receiver with rows of its own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import or_, select, text, update

from pat_platform import trail
from pat_platform.database.transaction import Transaction
from pat_platform.errors import Refused
from pat_tenants.bases.models import LegalBasis, LegalBasisKind
from pat_tenants.cases.service import known_case
from pat_tenants.consents.models import Consent, ConsentWithdrawal
from pat_tenants.organisations.models import Organisation
from pat_tenants.referrals import rules
from pat_tenants.referrals.models import (
    Answer,
    DeclineReason,
    EndReason,
    Need,
    Referral,
    ReferralAnswer,
    ReferralStatus,
    Scope,
    SenderState,
    Urgency,
)

_ENDED = frozenset({SenderState.REVOKED, SenderState.CLOSED})

_STATUS = text("select status from door.referral_states where id = :id")
_AGREEMENT = text(
    "select scopes, valid_until, status = 'LIVE' as is_live from door.agreements where partner_id = :partner"
)
_THROUGH_THE_DOOR = text(
    "select from_organisation_id, status, scopes from door.received_referrals where id = :id"
)
_CONSENT = select(
    Consent.scopes, Consent.valid_until, ConsentWithdrawal.consent_id.is_(None).label("is_live")
).outerjoin(
    ConsentWithdrawal,
    (ConsentWithdrawal.organisation_id == Consent.organisation_id)
    & (ConsentWithdrawal.consent_id == Consent.id),
)
_BASIS = select(
    LegalBasis.scopes,
    LegalBasis.valid_until,
    LegalBasis.ended_at.is_(None).label("is_live"),
).where(or_(LegalBasis.kind != LegalBasisKind.VITAL_INTEREST.value, LegalBasis.approved_at.is_not(None)))


@dataclass(frozen=True)
class _Own:
    """A referral of the caller's organisation, held, and what both sides see of it."""

    row: Referral
    status: ReferralStatus

    def may(self, wanted: ReferralStatus) -> None:
        """Raises Refused where its sender cannot lead it there."""
        rules.sender_may(self.status, wanted, SenderState(self.row.state))


async def draft_referral(
    tx: Transaction, *, case_id: UUID, to: UUID, need: Need, urgency: Urgency = Urgency.ROUTINE
) -> Referral:
    """Prepare a referral of one case to another organisation; nothing is shared yet. Raises Refused for an unknown case or receiver."""
    case = await known_case(tx, case_id)
    if to == tx.organisation:
        raise Refused("TO_ITSELF", "A referral goes to another organisation.", "to")
    recipient = await tx.get(Organisation, to)
    if recipient is None:
        raise Refused("NOT_FOUND", "There is no such organisation.", "to")
    if recipient.kind not in rules.RECEIVING:
        raise Refused("RECIPIENT_UNKNOWN", "Nobody there can receive a referral. Choose another one.", "to")
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


async def base_referral(
    tx: Transaction,
    *,
    referral_id: UUID,
    consent_id: UUID | None = None,
    basis_id: UUID | None = None,
    scopes: Sequence[Scope] | None = None,
    until: datetime | None = None,
) -> None:
    """Say on which consent of hers a referral stands, or on which other basis: all that it allows, or less, or for a shorter time.

    A draft becomes ready to be sent; one that is under way goes on, on the new ground from the next statement on. One of which the ground
    was withdrawn or ended does not: it is suspended until it is sent anew. Raises Refused for both or neither, and for one that does not
    run, is not about her, this receiver and this need, or does not cover the scopes.
    """
    if (consent_id is None) == (basis_id is None):
        raise Refused("GROUND_INVALID", "Name a consent, or another legal basis: one of them.", "consentId")
    own = await _own(tx, referral_id)
    ground = await _ground(tx, own.row, consent_id, basis_id)
    named = [scope.value for scope in scopes] if scopes is not None else list(ground.scopes if ground else ())
    until = min(until, ground.until) if until and ground else until or (ground.until if ground else None)
    _covers(basis_id)(ground, named, until, datetime.now(UTC))
    terms = {"consent_id": consent_id, "basis_id": basis_id, "scopes": named, "agreed_until": until}
    if own.row.state in _GOES_ON and own.status not in _FINISHED:
        is_taken_back = own.status is ReferralStatus.REVOKED
        shut = {"state": SenderState.SUSPENDED, "reason": None} if is_taken_back else {}
        await _change(tx, own.row, "referral.based", **terms, **shut)
        return
    own.may(ReferralStatus.CONSENT_RECORDED)
    await _move(tx, own.row, SenderState.CONSENT_RECORDED, **terms)


async def send_referral(tx: Transaction, *, referral_id: UUID) -> None:
    """Open the door, or open it again: the receiver sees what is asked, and, once it has accepted, what was agreed.

    Raises Refused without a consent or another basis that runs and an agreement that is live, and where either allows less than is
    shared.
    """
    own = await _own(tx, referral_id)
    own.may(ReferralStatus.SENT)
    now = datetime.now(UTC)
    ground = await _ground(tx, own.row, own.row.consent_id, own.row.basis_id)
    _covers(own.row.basis_id)(ground, own.row.scopes, own.row.agreed_until, now)
    found = (await tx.execute(_AGREEMENT, {"partner": own.row.to_organisation_id})).one_or_none()
    ends = rules.agreement_covers(_allowed(found), own.row.scopes, now)
    until = min(own.row.agreed_until or ends, ends)
    await _move(tx, own.row, SenderState.SENT, sent_at=own.row.sent_at or now, agreed_until=until)


async def suspend_referral(tx: Transaction, *, referral_id: UUID, reason: EndReason | None = None) -> None:
    """Close the door for now, for her safety; `send_referral` opens it again."""
    await _end(tx, referral_id, SenderState.SUSPENDED, reason)


async def revoke_referral(tx: Transaction, *, referral_id: UUID, reason: EndReason | None = None) -> None:
    """Close the door for good. Effective with the receiver's next statement."""
    await _end(tx, referral_id, SenderState.REVOKED, reason)


async def close_referral(tx: Transaction, *, referral_id: UUID, reason: EndReason | None = None) -> None:
    """End a referral whose work is done."""
    await _end(tx, referral_id, SenderState.CLOSED, reason)


async def move_referral(
    tx: Transaction, *, referral_id: UUID, to: ReferralStatus, reason: EndReason | None = None
) -> None:
    """Take the sender's step that leads to a state. Raises Refused where there is none, as each of them does."""
    if to is ReferralStatus.SENT and reason is None:
        return await send_referral(tx, referral_id=referral_id)
    if to is ReferralStatus.SENT:
        raise Refused("REASON_NOT_ALLOWED", "What is sent needs no reason.", "reason")
    ending = _ENDINGS.get(to)
    if ending is None:
        raise Refused("STATUS_NOT_ALLOWED", "That is no step of whoever sends a referral.", "to")
    await ending(tx, referral_id=referral_id, reason=reason)


async def answer_referral(
    tx: Transaction, *, received_id: UUID, answer: Answer, reason: DeclineReason | None = None
) -> ReferralAnswer:
    """Answer a referral that was sent to the caller's organisation.

    Raises Refused when there is none, or not in that state, and when one is declined without a reason.
    """
    sender, status, _ = await _received(tx, received_id)
    rules.receiver_may(status, answer)
    rules.is_reasoned(answer, reason)
    row = await tx.add(
        ReferralAnswer(
            organisation_id=tx.organisation,
            id=uuid4(),
            referral_organisation_id=sender,
            referral_id=received_id,
            answer=answer,
            reason=reason,
            created_by=tx.actor,
        )
    )
    why = {} if reason is None else {"reason": reason.value}
    await trail.record(tx, "referral.answered", [received_id], answer=answer.value, **why)
    return row


_ENDINGS: Mapping[ReferralStatus, Callable[..., Awaitable[None]]] = MappingProxyType(
    {
        ReferralStatus.SUSPENDED: suspend_referral,
        ReferralStatus.REVOKED: revoke_referral,
        ReferralStatus.CLOSED: close_referral,
    }
)
_GOES_ON = frozenset({SenderState.CONSENT_RECORDED, SenderState.SENT, SenderState.SUSPENDED})
_FINISHED = frozenset({ReferralStatus.DECLINED, ReferralStatus.COMPLETED})


async def _own(tx: Transaction, referral_id: UUID) -> _Own:
    referral = await tx.get(Referral, referral_id, lock=True)
    if referral is None:
        raise Refused("NOT_FOUND", "There is no such referral.", None)
    return _Own(referral, ReferralStatus(await tx.scalar(_STATUS, {"id": referral_id})))


def _covers(basis_id: UUID | None) -> Callable[..., None]:
    return rules.consent_covers if basis_id is None else rules.basis_covers


async def _ground(
    tx: Transaction, referral: Referral, consent_id: UUID | None, basis_id: UUID | None
) -> rules.Allowed | None:
    """What it would stand on, if that is about the survivor, for this receiver and this need."""
    if basis_id is not None:
        about = _BASIS.where(
            LegalBasis.id == basis_id,
            LegalBasis.survivor_id == referral.survivor_id,
            LegalBasis.recipient_id == referral.to_organisation_id,
            LegalBasis.purpose == referral.need,
        )
        return _allowed((await tx.execute(about)).one_or_none())
    hers = _CONSENT.where(
        Consent.id == consent_id,
        Consent.survivor_id == referral.survivor_id,
        Consent.recipient_id == referral.to_organisation_id,
        Consent.purpose == referral.need,
    )
    return _allowed((await tx.execute(hers)).one_or_none())


def _allowed(row: Any) -> rules.Allowed | None:
    return None if row is None else rules.Allowed(row.scopes, row.valid_until, is_live=row.is_live)


async def _end(tx: Transaction, referral_id: UUID, state: SenderState, reason: EndReason | None) -> None:
    own = await _own(tx, referral_id)
    own.may(ReferralStatus(state.value))
    await _move(tx, own.row, state, reason=reason)


async def _move(tx: Transaction, referral: Referral, state: SenderState, **changes: Any) -> None:
    changes = {
        "reason": None,
        **changes,
        "state": state,
        "ended_at": datetime.now(UTC) if state in _ENDED else None,
    }
    await _change(tx, referral, f"referral.{state.value.lower()}", **changes)


async def _change(tx: Transaction, referral: Referral, action: str, **changes: Any) -> None:
    await tx.change(update(Referral).where(Referral.id == referral.id).values(**changes))
    # On what it stands from now on: the row keeps only the last of it, and whoever read before read on another.
    stands_on = [changes.get(ground, getattr(referral, ground)) for ground in ("consent_id", "basis_id")]
    subjects = [
        referral.id,
        referral.received_id,
        referral.case_id,
        referral.survivor_id,
        *filter(None, stands_on),
    ]
    why = {"reason": changes["reason"]} if changes.get("reason") else {}
    await trail.record(tx, action, subjects, scopes=list(changes.get("scopes", referral.scopes)), **why)


async def _received(tx: Transaction, received_id: UUID) -> tuple[UUID, ReferralStatus, list[str]]:
    row = (await tx.execute(_THROUGH_THE_DOOR, {"id": received_id})).one_or_none()
    if row is None:
        raise Refused("NOT_FOUND", "There is no such referral.", None)
    return row.from_organisation_id, ReferralStatus(row.status), list(row.scopes)
