"""Writes that survive: clients write notes while the server and PostgreSQL are killed, again and again.

    python3 pat prove crash [--writes 2000] [--kills 10]

Every client sends each mutation until it is acknowledged, always with the same ``clientMutationId``, as a phone on a bad line
does. In the end every acknowledged note is there exactly once, no other note is, each has its event in the trail, and every chain
holds.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
from base64 import b64decode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import psycopg
from tests.cli.running import free_port
from tests.server.conftest import SECRET, Network, load_network
from tests.server.mortal import Mortal

from pat_auth.principal import Principal
from pat_platform.postgres import EmbeddedPostgres, PostgresUnavailable
from pat_platform.settings import KeyProviderKind, Settings
from pat_platform.trail import first_broken
from pat_server.migrate import migrate

WRITERS = tuple(f"manager@cbo-{letter}.example" for letter in "abcdefg")
CASES = "{ cases(first: 20) { edges { node { id } } } }"
ADD_NOTE = """mutation ($input: AddCaseNoteInput!) {
  addCaseNote(input: $input) { __typename ... on CaseNote { id } ... on Refusal { code message } }
}"""
PATIENCE_SECONDS = 60.0
AGAIN_SECONDS = 0.05
SENT_TWICE = 0.05
"""How often a client sends again what was acknowledged already."""


class NotServed(Exception):
    """The server did not come back in time; the message says what it wrote."""


@dataclass
class Place:
    """A demo network on a PostgreSQL that keeps its promises, and one server process."""

    postgres: EmbeddedPostgres
    network: Network
    server: Mortal

    async def ready(self) -> None:
        """Wait until the server would answer a query. Raises NotServed."""
        async with httpx.AsyncClient(base_url=self.server.url) as client:
            for _ in range(int(PATIENCE_SECONDS / AGAIN_SECONDS)):
                with suppress(httpx.TransportError):
                    if (await client.get("/readyz")).status_code == 200:
                        return
                await asyncio.sleep(AGAIN_SECONDS)
        raise NotServed(self.server.complaints())

    def kill_server(self) -> None:
        """Kill -9, and start it again."""
        self.server.kill()
        self.server.launch()

    def kill_postgres(self) -> None:
        """Kill -9 the postmaster, and start it again: it recovers from its log."""
        os.kill(int((self.postgres.data / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
        self.postgres.stop()
        # What is left of the killed one may still be about to go.
        for _ in range(20):
            with suppress(PostgresUnavailable):
                self.postgres.start()
                return
        self.postgres.start()


@contextmanager
def place(folder: Path) -> Iterator[Place]:
    """The network, loaded and served."""
    postgres = EmbeddedPostgres(folder / "postgres", port=free_port())
    with postgres:
        with psycopg.connect(postgres.url(), autocommit=True) as admin:
            admin.execute("create database network")
        url = f"http://127.0.0.1:{free_port()}"
        settings = Settings(
            database_url=postgres.url(database="network"),
            secret=SECRET,
            issuer=url,
            audience=f"{url}/graphql",
            key_folder=folder / "keys",
            key_provider=KeyProviderKind.FILE,
        )
        network = Network(postgres, settings)
        migrate(network.admin_url, SECRET)
        asyncio.run(load_network(network))
        made = Place(postgres, network, Mortal(network, folder, url))
        made.server.launch()
        try:
            yield made
        finally:
            made.server.kill()
    postgres.erase()


@dataclass
class Ordeal:
    """What the clients were told, and how often somebody was killed."""

    place: Place
    writes: int
    kills: int
    seed: int
    acknowledged: dict[UUID, str] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    tries: int = 0
    killed: list[str] = field(default_factory=list)
    # PostgreSQL ends with the thread that started it: this one stays until everything was looked at.
    _hand: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1))
    _progress: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        """Write until everything is acknowledged. Raises NotServed."""
        await self.place.ready()
        principals = [self.place.network.principal(email) for email in WRITERS]
        shares = [self.writes // len(WRITERS)] * len(WRITERS)
        shares[0] += self.writes - sum(shares)
        async with asyncio.TaskGroup() as group:
            for number, (principal, share) in enumerate(zip(principals, shares, strict=True)):
                group.create_task(self._write(principal, share, random.Random(self.seed + number)))
            group.create_task(self._kill())

    async def _write(self, principal: Principal, share: int, chance: random.Random) -> None:
        network = self.place.network
        async with httpx.AsyncClient(base_url=self.place.server.url, timeout=20) as client:
            found = await self._sent(client, network.token(principal), CASES, {})
            cases = [edge["node"]["id"] for edge in found["cases"]["edges"]]
            for _ in range(share):
                key = uuid4()
                given = {
                    "caseId": chance.choice(cases),
                    "kind": "HOME_VISIT",
                    "text": f"A visit, {chance.random()}.",
                    "clientMutationId": str(key),
                }
                for again in (False, True):
                    if again and chance.random() > SENT_TWICE:
                        continue
                    answer = await self._sent(client, network.token(principal), ADD_NOTE, {"input": given})
                    self._note(key, answer["addCaseNote"])

    def _note(self, key: UUID, answer: dict[str, Any]) -> None:
        if answer["__typename"] != "CaseNote":
            self.wrong.append(f"refused: {answer}")
        elif self.acknowledged.setdefault(key, answer["id"]) != answer["id"]:
            self.wrong.append(f"{key} was answered with two notes")
        self._progress.set()

    async def _sent(
        self, client: httpx.AsyncClient, token: str, query: str, variables: dict[str, Any]
    ) -> dict[str, Any]:
        """The data, however often it takes to get it."""
        body = {"query": query, "variables": variables}
        for _ in range(int(PATIENCE_SECONDS / AGAIN_SECONDS)):
            self.tries += 1
            with suppress(httpx.TransportError):
                response = await client.post(
                    "/graphql", json=body, headers={"authorization": f"Bearer {token}"}
                )
                answer: dict[str, Any] = response.json()
                if answer.get("data"):
                    data: dict[str, Any] = answer["data"]
                    return data
            await asyncio.sleep(AGAIN_SECONDS)
        raise NotServed(self.place.server.complaints())

    async def _kill(self) -> None:
        """Kill the server and PostgreSQL in turn, spread over the writes, each time in the midst of them."""
        for number in range(self.kills):
            due = self.writes * (number + 1) // (self.kills + 1)
            while len(self.acknowledged) < due:
                self._progress.clear()
                await self._progress.wait()
            victim = self.place.kill_postgres if number % 2 else self.place.kill_server
            self.killed.append(victim.__name__)
            await asyncio.get_running_loop().run_in_executor(self._hand, victim)
            await self.place.ready()

    def missing(self, since: dict[str, Any]) -> list[str]:
        """What the database does not hold as it was acknowledged: nothing, if all is well."""
        rows = self.place.network.rows
        told = {UUID(b64decode(id).decode().rpartition(":")[2]) for id in self.acknowledged.values()}
        stored = [id for (id,) in rows("select id from app.case_notes where written_at > %s", since["now"])]
        ((texts,),) = rows(
            "select count(*) from app.case_note_texts t join app.case_notes n on n.id = t.note_id where n.written_at > %s",
            since["now"],
        )
        keys = dict(rows("select key, answer ->> 'id' from app.replays where answered_at > %s", since["now"]))
        ((events,),) = rows(
            "select count(*) from trail.events where action = 'case_note.added' and at > %s", since["now"]
        )
        problems = [*self.wrong]
        if len(told) != self.writes or len(stored) != self.writes or set(stored) != told:
            problems.append(f"{self.writes} to write, {len(told)} acknowledged, {len(stored)} stored")
        if set(map(UUID, keys.values())) != told or keys.keys() != self.acknowledged.keys():
            problems.append(f"{len(keys)} keys remembered")
        if texts != self.writes or events != self.writes:
            problems.append(f"{texts} texts, {events} events")
        return [*problems, *self._broken()]

    def _broken(self) -> Iterator[str]:
        columns = "organisation_id, number, at, login, actor, action, subjects, detail, previous, hash"
        with psycopg.connect(self.place.network.admin_url, row_factory=psycopg.rows.dict_row) as connection:
            for head in connection.execute("select * from trail.heads").fetchall():
                events = connection.execute(
                    f"select {columns} from trail.events where organisation_id = %s order by number".encode(),
                    (head["organisation_id"],),
                )
                if broken := first_broken(events, head):
                    yield f"a chain is broken: {broken}"


def survive(folder: Path, *, writes: int, kills: int, seed: int = 1) -> Ordeal:
    """Run it all; what went wrong stands in ``wrong`` afterwards."""
    with place(folder) as made:
        ((now,),) = made.network.rows("select now()")
        ordeal = Ordeal(made, writes, kills, seed)
        asyncio.run(ordeal.run())
        ordeal.wrong = ordeal.missing({"now": now})
        return ordeal


def told(ordeal: Ordeal) -> str:
    """What came of it, in two sentences or a list of what went wrong."""
    counts = {name: ordeal.killed.count(name) for name in ("kill_server", "kill_postgres")}
    first = (
        f"{len(ordeal.acknowledged)} writes acknowledged in {ordeal.tries} tries; killed: "
        f"{counts['kill_server']} times the server, {counts['kill_postgres']} times PostgreSQL."
    )
    return "\n".join(
        [first, *(ordeal.wrong or ["Each is there exactly once, with its event; every chain holds."])]
    )
