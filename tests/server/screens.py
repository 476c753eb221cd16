"""What people have before them while others act: each a client of graphql-ws from npm, on a socket of her own."""

from __future__ import annotations

import json
import os
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from queue import Empty, Queue
from typing import Any

from tests.conformance.programs import FOLDER, installed_node
from tests.server.conftest import Caller
from tests.server.subscriptions.conftest import settle

PATIENCE = 20.0


@dataclass
class Screen:
    """What one of them is told. ``at`` is when the last of it came, by the monotonic clock."""

    lines: Queue[tuple[float, dict[str, Any]]] = field(default_factory=Queue)
    at: float = 0.0

    def line(self, seconds: float) -> dict[str, Any]:
        try:
            self.at, line = self.lines.get(timeout=seconds)
        except Empty:
            raise TimeoutError("nothing was told") from None
        return line

    def until(self, seconds: float = PATIENCE, **expected: Any) -> dict[str, Any]:
        """The first referral, of those that are told from now on, of which all this holds. Raises TimeoutError."""
        until = time.monotonic() + seconds
        while True:
            line = self.line(max(0.0, until - time.monotonic()))
            assert not line.get("errors"), line
            assert "data" in line, line
            told: dict[str, Any] = line["data"]["referralChanged"]["referral"] or {}
            if all(told.get(name) == value for name, value in expected.items()):
                return told

    def is_quiet(self, seconds: float = 0.7) -> bool:
        """Whether nothing is told for so long."""
        try:
            self.line(seconds)
        except TimeoutError:
            return True
        return False


@contextmanager
def screens(server: str, query: str, *callers: Caller) -> Iterator[list[Screen]]:
    """A screen for each caller, on which the subscription has begun."""
    given = {
        "PAT_URL": f"{server}/graphql",
        "PAT_QUERY": query,
        "PAT_TOKENS": " ".join(caller.token for caller in callers),
    }
    told = [Screen() for _ in callers]
    with subprocess.Popen(
        [installed_node(), "screens.mjs"],
        cwd=FOLDER,
        env={**os.environ, **given},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as program:
        assert program.stdin is not None
        assert program.stdout is not None

        def listen(lines: Iterator[str]) -> None:
            for text in lines:
                line = json.loads(text)
                told[line.pop("who")].lines.put((time.monotonic(), line))

        listener = threading.Thread(target=listen, args=(program.stdout,))
        listener.start()
        try:
            for screen in told:
                assert screen.line(PATIENCE) == {"connected": True}
            settle()
            yield told
        finally:
            program.stdin.close()
            listener.join()
