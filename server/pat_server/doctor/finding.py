"""What was looked at, and what was found: a sentence that an operator can act on. Nothing personal, nothing secret."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    level: Level
    subject: str
    sentence: str


def ok(subject: str, sentence: str) -> Finding:
    """As it should be."""
    return Finding(Level.OK, subject, sentence)


def warning(subject: str, sentence: str) -> Finding:
    """It works, and somebody should look at it."""
    return Finding(Level.WARNING, subject, sentence)


def problem(subject: str, sentence: str) -> Finding:
    """It does not work, or it is not safe."""
    return Finding(Level.PROBLEM, subject, sentence)
