"""Mistakes of ours: what the log is told, and what a client is."""

from __future__ import annotations

import logging
import traceback
from typing import Any
from uuid import uuid4

from pat_platform.database.failures import DatabaseError

log = logging.getLogger("pat.graphql")


def internal(mistake: BaseException) -> dict[str, Any]:
    """A fault without a word about its cause, and a reference to where the log tells it."""
    reference = str(uuid4())
    # Where it happened, not what was said: an error's own text may quote what a person entered.
    where = "".join(traceback.format_tb(mistake.__traceback__))
    what = str(mistake) if isinstance(mistake, DatabaseError) else type(mistake).__name__
    log.error("request.failed reference=%s what=%s\n%s", reference, what, where)
    message = "Something went wrong on our side. Look again before you repeat it, and tell us the reference."
    return {"message": message, "extensions": {"code": "INTERNAL", "reference": reference}}
