"""What is done with consents: they are given or recorded, and withdrawn. Nothing of one is ever changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import select, text

from pat_platform import trail
from pat_platform.database.transaction import Transaction
from pat_platform.encryption.envelope import Place
from pat_platform.errors import Refused
from pat_tenants.alerts.models import Alert, AlertKind
from pat_tenants.consents import rules
from pat_tenants.consents.models import (
    BarredGuardian,
    Consent,
    ConsentGiver,
    ConsentMode,
    ConsentQuestion,
    ConsentWithdrawal,
)
from pat_tenants.referrals.models import Need, Scope
from pat_tenants.referrals.rules import RECEIVING
from pat_tenants.survivors.models import Survivor, SurvivorIdentity, SurvivorKey
from pat_tenants.survivors.service import TABLE
from pat_tenants.vault import Vault


@dataclass(frozen=True)
class Terms:
    """What is agreed to, and what was said before."""

    recipient_id: UUID
    purpose: Need
    scopes: Sequence[Scope]
    valid_until: datetime
    notice_version: str
    notice_language: str
    agreed: Sequence[ConsentQuestion]


_ME = text("select sec.survivor()")
_IS_PARTNER = text(
    "select exists (select from app.organisations where id = :id and id <> :mine and kind = any(:kinds))"
)
_REVEAL = text("select trail.reveal(:operation, cast(:revealed as jsonb))")
_WITHDRAW = text(
    "insert into app.consent_withdrawals (organisation_id, consent_id, survivor_id, created_by)"
    " values (:organisation, :consent, :survivor, :actor) on conflict do nothing returning consent_id"
)
_OF_GUARDIANS = (
    select(Consent.id, Consent.survivor_id)
    .outerjoin(
        ConsentWithdrawal,
        (ConsentWithdrawal.organisation_id == Consent.organisation_id)
        & (ConsentWithdrawal.consent_id == Consent.id),
    )
    .where(Consent.giver == ConsentGiver.GUARDIAN.value, ConsentWithdrawal.consent_id.is_(None))
)


async def give_consent(tx: Transaction, vault: Vault, *, terms: Terms) -> UUID:
    """Agree, as the survivor who is signed in; return the consent's id. Raises Refused, as `record_consent` does."""
    survivor_id = await tx.scalar(_ME)
    if survivor_id is None:
        raise Refused("NOT_FOUND", "There is no record of you here.", None)
    return await _record(
        tx, vault, survivor_id, terms, giver=ConsentGiver.SELF, mode=ConsentMode.APP, evidence=None
    )


async def record_consent(
    tx: Transaction,
    vault: Vault,
    *,
    survivor_id: UUID,
    terms: Terms,
    giver: ConsentGiver,
    mode: ConsentMode,
    evidence: str,
) -> UUID:
    """Record what a survivor, or whoever speaks for her as a child, has agreed to; return its id (domain terms of HTCDS 2.0).

    Raises Refused for an unknown survivor or recipient, for somebody who may not speak for her, and for a consent that is not informed,
    runs too long, or has nothing to show for it.
    """
    if mode is ConsentMode.APP:
        raise Refused("MODE_INVALID", "Only she herself agrees in the app, signed in.", "mode")
    return await _record(tx, vault, survivor_id, terms, giver=giver, mode=mode, evidence=evidence)


async def withdraw_consent(tx: Transaction, *, consent_id: UUID) -> None:
    """End a consent, at once and for good. Nothing stands in the way; to withdraw it again changes nothing.

    Whoever looks after her is told, and has an hour to reach her by another way: she may have been made to do it. Raises Refused for
    an unknown one.
    """
    consent = (
        await tx.execute(select(Consent.id, Consent.survivor_id).where(Consent.id == consent_id))
    ).one_or_none()
    if consent is None:
        raise Refused("NOT_FOUND", "There is no such consent.", "id")
    await _withdraw(tx, consent.id, consent.survivor_id)


async def bar_guardian(tx: Transaction, *, survivor_id: UUID) -> None:
    """Ask her guardian nothing any more, and withdraw what he has agreed to: from now on the Child Welfare Committee decides.

    To bar him again changes nothing. What is being recorded of him meanwhile ends before the head of the trail is ours, and is found
    below, or looks again once it has been. Raises Refused for an unknown survivor.
    """
    await _known(tx, survivor_id)
    if await tx.get(BarredGuardian, survivor_id=survivor_id) is None:
        known = {"organisation_id": tx.organisation, "survivor_id": survivor_id, "created_by": tx.actor}
        await tx.insert(BarredGuardian, **known)
        await trail.record(tx, "guardian.barred", [survivor_id])
    for consent in await tx.execute(_OF_GUARDIANS.where(Consent.survivor_id == survivor_id)):
        await _withdraw(tx, consent.id, consent.survivor_id)


