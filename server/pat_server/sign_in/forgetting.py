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
    """Have spent codes, old browsers, faded counters and the like deleted, until cancelled. At most ten thousand of each at a time."""
    while True:
        await asyncio.sleep(every_seconds)
        try:
            await in_thread(_forget, connections)
        except Fault as fault:
            log.warning("forgetting.failed", code=fault.code)


def _forget(connections: Connections) -> None:
    for _ in range(ROUNDS):
        with connections.transaction() as connection:
            connection.execute("select sec.forget(), sec.forget_mails()")
