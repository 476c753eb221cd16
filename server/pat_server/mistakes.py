"""Mistakes of ours: what the log is told, and what a client is."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from pat_platform.logging import get_logger

log = get_logger("pat.graphql")


def internal(mistake: BaseException) -> dict[str, Any]:
    """A fault without a word about its cause, and a reference to where the log tells it."""
    reference = str(uuid4())
    log.error("request.failed", reference=reference, exc_info=mistake)
    message = "Something went wrong on our side. Look again before you repeat it, and tell us the reference."
    return {"message": message, "extensions": {"code": "INTERNAL", "reference": reference}}
