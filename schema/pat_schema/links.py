"""How a survivor comes to sign in: her case manager shows her a link."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import strawberry

from pat_auth.members import links
from pat_auth.policy import Permission
from pat_schema.declaring import described, input_type, mutation
from pat_schema.ids import uuid_of
from pat_schema.problems import Refusal
from pat_schema.verbs import VerbContext, told

Info = strawberry.Info[VerbContext, None]


@described
class SignInLink:
    """Where a survivor chooses a name and a PIN. It is told this once: open it with her, on the device that she will use.

    Send it nowhere: whoever opens it first is taken for her.
    """

    url: str
    expires_at: datetime


@described
class SignInLinkWithdrawn:
    """She has no link and no PIN any more, and is signed out."""

    survivor_id: strawberry.ID


@input_type
class InviteSurvivorToSignInInput:
    """Who is to sign in, and what she is called where she reads it: that need not be her name."""

    survivor_id: strawberry.ID
    name: str


@input_type
class WithdrawSignInLinkInput:
    """Whose way in is to end: her link, her PINs, and wherever she is signed in."""

    survivor_id: strawberry.ID


InviteSurvivorToSignInResult = Annotated[
    SignInLink | Refusal, strawberry.union("InviteSurvivorToSignInResult")
]
WithdrawSignInLinkResult = Annotated[
    SignInLinkWithdrawn | Refusal, strawberry.union("WithdrawSignInLinkResult")
]


@described
class LinkMutation:
    """What case managers do so that survivors sign in. It needs a second factor that was proved within the last ten minutes."""

    @mutation(requires=Permission.SURVIVOR_INVITE)
    async def invite_survivor_to_sign_in(
        self, info: Info, input: InviteSurvivorToSignInInput
    ) -> InviteSurvivorToSignInResult:
        """Make the link by which she chooses a name and a PIN, once, within a day. An older link of hers is void.

        Whoever has a PIN chooses anew; the old one is good until she has.
        """
        survivor = uuid_of(input.survivor_id, "Survivor")
        link = await links.invite_survivor(info.context.tx, survivor_id=survivor, name=input.name)
        url = link.url(info.context.issuer)
        return told(SignInLink, url=url, expiresAt=link.expires_at.isoformat())

    @mutation(requires=Permission.SURVIVOR_INVITE)
    async def withdraw_sign_in_link(
        self, info: Info, input: WithdrawSignInLinkInput
    ) -> WithdrawSignInLinkResult:
        """End her way in: her link opens nothing any more, her PINs are nobody's, and she is signed out everywhere.

        A new link lets her in again.
        """
        survivor = uuid_of(input.survivor_id, "Survivor")
        await links.withdraw_link(info.context.tx, survivor_id=survivor)
        return told(SignInLinkWithdrawn, survivorId=input.survivor_id)
