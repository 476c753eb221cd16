"""How somebody ends her own sessions. The database looks whose they are, ends them and writes the trail, in one function."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import text

from pat_platform.database.transaction import Transaction
from pat_platform.errors import Refused

_END = text("select sec.end_my_session(:handle)")
_END_ALL = text("select sec.end_my_sessions()")


async def end_session(tx: Transaction, *, handle: UUID) -> int:
    """End a session of the caller's; return how many that were: one. Raises Refused for one that is not hers, or over already.

    It may be the one that she asks with: then nothing more can be read in the transaction.
    """
    if not await tx.scalar(_END, {"handle": handle}):
        raise Refused("NOT_FOUND", "You have no such session, or it has ended already.", "id")
    return 1


async def sign_out_everywhere(tx: Transaction) -> int:
    """End all of the caller's sessions, in every organisation, and forget her in every browser; return how many there were.

    Nothing more can be read in the transaction: the one that she asks with is among them.
    """
    ended: int = await tx.scalar(_END_ALL)
    return ended
