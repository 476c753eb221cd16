"""What the issuer keeps for a while is deleted when the while is over: each process sees to it now and then."""

from __future__ import annotations

import asyncio

from pat_platform.database.threads import Connections
from pat_platform.errors import Fault
from pat_platform.logging import get_logger
from pat_server.sign_in.threads import in_thread

log = get_logger("pat.sign_in")

EVERY_SECONDS = 60.0
ROUNDS = 10
"""So often in a row: strangers may open browsers faster than a thousand in a minute."""


async def forget_now_and_then(connections: Connections, *, every_seconds: float = EVERY_SECONDS) -> None:
    """Forget what is over, again and again, until cancelled."""
    while True:
        await asyncio.sleep(every_seconds)
        try:
            await in_thread(forget, connections)
        except Fault as fault:
            log.warning("forgetting.failed", code=fault.code)
        except Exception as mistake:
            # Nobody waits for this loop: if it ended, nothing would be forgotten any more, and nobody told.
            log.error("forgetting.mistake", exc_info=mistake)


def forget(connections: Connections) -> None:
    """Delete spent codes, old browsers, faded counters and the like: of each kind some ten thousand at most, a tenth at a time.

    Raises Fault.
    """
    for _ in range(ROUNDS):
        with connections.transaction() as connection:
            connection.execute(
                "select sec.forget(), sec.forget_mails(), sec.forget_resets(), sec.forget_changes()"
            )
