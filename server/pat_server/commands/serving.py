"""One process that serves the app: its port, its signals, and the moment when it is ready."""

import errno
import signal
import socket
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread
from types import FrameType
from typing import NoReturn

import uvicorn
from starlette.types import ASGIApp

from pat_server.commands.trouble import Trouble

READY_SECONDS = 60
GRACE_SECONDS = 10
LAST_PORT = 65535
PROXIES = urllib.request.ProxyHandler({})


@contextmanager
def stoppable() -> Iterator[None]:
    """Make Ctrl-C and SIGTERM end the block as an exit does, so that all that it holds is let go of in order.

    uvicorn raises the signals that it caught once more when it is done, with whatever handlers stood before.
    """
    before = {number: signal.signal(number, _exit) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _exit(number: int, _: FrameType | None) -> NoReturn:
    sys.exit(128 + number)


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


class ReadyServer(uvicorn.Server):
    """uvicorn, and a thread that asks the server whether it is ready as any other program would."""

    def __init__(self, app: ASGIApp, bound: socket.socket, on_ready: Callable[[], None]) -> None:
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
        self._ended = Event()
        self._answer = "no answer"
        self._is_ready = False

    def serve_until_stopped(self) -> None:
        """Serve on the bound socket. Raises Trouble if the server does not become ready, SystemExit for a signal."""
        asking = Thread(target=self._ask_until_ready, daemon=True)
        asking.start()
        try:
            self.run(sockets=[self._bound])
        except OSError as error:
            host, port = self._bound.getsockname()[:2]
            raise Trouble(_refused(self._bound.family, host, port, error)) from error
        finally:
            self._ended.set()
            asking.join()
        if not self._is_ready:
            raise Trouble(f"The server did not become ready; /readyz said: {self._answer}")

    def _ask_until_ready(self) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while not self._ended.wait(0.05):
            if self._asks_well():
                self._is_ready = True
                self._on_ready()
                return
            if time.monotonic() > deadline:
                self.should_exit = True
                return

    def _asks_well(self) -> bool:
        """Whether /readyz answers 200; remembers what it said otherwise."""
        host, port = self._bound.getsockname()[:2]
        # Whoever listens on all addresses is asked on this machine's own.
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
        url = f"http://[{host}]:{port}/readyz" if ":" in host else f"http://{host}:{port}/readyz"
        try:
            # Without the machine's proxies: they would not reach this process.
            with urllib.request.build_opener(PROXIES).open(url, timeout=5) as response:
                return bool(response.status == 200)
        except urllib.error.HTTPError as error:
            self._answer = f"{error.code} {error.read(200).decode(errors='replace')}"
        except OSError as error:
            self._answer = str(error)
        return False
