"""Around every request: its id, the headers of its answer, and what is observed of it."""

from __future__ import annotations

import re
from os import urandom
from time import perf_counter
from typing import Protocol

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pat_auth.principal import Principal
from pat_platform.logging import SHAPES, WITHHELD, get_logger, is_written
from pat_platform.observation import Observation, begin, current
from pat_server.metrics import Measures
from pat_server.stopping import Stopping

log = get_logger("pat.request")

API = "/graphql"

_GIVEN_ID = re.compile(rb"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}")
_TRACE_PARENT = re.compile(rb"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")


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
            log.fitting(line(observation, status, ended))
        if self._tracer is not None:
            self._tracer.tell(observation, status, ended)


def line(observation: Observation, status: int, ended: float) -> dict[str, object]:
    """The one line of a request in the log. Organisation, role and client are told; the person is not: the trail knows her."""
    told: dict[str, object] = {
        "event": "request",
        "status": status,
        "ms": round((ended - observation.started) * 1000, 2),
    }
    if observation.operation:
        told["operation"] = observation.operation
        told["kind"] = observation.kind
    if observation.organisation is not None:
        told["organisation"] = observation.organisation
        told["role"] = observation.role
        # Whoever registers a client chooses its id.
        told["client"] = observation.client if SHAPES["client"](observation.client) else WITHHELD
    if observation.waits:
        told["database_ms"] = round(observation.database_seconds * 1000, 2)
        told["round_trips"] = len(observation.waits)
    if observation.cost is not None:
        told["cost"] = observation.cost
    if observation.code:
        told["code"] = observation.code
    return told


def signed_in(principal: Principal) -> None:
    """Note who asks: the organisation, the role and the client."""
    observation = current()
    observation.organisation = principal.organisation
    observation.role = principal.role.value
    observation.client = principal.client


class Observed:
    """Gives every request an id, forbids everyone on the way to keep an answer, and has the API's requests observed.

    The API is called from here, past the routes, which would take as long as finding its plan.
    With ``trusts_traces`` a caller's W3C trace context is taken as the parent of our spans: only for a server that nobody reaches
    but through a proxy that sets it.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        api: ASGIApp,
        observer: Observer,
        stopping: Stopping,
        trusts_traces: bool = False,
    ) -> None:
        self._app = app
        self._api = api
        self._observer = observer
        self._stopping = stopping
        self._trusts_traces = trusts_traces

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and write the headers of its answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        observation = Observation(_request_id(scope))
        if self._trusts_traces:
            observation.parent = _header(scope, b"traceparent", _TRACE_PARENT)
        begin(observation)
        status = 500

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = self._headers(message.get("headers", ()), observation.request_id)
            await send(message)

        if scope["path"] != API:
            await self._app(scope, receive, send_with_headers)
            return
        measures = self._observer.measures
        measures.under_way += 1
        try:
            await self._api(scope, receive, send_with_headers)
        finally:
            measures.under_way -= 1
            self._observer.answered(observation, status)

    def _headers(
        self, given: list[tuple[bytes, bytes]] | tuple[()], request_id: str
    ) -> list[tuple[bytes, bytes]]:
        """The answer's headers and ours; how long something may be kept is for whoever answers to say, and else not at all."""
        headers = [
            *given,
            (b"x-request-id", request_id.encode()),
            (b"x-content-type-options", b"nosniff"),
        ]
        if not any(name.lower() == b"cache-control" for name, _ in given):
            headers.append((b"cache-control", b"no-store"))
        if self._stopping.has_begun:
            headers.append((b"connection", b"close"))
        return headers


def _request_id(scope: Scope) -> str:
    """The id that a client gave, if it is a UUID and so says nothing else, or a new one."""
    return _header(scope, b"x-request-id", _GIVEN_ID).lower() or new_id()


def new_id() -> str:
    """A random UUID, version 4, as text: what ``str(uuid4())`` is, in a third of its time."""
    digits = urandom(16).hex()
    variant = "89ab"[int(digits[16], 16) & 3]
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"


def _header(scope: Scope, wanted: bytes, shape: re.Pattern[bytes]) -> str:
    for name, value in scope["headers"]:
        if name == wanted:
            return value.decode() if shape.fullmatch(value) else ""
    return ""
