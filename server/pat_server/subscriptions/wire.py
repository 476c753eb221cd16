"""uvicorn's WebSockets, of which none is kept for a client that does not read."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from pat_server.asked import BODY_LIMIT


class Socket(WebSocketsSansIOProtocol):
    """A socket that is dropped, with what could not be sent, once nobody speaks on it any more."""

    async def run_asgi(self) -> None:
        """Run the application."""
        await super().run_asgi()
        if not self.writable.is_set():
            self.transport.abort()


OPTIONS: Mapping[str, Any] = MappingProxyType(
    {
        "ws": Socket,
        "ws_max_size": BODY_LIMIT,
        # Each would keep its own dictionary of what was said before.
        "ws_per_message_deflate": False,
    }
)
"""What uvicorn is told of sockets."""
