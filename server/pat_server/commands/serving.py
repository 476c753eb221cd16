"""One process that serves the app: its port, its signals, and the moment when it is ready."""

import asyncio
import errno
import signal
import socket
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from threading import Event, Thread
from types import FrameType
from typing import NoReturn

import uvicorn
from starlette.types import ASGIApp

from pat_server.commands.trouble import Trouble, warn

STOPPING = (signal.SIGINT, signal.SIGTERM)
ASKING_SECONDS = 0.05
WATCHING_SECONDS = 1
GRACE_SECONDS = 10
LAST_PORT = 65535
NO_PROXIES = urllib.request.ProxyHandler({})


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
        _exit(caught[0], None)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def reserved(host: str, port: int) -> Iterator[socket.socket]:
    """Bind the port, so that a taken one is found before any work is done. Nobody can connect yet.

    Raises Trouble, with the next free port if this one is taken.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        bound = _bind(family, host, port)
    except OSError as error:
        raise Trouble(_refused(family, host, port, error)) from None
    with bound:
        yield bound


def _bind(family: socket.AddressFamily, host: str, port: int) -> socket.socket:
    """A socket on this port that does not listen yet. Raises OSError."""
    for is_trial in (True, False):
        bound = socket.socket(family, socket.SOCK_STREAM)
        try:
            # A port that is merely cooling down counts as free.
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.bind((host, port))
            if not is_trial:
                return bound
            # Another process may have bound it as we do: only listening tells.
            bound.listen()
        except BaseException:
            bound.close()
            raise
        bound.close()
    raise AssertionError


def _refused(family: socket.AddressFamily, host: str, port: int, error: OSError) -> str:
    if error.errno != errno.EADDRINUSE:
        return f"Port {port} on {host} cannot be used: {error.strerror}."
    free = next((other for other in range(port + 1, LAST_PORT + 1) if _is_free(family, host, other)), None)
    advice = f" Try --port {free}." if free else ""
    return f"Port {port} is taken by another program.{advice}"


def _is_free(family: socket.AddressFamily, host: str, port: int) -> bool:
    try:
        _bind(family, host, port).close()
    except OSError:
        return False
    return True


def all_is_well() -> None:
    """The default of what may end a server: nothing."""


class ReadyServer(uvicorn.Server):
    """uvicorn, and a thread that asks the server whether it is ready, as any other program would.

    `on_ready` is called once, in that thread. `failure` tells what makes it pointless to serve on, if anything.
    With `patience_seconds` the server ends if it is not ready by then.
    """

    def __init__(
        self,
        app: ASGIApp,
        bound: socket.socket,
        *,
        on_ready: Callable[[], None],
        failure: Callable[[], str | None] = all_is_well,
        patience_seconds: float | None = None,
    ) -> None:
        # The app logs its own events; a line for each request would hold what people ask for.
        super().__init__(
            uvicorn.Config(
                app,
                log_level="warning",
                access_log=False,
                server_header=False,
                ws="none",
                lifespan="on",
                timeout_graceful_shutdown=GRACE_SECONDS,
            )
        )
        self._bound = bound
        self._on_ready = on_ready
        self._failure = failure
        self._patience_seconds = patience_seconds
        self._ended = Event()
        self._trouble: str | None = None

    def serve_until_stopped(self) -> None:
        """Serve on the bound socket until a signal ends it, as SystemExit. Raises Trouble if something else does."""
        watching = Thread(target=self._watch, daemon=True)
        watching.start()
        try:
            self.run(sockets=[self._bound])
        except OSError as error:
            host, port = self._bound.getsockname()[:2]
            raise Trouble(_refused(self._bound.family, host, port, error)) from error
        finally:
            self._ended.set()
            watching.join()
        raise Trouble(self._trouble or "The server has ended.")

    def _watch(self) -> None:
        """Wait until the server is ready and say so; then, and before, end it when something fails."""
        deadline = time.monotonic() + (self._patience_seconds or float("inf"))
        is_ready = False
        while not self._ended.wait(WATCHING_SECONDS if is_ready else ASKING_SECONDS):
            if not is_ready:
                answer = self._ask()
                is_ready = answer is None
                if is_ready:
                    self._on_ready()
                elif time.monotonic() > deadline:
                    self._trouble = f"The server did not become ready; /readyz says: {answer}"
            self._trouble = self._trouble or self._failure()
            if self._trouble:
                self.should_exit = True
                return

    def _ask(self) -> str | None:
        """What /readyz answers; None if it is 200, as it should be."""
        host, port = self._bound.getsockname()[:2]
        # Whoever listens on all addresses is asked on this machine's own.
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
        try:
            # Without the machine's proxies: they would not reach this process.
            with urllib.request.build_opener(NO_PROXIES).open(
                f"{url_of(host, port)}/readyz", timeout=5
            ) as response:
                return None if response.status == 200 else str(response.status)
        except urllib.error.HTTPError as error:
            return f"{error.code} {error.read(200).decode(errors='replace')}"
        except OSError as error:
            return str(error)


def url_of(host: str, port: int) -> str:
    """The address of a server; an IPv6 host is bracketed."""
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
