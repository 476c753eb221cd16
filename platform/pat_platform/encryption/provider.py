"""Who keeps the keys of organisations: the interface that a key service implements."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID


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


class KeyProvider(Protocol):
    """Holds a key for each organisation and never gives it out.

    Fits a file, AWS KMS (the organisation and the subject are its encryption context), Vault's transit
    engine (batched requests, its key derivation context) and PKCS#11. Every method raises `Fault`
    UNAVAILABLE when the service does not answer.
    """

    @property
    def name(self) -> str:
        """What `pat doctor` and the logs call it."""
        ...

    async def wrap(self, organisation: UUID, keys: Sequence[SubjectKey]) -> list[bytes]:
        """Each key under the organisation's current key, bound to both ids; in the given order."""
        ...

    async def unwrap(self, organisation: UUID, keys: Sequence[WrappedKey]) -> list[bytes | None]:
        """Each key in the clear, in the given order; None for one that does not open.

        One round trip for all.
        """
        ...

    async def derive(self, organisation: UUID, purpose: bytes) -> bytes:
        """32 bytes that depend on the organisation and the purpose alone, whatever key wraps today."""
        ...
