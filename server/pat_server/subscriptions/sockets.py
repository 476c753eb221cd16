"""WebSockets that speak graphql-transport-ws, the protocol of the library graphql-ws."""

from __future__ import annotations

import asyncio
import time
from contextlib import aclosing, suppress
from typing import Any

import orjson
from starlette.types import Message, Receive, Scope, Send

from pat_platform.deadlines import within
from pat_platform.errors import Fault
from pat_server.callers import Caller
from pat_server.endpoint import bearer
from pat_server.mistakes import internal
from pat_server.requests import error, parse_request
from pat_server.subscriptions.ending import Endable
from pat_server.subscriptions.hub import SEND_SECONDS, Hub, expire
from pat_server.subscriptions.lines import GONE, OVER, SLOW, Ending, Line
from pat_server.subscriptions.watching import Watch

PROTOCOL = "graphql-transport-ws"
INIT_SECONDS = 5.0
MOST = 10
"""Subscriptions of one socket."""
MESSAGES, WINDOW_SECONDS = 100, 10.0
"""So many messages may a client send in so long."""
LONGEST_ID = 100

MALFORMED = Ending(4400, "This is no message of graphql-transport-ws.", "malformed")
NOT_SIGNED_IN = Ending(4401, "Send connection_init first.", "not_signed_in")
FORBIDDEN = Ending(4403, "Sign in: the access token is missing, expired or not valid.", "forbidden")
OTHER_PROTOCOL = Ending(4406, "Speak graphql-transport-ws.", "other_protocol")
LATE = Ending(4408, "connection_init did not come in time.", "late")
KNOWN = Ending(4409, "There is a subscription with this id already.", "known_id")
TOO_MANY = Ending(4429, "Too much at a time.", "too_many")


class Sockets:
    """The ASGI application of all sockets."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hold one socket, until either side closes it."""
        await receive()
        headers = [(name, value.decode("latin-1")) for name, value in scope["headers"]]
        for name, value in headers:
            if name == b"origin" and not await self._hub.admits(value):
                await send({"type": "websocket.close"})
                return
        given = next((value for name, value in headers if name == b"authorization"), "")
        task = Endable()
        try:
            with self._hub.line("websocket", task) as line:
                conversation = Conversation(self._hub, line, task, receive, send, given)
                await conversation.hold(speaks=PROTOCOL in scope["subprotocols"])
        except Fault:
            # Too many are connected: there is no conversation in which to say so.
            await send({"type": "websocket.http.response.start", "status": 503, "headers": []})
            await send({"type": "websocket.http.response.body", "body": b""})


