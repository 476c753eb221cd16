"""What the secretariat sees of the network: what goes from where to where, and nothing of whom it is about."""

from __future__ import annotations

from datetime import date
from enum import StrEnum

import strawberry

from pat_auth.policy import Permission
from pat_platform.engine.declare import Column, GlobalId, ToMany, ToOne
from pat_platform.engine.declare import Connection as Page
from pat_platform.engine.kinds import DATE, INT, TEXT
from pat_schema.declaring import codes, declared, described, found, input_type
from pat_schema.declaring import reads as read_by
from pat_schema.node import Connection
from pat_schema.organisations import Organisation
from pat_tenants.organisations import reads as organisations
from pat_tenants.referrals import network
from pat_tenants.referrals.models import ReferralStatus


@described
class NetworkReferral:
    """That one organisation sent another a referral: neither whom it is about, nor what is asked for or shared."""

    id: strawberry.ID = found(
        GlobalId("NetworkReferral"),
        "Opaque; another one for each organisation that looks. Neither side of the referral knows it.",
    )
    from_: Organisation | None = found(
        ToOne(organisations.ORGANISATIONS, network.FROM), "Who asked.", name="from"
    )
    to: Organisation | None = found(ToOne(organisations.ORGANISATIONS, network.TO), "Who was asked.")
    status: ReferralStatus = found(
        Column("status", TEXT, nullable=False),
        "As both sides see it at this moment; EXPIRED is derived, never stored.",
    )
    month: date = found(
        Column("month", DATE, nullable=False), "The first day of the month in which it was sent, in India."
    )


@described
class NetworkReferralCount:
    """How many referrals to one state of India have one status."""

    state: str = found(
        Column("state", TEXT, nullable=False), "The state of India that whoever was asked works in."
    )
    status: ReferralStatus = found(Column("status", TEXT, nullable=False), "The status that was counted.")
    count: int = found(Column("count", INT, nullable=False), "How many.")


@codes
class NetworkReferralOrder(StrEnum):
    """How the network's referrals are ordered: by month, and within one in no order that says anything."""

    MONTH_DESC = "MONTH_DESC"
    MONTH_ASC = "MONTH_ASC"


@input_type
class NetworkReferralFilter:
    """Which of the network's referrals to list; of two days, the months that they lie in."""

    status: list[ReferralStatus] | None = strawberry.UNSET
    from_month: date | None = strawberry.UNSET
    to_month: date | None = strawberry.UNSET


@described
class Network:
    """All organisations together, as the secretariat sees them."""

    @read_by(
        Page(
            network.REFERRALS,
            on=network.ALL,
            orders=network.ORDERS,
            default_order="MONTH_DESC",
            filters=network.FILTERS,
        )
    )
    def referrals(
        self,
        filter: NetworkReferralFilter | None = strawberry.UNSET,
        order_by: NetworkReferralOrder = NetworkReferralOrder.MONTH_DESC,
        first: int | None = strawberry.UNSET,
        after: str | None = strawberry.UNSET,
        last: int | None = strawberry.UNSET,
        before: str | None = strawberry.UNSET,
    ) -> Connection[NetworkReferral]:
        """Every referral that was sent: from where to where, in which month, and how it stands."""
        declared()

    referral_counts: list[NetworkReferralCount] = found(
        ToMany(network.COUNTS, network.ALL, order=network.BY_STATE, estimate=60),
        "How many referrals there are by state and status, of those in `referrals`; what nobody sent is left out.",
    )


@described
class NetworkQuery:
    """Root fields about the whole network."""

    @read_by(ToOne(network.NETWORK, network.ALL, nullable=False), requires=Permission.NETWORK_READ)
    def network(self) -> Network:
        """What the secretariat sees of all organisations together."""
        declared()
