"""How fast one process answers one client, and many at once.

    python3 pat bench clients

Who waits for a connection to PostgreSQL waits in the pool: nobody may be refused.
"""

from __future__ import annotations

from collections.abc import Sequence

from tests.bench.data import Data, loaded
from tests.bench.drawing import drawn
from tests.bench.load import load
from tests.bench.operations import OPERATIONS
from tests.bench.servers import Engine
from tests.bench.telling import Row, options, say, tell

CLIENTS = (1, 8, 50, 200, 500)
LETTERS = "ab"
COLUMNS = {
    "operation": "operation",
    "clients": "clients",
    "per_second": "req/s",
    "p50_ms": "p50 ms",
    "p99_ms": "p99 ms",
    "failures": "failures",
}


def measured(data: Data, clients: Sequence[int] = CLIENTS, seconds: float = 4.0) -> list[Row]:
    """A row for each operation and number of clients."""
    engine = Engine()
    rows: list[Row] = []
    with engine.serving(data) as serving, load() as shared:
        for letter in LETTERS:
            requests = drawn(engine, data.callers, [OPERATIONS[letter]])
            shared.run(serving.address, requests, seconds=min(1.0, seconds), connections=8)
            for number in clients:
                result = shared.run(serving.address, requests, seconds=seconds, connections=number)
                say(f"{letter}: {number} clients: {result.per_second:.0f}/s")
                rows.append(
                    {
                        "operation": letter,
                        "clients": number,
                        "per_second": result.per_second,
                        "p50_ms": result.p50_ms,
                        "p99_ms": result.p99_ms,
                        "failures": result.failures,
                        "requests": result.requests,
                    }
                )
    return rows


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table. 1 if anybody was refused."""
    parser = options("clients", __doc__ or "")
    parser.add_argument("--scale", type=int, default=100, help="how many times the demo's size (100)")
    parser.add_argument("--seconds", type=float, default=4.0, help="how long each time (4)")
    given = parser.parse_args(arguments)
    with loaded(given.scale) as data:
        rows = measured(data, seconds=given.seconds)
    tell("clients", COLUMNS, rows, given.json)
    return 1 if any(row["failures"] for row in rows) else 0
