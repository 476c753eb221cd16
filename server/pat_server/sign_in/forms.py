"""Whether a form that is posted is one of ours, sent by the browser that was shown it."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from hashlib import sha256

TOKEN = "form_token"  # noqa: S105  # it names a field


def form_token(key: bytes, secret: str, path: str, about: str = "") -> str:
    """The token of the form that posts to ``path``, for one browser and what it is ``about``: the id of an ask."""
    # None of the three can hold the byte between them.
    message = "\0".join((secret, path, about)).encode()
    return hmac.new(key, message, sha256).hexdigest()


def is_token(key: bytes, given: str, secret: str, path: str, about: str = "") -> bool:
    """Whether ``given`` is that token."""
    return hmac.compare_digest(given.encode(), form_token(key, secret, path, about).encode())


def is_from_here(headers: Mapping[str, str], issuer: str) -> bool:
    """Whether a browser says that a page of ours has sent the request (Fetch Metadata; ``Origin`` from those without it)."""
    site = headers.get("sec-fetch-site")
    return site == "same-origin" if site is not None else headers.get("origin") == issuer
