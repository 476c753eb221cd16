"""The application, asked without a network, with all that it tells an operator."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import orjson
from prometheus_client import CollectorRegistry, generate_latest
from starlette.applications import Starlette
from tests.server.conftest import Network

from pat_auth.principal import Principal
from pat_platform.logging import configured
from pat_platform.settings import Settings
from pat_server.app import create_app
from pat_server.metrics import Collected, Measures

MANAGER = "manager@cbo-b.example"
PLAIN = 'query Malati($first: Int!) { cases(first: $first, filter: {code: "Sonajhuri"}) { totalCount } }'
REVEALING = "{ cases(first: 2) { edges { node { survivor { identity { ... on SurvivorIdentity { firstName phone } } } } } } }"
BROKEN = 'query Malati { cases(filter: {code: "Sonajhuri"}) { nothing } }'


@dataclass
class Watched:
    """The application, asked without a network, and what it told the operator."""

    app: Starlette
    client: httpx.AsyncClient
    principal: Principal
    token: str
    lines: list[bytes] = field(default_factory=list)

    @property
    def requests(self) -> list[dict[str, Any]]:
        """The log's lines of requests."""
        events = [orjson.loads(line) for line in self.lines]
        return [event for event in events if event["event"] == "request"]

    @property
    def measures(self) -> Measures:
        found: Measures = self.app.state.parts.measures
        return found

    @property
    def metrics(self) -> str:
        """What Prometheus reads."""
        registry = CollectorRegistry()
        parts = self.app.state.parts
        registry.register(Collected(self.measures, parts.engine, parts.database.pool))
        return generate_latest(registry).decode()

    async def post(
        self,
        query: str,
        variables: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> httpx.Response:
        sent = {"authorization": f"Bearer {self.token}", **(headers or {})}
        return await self.client.post(
            "/graphql", json={"query": query, "variables": variables or {}}, headers=sent
        )


@asynccontextmanager
async def watching(network: Network, settings: Settings | None = None) -> AsyncIterator[Watched]:
    principal = network.principal(MANAGER)
    app = create_app(settings or network.settings)
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://test") as client,
    ):
        watched = Watched(app, client, principal, network.token(principal))
        with configured(lambda line, urgent: watched.lines.append(line)):
            yield watched
