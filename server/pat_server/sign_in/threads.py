"""Threads for the issuer, which waits for PostgreSQL and hashes passwords: their own, so that neither keeps anything else waiting."""

from collections.abc import Callable
from typing import TypeVar, TypeVarTuple

from anyio import CapacityLimiter
from anyio.to_thread import run_sync

T = TypeVar("T")
Arguments = TypeVarTuple("Arguments")

AT_ONCE = 8
_LIMITER = CapacityLimiter(AT_ONCE)


async def in_thread(function: Callable[[*Arguments], T], *arguments: *Arguments) -> T:
    """Call the function in a thread and return what it returns; wait while eight others run.

    One that has begun ends, though whoever waits for it is cancelled: a transaction is never left half told.
    """
    return await run_sync(function, *arguments, limiter=_LIMITER)
