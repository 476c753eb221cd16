"""Where somebody is signed in, and how she ends that."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import strawberry

from pat_auth.policy import Permission
from pat_auth.sessions import service
from pat_platform.engine.declare import Column, GlobalId
from pat_platform.engine.kinds import BOOL, DATETIME, TEXT
from pat_schema.declaring import described, found, input_type, mutation
from pat_schema.ids import uuid_of
from pat_schema.problems import Refusal
from pat_schema.verbs import VerbContext, told

Info = strawberry.Info[VerbContext, None]


@described
class Session:
    """That the caller is signed in somewhere, in the organisation that she asks for."""

    id: strawberry.ID = found(GlobalId("Session", column="handle"), "Opaque; it opens nothing.")
    client_name: str | None = found(
        Column("client_name", TEXT),
        "The program that she is signed in to; null for one that is not registered.",
    )
    signed_in_at: datetime = found(Column("created_at", DATETIME, nullable=False), "When she signed in.")
    used_at: datetime | None = found(
        Column("used_at", DATETIME), "When the program last asked to go on; null if it did not yet."
    )
    ends_at: datetime = found(Column("expires_at", DATETIME, nullable=False), "When it ends by itself.")
    is_this: bool = found(
        Column("is_this", BOOL, nullable=False), "Whether it is the one that this request is made in."
    )


@described
class SignedOut:
    """Sessions have ended: what is asked in them is refused from the next statement on."""

    count: int


@input_type
class EndSessionInput:
    """Which session to end."""

    id: strawberry.ID


EndSessionResult = Annotated[SignedOut | Refusal, strawberry.union("EndSessionResult")]
SignOutEverywhereResult = Annotated[SignedOut | Refusal, strawberry.union("SignOutEverywhereResult")]


@described
class SessionMutation:
    """What somebody may do with her own sessions."""

    @mutation(requires=Permission.ME_SIGN_OUT)
    async def end_session(self, info: Info, input: EndSessionInput) -> EndSessionResult:
        """End one of the caller's own sessions: this one, or that on a phone which she has lost."""
        handle = uuid_of(input.id, "Session")
        return told(SignedOut, count=await service.end_session(info.context.tx, handle=handle))

    @mutation(requires=Permission.ME_SIGN_OUT)
    async def sign_out_everywhere(self, info: Info) -> SignOutEverywhereResult:
        """End all of the caller's sessions in every organisation, this one too, and forget her in every browser."""
        return told(SignedOut, count=await service.sign_out_everywhere(info.context.tx))
