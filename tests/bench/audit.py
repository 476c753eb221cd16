"""What a write pays for its trail: processor time of server and PostgreSQL for a case note, with its row in the trail and without.

    python3 pat bench audit

The two take turns. Without: the function that writes the row answers at once, in the benchmark's database and for the length of a turn
alone. All else stays, the call of that function included.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from statistics import median

import psycopg
from tests.bench.cpu import cpu_ms
from tests.bench.data import Data, loaded
from tests.bench.drawing import drawn
from tests.bench.load import Load, load
from tests.bench.operations import OPERATIONS
from tests.bench.servers import Engine, Serving
from tests.bench.telling import Row, options, say, tell

CONNECTIONS = 4
MOST_SHARE = 0.15
COLUMNS = {
    "operation": "operation",
    "with_ms": "CPU ms, with its row",
    "without_ms": "CPU ms, without",
    "postgres_with_ms": "of it PostgreSQL, with",
    "postgres_without_ms": "of it PostgreSQL, without",
    "share": "the trail's share",
    "goal": "at most",
    "requests": "requests",
    "failures": "failures",
}
_SILENT = """
create or replace function trail.record(action text, subjects uuid[], detail jsonb) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$ begin return 0; end $$"""


@contextmanager
def silent(data: Data) -> Iterator[None]:
    """The database with a trail that takes nothing in, for as long as the block lasts."""
    with psycopg.connect(data.admin_url, autocommit=True) as admin:
        found = admin.execute(
            "select pg_get_functiondef('trail.record(text, uuid[], jsonb)'::regprocedure)"
        ).fetchone()
        assert found is not None
        definition: str = found[0]
        if "trail.append" not in definition:
            raise ValueError("A broken-off run has left a trail that takes nothing in: remove build/bench.")
        admin.execute(_SILENT)
        try:
            yield
        finally:
            admin.execute(definition.encode())


def measured(data: Data, rounds: int = 8, seconds: float = 2.0) -> list[Row]:
    """One row."""
    engine = Engine()
    operation = OPERATIONS["f"]
    requests = drawn(engine, data.callers, [operation])
    costs: dict[bool, list[tuple[float, float]]] = {True: [], False: []}
    number = failures = 0
    with engine.serving(data) as serving, load() as shared:
        for turn in range(-1, rounds):
            # Each is first in every second round.
            for is_told in (True, False) if turn % 2 else (False, True):
                with nullcontext() if is_told else silent(data):
                    app, postgres, asked, refused = _turn(data, serving, shared, requests, seconds)
                number, failures = number + asked, failures + refused
                # The first turn warms up.
                if turn >= 0:
                    costs[is_told].append((app / asked, postgres / asked))
    pairs = zip(costs[True], costs[False], strict=True)
    row: Row = {
        "operation": operation.words,
        "with_ms": median(sum(each) for each in costs[True]),
        "without_ms": median(sum(each) for each in costs[False]),
        "postgres_with_ms": median(each[1] for each in costs[True]),
        "postgres_without_ms": median(each[1] for each in costs[False]),
        "share": median(1 - sum(without) / sum(told) if sum(told) else 0.0 for told, without in pairs),
        "goal": MOST_SHARE,
        "requests": number,
        "failures": failures,
    }
    say(f"{row['share']:.0%} of a write's processor time is the trail's")
    return [row]


def _turn(
    data: Data, serving: Serving, shared: Load, requests: Sequence[bytes], seconds: float
) -> tuple[float, float, int, int]:
    """Processor time of server and PostgreSQL, how many requests there were, and how many were refused."""
    assert data.postgres.pid is not None
    app, postgres = cpu_ms(serving.pid), cpu_ms(data.postgres.pid)
    result = shared.run(serving.address, requests, seconds=seconds, connections=CONNECTIONS)
    spent = cpu_ms(serving.pid) - app, cpu_ms(data.postgres.pid) - postgres
    return *spent, result.requests, result.failures


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table. 1 if it is more than it should be, or anybody was refused."""
    parser = options("audit", __doc__ or "")
    parser.add_argument("--scale", type=int, default=100, help="how many times the demo's size (100)")
    parser.add_argument("--rounds", type=int, default=8, help="how often the two take turns (8)")
    given = parser.parse_args(arguments)
    with loaded(given.scale) as data:
        rows = measured(data, given.rounds)
    tell("audit", COLUMNS, rows, given.json)
    return 1 if any(row["failures"] or row["share"] > MOST_SHARE for row in rows) else 0
