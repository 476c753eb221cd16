"""Around every request: its id, the headers of its answer, and what is observed of it."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from os import urandom
from time import perf_counter
from typing import Protocol

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pat_platform.logging import get_logger, is_written
from pat_platform.observation import Observation, begin
from pat_server.asked import Asked
from pat_server.metrics import Measures
from pat_server.stopping import Stopping

log = get_logger("pat.request")

API = "/graphql"

_GIVEN_ID = re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}")
_TRACE_PARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")


NO_SNIFFING = (b"x-content-type-options", b"nosniff")
NO_STORE = (b"cache-control", b"no-store")

Endpoint = Callable[[Asked, Observation], Awaitable[tuple[int, list[tuple[bytes, bytes]], bytes]]]
"""What answers: the status, the headers and the body. Never raises but for a mistake of ours."""


class Tracer(Protocol):
    """What makes spans of a request that has been answered."""

    def tell(self, observation: Observation, status: int, ended: float) -> None:
        """Send the spans on their way. ``ended`` is a moment of :func:`time.perf_counter`."""
        ...


class Observer:
    """Counts, logs and traces requests that have been answered."""

    def __init__(self, measures: Measures, tracer: Tracer | None = None) -> None:
        self.measures = measures
        self._tracer = tracer

    def answered(self, observation: Observation, status: int) -> None:
        """Note a request that has been answered."""
        ended = perf_counter()
        self.measures.note(observation, status, ended)
        if is_written("info"):
            log.written(line(observation, status, ended))
        if self._tracer is not None:
            self._tracer.tell(observation, status, ended)


def line(observation: Observation, status: int, ended: float) -> str:
    """The one line of a request in the log, as the members of a JSON object.

    Organisation, role and client are told; the person is not: the trail knows her.
    """
    told = [
        f'"event":"request","status":{status},"ms":{(ended - observation.started) * 1000:.2f}'
        f',"request_id":"{observation.request_id}"'
    ]
    if observation.operation:
        told.append(f'"operation":"{observation.operation}","kind":"{observation.kind}"')
    if observation.asker is not None:
        told.append(observation.asker.members)
    if observation.waits:
        seconds = observation.database_seconds
        told.append(f'"database_ms":{seconds * 1000:.2f},"round_trips":{len(observation.waits)}')
    if observation.cost is not None:
        told.append(f'"cost":{observation.cost}')
    if observation.code:
        told.append(f'"code":"{observation.code}"')
    return ",".join(told)


class Headers:
    """What the headers of every answer say besides its own."""

    def __init__(self, stopping: Stopping) -> None:
        self._stopping = stopping

    def of(self, request_id: str) -> list[tuple[bytes, bytes]]:
        """Those of one answer."""
        headers = [(b"x-request-id", request_id.encode()), NO_SNIFFING]
        if self._stopping.has_begun:
            headers.append((b"connection", b"close"))
        return headers


class ObservedPages:
    """Gives every request of a page its id. How long an answer may be kept is for the page to say, and else not at all."""

    def __init__(self, app: ASGIApp, *, headers: Headers) -> None:
        self._app = app
        self._headers = headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and write the headers of its answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        asked = Asked(scope, receive)
        observation = Observation(_request_id(asked))
        begin(observation)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = [*message.get("headers", ()), *self._headers.of(observation.request_id)]
                if not any(name.lower() == b"cache-control" for name, _ in headers):
                    headers.append(NO_STORE)
                message["headers"] = headers
            await send(message)

        await self._app(scope, receive, send_with_headers)


class ObservedApi:
    """The API, each of whose requests is observed.

    With ``trusts_traces`` a caller's W3C trace context is taken as the parent of our spans: only for a server that nobody reaches
    but through a proxy that sets it.
    """

    def __init__(
        self, endpoint: Endpoint, observer: Observer, headers: Headers, *, trusts_traces: bool = False
    ) -> None:
        self._endpoint = endpoint
        self._observer = observer
        self._headers = headers
        self._trusts_traces = trusts_traces

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Have a request answered, and note it once it is."""
        asked = Asked(scope, receive)
        observation = Observation(_request_id(asked))
        if self._trusts_traces:
            observation.parent = _fitting(_TRACE_PARENT, asked.header(b"traceparent"))
        begin(observation)
        measures = self._observer.measures
        measures.under_way += 1
        status = 500
        try:
            status, headers, body = await self._endpoint(asked, observation)
            headers += [*self._headers.of(observation.request_id), NO_STORE]
            await send({"type": "http.response.start", "status": status, "headers": headers})
            await send({"type": "http.response.body", "body": body})
        finally:
            measures.under_way -= 1
            self._observer.answered(observation, status)


def _request_id(asked: Asked) -> str:
    """The id that a client gave, if it is a UUID and so says nothing else, or a new one."""
    return _fitting(_GIVEN_ID, asked.header(b"x-request-id")).lower() or new_id()


def new_id() -> str:
    """A random UUID, version 4, as text: what ``str(uuid4())`` is, in a third of its time."""
    digits = urandom(16).hex()
    variant = "89ab"[int(digits[16], 16) & 3]
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"


def _fitting(shape: re.Pattern[str], value: str) -> str:
    return value if value and shape.fullmatch(value) else ""
