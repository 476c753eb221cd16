"""What the issuer is asked, and what it answers, without a web framework.

Whatever cannot be read, or could be read in two ways, is refused here, before anything acts on it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

LONGEST_FORM = 16 * 1024
LONGEST_QUERY = 4 * 1024
MOST_FIELDS = 30

Pairs = Sequence[tuple[str, str]]
"""Names and values in the order in which they came; a name may come twice."""

_FORM = "application/x-www-form-urlencoded"
# RFC 6749, appendix A; and what an error that names a value may hold (its section 5.2).
_PLAIN = re.compile(r"[\x20-\x21\x23-\x5b\x5d-\x7e]*")
_VISIBLE = re.compile(r"[\x20-\x7e]*")
_PLAIN_NAMES = (
    "response_type",
    "response_mode",
    "grant_type",
    "client_id",
    "redirect_uri",
    "scope",
    "code_challenge",
    "code_challenge_method",
    "resource",
)
# Clients put JSON there.
_VISIBLE_NAMES = ("state", "nonce")


class Unfit(Exception):
    """A request that is not read any further. `status` is HTTP's: 400, 413 or 415; the sentence is for whoever wrote the client."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(status, sentence)
        self.status = status
        self.sentence = sentence


@dataclass(frozen=True)
class Asked:
    """One HTTP request. Names of headers are in lower case. Its texts may hold secrets: it prints none of them."""

    method: str
    path: str
    query: Pairs = field(default=(), repr=False)
    form: Pairs = field(default=(), repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    cookies: Mapping[str, str] = field(default_factory=dict, repr=False)
    address: str = field(default="", repr=False)
    """Where it comes from, as far as we can know: for throttling."""


@dataclass(frozen=True)
class Answer:
    """One HTTP response. It prints no more than its status."""

    status: int
    headers: Sequence[tuple[str, str]] = field(default=(), repr=False)
    body: bytes = field(default=b"", repr=False)


def parse_form(content_type: str | None, raw: bytes) -> Pairs:
    """The fields of a form that was posted. Raises `Unfit`: 415 for what is no such form, 413 if it is too long, 400."""
    if not raw:
        return []
    kind, _, parameter = (content_type or "").partition(";")
    charset = parameter.strip().lower().replace('"', "")
    if kind.strip().lower() != _FORM or charset not in ("", "charset=utf-8"):
        raise Unfit(415, f"Send a form as {_FORM}, in UTF-8.")
    return parse_pairs(raw, longest=LONGEST_FORM)


def parse_pairs(raw: bytes, *, longest: int = LONGEST_QUERY) -> Pairs:
    """The pairs of a query or form; a name without `=` has an empty value. Raises `Unfit`: 413 or 400."""
    if len(raw) > longest:
        raise Unfit(413, f"More than {longest} bytes.")
    try:
        pairs = parse_qsl(
            raw.decode(),
            keep_blank_values=True,
            encoding="utf-8",
            errors="strict",
            max_num_fields=MOST_FIELDS,
        )
    except ValueError:
        raise Unfit(400, f"Not UTF-8, or more than {MOST_FIELDS} fields.") from None
    # PostgreSQL holds no text with it.
    if any("\0" in text for pair in pairs for text in pair):
        raise Unfit(400, "Text cannot contain the character U+0000.")
    return pairs


def once(pairs: Pairs, may_repeat: Collection[str] = ()) -> dict[str, str]:
    """The values by name. One without a value counts as left out (RFC 6749 §3.1); of a name that `may_repeat`, the last counts.

    Raises `Unfit` 400 for any other name that comes twice: two readers might each take another of its values.
    """
    for name, times in Counter(name for name, _ in pairs).items():
        if times > 1 and name not in may_repeat:
            raise Unfit(400, "A parameter comes twice.")
    return {name: value for name, value in pairs if value}


def demand_plain(pairs: Pairs) -> None:
    """Raises `Unfit` 400 where a parameter of OAuth holds a character that it may not: libraries repeat it in an error and fail."""
    for name, value in pairs:
        allowed = _PLAIN if name in _PLAIN_NAMES else _VISIBLE if name in _VISIBLE_NAMES else None
        if allowed is not None and not allowed.fullmatch(value):
            raise Unfit(400, f"{name} holds a character that it may not.")
