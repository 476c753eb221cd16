"""Opening and sealing identities: what verbs and the finishing step of reads share."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from pat_platform.encryption.blind_index import PURPOSE, BlindIndex
from pat_platform.encryption.envelope import Place, Unreadable
from pat_platform.encryption.key_ring import KeyRing
from pat_platform.encryption.provider import KeyProvider

Sealed = Sequence[Any]
"""``[table, column, subject, row or None, wrapped key, sealed text]``, as ``reads.sealed`` writes it; the last two in base64."""


class Vault:
    """The keys of all organisations, behind the key provider. One for each process; it keeps no key of a survivor."""

    def __init__(self, provider: KeyProvider) -> None:
        self._provider = provider
        self._indexes: dict[UUID, BlindIndex] = {}

    def ring(self, organisation: UUID) -> KeyRing:
        """A ring for one request or transaction."""
        return KeyRing(self._provider, organisation)

    async def phone_index(self, organisation: UUID) -> BlindIndex:
        """The blind index of telephone numbers of one organisation."""
        if organisation not in self._indexes:
            self._indexes[organisation] = BlindIndex(await self._provider.derive(organisation, PURPOSE))
        return self._indexes[organisation]

    async def unseal(self, organisation: UUID, values: Sequence[Sealed]) -> list[str | None]:
        """Open sealed values of one response: all their keys in one call to the provider. None for one that does not open.

        Raises Unreadable where the organisation's own keys cannot be read.
        """
        ring = self.ring(organisation)
        await ring.unlock({UUID(subject): b64decode(wrapped) for _, _, subject, _, wrapped, _ in values})
        return [
            _opened(ring, Place(organisation, table, column, UUID(subject), UUID(row) if row else None), blob)
            for table, column, subject, row, _, blob in values
        ]


def _opened(ring: KeyRing, place: Place, blob: str) -> str | None:
    try:
        return ring.open(place, b64decode(blob))
    except Unreadable:
        return None
