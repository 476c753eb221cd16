"""What a rule of the catalogue lint is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Rule:
    """One rule: the name of the fault that it finds, and a query that returns one text for each."""

    name: str
    query: str
