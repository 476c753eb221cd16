"""Key providers of both kinds."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.keys.transit import TOKEN, Transit, serving_transit

from pat_platform.encryption.vault_provider import VaultKeyProvider
from pat_platform.settings import VaultAccess


@pytest.fixture
def transit() -> Iterator[Transit]:
    """A Vault that answers on this machine."""
    with serving_transit() as transit:
        yield transit


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    """Where our token lies."""
    file = tmp_path / "vault-token"
    file.write_text(TOKEN + "\n")
    return file


@pytest.fixture
def vault(transit: Transit, token_file: Path) -> Iterator[VaultKeyProvider]:
    """The provider that asks it."""
    provider = VaultKeyProvider(VaultAccess(transit.address, token_file))
    yield provider
    provider.close()
