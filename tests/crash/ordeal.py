"""Writes that survive: clients write while the server and PostgreSQL are killed, again and again.

    python3 pat prove crash [--sharing] [--writes 2000] [--kills 10]

Every client sends each mutation until it is acknowledged, always with the same ``clientMutationId``, as a phone on a bad line
does, and now and then once more. In the end everything that was acknowledged is there exactly once, nothing else is, each has its
event in the trail, and every chain holds. What is written is a noun of its own: case notes, or referrals and what they stand on.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import UUID, uuid4

import httpx
from tests.crash.place import AGAIN_SECONDS, PATIENCE_SECONDS, NotServed, Place
from tests.server.conftest import uuid_in

from pat_auth.principal import Principal

SENT_TWICE = 0.05
"""How often a client sends again what was acknowledged already."""


@dataclass(frozen=True)
class Told:
    """A mutation of somebody, and what it was answered with for good."""

    by: Principal
    mutation: str
    given: dict[str, Any]
    answer: dict[str, Any]

    @property
    def key(self) -> UUID:
        return UUID(self.given["clientMutationId"])

    @property
    def id(self) -> UUID:
        """The key of the row that it was answered with."""
        return uuid_in(self.answer["id"])

    @property
    def is_refused(self) -> bool:
        return bool(self.answer["__typename"] == "Refusal")


class Noun(Protocol):
    """What is written, and what must be there afterwards."""

    @property
    def documents(self) -> Mapping[str, str]:
        """Each mutation that it takes, as a document with one variable ``input``."""

    async def write(self, ordeal: Ordeal) -> None:
        """Write through ``ordeal.do``, several at once, until ``ordeal.writes`` are acknowledged."""

    def missing(self, ordeal: Ordeal) -> Iterator[str]:
        """What the database does not hold as it was told: nothing, if all is well."""

    def told(self) -> str:
        """What else has to be said of it."""


@dataclass
class Ordeal:
    """What the clients were told, and how often somebody was killed."""

    place: Place
    noun: Noun
    writes: int
    kills: int
    seed: int
    acknowledged: dict[UUID, Told] = field(default_factory=dict)
    refused: dict[UUID, Told] = field(default_factory=dict)
    """What something else forestalled, where that may be."""
    wrong: list[str] = field(default_factory=list)
    tries: int = 0
    killed: list[str] = field(default_factory=list)
    since: Any = None
    """When it began, by the clock of the database."""
    _client: httpx.AsyncClient = field(init=False)
    _progress: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        """Write until everything is acknowledged. Raises NotServed."""
        await self.place.ready()
        ((self.since,),) = await self.place.rows("select now()")
        async with (
            httpx.AsyncClient(base_url=self.place.server.url, timeout=20) as self._client,
            asyncio.TaskGroup() as group,
        ):
            group.create_task(self.noun.write(self))
            group.create_task(self._kill())

    def chance(self, number: int) -> random.Random:
        """What the writer of this number draws by."""
        return random.Random(self.seed * 1000 + number)

    async def do(
        self,
        by: Principal,
        mutation: str,
        given: dict[str, Any],
        chance: random.Random,
        *,
        may_be_refused: bool = False,
    ) -> Told:
        """Take a mutation until it is acknowledged, and sometimes once more; return what it was answered with."""
        given = {**given, "clientMutationId": str(uuid4())}
        said = Told(by, mutation, given, await self._answer(by, mutation, given))
        if said.is_refused:
            if may_be_refused:
                self.refused[said.key] = said
            else:
                self.wrong.append(f"refused: {mutation} {said.answer}")
            return said
        self.acknowledged[said.key] = said
        self._progress.set()
        if chance.random() < SENT_TWICE:
            await self.again(said)
        return said

    async def again(self, said: Told) -> None:
        """Send once more what was acknowledged: it is answered with the same row, whatever has become of it."""
        answer = await self._answer(said.by, said.mutation, said.given)
        if (answer["__typename"], answer.get("id")) != (said.answer["__typename"], said.answer["id"]):
            self.wrong.append(f"{said.mutation} was answered with {said.answer}, and then with {answer}")

    async def ask(self, by: Principal, query: str, **variables: Any) -> dict[str, Any]:
        """The data, however often it takes to get it. Raises NotServed."""
        body = {"query": query, "variables": variables}
        headers = {"authorization": f"Bearer {self.place.network.token(by)}"}
        told = ""
        for _ in range(int(PATIENCE_SECONDS / AGAIN_SECONDS)):
            self.tries += 1
            with suppress(httpx.TransportError):
                response = await self._client.post("/graphql", json=body, headers=headers)
                answer: dict[str, Any] = response.json()
                if answer.get("data"):
                    data: dict[str, Any] = answer["data"]
                    return data
                told = response.text
            await asyncio.sleep(AGAIN_SECONDS)
        raise NotServed(f"{told}\n{self.place.server.complaints()}")

    async def _answer(self, by: Principal, mutation: str, given: dict[str, Any]) -> dict[str, Any]:
        data = await self.ask(by, self.noun.documents[mutation], input=given)
        answer: dict[str, Any] = data[mutation]
        return answer

    async def _kill(self) -> None:
        """Kill the server and PostgreSQL in turn, spread over the writes, each time in the midst of them."""
        for number in range(self.kills):
            due = self.writes * (number + 1) // (self.kills + 1)
            while len(self.acknowledged) < due:
                self._progress.clear()
                await self._progress.wait()
            self.killed.append(await self.place.kill(number))

    def missing(self) -> Iterator[str]:
        """What the database does not hold as it was acknowledged: nothing, if all is well."""
        yield from self.noun.missing(self)
        found = self.place.network.rows(
            "select key, answer ->> 'id' from app.replays where answered_at > %s", self.since
        )
        kept = {key: UUID(id) for key, id in found}
        told = {key: said.id for key, said in self.acknowledged.items()}
        # What was under way when its server was killed may have come about, although it was refused when it was sent again.
        if len(kept) != len(found) or {key: kept[key] for key in kept if key not in self.refused} != told:
            yield f"{len(told)} acknowledged, {len(kept)} keys remembered"
        yield from self.place.broken_chains()


def survive(place: Place, noun: Noun, *, writes: int, kills: int, seed: int = 1) -> Ordeal:
    """Run it all; what went wrong stands in ``wrong`` afterwards."""
    ordeal = Ordeal(place, noun, writes, kills, seed)
    asyncio.run(ordeal.run())
    ordeal.wrong.extend(ordeal.missing())
    return ordeal


def told(ordeal: Ordeal) -> str:
    """What came of it, in a few sentences or a list of what went wrong."""
    killed = Counter(ordeal.killed)
    first = (
        f"{len(ordeal.acknowledged)} writes acknowledged in {ordeal.tries} tries; killed: "
        f"{killed['kill_server']} times the server, {killed['kill_postgres']} times PostgreSQL.{ordeal.noun.told()}"
    )
    return "\n".join(
        [first, *(ordeal.wrong or ["Each is there exactly once, with its event; every chain holds."])]
    )
