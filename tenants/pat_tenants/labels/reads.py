"""Where labels are found: in no table, but in the statement that asks for them."""

from __future__ import annotations

from pat_platform.engine.declare import Order, Source
from pat_platform.engine.kinds import INT, TEXT
from pat_tenants.labels.words import labels


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


_ROWS = ", ".join(
    f"({_quoted(enum)}, {_quoted(value)}, {place}, {_quoted(language)}, {_quoted(label)})"
    for enum, value, place, language, label in labels()
)
LABELS = Source(
    f"(select v.* from (values {_ROWS}) as v (enum, value, place, language, label))", ("enum", "value"), TEXT
)
ASKED_FOR = (
    "{n}.language = ({arg:language})::text"
    " and (({arg:of})::text[] is null or {n}.enum = any (({arg:of})::text[]))"
)
IN_ORDER = (Order("enum", TEXT), Order("place", INT))
