"""Keys of blind indexes: remembered for a while and for so many, and no longer."""

from pathlib import Path
from uuid import UUID, uuid4

import pytest

from pat_platform.encryption.file_provider import FileKeyProvider
from pat_tenants import vault as vaults
from pat_tenants.vault import REMEMBERED_SECONDS, Vault


class Counting(FileKeyProvider):
    """Remembers for whom it derived."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.derived: list[UUID] = []

    async def derive(self, organisation: UUID, purpose: bytes) -> bytes:
        self.derived.append(organisation)
        return await super().derive(organisation, purpose)


async def test_the_key_of_an_index_is_asked_for_again_after_a_while(tmp_path: Path) -> None:
    provider, now, organisation = Counting(tmp_path), [0.0], uuid4()
    vault = Vault(provider, clock=lambda: now[0])
    await vault.create_keys(organisation)
    first = await vault.phone_index(organisation)
    assert await vault.phone_index(organisation) is first
    now[0] = REMEMBERED_SECONDS
    assert await vault.phone_index(organisation) is not first
    assert provider.derived == [organisation] * 2


async def test_no_more_than_so_many_are_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vaults, "REMEMBERED", 2)
    provider = Counting(tmp_path)
    vault = Vault(provider)
    organisations = [uuid4() for _ in range(3)]
    for organisation in (*organisations, organisations[2], organisations[0]):
        await vault.create_keys(organisation)
        await vault.phone_index(organisation)
    assert provider.derived == [*organisations, organisations[0]]
