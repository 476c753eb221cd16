"""Those who are measured: each is a server process of its own over the same data."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson
from tests.bench.data import Caller, Data
from tests.bench.floor import KNOWN_KEYS, known_keys
from tests.bench.operations import Operation, Variables

from pat_platform.postgres_programs import free_port

READY_SECONDS = 60
STOP_SECONDS = 20
LONGEST_SAID = 2000
NOT_READY = 503
NO_PROXIES = urllib.request.build_opener(urllib.request.ProxyHandler({}))
PAT = "from pat_server.cli import main; main()"


class NotReady(Exception):
    """A server ended, or did not answer in time."""


class Serving:
    """A peer's running process."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self.process = process
        self.address = ("127.0.0.1", port)

    @property
    def pid(self) -> int:
        """The process; what it starts is counted with it."""
        return self.process.pid

    def send(self, request: bytes) -> bytes:
        """Send one prepared request and return the body of its answer, whatever its status."""
        head, _, body = request.partition(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")
        method, path, _ = first.split(" ")
        headers = dict(line.split(": ", 1) for line in lines)
        host, port = self.address
        asked = urllib.request.Request(f"http://{host}:{port}{path}", body or None, headers, method=method)
        try:
            with NO_PROXIES.open(asked, timeout=60) as answer:
                received: bytes = answer.read()
        except urllib.error.HTTPError as error:
            received = error.read()
        return received


class Peer(ABC):
    """One server to be measured: how it is started, how an operation is asked of it, what its answers mean."""

    name: str
    ready_path = "/readyz"
    operations = "abcdefgh"
    """The letters of those that it can serve."""
    ignores: frozenset[str] = frozenset()
    """Fields whose values are its own affair, such as the text of a cursor."""

    @abstractmethod
    def command(self, data: Data, port: int, folder: Path) -> tuple[list[str], Mapping[str, str]]:
        """The command that serves the data on a port, and what its environment needs; ``folder`` is its own."""

    @abstractmethod
    def request(self, operation: Operation, caller: Caller, variables: Variables) -> bytes:
        """A whole HTTP request."""

    def data(self, operation: Operation, body: bytes) -> Any:
        """The answer's data in the form of the engine's, to be compared. Raises ValueError for an answer with errors."""
        answer = orjson.loads(body)
        if answer.get("errors") or "data" not in answer:
            raise ValueError(f"{self.name} answers {operation.letter} with {body[:300]!r}")
        return answer["data"]

    @contextmanager
    def prepared(self, data: Data) -> Iterator[None]:
        """The data with what this peer needs beside them, for as long as the block lasts."""
        yield

    @contextmanager
    def serving(self, data: Data) -> Iterator[Serving]:
        """The server, for as long as the block lasts. Raises NotReady."""
        port = free_port()
        with self.prepared(data), tempfile.TemporaryDirectory() as folder:
            command, environment = self.command(data, port, Path(folder))
            # What a server says of each request is written, as elsewhere, and read only if it does not come up.
            said = Path(folder) / "said"
            with said.open("wb") as log:
                process = subprocess.Popen(
                    command,
                    env={**os.environ, **environment},
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
            try:
                self._wait(process, port)
                yield Serving(process, port)
            except NotReady as trouble:
                raise NotReady(f"{trouble}:\n{said.read_text()[-LONGEST_SAID:]}") from None
            finally:
                _stop(process)

    def _wait(self, process: subprocess.Popen[bytes], port: int) -> None:
        until = time.monotonic() + READY_SECONDS
        while time.monotonic() < until:
            if process.poll() is not None:
                raise NotReady(f"{self.name} has ended with {process.returncode}")
            try:
                with NO_PROXIES.open(f"http://127.0.0.1:{port}{self.ready_path}", timeout=5):
                    return
            except urllib.error.HTTPError as error:
                # Whoever refuses is there; whoever is not ready says so.
                if error.code != NOT_READY:
                    return
                time.sleep(0.05)
            except OSError:
                time.sleep(0.05)
        raise NotReady(f"{self.name} does not answer")


class Engine(Peer):
    """The platform itself, as `pat serve` serves it: one process."""

    name = "engine"

    def command(self, data: Data, port: int, folder: Path) -> tuple[list[str], Mapping[str, str]]:
        """`pat serve`."""
        return [sys.executable, "-c", PAT, "serve", "--port", str(port)], data.environment()

    def request(self, operation: Operation, caller: Caller, variables: Variables) -> bytes:
        """The document and the variables, as a client sends them."""
        body = orjson.dumps({"query": operation.document, "variables": variables})
        return post("/graphql", caller.token, body)


class Floor(Peer):
    """The operations written by hand, one process."""

    name = "floor"

    def command(self, data: Data, port: int, folder: Path) -> tuple[list[str], Mapping[str, str]]:
        """The floor's server."""
        known = folder / "known.json"
        cases = [case for caller in data.callers for case in caller.cases]
        known.write_text(json.dumps(known_keys(data.admin_url, cases)))
        environment = {**data.environment(), KNOWN_KEYS: str(known)}
        return [sys.executable, "-m", "tests.bench.floor", "--port", str(port)], environment

    def request(self, operation: Operation, caller: Caller, variables: Variables) -> bytes:
        """The values alone."""
        return post(f"/{operation.letter}", caller.token, orjson.dumps(variables))


def post(path: str, token: str, body: bytes) -> bytes:
    """A POST request with a token and JSON."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: application/json\r\nAccept: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
