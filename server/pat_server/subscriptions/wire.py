"""uvicorn's WebSockets, of which none is kept for a client that does not read."""

from __future__ import annotations

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol


class Socket(WebSocketsSansIOProtocol):
    """A socket that is dropped, with what could not be sent, once nobody speaks on it any more."""

    async def run_asgi(self) -> None:
        """Run the application."""
        await super().run_asgi()
        if not self.writable.is_set():
            self.transport.abort()
