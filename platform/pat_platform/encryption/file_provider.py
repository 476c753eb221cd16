"""A key provider that keeps its keys in files: for the demo and for tests.

Whoever copies the machine's disk has these keys beside the data. A real deployment needs a provider that
does not.
"""

import asyncio
import base64
import binascii
import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import UUID

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from pat_platform.encryption.envelope import KEY_BYTES, Unreadable, join_parts, open_bytes, seal_bytes
from pat_platform.encryption.private_file import locked_folder, read_private, write_private
from pat_platform.encryption.provider import SubjectKey, WrappedKey

_ID_BYTES = 8


@dataclass(frozen=True, repr=False)
class _OrganisationKeys:
    """The secrets of one organisation: one to derive from for ever, and by id those that wrap or once did."""

    root: bytes
    current: bytes
    wrapping: dict[bytes, bytes]

    @classmethod
    def generate(cls) -> "_OrganisationKeys":
        return cls(root=secrets.token_bytes(KEY_BYTES), current=b"", wrapping={}).rotated()

    def rotated(self) -> "_OrganisationKeys":
        key_id = secrets.token_bytes(_ID_BYTES)
        wrapping = {**self.wrapping, key_id: secrets.token_bytes(KEY_BYTES)}
        return replace(self, current=key_id, wrapping=wrapping)


class FileKeyProvider:
    """One file for each organisation in a folder of its own, made when the organisation first wraps a key."""

    name = "file"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._loaded: dict[UUID, _OrganisationKeys] = {}

    async def wrap(self, organisation: UUID, keys: Sequence[SubjectKey]) -> list[bytes]:
        """Each key under the organisation's current key: the key's id, then the sealed key."""
        held = await self._keys(organisation)
        wrapping = _derive(held.wrapping[held.current], organisation, b"wrap")
        return [
            held.current + seal_bytes(wrapping, _bound_to(organisation, item.subject), item.key)
            for item in keys
        ]

    async def unwrap(self, organisation: UUID, keys: Sequence[WrappedKey]) -> list[bytes | None]:
        """Each key in the clear; None for one that was changed or moved, or that no file of ours wrapped."""
        held = self._loaded.get(organisation)
        if held is None or any(item.blob[:_ID_BYTES] not in held.wrapping for item in keys):
            # Another process may have made or rotated the keys since we read the file.
            held = await asyncio.to_thread(self._read, organisation)
        if held is None:
            return [None for _ in keys]
        self._loaded[organisation] = held
        wrapping = {key_id: _derive(key, organisation, b"wrap") for key_id, key in held.wrapping.items()}
        return [_unwrap(wrapping.get(item.blob[:_ID_BYTES]), organisation, item) for item in keys]

    async def derive(self, organisation: UUID, purpose: bytes) -> bytes:
        """32 bytes for this organisation and purpose, the same after every rotation."""
        held = await self._keys(organisation)
        return _derive(held.root, organisation, join_parts(b"purpose", purpose))

    async def rotate(self, organisation: UUID) -> None:
        """Wrap under a new key from now on. What the former ones wrapped still opens."""
        await asyncio.to_thread(self._rotate, organisation)

    async def _keys(self, organisation: UUID) -> _OrganisationKeys:
        held = self._loaded.get(organisation)
        return held if held is not None else await asyncio.to_thread(self._read_or_create, organisation)

    def _read_or_create(self, organisation: UUID) -> _OrganisationKeys:
        with locked_folder(self._folder):
            held = self._read(organisation)
            if held is None:
                held = _OrganisationKeys.generate()
                self._write(organisation, held)
        self._loaded[organisation] = held
        return held

    def _rotate(self, organisation: UUID) -> None:
        with locked_folder(self._folder):
            held = (self._read(organisation) or _OrganisationKeys.generate()).rotated()
            self._write(organisation, held)
        self._loaded[organisation] = held

    def _path(self, organisation: UUID) -> Path:
        return self._folder / f"{organisation.hex}.json"

    def _read(self, organisation: UUID) -> _OrganisationKeys | None:
        content = read_private(self._path(organisation))
        if content is None:
            return None
        try:
            stored = json.loads(content)
            wrapping = {bytes.fromhex(key_id): _secret(key) for key_id, key in stored["wrapping"].items()}
            current = bytes.fromhex(stored["current"])
            # Looked up here, so that a file which names no current key fails at once.
            wrapping[current]
            return _OrganisationKeys(root=_secret(stored["root"]), current=current, wrapping=wrapping)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise Unreadable(f"{self._path(organisation)} does not hold an organisation's keys") from error

    def _write(self, organisation: UUID, held: _OrganisationKeys) -> None:
        stored = {
            "root": base64.b64encode(held.root).decode(),
            "current": held.current.hex(),
            "wrapping": {
                key_id.hex(): base64.b64encode(key).decode() for key_id, key in held.wrapping.items()
            },
        }
        write_private(self._path(organisation), json.dumps(stored, indent=1).encode())


def _secret(text: str) -> bytes:
    key = base64.b64decode(text, validate=True)
    if len(key) != KEY_BYTES:
        raise binascii.Error("a key of another length")
    return key


def _derive(key: bytes, organisation: UUID, purpose: bytes) -> bytes:
    context = join_parts(b"pat organisation key", organisation.bytes, purpose)
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=context).derive(key)


def _bound_to(organisation: UUID, subject: UUID) -> bytes:
    return join_parts(b"pat subject key", organisation.bytes, subject.bytes)


def _unwrap(wrapping: bytes | None, organisation: UUID, item: WrappedKey) -> bytes | None:
    if wrapping is None:
        return None
    try:
        return open_bytes(wrapping, _bound_to(organisation, item.subject), item.blob[_ID_BYTES:])
    except Unreadable:
        return None
