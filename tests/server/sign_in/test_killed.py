"""A server that is killed while it exchanges a code: nothing is lost, and nothing is granted twice."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import psycopg
import pytest
from tests.cli.running import PAT, environment
from tests.server.conftest import SECRET, Network, free_port
from tests.server.sign_in.granted import Granted, issuer_of

from pat_server.app import create_app

MANAGER = "manager@cbo-a.example"
PATIENCE_SECONDS = 60.0


class Mortal:
    """A server process of the demo network, which may be killed."""

    def __init__(self, network: Network, folder: Path) -> None:
        self._network = network
        self._folder = folder
        self._port = free_port()
        self.url = f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        settings = self._network.settings
        with (self._folder / "server.err").open("ab") as errors:
            self._process = subprocess.Popen(
                [PAT, "serve", "--port", str(self._port)],
                env=environment(
                    self._folder / "home",
                    DATABASE_URL=settings.database_url,
                    PAT_SECRET=SECRET.decode(),
                    PAT_KEY_FOLDER=str(settings.key_folder),
                    PAT_KEY_PROVIDER="file",
                    PAT_ISSUER=settings.issuer,
                    PAT_AUDIENCE=settings.audience,
                ),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
            )
        wait_until(self._is_alive)

    def kill(self) -> None:
        """Kill -9."""
        self._process.kill()
        self._process.wait()

    def _is_alive(self) -> bool:
        with suppress(httpx.TransportError):
            return httpx.get(f"{self.url}/healthz").status_code == 200
        return False


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture
def mortal(network: Network, tmp_path: Path) -> Iterator[Mortal]:
    made = Mortal(network, tmp_path)
    made.start()
    yield made
    made.kill()


@pytest.fixture
def granted(network: Network, mortal: Mortal) -> Iterator[Granted]:
    service = issuer_of(create_app(network.settings))
    with httpx.Client(base_url=mortal.url, timeout=PATIENCE_SECONDS) as client:
        yield Granted(network, service, client)
    service.connections.close()


def sessions(granted: Granted) -> list[tuple[bool, str | None]]:
    """Of the client: whether each still stands, and if not, why."""
    return granted.network.rows(
        "select revoked_at is null, revoked_because from sec.sessions where client = %s", str(granted.client)
    )


@pytest.mark.slow
def test_killed_before_the_exchange_is_committed_the_code_is_still_good_and_after_it_the_session_ends(
    granted: Granted, mortal: Mortal, network: Network
) -> None:
    code = granted.code(MANAGER)
    with psycopg.connect(network.admin_url) as admin:
        # Whoever opens a session waits for the person's row: the exchange stands still in the middle.
        admin.execute("select 1 from sec.people where email = %s for update", (MANAGER,))
        lost = threading.Thread(target=exchange_in_vain, args=(granted, code))
        lost.start()
        wait_until(lambda: is_waiting(network))
        mortal.kill()
        lost.join()
    mortal.start()
    assert sessions(granted) == []

    answer = granted.exchange(code)

    assert answer.status_code == 200
    assert sessions(granted) == [(True, None)]
    # It was committed, and its answer is lost on the way: for the client it is as if nothing had happened.
    mortal.kill()
    mortal.start()
    assert granted.ask(answer.json()["access_token"], "{ me { name } }").status_code == 200
    assert granted.exchange(code).json()["error"] == "invalid_grant"
    assert sessions(granted) == [(False, "code replayed")]
    assert granted.ask(answer.json()["access_token"], "{ me { name } }").status_code == 401


def exchange_in_vain(granted: Granted, code: str) -> None:
    with pytest.raises(httpx.TransportError):
        granted.exchange(code)


def is_waiting(network: Network) -> bool:
    return bool(
        network.rows(
            "select 1 from pg_stat_activity where usename = 'pat_service_sign_in' and wait_event_type = 'Lock'"
        )
    )
