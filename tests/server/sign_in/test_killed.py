"""A server that is killed while it grants something: nothing is lost, and nothing is granted twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import psycopg
import pytest
from tests.server.conftest import Network, free_port
from tests.server.mortal import Mortal
from tests.server.sign_in.granted import Granted, issuer_of
from tests.support.waiting import PATIENCE_SECONDS, wait_until

from pat_platform.database.logins import SIGN_IN
from pat_server.app import create_app

MANAGER = "manager@cbo-a.example"
ME = "{ me { name } }"
Ask = Callable[[], httpx.Response]


@pytest.fixture
def mortal(network: Network, tmp_path: Path) -> Iterator[Mortal]:
    made = Mortal(network, tmp_path, f"http://127.0.0.1:{free_port()}")
    made.start()
    yield made
    made.kill()


@pytest.fixture
def granted(network: Network, mortal: Mortal) -> Iterator[Granted]:
    service = issuer_of(create_app(network.settings))
    with httpx.Client(base_url=mortal.url, timeout=PATIENCE_SECONDS) as client:
        yield Granted(network, service, client)
    service.connections.close()


def kill_amid(mortal: Mortal, ask: Ask, rows: str, *values: object) -> None:
    """Let the server stand still before rows that somebody holds, kill it there, and start it again."""
    network = mortal.network
    waiting = "select count(*) from pg_stat_activity where usename = %s and wait_event_type = 'Lock'"
    with ThreadPoolExecutor(1) as clients, psycopg.connect(network.admin_url) as admin:
        admin.execute(f"{rows} for update".encode(), values)
        asked = clients.submit(ask)
        wait_until(lambda: network.rows(waiting, SIGN_IN) == [(1,)])
        mortal.kill()
        with pytest.raises(httpx.TransportError):
            asked.result()
    mortal.start()


@pytest.mark.slow
def test_what_a_killed_server_was_about_is_done_once_by_the_next(
    granted: Granted, mortal: Mortal, network: Network
) -> None:
    code, client = granted.code(MANAGER), str(granted.client)
    # Whoever opens a session waits for the person's row.
    kill_amid(mortal, lambda: granted.exchange(code), "select 1 from sec.people where email = %s", MANAGER)
    assert granted.sessions() == []
    tokens = granted.exchange(code).json()
    assert granted.sessions() == [(True, None)]

    kill_amid(mortal, lambda: granted.refresh(tokens), "select 1 from sec.sessions where client = %s", client)
    assert granted.ask(tokens["access_token"], ME).status_code == 200
    lost = granted.refresh(tokens).json()
    # It was committed, and its answer is lost on the way: for the client it is as if nothing had happened.
    mortal.kill()
    mortal.start()
    # However long that took.
    network.rows("update sec.refresh_tokens set used_at = now() where used_at is not null")
    given = granted.refresh(tokens).json()
    assert given["refresh_token"] == lost["refresh_token"]
    assert granted.refresh(given).status_code == 200
    assert granted.sessions() == [(True, None)]

    # A code that was exchanged is spent, though its answer had been lost.
    assert granted.exchange(code).json()["error"] == "invalid_grant"
    assert granted.sessions() == [(False, "code replayed")]
    assert granted.ask(given["access_token"], ME).status_code == 401
