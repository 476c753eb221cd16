"""What may be done with a referral, by either side. Pure decisions; which step leads where is ``transitions/steps.py``'s."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from pat_platform.errors import Refused
from pat_tenants.organisations.models import OrganisationKind
from pat_tenants.referrals.models import Answer, DeclineReason, ReferralStatus, Scope, SenderState
from pat_tenants.transitions import steps

RECEIVING = frozenset({OrganisationKind.DESTINATION})
"""Where somebody has a role that can receive a referral."""


@dataclass(frozen=True)
class Allowed:
    """What somebody allows: these scopes, until then. ``is_live`` is false for what is withdrawn, suspended or yet to come."""

    scopes: Collection[str]
    until: datetime
    is_live: bool = True

    def holds(self, now: datetime) -> bool:
        """Whether it allows anything now."""
        return self.is_live and self.until > now


def sender_may(current: ReferralStatus, wanted: ReferralStatus, own: SenderState) -> None:
    """Raises Refused when the sender cannot take this step, has taken it already, or has revoked the referral itself."""
    if steps.step(current, wanted) is None or own.value == wanted.value or own is SenderState.REVOKED:
        raise Refused(
            "STATUS_NOT_ALLOWED",
            "This referral cannot take that step now. Look at its state first.",
            "status",
        )


def receiver_may(current: ReferralStatus, answer: Answer) -> None:
    """Raises Refused when the receiver cannot give this answer."""
    if steps.step(current, ReferralStatus(answer.value)) is None:
        raise Refused(
            "STATUS_NOT_ALLOWED",
            "This referral cannot be answered like that now. Look at its state first.",
            "answer",
        )


def consent_covers(
    consent: Allowed | None, scopes: Collection[str], until: datetime | None, now: datetime
) -> None:
    """Raises Refused where no consent runs, where the referral would share more than it says, or would be over already."""
    if consent is None or not consent.holds(now):
        raise Refused(
            "CONSENT_MISSING",
            "The survivor has not agreed to share this with that organisation for this, or no longer. Ask her.",
            "consentId",
        )
    if not scopes or not set(scopes) <= set(consent.scopes):
        raise Refused(
            "CONSENT_SCOPE", "A referral shares what the survivor agreed to, and no more.", "scopes"
        )
    _is_not_over(until, now)


def basis_covers(
    basis: Allowed | None, scopes: Collection[str], until: datetime | None, now: datetime
) -> None:
    """Raises Refused where no other basis holds, where the referral would share more than it says, or would be over already."""
    if basis is None or not basis.holds(now):
        raise Refused(
            "BASIS_MISSING",
            "This legal basis is not about her, that organisation and this, is not approved, or is over.",
            "legalBasisId",
        )
    if not scopes or not set(scopes) <= set(basis.scopes):
        raise Refused("BASIS_SCOPE", "A referral shares what its legal basis names, and no more.", "scopes")
    _is_not_over(until, now)


def _is_not_over(until: datetime | None, now: datetime) -> None:
    if until is None or until <= now:
        raise Refused("DATES_INVALID", "This referral would be over already.", "until")


def agreement_covers(agreement: Allowed | None, scopes: Collection[str], now: datetime) -> datetime:
    """Until when the agreement of the two organisations covers what is shared.

    Raises Refused where there is none that is live, and where it does not cover all of it.
    """
    if agreement is None or not agreement.holds(now):
        raise Refused(
            "AGREEMENT_MISSING",
            "There is no live agreement with that organisation: it is not signed by both, suspended, over or not yet in force."
            " Your administrators see which of these.",
            None,
        )
    if not set(scopes) <= set(agreement.scopes):
        raise Refused(
            "AGREEMENT_SCOPE",
            "Your agreement with that organisation does not allow to share all of this.",
            "scopes",
        )
    return agreement.until


def is_reasoned(answer: Answer, reason: DeclineReason | None) -> None:
    """Raises Refused for a referral that is declined without a reason, and for a reason of any other answer."""
    if answer is Answer.DECLINED and reason is None:
        raise Refused(
            "REASON_MISSING", "Say why you decline, so that she can be helped by somebody else.", "reason"
        )
    if answer is not Answer.DECLINED and reason is not None:
        raise Refused("REASON_NOT_ALLOWED", "Only what is declined has a reason.", "reason")


def is_shared(status: ReferralStatus, scopes: Collection[str], scope: Scope) -> None:
    """Raises Refused where the receiver is not shown a class of data through a referral."""
    if status not in {ReferralStatus.ACCEPTED, ReferralStatus.IN_PROGRESS} or scope not in scopes:
        raise Refused("NOT_SHARED", "This is not shared through this referral, or no longer.", None)
