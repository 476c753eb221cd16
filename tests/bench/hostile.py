"""What it takes to decide a hostile request: the processor's time from its body to its answer, the database left out.

    python3 pat bench hostile              the dearest twenty
    python3 pat bench hostile --all        every one of them

To decide is to refuse, or to have a statement ready that the database only has to run. Nothing is remembered from one request to
the next: each is decided by an engine whose caches are empty. Answers about the schema are made here, so they count too.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
from tests.limits.hostile import Hostile, documents

from pat_auth.policy import Role
from pat_auth.principal import Principal
from pat_auth.scopes import SCOPES
from pat_platform.errors import Fault
from pat_platform.settings import Settings
from pat_server.asked import BODY_LIMIT
from pat_server.assembly import Parts, assemble
from pat_server.executing import Executor
from pat_server.requests import parse_request

GOAL_MS = 50.0
NOBODY = UUID(int=0)
MANAGER = Principal(NOBODY, NOBODY, Role.CASE_MANAGER, NOBODY, SCOPES, "bench")


class NoDatabase:
    """Stands where the database would begin to work: everything before it is done by then."""

    async def read(self, *_: object, **__: object) -> list[bytes | None]:
        """Nothing."""
        raise Fault("UNAVAILABLE", "decided")

    def transaction(self, *_: object, **__: object) -> Any:
        """Nothing."""
        raise Fault("UNAVAILABLE", "decided")


def parts(folder: Path) -> Parts:
    """The parts of a server without a database."""
    settings = Settings(
        database_url="postgresql://nowhere/none",
        secret=b"a secret of the benchmark, which protects nothing",
        key_folder=folder,
        demo=True,
        budget_person=0,
        budget_client=0,
        budget_organisation=0,
    )
    return replace(assemble(settings), database=NoDatabase())  # type: ignore[arg-type]


async def decided(found: Parts, hostile: Hostile) -> tuple[float, str]:
    """Milliseconds of this thread's processor time, and what came of it."""
    body = hostile.body()
    assert len(body) <= BODY_LIMIT, hostile.name
    found.engine.forget()
    executor = Executor(found)
    began = time.thread_time()
    answer = await executor.execute(parse_request(orjson.loads(body)), executor.caller(MANAGER))
    took = (time.thread_time() - began) * 1000
    return took, {None: "answered", "UNAVAILABLE": "compiled"}.get(answer.code, answer.code or "")


async def measured(rounds: int) -> list[tuple[float, float, str, Hostile]]:
    """(least, median, what came of it, the request), the dearest first.

    The least is what deciding takes; what is above it is the noise of the machine, and of Python's garbage.
    """
    with tempfile.TemporaryDirectory() as folder:
        found = parts(Path(folder))
        # As a server does when it begins.
        gc.freeze()
        rows = []
        for hostile in documents():
            results = [await decided(found, hostile) for _ in range(rounds)]
            took = [each for each, _ in results]
            rows.append((min(took), statistics.median(took), results[0][1], hostile))
    return sorted(rows, key=lambda row: row[0], reverse=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table. 1 if a request takes longer than the goal."""
    parser = argparse.ArgumentParser(prog="pat bench hostile", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--all", action="store_true", help="print all, not the dearest twenty")
    parser.add_argument("--rounds", type=int, default=5, help="how often each is decided (5)")
    given = parser.parse_args(arguments)
    rows = asyncio.run(measured(given.rounds))
    print(f"{'ms':>6}  {'median':>6}  {'bytes':>6}  {'decided':12}  request")
    for least, median, what, hostile in rows if given.all else rows[:20]:
        print(f"{least:6.1f}  {median:6.1f}  {len(hostile.body()):6}  {what:12}  {hostile.name}")
    dear = [row for row in rows if row[0] > GOAL_MS]
    print(f"{len(rows)} requests, {len(dear)} of them take longer than {GOAL_MS:.0f} ms.")
    return 1 if dear else 0
