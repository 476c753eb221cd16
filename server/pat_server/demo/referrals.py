"""The referrals of the demo network: twenty-five, to six states, in every state that a referral can have."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from pat_tenants.consents.models import ConsentGiver
from pat_tenants.referrals.models import Need, ReferralStatus, Scope, Urgency

AGREED_FOR = timedelta(days=180)
"""How long a survivor's agreement runs from the day of sending: the longest that the network allows."""

_LEGAL = (Scope.LEGAL_STATUS, Scope.HEARING_SCHEDULE)
_COURT = (*_LEGAL, Scope.IDENTITY_MINIMAL)
_HOME = (Scope.IDENTITY_MINIMAL, Scope.CONTACT_SAFE, Scope.SHELTER_REPATRIATION)
_SAFETY = (Scope.LEGAL_STATUS, Scope.RISK_SAFETY)
_N, _R, _U = Need, ReferralStatus, Urgency
_PARENT, _CWC = ConsentGiver.GUARDIAN, ConsentGiver.CHILD_WELFARE_COMMITTEE


@dataclass(frozen=True)
class ReferralStory:
    """One referral: whose case, to whom, how far it came, and how many days ago it was sent (a draft: begun)."""

    sender: str
    case: int
    receiver: str
    status: ReferralStatus
    need: Need
    scopes: tuple[Scope, ...]
    days_ago: int
    urgency: Urgency = Urgency.ROUTINE
    hearings: int = 0
    """How many hearings the receiver reported."""
    giver: ConsentGiver = ConsentGiver.SELF
    """Who agreed: for a child somebody else."""


# fmt: off
REFERRALS = (
    ReferralStory("cbo-a", 7, "goa", _R.IN_PROGRESS, _N.COURT_FOLLOW_UP, _LEGAL, 95, _U.SOON, hearings=2),
    ReferralStory("cbo-a", 3, "goa", _R.SENT, _N.LEGAL_REPRESENTATION, _COURT, 4, _U.URGENT),
    ReferralStory("cbo-a", 12, "goa", _R.EXPIRED, _N.COURT_FOLLOW_UP, _LEGAL, 240, hearings=1),
    ReferralStory("cbo-a", 5, "maharashtra", _R.ACCEPTED, _N.SHELTER, _HOME, 21),
    ReferralStory("cbo-a", 15, "delhi", _R.COMPLETED, _N.REPATRIATION, _HOME, 160, _U.SOON),
    ReferralStory("cbo-a", 9, "punjab", _R.DRAFT, _N.TRACING, (), 2, _U.URGENT),
    ReferralStory("cbo-b", 7, "maharashtra", _R.IN_PROGRESS, _N.LEGAL_REPRESENTATION, _COURT, 70, hearings=2),
    ReferralStory("cbo-b", 2, "goa", _R.REVOKED, _N.COURT_FOLLOW_UP, _COURT, 130, hearings=1),
    ReferralStory("cbo-b", 11, "uttar-pradesh", _R.DECLINED, _N.SHELTER, _HOME, 55),
    ReferralStory("cbo-b", 4, "gujarat", _R.CLOSED, _N.COURT_FOLLOW_UP, _LEGAL, 300, hearings=2),
    ReferralStory("cbo-b", 6, "delhi", _R.SENT, _N.LEGAL_REPRESENTATION, _LEGAL, 9),
    ReferralStory("cbo-c", 7, "delhi", _R.IN_PROGRESS, _N.COURT_FOLLOW_UP, _LEGAL, 120, _U.SOON, hearings=1),
    ReferralStory("cbo-c", 1, "maharashtra", _R.SUSPENDED, _N.LEGAL_REPRESENTATION, _SAFETY, 40, _U.URGENT, giver=_CWC),
    ReferralStory("cbo-c", 10, "goa", _R.ACCEPTED, _N.COURT_FOLLOW_UP, _LEGAL, 33, hearings=1),
    ReferralStory("cbo-c", 8, "punjab", _R.CONSENT_RECORDED, _N.TRACING, (Scope.RISK_SAFETY,), 3, _U.URGENT, giver=_PARENT),
    ReferralStory("cbo-d", 7, "uttar-pradesh", _R.IN_PROGRESS, _N.REPATRIATION, _HOME, 28, _U.SOON),
    ReferralStory("cbo-d", 3, "gujarat", _R.SENT, _N.LEGAL_REPRESENTATION, _COURT, 6),
    ReferralStory("cbo-d", 5, "goa", _R.CLOSED, _N.COURT_FOLLOW_UP, _LEGAL, 210, hearings=2),
    ReferralStory("cbo-e", 7, "gujarat", _R.ACCEPTED, _N.COURT_FOLLOW_UP, _LEGAL, 45, hearings=1),
    ReferralStory("cbo-e", 2, "maharashtra", _R.EXPIRED, _N.SHELTER, _HOME, 260),
    ReferralStory("cbo-e", 4, "delhi", _R.DRAFT, _N.LEGAL_REPRESENTATION, (), 1),
    ReferralStory("cbo-f", 7, "maharashtra", _R.SENT, _N.COURT_FOLLOW_UP, _LEGAL, 12, _U.SOON),
    ReferralStory("cbo-f", 1, "uttar-pradesh", _R.COMPLETED, _N.REPATRIATION, _HOME, 110, giver=_PARENT),
    ReferralStory("cbo-g", 7, "goa", _R.DECLINED, _N.LEGAL_REPRESENTATION, _COURT, 17, giver=_CWC),
    ReferralStory("cbo-g", 2, "punjab", _R.CONSENT_RECORDED, _N.TRACING, (Scope.LEGAL_STATUS,), 2, _U.SOON, giver=_PARENT),
)
# fmt: on

BEFORE_SENDING = frozenset({_R.DRAFT, _R.CONSENT_RECORDED})
UNANSWERED = frozenset({*BEFORE_SENDING, _R.SENT})
TAKEN_UP = frozenset({_R.IN_PROGRESS, _R.COMPLETED, _R.CLOSED, _R.EXPIRED, _R.REVOKED})
FINISHED = frozenset({_R.COMPLETED, _R.CLOSED})


@dataclass(frozen=True)
class Timeline:
    """When each step of a referral was taken, as the story tells it; steps that were not taken have a moment all the same."""

    drafted_at: datetime
    sent_at: datetime
    agreed_until: datetime
    answered_at: datetime
    taken_up_at: datetime
    completed_at: datetime
    ended_at: datetime


def timeline(story: ReferralStory, now: datetime) -> Timeline:
    """The moments of one referral, seen from ``now``; only a draft that is older than its steps has some in the future."""
    sent_at = now - timedelta(days=story.days_ago)
    until_now = min(now - sent_at, AGREED_FOR)
    return Timeline(
        drafted_at=sent_at - timedelta(days=2),
        sent_at=sent_at,
        agreed_until=sent_at + AGREED_FOR,
        answered_at=sent_at + until_now * 0.15,
        taken_up_at=sent_at + until_now * 0.3,
        completed_at=sent_at + until_now * 0.7,
        ended_at=sent_at + until_now * 0.8,
    )
