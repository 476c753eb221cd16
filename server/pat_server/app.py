"""The application: the one place where everything is put together."""

from __future__ import annotations

from asyncio import create_task, to_thread
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Lifespan, Receive, Scope, Send

from pat_platform.settings import Settings
from pat_server.assembly import Parts, assemble
from pat_server.endpoint import GraphQLEndpoint
from pat_server.executing import Executor
from pat_server.explorer import explorer_routes
from pat_server.mailing import send_what_is_due
from pat_server.observing import API, Headers, ObservedApi, ObservedPages, Observer
from pat_server.readiness import Readiness
from pat_server.sign_in.forgetting import forget_now_and_then
from pat_server.sign_in.origins import CrossOrigin, Origins
from pat_server.sign_in.routes import sign_in_routes
from pat_server.signing import sign_now_and_then
from pat_server.stopping import Stopping
from pat_server.subscriptions.hub import Hub
from pat_server.subscriptions.sockets import Sockets
from pat_server.subscriptions.streams import STREAM, Streams
from pat_server.tracing import tracer_of
from pat_server.web import Web


def create_app(settings: Settings) -> Starlette:
    """The ASGI application of one process. Raises what :func:`assemble` raises: a schema unfit to be served is not served."""
    parts = assemble(settings)
    tracer = tracer_of(settings)
    stopping = Stopping()

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        forgetting = create_task(forget_now_and_then(parts.issuer.connections))
        posting = create_task(send_what_is_due(parts))
        signing = create_task(sign_now_and_then(settings))
        ringing = create_task(hub.bell.ring())
        try:
            yield
        finally:
            stopping.say_farewell()
            forgetting.cancel()
            posting.cancel()
            signing.cancel()
            ringing.cancel()
            await parts.database.close()
            await to_thread(parts.issuer.connections.close)
            parts.vault.close()
            if tracer is not None:
                tracer.close()

    executor = Executor(parts)
    endpoint = GraphQLEndpoint(executor, parts.verifier, is_explorable=settings.is_explorable)
    headers, observer = Headers(stopping), Observer(parts.measures, tracer)
    api = ObservedApi(endpoint, observer, headers, trusts_traces=settings.trusts_traces)
    origins = Origins(parts.issuer.connections)
    hub = Hub(parts, executor, observer, origins)
    stopping.when_begun(hub.lines.end_all)
    routes = [Route(STREAM, Streams(hub)), *_routes(parts, stopping)]
    app = Application(CrossOrigin(api, origins), Sockets(hub), lifespan=lifespan, routes=routes)
    app.add_middleware(CrossOrigin, origins=origins)
    app.add_middleware(ObservedPages, headers=headers)
    app.state.parts = parts
    app.state.stopping = stopping
    return app


class Application(Starlette):
    """The API, and pages beside it. The way to the API does not lead past their routes: it would take as long as finding a plan."""

    def __init__(
        self, api: ASGIApp, sockets: ASGIApp, *, lifespan: Lifespan[Starlette], routes: Sequence[Route]
    ) -> None:
        super().__init__(lifespan=lifespan, routes=routes)
        self._api = api
        self._sockets = sockets

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] == "http" and scope["path"] == API:
            await self._api(scope, receive, send)
        elif scope["type"] == "websocket" and scope["path"] == API:
            await self._sockets(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


def _routes(parts: Parts, stopping: Stopping) -> list[Route]:
    async def healthz(_: Request) -> Response:
        return JSONResponse({"status": "alive"})

    readiness = Readiness(parts.settings)

    async def readyz(_: Request) -> Response:
        if stopping.has_begun:
            return JSONResponse({"status": "stopping"}, 503)
        ready = await readiness()
        return JSONResponse({"status": "ready" if ready else "not ready"}, 200 if ready else 503)

    return [
        Route("/healthz", healthz),
        Route("/readyz", readyz),
        *sign_in_routes(parts.issuer, parts.settings.product_name, parts.settings.quick_exit),
        *_routes_to_explore(parts),
    ]


def _routes_to_explore(parts: Parts) -> list[Route]:
    routes = explorer_routes(Web.find()) if parts.settings.is_explorable else []
    if parts.settings.demo:
        # A process that serves no demo does without its people.
        from pat_server.demo.routes import demo_routes

        routes += demo_routes(parts.settings, parts.key_file)
    return routes
