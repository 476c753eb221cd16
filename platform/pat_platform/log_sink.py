"""Where the lines of the log are written: by a thread of their own, so that no request waits for whoever reads them."""

import threading
from collections import deque
from types import TracebackType
from typing import BinaryIO, Self

GATHERING_SECONDS = 0.1
MOST_LINES = 20_000
"""So many lines wait for a reader that is slow; those that come then are dropped and counted."""


class Sink:
    """Writes lines to a stream, at most a tenth of a second after they came; urgent ones at once.

    A process that is killed loses what came in that tenth of a second: whoever must be able to prove something reads the trail.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._lines: deque[bytes] = deque()
        self._wake = threading.Event()
        self._hurry = threading.Event()
        self._writing = threading.Lock()
        self._is_open = True
        self.dropped = 0
        self._thread = threading.Thread(target=self._write_on, name="log", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        self._is_open = False
        self._hurry.set()
        self._wake.set()
        self._thread.join()
        self._flush()

    def __call__(self, line: bytes, urgent: bool) -> None:
        """Take a line; never waits and never raises. After the end it is written at once."""
        if len(self._lines) >= MOST_LINES:
            self.dropped += 1
            return
        self._lines.append(line)
        if not self._is_open:
            self._flush()
            return
        if urgent:
            self._hurry.set()
        if not self._wake.is_set():
            self._wake.set()

    def _write_on(self) -> None:
        while self._is_open:
            self._wake.wait()
            self._hurry.wait(GATHERING_SECONDS)
            self._wake.clear()
            self._hurry.clear()
            self._flush()

    def _flush(self) -> None:
        with self._writing:
            lines = [self._lines.popleft() for _ in range(len(self._lines))]
            if not lines:
                return
            try:
                self._stream.write(b"\n".join(lines) + b"\n")
                self._stream.flush()
            except (OSError, ValueError):
                # The reader has gone. The service has not.
                self.dropped += len(lines)
