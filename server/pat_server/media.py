"""Which of the media types of GraphQL over HTTP a client reads (RFC 9110 §12.5.1)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

HTML = "text/html"
JSON = "application/json"
GRAPHQL_JSON = "application/graphql-response+json"

NAMED = 3
REMEMBERED = 200
"""So many headers are read once: clients send few different ones."""
LONGEST = 1_000
"""Characters of a header that are read: whoever sends more has not signed in yet, and would have us read on and remember it."""
_QUALITY = re.compile(r"(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)")
_UTF8 = {"utf-8", "utf8"}


@dataclass(frozen=True, slots=True)
class MediaType:
    """A media type or a range of them, in lower case, with its parameters."""

    name: str
    parameters: dict[str, str]

    @classmethod
    def parse(cls, text: str) -> MediaType:
        """Read one, such as ``application/json; charset=utf-8``. Whatever is malformed fits nothing."""
        name, *rest = (part.strip().lower() for part in text.split(";"))
        pairs = (part.partition("=") for part in rest)
        return cls(name, {key.strip(): value.strip().strip('"') for key, _, value in pairs})

    @property
    def is_utf8(self) -> bool:
        """Whether it is in UTF-8, which JSON is unless somebody says otherwise."""
        return self.parameters.get("charset", "utf-8") in _UTF8

    @property
    def quality(self) -> float:
        """How much a client wants it, 0 to 1; 0 is not at all."""
        text = self.parameters.get("q", "1")
        return float(text) if _QUALITY.fullmatch(text) else 0.0

    def fits(self, name: str) -> int:
        """How closely this range names a media type: 3 in full, 2 by its kind, 1 as one of all, 0 not at all."""
        if self.name == name:
            return NAMED
        if self.name == name.partition("/")[0] + "/*":
            return 2
        return int(self.name == "*/*")


def reads_pages(accept: str) -> bool:
    """Whether a client names HTML among what it reads: browsers do, GraphQL clients do not."""
    ranges = (MediaType.parse(part) for part in accept[:LONGEST].split(","))
    return any(each.name == HTML and each.quality for each in ranges)


def is_json(content_type: str) -> bool:
    """Whether a body of this content type is JSON in UTF-8."""
    return _is_json(content_type[:LONGEST])


def negotiate(accept: str) -> str | None:
    """The media type to answer in; None if the client reads neither.

    Whoever names no type reads plain JSON: clients older than the specification say nothing, or ``*/*``.
    """
    return _negotiate(accept[:LONGEST])


@lru_cache(REMEMBERED)
def _is_json(content_type: str) -> bool:
    sent = MediaType.parse(content_type)
    return sent.name == JSON and sent.is_utf8


@lru_cache(REMEMBERED)
def _negotiate(accept: str) -> str | None:
    if not accept.strip():
        return JSON
    ranges = [MediaType.parse(part) for part in accept.split(",")]
    plain, told = _wanted(ranges, JSON), _wanted(ranges, GRAPHQL_JSON)
    # Of two that are named in full and wanted alike, the one whose status says what happened.
    is_told = told > plain or (told == plain and told[1] == NAMED)
    quality, _ = told if is_told else plain
    if not quality:
        return None
    return GRAPHQL_JSON if is_told else JSON


def _wanted(ranges: Sequence[MediaType], name: str) -> tuple[float, int]:
    """How much a media type is wanted, and how closely it is named. The range that names it closest decides."""
    fitting = [(each.fits(name), each.quality) for each in ranges if each.is_utf8]
    closeness, quality = max(fitting, default=(0, 0.0))
    return (quality, closeness) if closeness else (0.0, 0)
