"""A key provider that keeps its keys in files: for the demo and for tests.

Whoever copies the machine's disk has these keys beside the data. A real deployment needs a provider that
does not.
"""

import asyncio
import base64
import binascii
import json
import os
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Self
from uuid import UUID

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from pat_platform.encryption.envelope import KEY_BYTES, Unreadable, join_parts, open_bytes, seal_bytes
from pat_platform.encryption.private_file import locked_folder, read_private, write_private
from pat_platform.encryption.provider import KeysMissing, KeyVersion, SubjectKey, WrappedKey

SECONDS_BETWEEN_LOOKS = 1.0
_ID_BYTES = 8
_UNKNOWN = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True, repr=False)
class _OrganisationKeys:
    """The secrets of one organisation: one to derive from for ever, and by id, oldest first, those that wrap or did."""

    root: bytes
    wrapping: Mapping[bytes, bytes]
    made_at: Mapping[bytes, datetime]
    current: bytes

    @classmethod
    def generate(cls) -> Self:
        return cls(root=secrets.token_bytes(KEY_BYTES), wrapping={}, made_at={}, current=b"").rotated()

    def rotated(self) -> Self:
        key_id = secrets.token_bytes(_ID_BYTES)
        wrapping = {**self.wrapping, key_id: secrets.token_bytes(KEY_BYTES)}
        return replace(
            self, wrapping=wrapping, made_at={**self.made_at, key_id: datetime.now(UTC)}, current=key_id
        )

    def without_those_before(self, oldest: bytes) -> Self:
        ids = list(self.wrapping)
        kept = ids[ids.index(oldest) :]
        return replace(self, wrapping={key_id: self.wrapping[key_id] for key_id in kept})


@dataclass(frozen=True, repr=False)
class _Loaded:
    """What a file held when it was as its signature says, the keys that are derived from it, and when we looked last."""

    signature: tuple[int, ...]
    held: _OrganisationKeys
    derived: Mapping[bytes, bytes]
    looked_at: float


