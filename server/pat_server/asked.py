"""An HTTP request to the API, as much of it as is looked at."""

from __future__ import annotations

import orjson
from starlette.requests import Request
from starlette.types import Receive, Scope

from pat_platform.deadlines import within
from pat_platform.errors import Fault
from pat_server.media import JSON, is_json
from pat_server.requests import GraphQLRequest, parse_parameters, parse_request

BODY_LIMIT = 64 * 1024
BODY_SECONDS = 30.0
"""How long a body may take to come: field workers are on bad lines, but not that bad."""
READ = frozenset(
    {b"accept", b"authorization", b"content-encoding", b"content-type", b"traceparent", b"x-request-id"}
)
"""The headers that are looked at."""


class Asked:
    """One request."""

    __slots__ = ("_headers", "_receive", "method", "scope")

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self.scope = scope
        self.method: str = scope["method"]
        self._receive = receive
        self._headers: dict[bytes, list[bytes]] = {}
        for name, value in scope["headers"]:
            if name in READ:
                self._headers.setdefault(name, []).append(value)

    def header(self, name: bytes) -> str:
        """A header's value; all of them, with commas, where it came more than once; empty where it did not come.

        ``name`` is one of ``READ``.
        """
        values = self._headers.get(name)
        if values is None:
            return ""
        return (values[0] if len(values) == 1 else b",".join(values)).decode("latin-1")

    def has(self, name: bytes) -> bool:
        """Whether a header came, be it empty. ``name`` is one of ``READ``."""
        return name in self._headers

    async def request(self) -> GraphQLRequest:
        """What is asked. Raises Fault BAD_INPUT, TOO_LARGE or UNSUPPORTED_MEDIA_TYPE."""
        if self.method == "GET":
            return parse_parameters(Request(self.scope).query_params.multi_items())
        if not is_json(self.header(b"content-type")) or self.has(b"content-encoding"):
            raise Fault("UNSUPPORTED_MEDIA_TYPE", f"Send the request as {JSON}, in UTF-8 and not compressed.")
        try:
            body = orjson.loads(await self._body())
        except orjson.JSONDecodeError:
            raise Fault("BAD_INPUT", "The body is not JSON.") from None
        return parse_request(body)

    async def _body(self) -> bytes:
        """The body, counted as it comes and never trusted to be as long as it says. Raises Fault TOO_LARGE or BAD_INPUT."""
        body: bytes = b""
        try:
            with within(BODY_SECONDS):
                while True:
                    message = await self._receive()
                    if message["type"] != "http.request":
                        raise Fault("BAD_INPUT", "The request ended before its body did.")
                    body += message.get("body", b"")
                    if len(body) > BODY_LIMIT:
                        raise Fault("TOO_LARGE", f"The request is larger than {BODY_LIMIT // 1024} KiB.")
                    if not message.get("more_body"):
                        return body
        except TimeoutError:
            raise Fault("BAD_INPUT", f"The body did not come within {BODY_SECONDS:.0f} seconds.") from None
