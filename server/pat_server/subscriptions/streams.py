"""Subscriptions as server-sent events: one to a request, in the distinct mode of the library graphql-sse."""

from __future__ import annotations

import asyncio
from contextlib import aclosing, suppress

from starlette.types import Receive, Scope, Send

from pat_platform.deadlines import within
from pat_platform.errors import Fault
from pat_server.asked import Asked
from pat_server.endpoint import STATUS, bearer
from pat_server.media import MediaType
from pat_server.mistakes import internal
from pat_server.observing import NO_STORE
from pat_server.requests import Answer, error, faulty, request_error
from pat_server.subscriptions.ending import Endable
from pat_server.subscriptions.hub import SEND_SECONDS, Hub, expire
from pat_server.subscriptions.lines import EXPIRED, GONE, OVER, SLOW
from pat_server.subscriptions.watching import Watch

STREAM = "/graphql/stream"
EVENT_STREAM = "text/event-stream"
BEAT_SECONDS = 15.0
"""Proxies give up a connection on which nothing is said."""
_LONGEST_ACCEPT = 1_000


class Streams:
    """The ASGI application of all streams."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request with events, or with why there are none."""
        stream = Stream(receive, send)
        try:
            await self._serve(Asked(scope, receive), stream)
        except Fault as fault:
            await stream.refuse(faulty(fault))

    async def _serve(self, asked: Asked, stream: Stream) -> None:
        """Raises Fault before anything was sent."""
        if asked.method != "POST":
            raise Fault("METHOD_NOT_ALLOWED", "Send a POST request.")
        ranges = (MediaType.parse(part) for part in asked.header(b"accept")[:_LONGEST_ACCEPT].split(","))
        if not any(each.fits(EVENT_STREAM) and each.quality for each in ranges):
            raise Fault("NOT_ACCEPTABLE", f"Accept {EVENT_STREAM}: nothing else is answered here.")
        token = bearer(asked.header(b"authorization"))
        self._hub.caller(token)
        request = await asked.request()
        # However slowly it came: a token lasts no longer for that.
        seconds, caller = self._hub.caller(token)
        with self._hub.line("stream", stream.task, caller):
            never_mind = expire(stream.task, seconds)
            try:
                await stream.tell(Watch(self._hub.watching, caller, request))
            finally:
                never_mind()


class Stream:
    """One answer."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self.task = Endable()
        self._receive = receive
        self._send = send

    async def refuse(self, answer: Answer) -> None:
        """Answer that there will be no events."""
        headers = [(b"content-type", b"application/json; charset=utf-8"), NO_STORE]
        status = STATUS.get(answer.code or "", 400)
        if status == 401:
            headers.append((b"www-authenticate", b"Bearer"))
        if status == 405:
            headers.append((b"allow", b"POST"))
        await self._send({"type": "http.response.start", "status": status, "headers": headers})
        await self._send({"type": "http.response.body", "body": answer.body})

    async def tell(self, watch: Watch) -> None:
        """Send each event, until something ends it. Why there is none is answered as any other request is."""
        refused = await watch.open()
        if refused is not None:
            await self.refuse(refused)
            return
        beside = [asyncio.create_task(self._notice_departure()), asyncio.create_task(self._beat())]
        try:
            with self.task:
                await self._begin()
                async with aclosing(watch.events()) as events:
                    # What has ended it while it was opened could not interrupt it yet.
                    while self.task.ending is None:
                        answer = await anext(events)
                        await self._say(answer.body)
                        if answer.code is not None:
                            break
        except Fault:
            self.task.end(OVER)
        except Exception as mistake:
            await self._say(request_error([internal(mistake)]).body)
        finally:
            for each in beside:
                each.cancel()
            await self._say_farewell()

    async def _begin(self) -> None:
        headers = [
            (b"content-type", b"text/event-stream; charset=utf-8"),
            NO_STORE,
            (b"x-accel-buffering", b"no"),
        ]
        await self._send({"type": "http.response.start", "status": 200, "headers": headers})
        await self._write(b":\n\n")

    async def _notice_departure(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self.task.end(GONE)

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            await self._write(b":\n\n")

    async def _say(self, body: bytes) -> None:
        await self._write(b"event: next\ndata: " + body + b"\n\n")

    async def _say_farewell(self) -> None:
        """End the answer. A client that reads nothing has been dropped; one that may come back at once is told nothing."""
        ending = self.task.ending
        if ending in (GONE, SLOW):
            return
        if ending in (EXPIRED, OVER):
            await self._say(request_error([error("UNAUTHENTICATED", ending.reason)]).body)
        if ending in (None, EXPIRED, OVER):
            await self._write(b"event: complete\ndata:\n\n")
        with suppress(TimeoutError), within(SEND_SECONDS):
            await self._send({"type": "http.response.body", "body": b""})

    async def _write(self, text: bytes) -> None:
        """Send a piece. Whoever does not read is not waited for: nothing is kept for her but this."""
        try:
            with within(SEND_SECONDS):
                await self._send({"type": "http.response.body", "body": text, "more_body": True})
        except TimeoutError:
            self.task.end(SLOW)
