"""The steps of a referral, and of a day in court, written once.

From here come the rules of the verbs, the rows of ``app.transitions`` that the database's triggers ask, and `allowedTransitions`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from pat_auth.policy import POLICY, Permission
from pat_tenants.hearings.arrangements import UPCOMING, HearingState
from pat_tenants.referrals.models import ReferralStatus

State = TypeVar("State", bound=StrEnum)


class Guard(StrEnum):
    """What must hold besides."""

    CONSENT = "CONSENT"
    """A consent that runs and covers what the referral shares."""
    TERMS = "TERMS"
    """That, and an agreement between the two organisations that is live and covers it too."""
    VIDEO = "VIDEO"
    """She speaks by video link."""
    LINK = "LINK"
    """That, and both ends of the link are known."""
    SUPPORT = "SUPPORT"
    """That, somebody coordinates the remote point, and a child has a support person."""
    LINK_CONFIRMED = "LINK_CONFIRMED"
    """She speaks by video link, the court's end is known, and whoever sent the referral has confirmed hers."""
    SUPPORT_CONFIRMED = "SUPPORT_CONFIRMED"
    """That, it was confirmed that somebody coordinates her end, and a child has a support person."""
    ROOM = "ROOM"
    """She is in the court room, and a child has a support person."""


@dataclass(frozen=True)
class Step(Generic[State]):
    """One line: who holds ``permission`` may lead from ``before`` to ``after``, if the guard holds."""

    before: State
    after: State
    permission: Permission
    guard: Guard | None = None


REFERRAL = "referral"
_S, _SEND, _ANSWER = ReferralStatus, Permission.REFERRAL_SEND, Permission.REFERRAL_ANSWER
_RUNNING = (_S.SENT, _S.ACCEPTED, _S.IN_PROGRESS)
_DERIVED = (_S.SUSPENDED, _S.EXPIRED, _S.REVOKED)

STEPS: tuple[Step[ReferralStatus], ...] = (
    Step(_S.DRAFT, _S.CONSENT_RECORDED, _SEND, Guard.CONSENT),
    Step(_S.CONSENT_RECORDED, _S.SENT, _SEND, Guard.TERMS),
    Step(_S.SENT, _S.ACCEPTED, _ANSWER),
    Step(_S.SENT, _S.DECLINED, _ANSWER),
    Step(_S.ACCEPTED, _S.IN_PROGRESS, _ANSWER),
    Step(_S.ACCEPTED, _S.COMPLETED, _ANSWER),
    Step(_S.IN_PROGRESS, _S.COMPLETED, _ANSWER),
    *(Step(each, _S.SUSPENDED, _SEND) for each in (*_RUNNING, *_DERIVED)),
    Step(_S.SUSPENDED, _S.SENT, _SEND, Guard.TERMS),
    *(Step(each, _S.REVOKED, _SEND) for each in (*_RUNNING, *_DERIVED)),
    *(
        Step(each, _S.CLOSED, _SEND)
        for each in (*_RUNNING, _S.DECLINED, _S.COMPLETED, _S.EXPIRED, _S.REVOKED)
    ),
)
"""EXPIRED is nobody's step: it is what is read once time has passed.

What is read as SUSPENDED or REVOKED may follow from an agreement or a withdrawal, while the sender's own state is still SENT: then the
sender may say the same itself, so that it stays shut whatever is lifted or agreed to. Where its own state is the one that it would lead
to, or is REVOKED, there is no step.
"""


HEARING, REFERRAL_HEARING = "hearing", "referral_hearing"
_H = HearingState
_ENDS_OTHERWISE = (_H.ADJOURNED, _H.MISSED, _H.CANCELLED)


def _hearing_steps(permission: Permission, link: Guard, support: Guard) -> tuple[Step[HearingState], ...]:
    """Those of a day in court, for whoever writes of it: the video link as the Supreme Court's procedure for children has it."""
    return (
        Step(_H.SCHEDULED, _H.VC_REQUESTED, permission, Guard.VIDEO),
        Step(_H.VC_REQUESTED, _H.VC_CONFIRMED, permission, link),
        Step(_H.VC_CONFIRMED, _H.READY, permission, support),
        Step(_H.SCHEDULED, _H.READY, permission, Guard.ROOM),
        Step(_H.READY, _H.HELD, permission),
        *(Step(each, end, permission) for each in _H if each in UPCOMING for end in _ENDS_OTHERWISE),
    )


HEARING_STEPS = _hearing_steps(Permission.PROCEEDING_RECORD, Guard.LINK, Guard.SUPPORT)
REPORTED_STEPS = _hearing_steps(_ANSWER, Guard.LINK_CONFIRMED, Guard.SUPPORT_CONFIRMED)
"""The same, of what a receiver reports: her end of a link is for whoever sent the referral to confirm."""


def step(before: ReferralStatus, after: ReferralStatus) -> Step[ReferralStatus] | None:
    """The step of a referral between two states, or None where there is none."""
    return _BY_STATES.get((before, after))


def hearing_step(before: HearingState, after: HearingState) -> Step[HearingState] | None:
    """The step of a day in court between two states, or None where there is none."""
    return _OF_HEARINGS.get((before, after))


def reported_step(before: HearingState, after: HearingState) -> Step[HearingState] | None:
    """The same, of a day that a receiver reports."""
    return _OF_REPORTED.get((before, after))


def rows() -> Iterator[tuple[str, str, str, str, str | None, tuple[str, ...]]]:
    """What the database has of each step: noun, states, permission, guard, roles."""
    nouns: tuple[tuple[str, tuple[Step[ReferralStatus] | Step[HearingState], ...]], ...] = (
        (REFERRAL, STEPS),
        (HEARING, HEARING_STEPS),
        (REFERRAL_HEARING, REPORTED_STEPS),
    )
    for noun, several in nouns:
        for each in several:
            roles = tuple(role.value for role in POLICY[each.permission])
            guard = each.guard and each.guard.value
            yield noun, each.before.value, each.after.value, each.permission.value, guard, roles


_BY_STATES = {(each.before, each.after): each for each in STEPS}
_OF_HEARINGS = {(each.before, each.after): each for each in HEARING_STEPS}
_OF_REPORTED = {(each.before, each.after): each for each in REPORTED_STEPS}
