"""The application: the one place where everything is put together."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pat_platform.settings import Settings
from pat_server.assembly import Parts, assemble
from pat_server.endpoint import GraphQLEndpoint
from pat_server.executing import Executor
from pat_server.readiness import Readiness


def create_app(settings: Settings) -> Starlette:
    """The ASGI application of one process. Raises what :func:`assemble` raises: a schema unfit to be served is not served."""
    parts = assemble(settings)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        try:
            yield
        finally:
            await parts.database.close()

    endpoint = GraphQLEndpoint(Executor(parts), parts.verifier, gets_queries=settings.is_explorable)
    app = Starlette(lifespan=lifespan, routes=_routes(parts, endpoint))
    app.add_middleware(Headers)
    app.state.parts = parts
    return app


def _routes(parts: Parts, endpoint: GraphQLEndpoint) -> list[Route]:
    async def healthz(_: Request) -> Response:
        return JSONResponse({"status": "alive"})

    readiness = Readiness(parts.settings)

    async def readyz(_: Request) -> Response:
        ready = await readiness()
        return JSONResponse({"status": "ready" if ready else "not ready"}, 200 if ready else 503)

    async def jwks(_: Request) -> Response:
        return JSONResponse(parts.signing_keys.public_set())

    return [
        Route("/graphql", endpoint),
        Route("/healthz", healthz),
        Route("/readyz", readyz),
        Route("/.well-known/jwks.json", jwks),
    ]


class Headers:
    """Gives every request an id, and forbids everyone on the way to keep an answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and write the headers of its answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = str(uuid4())
        scope["pat.request_id"] = request_id

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["X-Request-Id"] = request_id
                headers["Cache-Control"] = "no-store"
                headers["X-Content-Type-Options"] = "nosniff"
            await send(message)

        await self._app(scope, receive, send_with_headers)
