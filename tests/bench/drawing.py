"""Requests by chance: the same ones in every run."""

from __future__ import annotations

from collections.abc import Sequence

from tests.bench.data import Caller, chosen
from tests.bench.operations import Operation
from tests.bench.servers import Peer

REQUESTS = 300


def drawn(
    peer: Peer,
    callers: Sequence[Caller],
    operations: Sequence[Operation],
    number: int = REQUESTS,
    seed: int = 1,
) -> list[bytes]:
    """So many requests of these callers, the operations by turns."""
    draws = chosen(tuple(callers), seed)
    found = []
    for position in range(number):
        caller, chance = next(draws)
        operation = operations[position % len(operations)]
        found.append(peer.request(operation, caller, operation.draw(caller, chance)))
    return found
