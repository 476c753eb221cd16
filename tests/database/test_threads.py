"""Connections of one login for threads: a transaction is done or it is not, and a failure is plain."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Barrier

import psycopg
import pytest
from tests.database.network import SECRET, Network

from pat_platform.database.threads import Connections, NotCommitted
from pat_platform.errors import Fault
from pat_platform.settings import Settings

Open = Callable[..., Connections]
SAY = "insert into told values (%s)"


@pytest.fixture
def login(network: Network) -> str:
    return network.members[0].login


@pytest.fixture
def connect(network: Network, login: str) -> Iterator[Open]:
    """Opens connections with other settings; all are closed at the end, and what they wrote is gone."""
    network.execute("create table told (words text unique deferrable initially deferred)")
    network.execute("grant select, insert on told to public")
    opened: list[Connections] = []

    def open_some(size: int = 2, **settings: object) -> Connections:
        given = {"database_url": network.url, "secret": SECRET} | settings
        opened.append(Connections(Settings.from_environment({}, **given), login, size))
        return opened[-1]

    yield open_some
    for connections in opened:
        connections.close()
    network.execute("drop table told")


def told(network: Network) -> list[object]:
    return [words for (words,) in network.execute("select words from told order by 1")]


def is_unavailable(fault: Fault) -> bool:
    return fault.code == "UNAVAILABLE"


def test_a_block_that_ends_is_committed_under_the_login(connect: Open, network: Network, login: str) -> None:
    with connect().transaction() as connection:
        connection.execute(SAY, ("one",))
        assert told(network) == []
        assert connection.execute("select session_user::text").fetchone() == (login,)
    assert told(network) == ["one"]


def test_a_block_that_raises_leaves_nothing(connect: Open, network: Network) -> None:
    connections = connect(size=1)

    def stumble() -> None:
        with connections.transaction() as connection:
            connection.execute(SAY, ("one",))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        stumble()
    with connections.transaction() as connection:
        connection.execute(SAY, ("two",))
    assert told(network) == ["two"]


def test_a_block_that_swallows_a_failed_statement_is_told_that_nothing_was_committed(
    connect: Open, network: Network
) -> None:
    connections = connect(size=1)

    def swallow() -> None:
        with connections.transaction() as connection:
            connection.execute(SAY, ("one",))
            with suppress(psycopg.errors.DivisionByZero):
                connection.execute("select 1 / 0")

    with pytest.raises(NotCommitted):
        swallow()
    assert told(network) == []
    with connections.transaction() as connection:
        connection.execute(SAY, ("two",))
    assert told(network) == ["two"]


def test_a_part_that_was_taken_back_does_not_hinder_the_rest(connect: Open, network: Network) -> None:
    with connect().transaction() as connection:
        connection.execute(SAY, ("one",))
        with pytest.raises(psycopg.errors.DivisionByZero), connection.transaction():
            connection.execute("select 1 / 0")
    assert told(network) == ["one"]


def test_what_only_the_commit_refuses_is_told(connect: Open, network: Network) -> None:
    def repeat() -> None:
        with connect().transaction() as connection:
            for _ in range(2):
                connection.execute(SAY, ("the same",))

    with pytest.raises(psycopg.errors.UniqueViolation):
        repeat()
    assert told(network) == []


def test_connections_are_kept_and_never_more_than_their_number(connect: Open) -> None:
    connections = connect(size=2, pool_wait_seconds=5)
    together = Barrier(2)

    def backend(_: int) -> object:
        with connections.transaction() as connection:
            together.wait(5)
            return connection.info.backend_pid

    with ThreadPoolExecutor(6) as threads:
        assert len(set(threads.map(backend, range(6)))) == 2


def test_who_waits_too_long_for_one_is_told_to_try_again(connect: Open) -> None:
    connections = connect(size=1, pool_wait_seconds=0.2)
    with connections.transaction(), pytest.raises(Fault) as fault, connections.transaction():
        raise AssertionError("there was a second one")
    assert is_unavailable(fault.value)


def test_a_connection_that_postgresql_closed_meanwhile_is_replaced_unnoticed(
    connect: Open, network: Network, login: str
) -> None:
    connections = connect(size=1)
    for words in ("one", "two"):
        with connections.transaction() as connection:
            connection.execute(SAY, (words,))
        network.hang_up(login)
    assert told(network) == ["one", "two"]


def test_a_connection_that_is_lost_in_a_transaction_is_told_as_such(
    connect: Open, network: Network, login: str
) -> None:
    connections = connect(size=1)

    def lose() -> None:
        with connections.transaction() as connection:
            connection.execute(SAY, ("one",))
            network.hang_up(login)
            connection.execute(SAY, ("two",))

    with pytest.raises(Fault) as fault:
        lose()
    assert is_unavailable(fault.value)
    with connections.transaction() as connection:
        connection.execute(SAY, ("three",))
    assert told(network) == ["three"]


def test_a_statement_that_takes_too_long_is_stopped(connect: Open) -> None:
    connections = connect(statement_timeout_ms=50)
    with pytest.raises(Fault) as fault, connections.transaction() as connection:
        connection.execute("select pg_sleep(5)")
    assert is_unavailable(fault.value)


def test_without_postgresql_nothing_is_opened_before_it_is_needed_and_then_it_is_unavailable(
    connect: Open,
) -> None:
    connections = connect(database_url="postgresql://127.0.0.1:1/nowhere", pool_wait_seconds=0.2)
    with pytest.raises(Fault) as fault, connections.transaction():
        raise AssertionError("there is no PostgreSQL")
    assert is_unavailable(fault.value)


def test_after_closing_there_are_none(connect: Open) -> None:
    unused, used = connect(), connect()
    with used.transaction():
        pass
    for connections in (unused, used):
        connections.close()
        connections.close()
        with pytest.raises(Fault) as fault, connections.transaction():
            raise AssertionError("it was closed")
        assert is_unavailable(fault.value)


def test_threads_that_begin_together_share_one_pool(connect: Open) -> None:
    connections = connect(size=1, pool_wait_seconds=5)
    together = Barrier(8)

    def backend(_: int) -> object:
        together.wait(5)
        with connections.transaction() as connection:
            return connection.info.backend_pid

    with ThreadPoolExecutor(8) as threads:
        assert len(set(threads.map(backend, range(8)))) == 1
