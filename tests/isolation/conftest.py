"""What attacks on the wall, and tests of its functions, begin with."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.support.wall import Connection, Wall


@pytest.fixture
def admin(wall: Wall) -> Iterator[Connection]:
    """A superuser's transaction that is never committed."""
    with wall.admin.transaction(force_rollback=True):
        yield wall.admin
