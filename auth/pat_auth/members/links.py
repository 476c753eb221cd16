"""Links by which survivors choose a name and a PIN. Her case manager shows hers on a device of the organisation; none is ever sent."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from secrets import token_urlsafe
from urllib.parse import urlencode
from uuid import UUID

from sqlalchemy import text

from pat_auth.invitations.rules import is_a_name
from pat_platform.database.transaction import Transaction
from pat_platform.errors import Refused

_INVITE = text("select sec.invite_survivor(:survivor, :name, :token_hash)")
_WITHDRAW = text("select sec.withdraw_link(:survivor)")
_TOKEN_BYTES = 32
REFUSED = {
    "SURVIVOR_UNKNOWN": Refused("NOT_FOUND", "There is no such survivor.", "survivorId"),
    "ROLE_UNKNOWN": Refused("ROLE_UNKNOWN", "Nobody signs in for herself at this organisation.", None),
    "PERSON_DISABLED": Refused(
        "PERSON_DISABLED", "She was disabled: whoever runs the server lets her in again.", "survivorId"
    ),
}
"""What is said of what the database refuses."""


@dataclass(frozen=True)
class Link:
    """What somebody opens who is to choose a PIN. It is kept nowhere, and told once."""

    token: str = field(repr=False)
    expires_at: datetime

    def url(self, issuer: str) -> str:
        """Its address."""
        return address_of(issuer, self.token)


def address_of(issuer: str, token: str) -> str:
    """Where the link with this token leads."""
    return f"{issuer}/sign-in/start?{urlencode({'token': token})}"


async def invite_survivor(tx: Transaction, *, survivor_id: UUID, name: str) -> Link:
    """Make the link by which a survivor of the organisation chooses a name and a PIN, new ones if she has some.

    It stands for a day, and counts once; any before it is void. ``name`` is what she is called where she reads it. What she signs in
    with already stays good until she has chosen. Raises Refused for an unknown survivor, an organisation where no survivor signs in,
    and somebody who was disabled.
    """
    token = token_urlsafe(_TOKEN_BYTES)
    told = await tx.scalar(
        _INVITE,
        {
            "survivor": survivor_id,
            "name": is_a_name(name),
            "token_hash": sha256(token.encode()).digest(),
        },
    )
    if told["refused"] is not None:
        raise REFUSED[told["refused"]]
    return Link(token, datetime.fromisoformat(told["until"]))


async def withdraw_link(tx: Transaction, *, survivor_id: UUID) -> None:
    """End a survivor's way in: her link, her PINs, and wherever she is signed in. Raises Refused where she has neither."""
    if not await tx.scalar(_WITHDRAW, {"survivor": survivor_id}):
        raise Refused("NOT_FOUND", "This survivor has neither a link nor a PIN.", "survivorId")
