"""One GraphQL request, from its text to the bytes of its answer."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Sequence
from typing import Any

import orjson
from graphql import GraphQLError, OperationType

from pat_auth.principal import Principal
from pat_platform.deadlines import within
from pat_platform.engine.cache import LeastRecent
from pat_platform.engine.complete import Completed
from pat_platform.engine.document import Operation
from pat_platform.engine.errors import BadArgument, BadCursor, NotAllowed, Rejected, TooExpensive
from pat_platform.engine.mutations import Mutation
from pat_platform.errors import Fault
from pat_platform.limits import measure_variables
from pat_platform.observation import DIGITS, current
from pat_schema.viewer import Viewer
from pat_server.assembly import Parts
from pat_server.budgets import REFUSED, Budgets, Throttled, shown
from pat_server.mistakes import internal
from pat_server.mutating import Verbs, record_refusal
from pat_server.requests import Answer, GraphQLRequest, error, faulty, request_error

UNFIT = "This does not fit the schema. Check the document, its operation's name and its variables against schema.graphql."
LATE = "This took too long and was stopped. Ask for less, or try again later."
NOT_BEGUN = "The time of this request was over before this began. Send it again."
# Documents that do not fit are remembered with their answers, so that whoever repeats one costs next to nothing.
REFUSALS, REFUSAL_BYTES = 1_000, 4_000_000
# What is paid for although nothing is executed. A client whose session has ended, or whom we fail, pays nothing.
PAID_REFUSALS = frozenset({"BAD_CURSOR", "BAD_INPUT", "FORBIDDEN", "TOO_COMPLEX", "TOO_LARGE"})


class Executor:
    """Executes requests for principals."""

    def __init__(self, parts: Parts) -> None:
        """Raises SettingsError if the store of budgets cannot be used."""
        self._parts = parts
        self._engine = parts.engine
        self._verbs = Verbs(parts)
        self._budgets = Budgets(parts.settings)
        self._seconds = parts.settings.request_timeout_seconds
        self._refusals: LeastRecent[Answer] = LeastRecent(REFUSALS, REFUSAL_BYTES)

    async def execute(self, request: GraphQLRequest, principal: Principal) -> Answer:
        """The answer, whatever happens: mistakes of ours become a fault with a reference and nothing else."""
        try:
            self._budgets.admit(principal)
            answer = await self._permitted(request, principal)
            if answer.code in PAID_REFUSALS:
                await self._budgets.spend(principal, REFUSED)
            return answer
        except Throttled as spent:
            return _throttled(spent)
        except Fault as fault:
            return faulty(fault)
        except Exception as mistake:
            return request_error([internal(mistake)])

    async def _permitted(self, request: GraphQLRequest, principal: Principal) -> Answer:
        """The answer, or a refusal that is recorded. Whoever's session has ended is told that, and nothing else."""
        try:
            return await self._answered(request, principal)
        except NotAllowed as refused:
            await record_refusal(self._parts, principal, "FORBIDDEN", refused.field)
            message = f"Your role or your client may not ask for {refused.field}."
            return request_error([error("FORBIDDEN", message, list(refused.path))])

    async def _answered(self, request: GraphQLRequest, principal: Principal) -> Answer:
        """The answer, or the refusal of what does not fit or asks for too much."""
        try:
            return await self._execute(request, principal)
        except Rejected as rejected:
            return self._refused(rejected.errors)
        except BadCursor as bad:
            return request_error([error("BAD_CURSOR", bad.message, list(bad.path))])
        except BadArgument as bad:
            return request_error([error("BAD_INPUT", bad.message, list(bad.path))])
        except Throttled:
            raise
        except Fault as fault:
            return faulty(fault)
        except TooExpensive as dear:
            return request_error([error("TOO_COMPLEX", str(dear))], extensions=shown(dear.cost, None, None))

    def _refused(self, errors: Sequence[GraphQLError]) -> Answer:
        """The answer to a document or variables that do not fit. Where the schema is not to be explored: that, and no more."""
        if self._parts.settings.is_explorable:
            return request_error(_coded(each) for each in errors)
        return request_error([error("BAD_INPUT", UNFIT)])

    async def _execute(self, request: GraphQLRequest, principal: Principal) -> Answer:
        operation = self._operation(request)
        if isinstance(operation, Answer):
            return operation
        observation = current()
        observation.operation, observation.kind = operation.digest[:DIGITS], operation.kind.value
        observation.mark("parse")
        measure_variables(request.variables)
        if operation.kind is OperationType.MUTATION:
            if request.is_safe:
                raise Fault("METHOD_NOT_ALLOWED", "Send mutations by POST.")
            return await self._mutate(operation, request, principal)
        try:
            with within(self._seconds) as time_limit:
                return await self._read(request, principal)
        except TimeoutError:
            if time_limit.has_expired:
                raise Fault("TIMEOUT", LATE) from None
            raise

    def _operation(self, request: GraphQLRequest) -> Operation | Answer:
        """The operation that a request names, or the answer to a document that has none that fits."""
        key = (request.query, request.operation_name)
        refusal = self._refusals.get(key)
        if refusal is None:
            try:
                return self._engine.operation(request.query, request.operation_name)
            except Rejected as rejected:
                refusal = self._refused(rejected.errors)
            except Fault as fault:
                refusal = faulty(fault)
            weight = sys.getsizeof(request.query) + sys.getsizeof(request.operation_name) + len(refusal.body)
            self._refusals.put(key, refusal, weight)
        return refusal

    async def _read(self, request: GraphQLRequest, principal: Principal) -> Answer:
        viewer = Viewer(principal.role, principal.scopes)
        bound = self._engine.prepare(
            request.query, request.operation_name, request.variables, viewer, viewer.key
        )
        observation = current()
        observation.cost = bound.cost
        observation.mark("plan")
        cost = await self._pay(principal, bound.cost)
        if self._parts.diagnosis is not None:
            return _answer(await self._parts.diagnosis.read(request, principal), cost)
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
        return _answer(completed, cost)

    async def _mutate(self, operation: Operation, request: GraphQLRequest, principal: Principal) -> Answer:
        """Perform the verbs in order. One that has begun ends: its client may have gone, or the time be over.

        What it may take is bounded by PostgreSQL, which rolls back a transaction that lasts too long. Time is looked at between
        verbs, and the answer names the first one that was not begun.
        """
        deadline = time.monotonic() + self._seconds
        viewer = Viewer(principal.role, principal.scopes)
        mutation = Mutation(self._engine, operation, request.variables, viewer, viewer.key)
        current().cost = mutation.cost
        cost = await self._pay(principal, mutation.cost)
        completed = []
        for root in mutation.roots:
            if time.monotonic() < deadline:
                completed.append(await asyncio.shield(self._verbs.root(mutation, root, principal)))
            else:
                late = GraphQLError(NOT_BEGUN, extensions={"code": "TIMEOUT"})
                completed.append(mutation.failed(root, late))
            current().mark("mutate")
            if completed[-1].climbed:
                break
        return _answer(mutation.response(completed), cost)

    async def _pay(self, principal: Principal, points: int) -> bytes:
        """Take what an operation costs from the budgets; returns the extensions that say so. Raises Throttled and Fault."""
        return shown(points, points, await self._budgets.spend(principal, points))


def _answer(completed: Completed, extensions: bytes) -> Answer:
    if not completed.errors:
        return Answer(b'{"data":' + completed.data + b',"extensions":' + extensions + b"}")
    current().failed(completed.errors[0].get("extensions", {}).get("code", ""))
    errors = orjson.dumps(completed.errors)
    return Answer(
        b'{"data":' + completed.data + b',"errors":' + errors + b',"extensions":' + extensions + b"}"
    )


def _throttled(spent: Throttled) -> Answer:
    return request_error(
        [error(spent.code, spent.message)],
        {"Retry-After": str(spent.retry_after)},
        shown(spent.points, None, spent.status),
    )


def _coded(mistake: GraphQLError) -> dict[str, Any]:
    formatted = dict(mistake.formatted)
    extensions = {"code": "BAD_INPUT", **(mistake.extensions or {})}
    return {**formatted, "extensions": extensions}
