"""How much memory a server holds, and how fast it answers, with one client and with many at once.

python3 pat bench clients
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from tests.bench.cpu import resident_mb
from tests.bench.data import loaded
from tests.bench.load import Load, load
from tests.bench.operations import OPERATIONS
from tests.bench.rounds import Bench, Plan
from tests.bench.servers import Engine

CLIENTS = (1, 8, 50, 200, 500)
SECONDS = 4.0
IDLE_MB, BUSY_MB = 150, 300


def line(shared: Load, bench: Bench, clients: int) -> str:
    """So many clients at once, on the operation that costs least: then the server itself counts most."""
    engine, serving = bench.peers["engine"]
    requests = bench.requests(OPERATIONS["a"], engine.name, 1)
    result = shared.run(serving.address, requests, seconds=SECONDS, connections=clients)
    return (
        f"| {clients} | {result.per_second:.0f} | {result.p50_ms:.1f} | {result.p99_ms:.1f}"
        f" | {result.failures} | {resident_mb(serving.pid):.0f} |"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table. 1 if the server holds more memory than it should."""
    parser = argparse.ArgumentParser(prog="pat bench clients", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--scale", type=int, default=100, help="how many times the demo's size (100)")
    given = parser.parse_args(arguments)
    engine = Engine()
    with loaded(given.scale) as data, engine.serving(data) as serving, load() as shared:
        idle = resident_mb(serving.pid)
        bench = Bench(data, shared, {engine.name: (engine, serving)}, Plan(), print)
        print(f"idle: {idle:.0f} MB (at most {IDLE_MB})\n")
        print("| clients | req/s | p50 ms | p99 ms | failures | server MB |\n|---|---|---|---|---|---|")
        for clients in CLIENTS:
            print(line(shared, bench, clients), flush=True)
        busy = resident_mb(serving.pid)
    return 0 if idle <= IDLE_MB and busy <= BUSY_MB else 1


if __name__ == "__main__":
    raise SystemExit(main())
