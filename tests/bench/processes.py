"""What more processes of the server give on one machine, each with clients and a port of its own.

    python3 pat bench processes

A server is one process: a proxy in front of several spreads what comes. Here the load does.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass

from tests.bench.cpu import cpu_ms
from tests.bench.data import Data, loaded
from tests.bench.drawing import drawn
from tests.bench.load import Load, Result, load
from tests.bench.operations import OPERATIONS
from tests.bench.servers import Engine, Serving
from tests.bench.telling import Row, options, say, tell

PROCESSES = (1, 2, 4)
LETTERS = "ab"
CLIENTS = 16
COLUMNS = {
    "operation": "operation",
    "processes": "processes",
    "clients": "clients",
    "per_second": "req/s",
    "app_cpu_ms": "app CPU ms",
    "postgres_cpu_ms": "PostgreSQL CPU ms",
    "p99_ms": "p99 ms",
    "failures": "failures",
}


def measured(
    data: Data, processes: Sequence[int] = PROCESSES, clients: int = CLIENTS, seconds: float = 5.0
) -> list[Row]:
    """A row for each number of processes and operation."""
    rows: list[Row] = []
    engine = Engine()
    for number in processes:
        with ExitStack() as stack:
            servers = [stack.enter_context(engine.serving(data)) for _ in range(number)]
            loads = [stack.enter_context(load()) for _ in servers]
            threads = stack.enter_context(ThreadPoolExecutor(number))
            spread = Spread(servers, loads, threads, clients // number)
            rows += [
                _row(data, spread, letter, drawn(engine, data.callers, [OPERATIONS[letter]]), seconds)
                for letter in LETTERS
            ]
    return rows


@dataclass(frozen=True)
class Spread:
    """Servers, and for each a load with so many clients."""

    servers: Sequence[Serving]
    loads: Sequence[Load]
    threads: ThreadPoolExecutor
    clients: int

    def run(self, requests: Sequence[bytes], seconds: float) -> list[Result]:
        """Ask all servers at the same time."""
        asked = [
            self.threads.submit(each.run, server.address, requests, seconds=seconds, connections=self.clients)
            for each, server in zip(self.loads, self.servers, strict=True)
        ]
        return [each.result() for each in asked]

    def cpu_ms(self) -> float:
        """What all servers have used so far."""
        return sum(cpu_ms(each.pid) for each in self.servers)


def _row(data: Data, spread: Spread, letter: str, requests: Sequence[bytes], seconds: float) -> Row:
    postgres = data.postgres.pid
    assert postgres is not None
    spread.run(requests, min(1.0, seconds))
    app, database = spread.cpu_ms(), cpu_ms(postgres)
    results = spread.run(requests, seconds)
    app, database = spread.cpu_ms() - app, cpu_ms(postgres) - database
    answered = sum(each.requests for each in results)
    number = len(spread.servers)
    row: Row = {
        "operation": letter,
        "processes": number,
        "clients": number * spread.clients,
        "per_second": sum(each.per_second for each in results),
        "app_cpu_ms": app / answered,
        "postgres_cpu_ms": database / answered,
        "p99_ms": max(each.p99_ms for each in results),
        "failures": sum(each.failures for each in results),
    }
    say(f"{letter}: {number} processes: {row['per_second']:.0f}/s")
    return row


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table. 1 if anybody was refused."""
    parser = options("processes", __doc__ or "")
    parser.add_argument("--scale", type=int, default=100, help="how many times the demo's size (100)")
    given = parser.parse_args(arguments)
    with loaded(given.scale) as data:
        rows = measured(data)
    say(f"this machine has {os.cpu_count()} cores, which the load and PostgreSQL use, too")
    tell("processes", COLUMNS, rows, given.json)
    return 1 if any(row["failures"] for row in rows) else 0
