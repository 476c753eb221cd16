"""`python3 pat bench`: how fast it is, against the fastest that PostgreSQL allows on this machine.

    python3 pat bench                     all operations against the floor
    python3 pat bench --only a,f          some of them
    python3 pat bench hostile             what it takes to decide requests that are meant to hurt
    python3 pat bench cold                what a document costs that was never seen before
    python3 pat bench clients             its speed with one client, and with many at once
    python3 pat bench processes           what more processes give
    python3 pat bench logins              thousands of organisations on one pool of connections
    python3 pat bench growth              what a request costs as the network grows
    python3 pat bench sign-in             what signing in takes, and a token that is known already
    python3 pat bench memory              what one process holds, idle and with 500 clients
    python3 pat bench audit               what a write pays for its trail
    python3 pat bench sockets             what open subscriptions hold, and how soon an event is told
    python3 pat bench --json FILE         the results as JSON, beside the table
    python3 pat bench --peers             PostGraphile and Strawberry's DataLoaders take their turns, too

The demo network is loaded once, 100 times as large, into build/bench/ and kept for the next run. With --write what was measured
goes into docs/performance.md.
"""

from __future__ import annotations

import argparse
import io
import json
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack, redirect_stdout
from pathlib import Path

from tests.bench import (
    audit,
    clients,
    cold,
    growth,
    hostile,
    logins,
    memory,
    page,
    processes,
    sign_in,
    sockets,
)
from tests.bench.data import Data, loaded
from tests.bench.load import load
from tests.bench.operations import OPERATIONS
from tests.bench.peers import DataLoaders, PostGraphile
from tests.bench.report import document, table, table_of_peers
from tests.bench.rounds import Bench, Plan, Turns
from tests.bench.servers import Engine, Floor, Peer


def say(text: str) -> None:
    """Tell how far it is."""
    print(f"pat: {text}", file=sys.stderr, flush=True)


def measure(
    data: Data, letters: list[str], plan: Plan, seed: int, others: Sequence[Peer] = ()
) -> dict[str, Turns]:
    """The turns of all peers on these operations: the engine, the floor, and the others where they can."""
    peers: list[Peer] = [Engine(), Floor(), *others]
    with ExitStack() as stack:
        served = {each.name: (each, stack.enter_context(each.serving(data))) for each in peers}
        shared = stack.enter_context(load())
        measured = {}
        for letter in letters:
            able = {name: found for name, found in served.items() if letter in found[0].operations}
            measured[letter] = Bench(data, shared, able, plan, say).measure(OPERATIONS[letter], seed)
        return measured


def main(arguments: list[str] | None = None) -> None:
    """Measure, print the table, write the JSON."""
    parser = argparse.ArgumentParser(
        prog="pat bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results here, too")
    parser.add_argument("--only", default=",".join(OPERATIONS), metavar="a,b", help="these operations")
    parser.add_argument("--rounds", type=int, default=8, help="how often the peers take turns (8)")
    parser.add_argument("--seconds", type=float, default=2.0, help="how long each time (2)")
    parser.add_argument("--scale", type=int, default=100, help="how many times the demo's size (100)")
    parser.add_argument("--seed", type=int, default=1, help="what ids and tenants are drawn by")
    parser.add_argument(
        "--peers", action="store_true", help="PostGraphile and DataLoaders, too (needs Node.js and npm)"
    )
    parser.add_argument(
        "--write", action="store_true", help="write what was measured into docs/performance.md"
    )
    given = parser.parse_args(arguments)
    letters = given.only.split(",")
    if unknown := set(letters) - set(OPERATIONS):
        parser.error(f"there is no operation {', '.join(sorted(unknown))}")
    plan = Plan(given.rounds, given.seconds, min(1.0, given.seconds))
    with loaded(given.scale) as data:
        others = [PostGraphile(), DataLoaders()] if given.peers else []
        report = document(measure(data, letters, plan, given.seed, others))
    if given.json:
        given.json.write_text(json.dumps(report, indent=1) + "\n")
    print(table(report))
    if given.peers:
        print()
        print(table_of_peers(report))
    if given.write:
        # The inbox has a place of its own, where it is told what it is.
        place = "inbox" if letters == ["h"] else "comparison"
        page.write(place, arguments or sys.argv[1:], page.comparison(report))


def print_cold(_: Sequence[str]) -> int:
    """Print what a cold document costs."""
    print(cold.told(cold.cold()))
    return 0


OTHERS: dict[str, Callable[[Sequence[str]], int]] = {
    "audit": audit.main,
    "hostile": hostile.main,
    "cold": print_cold,
    "clients": clients.main,
    "growth": growth.main,
    "logins": logins.main,
    "memory": memory.main,
    "processes": processes.main,
    "sockets": sockets.main,
    "sign-in": sign_in.main,
}


def report(name: str, arguments: Sequence[str]) -> int:
    """Run one of the others; with `--write` what it prints goes into docs/performance.md, too."""
    rest = [word for word in arguments if word != "--write"]
    if rest == list(arguments):
        return OTHERS[name](rest)
    printed = io.StringIO()
    with redirect_stdout(printed):
        code = OTHERS[name](rest)
    print(printed.getvalue(), end="")
    page.write(name, [name, *rest], page.quoted(printed.getvalue().rstrip()))
    return code


if __name__ == "__main__":
    if sys.argv[1:2] and sys.argv[1] in OTHERS:
        sys.exit(report(sys.argv[1], sys.argv[2:]))
    main()
