"""The keys of one request: each opened once, all together, and gone when they are erased."""

from collections.abc import Sequence
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from pat_platform.encryption.envelope import Place, Unreadable
from pat_platform.encryption.file_provider import FileKeyProvider
from pat_platform.encryption.key_ring import KeyRing, new_subject_key
from pat_platform.encryption.provider import WrappedKey

ORGANISATION = uuid4()


class CountingProvider(FileKeyProvider):
    """Remembers how many keys each call asked for."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.asked: list[int] = []

    async def unwrap(self, organisation: UUID, keys: Sequence[WrappedKey]) -> list[bytes | None]:
        self.asked.append(len(keys))
        return await super().unwrap(organisation, keys)


@pytest.fixture
async def provider(tmp_path: Path) -> CountingProvider:
    made = CountingProvider(tmp_path / "keys")
    await made.create(ORGANISATION)
    return made


def name_of(subject: UUID, organisation: UUID = ORGANISATION) -> Place:
    return Place(organisation, "survivor_identity", "name", subject)


async def test_a_request_opens_what_an_earlier_one_sealed(provider: CountingProvider) -> None:
    subject = uuid4()
    writing = KeyRing(provider, ORGANISATION)
    wrapped = await writing.add(subject)
    blob = writing.seal(name_of(subject), "Mithu")
    assert writing.open(name_of(subject), blob) == "Mithu"
    reading = KeyRing(provider, ORGANISATION)
    await reading.unlock({subject: wrapped})
    assert reading.open(name_of(subject), blob) == "Mithu"


async def test_all_keys_are_opened_in_one_call_and_each_only_once(provider: CountingProvider) -> None:
    wrapped = {
        subject: (await new_subject_key(provider, ORGANISATION, subject))[0]
        for subject in (uuid4() for _ in range(20))
    }
    ring = KeyRing(provider, ORGANISATION)
    await ring.unlock(wrapped)
    await ring.unlock(wrapped)
    await ring.unlock({})
    assert provider.asked == [20]


async def test_after_a_key_is_deleted_nothing_of_that_person_opens(provider: CountingProvider) -> None:
    erased, kept = uuid4(), uuid4()
    ring = KeyRing(provider, ORGANISATION)
    stored: dict[UUID, bytes | None] = {subject: await ring.add(subject) for subject in (erased, kept)}
    blobs = {subject: ring.seal(name_of(subject), "Mithu") for subject in stored}
    stored[erased] = None
    for keys in (stored, {kept: stored[kept]}):
        later = KeyRing(provider, ORGANISATION)
        await later.unlock(keys)
        assert later.open(name_of(kept), blobs[kept]) == "Mithu"
        with pytest.raises(Unreadable):
            later.open(name_of(erased), blobs[erased])


async def test_a_new_key_for_an_erased_person_opens_nothing_old(provider: CountingProvider) -> None:
    subject = uuid4()
    before = KeyRing(provider, ORGANISATION)
    await before.add(subject)
    blob = before.seal(name_of(subject), "Mithu")
    after = KeyRing(provider, ORGANISATION)
    await after.add(subject)
    with pytest.raises(Unreadable):
        after.open(name_of(subject), blob)


async def test_a_key_stored_with_another_person_opens_nothing(provider: CountingProvider) -> None:
    hers, another = uuid4(), uuid4()
    ring = KeyRing(provider, ORGANISATION)
    wrapped = await ring.add(hers)
    blob = ring.seal(name_of(hers), "Mithu")
    exchanged = KeyRing(provider, ORGANISATION)
    await exchanged.unlock({another: wrapped})
    for subject in (hers, another):
        with pytest.raises(Unreadable):
            exchanged.open(name_of(subject), blob)


async def test_a_ring_of_one_organisation_reads_and_writes_no_place_of_another(
    provider: CountingProvider,
) -> None:
    subject = uuid4()
    ring = KeyRing(provider, ORGANISATION)
    await ring.add(subject)
    with pytest.raises(Unreadable):
        ring.seal(name_of(subject, organisation=uuid4()), "Mithu")


async def test_nothing_is_sealed_for_a_person_whose_key_is_not_unlocked(provider: CountingProvider) -> None:
    with pytest.raises(Unreadable):
        KeyRing(provider, ORGANISATION).seal(name_of(uuid4()), "Mithu")
