"""One GraphQL request, from its text to the bytes of its answer."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import orjson
from graphql import GraphQLError, OperationType

from pat_auth.principal import Principal
from pat_platform.engine.complete import Completed
from pat_platform.engine.document import Operation
from pat_platform.engine.errors import BadArgument, BadCursor, NotAllowed, Rejected
from pat_platform.engine.mutations import Mutation
from pat_platform.errors import Fault
from pat_platform.observation import DIGITS, current
from pat_schema.viewer import Viewer
from pat_server.assembly import Parts
from pat_server.mistakes import internal
from pat_server.mutating import Verbs, record_refusal
from pat_server.requests import Answer, GraphQLRequest, error, faulty, request_error

UNFIT = "This does not fit the schema. Check the document, its operation's name and its variables against schema.graphql."


class Executor:
    """Executes requests for principals."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._engine = parts.engine
        self._verbs = Verbs(parts)

    async def execute(self, request: GraphQLRequest, principal: Principal) -> Answer:
        """The answer, whatever happens: mistakes of ours become a fault with a reference and nothing else."""
        try:
            return await self._permitted(request, principal)
        except Rejected as rejected:
            return self._refused(rejected.errors)
        except BadCursor as bad:
            return request_error([error("BAD_CURSOR", bad.message, list(bad.path))])
        except BadArgument as bad:
            return request_error([error("BAD_INPUT", bad.message, list(bad.path))])
        except Fault as fault:
            return faulty(fault)
        except Exception as mistake:
            return request_error([internal(mistake)])

    def _refused(self, errors: Sequence[GraphQLError]) -> Answer:
        """The answer to a document or variables that do not fit. Where the schema is not to be explored: that, and no more."""
        if self._parts.settings.is_explorable:
            return request_error(_coded(each) for each in errors)
        return request_error([error("BAD_INPUT", UNFIT)])

    async def _permitted(self, request: GraphQLRequest, principal: Principal) -> Answer:
        """The answer, or a refusal that is recorded. Whoever's session has ended is told that, and nothing else."""
        try:
            return await self._execute(request, principal)
        except NotAllowed as refused:
            await record_refusal(self._parts, principal, "FORBIDDEN", refused.field)
            message = f"Your role or your client may not ask for {refused.field}."
            return request_error([error("FORBIDDEN", message, list(refused.path))])

    async def _execute(self, request: GraphQLRequest, principal: Principal) -> Answer:
        viewer = Viewer(principal.role, principal.scopes)
        observation = current()
        operation = self._engine.operation(request.query, request.operation_name)
        observation.operation, observation.kind = operation.digest[:DIGITS], operation.kind.value
        observation.mark("parse")
        if operation.kind is OperationType.MUTATION:
            if request.is_safe:
                raise Fault("METHOD_NOT_ALLOWED", "Send mutations by POST.")
            return await self._mutate(operation, request, principal, viewer)
        if self._parts.diagnosis is not None:
            return _answer(await self._parts.diagnosis.read(request, principal))
        bound = self._engine.prepare(
            request.query, request.operation_name, request.variables, viewer, viewer.key
        )
        observation.cost = bound.cost
        observation.mark("plan")
        raw = None
        if bound.sql is not None:
            observation.kind = "audited" if bound.plan.audited else "query"
            row = await self._parts.database.read(
                principal.login, principal.session, bound.sql, bound.values, read_only=not bound.plan.audited
            )
            raw = row[0]
            observation.mark("database")
        completed = await self._engine.complete_async(bound, raw, principal)
        observation.mark("complete")
        return _answer(completed)

    async def _mutate(
        self, operation: Operation, request: GraphQLRequest, principal: Principal, viewer: Viewer
    ) -> Answer:
        mutation = Mutation(self._engine, operation, request.variables, viewer, viewer.key)
        completed = []
        for root in mutation.roots:
            # A verb that has begun ends, whether or not its client still listens.
            completed.append(await asyncio.shield(self._verbs.root(mutation, root, principal)))
            current().mark("mutate")
            if completed[-1].climbed:
                break
        return _answer(mutation.response(completed))


def _answer(completed: Completed) -> Answer:
    if not completed.errors:
        return Answer(b'{"data":' + completed.data + b"}")
    current().failed(completed.errors[0].get("extensions", {}).get("code", ""))
    return Answer(b'{"data":' + completed.data + b',"errors":' + orjson.dumps(completed.errors) + b"}")


def _coded(mistake: GraphQLError) -> dict[str, Any]:
    formatted = dict(mistake.formatted)
    extensions = {"code": "BAD_INPUT", **(mistake.extensions or {})}
    return {**formatted, "extensions": extensions}
