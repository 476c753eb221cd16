"""Sharing as a few lines of Python that know nothing of the database: who signed, who agreed, what was sent, and who sees what.

What there is instead of a consent is a consent here that she does not end.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

ORIGINS, RECEIVERS = ("cbo-a", "cbo-b"), ("goa", "delhi")
RUNNING = ("SENT", "ACCEPTED", "IN_PROGRESS")
OPEN = ("ACCEPTED", "IN_PROGRESS")
ANSWERS = ("ACCEPTED", "IN_PROGRESS", "COMPLETED", "DECLINED")
# Written anew here, not read from the table of steps that it is compared with.
SENDER: dict[str, tuple[str, ...]] = {
    "DRAFT": ("CONSENT_RECORDED",),
    "CONSENT_RECORDED": ("SENT",),
    **dict.fromkeys(RUNNING, ("SUSPENDED", "REVOKED", "CLOSED")),
    "SUSPENDED": ("SENT", "SUSPENDED", "REVOKED"),
    "EXPIRED": ("SUSPENDED", "REVOKED", "CLOSED"),
    "REVOKED": ("SUSPENDED", "REVOKED", "CLOSED"),
    "DECLINED": ("CLOSED",),
    "COMPLETED": ("CLOSED",),
}
RECEIVER: dict[str, tuple[str, ...]] = {
    "SENT": ("ACCEPTED", "DECLINED"),
    "ACCEPTED": ("IN_PROGRESS", "COMPLETED"),
    "IN_PROGRESS": ("COMPLETED",),
}
FLAWS = (
    *("withdrawal", "suspension", "answer"),
    *("end of an agreement", "end of a consent", "end of a referral"),
    *("scopes of an agreement", "scopes of a consent"),
    "approval",
)
"""What a model may be made to forget, to see that the comparison notices."""


@dataclass
class Signed:
    """What one side has signed."""

    scopes: frozenset[str]
    is_suspended: bool = False
    is_over: bool = False


@dataclass
class Consent:
    """What she, or whoever speaks for her, has agreed to."""

    origin: str
    to: str
    scopes: frozenset[str]
    is_withdrawn: bool = False
    is_over: bool = False

    @property
    def counts(self) -> bool:
        return True

    @property
    def runs(self) -> bool:
        return self.counts and not self.is_withdrawn and not self.is_over


@dataclass
class Basis(Consent):
    """What there is instead: ended as a consent is withdrawn, and, for a vital interest, nothing before it is approved."""

    is_vital: bool = False
    is_approved: bool = False

    @property
    def counts(self) -> bool:
        return self.is_approved or not self.is_vital


@dataclass
class Referral:
    """What the sender's row says, and what its receiver has answered and reported."""

    origin: str
    to: str
    state: str = "DRAFT"
    consent: Consent | None = None
    scopes: frozenset[str] = frozenset()
    is_over: bool = False
    answers: set[str] = field(default_factory=set)
    reported: int = 0

    @property
    def is_sent(self) -> bool:
        return self.state not in ("DRAFT", "CONSENT_RECORDED")


@dataclass
class Model:
    """All of it. ``forgets`` names what it does not look at."""

    forgets: Collection[str] = ()
    signed: dict[tuple[str, str], Signed] = field(default_factory=dict)

    def agreement(self, referral: Referral) -> tuple[str, frozenset[str]]:
        """What holds between the two: a status, and the scopes that both allow."""
        both = [
            self.signed.get(pair) for pair in ((referral.origin, referral.to), (referral.to, referral.origin))
        ]
        ours, theirs = both
        if ours is None or theirs is None:
            return "NONE", frozenset()
        scopes = ours.scopes & theirs.scopes
        if (ours.is_suspended or theirs.is_suspended) and "suspension" not in self.forgets:
            return "SUSPENDED", scopes
        if (ours.is_over or theirs.is_over) and "end of an agreement" not in self.forgets:
            return "EXPIRED", scopes
        return "LIVE", scopes

    def status(self, referral: Referral) -> str:
        """What both sides see of it."""
        if referral.state != "SENT":
            return referral.state
        said = [] if "answer" in self.forgets else referral.answers
        for end in ("DECLINED", "COMPLETED"):
            if end in said:
                return end
        consent, (agreement, _) = referral.consent, self.agreement(referral)
        counts = consent is not None and (consent.counts or "approval" in self.forgets)
        if consent and counts and consent.is_withdrawn and "withdrawal" not in self.forgets:
            return "REVOKED"
        if agreement == "SUSPENDED":
            return agreement
        if agreement != "LIVE" or consent is None or not counts:
            return "EXPIRED"
        if consent.is_over and "end of a consent" not in self.forgets:
            return "EXPIRED"
        if referral.is_over and "end of a referral" not in self.forgets:
            return "EXPIRED"
        return next((answer for answer in ("IN_PROGRESS", "ACCEPTED") if answer in said), "SENT")

    def shared(self, referral: Referral) -> frozenset[str]:
        """What its receiver is shown."""
        if referral.consent is None or self.status(referral) not in OPEN:
            return frozenset()
        scopes = referral.scopes
        if "scopes of a consent" not in self.forgets:
            scopes &= referral.consent.scopes
        if "scopes of an agreement" not in self.forgets:
            scopes &= self.agreement(referral)[1]
        return scopes

    def covers(self, consent: Consent | None, scopes: frozenset[str], *, is_over: bool) -> bool:
        """Whether a referral may stand on it."""
        return bool(consent and consent.runs and scopes and scopes <= consent.scopes and not is_over)

    def may_stand(self, referral: Referral, ground: Consent) -> bool:
        """Whether it may be put on another ground as it is: what was taken back goes on only when it is sent anew."""
        is_the_same = ground is referral.consent
        return is_the_same or referral.state != "SENT" or self.status(referral) != "REVOKED"

    def may_move(self, referral: Referral, to: str) -> bool:
        """Whether the sender's step is one, and what must hold for it does. To stay where one is, is none, and harms nobody."""
        if to == referral.state:
            return True
        if referral.state == "REVOKED" or to not in SENDER.get(self.status(referral), ()):
            return False
        if to not in ("CONSENT_RECORDED", "SENT"):
            return True
        if not self.covers(referral.consent, referral.scopes, is_over=referral.is_over):
            return False
        agreement, scopes = self.agreement(referral)
        return to != "SENT" or (agreement == "LIVE" and referral.scopes <= scopes)

    def may_answer(self, referral: Referral, by: str, answer: str) -> bool:
        """Whether an organisation may say this of it."""
        is_receiver = by == referral.to and referral.is_sent
        return is_receiver and answer in RECEIVER.get(self.status(referral), ())

    def may_report(self, referral: Referral, by: str) -> bool:
        """Whether an organisation may write down a day in court under it."""
        return by == referral.to and "HEARING_SCHEDULE" in self.shared(referral)
