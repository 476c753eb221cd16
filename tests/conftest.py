"""What every test may ask for."""

from collections.abc import Iterator

import pytest

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
