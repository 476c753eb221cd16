"""What may be shared without a survivor's consent, for how long, and who looks at it when. Pure decisions."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from uuid import UUID

from pat_platform.errors import Refused
from pat_platform.texts import plain
from pat_tenants.bases.models import LegalBasis, LegalBasisKind
from pat_tenants.cases.rules import NOTE_LIMIT
from pat_tenants.referrals.models import Scope

LONGEST: Mapping[LegalBasisKind, timedelta] = MappingProxyType(
    {
        LegalBasisKind.COURT_ORDER: timedelta(days=180),
        LegalBasisKind.STATUTORY_DUTY: timedelta(days=180),
        LegalBasisKind.VITAL_INTEREST: timedelta(hours=72),
    }
)

OF_VITAL_INTEREST = frozenset({Scope.CONTACT_SAFE, Scope.SHELTER_REPATRIATION, Scope.RISK_SAFETY})
"""Where she is or can be reached, and how great the risk to her is."""

_REFERENCE = re.compile(
    r"(?:[A-Z]{1,5}[-/. ]{0,2})?(?:S[-/. ]{1,2})?[0-9]{1,6}(?:[-/. ]{1,2}[0-9]{1,6}){0,6}"
)
"""Of a court's register with the day, or of a law and its section: one abbreviation and numbers, no words about anybody."""


def may_be_recorded(
    kind: LegalBasisKind,
    scopes: Collection[Scope],
    *,
    reference: str | None,
    reason: str | None,
    valid_until: datetime,
    now: datetime,
) -> None:
    """Raises Refused for a basis that allows nothing, too much or for too long, or that does not say what it rests on."""
    if not scopes:
        raise Refused("BASIS_SCOPE", "A legal basis names what may be shared.", "scopes")
    if not now < valid_until <= now + LONGEST[kind]:
        raise Refused(
            "DATES_INVALID",
            "A vital interest runs for 72 hours at most, an order or a duty for 180 days.",
            "validUntil",
        )
    if kind is LegalBasisKind.VITAL_INTEREST:
        _is_vital(scopes, reference, reason)
        return
    if reason is not None:
        raise Refused("REASON_INVALID", "An order or a duty needs no reason: its number says it.", "reason")
    if reference is None or not _REFERENCE.fullmatch(reference):
        raise Refused(
            "REFERENCE_INVALID",
            "Write the number and the day of the order, such as WP 1234/2026 12.11.2026, or the law and the section, such as POCSO 19.",
            "reference",
        )


def _is_vital(scopes: Collection[Scope], reference: str | None, reason: str | None) -> None:
    if not set(scopes) <= OF_VITAL_INTEREST:
        raise Refused(
            "BASIS_SCOPE",
            "To find her, where she can be reached and the risk to her is shared, and nothing else.",
            "scopes",
        )
    if reference is not None:
        raise Refused("REFERENCE_INVALID", "A vital interest has a reason, and no number.", "reference")
    if reason is None or not plain(reason, limit=NOTE_LIMIT, field="reason", lines=True):
        raise Refused("REASON_MISSING", "Write why this cannot wait for her consent.", "reason")


def may_be_approved(basis: LegalBasis, by: UUID, now: datetime) -> None:
    """Raises Refused where nothing is to be approved, or by somebody else, or no longer."""
    if basis.kind != LegalBasisKind.VITAL_INTEREST:
        raise Refused("APPROVAL_NOT_NEEDED", "Only a vital interest needs a second person's approval.", "id")
    if basis.approved_at is not None:
        raise Refused("ALREADY_APPROVED", "Somebody has approved this already.", "id")
    if not _runs(basis, now):
        raise Refused("BASIS_OVER", "This is over already.", "id")
    if by == basis.created_by:
        raise Refused("SAME_PERSON", "Somebody else approves what you have recorded.", "id")


def is_to_be_ended(basis: LegalBasis, now: datetime) -> bool:
    """Whether there is anything to end: what is over stays so."""
    return _runs(basis, now)


def may_be_reviewed(basis: LegalBasis, by: UUID, now: datetime) -> None:
    """Raises Refused where there is nothing to review, not yet, no more, or by somebody who had a part in it."""
    if basis.approved_at is None:
        raise Refused("REVIEW_NOT_NEEDED", "Nothing was shared on this: there is nothing to review.", "id")
    if basis.reviewed_at is not None:
        raise Refused("ALREADY_REVIEWED", "Somebody has reviewed this already.", "id")
    if _runs(basis, now):
        raise Refused("BASIS_RUNS", "This still runs. It is reviewed when it has ended.", "id")
    if by in (basis.created_by, basis.approved_by):
        raise Refused("SAME_PERSON", "Somebody reviews this who has neither recorded nor approved it.", "id")


def _runs(basis: LegalBasis, now: datetime) -> bool:
    return basis.ended_at is None and basis.valid_until > now
