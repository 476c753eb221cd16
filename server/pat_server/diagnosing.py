"""The standard executor in place of compiled reads: ``PAT_ENGINE=executor`` switches a whole server to it, for diagnosis.

It is slow, field by field and row by row, and it reads as the same logins under the same sessions: where it differs from a
compiled answer the compiler is wrong, and what is wrong in both is a declaration's fault. What a mutation returns stays compiled,
because it is read in the mutation's own transaction.
"""

from __future__ import annotations

import asyncio
from typing import Any

import psycopg
from psycopg import errors as postgres_errors

from pat_auth.principal import Principal
from pat_platform.database.credentials import Credentials, stored_generations
from pat_platform.database.failures import unauthenticated
from pat_platform.database.pool import unavailable
from pat_platform.engine.complete import Completed
from pat_platform.engine.diagnose import diagnose
from pat_platform.engine.engine import Engine
from pat_platform.settings import Settings
from pat_schema.viewer import Viewer
from pat_server.requests import GraphQLRequest


class Diagnosis:
    """Executes reads on a connection of their own, each in one transaction, in a thread."""

    def __init__(self, settings: Settings, engine: Engine) -> None:
        """``engine`` must have finishing steps that do not need an event loop."""
        self._engine = engine
        self._credentials = Credentials(settings, stored_generations(settings))

    async def read(self, request: GraphQLRequest, principal: Principal) -> Completed:
        """The response's data. Raises what ``Engine.prepare`` raises, and Fault UNAUTHENTICATED or UNAVAILABLE."""
        conninfo = await self._credentials(principal.login, False)
        return await asyncio.to_thread(self._read, conninfo, request, principal)

    def _read(self, conninfo: str, request: GraphQLRequest, principal: Principal) -> Completed:
        viewer = Viewer(principal.role, principal.scopes)
        try:
            with psycopg.connect(conninfo) as connection:
                connection.execute("select sec.enter(%s)", (str(principal.session),))
                return diagnose(
                    self._engine,
                    request.query,
                    request.operation_name,
                    request.variables,
                    viewer,
                    viewer.key,
                    lambda sql: _texts(connection, sql),
                    context=principal,
                )
        except postgres_errors.InvalidAuthorizationSpecification:
            raise unauthenticated() from None
        except psycopg.OperationalError:
            raise unavailable() from None


def _texts(connection: psycopg.Connection, sql: str) -> list[tuple[Any, ...]]:
    """The rows as PostgreSQL writes them."""
    result = connection.execute(sql.encode()).pgresult
    if result is None:
        return []
    return [
        tuple(_text(result.get_value(row, column)) for column in range(result.nfields))
        for row in range(result.ntuples)
    ]


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode()
