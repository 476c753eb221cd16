"""Whatever is killed: what was acknowledged is there once, with its event in the trail."""

from collections.abc import Iterator

import pytest
from tests.crash.notes import Notes
from tests.crash.ordeal import survive
from tests.crash.place import Place, place
from tests.crash.sharing import Referrals

KILLED = ["kill_server", "kill_postgres"]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with place(tmp_path_factory.mktemp("crash")) as made:
        yield made


@pytest.mark.slow
def test_acknowledged_writes_survive_the_death_of_the_server_and_of_postgresql(made: Place) -> None:
    ordeal = survive(made, Notes(), writes=160, kills=2)
    assert ordeal.wrong == []
    assert ordeal.killed == KILLED


@pytest.mark.slow
def test_what_both_sides_of_a_referral_were_told_survives_and_what_was_shut_stays_so(made: Place) -> None:
    sharing = Referrals()
    ordeal = survive(made, sharing, writes=200, kills=2)
    assert ordeal.wrong == []
    assert ordeal.killed == KILLED
    assert sum(sharing.shown.values()) > 0
    assert sharing.tombstones > 0
