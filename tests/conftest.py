"""What every test may ask for."""

from collections.abc import Iterator

import pytest
from tests.support.wall import Wall, build_wall

from pat_platform.postgres import EmbeddedPostgres

# Nothing here outlives the run, so nothing has to reach the disk.
FORGETFUL = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    """A running PostgreSQL: one for each test process."""
    postgres = EmbeddedPostgres(tmp_path_factory.mktemp("postgres"), options=FORGETFUL)
    with postgres:
        yield postgres
    postgres.erase()


@pytest.fixture(scope="session")
def wall(cluster: EmbeddedPostgres) -> Iterator[Wall]:
    """A migrated database with a small network behind the wall, made once: tests roll back what they do."""
    built = build_wall(cluster, "wall")
    yield built
    built.close()
