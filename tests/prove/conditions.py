"""Finds the conditions in a piece of SQL, so that each can be taken out of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_TOKEN = re.compile(
    r"(?P<comment>--[^\n]*)|(?P<text>'(?:[^']|'')*')|(?P<word>(?i:distinct\s+from|end\s+(?:if|loop|case))\b|[A-Za-z_][A-Za-z_0-9.]*)|(?P<open>[(\[])|(?P<close>[)\]])|(?P<end>[;,])"
)
_CHOICE = re.compile(r"\b(?:least|greatest|coalesce)\s*\(", re.IGNORECASE)
_ALWAYS, _NEVER, _BOTH = ("true",), ("false",), ("false", "true")
_OPENS = {"where": _ALWAYS, "on": _ALWAYS, "having": _ALWAYS, "when": _BOTH, "if": _NEVER, "elsif": _NEVER}
_CLOSES = frozenset(
    {
        *(
            "then",
            "order",
            "group",
            "limit",
            "for",
            "join",
            "left",
            "right",
            "inner",
            "cross",
            "union",
            "except",
        ),
        *("intersect", "returning", "else", "end", "loop", "from", "window", "offset", "conflict"),
    }
)


@dataclass(frozen=True)
class Condition:
    """Where a condition stands in a text, and what stands there when it decides nothing any more."""

    start: int
    end: int
    instead: str


@dataclass
class _Level:
    """What is open between one pair of parentheses: where a condition may have begun, and whether it is one for certain."""

    start: int | None
    instead: tuple[str, ...] = _ALWAYS
    is_certain: bool = False
    is_handler: bool = False
    """What follows WHEN is an error: after EXCEPTION, until its block ends."""


def weakened(text: str) -> Iterator[tuple[str, str]]:
    """Each condition of the text, described, with the text in which it decides nothing.

    A condition is what follows WHERE, ON or HAVING, and each operand of AND and OR: it is made to hold always. What follows IF is
    made to hold never, because it guards; what follows WHEN is tried both ways.
    """
    for condition in sorted(set(conditions(text)), key=lambda one: (one.start, -one.end, one.instead)):
        said = " ".join(text[condition.start : condition.end].split())
        if said.lower().strip("()") not in ("true", "false"):
            yield (
                f"{said} → {condition.instead}",
                f"{text[: condition.start]} {condition.instead} {text[condition.end :]}",
            )


def lessened(text: str) -> Iterator[tuple[str, str]]:
    """Each LEAST, GREATEST and COALESCE of the text without one of its arguments, described: a condition can be written as one."""
    for match in _CHOICE.finditer(text):
        arguments = _arguments(text, match.end())
        said = [" ".join(argument.split()) for argument in arguments]
        for place, gone in enumerate(said) if len(said) > 1 else ():
            others = [argument for other, argument in enumerate(arguments) if other != place]
            end = match.end() + len(",".join(arguments))
            yield (
                f"{match[0]}{', '.join(said)}) without {gone}",
                f"{text[: match.end()]}{','.join(others)}{text[end:]}",
            )


def _arguments(text: str, start: int) -> list[str]:
    """What stands between the commas from here to the closing parenthesis."""
    found, depth, begun = [], 0, start
    for match in _TOKEN.finditer(text, start):
        if match["open"]:
            depth += 1
        elif (match["close"] or match["end"] == ",") and depth == 0:
            found.append(text[begun : match.start()])
            begun = match.end()
            if match["close"]:
                break
        elif match["close"]:
            depth -= 1
    return found


def conditions(text: str) -> Iterator[Condition]:
    """Every condition of the text, the outer ones and those within them."""
    levels = [_Level(0)]
    for match in _TOKEN.finditer(text):
        here = levels[-1]
        if match["open"]:
            levels.append(_Level(match.end()))
        elif match["close"]:
            yield from _closed(here, text, match.start())
            if len(levels) > 1:
                levels.pop()
        elif match["end"]:
            yield from _closed(here, text, match.start())
            here.start = match.end() if match["end"] == "," else None
        elif match["word"]:
            yield from _word(here, text, match)
    for level in levels:
        yield from _closed(level, text, len(text))


def _word(level: _Level, text: str, match: re.Match[str]) -> Iterator[Condition]:
    word, *of = match["word"].lower().split()
    if word in ("and", "or") and level.start is not None:
        level.is_certain = True
        yield from _closed(level, text, match.start())
        level.start, level.is_certain = match.end(), True
    elif word == "conflict":
        level.start = None
    elif word == "exception":
        level.is_handler = True
    elif word in _OPENS and not (word == "when" and level.is_handler):
        yield from _closed(level, text, match.start())
        level.start, level.instead, level.is_certain = match.end(), _OPENS[word], True
    elif word in _CLOSES:
        level.is_handler = level.is_handler and (word != "end" or bool(of))
        yield from _closed(level, text, match.start())


def _closed(level: _Level, text: str, end: int) -> Iterator[Condition]:
    """What was open at this level ends here."""
    if level.start is not None and level.is_certain and text[level.start : end].strip():
        for instead in level.instead:
            yield Condition(level.start, end, instead)
    level.start, level.is_certain = None, False
