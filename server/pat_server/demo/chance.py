"""Chance that repeats itself: the same words give the same draws, ids and codes, in whatever order they are asked for."""

from __future__ import annotations

from random import Random
from uuid import UUID

from pat_tenants.codes import ALPHABET, check_symbol

SEED = "demo network, first edition"
"""Another edition is another network; a loaded database keeps the edition it was loaded with."""


def chance(*words: object) -> Random:
    """A source of draws of its own for these words."""
    return Random(" / ".join([SEED, *map(str, words)]))  # noqa: S311 (nothing here is to be unguessable)


def identifier(*words: object) -> UUID:
    """The id of the thing that these words name: a version 4 UUID as all ids are."""
    return drawn_id(chance("id", *words))


def drawn_id(rng: Random) -> UUID:
    """The next id from a source of draws."""
    return UUID(int=rng.getrandbits(128), version=4)


def drawn_code(rng: Random) -> str:
    """The next case or survivor code from a source of draws, in the form of ``pat_tenants.codes.new_code``."""
    while True:
        body = "".join(rng.choices(ALPHABET, k=8))
        check = check_symbol(body)
        if check in ALPHABET:
            return f"{body[:4]}-{body[4:]}-{check}"
