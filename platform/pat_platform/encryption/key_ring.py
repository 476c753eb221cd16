"""The keys of the people whom one request reads or writes."""

import os
from collections.abc import Mapping
from uuid import UUID

from pat_platform.encryption import envelope
from pat_platform.encryption.envelope import KEY_BYTES, Place, Unreadable
from pat_platform.encryption.provider import KeyProvider, SubjectKey, WrappedKey


async def new_subject_key(provider: KeyProvider, organisation: UUID, subject: UUID) -> tuple[bytes, bytes]:
    """A key for one person's data, as (wrapped, key).

    Store the wrapped one; deleting it erases what the key sealed.
    """
    key = os.urandom(KEY_BYTES)
    [wrapped] = await provider.wrap(organisation, [SubjectKey(subject, key)])
    return wrapped, key


class KeyRing:
    """Opens each subject's key once in a request, all that are needed in one round trip.

    Not kept beyond it.
    """

    def __init__(self, provider: KeyProvider, organisation: UUID) -> None:
        self._provider = provider
        self._organisation = organisation
        self._keys: dict[UUID, bytes | None] = {}

    async def unlock(self, wrapped: Mapping[UUID, bytes | None]) -> None:
        """Unwrap the keys of these subjects, as the database stores them; None for one that was erased.

        A key that does not open is no error before its subject is read. Raises `Fault` UNAVAILABLE from
        the provider.
        """
        missing = [
            WrappedKey(subject, blob)
            for subject, blob in wrapped.items()
            if blob is not None and subject not in self._keys
        ]
        if missing:
            keys = await self._provider.unwrap(self._organisation, missing)
            self._keys.update((item.subject, key) for item, key in zip(missing, keys, strict=True))

    async def add(self, subject: UUID) -> bytes:
        """Make a key for a person who has none, and return it wrapped, to be stored."""
        wrapped, key = await new_subject_key(self._provider, self._organisation, subject)
        self._keys[subject] = key
        return wrapped

    def seal(self, place: Place, text: str) -> bytes:
        """The text as bytes to store at this place.

        Raises `Unreadable` when its subject's key is not unlocked.
        """
        return envelope.seal(self._key(place), place, text)

    def open(self, place: Place, blob: bytes) -> str:
        """The text sealed at this place. Raises `Unreadable`, also when its subject's key was erased."""
        return envelope.open(self._key(place), place, blob)

    def _key(self, place: Place) -> bytes:
        key = self._keys.get(place.subject)
        if key is None or place.organisation != self._organisation:
            raise Unreadable("no key for this place")
        return key
