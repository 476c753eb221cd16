"""The steps of a referral, written once.

From here come the rules of the verbs, the rows of ``app.transitions`` that the database's triggers ask, and `allowedTransitions`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from pat_auth.policy import POLICY, Permission
from pat_tenants.referrals.models import ReferralStatus


class Guard(StrEnum):
    """What must hold besides."""

    CONSENT = "CONSENT"
    """A consent that runs and covers what the referral shares."""
    TERMS = "TERMS"
    """That, and an agreement between the two organisations that is live and covers it too."""


@dataclass(frozen=True)
class Step:
    """One line: who holds ``permission`` may lead from ``before`` to ``after``, if the guard holds."""

    before: ReferralStatus
    after: ReferralStatus
    permission: Permission
    guard: Guard | None = None


REFERRAL = "referral"
_S, _SEND, _ANSWER = ReferralStatus, Permission.REFERRAL_SEND, Permission.REFERRAL_ANSWER
_RUNNING = (_S.SENT, _S.ACCEPTED, _S.IN_PROGRESS)

STEPS: tuple[Step, ...] = (
    Step(_S.DRAFT, _S.CONSENT_RECORDED, _SEND, Guard.CONSENT),
    Step(_S.CONSENT_RECORDED, _S.SENT, _SEND, Guard.TERMS),
    Step(_S.SENT, _S.ACCEPTED, _ANSWER),
    Step(_S.SENT, _S.DECLINED, _ANSWER),
    Step(_S.ACCEPTED, _S.IN_PROGRESS, _ANSWER),
    Step(_S.ACCEPTED, _S.COMPLETED, _ANSWER),
    Step(_S.IN_PROGRESS, _S.COMPLETED, _ANSWER),
    *(Step(running, _S.SUSPENDED, _SEND) for running in _RUNNING),
    Step(_S.SUSPENDED, _S.SENT, _SEND, Guard.TERMS),
    *(Step(each, _S.REVOKED, _SEND) for each in (*_RUNNING, _S.SUSPENDED, _S.EXPIRED)),
    *(Step(each, _S.CLOSED, _SEND) for each in (*_RUNNING, _S.DECLINED, _S.COMPLETED, _S.EXPIRED)),
)
"""EXPIRED is nobody's step: it is what is read once time has passed."""


def step(before: ReferralStatus, after: ReferralStatus) -> Step | None:
    """The step between two states, or None where there is none."""
    return _BY_STATES.get((before, after))


def rows() -> Iterator[tuple[str, str, str, str, str | None, tuple[str, ...]]]:
    """What the database has of each step: noun, states, permission, guard, roles."""
    for each in STEPS:
        roles = tuple(role.value for role in POLICY[each.permission])
        guard = each.guard and each.guard.value
        yield REFERRAL, each.before.value, each.after.value, each.permission.value, guard, roles


_BY_STATES = {(each.before, each.after): each for each in STEPS}
