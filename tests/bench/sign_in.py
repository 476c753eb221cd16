"""What signing in takes: a password, a code of a generator, what the client may do, and its tokens; by several people at once.

    python3 pat bench sign-in

Each signs in at a browser of her own, again and again, over HTTP. What counts is how long the server takes over all requests of
one sign-in, from the client's question to its tokens; she reads and types in no time. The last row is what a token costs that was
verified before.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import psycopg
from tests.bench.data import Data, loaded, managers
from tests.bench.servers import Engine
from tests.bench.telling import Row, options, say, tell
from tests.server.sign_in.partner import BACK, Person, Program
from tests.support.issuing import put_client

from pat_auth.clients.models import Serves
from pat_auth.keys import load_or_create_keys
from pat_auth.tokens import Verifier
from pat_server.assembly import DEMO_TOKEN_LIFETIME
from pat_server.demo.organisations import SECRETARIAT
from pat_server.demo.people import Person as Somebody

AT_ONCE = 4
TIMES = 25
"""How often each of them signs in; the first time only warms up."""
GOAL_MS, TOKEN_GOAL_US = 400.0, 20.0
VERIFIED = 20_000
PASSWORD, WHOLE = "the password, checked", "the whole sign-in"
TOKEN = "a token that was verified before"
COLUMNS = {
    "step": "",
    "at_once": "at once",
    "number": "times",
    "p50_ms": "p50 ms",
    "p95_ms": "p95 ms",
    "goal_ms": "p95 at most, ms",
}


class Timed(httpx.HTTPTransport):
    """Notes how long each request takes."""

    def __init__(self) -> None:
        super().__init__()
        self.taken: list[tuple[str, float]] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        begun = time.perf_counter()
        response = super().handle_request(request)
        response.read()
        self.taken.append((f"{request.method} {request.url.path}", 1000 * (time.perf_counter() - begun)))
        return response


class Issuer(Engine):
    """The platform, which people reach where it says that it is."""

    def command(self, data: Data, port: int, folder: Path) -> tuple[list[str], Mapping[str, str]]:
        """`pat serve`, as the issuer at its own address."""
        command, environment = super().command(data, port, folder)
        return command, {**environment, "PAT_ISSUER": f"http://127.0.0.1:{port}"}


@dataclass(frozen=True)
class Rows:
    """The part of a network that somebody at a browser needs."""

    admin_url: str

    def rows(self, statement: str, *parameters: object) -> list[tuple[Any, ...]]:
        """Run a statement as superuser."""
        with psycopg.connect(self.admin_url) as connection:
            cursor = connection.execute(statement.encode(), parameters)
            return cursor.fetchall() if cursor.description else []


@dataclass
class Taken:
    """How long each password, and each whole sign-in, has taken, in ms."""

    passwords: list[float] = field(default_factory=list)
    whole: list[float] = field(default_factory=list)


def measured(data: Data, at_once: int = AT_ONCE, times: int = TIMES) -> list[Row]:
    """A row for the password alone, one for all of it, and one for a token."""
    client = _registered(data)
    people = managers()[:at_once]
    with Issuer().serving(data) as serving, ThreadPoolExecutor(at_once) as threads:
        address = "http://{}:{}".format(*serving.address)
        found = list(threads.map(lambda who: _sign_in(data, address, client, who, times), people))
    rows = [
        _row(PASSWORD, at_once, [ms for each in found for ms in each.passwords]),
        _row(WHOLE, at_once, [ms for each in found for ms in each.whole]),
    ]
    say(f"p95 of a sign-in: {rows[-1]['p95_ms']:.0f} ms")
    return [*rows, _token(data)]


def _registered(data: Data) -> UUID:
    with psycopg.connect(data.admin_url) as connection:
        return put_client(connection, SECRETARIAT.id, redirect_uris=[BACK], serves=Serves.NETWORK)


def _sign_in(data: Data, address: str, client: UUID, who: Somebody, times: int) -> Taken:
    taken = Taken()
    for turn in range(times + 1):
        clock = Timed()
        with httpx.Client(base_url=address, transport=clock, timeout=60) as browser:
            person = Person(
                Rows(data.admin_url), browser, who.id, who.email, who.membership, secret=data.settings.secret
            )
            Program(browser, client).tokens(person)
        if turn:
            taken.passwords.append(sum(ms for name, ms in clock.taken if name == "POST /sign-in"))
            taken.whole.append(sum(ms for _, ms in clock.taken))
    return taken


def _row(step: str, at_once: int, taken: Sequence[float]) -> Row:
    ordered = sorted(taken)
    return {
        "step": step,
        "at_once": at_once,
        "number": len(ordered),
        "p50_ms": ordered[len(ordered) // 2],
        "p95_ms": ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))],
        "goal_ms": GOAL_MS,
    }


def _token(data: Data) -> Row:
    """What it costs to know a token again, as the server does with each request."""
    settings = data.settings
    keys = load_or_create_keys(settings.key_folder)
    verifier = Verifier(
        keys.public_set(),
        issuer=settings.issuer,
        audience=settings.audience,
        longest_lifetime=DEMO_TOKEN_LIFETIME,
    )
    tokens = [caller.token for caller in data.callers]
    for token in tokens:
        verifier.verify(token)
    taken = []
    for number in range(VERIFIED):
        token = tokens[number % len(tokens)]
        begun = time.perf_counter()
        verifier.verify(token)
        taken.append(1000 * (time.perf_counter() - begun))
    return {**_row(TOKEN, 1, taken), "goal_ms": TOKEN_GOAL_US / 1000}


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table. 1 if signing in, or knowing a token again, takes too long."""
    parser = options("sign-in", __doc__ or "")
    parser.add_argument("--scale", type=int, default=100, help="how many times the demo's size (100)")
    parser.add_argument("--times", type=int, default=TIMES, help=f"how often each signs in ({TIMES})")
    given = parser.parse_args(arguments)
    with loaded(given.scale) as data:
        rows = measured(data, times=given.times)
    tell("sign-in", COLUMNS, rows, given.json)
    return int(any(row["p95_ms"] > row["goal_ms"] for row in rows))
