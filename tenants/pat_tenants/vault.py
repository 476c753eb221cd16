"""Opening and sealing identities: what verbs and the finishing step of reads share."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from pat_platform.encryption.blind_index import PURPOSE, BlindIndex
from pat_platform.encryption.envelope import Place, Unreadable
from pat_platform.encryption.key_ring import KeyRing
from pat_platform.encryption.provider import KeyKeeper

Sealed = Sequence[Any]
"""``[table, column, subject, row or None, wrapped key, sealed text]``, as ``reads.sealed`` writes it; the last two in hex."""


REMEMBERED_SECONDS = 300.0
REMEMBERED = 1000


class Vault:
    """The keys of all organisations, behind the key provider. One for each process; it keeps no key of a survivor.

    It remembers the keys of blind indexes, of this many organisations and for this long: each would cost a round trip.
    """

    def __init__(self, provider: KeyKeeper, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._provider = provider
        self._clock = clock
        self._indexes: OrderedDict[UUID, tuple[float, BlindIndex]] = OrderedDict()

    async def create_keys(self, organisation: UUID) -> bool:
        """Make the keys of a new organisation; nothing else ever does. False where it has some already."""
        return await self._provider.create(organisation)

    def close(self) -> None:
        """Let go of the key provider."""
        self._provider.close()

    def ring(self, organisation: UUID) -> KeyRing:
        """A ring for one request or transaction."""
        return KeyRing(self._provider, organisation)

    async def phone_index(self, organisation: UUID) -> BlindIndex:
        """The blind index of telephone numbers of one organisation. Raises what `KeyProvider.derive` raises."""
        until, index = self._indexes.get(organisation, (0.0, None))
        if index is None or until <= self._clock():
            index = BlindIndex(await self._provider.derive(organisation, PURPOSE))
            self._indexes.pop(organisation, None)
            self._indexes[organisation] = (self._clock() + REMEMBERED_SECONDS, index)
            while len(self._indexes) > REMEMBERED:
                self._indexes.popitem(last=False)
        return index

    async def unseal(self, organisation: UUID, values: Sequence[Sealed]) -> list[str | None]:
        """Open sealed values of one response: all their keys in one call to the provider. None for one that does not open.

        Raises Unreadable where the organisation's own keys cannot be read.
        """
        ring = self.ring(organisation)
        wrapped = {subject: key for _, _, subject, _, key, _ in values}
        subjects = {subject: UUID(subject) for subject in wrapped}
        await ring.unlock({subjects[subject]: bytes.fromhex(key) for subject, key in wrapped.items()})
        return [
            _opened(
                ring, Place(organisation, table, column, subjects[subject], UUID(row) if row else None), blob
            )
            for table, column, subject, row, _, blob in values
        ]


def _opened(ring: KeyRing, place: Place, blob: str) -> str | None:
    try:
        return ring.open(place, bytes.fromhex(blob))
    except Unreadable:
        return None
