"""The referrals of the demo network: to six states, in every state that a referral can have, and with every turn that one can take."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from pat_tenants.consents.models import ConsentGiver
from pat_tenants.hearings.arrangements import HearingState
from pat_tenants.referrals.models import Need, ReferralStatus, Scope, Urgency

AGREED_FOR = timedelta(days=180)
"""How long a survivor's agreement runs from the day of sending: the longest that the network allows."""

_LEGAL = (Scope.LEGAL_STATUS, Scope.HEARING_SCHEDULE)
_COURT = (*_LEGAL, Scope.IDENTITY_MINIMAL)
_HOME = (Scope.IDENTITY_MINIMAL, Scope.CONTACT_SAFE, Scope.SHELTER_REPATRIATION)
_SAFETY = (Scope.LEGAL_STATUS, Scope.RISK_SAFETY)
_N, _R, _U, _H = Need, ReferralStatus, Urgency, HearingState
_PARENT, _CWC = ConsentGiver.GUARDIAN, ConsentGiver.CHILD_WELFARE_COMMITTEE


class Turn(StrEnum):
    """What comes in between, or ends it, other than by a step of one of the two sides; in words for whoever looks at it."""

    WITHDRAWN = "she has withdrawn her consent herself: there is an alert"
    BARRED = "her guardian had agreed and was barred: the committee decides now"
    RENEWED = "her first consent ran out, and she has agreed again"
    SUSPENDED = "the receiver has suspended the agreement"
    ORDERED = "a court has ordered it: she was not asked"
    MISSING = "she was missing: shared without her consent, approved by a second person, ended, and reviewed by a third"


_T = Turn


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
    turn: Turn | None = None
    link: HearingState | None = None
    """How far the receiver has prepared the day that is to come, by video link; None: not yet."""


# fmt: off
REFERRALS = (
    ReferralStory("cbo-a", 7, "goa", _R.IN_PROGRESS, _N.COURT_FOLLOW_UP, _LEGAL, 95, _U.SOON, hearings=2, link=_H.VC_REQUESTED),
    ReferralStory("cbo-a", 3, "goa", _R.SENT, _N.LEGAL_REPRESENTATION, _COURT, 4, _U.URGENT),
    ReferralStory("cbo-a", 12, "goa", _R.EXPIRED, _N.COURT_FOLLOW_UP, _LEGAL, 240, hearings=1),
    ReferralStory("cbo-a", 5, "maharashtra", _R.ACCEPTED, _N.SHELTER, _HOME, 21),
    ReferralStory("cbo-a", 15, "delhi", _R.COMPLETED, _N.REPATRIATION, _HOME, 160, _U.SOON),
    ReferralStory("cbo-a", 9, "punjab", _R.DRAFT, _N.TRACING, (), 2, _U.URGENT),
    ReferralStory("cbo-b", 7, "maharashtra", _R.IN_PROGRESS, _N.LEGAL_REPRESENTATION, _COURT, 70, hearings=2, link=_H.READY),
    ReferralStory("cbo-b", 2, "goa", _R.REVOKED, _N.COURT_FOLLOW_UP, _COURT, 130, hearings=1),
    ReferralStory("cbo-b", 11, "uttar-pradesh", _R.DECLINED, _N.SHELTER, _HOME, 55),
    ReferralStory("cbo-b", 4, "gujarat", _R.CLOSED, _N.COURT_FOLLOW_UP, _LEGAL, 300, hearings=2),
    ReferralStory("cbo-b", 6, "delhi", _R.SENT, _N.LEGAL_REPRESENTATION, _LEGAL, 9),
    ReferralStory("cbo-c", 7, "delhi", _R.IN_PROGRESS, _N.COURT_FOLLOW_UP, _LEGAL, 120, _U.SOON, hearings=1, link=_H.ADJOURNED),
    ReferralStory("cbo-c", 1, "maharashtra", _R.SUSPENDED, _N.LEGAL_REPRESENTATION, _SAFETY, 40, _U.URGENT, giver=_CWC),
    ReferralStory("cbo-c", 10, "goa", _R.ACCEPTED, _N.COURT_FOLLOW_UP, _LEGAL, 33, hearings=1, link=_H.MISSED),
    ReferralStory("cbo-c", 8, "punjab", _R.CONSENT_RECORDED, _N.TRACING, (Scope.RISK_SAFETY,), 3, _U.URGENT, giver=_PARENT),
    ReferralStory("cbo-d", 7, "uttar-pradesh", _R.IN_PROGRESS, _N.REPATRIATION, _HOME, 28, _U.SOON),
    ReferralStory("cbo-d", 3, "gujarat", _R.SENT, _N.LEGAL_REPRESENTATION, _COURT, 6),
    ReferralStory("cbo-d", 5, "goa", _R.CLOSED, _N.COURT_FOLLOW_UP, _LEGAL, 210, hearings=2),
    ReferralStory("cbo-e", 7, "gujarat", _R.ACCEPTED, _N.COURT_FOLLOW_UP, _LEGAL, 45, hearings=1, link=_H.CANCELLED),
    ReferralStory("cbo-e", 2, "maharashtra", _R.EXPIRED, _N.SHELTER, _HOME, 260),
    ReferralStory("cbo-e", 4, "delhi", _R.DRAFT, _N.LEGAL_REPRESENTATION, (), 1),
    ReferralStory("cbo-f", 7, "maharashtra", _R.SENT, _N.COURT_FOLLOW_UP, _LEGAL, 12, _U.SOON),
    ReferralStory("cbo-f", 1, "uttar-pradesh", _R.COMPLETED, _N.REPATRIATION, _HOME, 110, giver=_PARENT),
    ReferralStory("cbo-g", 7, "goa", _R.DECLINED, _N.LEGAL_REPRESENTATION, _COURT, 17, giver=_CWC),
    ReferralStory("cbo-g", 2, "punjab", _R.CONSENT_RECORDED, _N.TRACING, (Scope.LEGAL_STATUS,), 2, _U.SOON, giver=_PARENT),
    ReferralStory("cbo-c", 2, "goa", _R.REVOKED, _N.COURT_FOLLOW_UP, _COURT, 60, hearings=1, turn=_T.WITHDRAWN),
    ReferralStory("cbo-f", 2, "delhi", _R.SENT, _N.LEGAL_REPRESENTATION, _LEGAL, 8, _U.SOON, giver=_CWC, turn=_T.BARRED),
    ReferralStory("cbo-d", 2, "maharashtra", _R.IN_PROGRESS, _N.COURT_FOLLOW_UP, _LEGAL, 230, hearings=2, turn=_T.RENEWED),
    ReferralStory("cbo-f", 5, "punjab", _R.SUSPENDED, _N.LEGAL_REPRESENTATION, _LEGAL, 75, hearings=1, turn=_T.SUSPENDED),
    ReferralStory("cbo-c", 6, "maharashtra", _R.ACCEPTED, _N.COURT_FOLLOW_UP, _COURT, 0, turn=_T.ORDERED),
    ReferralStory("cbo-f", 6, "delhi", _R.REVOKED, _N.TRACING, (Scope.CONTACT_SAFE, Scope.RISK_SAFETY), 0, _U.URGENT, turn=_T.MISSING),
)
# fmt: on

OWN_LINKS = (("cbo-a", 7, HearingState.READY), ("cbo-d", 7, HearingState.VC_CONFIRMED))
"""Days by video link that the senders prepare themselves: whose case, and how far it is."""
HELD = ("cbo-e", 7)
"""Whose view of herself is held back, because somebody looks on."""

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
