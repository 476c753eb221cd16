"""What more processes of the server give on one machine, each with clients and a port of its own.

    python3 pat bench processes

A server is one process: a proxy in front of several spreads what comes. Here the load does.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

from tests.bench.cpu import cpu_ms
from tests.bench.data import Data, loaded
from tests.bench.drawing import drawn
from tests.bench.load import Result, load
from tests.bench.operations import OPERATIONS
from tests.bench.servers import Engine
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
    """A row for each operation and number of processes."""
    return [
        row
        for number in processes
        for row in (_served_by(data, number, letter, clients, seconds) for letter in LETTERS)
    ]


def _served_by(data: Data, number: int, letter: str, clients: int, seconds: float) -> Row:
    engine = Engine()
    requests = drawn(engine, data.callers, [OPERATIONS[letter]])
    postgres = data.postgres.pid
    assert postgres is not None
    with ExitStack() as stack:
        servers = [stack.enter_context(engine.serving(data)) for _ in range(number)]
        loads = [stack.enter_context(load()) for _ in servers]
        threads = stack.enter_context(ThreadPoolExecutor(number))

        def run(duration: float) -> list[Result]:
            asked = [
                threads.submit(
                    each.run, server.address, requests, seconds=duration, connections=clients // number
                )
                for each, server in zip(loads, servers, strict=True)
            ]
            return [each.result() for each in asked]

        run(min(1.0, seconds))
        app, database = sum(cpu_ms(each.pid) for each in servers), cpu_ms(postgres)
        results = run(seconds)
        app, database = sum(cpu_ms(each.pid) for each in servers) - app, cpu_ms(postgres) - database
    answered = sum(each.requests for each in results)
    row: Row = {
        "operation": letter,
        "processes": number,
        "clients": clients,
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
