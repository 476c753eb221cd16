"""Measuring: peers take turns on the same operation, so that what slows the machine slows all of them."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.bench.cpu import cpu_ms
from tests.bench.data import Caller, Data, chosen
from tests.bench.load import Load, Result
from tests.bench.operations import Operation
from tests.bench.servers import Peer, Serving

REQUESTS = 300
"""How many different requests of an operation there are."""
COMPARED = 12
VOLATILE = frozenset({"writtenAt"})
"""What differs from one answer to the next."""


class Different(Exception):
    """Two peers answer the same question differently."""


@dataclass
class Turn:
    """What one peer did on one operation in one round."""

    requests: int = 0
    seconds: float = 0.0
    failures: int = 0
    app_ms: float = 0.0
    postgres_ms: float = 0.0
    p50_ms: list[float] = field(default_factory=list)
    p99_ms: list[float] = field(default_factory=list)

    @property
    def per_second(self) -> float:
        """Requests answered in a second."""
        return self.requests / self.seconds

    @property
    def cpu_ms(self) -> float:
        """Processor time for a request, server and database together."""
        return (self.app_ms + self.postgres_ms) / self.requests

    def add(self, result: Result, app_ms: float, postgres_ms: float) -> None:
        """Another stretch of the same round."""
        self.requests += result.requests
        self.seconds += result.seconds
        self.failures += result.failures
        self.app_ms += app_ms
        self.postgres_ms += postgres_ms
        self.p50_ms.append(result.p50_ms)
        self.p99_ms.append(result.p99_ms)


Turns = Mapping[str, list[Turn]]
"""The turns of each peer by name: one for each round."""


@dataclass(frozen=True)
class Plan:
    """How long and how often."""

    rounds: int = 8
    seconds: float = 2.0
    """For each peer, operation and round, in two stretches."""
    warm_up_seconds: float = 1.0
    connections: int = 8


@dataclass(frozen=True)
class Bench:
    """Peers that run over the same data, and the load."""

    data: Data
    load: Load
    peers: Mapping[str, tuple[Peer, Serving]]
    plan: Plan
    say: Callable[[str], None]

    def measure(self, operation: Operation, seed: int) -> Turns:
        """Compare the peers' answers, warm up, then let them take turns. Raises Different."""
        self.compare(operation, seed)
        requests = {name: self.requests(operation, name, seed) for name in self.peers}
        turns: dict[str, list[Turn]] = {name: [] for name in self.peers}
        for name in self.peers:
            self._stretch(name, requests[name], self.plan.warm_up_seconds, seed)
        chance = random.Random(seed)
        for number in range(self.plan.rounds):
            order = list(self.peers)
            chance.shuffle(order)
            row = {name: Turn() for name in order}
            # There and back again: what changes steadily meanwhile hits all alike.
            for name in (*order, *reversed(order)):
                result, app, postgres = self._stretch(
                    name, requests[name], self.plan.seconds / 2, number * 100 + seed
                )
                row[name].add(result, app, postgres)
            for name, turn in row.items():
                turns[name].append(turn)
            told = ", ".join(f"{name} {row[name].per_second:.0f}/s" for name in self.peers)
            self.say(f"{operation.letter}: round {number + 1} of {self.plan.rounds}: {told}")
        return turns

    def compare(self, operation: Operation, seed: int) -> None:
        """Ask all peers the same and compare. Raises Different, or ValueError for an answer with errors."""
        draws = chosen(self._callers(operation), seed)
        ignored = VOLATILE.union(*(peer.ignores for peer, _ in self.peers.values()))
        for _ in range(COMPARED):
            caller, chance = next(draws)
            variables = operation.draw(caller, chance)
            answers = {
                name: stable(
                    operation,
                    peer.data(operation, serving.send(peer.request(operation, caller, variables))),
                    ignored,
                )
                for name, (peer, serving) in self.peers.items()
            }
            (first, expected), *others = answers.items()
            for name, answer in others:
                if answer != expected:
                    raise Different(f"{operation.letter}: {name} answers otherwise than {first}")

    def requests(self, operation: Operation, name: str, seed: int) -> list[bytes]:
        """The requests of an operation for one peer: the same ones for each."""
        draws = chosen(self._callers(operation), seed + 1)
        peer, _ = self.peers[name]
        drawn = [next(draws) for _ in range(REQUESTS)]
        chance = random.Random(seed)
        return [peer.request(operation, caller, operation.draw(caller, chance)) for caller, _ in drawn]

    def _callers(self, operation: Operation) -> tuple[Caller, ...]:
        return self.data.receivers if operation.is_received else self.data.callers

    def _stretch(
        self, name: str, requests: Sequence[bytes], seconds: float, seed: int
    ) -> tuple[Result, float, float]:
        _, serving = self.peers[name]
        process, postgres = serving.pid, self.data.postgres.pid
        assert postgres is not None
        app_before, postgres_before = cpu_ms(process), cpu_ms(postgres)
        result = self.load.run(
            serving.address, requests, seconds=seconds, connections=self.plan.connections, seed=seed
        )
        if result.failures:
            raise ValueError(f"{name}: {result.failures} of {result.requests} answers were refusals")
        return result, cpu_ms(process) - app_before, cpu_ms(postgres) - postgres_before


def stable(operation: Operation, value: Any, ignored: frozenset[str] = VOLATILE) -> Any:
    """An answer without what differs each time: moments, and the ids of what was made."""
    if isinstance(value, dict):
        return {
            key: "…"
            if key in ignored or (operation.writes and key == "id")
            else stable(operation, inner, ignored)
            for key, inner in value.items()
        }
    if isinstance(value, list):
        return [stable(operation, inner, ignored) for inner in value]
    return value
