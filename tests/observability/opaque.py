"""The secrets that look like nothing in particular: refresh tokens, codes, links. We were there when they were made."""

from __future__ import annotations

import re
import secrets
import sys
from base64 import b32encode
from collections.abc import Callable
from typing import ParamSpec

import pytest

P = ParamSpec("P")

WINDOW = 16
"""So many of the first characters of a secret tell it from everything else; a recovery code has no more."""
RUN = re.compile(rf"[\w-]{{{WINDOW},}}")

_known: set[str] = set()


def remember(secret: str) -> str:
    """Note a secret, and return it."""
    _known.add(secret[:WINDOW])
    return secret


def found_in(text: str) -> str | None:
    """The beginning of a secret that the text tells, or most of one; whatever stands around it."""
    if _known:
        for run in RUN.findall(text):
            for at in range(len(run) - WINDOW + 1):
                if run[at : at + WINDOW] in _known:
                    return str(run[at : at + 4]) + "…"
    return None


def watch_makers(patch: pytest.MonkeyPatch) -> None:
    """From now on every secret is noted when it is made.

    ``token_urlsafe`` makes nearly all, under whichever name it was imported; modules that are loaded later import ours.
    """
    from pat_auth.issuer import recovery, refreshing, totp

    made = secrets.token_urlsafe
    watched = _remembering(made)
    for name, module in list(sys.modules.items()):
        if name.startswith("pat_") and getattr(module, "token_urlsafe", None) is made:
            patch.setattr(module, "token_urlsafe", watched)
    patch.setattr(secrets, "token_urlsafe", watched)
    patch.setattr(refreshing, "successor", _remembering(refreshing.successor))
    for each in (recovery, totp):
        patch.setattr(each, "b32encode", _base32)


def _remembering(make: Callable[P, str]) -> Callable[P, str]:
    def remembering(*arguments: P.args, **named: P.kwargs) -> str:
        return remember(make(*arguments, **named))

    return remembering


def _base32(content: bytes) -> bytes:
    """Recovery codes are shown in groups of four."""
    encoded = b32encode(content)
    plain = remember(encoded.decode())
    remember("-".join(plain[at : at + 4] for at in range(0, len(plain), 4)))
    return encoded
