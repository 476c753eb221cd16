"""Subscriptions: what they hold while nothing happens, and how long an event takes to whoever waits for it.

    python3 pat bench sockets

Somebody changes referrals, one by one, once all subscriptions wait; everybody of the sender and of the receiver who may see them
is told. A session's subscriptions ask the same, as one program does in several tabs, or each asks something else, as hardly anybody
does: the goals are for the first. The time runs from before the change is sent to PostgreSQL until its event was read by its client,
which shares the machine with the server. It is served as in production: no demo, nobody looks around.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from itertools import cycle, islice
from statistics import quantiles
from uuid import UUID

import orjson
import psycopg
from tests.bench.cpu import cpu_ms, most_resident_mb, resident_mb
from tests.bench.data import Caller, Data, loaded
from tests.bench.memory import Production, signed_in
from tests.bench.operations import global_id
from tests.bench.telling import Row, options, say, tell
from websockets.asyncio.client import ClientConnection, connect

from pat_auth.policy import POLICY, Permission, Role
from pat_server.demo.people import PEOPLE, Person

OPEN, OF_SOCKET = 2_000, 5
EVENTS = 40
MOST_MB, MOST_MS = 300.0, 250.0
REST_SECONDS = 0.5
BUSY_MS, MOST_WAITS = 15.0, 360
"""What a server may use of the processor in that time while everybody waits, and how often that is looked at."""
CHANGED = "subscription {{ referralChanged {{ cursor id asked{number}: referral {{ status urgency }} }} }}"
COLUMNS = {
    "asked": "of one session",
    "subscriptions": "subscriptions",
    "sockets": "sockets",
    "resident_mb": "MB, waiting",
    "most_mb": "most, MB",
    "events": "changes",
    "told": "told",
    "p50_ms": "ms, half",
    "p95_ms": "ms, 95 %",
    "failures": "failures",
}


def measured(data: Data, subscriptions: int = OPEN, events: int = EVENTS) -> list[Row]:
    """Two rows: where a session's subscriptions ask the same, and where each asks something else."""
    return [_row(data, subscriptions, events, are_alike=are_alike) for are_alike in (True, False)]


def _row(data: Data, subscriptions: int, events: int, *, are_alike: bool) -> Row:
    readers = [
        person
        for person in PEOPLE
        if person.role in POLICY[Permission.REFERRAL_READ] and person.role is not Role.SURVIVOR
    ]
    number = -(-subscriptions // OF_SOCKET)
    # Each session has as many sockets as it may.
    callers = list(islice(_sessions(data, readers), -(-number // 5)))
    engine = Production()
    with engine.serving(data) as serving:
        host, port = serving.address
        address = f"ws://{host}:{port}/graphql"
        tokens = list(islice(cycle([caller.token for caller in callers]), number))
        waiting = [caller.principal.organisation for caller in callers]
        documents = [
            [
                CHANGED.format(number=0 if are_alike else socket // len(callers) * OF_SOCKET + name)
                for name in range(OF_SOCKET)
            ]
            for socket in range(number)
        ]
        idle, times, failures = asyncio.run(
            _measure(data, address, list(zip(tokens, documents, strict=True)), waiting, events, serving.pid)
        )
        most = most_resident_mb(serving.pid)
    cuts = quantiles(times, n=20) if len(times) > 1 else [0.0] * 19
    row: Row = {
        "asked": "the same" if are_alike else "each something else",
        "subscriptions": number * OF_SOCKET,
        "sockets": number,
        "resident_mb": idle,
        "most_mb": most,
        "events": events,
        "told": len(times),
        "p50_ms": cuts[9] * 1000,
        "p95_ms": cuts[18] * 1000,
        "failures": failures,
    }
    say(f"{row['told']} told, 95 % within {row['p95_ms']:.0f} ms, {most:.0f} MB")
    return row


def _sessions(data: Data, people: Sequence[Person]) -> Iterator[Caller]:
    """Sessions of these people, again and again."""
    with psycopg.connect(data.admin_url, autocommit=True) as connection:
        for person in cycle(people):
            yield signed_in(data, data.caller(connection, person))


async def _measure(
    data: Data,
    address: str,
    sockets: Sequence[tuple[str, Sequence[str]]],
    waiting: list[UUID],
    events: int,
    process: int,
) -> tuple[float, list[float], int]:
    """What is resident while all wait; how long each was told after; how many sockets have ended.

    A socket has its token and the documents of its subscriptions. What changes concerns the organisations of those who are waiting.
    """
    began: dict[str, float] = {}
    times: list[float] = []
    failures = 0

    async def follow(socket: ClientConnection) -> None:
        nonlocal failures
        try:
            async for text in socket:
                told = orjson.loads(text)
                if told["type"] == "next" and "errors" not in told["payload"]:
                    change = told["payload"]["data"]["referralChanged"]["id"]
                    times.append(time.perf_counter() - began[change])
                else:
                    failures += 1
        except OSError:
            failures += 1

    async with AsyncExitStack() as stack:
        following = []
        for token, documents in sockets:
            socket = await stack.enter_async_context(
                connect(address, subprotocols=["graphql-transport-ws"], compression=None, ping_interval=None)  # type: ignore[list-item]  # a name of a protocol is a text
            )
            await socket.send(
                orjson.dumps(
                    {"type": "connection_init", "payload": {"authorization": f"Bearer {token}"}}
                ).decode()
            )
            await socket.recv()
            for name, document in enumerate(documents):
                await socket.send(
                    orjson.dumps(
                        {"type": "subscribe", "id": str(name), "payload": {"query": document}}
                    ).decode()
                )
            following.append(asyncio.create_task(follow(socket)))
        await _settled(process)
        idle = resident_mb(process)
        admin = await psycopg.AsyncConnection.connect(data.admin_url, autocommit=True)
        async with admin:
            found = await admin.execute(
                "select id, received_id from app.referrals where state = 'SENT'"
                " and (organisation_id = any(%(waiting)s) or to_organisation_id = any(%(waiting)s))"
                " order by id limit %(events)s",
                {"waiting": waiting, "events": events},
            )
            for referral, received in await found.fetchall():
                names = (global_id("Referral", key) for key in (referral, received))
                began |= dict.fromkeys(names, time.perf_counter())
                await admin.execute("update app.referrals set urgency = urgency where id = %s", (referral,))
                await asyncio.sleep(REST_SECONDS)
        await _settled(process)
        for each in following:
            each.cancel()
    return idle, times, failures


async def _settled(process: int) -> None:
    """Wait until a server has nothing to do. Raises TimeoutError if it never rests."""
    for _ in range(MOST_WAITS):
        before = cpu_ms(process)
        await asyncio.sleep(REST_SECONDS)
        if cpu_ms(process) - before <= BUSY_MS:
            return
    raise TimeoutError("the server never rests")


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table. 1 if it is more than it should be, or anybody was not told."""
    parser = options("sockets", __doc__ or "")
    parser.add_argument("--scale", type=int, default=100, help="how many times the demo's size (100)")
    parser.add_argument("--subscriptions", type=int, default=OPEN, help=f"how many are open ({OPEN})")
    given = parser.parse_args(arguments)
    with loaded(given.scale) as data:
        rows = measured(data, given.subscriptions)
    tell("sockets", COLUMNS, rows, given.json)
    is_fit = all(row["most_mb"] <= MOST_MB for row in rows) and rows[0]["p95_ms"] <= MOST_MS
    return 0 if is_fit and not any(row["failures"] or not row["told"] for row in rows) else 1
