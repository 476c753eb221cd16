"""`pat serve` is told to end while it is busy: what was begun is answered, and nothing is written that nobody was told."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import orjson
import pytest
from tests.cli.running import PAT, environment, free_port
from tests.server.conftest import SECRET, Network
from tests.server.test_mutations import NOTE

from pat_platform.logging import SHAPES
from pat_server.commands.serving import GRACE_SECONDS

pytestmark = pytest.mark.slow

CLIENTS = 4
DRAIN_SECONDS = 2
PATIENCE_SECONDS = 60


@dataclass
class Served:
    """A process that serves the demo network."""

    process: subprocess.Popen[bytes]
    url: str
    metrics_url: str
    errors: Path

    @property
    def events(self) -> list[dict[str, Any]]:
        """What it logged."""
        return [orjson.loads(line) for line in self.errors.read_bytes().splitlines() if line.startswith(b"{")]

    def wait_until(self, holds: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not holds():
            assert self.process.poll() is None, self.errors.read_text()
            assert time.monotonic() < deadline, self.errors.read_text()
            time.sleep(0.02)


@pytest.fixture
def served(network: Network, tmp_path: Path) -> Iterator[Served]:
    port, metrics_port = free_port(), free_port()
    variables = {
        "DATABASE_URL": network.settings.database_url,
        "PAT_SECRET": SECRET.decode(),
        "PAT_KEY_FOLDER": str(network.settings.key_folder),
        "PAT_KEY_PROVIDER": "file",
        "PAT_ISSUER": network.settings.issuer,
        "PAT_AUDIENCE": network.settings.audience,
        "PAT_METRICS_PORT": str(metrics_port),
        "PAT_DRAIN_SECONDS": str(DRAIN_SECONDS),
    }
    errors, output = tmp_path / "stderr", tmp_path / "output"
    with (
        errors.open("wb") as err,
        output.open("wb") as out,
        subprocess.Popen(
            [PAT, "serve", "--port", str(port)],
            env=environment(tmp_path / "home", **variables),
            stdout=out,
            stderr=err,
        ) as process,
    ):
        served = Served(
            process, f"http://127.0.0.1:{port}", f"http://127.0.0.1:{metrics_port}/metrics", errors
        )
        try:
            served.wait_until(lambda: b"Ready" in output.read_bytes())
            yield served
        finally:
            process.kill()


@dataclass
class Writer:
    """Somebody who writes notes, one after the other, and remembers which were confirmed."""

    url: str
    token: str
    case: str
    confirmed: list[str] = field(default_factory=list)
    unconfirmed: list[str] = field(default_factory=list)
    cut: list[str] = field(default_factory=list)
    is_done: bool = False

    def write_on(self) -> None:
        headers = {"authorization": f"Bearer {self.token}"}
        with httpx.Client(base_url=self.url, timeout=30, headers=headers) as client:
            while not self.is_done:
                key = str(uuid4())
                note = {"caseId": self.case, "kind": "GENERAL", "text": "as usual", "clientMutationId": key}
                try:
                    answer = client.post("/graphql", json={"query": NOTE, "variables": {"input": note}})
                except httpx.ConnectError:
                    self.unconfirmed.append(key)
                    return
                except httpx.TransportError as error:
                    self.unconfirmed.append(key)
                    self.cut.append(repr(error))
                    continue
                assert answer.json()["data"]["addCaseNote"]["__typename"] == "CaseNote", answer.text
                self.confirmed.append(key)


def written(network: Network, keys: list[str]) -> set[str]:
    """Which of these writes the database holds."""
    rows = network.rows("select key::text from app.replays where key = any(%s::uuid[])", keys)
    return {key for (key,) in rows}


def status(url: str) -> int | None:
    try:
        return httpx.get(url, timeout=10).status_code
    except httpx.TransportError:
        return None


def test_a_busy_server_ends_without_losing_what_it_was_given(network: Network, served: Served) -> None:
    principal = network.principal("manager@cbo-d.example")
    token = network.token(principal)
    asked = {"query": "{ cases(first: 1) { edges { node { id } } } }"}
    found = httpx.post(f"{served.url}/graphql", json=asked, headers={"authorization": f"Bearer {token}"})
    case = found.json()["data"]["cases"]["edges"][0]["node"]["id"]
    writers = [Writer(served.url, token, case) for _ in range(CLIENTS)]
    threads = [threading.Thread(target=writer.write_on) for writer in writers]
    for thread in threads:
        thread.start()
    try:
        served.wait_until(lambda: all(len(writer.confirmed) >= 3 for writer in writers))
        assert b'kind="mutation"' in httpx.get(served.metrics_url).content
        begun = time.monotonic()
        served.process.send_signal(signal.SIGTERM)
        served.wait_until(lambda: status(f"{served.url}/readyz") == 503)
        assert time.monotonic() - begun < DRAIN_SECONDS
        before = [len(writer.confirmed) for writer in writers]
        assert served.process.wait(PATIENCE_SECONDS) == 128 + signal.SIGTERM
    finally:
        for writer in writers:
            writer.is_done = True
        for thread in threads:
            thread.join()
    # Proxies had their time to notice: whatever came in it was served.
    assert all(len(writer.confirmed) > count for writer, count in zip(writers, before, strict=True))
    confirmed = [key for writer in writers for key in writer.confirmed]
    unconfirmed = [key for writer in writers for key in writer.unconfirmed]
    assert written(network, confirmed) == set(confirmed)
    assert written(network, unconfirmed) == set()
    logged(served, len(confirmed))


def logged(served: Served, mutations: int) -> None:
    """Every request has its line, all lines have their shapes, and the last word is that it stopped."""
    events = served.events
    requests = [event for event in events if event["event"] == "request"]
    assert sum(event.get("kind") == "mutation" for event in requests) == mutations
    assert [event["event"] for event in events if event["event"] != "request"] == [
        "server.ready",
        "server.stopping",
    ]
    for event in events:
        assert set(event) <= set(SHAPES)
        assert "withheld" not in event.values()
    others = [line for line in served.errors.read_text().splitlines() if not line.startswith("{")]
    assert others[-1] == "pat: stopped."
    assert not re.search("Traceback|Error", "\n".join(others))


def test_a_second_signal_does_not_wait(network: Network, served: Served) -> None:
    token = network.token(network.principal("manager@cbo-d.example"))
    head = f"POST /graphql HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n"
    host, port = served.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as connection:
        # A request that never ends: the server would wait for the rest of it.
        connection.sendall(f"{head}content-type: application/json\r\ncontent-length: 9\r\n\r\n".encode())
        time.sleep(0.3)
        begun = time.monotonic()
        served.process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        served.process.send_signal(signal.SIGTERM)
        assert served.process.wait(PATIENCE_SECONDS) == 128 + signal.SIGTERM
        assert time.monotonic() - begun < GRACE_SECONDS
