"""The key provider of the demo: keys in files, one for each organisation."""

import asyncio
import json
import os
import stat
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from pat_platform.encryption.envelope import Unreadable
from pat_platform.encryption.file_provider import FileKeyProvider
from pat_platform.encryption.private_file import ExposedFile, write_private
from pat_platform.encryption.provider import KeyProvider, SubjectKey, WrappedKey

ORGANISATION, OTHER = uuid4(), uuid4()


@pytest.fixture
def provider(tmp_path: Path) -> FileKeyProvider:
    return FileKeyProvider(tmp_path / "keys")


async def wrapped_key(provider: KeyProvider, subject: UUID, key: bytes) -> WrappedKey:
    [blob] = await provider.wrap(ORGANISATION, [SubjectKey(subject, key)])
    return WrappedKey(subject, blob)


async def test_what_was_wrapped_unwraps_in_the_order_asked(provider: FileKeyProvider) -> None:
    keys = [SubjectKey(uuid4(), os.urandom(32)) for _ in range(5)]
    blobs = await provider.wrap(ORGANISATION, keys)
    stored = [WrappedKey(item.subject, blob) for item, blob in zip(keys, blobs, strict=True)]
    assert await provider.unwrap(ORGANISATION, stored) == [item.key for item in keys]
    assert await provider.unwrap(ORGANISATION, stored[::-1]) == [item.key for item in keys[::-1]]


async def test_a_wrapped_key_opens_for_no_other_subject_or_organisation(provider: FileKeyProvider) -> None:
    wrapped = await wrapped_key(provider, uuid4(), os.urandom(32))
    await provider.wrap(OTHER, [])
    assert await provider.unwrap(ORGANISATION, [WrappedKey(uuid4(), wrapped.blob)]) == [None]
    assert await provider.unwrap(OTHER, [wrapped]) == [None]


async def test_a_key_file_given_to_another_organisation_opens_nothing(
    provider: FileKeyProvider, tmp_path: Path
) -> None:
    wrapped = await wrapped_key(provider, uuid4(), os.urandom(32))
    held = (tmp_path / "keys" / f"{ORGANISATION.hex}.json").read_bytes()
    write_private(tmp_path / "keys" / f"{OTHER.hex}.json", held)
    assert await provider.unwrap(OTHER, [wrapped]) == [None]


async def test_one_damaged_key_does_not_hide_the_others(provider: FileKeyProvider) -> None:
    good, bad = (
        await wrapped_key(provider, uuid4(), b"k" * 32),
        await wrapped_key(provider, uuid4(), b"l" * 32),
    )
    damaged = WrappedKey(bad.subject, bad.blob[:-1])
    empty = WrappedKey(bad.subject, b"")
    assert await provider.unwrap(ORGANISATION, [damaged, good, empty]) == [None, b"k" * 32, None]


async def test_an_organisation_without_keys_can_unwrap_nothing_and_gets_none_by_trying(
    provider: FileKeyProvider, tmp_path: Path
) -> None:
    assert await provider.unwrap(ORGANISATION, [WrappedKey(uuid4(), b"anything")]) == [None]
    assert not (tmp_path / "keys" / f"{ORGANISATION.hex}.json").exists()


async def test_keys_outlive_the_process(provider: FileKeyProvider, tmp_path: Path) -> None:
    wrapped = await wrapped_key(provider, uuid4(), b"k" * 32)
    index_key = await provider.derive(ORGANISATION, b"blind index")
    again = FileKeyProvider(tmp_path / "keys")
    assert await again.unwrap(ORGANISATION, [wrapped]) == [b"k" * 32]
    assert await again.derive(ORGANISATION, b"blind index") == index_key


async def test_after_a_rotation_old_keys_open_and_new_ones_are_wrapped_anew(
    provider: FileKeyProvider,
) -> None:
    before = await wrapped_key(provider, uuid4(), b"k" * 32)
    await provider.rotate(ORGANISATION)
    after = await wrapped_key(provider, before.subject, b"k" * 32)
    assert before.blob[:8] != after.blob[:8]
    assert await provider.unwrap(ORGANISATION, [before, after]) == [b"k" * 32] * 2


