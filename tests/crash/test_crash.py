"""Whatever is killed: what was acknowledged is there once, with its event in the trail."""

from pathlib import Path

import pytest
from tests.crash.ordeal import survive


@pytest.mark.slow
def test_acknowledged_writes_survive_the_death_of_the_server_and_of_postgresql(tmp_path: Path) -> None:
    ordeal = survive(tmp_path, writes=160, kills=2)
    assert ordeal.wrong == []
    assert ordeal.killed == ["kill_server", "kill_postgres"]
