"""Which pages of others may ask us from within a browser (CORS): those of the origins that clients are registered with.

Every answer names one origin, the asking one, and never allows cookies: whoever asks from elsewhere shows a token.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import MappingProxyType

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pat_platform.database.threads import Connections
from pat_platform.errors import Fault
from pat_platform.logging import get_logger
from pat_server.observing import API

log = get_logger("pat.sign_in")

SECONDS = 5.0
"""How long what the database said is believed."""

OPEN: Mapping[str, bytes] = MappingProxyType(
    {
        API: b"POST",
        f"{API}/stream": b"POST",
        "/oauth/token": b"POST",
        "/oauth/revoke": b"POST",
        "/oauth/userinfo": b"GET, POST",
        "/.well-known/openid-configuration": b"GET",
        "/.well-known/oauth-authorization-server": b"GET",
        "/.well-known/jwks.json": b"GET",
    }
)
"""What a page of another origin may ask, and how. People are sent to all other pages: no program reads those."""

_PREFLIGHT = b"access-control-request-method"
_VARY = (b"vary", b"Origin")
_EXPOSED = (b"access-control-expose-headers", b"www-authenticate, retry-after, x-request-id")
_ALLOWED = [
    (b"access-control-allow-headers", b"authorization, content-type, x-request-id"),
    # Browsers ask again after ten minutes; the answer that follows is looked at each time.
    (b"access-control-max-age", b"600"),
    (b"content-length", b"0"),
]


class Origins:
    """The origins of all clients that are in use, asked of the database every few seconds at most."""

    def __init__(self, connections: Connections, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._connections = connections
        self._clock = clock
        self._known: frozenset[str] = frozenset()
        self._asked_at: float | None = None
        self._asking = asyncio.Lock()

    async def include(self, origin: str) -> bool:
        """Whether pages of this origin may ask. While the database does not say, nobody's may."""
        if not self._is_fresh():
            async with self._asking:
                # Whoever waited here has the answer that another one got meanwhile.
                if not self._is_fresh():
                    # Not in the issuer's threads: they hash passwords, and the API is not to wait for that.
                    self._known = await asyncio.to_thread(self._ask)
                    self._asked_at = self._clock()
        return origin in self._known

    def _is_fresh(self) -> bool:
        return self._asked_at is not None and self._clock() - self._asked_at < SECONDS

    def _ask(self) -> frozenset[str]:
        try:
            with self._connections.transaction() as connection:
                rows = connection.execute("select sec.client_origins()").fetchall()
        except Fault as fault:
            log.warning("origins.unknown", code=fault.code)
            return frozenset()
        return frozenset(row[0] for row in rows)


class CrossOrigin:
    """Lets the pages of clients read what they are answered, and tells their browsers so beforehand."""

    def __init__(self, app: ASGIApp, origins: Origins) -> None:
        self._app = app
        self._origins = origins

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Pass a request on; say in its answer whether the page that asked may read it."""
        if scope["type"] != "http" or scope["path"] not in OPEN:
            return self._app(scope, receive, send)
        named = [value for name, value in scope["headers"] if name == b"origin"]
        # What no page asks of the API is no browser's to keep: it need not be told for whom.
        if not named and scope["path"] == API:
            return self._app(scope, receive, send)
        return self._answer(named, scope, receive, send)

    async def _answer(self, named: Sequence[bytes], scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request in whose headers these origins are named: whoever names two has none."""
        headers = [_VARY]
        if len(named) == 1 and await self._origins.include(named[0].decode("latin-1")):
            headers.append((b"access-control-allow-origin", named[0]))
            if scope["method"] == "OPTIONS" and any(name == _PREFLIGHT for name, _ in scope["headers"]):
                headers += [(b"access-control-allow-methods", OPEN[scope["path"]]), *_ALLOWED]
                await send({"type": "http.response.start", "status": 204, "headers": headers})
                await send({"type": "http.response.body"})
                return
            headers.append(_EXPOSED)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *headers]
            await send(message)

        await self._app(scope, receive, send_with_headers)