class FileKeyProvider:
    """One file for each organisation in a folder of its own.

    A file that another process changed is read again, and one that is gone is missed, before a key is wrapped: what was wrapped
    under a lost key would be lost too. What only opens keys looks once a second.
    """

    name = "file"

    def __init__(self, folder: Path, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._folder = folder
        self._clock = clock
        self._loaded: dict[UUID, _Loaded] = {}

    async def wrap(self, organisation: UUID, keys: Sequence[SubjectKey]) -> list[bytes]:
        """Each key under the organisation's current key: the key's id, then the sealed key."""
        return _wrap(await self._needed(organisation), organisation, keys)

    async def unwrap(self, organisation: UUID, keys: Sequence[WrappedKey]) -> list[bytes | None]:
        """Each key in the clear; None for one that was changed or moved, or that no file of ours wrapped."""
        loaded = self._loaded.get(organisation)
        if loaded is None or not self._opens(loaded, keys):
            loaded = await self._load(organisation)
        if loaded is None:
            return [None for _ in keys]
        return [_unwrap(loaded.derived.get(item.blob[:_ID_BYTES]), organisation, item) for item in keys]

    async def derive(self, organisation: UUID, purpose: bytes) -> bytes:
        """32 bytes for this organisation and purpose, the same after every rotation."""
        loaded = await self._needed(organisation)
        return _derive(loaded.held.root, organisation, join_parts(b"purpose", purpose))

    def close(self) -> None:
        """Nothing is held open."""

    async def create(self, organisation: UUID) -> bool:
        """Make the organisation's file, unless there is one."""
        return await asyncio.to_thread(self._create, organisation)

    async def versions(self, organisation: UUID) -> list[KeyVersion]:
        """The keys that the file holds, oldest first."""
        loaded = await self._load(organisation)
        if loaded is None:
            return []
        made_at = loaded.held.made_at
        return [
            KeyVersion(key_id.hex(), key_id, made_at.get(key_id, _UNKNOWN)) for key_id in loaded.held.wrapping
        ]

    async def rotate(self, organisation: UUID) -> None:
        """Wrap under a new key from now on. What the former ones wrapped still opens."""
        await asyncio.to_thread(self._change, organisation, _OrganisationKeys.rotated)

    async def rewrap(self, organisation: UUID, keys: Sequence[WrappedKey]) -> list[bytes | None]:
        """Each key under the current one; None for one that does not open."""
        loaded = await self._needed(organisation)
        opened = await self.unwrap(organisation, keys)
        return [
            None if key is None else _wrap(loaded, organisation, [SubjectKey(item.subject, key)])[0]
            for item, key in zip(keys, opened, strict=True)
        ]

    async def destroy_before(self, organisation: UUID, version: KeyVersion) -> None:
        """Remove every older key from the file."""

        def change(held: _OrganisationKeys) -> _OrganisationKeys:
            return held.without_those_before(version.prefix)

        await asyncio.to_thread(self._change, organisation, change)

    async def _needed(self, organisation: UUID) -> _Loaded:
        loaded = await self._load(organisation)
        if loaded is None:
            raise KeysMissing(f"{self._path(organisation)} is missing.")
        return loaded

    def _opens(self, loaded: _Loaded, keys: Sequence[WrappedKey]) -> bool:
        """Whether what we loaded is young enough, and has all versions that are needed, to open keys without another look."""
        return self._clock() < loaded.looked_at + SECONDS_BETWEEN_LOOKS and all(
            item.blob[:_ID_BYTES] in loaded.derived for item in keys
        )

    async def _load(self, organisation: UUID) -> _Loaded | None:
        """The keys as the file holds them now. It is read in a thread, and only if it has changed."""
        looked_at = self._clock()
        loaded = self._loaded.get(organisation)
        signature = self._signature(organisation)
        if loaded is None or loaded.signature != signature:
            return await asyncio.to_thread(self._read_again, organisation, signature, looked_at)
        loaded = self._loaded[organisation] = replace(loaded, looked_at=looked_at)
        return loaded

    def _read_again(
        self, organisation: UUID, signature: tuple[int, ...] | None, looked_at: float
    ) -> _Loaded | None:
        held = self._read(organisation)
        if held is None or signature is None:
            self._loaded.pop(organisation, None)
            return None
        derived = {key_id: _derive(key, organisation, b"wrap") for key_id, key in held.wrapping.items()}
        # The signature is from before the reading: a change in between is noticed the next time.
        loaded = self._loaded[organisation] = _Loaded(signature, held, derived, looked_at)
        return loaded

    def _signature(self, organisation: UUID) -> tuple[int, ...] | None:
        try:
            found = os.stat(self._path(organisation), follow_symlinks=False)
        except FileNotFoundError:
            return None
        return (found.st_ino, found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_mode)

    def _create(self, organisation: UUID) -> bool:
        with locked_folder(self._folder):
            if self._read(organisation) is not None:
                return False
            self._write(organisation, _OrganisationKeys.generate())
            return True

    def _change(self, organisation: UUID, change: Callable[[_OrganisationKeys], _OrganisationKeys]) -> None:
        with locked_folder(self._folder):
            held = self._read(organisation)
            if held is None:
                raise KeysMissing(f"{self._path(organisation)} is missing.")
            self._write(organisation, change(held))

    def _path(self, organisation: UUID) -> Path:
        return self._folder / f"{organisation.hex}.json"

    def _read(self, organisation: UUID) -> _OrganisationKeys | None:
        content = read_private(self._path(organisation))
        if content is None:
            return None
        try:
            stored = json.loads(content)
            wrapping = {bytes.fromhex(key_id): _secret(key) for key_id, key in stored["wrapping"].items()}
            made_at = {
                bytes.fromhex(key_id): datetime.fromisoformat(moment)
                for key_id, moment in stored.get("made_at", {}).items()
            }
            current = bytes.fromhex(stored["current"])
            # Looked up here, so that a file which names no current key fails at once.
            wrapping[current]
            return _OrganisationKeys(_secret(stored["root"]), wrapping, made_at, current)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise Unreadable(f"{self._path(organisation)} does not hold an organisation's keys") from error

    def _write(self, organisation: UUID, held: _OrganisationKeys) -> None:
        stored = {
            "root": base64.b64encode(held.root).decode(),
            "current": held.current.hex(),
            "wrapping": {
                key_id.hex(): base64.b64encode(key).decode() for key_id, key in held.wrapping.items()
            },
            "made_at": {
                key_id.hex(): moment.isoformat()
                for key_id, moment in held.made_at.items()
                if key_id in held.wrapping
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


def _wrap(loaded: _Loaded, organisation: UUID, keys: Sequence[SubjectKey]) -> list[bytes]:
    current = loaded.held.current
    wrapping = loaded.derived[current]
    return [current + seal_bytes(wrapping, _bound_to(organisation, item.subject), item.key) for item in keys]


def _unwrap(wrapping: bytes | None, organisation: UUID, item: WrappedKey) -> bytes | None:
    if wrapping is None:
        return None
    try:
        return open_bytes(wrapping, _bound_to(organisation, item.subject), item.blob[_ID_BYTES:])
    except Unreadable:
        return None
