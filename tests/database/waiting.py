"""Waiting in tests."""

import asyncio
from collections.abc import Callable


async def eventually(claim: Callable[[], bool]) -> None:
    """Wait until the claim holds; fail after five seconds."""
    for _ in range(1000):
        if claim():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("it did not happen within five seconds")
