"""Signing keys are rotated while people work: nobody notices."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.server.conftest import Network, free_port, serving
from tests.server.sign_in.granted import Granted

from pat_auth.issuer.service import Service
from pat_auth.keys import SECONDS_BETWEEN_LOOKS, KeysInFile, rotate_keys
from pat_auth.tokens import FollowingVerifier, Verifier
from pat_platform.settings import Settings

WORKERS = ("manager@cbo-a.example", "admin@cbo-a.example", "counsellor@cbo-a.example")


@pytest.fixture
def settings(network: Network, tmp_path: Path) -> Settings:
    """Those of the network, with signing keys that nobody else uses."""
    return replace(network.settings, key_folder=tmp_path / "keys")


@pytest.fixture
def granted(network: Network, settings: Settings) -> Iterator[list[Granted]]:
    """A client before each of two servers over the same keys."""
    keys = KeysInFile(settings.key_folder)
    verifier = FollowingVerifier(keys, partial(Verifier, issuer=settings.issuer, audience=settings.audience))
    service = Service.of(settings, keys, verifier)
    with ExitStack() as stack:
        stack.callback(service.connections.close)
        clients = [
            stack.enter_context(
                httpx.Client(base_url=stack.enter_context(serving(settings, free_port())), timeout=30)
            )
            for _ in range(2)
        ]
        yield [Granted(network, service, client) for client in clients]


@dataclass
class Worker:
    """Somebody who is given tokens by one server and asks the other, again and again."""

    here: Granted
    there: Granted
    tokens: dict[str, Any]
    ended: threading.Event
    answers: list[int] = field(default_factory=list)

    def work(self) -> None:
        while not self.ended.is_set():
            refreshed = self.here.refresh(self.tokens)
            asked = self.there.ask(self.tokens["access_token"], "{ me { name } }")
            self.answers += [refreshed.status_code, asked.status_code]
            self.tokens = refreshed.json()
            asked = self.there.ask(self.tokens["access_token"], "{ me { name } }")
            self.answers.append(asked.status_code)


def test_no_request_is_refused_while_keys_are_rotated(granted: list[Granted], settings: Settings) -> None:
    here, there = granted
    ended = threading.Event()
    workers = [Worker(here, there, here.tokens(email), ended) for email in WORKERS]
    threads = [threading.Thread(target=worker.work) for worker in workers]
    for thread in threads:
        thread.start()

    before = here.http.get("/.well-known/jwks.json").json()["keys"]
    ended.wait(0.5)
    rotate_keys(settings.key_folder)
    # Until both servers have looked, and a while after.
    ended.wait(2 * SECONDS_BETWEEN_LOOKS)
    after = here.http.get("/.well-known/jwks.json").json()["keys"]
    ended.set()
    for thread in threads:
        thread.join()

    assert len(before) == 2
    assert {key["kid"] for key in before} < {key["kid"] for key in after}
    assert all(len(worker.answers) >= 9 for worker in workers)
    assert {answer for worker in workers for answer in worker.answers} == {200}
