"""Nobody waits for ever: not for a slow statement, a lock, a transaction that stands still, or a request as a whole."""

from __future__ import annotations

import asyncio
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import orjson
import psycopg
import pytest
from tests.database.waiting import eventually
from tests.server.conftest import Network, asks, executing

from pat_auth.principal import Principal
from pat_platform.errors import Fault
from pat_platform.settings import Settings, SettingsError
from pat_server.executing import Executor
from pat_server.mutating import Verbs
from pat_server.requests import GraphQLRequest

COUNT = GraphQLRequest("{ cases { totalCount } }", None, None)
UNKNOWN = b64encode(f"Case:{uuid4()}".encode()).decode()
NOTE = f'addCaseNote(input: {{caseId: "{UNKNOWN}", kind: GENERAL, text: "x"}}) {{ __typename }}'
MANAGER = "manager@cbo-a.example"


@contextmanager
def cases_locked(network: Network) -> Iterator[None]:
    """Nobody reads a case within the block."""
    with psycopg.connect(network.admin_url) as admin:
        admin.execute("lock table app.cases in access exclusive mode")
        yield


def waiting(network: Network) -> int:
    """How many statements of organisations wait for a lock."""
    found: int = network.rows(
        "select count(*) from pg_stat_activity where usename like 'org%%' and wait_event_type = 'Lock'"
    )[0][0]
    return found


async def test_a_request_that_takes_too_long_is_stopped_in_the_database_too(network: Network) -> None:
    principal = network.principal(MANAGER)
    async with executing(network, request_timeout_seconds=1.0, lock_timeout_ms=30_000) as executor:
        with cases_locked(network):
            began = time.monotonic()
            answer = await asks(executor, principal, COUNT)
            took = time.monotonic() - began
            await eventually(lambda: waiting(network) == 0)
        assert answer.code == "TIMEOUT"
        assert 1 <= took < 3
        # The connection is as good as new.
        assert (await asks(executor, principal, COUNT)).code is None


async def test_a_lock_is_not_waited_for_until_the_request_ends(network: Network) -> None:
    principal = network.principal(MANAGER)
    async with executing(network, lock_timeout_ms=100) as executor:
        with cases_locked(network):
            assert (await asks(executor, principal, COUNT)).code == "UNAVAILABLE"
        assert (await asks(executor, principal, COUNT)).code is None


async def transact(executor: Executor, principal: Principal, statement: str, pause: float = 0) -> None:
    """Run a statement ten times in one transaction, with pauses between."""
    async with executor._parts.database.transaction(principal.login, principal.session) as tx:
        for _ in range(10):
            await tx.read(statement)
            await asyncio.sleep(pause)


async def test_a_transaction_that_stands_still_is_ended(network: Network) -> None:
    principal = network.principal(MANAGER)
    async with executing(network, idle_in_transaction_timeout_ms=100) as executor:
        with pytest.raises(Fault) as ended:
            await transact(executor, principal, "select 1::text", pause=0.3)
        assert ended.value.code == "UNAVAILABLE"
        assert (await asks(executor, principal, COUNT)).code is None


async def test_a_transaction_that_lasts_too_long_is_ended_however_busy_it_is(network: Network) -> None:
    principal = network.principal(MANAGER)
    async with executing(network, transaction_timeout_ms=300, statement_timeout_ms=250) as executor:
        with pytest.raises(Fault) as ended:
            await transact(executor, principal, "select pg_sleep(0.1)::text")
        assert ended.value.code == "UNAVAILABLE"
        assert (await asks(executor, principal, COUNT)).code is None


async def test_a_verb_that_has_begun_ends_and_those_after_it_do_not_begin(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    performed = []
    perform = Verbs.root

    async def slowly(verbs: Verbs, mutation: Any, root: Any, principal: Any, **more: Any) -> Any:
        await asyncio.sleep(1.2)
        performed.append(root.key)
        return await perform(verbs, mutation, root, principal, **more)

    monkeypatch.setattr(Verbs, "root", slowly)
    asked = GraphQLRequest(f"mutation {{ a: {NOTE} b: {NOTE} c: {NOTE} }}", None, None)
    async with executing(network, request_timeout_seconds=1.0) as executor:
        answer = await asks(executor, network.principal(MANAGER), asked)
    assert performed == ["a"]
    told = orjson.loads(answer.body)
    assert told["data"] is None
    assert [(error["path"], error["extensions"]["code"]) for error in told["errors"]] == [(["b"], "TIMEOUT")]


async def test_another_timeout_than_the_requests_is_a_mistake_of_ours(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object, **__: object) -> None:
        raise TimeoutError

    async with executing(network) as executor:
        monkeypatch.setattr(executor._parts.database, "read", broken)
        assert (await asks(executor, network.principal(MANAGER), COUNT)).code == "INTERNAL"


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("PAT_REQUEST_TIMEOUT_SECONDS", "0", "at least 1"),
        ("PAT_MAX_COST", "999", "at least 1000"),
        ("PAT_BUDGET_PERSON", "19999", "must be 0, for no limit, or at least PAT_MAX_COST"),
    ],
)
def test_settings_that_would_serve_nobody_are_refused(name: str, value: str, message: str) -> None:
    enough = {"DATABASE_URL": "postgresql://host/db", "PAT_SECRET": "x" * 40}
    with pytest.raises(SettingsError, match=message):
        Settings.from_environment({**enough, name: value})


def test_limits_are_settings() -> None:
    given = {
        "DATABASE_URL": "postgresql://host/db",
        "PAT_SECRET": "x" * 40,
        "PAT_REQUEST_TIMEOUT_SECONDS": "7",
        "PAT_TRANSACTION_TIMEOUT_MS": "7000",
        "PAT_MAX_COST": "5000",
        "PAT_BUDGET_PERSON": "0",
        "PAT_BUDGET_CLIENT": "5000",
        "PAT_BUDGET_ORGANISATION": "50000",
        "PAT_BUDGET_STORE": "valkey://:password@store:6379",
    }
    settings = Settings.from_environment(given)
    assert (settings.request_timeout_seconds, settings.transaction_timeout_ms, settings.max_cost) == (
        7,
        7000,
        5000,
    )
    assert (settings.budget_person, settings.budget_client, settings.budget_organisation) == (0, 5000, 50000)
    assert settings.budget_store == "valkey://:password@store:6379"
    assert "password" not in repr(settings)
    assert "transaction_timeout=7000" in settings.conninfo("org_x", 1)
