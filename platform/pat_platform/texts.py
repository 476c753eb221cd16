"""What people write: which characters a text may hold, and how long it may be. Pure decisions."""

from __future__ import annotations

import unicodedata

from pat_platform.errors import Refused

_BREAKS = "\n\t"
# They turn the order of what follows: a name that holds one is shown as another name.
_TURNS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def plain(text: str, *, limit: int, field: str, lines: bool = False) -> str:
    """The text without blanks around it. ``lines`` allows line breaks and tabs. The joiners of Bengali and Hindi are letters.

    Raises Refused TEXT_TOO_LONG beyond ``limit`` characters, and TEXT_INVALID for control characters, halves of characters and
    marks that turn the direction of writing.
    """
    text = text.strip()
    if len(text) > limit:
        raise Refused("TEXT_TOO_LONG", f"This is longer than {limit} characters. Shorten it.", field)
    allowed = _BREAKS if lines else ""
    # What can be printed is checked at once; the rest, joiners among it, character by character.
    if not text.isprintable() and any(_is_hidden(each) and each not in allowed for each in text):
        raise Refused("TEXT_INVALID", "This holds characters that cannot be seen. Type it again.", field)
    return text


def _is_hidden(character: str) -> bool:
    return unicodedata.category(character) in {"Cc", "Cs", "Cn"} or character in _TURNS
