"""What may be done with a referral, by either side. Pure decisions."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from types import MappingProxyType

from pat_platform.errors import Refused
from pat_tenants.referrals.models import Answer, ReferralStatus, Scope, SenderState

_S, _R = SenderState, ReferralStatus

SENDER_MOVES: Mapping[SenderState, frozenset[SenderState]] = MappingProxyType(
    {
        _S.DRAFT: frozenset({_S.CONSENT_RECORDED}),
        _S.CONSENT_RECORDED: frozenset({_S.SENT}),
        _S.SENT: frozenset({_S.SUSPENDED, _S.REVOKED, _S.CLOSED}),
        _S.SUSPENDED: frozenset({_S.SENT, _S.REVOKED}),
        _S.REVOKED: frozenset(),
        _S.CLOSED: frozenset(),
    }
)
"""Which state of its own the sender may put a referral into."""

RECEIVER_MOVES: Mapping[ReferralStatus, frozenset[Answer]] = MappingProxyType(
    {
        _R.SENT: frozenset({Answer.ACCEPTED, Answer.DECLINED}),
        _R.ACCEPTED: frozenset({Answer.IN_PROGRESS, Answer.COMPLETED}),
        _R.IN_PROGRESS: frozenset({Answer.COMPLETED}),
    }
)
"""What the receiver may answer to a referral in a state; nothing to one that is not named."""


def sender_may(current: SenderState, wanted: SenderState) -> None:
    """Raises Refused when the sender cannot take this step."""
    if wanted not in SENDER_MOVES[current]:
        raise Refused(
            "STATUS_NOT_ALLOWED",
            "This referral cannot take that step now. Look at its state first.",
            "status",
        )


def receiver_may(current: ReferralStatus, answer: Answer) -> None:
    """Raises Refused when the receiver cannot give this answer."""
    if answer not in RECEIVER_MOVES.get(current, frozenset()):
        raise Refused(
            "STATUS_NOT_ALLOWED",
            "This referral cannot be answered like that now. Look at its state first.",
            "answer",
        )


def agreement_holds(scopes: Collection[Scope], agreed_until: datetime | None, now: datetime) -> None:
    """Raises Refused when the survivor has not agreed, when her agreement names nothing to share, or when it has run out."""
    if agreed_until is None:
        raise Refused("CONSENT_MISSING", "The survivor has not agreed to share this case.", "agreedUntil")
    if not scopes:
        raise Refused("CONSENT_SCOPE", "The survivor's agreement must name what may be shared.", "scopes")
    if agreed_until <= now:
        raise Refused(
            "CONSENT_MISSING", "The survivor's agreement has run out. Ask her again.", "agreedUntil"
        )
