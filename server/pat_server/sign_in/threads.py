"""Threads for the issuer, which waits for PostgreSQL and hashes passwords: their own, so that neither keeps anything else waiting."""

from asyncio import get_running_loop
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import TypeVar, TypeVarTuple

T = TypeVar("T")
Arguments = TypeVarTuple("Arguments")

AT_ONCE = 8
_CLIENTS = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="sign-in clients")
# Whoever guesses passwords is made to wait, in a thread: those who have signed in must not wait with her.
_PAGES = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="sign-in pages")


async def in_thread(function: Callable[[*Arguments], T], *arguments: *Arguments) -> T:
    """Call the function in a thread and return what it returns; wait while eight others run.

    One that has begun ends, and keeps its place until then, though nobody waits for it any more.
    """
    return await _run(_CLIENTS, function, *arguments)


async def in_page_thread(function: Callable[[*Arguments], T], *arguments: *Arguments) -> T:
    """The same for what people are shown, and what they prove themselves with: among eight threads of their own."""
    return await _run(_PAGES, function, *arguments)


async def _run(threads: ThreadPoolExecutor, function: Callable[[*Arguments], T], *arguments: *Arguments) -> T:
    # A thread knows of the request what its log needs, as the event loop does.
    call: Callable[[], T] = partial(copy_context().run, function, *arguments)
    return await get_running_loop().run_in_executor(threads, call)
