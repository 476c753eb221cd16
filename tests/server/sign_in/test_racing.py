"""What is good once, sent over many connections in the same moment."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import httpx
import psycopg
import pytest
from tests.server.conftest import Network
from tests.server.sign_in.granted import Granted
from tests.server.sign_in.test_token import service as service
from tests.support.waiting import wait_until

from pat_auth.issuer.service import Service
from pat_platform.database.logins import SIGN_IN

MANAGER = "manager@cbo-a.example"
TIMES = 10
ME = "{ me { name } }"


@pytest.fixture
def granted(network: Network, service: Service, client: httpx.Client) -> Granted:
    return Granted(network, service, client)


@contextmanager
def held(network: Network, rows: str, *values: object) -> Iterator[Callable[[int], None]]:
    """Hold rows, so that whoever needs them stands still; what it gives waits until so many do."""
    waiting = "select count(*) from pg_stat_activity where usename = %s and wait_event_type = 'Lock'"
    with psycopg.connect(network.admin_url) as admin:
        admin.execute(f"{rows} for update".encode(), values)
        yield lambda number: wait_until(lambda: network.rows(waiting, SIGN_IN) == [(number,)])


def at_once(
    url: str, form: dict[str, str], network: Network, rows: str, *values: object
) -> list[httpx.Response]:
    """The answers to one form, sent over ten connections while the rows that it is about are held."""

    def send() -> httpx.Response:
        return httpx.post(f"{url}/oauth/token", data=form, timeout=60)

    with ThreadPoolExecutor(TIMES) as clients:
        with held(network, rows, *values) as until_waiting:
            sent: list[Future[httpx.Response]] = [clients.submit(send) for _ in range(TIMES)]
            until_waiting(network.settings.sign_in_connections)
        return [each.result() for each in sent]


def test_ten_who_refresh_with_one_token_at_once_get_the_same_successor(granted: Granted, server: str) -> None:
    tokens = granted.tokens(MANAGER)
    form, of_client = granted.refresh_form(tokens), str(granted.client)
    family = "select 1 from sec.sessions where client = %s"

    answers = at_once(server, form, granted.network, family, of_client)

    assert {answer.status_code for answer in answers} == {200}
    successors = [answer.json() for answer in answers]
    assert len({given["refresh_token"] for given in successors}) == 1
    assert {granted.ask(given["access_token"], ME).status_code for given in successors} == {200}
    kept = "select count(*) from sec.refresh_tokens t join sec.sessions s on s.id = t.session_id where s.client = %s"
    assert granted.network.rows(kept, of_client) == [(2,)]
    assert granted.sessions() == [(True, None)]

    assert granted.refresh(successors[0]).status_code == 200
    stolen = at_once(server, form, granted.network, family, of_client)

    assert {answer.json()["error"] for answer in stolen} == {"invalid_grant"}
    assert granted.sessions() == [(False, "refresh token replayed")]
    assert granted.ask(successors[0]["access_token"], ME).status_code == 401


def test_a_used_token_that_comes_while_its_successor_is_used_is_stolen(granted: Granted, server: str) -> None:
    tokens = granted.tokens(MANAGER)
    after = granted.refresh(tokens).json()

    def send(form: dict[str, str]) -> httpx.Response:
        return httpx.post(f"{server}/oauth/token", data=form, timeout=60)

    with ThreadPoolExecutor(2) as clients:
        family = "select 1 from sec.sessions where client = %s"
        with held(granted.network, family, str(granted.client)) as until_waiting:
            hers = clients.submit(send, granted.refresh_form(after))
            until_waiting(1)
            his = clients.submit(send, granted.refresh_form(tokens))
            until_waiting(2)
        assert (hers.result().status_code, his.result().status_code) == (200, 400)
    assert granted.sessions() == [(False, "refresh token replayed")]
    assert granted.refresh(hers.result().json()).status_code == 400


def test_of_ten_who_exchange_one_code_at_once_one_gets_tokens_and_the_others_end_them(
    granted: Granted, server: str
) -> None:
    code = granted.code(MANAGER)

    answers = at_once(
        server,
        granted.form(code),
        granted.network,
        "select 1 from sec.codes where client = %s",
        granted.client,
    )

    assert sorted(answer.status_code for answer in answers) == [200] + [400] * (TIMES - 1)
    (won,) = (answer.json() for answer in answers if answer.status_code == 200)
    assert granted.sessions() == [(False, "code replayed")]
    assert granted.ask(won["access_token"], ME).status_code == 401
