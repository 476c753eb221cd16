"""The end of a process, told to those who need to know before it comes."""

from __future__ import annotations

from collections.abc import Callable

SERVICE_RESTART = 1012
"""The code with which a WebSocket is closed because the server ends: the client may connect again at once (RFC 6455's registry)."""


class Stopping:
    """Whether this process is about to end, and what is to be said before it does.

    From the moment it begins, /readyz answers 503 and each answer asks the client to connect anew: a proxy sends new requests
    elsewhere, while those under way, and those that still come, are served.
    """

    def __init__(self) -> None:
        self.has_begun = False
        self._farewells: set[Callable[[], None]] = set()

    def begin(self) -> None:
        """Note it. Safe in a signal handler."""
        self.has_begun = True

    def when_begun(self, farewell: Callable[[], None]) -> Callable[[], None]:
        """Call this once, in the event loop, when the end begins; what is returned forgets it again.

        For what lasts longer than a request: a socket is closed here, with :data:`SERVICE_RESTART`.
        """
        self._farewells.add(farewell)
        return lambda: self._farewells.discard(farewell)

    def say_farewell(self) -> None:
        """Call each farewell that has not been called. In the event loop."""
        while self._farewells:
            self._farewells.pop()()
