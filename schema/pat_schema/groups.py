"""Self-help groups, their members, savings and loans."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated

import strawberry

from pat_auth.policy import Permission
from pat_platform.engine.declare import Aggregate, Column, Finish, GlobalId, ToMany, ToOne, Variant
from pat_platform.engine.declare import Connection as Page
from pat_platform.engine.kinds import BIGINT, CODE, DATE, INT, TEXT
from pat_schema.declaring import codes, declared, described, found, input_type
from pat_schema.declaring import reads as read_by
from pat_schema.node import Connection, Node
from pat_schema.organisations import Place
from pat_schema.problems import Withheld
from pat_schema.scalars import Paise
from pat_schema.survivors import UNSEAL, sealed_from
from pat_tenants.groups import reads
from pat_tenants.groups.models import GroupPolicy, GroupStatus, MemberRole
from pat_tenants.places import reads as places
from pat_tenants.survivors.reads import sealed

codes(GroupStatus)
codes(GroupPolicy)
codes(MemberRole)


@described
class GroupMemberIdentity:
    """The name of a group's member. Every read of it is recorded."""

    name: str | None = found(
        Finish(sealed("group_member_identities", "name", "member_id"), UNSEAL, audits=reads.IDENTITY_READ),
        "The name that the group knows.",
    )


GroupMemberIdentityResult = Annotated[
    GroupMemberIdentity | Withheld,
    strawberry.union("GroupMemberIdentityResult", description="A member's name, or why it is withheld."),
]


@described
class GroupMember(Node):
    """A member of a self-help group. Nothing tells a survivor from any other member."""

    id: strawberry.ID = found(GlobalId("GroupMember"), "Opaque.")
    role: MemberRole = found(Column("role", CODE, nullable=False), "Her office in the group.")
    joined_on: date = found(Column("joined_on", DATE, nullable=False), "The day she joined.")
    identity: GroupMemberIdentityResult = found(
        sealed_from(
            Permission.GROUP_MEMBER_READ,
            "identity",
            shown=Variant(None, "GroupMemberIdentity", ToOne(reads.IDENTITIES, reads.IDENTITY)),
            assigned=reads.IS_ASSIGNED,
        ),
        "Who she is, or why that is withheld.",
    )


@described
class SelfHelpGroup(Node):
    """Women who save and lend together."""

    id: strawberry.ID = found(GlobalId("SelfHelpGroup"), "Opaque.")
    name: str = found(Column("name", TEXT, nullable=False), "The group's name.")
    status: GroupStatus = found(Column("status", CODE, nullable=False), "How far the group has come.")
    policy: GroupPolicy = found(Column("policy", CODE, nullable=False), "The rule of membership it follows.")
    formed_on: date = found(Column("formed_on", DATE, nullable=False), "The day it was formed.")
    place: Place | None = found(ToOne(places.PLACES, places.HERE), "Where it meets.")
    member_count: int = found(
        Aggregate(reads.MEMBER_COUNT, reads.MEMBERS_COUNTED, INT, nullable=False),
        "How many members it has now.",
    )
    savings_total: Paise = found(
        Aggregate(reads.BOOK, reads.SAVED, BIGINT, nullable=False), "All that was saved."
    )
    loans_total: Paise = found(
        Aggregate(reads.BOOK, reads.LENT, BIGINT, nullable=False), "All that was lent."
    )
    loans_outstanding: Paise = found(
        Aggregate(reads.BOOK, reads.OUTSTANDING, BIGINT, nullable=False),
        "What was lent and is not paid back.",
    )
    members: list[GroupMember] = found(
        ToMany(reads.MEMBERS, reads.CURRENT_MEMBERS, order=reads.BY_JOINING),
        "Its members now, in order of joining.",
    )


@input_type
class SelfHelpGroupFilter:
    """Which groups to list."""

    status: list[GroupStatus] | None = strawberry.UNSET


@codes
class SelfHelpGroupOrder(StrEnum):
    """How groups are ordered."""

    NAME = "NAME"


@described
class GroupQuery:
    """Root fields about self-help groups."""

    @read_by(ToOne(reads.GROUPS, reads.THIS_GROUP), requires=Permission.GROUP_READ)
    def self_help_group(self, id: strawberry.ID) -> SelfHelpGroup | None:
        """One group; null for an id that is unknown to the caller."""
        declared()

    @read_by(
        Page(reads.GROUPS, orders=reads.ORDERS, default_order="NAME", filters=reads.FILTERS),
        requires=Permission.GROUP_READ,
    )
    def self_help_groups(
        self,
        filter: SelfHelpGroupFilter | None = strawberry.UNSET,
        order_by: SelfHelpGroupOrder = SelfHelpGroupOrder.NAME,
        first: int | None = strawberry.UNSET,
        after: str | None = strawberry.UNSET,
        last: int | None = strawberry.UNSET,
        before: str | None = strawberry.UNSET,
    ) -> Connection[SelfHelpGroup]:
        """The groups of the caller's organisation."""
        declared()
