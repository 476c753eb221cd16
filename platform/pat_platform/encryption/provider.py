"""Who keeps the keys of organisations: the interface that a key service implements."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from pat_platform.errors import Fault


@dataclass(frozen=True, slots=True)
class SubjectKey:
    """The key of one person's data, in the clear: 32 bytes. Never stored, never logged."""

    subject: UUID
    key: bytes

    def __repr__(self) -> str:
        return "SubjectKey(…)"


@dataclass(frozen=True, slots=True)
class WrappedKey:
    """The key of one person's data under the key of an organisation: what the database stores."""

    subject: UUID
    blob: bytes


@dataclass(frozen=True, slots=True)
class KeyVersion:
    """One version of an organisation's key. What it wrapped begins with `prefix`, and nothing else does."""

    name: str
    prefix: bytes
    made_at: datetime


class KeysUnavailable(Fault):
    """The keys of an organisation cannot be used now. `reason` is for the operator, `message` for a client."""

    def __init__(
        self, reason: str, message: str = "The key service does not answer. Try again in a moment."
    ) -> None:
        super().__init__("UNAVAILABLE", message)
        self.reason = reason


class KeysMissing(KeysUnavailable):
    """The organisation has no keys here: they were never made, or they are lost. Nothing makes them by itself."""

    def __init__(self, reason: str) -> None:
        super().__init__(
            reason,
            "The keys of your organisation are missing: nothing that identifies a person can be saved. "
            "Tell whoever runs the server.",
        )


class KeyProvider(Protocol):
    """Holds a key for each organisation and never gives it out: what a server needs of a key service.

    Fits a file, AWS KMS (the organisation and the subject are its encryption context), Vault's transit
    engine (batched requests, its key derivation context) and PKCS#11. Every method raises
    `KeysUnavailable` when the service does not answer. None makes a key where there is none.
    """

    @property
    def name(self) -> str:
        """What `pat doctor` and the logs call it."""
        ...

    async def wrap(self, organisation: UUID, keys: Sequence[SubjectKey]) -> list[bytes]:
        """Each key under the organisation's current key, bound to both ids; in the given order.

        Raises `KeysMissing`.
        """
        ...

    async def unwrap(self, organisation: UUID, keys: Sequence[WrappedKey]) -> list[bytes | None]:
        """Each key in the clear, in the given order; None for one that does not open.

        One round trip for all.
        """
        ...

    async def derive(self, organisation: UUID, purpose: bytes) -> bytes:
        """32 bytes that depend on the organisation and the purpose alone, whatever key wraps today.

        Raises `KeysMissing`.
        """
        ...

    def close(self) -> None:
        """Let go of what it holds open. Nothing is asked of it afterwards."""
        ...


class KeyKeeper(KeyProvider, Protocol):
    """What an operator needs besides: to make, rotate and destroy keys. A server's rights need not reach so far."""

    async def create(self, organisation: UUID) -> bool:
        """Make the organisation's keys. False where there are some already: they stay as they are."""
        ...

    async def versions(self, organisation: UUID) -> list[KeyVersion]:
        """The versions of its key that still open what they wrapped, oldest first; the last one wraps.

        Empty where the organisation has no keys.
        """
        ...

    async def rotate(self, organisation: UUID) -> None:
        """Wrap under a new version from now on. What the former ones wrapped still opens. Raises `KeysMissing`."""
        ...

    async def rewrap(self, organisation: UUID, keys: Sequence[WrappedKey]) -> list[bytes | None]:
        """Each key under the current version; None for one that does not open. One round trip for all."""
        ...

    async def destroy_before(self, organisation: UUID, version: KeyVersion) -> None:
        """Destroy every version that is older than this one: what they wrapped never opens again."""
        ...
