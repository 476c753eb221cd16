"""The pages before the small network, and somebody who visits them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.applications import Starlette
from tests.support.granting import Granting, granting_on
from tests.support.visiting import Known, Visitor, know, visiting
from tests.support.wall import Wall

from pat_server.sign_in.desk import page_routes


@pytest.fixture
def granting(wall: Wall, tmp_path: Path) -> Iterator[Granting]:
    """The issuer of the small network, and a client of cbo-a's."""
    with granting_on(wall, tmp_path) as made:
        yield made


@pytest.fixture
def pages(granting: Granting) -> Starlette:
    """The pages alone."""
    return Starlette(routes=list(page_routes(granting.service)))


@pytest.fixture
def visitor(pages: Starlette, granting: Granting) -> Iterator[Visitor]:
    """A browser that has not been here."""
    with visiting(pages, granting) as made:
        yield made


@pytest.fixture
def other(pages: Starlette, granting: Granting) -> Iterator[Visitor]:
    """Another browser."""
    with visiting(pages, granting) as made:
        yield made


@pytest.fixture
def manager(granting: Granting) -> Known:
    """The manager of cbo-a."""
    return know(granting, granting.who.person)
