"""What every key provider does, whatever stands behind it."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from tests.keys.transit import Transit

from pat_platform.encryption.file_provider import FileKeyProvider
from pat_platform.encryption.provider import KeyKeeper, KeysMissing, SubjectKey, WrappedKey
from pat_platform.encryption.vault_provider import VaultKeyProvider
from pat_platform.settings import VaultAccess

ORGANISATION, OTHER, STRANGER = uuid4(), uuid4(), uuid4()


@pytest.fixture(params=["file", "vault"])
async def provider(request: pytest.FixtureRequest, tmp_path: Path) -> KeyKeeper:
    """A provider with keys for two organisations."""
    made: KeyKeeper = (
        FileKeyProvider(tmp_path / "keys") if request.param == "file" else request.getfixturevalue("vault")
    )
    assert made.name == request.param
    assert await made.create(ORGANISATION)
    assert await made.create(OTHER)
    return made


async def wrapped_key(provider: KeyKeeper, subject: UUID, key: bytes) -> WrappedKey:
    [blob] = await provider.wrap(ORGANISATION, [SubjectKey(subject, key)])
    return WrappedKey(subject, blob)


async def test_what_was_wrapped_unwraps_in_the_order_asked(provider: KeyKeeper) -> None:
    keys = [SubjectKey(uuid4(), os.urandom(32)) for _ in range(5)]
    blobs = await provider.wrap(ORGANISATION, keys)
    stored = [WrappedKey(item.subject, blob) for item, blob in zip(keys, blobs, strict=True)]
    assert await provider.unwrap(ORGANISATION, stored) == [item.key for item in keys]
    assert await provider.unwrap(ORGANISATION, stored[::-1]) == [item.key for item in keys[::-1]]
    assert await provider.unwrap(ORGANISATION, []) == []


async def test_a_wrapped_key_opens_for_no_other_subject_or_organisation(provider: KeyKeeper) -> None:
    wrapped = await wrapped_key(provider, uuid4(), os.urandom(32))
    assert await provider.unwrap(ORGANISATION, [WrappedKey(uuid4(), wrapped.blob)]) == [None]
    assert await provider.unwrap(OTHER, [wrapped]) == [None]


async def test_one_damaged_key_does_not_hide_the_others(provider: KeyKeeper) -> None:
    good = await wrapped_key(provider, uuid4(), b"k" * 32)
    bad = await wrapped_key(provider, uuid4(), b"l" * 32)
    damaged = [
        WrappedKey(bad.subject, blob) for blob in (bad.blob[:-1], b"", b"\xff" * 80, bad.blob[:9] + b"\xff")
    ]
    for asked in ([*damaged, good], [good, *damaged]):
        expected = [b"k" * 32 if item is good else None for item in asked]
        assert await provider.unwrap(ORGANISATION, asked) == expected
        assert [blob is None for blob in await provider.rewrap(ORGANISATION, asked)] == [
            item is not good for item in asked
        ]


async def test_the_same_key_is_wrapped_differently_each_time(provider: KeyKeeper) -> None:
    subject = uuid4()
    assert await wrapped_key(provider, subject, b"k" * 32) != await wrapped_key(provider, subject, b"k" * 32)


async def test_nothing_makes_the_keys_of_an_organisation_but_the_one_who_is_asked_to(
    provider: KeyKeeper,
) -> None:
    assert await provider.unwrap(STRANGER, [WrappedKey(uuid4(), b"vault:v1:AAAA")]) == [None]
    for use in (
        provider.wrap(STRANGER, [SubjectKey(uuid4(), os.urandom(32))]),
        provider.wrap(STRANGER, []),
        provider.derive(STRANGER, b"blind index"),
        provider.rotate(STRANGER),
    ):
        with pytest.raises(KeysMissing) as missing:
            await use
        assert (missing.value.code, STRANGER.hex in missing.value.reason) == ("UNAVAILABLE", True)
        assert STRANGER.hex not in missing.value.message
    assert await provider.versions(STRANGER) == []


async def test_keys_that_are_there_are_never_made_again(provider: KeyKeeper) -> None:
    wrapped = await wrapped_key(provider, uuid4(), b"k" * 32)
    assert not await provider.create(ORGANISATION)
    assert await provider.unwrap(ORGANISATION, [wrapped]) == [b"k" * 32]


async def test_after_a_rotation_old_keys_open_and_new_ones_are_wrapped_anew(provider: KeyKeeper) -> None:
    before = await wrapped_key(provider, uuid4(), b"k" * 32)
    [first] = await provider.versions(ORGANISATION)
    await provider.rotate(ORGANISATION)
    after = await wrapped_key(provider, before.subject, b"k" * 32)
    [same, second] = await provider.versions(ORGANISATION)
    assert same == first
    assert (before.blob.startswith(first.prefix), after.blob.startswith(second.prefix)) == (True, True)
    assert not before.blob.startswith(second.prefix)
    assert await provider.unwrap(ORGANISATION, [before, after]) == [b"k" * 32] * 2
    assert datetime.now(UTC) - second.made_at < timedelta(minutes=1)
    assert len(await provider.versions(OTHER)) == 1


async def test_a_tenth_version_is_not_taken_for_the_first(provider: KeyKeeper) -> None:
    for _ in range(9):
        await provider.rotate(ORGANISATION)
    versions = await provider.versions(ORGANISATION)
    wrapped = await wrapped_key(provider, uuid4(), b"k" * 32)
    assert [version for version in versions if wrapped.blob.startswith(version.prefix)] == [versions[9]]


async def test_rewrapped_keys_are_the_same_keys_under_the_current_version(provider: KeyKeeper) -> None:
    keys = [SubjectKey(uuid4(), os.urandom(32)) for _ in range(3)]
    blobs = await provider.wrap(ORGANISATION, keys)
    stored = [WrappedKey(item.subject, blob) for item, blob in zip(keys, blobs, strict=True)]
    await provider.rotate(ORGANISATION)
    new = await provider.rewrap(ORGANISATION, stored)
    current = (await provider.versions(ORGANISATION))[-1]
    assert all(blob is not None and blob.startswith(current.prefix) for blob in new)
    rewrapped = [WrappedKey(item.subject, blob or b"") for item, blob in zip(keys, new, strict=True)]
    assert await provider.unwrap(ORGANISATION, rewrapped) == [item.key for item in keys]


async def test_a_destroyed_version_opens_nothing_and_the_later_ones_do(provider: KeyKeeper) -> None:
    old = await wrapped_key(provider, uuid4(), b"k" * 32)
    await provider.rotate(ORGANISATION)
    middle = await wrapped_key(provider, uuid4(), b"l" * 32)
    await provider.rotate(ORGANISATION)
    versions = await provider.versions(ORGANISATION)
    await provider.destroy_before(ORGANISATION, versions[1])
    assert await provider.versions(ORGANISATION) == versions[1:]
    assert await provider.unwrap(ORGANISATION, [old, middle]) == [None, b"l" * 32]
    assert await provider.rewrap(ORGANISATION, [old]) == [None]
    await provider.destroy_before(ORGANISATION, versions[2])
    assert await provider.versions(ORGANISATION) == versions[2:]
    assert await provider.unwrap(ORGANISATION, [old, middle]) == [None, None]


async def test_derived_keys_differ_by_purpose_and_organisation_and_outlive_every_version(
    provider: KeyKeeper,
) -> None:
    derived = await provider.derive(ORGANISATION, b"blind index")
    assert len(derived) == 32
    assert derived != await provider.derive(ORGANISATION, b"something else")
    assert derived != await provider.derive(OTHER, b"blind index")
    await provider.rotate(ORGANISATION)
    await provider.destroy_before(ORGANISATION, (await provider.versions(ORGANISATION))[-1])
    assert await provider.derive(ORGANISATION, b"blind index") == derived


@pytest.fixture(params=["file", "vault"])
def twice(
    request: pytest.FixtureRequest, tmp_path: Path, transit: Transit, token_file: Path
) -> Iterator[tuple[KeyKeeper, KeyKeeper]]:
    """Two processes' providers over the same keys."""
    if request.param == "file":
        # A clock on which each look is a minute after the last.
        both = [FileKeyProvider(tmp_path / "keys", clock=partial(next, count(0, 60))) for _ in range(2)]
        yield both[0], both[1]
        return
    access = VaultAccess(transit.address, token_file)
    vaults = VaultKeyProvider(access), VaultKeyProvider(access)
    yield vaults
    for each in vaults:
        each.close()


async def test_what_one_process_does_to_keys_another_notices(twice: tuple[KeyKeeper, KeyKeeper]) -> None:
    here, there = twice
    await here.create(ORGANISATION)
    old = await wrapped_key(there, uuid4(), b"k" * 32)
    index = await here.derive(ORGANISATION, b"blind index")
    await here.rotate(ORGANISATION)
    new = await wrapped_key(there, uuid4(), b"l" * 32)
    current = (await here.versions(ORGANISATION))[-1]
    assert new.blob.startswith(current.prefix)
    assert await here.unwrap(ORGANISATION, [old, new]) == [b"k" * 32, b"l" * 32]
    await here.destroy_before(ORGANISATION, current)
    assert await there.unwrap(ORGANISATION, [old, new]) == [None, b"l" * 32]
    assert await there.derive(ORGANISATION, b"blind index") == index
