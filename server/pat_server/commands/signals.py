"""Ctrl-C and SIGTERM: they end what runs in order, with the exit code that shells expect."""

import asyncio
import signal
import sys
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

from pat_server.commands.trouble import warn

STOPPING = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def stoppable() -> Iterator[None]:
    """Make Ctrl-C and SIGTERM end the block as an exit does, so that all that it holds is let go of in order.

    uvicorn raises the signals that it caught once more when it is done, with whatever handlers stood before.
    """
    before = {number: signal.signal(number, _exit) for number in STOPPING}
    try:
        yield
    except SystemExit:
        warn("stopped.")
        raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _exit(number: int, _: FrameType | None) -> NoReturn:
    sys.exit(128 + number)


def run_stoppable(work: Coroutine[None, None, None]) -> None:
    """Run a coroutine to its end. Ctrl-C and SIGTERM cancel it, and once it has let go of all it holds, raise SystemExit.

    An exit from the handler itself would end whichever task happens to run, and leave the others hanging.
    """
    caught: list[int] = []

    async def cancellable() -> None:
        task = asyncio.current_task()
        assert task

        def cancel(number: int) -> None:
            caught.append(number)
            task.cancel()

        for number in STOPPING:
            asyncio.get_running_loop().add_signal_handler(number, cancel, number)
        await work

    before = {number: signal.getsignal(number) for number in STOPPING}
    try:
        asyncio.run(cancellable())
    except asyncio.CancelledError:
        if not caught:
            raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if caught:
        _exit(caught[0], None)
