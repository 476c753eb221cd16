"""GraphQL over HTTP: one POST endpoint."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import orjson
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from pat_auth.tokens import Verifier
from pat_platform.errors import Fault
from pat_server.executing import Executor
from pat_server.requests import GraphQLRequest

BODY_LIMIT = 64 * 1024
BODY_SECONDS = 30.0
"""How long a body may take to come: field workers are on bad lines, but not that bad."""
JSON = "application/json"
GRAPHQL_JSON = "application/graphql-response+json"

STATUS = {"UNAUTHENTICATED": 401, "TOO_LARGE": 413, "UNAVAILABLE": 503, "INTERNAL": 500}
"""Statuses of faults that stand above GraphQL; all others are 400, or 200 to a client that reads only ``application/json``."""


class GraphQLEndpoint:
    """Reads a request, names its principal, has it executed, writes the answer."""

    def __init__(self, executor: Executor, verifier: Verifier) -> None:
        self._executor = executor
        self._verifier = verifier

    async def __call__(self, request: Request) -> Response:
        """Answer one request; never raises."""
        media = GRAPHQL_JSON if GRAPHQL_JSON in request.headers.get("accept", "") else JSON
        try:
            if request.method != "POST":
                return fault_response(
                    Fault("BAD_INPUT", "Send a POST request."), media, 405, {"Allow": "POST"}
                )
            principal = self._verifier.verify(bearer(request))
            asked = await read_request(request)
        except Fault as fault:
            return fault_response(fault, media)
        answer = await self._executor.execute(asked, principal)
        status = _status(answer.body, media) if answer.is_request_error else 200
        headers = {"WWW-Authenticate": "Bearer"} if status == 401 else None
        return Response(answer.body, status, headers, media_type=media)


def bearer(request: Request) -> str:
    """The access token of the request (RFC 6750). Raises Fault UNAUTHENTICATED."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Fault("UNAUTHENTICATED", "Sign in first: send an access token as Authorization: Bearer.")
    return token.strip()


async def read_request(request: Request) -> GraphQLRequest:
    """The body as a GraphQL request. Raises Fault BAD_INPUT or TOO_LARGE."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != JSON:
        raise Fault("BAD_INPUT", "Send the request as application/json.")
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


def parse_request(body: Any) -> GraphQLRequest:
    """A decoded body as a GraphQL request. Raises Fault BAD_INPUT."""
    if not isinstance(body, dict):
        raise Fault("BAD_INPUT", "The body must be a JSON object with a query; batches are not served.")
    query, name, variables = body.get("query"), body.get("operationName"), body.get("variables")
    if not isinstance(query, str) or not query.strip():
        raise Fault("BAD_INPUT", "The body needs a query: a string.")
    if name is not None and not isinstance(name, str):
        raise Fault("BAD_INPUT", "operationName must be a string.")
    if variables is not None and not isinstance(variables, dict):
        raise Fault("BAD_INPUT", "variables must be an object.")
    return GraphQLRequest(query, name or None, variables)


def fault_response(
    fault: Fault, media: str = JSON, status: int | None = None, headers: Mapping[str, str] | None = None
) -> Response:
    """A fault as a GraphQL answer without data."""
    status = status or STATUS.get(fault.code, 400)
    headers = dict(headers or {})
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    body = orjson.dumps({"errors": [{"message": fault.message, "extensions": {"code": fault.code}}]})
    return Response(body, status, headers, media_type=media)


def _status(body: bytes, media: str) -> int:
    code = orjson.loads(body)["errors"][0]["extensions"]["code"]
    return STATUS.get(code, 400 if media == GRAPHQL_JSON else 200)
