"""Sealing a text so that it opens only with its subject's key and only where it was put.

AES-256-GCM-SIV (RFC 8452): a virtual machine that is copied may repeat a nonce, and this mode then tells
no more than that two texts are the same. A sealed text is one byte of version, a nonce of twelve, and the
ciphertext with its tag.
"""

import os
from dataclasses import dataclass
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV

KEY_BYTES = 32
_NONCE_BYTES = 12
_TAG_BYTES = 16
_VERSION = 1
# Texts are filled up to whole blocks of this size, so that a sealed name does not tell how long it is.
_BLOCK_BYTES = 32


class Unreadable(Exception):
    """A sealed text or a wrapped key that does not open: erased, moved, damaged, or of another key."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a sealed text belongs. It opens nowhere else.

    `subject` is the person it is about. Where a table has several rows about one person, `row` tells them
    apart.
    """

    organisation: UUID
    table: str
    column: str
    subject: UUID
    row: UUID | None = None


def seal(key: bytes, place: Place, text: str) -> bytes:
    """The text as bytes to store at this place, different each time. `key` has 32 bytes."""
    return seal_bytes(key, _bound_to(place), _fill(text.encode()))


def open(key: bytes, place: Place, blob: bytes) -> str:
    """The text that was sealed with this key for this place. Raises `Unreadable`."""
    return _unfill(open_bytes(key, _bound_to(place), blob)).decode()


def seal_bytes(key: bytes, context: bytes, content: bytes) -> bytes:
    """Content as version, nonce and ciphertext; `context` is not stored and has to be the same to open it."""
    nonce = os.urandom(_NONCE_BYTES)
    return bytes([_VERSION]) + nonce + AESGCMSIV(key).encrypt(nonce, content, context)


def open_bytes(key: bytes, context: bytes, blob: bytes) -> bytes:
    """What `seal_bytes` sealed with this key and context. Raises `Unreadable`."""
    if len(blob) < 1 + _NONCE_BYTES + _TAG_BYTES or blob[0] != _VERSION:
        raise Unreadable("not a sealed text of a version that we know")
    nonce, ciphertext = blob[1 : 1 + _NONCE_BYTES], blob[1 + _NONCE_BYTES :]
    try:
        return AESGCMSIV(key).decrypt(nonce, ciphertext, context)
    except InvalidTag:
        raise Unreadable("the key or the place is another, or the text was changed") from None


def join_parts(*parts: bytes) -> bytes:
    """The parts, each after its length, so that no two lists of parts give the same bytes."""
    return b"".join([len(part).to_bytes(4) + part for part in parts])


def _bound_to(place: Place) -> bytes:
    return join_parts(
        b"pat sealed text",
        bytes([_VERSION]),
        place.organisation.bytes,
        place.table.encode(),
        place.column.encode(),
        place.subject.bytes,
        b"" if place.row is None else place.row.bytes,
    )


def _fill(content: bytes) -> bytes:
    """The content, a one bit, and zeros up to a whole block (ISO/IEC 7816-4)."""
    return content + b"\x80" + bytes(-(len(content) + 1) % _BLOCK_BYTES)


def _unfill(filled: bytes) -> bytes:
    return filled.rstrip(b"\x00")[:-1]
