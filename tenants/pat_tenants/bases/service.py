"""What is done with legal bases other than consent: they are recorded, approved, ended and reviewed, each once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import select, update

from pat_platform import trail
from pat_platform.database.transaction import Transaction
from pat_platform.encryption.envelope import Place
from pat_platform.errors import Refused
from pat_tenants.bases import rules
from pat_tenants.bases.models import LegalBasis, LegalBasisKind, LegalBasisReason, LegalBasisReview
from pat_tenants.consents.rules import nobody_receives
from pat_tenants.consents.service import is_partner
from pat_tenants.referrals.models import Need, Scope
from pat_tenants.survivors.models import SurvivorKey
from pat_tenants.vault import Vault

REASONS = "legal_basis_reasons"


@dataclass(frozen=True)
class Terms:
    """What a basis allows, and what it rests on: a reference, or for a vital interest a reason."""

    recipient_id: UUID
    purpose: Need
    kind: LegalBasisKind
    scopes: Sequence[Scope]
    valid_until: datetime
    reference: str | None = None
    reason: str | None = None


async def record_legal_basis(tx: Transaction, vault: Vault, *, survivor_id: UUID, terms: Terms) -> UUID:
    """Record on what something is shared without a survivor's consent; return its id.

    An order or a duty counts at once, a vital interest once somebody else has approved it. Raises Refused for an unknown survivor or
    recipient, and for terms that go further or last longer than the kind allows, or rest on nothing.
    """
    rules.may_be_recorded(
        terms.kind,
        terms.scopes,
        reference=terms.reference,
        reason=terms.reason,
        valid_until=terms.valid_until,
        now=datetime.now(UTC),
    )
    if not await is_partner(tx, terms.recipient_id):
        raise nobody_receives()
    wrapped = await tx.scalar(select(SurvivorKey.wrapped).where(SurvivorKey.survivor_id == survivor_id))
    if wrapped is None:
        raise Refused("NOT_FOUND", "There is no such survivor.", "survivorId")
    basis_id, scopes = uuid4(), [scope.value for scope in terms.scopes]
    await tx.insert(
        LegalBasis,
        organisation_id=tx.organisation,
        id=basis_id,
        survivor_id=survivor_id,
        recipient_id=terms.recipient_id,
        purpose=terms.purpose.value,
        kind=terms.kind.value,
        scopes=scopes,
        reference=terms.reference,
        valid_until=terms.valid_until,
        created_by=tx.actor,
    )
    if terms.reason is not None:
        ring = vault.ring(tx.organisation)
        await ring.unlock({survivor_id: wrapped})
        await tx.insert(
            LegalBasisReason,
            organisation_id=tx.organisation,
            basis_id=basis_id,
            survivor_id=survivor_id,
            reason=ring.seal(Place(tx.organisation, REASONS, "reason", survivor_id, basis_id), terms.reason),
            created_by=tx.actor,
        )
    subjects = [basis_id, survivor_id, terms.recipient_id]
    await trail.record(tx, "legal_basis.recorded", subjects, kind=terms.kind.value, scopes=scopes)
    return basis_id


async def approve_legal_basis(tx: Transaction, *, basis_id: UUID) -> None:
    """Approve a vital interest that somebody else has recorded: from the next statement on it counts. Raises Refused otherwise."""
    basis = await _held(tx, basis_id)
    rules.may_be_approved(basis, tx.actor, datetime.now(UTC))
    await _change(tx, basis, "legal_basis.approved", approved_by=tx.actor)


async def end_legal_basis(tx: Transaction, *, basis_id: UUID) -> None:
    """End a basis before its time: from the next statement on nothing is shared on it.

    To end it again, or when it is over, changes nothing. Raises Refused for an unknown one.
    """
    basis = await _held(tx, basis_id)
    if rules.is_to_be_ended(basis, datetime.now(UTC)):
        await _change(tx, basis, "legal_basis.ended", ended_by=tx.actor)


async def review_legal_basis(tx: Transaction, *, basis_id: UUID, review: LegalBasisReview) -> None:
    """Say of a vital interest that has ended whether it was one. Raises Refused for whoever had a part in it, and otherwise."""
    basis = await _held(tx, basis_id)
    rules.may_be_reviewed(basis, tx.actor, datetime.now(UTC))
    await _change(tx, basis, "legal_basis.reviewed", reviewed_by=tx.actor, review=review.value)


async def _held(tx: Transaction, basis_id: UUID) -> LegalBasis:
    basis = await tx.get(LegalBasis, basis_id, lock=True)
    if basis is None:
        raise Refused("NOT_FOUND", "There is no such legal basis.", "id")
    return basis


async def _change(tx: Transaction, basis: LegalBasis, action: str, **changes: Any) -> None:
    """The moment is the trigger's."""
    await tx.change(update(LegalBasis).where(LegalBasis.id == basis.id).values(**changes))
    told = {"review": changes["review"]} if "review" in changes else {}
    await trail.record(tx, action, [basis.id, basis.survivor_id, basis.recipient_id], kind=basis.kind, **told)
