"""An answer as text with open places: what the finishing steps say is put into them, and the rest is never taken apart.

Nearly every answer that is not finished holds markers of two kinds alone: hidden entries, which are left out, and values for
finishing steps. Both are found by splitting at the request's token, which stands nowhere else.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from .sites import Mark, Step

_VALUE = json.JSONDecoder().raw_decode
_NULL = "null"


class Place(NamedTuple):
    """An open place: the number of its piece, its mark, and the name of the step that gives it its value."""

    piece: int
    mark: Mark
    step: str


class Spliced(NamedTuple):
    """The pieces of an answer, its open places in order, and by step the values that it finishes, in the same order."""

    pieces: list[str]
    places: list[Place]
    gathered: dict[str, list[Any]]


def spliced(text: str, token: str, marks: Sequence[Mark]) -> Spliced | None:
    """The answer in pieces; None where it holds a marker of another kind, which needs the tree."""
    first, *parts = text.split(token)
    found = Spliced([first], [], {})
    for part in parts:
        # What follows the token of a hidden entry's value, of its name, and of a step's marker.
        if part.startswith("@:"):
            found.pieces.append(part.partition('"')[2])
        elif not (_hides(found.pieces, part) if part.startswith("@") else _opens(found, part, marks)):
            return None
    return found


def _hides(pieces: list[str], part: str) -> bool:
    """Leave out a hidden entry's name, with the comma before it; what of its value stands here, too."""
    before = pieces[-1]
    if not before.endswith('"'):
        return False
    pieces[-1] = before[:-2] if before.endswith(',"') else before[:-1]
    value = part.partition(":")[2]
    if not value.startswith(('"', _NULL)):
        return False
    pieces.append(value[1:] if value[0] == '"' else value[len(_NULL) :])
    return True


def _opens(found: Spliced, part: str, marks: Sequence[Mark]) -> bool:
    """Open the place of a step's marker and its value, which stand in an array of their own."""
    number, quote, raw = part.partition('",')
    before = found.pieces[-1]
    if not (quote and number.isdecimal() and before.endswith('["')):
        return False
    mark = marks[int(number)]
    if not isinstance(mark.meaning, Step):
        return False
    value, end = _VALUE(raw)
    if not raw.startswith("]", end):
        return False
    found.gathered.setdefault(mark.meaning.name, []).append(value)
    found.pieces[-1] = before[:-2]
    found.places.append(Place(len(found.pieces), mark, mark.meaning.name))
    found.pieces.extend(("", raw[end + 1 :]))
    return True
