"""A TCP proxy before the database that notes who spoke when, and can fall silent or hang up."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import groupby
from urllib.parse import urlsplit, urlunsplit

QUIET_SECONDS = 0.05


class Proxy:
    """`log` holds "out" for every piece that the client sent and "in" for every piece of the server."""

    def __init__(self, url: str) -> None:
        self._target = urlsplit(url)
        self._server: asyncio.Server | None = None
        self._links: set[asyncio.StreamWriter] = set()
        self._moved_at = 0.0
        self._flows = asyncio.Event()
        self._flows.set()
        self.log: list[str] = []
        self.url = ""

    def turns(self) -> str:
        """Who spoke, pieces that follow each other taken together: "out in" is one round trip."""
        return " ".join(direction for direction, _ in groupby(self.log))

    async def quiet(self) -> None:
        """Wait until nothing has moved for a while."""
        loop = asyncio.get_running_loop()
        while self._moved_at + QUIET_SECONDS > loop.time():  # noqa: ASYNC110  (there is no event for silence)
            await asyncio.sleep(QUIET_SECONDS / 5)

    def swallow(self) -> None:
        """From now on nothing arrives, and nobody is told."""
        self._flows.clear()

    def flow(self) -> None:
        """Let everything through again."""
        self._flows.set()

    def hang_up(self) -> None:
        """Close every connection."""
        for writer in self._links:
            writer.close()

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        port = self._server.sockets[0].getsockname()[1]
        credentials, _, _ = self._target.netloc.rpartition("@")
        self.url = urlunsplit(self._target._replace(netloc=f"{credentials}@127.0.0.1:{port}"))

    async def stop(self) -> None:
        self.flow()
        self.hang_up()
        if self._server is not None:
            self._server.close()
        await self.quiet()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there = await asyncio.open_connection(self._target.hostname, self._target.port)
        self._links |= {writer, there[1]}
        await asyncio.gather(self._pump("out", reader, there[1]), self._pump("in", there[0], writer))
        self._links -= {writer, there[1]}

    async def _pump(self, direction: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while piece := await reader.read(65536):
                await self._flows.wait()
                self.log.append(direction)
                self._moved_at = asyncio.get_running_loop().time()
                writer.write(piece)
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()


@asynccontextmanager
async def proxy_before(url: str) -> AsyncIterator[Proxy]:
    """A running proxy before the database at this URL."""
    proxy = Proxy(url)
    await proxy.start()
    try:
        yield proxy
    finally:
        await proxy.stop()
