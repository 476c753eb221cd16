"""Whoever guesses is slowed down, and nobody is locked out."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import uuid4

import pytest
from tests.support.proving import Proving

from pat_auth.issuer.models import Counter
from pat_auth.issuer.throttle import PACES, Attempt, TooEarly, count, everybodys_wait, neighbourhood, succeed

HOUSE = "192.0.2.1"


def tries(proving: Proving, attempt: Attempt) -> bool:
    """Whether it was its turn."""
    try:
        with proving.service.connections.transaction() as connection:
            count(connection, attempt, proving.clock())
    except TooEarly:
        return False
    return True


def seconds_until_next(proving: Proving, attempt: Attempt) -> float:
    """How long it takes until it is its turn, found by trying."""
    waited = 0.0
    while not tries(proving, attempt):
        proving.clock.pass_by(seconds=0.25)
        waited += 0.25
    return waited


def account(proving: Proving, email: str = "rina@cbo-a.example", address: str = HOUSE) -> Attempt:
    return Attempt.first(proving.service, email, address)


def elsewhere(proving: Proving, number: int, email: str = "rina@cbo-a.example") -> Attempt:
    """From another network each."""
    return account(proving, email, f"10.{number // 256}.{number % 256}.1")


def test_delays_of_an_account_grow_from_a_second_to_a_minute(proving: Proving) -> None:
    delays = [seconds_until_next(proving, elsewhere(proving, number)) for number in range(14)]
    assert delays[:4] == [0, 0, 0, 0]
    for delay, about in zip(delays[4:10], (1, 2, 4, 8, 16, 32), strict=True):
        assert about * 0.85 <= delay <= about + 0.25
    assert max(delays) <= 60.25
    assert min(delays[11:]) > 45


def test_another_account_and_another_address_have_their_own(proving: Proving) -> None:
    while tries(proving, account(proving)):
        pass
    assert tries(proving, account(proving, "mitali@cbo-a.example"))
    assert not tries(proving, account(proving, address="198.51.100.1"))


def test_an_address_may_hold_an_office_and_is_slowed_down_then(proving: Proving) -> None:
    def of_anybody() -> Attempt:
        return account(proving, f"{uuid4()}@cbo-a.example")

    assert all(tries(proving, of_anybody()) for _ in range(20))
    assert tries(proving, of_anybody())
    delays = [seconds_until_next(proving, of_anybody()) for _ in range(8)]
    assert 0.75 <= delays[0] <= 1.25
    assert delays == sorted(delays)
    assert 14 <= delays[-1] <= 15.25
    # Next door nobody notices.
    assert tries(proving, account(proving, f"{uuid4()}@cbo-a.example", "192.0.3.1"))


def test_what_comes_too_early_is_not_counted_so_that_a_flood_locks_nobody_out(proving: Proving) -> None:
    while tries(proving, account(proving)):
        pass
    for _ in range(200):
        assert not tries(proving, account(proving))
    proving.clock.pass_by(seconds=1.1)
    assert tries(proving, account(proving))


def test_what_an_account_refuses_counts_nowhere(proving: Proving) -> None:
    while tries(proving, account(proving)):
        pass
    before = proving.wall.admin.execute("select kind, failures from sec.attempts order by 1, 2").fetchall()
    tries(proving, account(proving))
    assert (
        proving.wall.admin.execute("select kind, failures from sec.attempts order by 1, 2").fetchall()
        == before
    )


def test_failures_fade(proving: Proving) -> None:
    for _ in range(4):
        assert tries(proving, account(proving))
    assert not tries(proving, account(proving))
    proving.clock.pass_by(minutes=15)
    # Half of four are left: one more is free.
    assert [tries(proving, account(proving)) for _ in range(3)] == [True, True, False]
    proving.clock.pass_by(days=400)
    assert [tries(proving, account(proving)) for _ in range(5)] == [True] * 4 + [False]


def test_a_clock_that_goes_back_frees_nobody(proving: Proving) -> None:
    while tries(proving, account(proving)):
        pass
    proving.clock.pass_by(minutes=-30)
    assert not tries(proving, account(proving))


def test_of_two_who_come_at_once_neither_is_early(proving: Proving) -> None:
    assert tries(proving, account(proving))
    assert tries(proving, account(proving))
    # Its moment was taken before theirs, and it is counted after them.
    proving.clock.pass_by(seconds=-0.01)
    assert tries(proving, account(proving))
    with proving.service.connections.transaction() as connection:
        succeed(connection, account(proving))
    proving.clock.pass_by(seconds=-0.01)
    assert tries(proving, account(proving))


def test_whoever_is_new_counts_for_the_address_alone(proving: Proving) -> None:
    turns = [tries(proving, Attempt.new(proving.service, HOUSE)) for _ in range(30)]
    assert turns == [True] * 21 + [False] * 9
    assert not tries(proving, account(proving))


def test_a_burst_counts_like_a_row(proving: Proving) -> None:
    with ThreadPoolExecutor(8) as threads:
        turns = list(threads.map(lambda number: tries(proving, elsewhere(proving, number)), range(50)))
    assert sum(turns) == 4


def test_success_clears_the_account_and_takes_one_failure_from_the_address(proving: Proving) -> None:
    for _ in range(4):
        assert tries(proving, account(proving))
    with proving.service.connections.transaction() as connection:
        succeed(connection, account(proving))
    kept: dict[str, float] = dict(
        proving.wall.admin.execute("select kind, failures from sec.attempts where key <> 'key'").fetchall()
    )
    assert kept == {"ACCOUNT": 0, "ADDRESS": 3, "EVERYBODY": 3}
    assert [tries(proving, account(proving)) for _ in range(5)] == [True] * 4 + [False]


def test_an_office_that_signs_in_all_morning_waits_for_nobody(proving: Proving) -> None:
    for number in range(60):
        attempt = account(proving, f"{number}@cbo-a.example")
        assert tries(proving, attempt)
        with proving.service.connections.transaction() as connection:
            succeed(connection, attempt)


def test_second_factors_wait_longer_and_fade_slowly(proving: Proving) -> None:
    attempt = Attempt.second(proving.service, uuid4(), HOUSE)
    guesses = 0
    start = proving.clock()
    while proving.clock() - start < timedelta(days=1):
        # The address is another each time.
        one = Attempt((attempt.counters[0], *elsewhere(proving, guesses).counters[1:]))
        guesses += tries(proving, one)
        proving.clock.pass_by(minutes=5)
    # Three codes count at a time.
    assert 3 * guesses / 10**6 < 1 / 3000


def test_everybody_waits_while_an_attack_goes_on(proving: Proving) -> None:
    assert everybodys_wait(PACES[Counter.EVERYBODY].free) == timedelta(0)
    assert everybodys_wait(1_001) == timedelta(seconds=0.5)
    assert everybodys_wait(10_001) == timedelta(seconds=1)
    assert tries(proving, account(proving))
    proving.wall.admin.execute("update sec.attempts set failures = 5000 where kind = 'EVERYBODY'")
    with proving.service.connections.transaction() as connection:
        assert count(connection, account(proving), proving.clock()) == timedelta(seconds=0.5)


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.77", "192.0.2.0/24"),
        ("::ffff:192.0.2.77", "192.0.2.0/24"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("a socket", "a socket"),
    ],
)
def test_neighbours_are_counted_together(address: str, network: str) -> None:
    assert neighbourhood(address) == network


def test_counters_do_not_tell_whose_they_are(proving: Proving) -> None:
    attempt = account(proving)
    assert tries(proving, attempt)
    assert {len(key) for _, key in attempt.counters} == {32}
    assert len({key for _, key in attempt.counters}) == 3
    kept = str(proving.wall.admin.execute("select key from sec.attempts").fetchall())
    assert "rina" not in kept
    assert HOUSE not in kept
