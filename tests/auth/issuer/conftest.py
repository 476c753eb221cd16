"""An issuer, and people who prove who they are."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.granting import Granting, granting_on
from tests.support.proving import Proving, proving_on
from tests.support.wall import Wall


@pytest.fixture
def proving(wall: Wall, tmp_path: Path) -> Iterator[Proving]:
    """The issuer on its own login, before the small network."""
    with proving_on(wall, tmp_path) as made:
        yield made


@pytest.fixture
def granting(wall: Wall, tmp_path: Path) -> Iterator[Granting]:
    """The issuer before the small network, asked by a client; all of it is undone."""
    with granting_on(wall, tmp_path) as made:
        yield made
