"""The demo network behind a real HTTP server, and callers who are named in one word."""

from __future__ import annotations

import asyncio
import re
import socket
import threading
import time
from base64 import b64decode
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import psycopg
import pytest
import uvicorn

from pat_auth.keys import load_or_create_keys
from pat_auth.policy import Role
from pat_auth.principal import Principal
from pat_auth.scopes import SCOPES
from pat_auth.tokens import mint
from pat_platform.database.access import Database
from pat_platform.database.logins import login_name
from pat_platform.postgres import EmbeddedPostgres
from pat_platform.settings import Settings
from pat_server.app import create_app
from pat_server.assembly import assemble, vault_of
from pat_server.demo.load import load, patient
from pat_server.executing import Executor
from pat_server.migrate import migrate
from pat_server.requests import Answer, GraphQLRequest
from pat_server.subscriptions.wire import OPTIONS

SECRET = b"a deployment secret for tests only, long enough"


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@dataclass(frozen=True)
class Network:
    """The demo network in a database of its own cluster."""

    postgres: EmbeddedPostgres
    settings: Settings
    loaded: dict[str, int] = field(default_factory=dict)

    @property
    def admin_url(self) -> str:
        return self.postgres.url(database="network")

    def rows(self, statement: str, *parameters: object) -> list[tuple[Any, ...]]:
        """Run a statement as superuser."""
        with psycopg.connect(self.admin_url) as connection:
            cursor = connection.execute(statement.encode(), parameters)
            return cursor.fetchall() if cursor.description else []

    def counted(self) -> dict[str, int]:
        """Cases by organisation."""
        return dict(
            self.rows(
                "select o.slug, count(*) from app.cases c join app.organisations o on o.id = c.organisation_id"
                " group by o.slug order by o.slug"
            )
        )

    def principal(self, email: str, scopes: frozenset[str] = SCOPES, expires_in: float = 3600) -> Principal:
        """Sign somebody in."""
        person, organisation, membership, role = self.rows(
            "select p.id, m.organisation_id, m.id, m.role from sec.people p"
            " join app.memberships m on m.person_id = p.id where p.email = %s",
            email,
        )[0]
        session = uuid4()
        self.rows(
            "insert into sec.sessions (id, login, organisation_id, membership_id, person_id, client, expires_at)"
            " values (%s, %s, %s, %s, %s, 'tests', %s)",
            session,
            login_name(organisation, role),
            organisation,
            membership,
            person,
            datetime.now(UTC) + timedelta(seconds=expires_in),
        )
        return Principal(person, organisation, Role(role), session, scopes, "tests")

    def token(self, principal: Principal) -> str:
        keys = load_or_create_keys(self.settings.key_folder)
        return mint(principal, keys=keys, issuer=self.settings.issuer, audience=self.settings.audience)


@pytest.fixture(scope="session")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    """The demo network, loaded once for each test process in a cluster of its own: logins belong to a cluster."""
    folder = tmp_path_factory.mktemp("network")
    options = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
    with EmbeddedPostgres(folder / "postgres", options=options) as postgres:
        with psycopg.connect(postgres.url(), autocommit=True) as admin:
            admin.execute("create database network")
        url = f"http://127.0.0.1:{free_port()}"
        settings = Settings(
            database_url=postgres.url(database="network"),
            secret=SECRET,
            demo=True,
            issuer=url,
            audience=f"{url}/graphql",
            key_folder=folder / "keys",
            pool_size=20,
            # Tests ask as one person what a hundred would; those about budgets have their own.
            budget_person=10**9,
            budget_client=10**9,
            budget_organisation=10**9,
        )
        network = Network(postgres, settings)
        migrate(network.admin_url, SECRET)
        asyncio.run(load_network(network))
        network.loaded.update(network.counted())
        yield network
    postgres.erase()


async def load_network(network: Network) -> None:
    """Load the demo, through the verbs."""
    database = Database(patient(network.settings))
    try:
        await load(network.admin_url, database, vault_of(network.settings), SECRET)
    finally:
        await database.close()


async def asks(executor: Executor, principal: Principal, request: GraphQLRequest) -> Answer:
    """What a principal is answered."""
    return await executor.execute(request, executor.caller(principal))


@asynccontextmanager
async def executing(network: Network, **settings: Any) -> AsyncIterator[Executor]:
    """An executor with settings of its own."""
    parts = assemble(replace(network.settings, **settings))
    try:
        yield Executor(parts)
    finally:
        await parts.database.close()


@pytest.fixture(scope="session")
def server(network: Network) -> Iterator[str]:
    """The address of a server that serves the demo network."""
    with serving(network.settings) as url:
        yield url


class serving:
    """Runs the application under uvicorn in a thread, as long as the block lasts; at the issuer's port, or another."""

    def __init__(self, settings: Settings, port: int | None = None) -> None:
        port = port or int(settings.issuer.rpartition(":")[2])
        # Loggers belong to whole processes: this server says nothing about them.
        config = uvicorn.Config(
            create_app(settings), host="127.0.0.1", port=port, log_level="warning", log_config=None, **OPTIONS
        )
        self._url = f"http://127.0.0.1:{port}"
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)

    def __enter__(self) -> str:
        self._thread.start()
        while not self._server.started:
            time.sleep(0.01)
        return self._url

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join()


@dataclass(frozen=True)
class Caller:
    """Somebody with a token, asking over HTTP."""

    client: httpx.Client
    principal: Principal
    token: str

    def post(self, query: str, variables: Mapping[str, Any] | None = None, **headers: str) -> httpx.Response:
        body = {"query": query, "variables": dict(variables or {})}
        sent = {"authorization": f"Bearer {self.token}", **headers}
        return self.client.post("/graphql", json=body, headers=sent)

    def ask(self, query: str, **variables: Any) -> Any:
        """The data of an answer without errors."""
        answer = self.post(query, variables).json()
        assert "errors" not in answer, answer["errors"]
        return answer["data"]

    def refused(self, query: str, **variables: Any) -> str:
        """The code of the one error of an answer."""
        answer = self.post(query, variables).json()
        assert not answer.get("data"), answer["data"]
        (error,) = answer["errors"]
        code: str = error["extensions"]["code"]
        return code


@pytest.fixture(scope="session")
def client(server: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server, timeout=30) as client:
        yield client


Act = Callable[..., Caller]


@pytest.fixture(scope="session")
def act_as(network: Network, client: httpx.Client) -> Act:
    """``act_as("manager@cbo-a.example")``: that person, signed in."""

    def act(email: str, scopes: frozenset[str] = SCOPES, **proved: Any) -> Caller:
        """``proved``: with an ``auth_time`` and an ``acr``."""
        principal = replace(network.principal(email, scopes), **proved)
        return Caller(client, principal, network.token(principal))

    return act


@pytest.fixture(scope="session")
def manager(act_as: Act) -> Caller:
    return act_as("manager@cbo-a.example")


def told(answer: httpx.Response) -> bytes:
    """The bytes of an answer, but for what is left of the caller's budget: that depends on what she asked before."""
    return re.sub(rb'"currentlyAvailable":[0-9]+', b"", answer.content)


def uuid_in(global_id: str) -> UUID:
    return UUID(b64decode(global_id).decode().partition(":")[2])
