"""Every combination of what a referral stands on, as rows side by side, and what each side must then see of it.

A further dimension is a line: a way of having signed, a ground to stand on, a state, an answer.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import chain, combinations, product
from typing import Any
from uuid import UUID, uuid5

PARTS = {
    "LEGAL_STATUS": ("legalStatus", "SharedLegalStatus", "proceedings { stage }"),
    "HEARING_SCHEDULE": ("schedule", "SharedSchedule", "hearings { state }"),
    "IDENTITY_MINIMAL": ("identity", "SharedIdentity", "gender"),
    "CONTACT_SAFE": ("contact", "SharedContact", "primaryLanguage"),
    "RISK_SAFETY": ("risk", "SharedRisk", "level"),
}
"""What each scope opens: the field, its type, and something of it."""

ALL = tuple(PARTS)
NARROW = ("LEGAL_STATUS", "CONTACT_SAFE")
NOW = datetime.now(UTC)
OVER = NOW - timedelta(minutes=1)
SOONEST, SOON, LATER, LATEST = (NOW + timedelta(days=days) for days in (2, 10, 20, 30))
SIGNED_UNTIL = NOW + timedelta(days=15)

CONSENT, VITAL_INTEREST = "CONSENT", "VITAL_INTEREST"
VITAL = ("CONTACT_SAFE", "RISK_SAFETY")
"""All that a vital interest may share of these."""

NAMES = UUID("6f1d2c6a-3d2b-4b8f-9d53-0d4c2f6f7a10")


@dataclass(frozen=True)
class Signed:
    """What is done to what both have signed, and what then holds."""

    status: str
    ours: str | None = ""
    """A change of the sender's row; None takes it away."""
    theirs: str | None = ""
    scopes: tuple[str, ...] = ALL
    between: tuple[str, str] | None = None
    """Sender and receiver, where that concerns all that one of them has signed with others."""
    shut: str | None = None
    """Whom the secretariat has suspended in the whole network."""
    is_lifted: bool = False


@dataclass(frozen=True)
class Ground:
    """What a referral stands on beside the agreement: a consent, another basis, or nothing; and whether that holds."""

    kind: str | None = CONSENT
    is_taken_back: bool = False
    """The consent was withdrawn, or the basis ended."""
    is_over: bool = False
    is_approved: bool = True
    after_withdrawal: bool = False
    """There was a consent before, which she has withdrawn."""

    @property
    def holds(self) -> bool:
        return self.kind is not None and self.is_approved and not self.is_taken_back and not self.is_over


AGREEMENTS = {
    "live": Signed("LIVE"),
    "nobody signed": Signed("NONE", ours=None, theirs=None),
    "they did not sign": Signed("NONE", theirs=None),
    "we did not sign": Signed("NONE", ours=None),
    "suspended by us": Signed("SUSPENDED", ours="suspended_at = now()"),
    "suspended by them": Signed("SUSPENDED", theirs="suspended_at = now()"),
    "ours is over": Signed("NONE", ours="valid_until = now() - interval '1 minute'"),
    "theirs is over": Signed("NONE", theirs="valid_until = now() - interval '1 minute'"),
    "ours is to come": Signed("NONE", ours="valid_from = now() + interval '1 day'"),
    "theirs is to come": Signed("NONE", theirs="valid_from = now() + interval '1 day'"),
    "ours is narrow": Signed("LIVE", ours="scopes = '{LEGAL_STATUS,CONTACT_SAFE}'", scopes=NARROW),
    "theirs is narrow": Signed("LIVE", theirs="scopes = '{LEGAL_STATUS,CONTACT_SAFE}'", scopes=NARROW),
    "the sender is shut": Signed("SUSPENDED", between=("cbo-g", "goa"), shut="cbo-g"),
    "the receiver is shut": Signed("SUSPENDED", between=("cbo-a", "maharashtra"), shut="maharashtra"),
    "the receiver was shut": Signed("LIVE", between=("cbo-a", "gujarat"), shut="gujarat", is_lifted=True),
}
SENDERS = tuple(f"cbo-{letter}" for letter in "abcdef")
RECEIVERS = ("goa", "delhi")
"""Whose pairs the other agreements are given."""