async def _withdraw(tx: Transaction, consent_id: UUID, survivor_id: UUID) -> None:
    known = {
        "organisation": tx.organisation,
        "consent": consent_id,
        "survivor": survivor_id,
        "actor": tx.actor,
    }
    if (await tx.execute(_WITHDRAW, known)).one_or_none() is None:
        return
    await tx.insert(
        Alert,
        organisation_id=tx.organisation,
        id=uuid4(),
        survivor_id=survivor_id,
        kind=AlertKind.WITHDRAWAL.value,
        is_raised=True,
    )
    await trail.record(tx, "consent.withdrawn", [consent_id, survivor_id])


async def _record(
    tx: Transaction,
    vault: Vault,
    survivor_id: UUID,
    terms: Terms,
    *,
    giver: ConsentGiver,
    mode: ConsentMode,
    evidence: str | None,
) -> UUID:
    now = datetime.now(UTC)
    rules.is_informed(
        terms.scopes,
        terms.agreed,
        mode,
        evidence,
        notice_version=terms.notice_version,
        notice_language=terms.notice_language,
    )
    if not await is_partner(tx, terms.recipient_id):
        raise rules.nobody_receives()
    survivor = await _known(tx, survivor_id)
    is_barred = (
        giver is ConsentGiver.GUARDIAN and await tx.get(BarredGuardian, survivor_id=survivor_id) is not None
    )
    age = await _age(tx, vault, survivor, now)
    valid_until = rules.until_when(giver, age, terms.valid_until, now, is_guardian_barred=is_barred)
    consent_id, scopes = uuid4(), [scope.value for scope in terms.scopes]
    await tx.insert(
        Consent,
        organisation_id=tx.organisation,
        id=consent_id,
        survivor_id=survivor_id,
        recipient_id=terms.recipient_id,
        purpose=terms.purpose.value,
        scopes=scopes,
        giver=giver.value,
        mode=mode.value,
        notice_version=terms.notice_version,
        notice_language=terms.notice_language,
        agreed=[question.value for question in terms.agreed],
        evidence=evidence,
        valid_until=valid_until,
        created_by=tx.actor,
    )
    subjects = [consent_id, survivor_id, terms.recipient_id]
    await trail.record(tx, "consent.recorded", subjects, scopes=scopes, giver=giver.value, mode=mode.value)
    if giver is ConsentGiver.GUARDIAN and await tx.get(BarredGuardian, survivor_id=survivor_id) is not None:
        # Whoever barred him meanwhile was before us at the head of the trail, and has not seen this consent.
        raise rules.guardian_is_barred()
    return consent_id


async def is_partner(tx: Transaction, organisation_id: UUID) -> bool:
    """Whether something may be shared with an organisation at all: another one than the caller's, that can receive a referral.

    Nothing is shared in any other way: whoever agreed to more would be told of something that does not happen.
    """
    kinds = [kind.value for kind in RECEIVING]
    known = {"id": organisation_id, "mine": tx.organisation, "kinds": kinds}
    return bool(await tx.scalar(_IS_PARTNER, known))


async def _known(tx: Transaction, survivor_id: UUID) -> Survivor:
    survivor = await tx.get(Survivor, survivor_id)
    if survivor is None:
        raise Refused("NOT_FOUND", "There is no such survivor.", "survivorId")
    return survivor


async def _age(tx: Transaction, vault: Vault, survivor: Survivor, now: datetime) -> rules.Age:
    """What is known of when she turns 18. Her birthday is opened, and that recorded, only where the year alone does not tell."""
    known: dict[str, Any] = {"is_minor_at_intake": survivor.is_minor_at_intake}
    age = rules.turning_eighteen(None, survivor.birth_year, **known)
    if age.latest is not None and age.latest <= now.astimezone(rules.INDIA).date():
        return age
    sealed = select(SurvivorKey.wrapped, SurvivorIdentity.birth_date).join(
        SurvivorIdentity,
        (SurvivorIdentity.organisation_id == SurvivorKey.organisation_id)
        & (SurvivorIdentity.survivor_id == SurvivorKey.survivor_id),
    )
    row = (await tx.execute(sealed.where(SurvivorKey.survivor_id == survivor.id))).one_or_none()
    if row is None or row.birth_date is None:
        return age
    ring = vault.ring(tx.organisation)
    await ring.unlock({survivor.id: row.wrapped})
    birth_date = ring.open(Place(tx.organisation, TABLE, "birth_date", survivor.id), row.birth_date)
    revealed = f'[["identity", "{survivor.id}"]]'
    await tx.put(_REVEAL, {"operation": "recordConsent", "revealed": revealed})
    return rules.turning_eighteen(birth_date, survivor.birth_year, **known)
