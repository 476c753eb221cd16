"""The memory that one process holds: as it waits for work, and under hundreds of clients at once.

    python3 pat bench memory

Counted is what is resident, what is shared with other processes included; PostgreSQL is not counted. It is served as in
production: no demo, nobody looks around.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from tests.bench.cpu import most_resident_mb, resident_mb
from tests.bench.data import Caller, Data, loaded
from tests.bench.drawing import drawn
from tests.bench.load import load
from tests.bench.operations import OPERATIONS
from tests.bench.servers import Engine
from tests.bench.telling import Row, options, say, tell

from pat_auth.keys import load_or_create_keys
from pat_auth.tokens import LIFETIME, mint

CLIENTS = 500
IDLE_MB, BUSY_MB = 150.0, 300.0
COLUMNS = {
    "moment": "",
    "clients": "clients",
    "resident_mb": "MB",
    "most_mb": "most so far, MB",
    "goal_mb": "at most, MB",
    "requests": "requests",
    "failures": "failures",
}


class Production(Engine):
    """The platform without its demo."""

    def command(self, data: Data, port: int, folder: Path) -> tuple[list[str], Mapping[str, str]]:
        """`pat serve`, with the keys in files."""
        command, environment = super().command(data, port, folder)
        return command, {**environment, "PAT_DEMO": "0", "PAT_KEY_PROVIDER": "file"}


def measured(data: Data, clients: int = CLIENTS, seconds: float = 10.0) -> list[Row]:
    """Two rows: after one request, and while so many clients ask for a case or for a page of them."""
    engine = Production()
    callers = [signed_in(data, caller) for caller in data.callers]
    requests = drawn(engine, callers, [OPERATIONS["a"], OPERATIONS["b"]])
    with engine.serving(data) as serving, load() as shared:
        rows = []
        for moment, number, duration, goal in (
            ("idle, after one request", 1, 0.0, IDLE_MB),
            ("after many clients at once", clients, seconds, BUSY_MB),
        ):
            result = shared.run(serving.address, requests, seconds=duration, connections=number)
            row: Row = {
                "moment": moment,
                "clients": number,
                "resident_mb": resident_mb(serving.pid),
                "most_mb": most_resident_mb(serving.pid),
                "goal_mb": goal,
                "requests": result.requests,
                "failures": result.failures,
            }
            say(f"{moment}: {row['most_mb']:.0f} MB")
            rows.append(row)
    return rows


def signed_in(data: Data, caller: Caller) -> Caller:
    """The caller with a token that lives no longer than production allows."""
    settings = data.settings
    token = mint(
        caller.principal,
        keys=load_or_create_keys(settings.key_folder),
        issuer=settings.issuer,
        audience=settings.audience,
        lifetime=LIFETIME,
    )
    return replace(caller, token=token)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table. 1 if it is more than it should be, or anybody was refused."""
    parser = options("memory", __doc__ or "")
    parser.add_argument("--scale", type=int, default=100, help="how many times the demo's size (100)")
    given = parser.parse_args(arguments)
    with loaded(given.scale) as data:
        rows = measured(data)
    tell("memory", COLUMNS, rows, given.json)
    return 1 if any(row["failures"] or row["most_mb"] > row["goal_mb"] for row in rows) else 0
