"""Thousands of organisations on one pool of connections, some of them far busier than others.

    python3 pat bench logins

How busy each is follows Zipf's law: the n-th asks 1/n as often as the first. A connection belongs to one login, and there are far
fewer connections than logins: who has none waits until one is opened for her. Every answer is searched for another's cases.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path

from tests.bench.cpu import cpu_ms
from tests.bench.data import Caller, Data
from tests.bench.load import run
from tests.bench.network import CASES_OF_EACH, STATUS, Small, many
from tests.bench.operations import OPERATIONS
from tests.bench.servers import NO_PROXIES, Engine
from tests.bench.telling import Row, options, say, tell

from pat_platform.postgres_programs import free_port

ORGANISATIONS = 2000
CLIENTS = (8, 50)
REQUESTS = 20_000
CODE = re.compile(rb'"code"\s*:\s*"([^"-]*)-')
OPENED = re.compile(r"^pat_pool_opened_total (\S+)$", re.MULTILINE)
COLUMNS = {
    "organisations": "organisations",
    "clients": "clients",
    "per_second": "req/s",
    "p50_ms": "p50 ms",
    "p99_ms": "p99 ms",
    "callers": "logins that asked",
    "opened_each": "connections opened for a request",
    "app_cpu_ms": "app CPU ms",
    "postgres_cpu_ms": "PostgreSQL CPU ms",
    "failures": "failures",
    "wrong_rows": "wrong rows",
}


@dataclass
class Asked:
    """Requests by what their answers must hold, and what was found in the answers."""

    expected: dict[bytes, tuple[bytes, int]] = field(default_factory=dict)
    seen: set[bytes] = field(default_factory=set)
    wrong_rows: int = 0

    def look(self, request: bytes, answer: bytes) -> None:
        """Count the rows that should not be in an answer, and those that should."""
        mark, count = self.expected[request]
        found = CODE.findall(answer)
        self.seen.add(mark)
        self.wrong_rows += sum(each != mark for each in found) + abs(count - found.count(mark))


def asked(engine: Engine, callers: Sequence[Caller], number: int, seed: int = 1) -> tuple[list[bytes], Asked]:
    """So many requests, for a case or for a page of them, drawn by Zipf's law."""
    chance = random.Random(seed)
    shuffled = chance.sample(range(len(callers)), len(callers))
    weights = list(accumulate(1 / rank for rank in range(1, len(callers) + 1)))
    requests, found = [], Asked()
    for position in chance.choices(shuffled, cum_weights=weights, k=number):
        caller = callers[position]
        is_page = chance.random() < 0.5
        operation = OPERATIONS["b" if is_page else "a"]
        variables = {"status": [STATUS]} if is_page else operation.draw(caller, chance)
        request = engine.request(operation, caller, variables)
        requests.append(request)
        found.expected[request] = (Small(position).mark.encode(), CASES_OF_EACH if is_page else 1)
    return requests, found


class Counted(Engine):
    """The platform, which tells what it counts on a port of its own."""

    def __init__(self) -> None:
        self.metrics_port = free_port()

    def command(self, data: Data, port: int, folder: Path) -> tuple[list[str], Mapping[str, str]]:
        """`pat serve`, with metrics."""
        command, environment = super().command(data, port, folder)
        return command, {**environment, "PAT_METRICS_PORT": str(self.metrics_port)}

    def opened(self) -> int:
        """How many connections the pool has opened so far."""
        with NO_PROXIES.open(f"http://127.0.0.1:{self.metrics_port}/metrics", timeout=10) as answer:
            found = OPENED.search(answer.read().decode())
        assert found is not None
        return int(float(found[1]))


def measured(
    data: Data, callers: Sequence[Caller], clients: Sequence[int] = CLIENTS, seconds: float = 15.0
) -> list[Row]:
    """A row for each number of clients."""
    engine = Counted()
    requests, found = asked(engine, callers, REQUESTS)
    postgres = data.postgres.pid
    assert postgres is not None
    rows: list[Row] = []
    with engine.serving(data) as serving:
        run(serving.address, requests, seconds=min(2.0, seconds), connections=8, seed=1)
        for number in clients:
            found.seen.clear()
            found.wrong_rows = 0
            before = engine.opened(), cpu_ms(serving.pid), cpu_ms(postgres)
            result = run(
                serving.address, requests, seconds=seconds, connections=number, seed=2, look=found.look
            )
            opened, app, database = (
                after - earlier
                for after, earlier in zip(
                    (engine.opened(), cpu_ms(serving.pid), cpu_ms(postgres)), before, strict=True
                )
            )
            say(f"{number} clients: {result.per_second:.0f}/s, {opened} connections opened")
            rows.append(
                {
                    "organisations": len(callers),
                    "clients": number,
                    "per_second": result.per_second,
                    "p50_ms": result.p50_ms,
                    "p99_ms": result.p99_ms,
                    "callers": len(found.seen),
                    "opened_each": opened / result.requests,
                    "app_cpu_ms": app / result.requests,
                    "postgres_cpu_ms": database / result.requests,
                    "failures": result.failures,
                    "wrong_rows": found.wrong_rows,
                    "requests": result.requests,
                }
            )
    return rows


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table. 1 if anybody was refused, or was given another's rows."""
    parser = options("logins", __doc__ or "")
    parser.add_argument(
        "--organisations", type=int, default=ORGANISATIONS, help=f"how many there are ({ORGANISATIONS})"
    )
    given = parser.parse_args(arguments)
    with many(given.organisations, say) as (data, callers):
        rows = measured(data, callers)
    tell("logins", COLUMNS, rows, given.json)
    return 1 if any(row["failures"] or row["wrong_rows"] for row in rows) else 0
