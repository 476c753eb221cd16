"""The key provider of the demo: keys in files, one for each organisation."""

import asyncio
import json
import os
import stat
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from pat_platform.encryption.envelope import Unreadable
from pat_platform.encryption.file_provider import FileKeyProvider
from pat_platform.encryption.private_file import ExposedFile, write_private
from pat_platform.encryption.provider import KeyProvider, KeysMissing, SubjectKey, WrappedKey

ORGANISATION, OTHER = uuid4(), uuid4()


@pytest.fixture
async def provider(tmp_path: Path) -> FileKeyProvider:
    made = FileKeyProvider(tmp_path / "keys")
    await made.create(ORGANISATION)
    return made


async def wrapped_key(provider: KeyProvider, subject: UUID, key: bytes) -> WrappedKey:
    [blob] = await provider.wrap(ORGANISATION, [SubjectKey(subject, key)])
    return WrappedKey(subject, blob)


async def test_a_key_file_given_to_another_organisation_opens_nothing(
    provider: FileKeyProvider, tmp_path: Path
) -> None:
    wrapped = await wrapped_key(provider, uuid4(), os.urandom(32))
    held = (tmp_path / "keys" / f"{ORGANISATION.hex}.json").read_bytes()
    write_private(tmp_path / "keys" / f"{OTHER.hex}.json", held)
    assert await provider.unwrap(OTHER, [wrapped]) == [None]


async def test_keys_outlive_the_process(provider: FileKeyProvider, tmp_path: Path) -> None:
    wrapped = await wrapped_key(provider, uuid4(), b"k" * 32)
    index_key = await provider.derive(ORGANISATION, b"blind index")
    again = FileKeyProvider(tmp_path / "keys")
    assert await again.unwrap(ORGANISATION, [wrapped]) == [b"k" * 32]
    assert await again.derive(ORGANISATION, b"blind index") == index_key


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


async def test_two_who_make_keys_at_once_make_one(tmp_path: Path) -> None:
    both = [FileKeyProvider(tmp_path / "keys") for _ in range(2)]
    made = await asyncio.gather(*(each.create(OTHER) for each in both))
    assert sorted(made) == [False, True]
    assert await both[0].versions(OTHER) == await both[1].versions(OTHER)


async def test_a_file_from_before_versions_were_dated_opens_and_is_old(
    provider: FileKeyProvider, tmp_path: Path
) -> None:
    wrapped = await wrapped_key(provider, uuid4(), b"k" * 32)
    path = tmp_path / "keys" / f"{ORGANISATION.hex}.json"
    stored = json.loads(path.read_text())
    del stored["made_at"]
    write_private(path, json.dumps(stored).encode())
    assert await provider.unwrap(ORGANISATION, [wrapped]) == [b"k" * 32]
    [version] = await provider.versions(ORGANISATION)
    assert version.made_at == datetime(1970, 1, 1, tzinfo=UTC)


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


async def test_a_lost_file_is_missed_and_never_replaced(provider: FileKeyProvider, tmp_path: Path) -> None:
    clock = Clock()
    running = FileKeyProvider(tmp_path / "keys", clock=clock)
    wrapped = await wrapped_key(running, uuid4(), b"k" * 32)
    path = tmp_path / "keys" / f"{ORGANISATION.hex}.json"
    content = await asyncio.to_thread(path.read_bytes)
    await asyncio.to_thread(path.unlink)
    # Nothing is wrapped any more, from this moment; what was is missed a second later at the latest.
    assert await running.unwrap(ORGANISATION, [wrapped]) == [b"k" * 32]
    with pytest.raises(KeysMissing):
        await running.wrap(ORGANISATION, [])
    with pytest.raises(KeysMissing):
        await running.derive(ORGANISATION, b"blind index")
    assert await running.unwrap(ORGANISATION, [wrapped]) == [None]
    assert await asyncio.to_thread(path.exists) is False
    await asyncio.to_thread(write_private, path, content)
    assert await running.unwrap(ORGANISATION, [wrapped]) == [b"k" * 32]
    await asyncio.to_thread(path.unlink)
    clock.now = 1.0
    assert await running.unwrap(ORGANISATION, [wrapped]) == [None]


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
