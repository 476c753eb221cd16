"""GraphQL over HTTP: one endpoint, which executes what is posted to it."""

from __future__ import annotations

import orjson
from starlette.requests import Request
from starlette.responses import RedirectResponse
from starlette.types import Message, Receive, Scope, Send

from pat_auth.tokens import FollowingVerifier
from pat_platform.deadlines import within
from pat_platform.errors import Fault
from pat_platform.observation import current
from pat_server.executing import Executor
from pat_server.media import GRAPHQL_JSON, JSON, is_json, negotiate, reads_pages
from pat_server.observing import signed_in
from pat_server.requests import Answer, GraphQLRequest, faulty, parse_parameters, parse_request

BODY_LIMIT = 64 * 1024
EXPLORER = "graphiql"
BODY_SECONDS = 30.0
"""How long a body may take to come: field workers are on bad lines, but not that bad."""

STATUS = {
    "UNAUTHENTICATED": 401,
    "METHOD_NOT_ALLOWED": 405,
    "NOT_ACCEPTABLE": 406,
    "TOO_LARGE": 413,
    "UNSUPPORTED_MEDIA_TYPE": 415,
    "THROTTLED": 429,
    "INTERNAL": 500,
    "UNAVAILABLE": 503,
    "TIMEOUT": 503,
}
"""Statuses of faults that stand above GraphQL, whatever the client reads."""

CONTENT_TYPES = {media: f"{media}; charset=utf-8".encode() for media in (JSON, GRAPHQL_JSON)}


class GraphQLEndpoint:
    """Reads a request, names its principal, has it executed, writes the answer.

    ``is_explorable``: queries may come by GET too, whose addresses end up in logs and histories on the way; and who comes
    with a browser is shown the explorer.
    """

    def __init__(
        self, executor: Executor, verifier: FollowingVerifier, *, is_explorable: bool = False
    ) -> None:
        self._executor = executor
        self._verifier = verifier
        self._methods = ("GET", "POST") if is_explorable else ("POST",)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as an ASGI application, so that no method is answered by anybody else."""
        asked = Asked(scope, receive)
        if self._is_visit(asked):
            await RedirectResponse(EXPLORER, 303)(scope, receive, send)
            return
        media = negotiate(asked.header(b"accept"))
        answer = await self._answer(asked, media)
        await self._send(send, answer, media or JSON)

    async def _answer(self, asked: Asked, media: str | None) -> Answer:
        """The answer to one request; never raises."""
        try:
            if asked.method not in self._methods:
                raise Fault("METHOD_NOT_ALLOWED", f"Send a {' or '.join(self._methods)} request.")
            if media is None:
                raise Fault("NOT_ACCEPTABLE", f"Accept {GRAPHQL_JSON} or {JSON}: nothing else is answered.")
            principal = self._verifier.verify(bearer(asked.header(b"authorization")))
            signed_in(principal)
            request = await asked.request()
        except Fault as fault:
            return faulty(fault, is_early=True)
        return await self._executor.execute(request, principal)

    def _is_visit(self, asked: Asked) -> bool:
        """Whether somebody has typed our address into a browser, and may look around."""
        is_bare = asked.method == "GET" and not asked.scope["query_string"]
        return is_bare and "GET" in self._methods and reads_pages(asked.header(b"accept"))

    async def _send(self, send: Send, answer: Answer, media: str) -> None:
        # Who reads plain JSON alone takes another status for a line that is broken.
        status = 200
        headers = [(b"content-type", CONTENT_TYPES[media]), (b"content-length", b"%d" % len(answer.body))]
        if answer.code is not None:
            current().failed(answer.code)
            otherwise = 400 if answer.is_early or media == GRAPHQL_JSON else 200
            status = STATUS.get(answer.code, otherwise)
            headers += [(name.lower().encode(), value.encode()) for name, value in answer.headers.items()]
        if status == 401:
            headers.append((b"www-authenticate", b"Bearer"))
        if status == 405:
            headers.append((b"allow", ", ".join(self._methods).encode()))
        start: Message = {"type": "http.response.start", "status": status, "headers": headers}
        await send(start)
        await send({"type": "http.response.body", "body": answer.body})


class Asked:
    """An HTTP request, as much of it as is looked at."""

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self.scope = scope
        self.method: str = scope["method"]
        self._receive = receive

    def header(self, name: bytes) -> str:
        """A header's value; all of them, with commas, where it came more than once; empty where it did not come."""
        # Joined at once: to add one after the other would copy a hundred thousand of them as often.
        return b",".join([value for known, value in self.scope["headers"] if known == name]).decode("latin-1")

    def has(self, name: bytes) -> bool:
        """Whether a header came, be it empty."""
        return any(known == name for known, _ in self.scope["headers"])

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
                    body += bytes(message.get("body", b""))
                    if len(body) > BODY_LIMIT:
                        raise Fault("TOO_LARGE", f"The request is larger than {BODY_LIMIT // 1024} KiB.")
                    if not message.get("more_body"):
                        return body
        except TimeoutError:
            raise Fault("BAD_INPUT", f"The body did not come within {BODY_SECONDS:.0f} seconds.") from None


def bearer(authorization: str) -> str:
    """The access token of a request (RFC 6750). Raises Fault UNAUTHENTICATED."""
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Fault("UNAUTHENTICATED", "Sign in first: send an access token as Authorization: Bearer.")
    return token.strip()
