"""Referrals, as the sender and as the receiver see them."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated

import strawberry

from pat_auth.policy import Permission, Reach
from pat_platform.engine.declare import (
    Choice,
    Column,
    Declaration,
    Deferred,
    GlobalId,
    Source,
    ToMany,
    ToOne,
    Variant,
)
from pat_platform.engine.declare import Connection as Page
from pat_platform.engine.kinds import CODE, CODE_ARRAY, DATE, DATETIME, TEXT
from pat_schema.cases import Case
from pat_schema.declaring import codes, declared, described, found, input_type
from pat_schema.declaring import reads as read_by
from pat_schema.node import Connection, Node
from pat_schema.problems import Withheld, WithheldReason
from pat_schema.survivors import withheld
from pat_schema.viewer import Viewer
from pat_tenants.cases import reads as cases
from pat_tenants.cases.models import HearingMode, HearingPurpose
from pat_tenants.referrals import reads
from pat_tenants.referrals.models import Need, ReferralStatus, Scope, Urgency

codes(Need)
codes(ReferralStatus)
codes(Urgency)
strawberry.enum(
    Scope, name="ReferralScope", description="What a survivor may agree to share with one organisation."
)


@codes
class ReferralDirection(StrEnum):
    """Which side of a referral the caller's organisation is on."""

    SENT = "SENT"
    RECEIVED = "RECEIVED"


@codes
class ReferralOrder(StrEnum):
    """How referrals are ordered: newest first, drafts before all."""

    SENT_AT_DESC = "SENT_AT_DESC"


def receives(viewer: Viewer) -> bool:
    """Whether the viewer is on the receiving side: it looks through the door."""
    return viewer.reach(Permission.REFERRAL_READ) is Reach.RECEIVED


def _by_side(sent: Declaration, received: Declaration) -> Deferred:
    """The sender's declaration or the receiver's, as the viewer's role is on the one side or the other."""
    return Deferred(lambda viewer: received if receives(viewer) else sent, options=(sent, received))


@described
class ReferralHearing(Node):
    """A hearing that the receiving organisation reports."""

    id: strawberry.ID = found(GlobalId("ReferralHearing"), "Opaque.")
    held_on: date = found(Column("held_on", DATE, nullable=False), "The day, past or to come.")
    mode: HearingMode = found(Column("mode", CODE, nullable=False), "In the court room or by video link.")
    purpose: HearingPurpose | None = found(Column("purpose", CODE), "What it is for.")


ReferralCaseResult = Annotated[
    Case | Withheld,
    strawberry.union("ReferralCaseResult", description="The case behind a referral: for the sender only."),
]


@described
class Referral(Node):
    """What one organisation asks of another about one case. Its id differs for the two sides."""

    id: strawberry.ID = found(GlobalId("Referral"), "Opaque; the other side has another one.")
    direction: ReferralDirection = found(
        Column("direction", TEXT, nullable=False), "Which side of it the caller's organisation is on."
    )
    status: ReferralStatus = found(
        Column("status", TEXT, nullable=False),
        "As both sides see it at this moment; EXPIRED is derived, never stored.",
    )
    need: Need = found(Column("need", CODE, nullable=False), "What is asked for.")
    urgency: Urgency = found(Column("urgency", CODE, nullable=False), "How soon an answer is needed.")
    scopes: list[Scope] = found(
        Column("scopes", CODE_ARRAY, nullable=False),
        "What the survivor agreed to share; for the receiver, empty while the referral is not open to it.",
    )
    sent_at: datetime | None = found(Column("sent_at", DATETIME), "When it was sent; null for a draft.")
    agreed_until: datetime | None = found(
        Column("agreed_until", DATETIME), "Until when she agreed; nothing is shared after that moment."
    )
    partner_name: str | None = found(
        Column("partner", TEXT),
        "The organisation on the other side; for the receiver, only while the referral is open to it.",
    )
    partner_state: str | None = found(Column("partner_state", TEXT), "The state of India it works in.")
    case: ReferralCaseResult = found(
        _by_side(
            Choice((Variant(None, "Case", ToOne(cases.CASES, cases.CASE_OF)),)),
            Choice((withheld(WithheldReason.NOT_SHARED),)),
        ),
        "The case it is about.",
    )
    hearings: list[ReferralHearing] = found(
        _by_side(
            ToMany(reads.SENT_HEARINGS, reads.HEARINGS, order=reads.BY_DAY),
            ToMany(reads.RECEIVED_HEARINGS, reads.HEARINGS, order=reads.BY_DAY),
        ),
        "Hearings that the receiver reported.",
    )


@input_type
class ReferralFilter:
    """Which referrals to list."""

    status: list[ReferralStatus] | None = strawberry.UNSET
    urgency: Urgency | None = strawberry.UNSET


def _page(source: Source) -> Page:
    return Page(
        source,
        orders=reads.ORDERS,
        default_order="SENT_AT_DESC",
        filters=reads.FILTERS,
        arguments=reads.ARGUMENTS,
    )


@described
class ReferralQuery:
    """Root fields about referrals."""

    @read_by(
        _by_side(ToOne(reads.SENT, reads.THIS_REFERRAL), ToOne(reads.RECEIVED, reads.THIS_REFERRAL)),
        requires=Permission.REFERRAL_READ,
    )
    def referral(self, id: strawberry.ID) -> Referral | None:
        """One referral; null for an id that is unknown to the caller."""
        declared()

    @read_by(_by_side(_page(reads.SENT), _page(reads.RECEIVED)), requires=Permission.REFERRAL_READ)
    def referrals(
        self,
        direction: ReferralDirection,
        filter: ReferralFilter | None = strawberry.UNSET,
        order_by: ReferralOrder = ReferralOrder.SENT_AT_DESC,
        first: int | None = strawberry.UNSET,
        after: str | None = strawberry.UNSET,
        last: int | None = strawberry.UNSET,
        before: str | None = strawberry.UNSET,
    ) -> Connection[Referral]:
        """The referrals that the caller's organisation sent, or those that others sent to it."""
        declared()
