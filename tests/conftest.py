"""What every test may ask for."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from tests.observability.watching import nobody_is_named, pytest_runtest_makereport, watched_logs
from tests.support.wall import Wall, build_wall

from pat_platform.postgres import EmbeddedPostgres

__all__ = ["nobody_is_named", "pytest_runtest_makereport", "watched_logs"]

# Nothing here outlives the run, so nothing has to reach the disk.
FORGETFUL = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    """A running PostgreSQL: one for each test process."""
    with _running(tmp_path_factory, "postgres") as postgres:
        yield postgres


@pytest.fixture(scope="session")
def wall(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wall]:
    """A migrated database with a small network behind the wall, made once: tests roll back what they do.

    Its cluster is its own: roles belong to a whole cluster, and the lint judges every one that it finds.
    """
    with _running(tmp_path_factory, "wall") as postgres:
        built = build_wall(postgres, "wall")
        yield built
        built.close()


@contextmanager
def _running(tmp_path_factory: pytest.TempPathFactory, name: str) -> Iterator[EmbeddedPostgres]:
    postgres = EmbeddedPostgres(tmp_path_factory.mktemp(name), options=FORGETFUL)
    with postgres:
        yield postgres
    postgres.erase()