GROUNDS = {
    "a consent": Ground(),
    "nothing": Ground(kind=None),
    "a consent that was withdrawn": Ground(is_taken_back=True),
    "a consent that is over": Ground(is_over=True),
    "an order": Ground("COURT_ORDER"),
    "an order after a withdrawal": Ground("COURT_ORDER", after_withdrawal=True),
    "a duty that was ended": Ground("STATUTORY_DUTY", is_taken_back=True),
    "an order that is over": Ground("COURT_ORDER", is_over=True),
    "a vital interest": Ground(VITAL_INTEREST),
    "a vital interest that nobody approved": Ground(VITAL_INTEREST, is_approved=False),
}
STATES = ("SENT", "SUSPENDED", "REVOKED", "CLOSED", "DRAFT", "CONSENT_RECORDED")
BEFORE_SENDING = frozenset({"DRAFT", "CONSENT_RECORDED"})
ANSWERS: dict[str | None, tuple[str, ...]] = {
    None: (),
    "ACCEPTED": ("ACCEPTED",),
    "IN_PROGRESS": ("ACCEPTED", "IN_PROGRESS"),
    "COMPLETED": ("ACCEPTED", "COMPLETED"),
    "DECLINED": ("DECLINED",),
}
SUBSETS = [tuple(each) for size in range(len(ALL) + 1) for each in combinations(ALL, size)]


@dataclass(frozen=True)
class Terms:
    """One combination."""

    number: int
    agreement: str
    ground: str = "a consent"
    state: str = "SENT"
    answer: str | None = "ACCEPTED"
    is_over: bool = False
    """Whether the referral's own time has run out."""
    covered: tuple[str, ...] = ALL
    """The scopes of the ground, as far as one of its kind may have them."""
    named: tuple[str, ...] = ALL
    """Those of the referral itself."""

    @property
    def id(self) -> UUID:
        return uuid5(NAMES, f"sent {self.number}")

    @property
    def received_id(self) -> UUID:
        return uuid5(NAMES, f"received {self.number}")

    @property
    def ground_id(self) -> UUID:
        return uuid5(NAMES, f"ground {self.number}")

    @property
    def until(self) -> datetime:
        """When the referral itself ends; which of the three is the first to end differs from row to row."""
        return OVER if self.is_over else (SOON, LATER, LATER)[self.number % 3]

    @property
    def ground_until(self) -> datetime:
        ground = GROUNDS[self.ground]
        lasts = SOONEST if ground.kind == VITAL_INTEREST else (LATER, SOON, LATEST)[self.number % 3]
        return OVER if ground.is_over else lasts

    @property
    def agreed(self) -> list[str]:
        """The scopes of the ground."""
        is_narrow = GROUNDS[self.ground].kind == VITAL_INTEREST
        return [scope for scope in self.covered if not is_narrow or scope in VITAL]

    @property
    def status(self) -> str:
        """What both sides see."""
        if self.state != "SENT":
            return self.state
        if self.answer in ("DECLINED", "COMPLETED"):
            return self.answer
        ground, agreement = GROUNDS[self.ground], AGREEMENTS[self.agreement]
        if ground.is_taken_back:
            return "REVOKED"
        if agreement.status == "SUSPENDED":
            return "SUSPENDED"
        if agreement.status != "LIVE" or not ground.holds or self.is_over:
            return "EXPIRED"
        return self.answer or "SENT"

    @property
    def standing(self) -> str | None:
        """What both sides are told that it stands on; the receiver, while it is open."""
        ground = GROUNDS[self.ground]
        return ground.kind if ground.is_approved else None

    @property
    def is_received(self) -> bool:
        return self.state not in BEFORE_SENDING

    @property
    def is_open(self) -> bool:
        return self.status in ("ACCEPTED", "IN_PROGRESS")

    @property
    def shared(self) -> list[str]:
        """The scopes that the receiver is shown something of."""
        both = set(self.agreed) & set(AGREEMENTS[self.agreement].scopes)
        return [scope for scope in self.named if scope in both] if self.is_open else []

    @property
    def ends(self) -> datetime:
        return min(self.until, self.ground_until, SIGNED_UNTIL)


def combined() -> list[Terms]:
    """Every combination of agreement, ground, state, answer and end; and of what the referral and its ground name, where it is open."""
    sent = product(
        AGREEMENTS, GROUNDS, (each for each in STATES if each not in BEFORE_SENDING), ANSWERS, (False, True)
    )
    everything = (
        {"agreement": agreement, "ground": ground, "state": state, "answer": answer, "is_over": is_over}
        for agreement, ground, state, answer, is_over in chain(
            sent, product(AGREEMENTS, GROUNDS, sorted(BEFORE_SENDING), (None,), (False,))
        )
    )
    scopes = (
        {"agreement": "live", "covered": covered, "named": named}
        for covered, named in product(SUBSETS[1:], SUBSETS)
    )
    narrowed = (
        {"agreement": agreement, "ground": ground, "covered": covered, "named": SUBSETS[-1 - place]}
        for agreement, ground in product(("ours is narrow", "theirs is narrow"), ("a consent", "an order"))
        for place, covered in enumerate(SUBSETS[1:])
    )
    every: Iterator[dict[str, Any]] = chain(everything, scopes, narrowed)
    return [Terms(number, **values) for number, values in enumerate(every)]