class Conversation:
    """One socket from the moment when it is accepted."""

    def __init__(self, hub: Hub, line: Line, task: Endable, receive: Receive, send: Send, given: str) -> None:
        self._hub = hub
        self._line = line
        self._task = task
        self._receive = receive
        self._send_message = send
        self._given = given
        self._subscriptions: dict[str, asyncio.Task[None]] = {}
        self._messages = 0
        self._window_ends = 0.0
        self._timer = asyncio.get_running_loop().call_later(INIT_SECONDS, task.end, LATE).cancel

    async def hold(self, *, speaks: bool) -> None:
        """Speak until somebody closes the socket, and then say why."""
        try:
            await self._send_message(
                {"type": "websocket.accept", "subprotocol": PROTOCOL if speaks else None}
            )
            with self._task:
                if not speaks:
                    self._task.end(OTHER_PROTOCOL)
                while self._task.ending is None:
                    await self._hear(await self._receive())
        finally:
            self._timer()
            await self._stop_all()
            await self._say_farewell()

    async def _stop_all(self) -> None:
        running = list(self._subscriptions.values())
        for each in running:
            each.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    async def _say_farewell(self) -> None:
        ending = self._task.ending
        if ending is not None and ending not in (GONE, SLOW):
            with suppress(TimeoutError, OSError), within(SEND_SECONDS):
                await self._send_message(
                    {"type": "websocket.close", "code": ending.code, "reason": ending.reason}
                )

    async def _hear(self, message: Message) -> None:
        """Take one message."""
        if message["type"] == "websocket.disconnect":
            self._task.end(GONE)
            return
        if self._is_flood():
            self._task.end(TOO_MANY)
            return
        try:
            told = orjson.loads(message.get("text") or b"")
            kind = told["type"]
        except (orjson.JSONDecodeError, TypeError, KeyError):
            self._task.end(MALFORMED)
            return
        match kind:
            case "connection_init":
                await self._admit(told.get("payload"))
            case "subscribe":
                self._subscribe(told.get("id"), told.get("payload"))
            case "complete":
                self._complete(told.get("id"))
            case "ping":
                await self._send(b'{"type":"pong"}')
            case "pong":
                pass
            case _:
                self._task.end(MALFORMED)

    def _is_flood(self) -> bool:
        now = time.monotonic()
        if now >= self._window_ends:
            self._messages, self._window_ends = 0, now + WINDOW_SECONDS
        self._messages += 1
        return self._messages > MESSAGES

    async def _admit(self, payload: Any) -> None:
        """Let somebody in who shows a token, here or in the header of the handshake."""
        if self._line.caller is not None:
            self._task.end(TOO_MANY)
            return
        shown = payload if isinstance(payload, dict) else {}
        named = shown.get("authorization", shown.get("Authorization", self._given))
        try:
            seconds, caller = self._hub.caller(bearer(named if isinstance(named, str) else ""))
        except Fault:
            self._task.end(FORBIDDEN)
            return
        try:
            self._hub.lines.admit(self._line, caller)
        except Fault:
            self._task.end(TOO_MANY)
            return
        self._timer()
        self._timer = expire(self._task, seconds)
        await self._send(b'{"type":"connection_ack"}')

    def _subscribe(self, name: Any, payload: Any) -> None:
        caller = self._line.caller
        if caller is None:
            self._task.end(NOT_SIGNED_IN)
        elif not isinstance(name, str) or not 0 < len(name) <= LONGEST_ID:
            self._task.end(MALFORMED)
        elif name in self._subscriptions:
            self._task.end(KNOWN)
        else:
            refused = self._refused(payload)
            run = self._serve(name, payload, caller) if refused is None else self._refuse(name, refused)
            running = self._subscriptions[name] = asyncio.create_task(run)
            # Not the task's own to do: one that is ended before it has begun does nothing any more.
            running.add_done_callback(lambda ended: self._forget(name, ended))

    def _forget(self, name: str, ended: asyncio.Task[None]) -> None:
        if self._subscriptions.get(name) is ended:
            del self._subscriptions[name]

    def _refused(self, payload: Any) -> Fault | None:
        if len(self._subscriptions) >= MOST:
            return Fault("THROTTLED", f"A socket has {MOST} subscriptions at most. Complete one first.")
        try:
            parse_request(payload)
        except Fault as fault:
            return fault
        return None

    async def _refuse(self, name: str, fault: Fault) -> None:
        await self._say(name, "error", orjson.dumps([error(fault.code, fault.message)]))

    def _complete(self, name: Any) -> None:
        """End a subscription whose client wants no more, and may begin another of that name. It may have ended meanwhile."""
        running = self._subscriptions.pop(name, None) if isinstance(name, str) else None
        if running is not None:
            running.cancel()

    async def _serve(self, name: str, payload: Any, caller: Caller) -> None:
        """Serve one subscription."""
        watch = Watch(self._hub.watching, caller, parse_request(payload))
        try:
            ended = await watch.open()
            if ended is None:
                async with aclosing(watch.events()) as events:
                    async for answer in events:
                        if answer.code is not None:
                            ended = answer
                            break
                        await self._say(name, "next", answer.body)
            if ended is not None:
                await self._say(name, "error", orjson.dumps(orjson.loads(ended.body)["errors"]))
        except Fault:
            self._line.end(OVER)
        except Exception as mistake:
            await self._say(name, "error", orjson.dumps([internal(mistake)]))

    async def _say(self, name: str, kind: str, payload: bytes) -> None:
        await self._send(
            b'{"id":' + orjson.dumps(name) + b',"type":"' + kind.encode() + b'","payload":' + payload + b"}"
        )

    async def _send(self, text: bytes) -> None:
        """Send a message. Whoever does not read is not waited for: nothing is kept for her but this."""
        try:
            with within(SEND_SECONDS):
                await self._send_message({"type": "websocket.send", "text": text.decode()})
        except TimeoutError:
            self._line.end(SLOW)
        except OSError:
            self._line.end(GONE)
