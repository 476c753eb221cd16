"""The load: a process of its own that keeps connections busy with prepared requests and costs little itself.

    python -m tests.bench.load   reads a job as JSON on stdin, one line each, and answers each with a line

It speaks just enough HTTP/1.1 for servers that tell the length of their answers.
"""

from __future__ import annotations

import contextlib
import json
import random
import select
import socket
import subprocess
import sys
import time
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field

RECEIVED = 1 << 18
HEAD_END = b"\r\n\r\n"


@dataclass(frozen=True)
class Result:
    """What one stretch of load came to."""

    seconds: float
    requests: int
    failures: int
    """Answers that were not 200, or that carry errors."""
    p50_ms: float
    p99_ms: float

    @property
    def per_second(self) -> float:
        """Requests answered in a second."""
        return self.requests / self.seconds


class Connection:
    """One keep-alive connection: it sends its next request when the last one is answered."""

    def __init__(self, address: tuple[str, int]) -> None:
        self.socket = socket.create_connection(address)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        self.sent_at = 0.0
        self.request = b""
        self._unsent = b""
        self._received = bytearray()
        self._length = -1

    def send(self, request: bytes) -> None:
        """Send a request; requests are far smaller than a socket's buffer."""
        self.sent_at = time.perf_counter()
        self.request = request
        if self.socket.send(request) != len(request):
            raise OSError("the socket does not take a whole request")

    def receive(self) -> bytes | None:
        """The whole answer once it is there. Raises ConnectionError if the server hangs up."""
        chunk = self.socket.recv(RECEIVED)
        if not chunk:
            raise ConnectionError("the server closed the connection")
        received = self._received
        received += chunk
        if self._length < 0:
            end = received.find(HEAD_END)
            if end < 0:
                return None
            self._length = end + len(HEAD_END) + _content_length(bytes(received[:end]))
        if len(received) < self._length:
            return None
        answer = bytes(received)
        received.clear()
        self._length = -1
        return answer


def _content_length(head: bytes) -> int:
    name = b"\r\ncontent-length:"
    start = head.lower().index(name) + len(name)
    return int(head[start : head.find(b"\r", start) if b"\r" in head[start:] else len(head)])


def run(
    address: tuple[str, int],
    requests: Sequence[bytes],
    *,
    seconds: float,
    connections: int,
    seed: int,
    look: Callable[[bytes, bytes], None] | None = None,
) -> Result:
    """Send requests drawn from these for so many seconds, as fast as they are answered; ``look`` at each and its answer."""
    chance = random.Random(seed)
    order = [chance.choice(requests) for _ in range(max(4096, connections))]
    opened = [Connection(address) for _ in range(connections)]
    by_number = {each.socket.fileno(): each for each in opened}
    latencies: list[float] = []
    failures = sent = 0
    with contextlib.ExitStack() as stack:
        poll = stack.enter_context(select.epoll())
        for each in opened:
            stack.callback(each.socket.close)
            poll.register(each.socket.fileno(), select.EPOLLIN)
        begun = time.perf_counter()
        until = begun + seconds
        for each in opened:
            each.send(order[sent])
            sent += 1
        waiting = len(opened)
        ended = begun
        while waiting:
            for number, _ in poll.poll(60):
                connection = by_number[number]
                answer = connection.receive()
                if answer is None:
                    continue
                ended = time.perf_counter()
                latencies.append(ended - connection.sent_at)
                failures += not answer.startswith(b"HTTP/1.1 200") or b'"errors":' in answer
                if look is not None:
                    look(connection.request, answer)
                if ended < until:
                    connection.send(order[sent % len(order)])
                    sent += 1
                else:
                    waiting -= 1
    latencies.sort()
    return Result(
        ended - begun,
        len(latencies),
        failures,
        1000 * latencies[len(latencies) // 2],
        1000 * latencies[min(len(latencies) - 1, int(len(latencies) * 0.99))],
    )


@dataclass
class Load:
    """The load's process, and how to give it work."""

    process: subprocess.Popen[bytes]
    _known: dict[tuple[bytes, ...], int] = field(default_factory=dict)

    def run(
        self,
        address: tuple[str, int],
        requests: Sequence[bytes],
        *,
        seconds: float,
        connections: int,
        seed: int = 0,
    ) -> Result:
        """The same as the function, in the other process. Raises RuntimeError if that has ended."""
        key = tuple(requests)
        job: dict[str, object] = {
            "address": address,
            "seconds": seconds,
            "connections": connections,
            "seed": seed,
        }
        if key in self._known:
            job["known"] = self._known[key]
        else:
            job["known"] = self._known[key] = len(self._known)
            job["requests"] = [b64encode(each).decode() for each in requests]
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(job).encode() + b"\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise RuntimeError("the load has ended; see above")
        return Result(**json.loads(answer))


@contextlib.contextmanager
def load() -> Iterator[Load]:
    """A load for as long as the block lasts."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.bench.load"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        try:
            yield Load(process)
        finally:
            process.terminate()


def main() -> None:
    """Do the jobs that come on stdin."""
    known: dict[int, list[bytes]] = {}
    for line in sys.stdin:
        job = json.loads(line)
        if "requests" in job:
            known[job["known"]] = [b64decode(each) for each in job["requests"]]
        host, port = job["address"]
        result = run(
            (host, port),
            known[job["known"]],
            seconds=job["seconds"],
            connections=job["connections"],
            seed=job["seed"],
        )
        print(json.dumps(asdict(result)), flush=True)


if __name__ == "__main__":
    main()
