"""One process that serves the app, and the moment when it is ready."""

import gc
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from signal import SIGTERM
from threading import Event, Thread
from types import FrameType

import uvicorn
from starlette.types import ASGIApp

from pat_platform.logging import get_logger
from pat_server.commands.ports import refused
from pat_server.commands.trouble import Trouble
from pat_server.stopping import Stopping
from pat_server.subscriptions.wire import OPTIONS

log = get_logger(__name__)

ASKING_SECONDS = 0.05
WATCHING_SECONDS = 1
GRACE_SECONDS = 10
NO_PROXIES = urllib.request.ProxyHandler({})


def all_is_well() -> None:
    """The default of what may end a server: nothing."""


class ReadyServer(uvicorn.Server):
    """uvicorn, and a thread that asks the server whether it is ready, as any other program would.

    `on_ready` is called once, in that thread. `failure` tells what makes it pointless to serve on, if anything.
    With `patience_seconds` the server ends if it is not ready by then.

    The first signal begins the end, which `stopping` is told: after SIGTERM new requests are still served for `drain_seconds`,
    and then only those under way, for `GRACE_SECONDS`. A second signal does not wait for them.
    """

    def __init__(
        self,
        app: ASGIApp,
        bound: socket.socket,
        *,
        on_ready: Callable[[], None],
        failure: Callable[[], str | None] = all_is_well,
        patience_seconds: float | None = None,
        stopping: Stopping | None = None,
        drain_seconds: float = 0,
    ) -> None:
        # The app logs its own events; a line for each request would hold what people ask for.
        super().__init__(
            uvicorn.Config(
                app,
                # Its records go to whatever this process logs to.
                log_config=None,
                log_level="warning",
                access_log=False,
                server_header=False,
                **OPTIONS,
                lifespan="on",
                timeout_graceful_shutdown=GRACE_SECONDS,
            )
        )
        self._bound = bound
        self._address: tuple[str, int] = bound.getsockname()[:2]
        self._on_ready = on_ready
        self._failure = failure
        self._patience_seconds = patience_seconds
        self._stopping = stopping or Stopping()
        self._drain_seconds = drain_seconds
        self._drained_at: float | None = None
        self._has_said_so = False
        self._ended = Event()
        self._trouble: str | None = None

    def serve_until_stopped(self) -> None:
        """Serve on the bound socket until a signal ends it, as SystemExit. Raises Trouble if something else does."""
        try:
            # Here and not in the event loop, which would keep quiet about a port that was taken meanwhile.
            self._bound.listen(self.config.backlog)
        except OSError as error:
            raise Trouble(refused(self._bound.family, *self._address, error)) from None
        watching = Thread(target=self._watch, daemon=True)
        watching.start()
        # What stands by now stands until the end: to look through it for garbage takes a tenth of a second, while everybody waits.
        gc.freeze()
        try:
            self.run(sockets=[self._bound])
        finally:
            self._ended.set()
            watching.join()
        raise Trouble(self._trouble or "The server has ended.")

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin the end in order, or if it has begun, end at once."""
        super().handle_exit(sig, frame)
        if self._drained_at is not None:
            self.force_exit = True
            return
        drain = self._drain_seconds if sig == SIGTERM else 0
        self._drained_at = time.monotonic() + drain
        self.should_exit = drain == 0
        self._stopping.begin()

    async def on_tick(self, counter: int) -> bool:
        """What uvicorn does ten times a second."""
        if self._stopping.has_begun and not self._has_said_so:
            # Not in the signal's handler: it may have come while the log or a lock was in use.
            self._has_said_so = True
            log.info("server.stopping", seconds=self._drain_seconds)
            self._stopping.say_farewell()
        if self._drained_at is not None and time.monotonic() >= self._drained_at:
            self.should_exit = True
        return await super().on_tick(counter)

    def _watch(self) -> None:
        """Wait until the server is ready and say so; then, and before, end it when something fails."""
        deadline = time.monotonic() + (self._patience_seconds or float("inf"))
        is_ready = False
        while not self._ended.wait(WATCHING_SECONDS if is_ready else ASKING_SECONDS):
            if not is_ready:
                answer = self._ask()
                is_ready = answer is None
                if is_ready:
                    log.info("server.ready", port=self._address[1])
                    # Whoever reads our output may be gone; the server stays.
                    with suppress(BrokenPipeError):
                        self._on_ready()
                elif time.monotonic() > deadline:
                    self._trouble = f"The server did not become ready; /readyz says: {answer}"
            self._trouble = self._trouble or self._failure()
            if self._trouble:
                self.should_exit = True
                return

    def _ask(self) -> str | None:
        """What /readyz answers; None if it is 200, as it should be."""
        host, port = self._address
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
