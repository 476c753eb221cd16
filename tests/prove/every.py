"""All mutants, in an order that every process finds the same."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from tests.prove import cluster, code, keys, policies, privileges, programs
from tests.prove.mutant import Mutant
from tests.support.wall import Connection


def all_mutants(connection: Connection) -> list[Mutant]:
    """Every mutant that this wall, and this code, give rise to."""
    found = [
        *policies.mutants(connection),
        *privileges.mutants(connection),
        *keys.mutants(connection),
        *programs.mutants(connection),
        *cluster.mutants(connection),
        *code.mutants(),
    ]
    # The many that differ in little come last.
    found.sort(key=lambda mutant: mutant.kind == "table granted")
    return list(_told_apart(found))


def _told_apart(mutants: Iterable[Mutant]) -> Iterator[Mutant]:
    """The same condition may stand in a text more than once."""
    seen: Counter[str] = Counter()
    for mutant in mutants:
        seen[mutant.id] += 1
        again = seen[mutant.id]
        yield mutant if again == 1 else replace(mutant, name=f"{mutant.name} ({again})")


def sample(mutants: Iterable[Mutant], number: int, seed: int) -> list[Mutant]:
    """``number`` mutants of every kind, chosen by chance, the same for the same seed."""
    kinds: dict[str, list[Mutant]] = {}
    for mutant in mutants:
        kinds.setdefault(mutant.kind, []).append(mutant)
    choice = random.Random(seed)
    return [mutant for one in kinds.values() for mutant in _some(one, number, choice)]


def _some(mutants: Sequence[Mutant], number: int, choice: random.Random) -> list[Mutant]:
    return choice.sample(mutants, min(number, len(mutants)))
