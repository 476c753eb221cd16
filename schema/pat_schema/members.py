"""Who belongs to the caller's organisation, who is invited to, and what administrators do about it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

import strawberry

from pat_auth.members import reads, service
from pat_auth.policy import Permission, Role
from pat_platform.engine.declare import Column, GlobalId
from pat_platform.engine.declare import Connection as Page
from pat_platform.engine.kinds import BOOL, DATETIME, TEXT
from pat_schema.declaring import codes, declared, described, found, input_type, mutation
from pat_schema.declaring import reads as read_by
from pat_schema.ids import uuid_of
from pat_schema.languages import MailLanguage
from pat_schema.node import Connection, Node
from pat_schema.organisations import DirectoryOrder, Member
from pat_schema.problems import Refusal
from pat_schema.verbs import VerbContext, saved, told

Info = strawberry.Info[VerbContext, None]


@described
class Invitation(Node):
    """That somebody may become a member, by the link that was sent to her."""

    id: strawberry.ID = found(GlobalId("Invitation"), "Opaque; it opens nothing.")
    email: str = found(Column("email", TEXT, nullable=False), "Where the link was sent.")
    name: str = found(Column("name", TEXT, nullable=False), "The name under which colleagues will know her.")
    role: Role = found(Column("role", TEXT, nullable=False), "As what she is invited.")
    is_open: bool = found(
        Column("is_open", BOOL, nullable=False), "Whether it can be taken up: it was not yet, nor withdrawn."
    )
    created_at: datetime = found(Column("created_at", DATETIME, nullable=False), "When it was sent.")
    expires_at: datetime = found(
        Column("expires_at", DATETIME, nullable=False), "Until when it can be taken up."
    )
    taken_up_at: datetime | None = found(Column("taken_up_at", DATETIME), "When she took it up.")
    withdrawn_at: datetime | None = found(Column("withdrawn_at", DATETIME), "When it was withdrawn.")


@described
class MembershipEnded:
    """A membership has ended: what is asked in its sessions is refused from the next statement on."""

    sessions: int
    cases: int


@input_type
class InvitationFilter:
    """Which invitations to list."""

    is_open: bool | None = strawberry.UNSET


@codes
class InvitationOrder(StrEnum):
    """How invitations are ordered."""

    NEWEST = "NEWEST"


@described
class MemberQuery:
    """Root fields about members."""

    @read_by(
        Page(reads.MEMBERS, orders=reads.BY_NAME, default_order="NAME"),
        requires=Permission.MEMBER_READ,
    )
    def members(
        self,
        order_by: DirectoryOrder = DirectoryOrder.NAME,
        first: int | None = strawberry.UNSET,
        after: str | None = strawberry.UNSET,
        last: int | None = strawberry.UNSET,
        before: str | None = strawberry.UNSET,
    ) -> Connection[Member]:
        """Who works in the caller's organisation."""
        declared()

    @read_by(
        Page(reads.INVITATIONS, orders=reads.NEWEST, default_order="NEWEST", filters=reads.OPEN),
        requires=Permission.INVITATION_READ,
    )
    def invitations(
        self,
        filter: InvitationFilter | None = strawberry.UNSET,
        order_by: InvitationOrder = InvitationOrder.NEWEST,
        first: int | None = strawberry.UNSET,
        after: str | None = strawberry.UNSET,
        last: int | None = strawberry.UNSET,
        before: str | None = strawberry.UNSET,
    ) -> Connection[Invitation]:
        """Whom the caller's organisation has invited."""
        declared()


@input_type
class InviteMemberInput:
    """Whom to invite, and as what. The link is sent by mail, in this language, and shown to nobody else."""

    email: str
    name: str
    role: Role
    language: MailLanguage = MailLanguage.EN
    client_mutation_id: UUID | None = None


@input_type
class WithdrawInvitationInput:
    """Which invitation to withdraw."""

    id: strawberry.ID
    client_mutation_id: UUID | None = None


@input_type
class EndMembershipInput:
    """Whose membership to end."""

    id: strawberry.ID


InviteMemberResult = Annotated[Invitation | Refusal, strawberry.union("InviteMemberResult")]
WithdrawInvitationResult = Annotated[Invitation | Refusal, strawberry.union("WithdrawInvitationResult")]
EndMembershipResult = Annotated[MembershipEnded | Refusal, strawberry.union("EndMembershipResult")]


@described
class MemberMutation:
    """What administrators do about members. Each needs a second factor that was proved within the last ten minutes."""

    @mutation(requires=Permission.MEMBER_INVITE)
    async def invite_member(self, info: Info, input: InviteMemberInput) -> InviteMemberResult:
        """Invite somebody into a role of the organisation. Older invitations of hers into that role are void."""
        invitation = await service.invite_member(
            info.context.tx,
            info.context.outbox,
            email=input.email,
            name=input.name,
            role=input.role,
            language=input.language,
        )
        return saved(Invitation, invitation)

    @mutation(requires=Permission.MEMBER_INVITE)
    async def withdraw_invitation(
        self, info: Info, input: WithdrawInvitationInput
    ) -> WithdrawInvitationResult:
        """Let nobody take up an invitation any more."""
        invitation = uuid_of(input.id, "Invitation")
        return saved(Invitation, await service.withdraw_invitation(info.context.tx, invitation_id=invitation))

    @mutation(requires=Permission.MEMBER_END)
    async def end_membership(self, info: Info, input: EndMembershipInput) -> EndMembershipResult:
        """End somebody's membership, at once: her sessions in it, and her assignments to cases."""
        ended = await service.end_membership(info.context.tx, membership_id=uuid_of(input.id, "Member"))
        return told(MembershipEnded, sessions=ended.sessions, cases=ended.cases)
