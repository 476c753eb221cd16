"""Where somebody stopped looking, in a form that tells her nothing: numbers of transactions are those of the whole network."""

from __future__ import annotations

import base64
import binascii
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from pat_auth.principal import Principal
from pat_platform.encryption.envelope import Unreadable, open_bytes, seal_bytes
from pat_platform.errors import Fault

KEPT = timedelta(days=7)
"""How long what has changed is known."""
_BLOCK = 128
_LONGEST = 8_192


class Position(NamedTuple):
    """A snapshot of PostgreSQL's, and its moment, as PostgreSQL writes them."""

    snapshot: str
    moment: str


class Cursors:
    """Seals positions for the principals who got them. Nobody else's, and no other field's, can be opened."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def seal(self, position: Position, principal: Principal, field: str) -> str:
        """A position as a cursor: different each time, and as long as most others."""
        content = "\n".join(position).encode()
        filled = content.ljust(-(-len(content) // _BLOCK) * _BLOCK)
        sealed = seal_bytes(self._key, _context(principal, field), filled)
        return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()

    def open(self, cursor: str, principal: Principal, field: str) -> Position:
        """The position behind a cursor. Raises Fault BAD_CURSOR for another's, and for one that is too old."""
        try:
            sealed = base64.b64decode(
                cursor[:_LONGEST].encode("ascii") + b"=" * (-len(cursor) % 4), altchars=b"-_", validate=True
            )
            content = open_bytes(self._key, _context(principal, field), sealed)
        except (Unreadable, binascii.Error, UnicodeEncodeError):
            raise unknown() from None
        position = Position(*content.decode().rstrip().split("\n"))
        if datetime.now(UTC) - datetime.fromisoformat(position.moment) > KEPT:
            raise Fault(
                "BAD_CURSOR", "This cursor is too old. Ask for the list again, and subscribe without one."
            )
        return position


def unknown() -> Fault:
    """The fault for a cursor that leads nowhere."""
    return Fault(
        "BAD_CURSOR", "This cursor is not one of yours. Ask for the list again, and subscribe without one."
    )


def _context(principal: Principal, field: str) -> bytes:
    return f"{field}\n{principal.login}\n{principal.person}".encode()
