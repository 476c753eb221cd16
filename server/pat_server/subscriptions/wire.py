"""uvicorn's WebSockets, of which none is kept for a client that does not read."""

from __future__ import annotations

from asyncio import BaseTransport
from collections.abc import Mapping
from socket import SO_SNDBUF, SOL_SOCKET
from types import MappingProxyType
from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from pat_server.asked import BODY_LIMIT

KEPT_BYTES = 64 * 1024


class Socket(WebSocketsSansIOProtocol):
    """A socket that is dropped, with what could not be sent, once nobody speaks on it any more."""

    def connection_made(self, transport: BaseTransport) -> None:
        """Have the kernel keep little for whoever does not read: it, too, has memory for everybody together."""
        super().connection_made(transport)
        socket = transport.get_extra_info("socket")
        if socket is not None:
            socket.setsockopt(SOL_SOCKET, SO_SNDBUF, KEPT_BYTES)

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