async def test_a_rotation_by_another_process_is_noticed(provider: FileKeyProvider, tmp_path: Path) -> None:
    await wrapped_key(provider, uuid4(), b"k" * 32)
    elsewhere = FileKeyProvider(tmp_path / "keys")
    await elsewhere.rotate(ORGANISATION)
    wrapped = await wrapped_key(elsewhere, uuid4(), b"l" * 32)
    assert await provider.unwrap(ORGANISATION, [wrapped]) == [b"l" * 32]


async def test_an_organisation_may_rotate_before_its_first_key(provider: FileKeyProvider) -> None:
    await provider.rotate(ORGANISATION)
    wrapped = await wrapped_key(provider, uuid4(), b"k" * 32)
    assert await provider.unwrap(ORGANISATION, [wrapped]) == [b"k" * 32]


async def test_derived_keys_differ_by_purpose_and_organisation_and_survive_a_rotation(
    provider: FileKeyProvider,
) -> None:
    derived = await provider.derive(ORGANISATION, b"blind index")
    assert len(derived) == 32
    assert derived != await provider.derive(ORGANISATION, b"something else")
    assert derived != await provider.derive(OTHER, b"blind index")
    await provider.rotate(ORGANISATION)
    assert derived == await provider.derive(ORGANISATION, b"blind index")


async def test_key_files_are_for_their_owner_alone(provider: FileKeyProvider, tmp_path: Path) -> None:
    await provider.wrap(ORGANISATION, [])
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "keys").iterdir()]
    assert modes == [0o600, 0o600]
    assert stat.S_IMODE((tmp_path / "keys").stat().st_mode) == 0o700


async def test_a_key_file_open_to_others_is_refused(provider: FileKeyProvider, tmp_path: Path) -> None:
    await provider.wrap(ORGANISATION, [])
    (tmp_path / "keys" / f"{ORGANISATION.hex}.json").chmod(0o644)
    with pytest.raises(ExposedFile):
        await FileKeyProvider(tmp_path / "keys").wrap(ORGANISATION, [])


async def test_two_requests_that_come_first_make_one_key(provider: FileKeyProvider, tmp_path: Path) -> None:
    elsewhere = FileKeyProvider(tmp_path / "keys")
    await asyncio.gather(provider.wrap(ORGANISATION, []), elsewhere.wrap(ORGANISATION, []))
    wrapped = await wrapped_key(provider, uuid4(), b"k" * 32)
    assert await elsewhere.unwrap(ORGANISATION, [wrapped]) == [b"k" * 32]


async def test_a_damaged_key_file_is_reported_and_never_replaced(
    provider: FileKeyProvider, tmp_path: Path
) -> None:
    await provider.wrap(ORGANISATION, [])
    path = tmp_path / "keys" / f"{ORGANISATION.hex}.json"
    good = json.loads(path.read_text())
    damages: list[object] = [
        [],
        {},
        good | {"root": "AAAA"},
        good | {"current": "00"},
        good | {"wrapping": []},
    ]
    for damaged in damages:
        write_private(path, json.dumps(damaged).encode())
        with pytest.raises(Unreadable):
            await FileKeyProvider(tmp_path / "keys").wrap(ORGANISATION, [])
        assert json.loads(path.read_text()) == damaged


async def test_stored_and_wrapped_keys_do_not_hold_the_key_itself(
    provider: FileKeyProvider, tmp_path: Path
) -> None:
    key = os.urandom(32)
    wrapped = await wrapped_key(provider, uuid4(), key)
    assert key not in wrapped.blob
    assert key.hex() not in repr(SubjectKey(uuid4(), key))
    assert str(key) not in repr(SubjectKey(uuid4(), key))


def test_the_provider_has_a_name(provider: FileKeyProvider) -> None:
    kept: KeyProvider = provider
    assert kept.name == "file"
