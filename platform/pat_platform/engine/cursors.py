"""Cursors: where a page ends, signed so that only this server can have made them.

A cursor is base64url of a 16-byte tag and a payload. The payload is the JSON array of the order terms'
values as text, the key last; the tag is HMAC-SHA-256, truncated, over the connection's identity (field
and order) and the payload. PostgreSQL computes it with sha256() from the two key blocks of RFC 2104, which
are bound as parameters and so appear in no statement and no log.
"""

import base64
import binascii
import hashlib
import hmac
import json
from dataclasses import dataclass, field
from functools import cached_property

_BLOCK = 64
_TAG = 16
_LONGEST = 4096


@dataclass(frozen=True)
class CursorKey:
    """The secret that cursors are signed with."""

    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.secret) < 16:
            raise ValueError("a cursor key has at least 16 bytes")

    def inner(self, identity: str) -> bytes:
        """What the inner hash begins with for one connection."""
        return self._pads[0] + identity.encode() + b"\0"

    def outer(self) -> bytes:
        """What the outer hash begins with."""
        return self._pads[1]

    @cached_property
    def _pads(self) -> tuple[bytes, bytes]:
        """The secret as each of the two hashes begins with it."""
        secret = self.secret if len(self.secret) <= _BLOCK else hashlib.sha256(self.secret).digest()
        block = secret.ljust(_BLOCK, b"\0")
        return bytes(byte ^ 0x36 for byte in block), bytes(byte ^ 0x5C for byte in block)

    def sign(self, identity: str, payload: str) -> str:
        """The cursor for a payload; the same bytes that the statement computes."""
        body = payload.encode()
        return base64.urlsafe_b64encode(self._tag(identity, body) + body).rstrip(b"=").decode()

    def read(self, identity: str, cursor: str, terms: int) -> list[str | None]:
        """The payload's values. Raises ValueError unless this key made the cursor for this identity."""
        if len(cursor) > _LONGEST:
            raise ValueError("too long")
        try:
            raw = base64.b64decode(
                cursor.encode("ascii") + b"=" * (-len(cursor) % 4), altchars=b"-_", validate=True
            )
        except (binascii.Error, UnicodeEncodeError) as error:
            raise ValueError("not base64url") from error
        tag, body = raw[:_TAG], raw[_TAG:]
        if not hmac.compare_digest(tag, self._tag(identity, body)):
            raise ValueError("not signed for this connection")
        values: list[str | None] = json.loads(body)
        if len(values) != terms:
            raise ValueError("of another order")
        return values

    def _tag(self, identity: str, body: bytes) -> bytes:
        return hmac.digest(self.secret, identity.encode() + b"\0" + body, "sha256")[:_TAG]


def cursor_sql(payload: str, inner: str, outer: str) -> str:
    """SQL for the cursor of a payload (SQL of type text); ``inner`` and ``outer`` are the bound key blocks."""
    body = f"convert_to({payload}, 'UTF8')"
    tag = f"substr(sha256({outer} || sha256({inner} || {body})), 1, {_TAG})"
    return f"translate(encode({tag} || {body}, 'base64'), E'+/=\\n', '-_')"
