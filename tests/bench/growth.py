"""What a request costs as the network grows: it must follow the page that is asked for, not the table.

    python3 pat bench growth                 the demo, and 100 times the demo
    python3 pat bench growth --scale 1000    and 1000 times the demo

The same pages are asked of each: small ones, which the smallest network fills, too, and whole ones, which are only compared where
they are as full. The sizes take turns, so that what slows the machine slows all of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from statistics import median
from typing import Any

from tests.bench.cpu import cpu_ms
from tests.bench.data import Data, loaded
from tests.bench.drawing import drawn
from tests.bench.load import Load, load
from tests.bench.operations import OPERATIONS, PAGE_OF_B, PAGE_OF_E, Operation
from tests.bench.servers import Engine, Serving
from tests.bench.telling import Row, options, say, tell

SCALES = (1, 100)
SMALL_B, SMALL_E = 5, 3
"""Every community of the demo has at least so many active cases, and groups."""
LOOKED_AT = 20
"""Answers whose rows are counted."""


def _paged(letter: str, whole: int, page: int) -> Operation:
    operation = OPERATIONS[letter]
    document = operation.document.replace(f"first: {whole}", f"first: {page}")
    assert document.count(f"first: {page}") == 1
    return replace(operation, words=f"{operation.words}, {page} of them", document=document)


def _active(_: object, __: object) -> dict[str, Any]:
    return {"status": ["ACTIVE"]}


ASKED: Mapping[str, Operation] = {
    "a": OPERATIONS["a"],
    f"b, {SMALL_B} rows": replace(_paged("b", PAGE_OF_B, SMALL_B), draw=_active),
    f"b, {PAGE_OF_B} rows": replace(OPERATIONS["b"], draw=_active),
    f"e, {SMALL_E} rows": _paged("e", PAGE_OF_E, SMALL_E),
    f"e, {PAGE_OF_E} rows": OPERATIONS["e"],
}


@dataclass(frozen=True)
class Size:
    """One size of the network, served."""

    scale: int
    data: Data
    serving: Serving

    def cpu_ms(self) -> tuple[float, float]:
        """What server and database have used so far."""
        assert self.data.postgres.pid is not None
        return cpu_ms(self.serving.pid), cpu_ms(self.data.postgres.pid)


def measured(data: Mapping[int, Data], rounds: int = 4, seconds: float = 1.5) -> list[Row]:
    """A row for each operation: what it costs on each scale, and how many rows it was answered with."""
    engine = Engine()
    with ExitStack() as stack:
        sizes = [Size(scale, of, stack.enter_context(engine.serving(of))) for scale, of in data.items()]
        shared = stack.enter_context(load())
        return [
            _row(name, operation, engine, sizes, shared, rounds, seconds) for name, operation in ASKED.items()
        ]


def _row(
    name: str,
    operation: Operation,
    engine: Engine,
    sizes: Sequence[Size],
    shared: Load,
    rounds: int,
    seconds: float,
) -> Row:
    requests = [drawn(engine, size.data.callers, [operation]) for size in sizes]
    rows = [_rows_of(engine, operation, size, asked) for size, asked in zip(sizes, requests, strict=True)]
    costs: list[list[tuple[float, float]]] = [[] for _ in sizes]
    for turn in range(-1, rounds):
        for number, size in enumerate(sizes):
            app, database = size.cpu_ms()
            result = shared.run(size.serving.address, requests[number], seconds=seconds, connections=4)
            if result.failures:
                raise ValueError(f"{name}: {result.failures} answers were refusals")
            app_after, database_after = size.cpu_ms()
            # The first turn warms up.
            if turn >= 0:
                costs[number].append(
                    ((app_after - app) / result.requests, (database_after - database) / result.requests)
                )
    row: dict[str, Any] = {"operation": name, "words": operation.words}
    totals = [median(app + database for app, database in each) for each in costs]
    for size, each, total, filled in zip(sizes, costs, totals, rows, strict=True):
        row |= {
            f"rows_{size.scale}": filled,
            f"cpu_ms_{size.scale}": total,
            f"postgres_cpu_ms_{size.scale}": median(database for _, database in each),
        }
    # What is not as full is no comparison.
    alike = [number for number, filled in enumerate(rows) if filled >= 0.95 * max(rows)]
    row["compared"] = f"{sizes[alike[-1]].scale} ÷ {sizes[alike[0]].scale}" if len(alike) > 1 else None
    row["ratio"] = totals[alike[-1]] / totals[alike[0]] if len(alike) > 1 and totals[alike[0]] else None
    say(
        f"{name}: {', '.join(f'{total:.2f} ms on scale {size.scale}' for size, total in zip(sizes, totals, strict=True))}"
    )
    return row


def _rows_of(engine: Engine, operation: Operation, size: Size, requests: Sequence[bytes]) -> float:
    """How many rows an answer's page holds, on the average."""
    answers = [engine.data(operation, size.serving.send(each)) for each in requests[:LOOKED_AT]]
    return sum(len(root.get("edges", [root])) for each in answers for root in each.values()) / len(answers)


def columns(scales: Sequence[int]) -> dict[str, str]:
    """The headings of a table with these scales."""
    found = {"operation": "operation"}
    for scale in scales:
        found |= {
            f"rows_{scale}": f"scale {scale}: rows",
            f"cpu_ms_{scale}": "CPU ms",
            f"postgres_cpu_ms_{scale}": "of it PostgreSQL",
        }
    return {**found, "compared": "where as full", "ratio": "CPU ms"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table."""
    parser = options("growth", __doc__ or "")
    parser.add_argument("--scale", type=int, help="one more size: so many times the demo's")
    given = parser.parse_args(arguments)
    scales = (*SCALES, given.scale) if given.scale else SCALES
    with ExitStack() as stack:
        rows = measured({scale: stack.enter_context(loaded(scale)) for scale in scales})
    tell("growth", columns(scales), rows, given.json)
    return 0
