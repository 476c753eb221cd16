"""GraphQL over HTTP: one endpoint, which executes what is posted to it."""

from __future__ import annotations

import asyncio

import orjson
from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response
from starlette.types import Receive, Scope, Send

from pat_auth.tokens import FollowingVerifier
from pat_platform.errors import Fault
from pat_platform.observation import current
from pat_server.executing import Executor
from pat_server.media import GRAPHQL_JSON, JSON, MediaType, negotiate, reads_pages
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
        response = await self.answer(Request(scope, receive))
        await response(scope, receive, send)

    async def answer(self, request: Request) -> Response:
        """Answer one request; never raises."""
        if self._is_visit(request):
            return RedirectResponse(EXPLORER, 303)
        media = negotiate(accepted(request))
        try:
            if request.method not in self._methods:
                raise Fault("METHOD_NOT_ALLOWED", f"Send a {' or '.join(self._methods)} request.")
            if media is None:
                raise Fault("NOT_ACCEPTABLE", f"Accept {GRAPHQL_JSON} or {JSON}: nothing else is answered.")
            principal = self._verifier.verify(bearer(request))
            signed_in(principal)
            asked = await read_request(request)
        except Fault as fault:
            return self._response(faulty(fault), media or JSON, 400)
        answer = await self._executor.execute(asked, principal)
        # Who reads plain JSON alone takes another status for a line that is broken.
        return self._response(answer, media, 200 if media == JSON else 400)

    def _is_visit(self, request: Request) -> bool:
        """Whether somebody has typed our address into a browser, and may look around."""
        is_bare = request.method == "GET" and not request.url.query
        return is_bare and "GET" in self._methods and reads_pages(accepted(request))

    def _response(self, answer: Answer, media: str, otherwise: int) -> Response:
        """An answer as it is sent; ``otherwise`` is the status of a request error that has none of its own."""
        current().failed(answer.code or "")
        status = 200 if answer.code is None else STATUS.get(answer.code, otherwise)
        headers = dict(answer.headers)
        if status == 401:
            headers["WWW-Authenticate"] = "Bearer"
        if status == 405:
            headers["Allow"] = ", ".join(self._methods)
        return Response(answer.body, status, headers, media_type=f"{media}; charset=utf-8")


def accepted(request: Request) -> str:
    """What the client reads, in however many headers it says so."""
    return ",".join(request.headers.getlist("accept"))


def bearer(request: Request) -> str:
    """The access token of the request (RFC 6750). Raises Fault UNAUTHENTICATED."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Fault("UNAUTHENTICATED", "Sign in first: send an access token as Authorization: Bearer.")
    return token.strip()


async def read_request(request: Request) -> GraphQLRequest:
    """The GraphQL request that an HTTP request brings. Raises Fault BAD_INPUT, TOO_LARGE or UNSUPPORTED_MEDIA_TYPE."""
    if request.method == "GET":
        return parse_parameters(request.query_params.multi_items())
    sent = MediaType.parse(request.headers.get("content-type", ""))
    if sent.name != JSON or not sent.is_utf8 or "content-encoding" in request.headers:
        raise Fault("UNSUPPORTED_MEDIA_TYPE", f"Send the request as {JSON}, in UTF-8 and not compressed.")
    try:
        body = orjson.loads(await read_body(request))
    except orjson.JSONDecodeError:
        raise Fault("BAD_INPUT", "The body is not JSON.") from None
    return parse_request(body)


async def read_body(request: Request) -> bytes:
    """The body, counted as it comes and never trusted to be as long as it says. Raises Fault TOO_LARGE or BAD_INPUT."""
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for chunk in request.stream():
                body += chunk
                if len(body) > BODY_LIMIT:
                    raise Fault("TOO_LARGE", f"The request is larger than {BODY_LIMIT // 1024} KiB.")
    except TimeoutError:
        raise Fault("BAD_INPUT", f"The body did not come within {BODY_SECONDS:.0f} seconds.") from None
    except ClientDisconnect:
        raise Fault("BAD_INPUT", "The request ended before its body did.") from None
    return bytes(body)
