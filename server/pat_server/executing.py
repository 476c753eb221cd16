"""One GraphQL request, from its text to the bytes of its answer."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

import orjson
from graphql import GraphQLError, OperationType

from pat_auth.policy import STEP_UP
from pat_auth.principal import Principal
from pat_platform.deadlines import within
from pat_platform.engine.cache import LeastRecent
from pat_platform.engine.complete import Completed
from pat_platform.engine.declare import Verb
from pat_platform.engine.document import Operation
from pat_platform.engine.errors import BadArgument, BadCursor, NotAllowed, Rejected, TooExpensive
from pat_platform.engine.forms import Root
from pat_platform.engine.mutations import Mutation
from pat_platform.errors import Fault
from pat_platform.limits import measure_variables
from pat_platform.observation import DIGITS, Observation, current
from pat_server.assembly import Parts
from pat_server.budgets import REFUSED, Budgets, Throttled, shown
from pat_server.callers import Caller, Callers
from pat_server.mistakes import internal
from pat_server.mutating import Verbs, record_refusal, record_unknown
from pat_server.not_executed import Allowance, shown_to, sought_by, sought_in
from pat_server.requests import Answer, GraphQLRequest, error, faulty, request_error

UNFIT = "This does not fit the schema. Check the document, its operation's name and its variables against schema.graphql."
LATE = "This took too long and was stopped. Ask for less, or try again later."
STEP_UP_AGAIN = "Sign in again with both factors: for this, that may be ten minutes ago at most."
STREAMED = "Subscriptions are served over a WebSocket at /graphql, and as events at /graphql/stream."
NOT_STREAMED = "Send queries and mutations by POST: here, only subscriptions are served."
URGENT_ATTEMPTS = 3
"""How often what is urgent waits for a lock that somebody else holds."""
URGENT_LENGTH = 4_000
"""Characters of a document that may be urgent: it is read although nobody pays for that."""
NOT_BEGUN = "The time of this request was over before this began. Send it again."
# Documents that do not fit are remembered with their answers, so that whoever repeats one costs next to nothing.
REFUSALS, REFUSAL_BYTES = 1_000, 4_000_000
# What is paid for although nothing is executed. A client whose session has ended, or whom we fail, pays nothing.
PAID_REFUSALS = frozenset(
    {"BAD_CURSOR", "BAD_INPUT", "FORBIDDEN", "STEP_UP_REQUIRED", "TOO_COMPLEX", "TOO_LARGE"}
)


class _Refusal(NamedTuple):
    """The answer to a document that does not fit. ``sought``: what it is given by which something may be sought, if it is."""

    answer: Answer
    sought: str | None


class Executor:
    """Executes requests for callers."""

    def __init__(self, parts: Parts) -> None:
        """Raises SettingsError if the store of budgets cannot be used."""
        self._parts = parts
        self._engine = parts.engine
        self._verbs = Verbs(parts)
        verbs = parts.engine.declarations.fields["Mutation"]
        self._guarded = frozenset(name for name, verb in verbs.items() if verb.requires in STEP_UP)
        self._urgent = {
            name: verb.is_urgent for name, verb in verbs.items() if isinstance(verb, Verb) and verb.is_urgent
        }
        self._callers = Callers(Budgets(parts.settings))
        self._seconds = parts.settings.request_timeout_seconds
        self._refusals: LeastRecent[_Refusal] = LeastRecent(REFUSALS, REFUSAL_BYTES)
        self._allowance = Allowance()

    def caller(self, principal: Principal) -> Caller:
        """The caller that a principal is."""
        return self._callers.of(principal)

    async def execute(self, request: GraphQLRequest, caller: Caller) -> Answer:
        """The answer, whatever happens: mistakes of ours become a fault with a reference and nothing else."""
        try:
            try:
                caller.purse.admit()
            except Throttled:
                if not self._may_be_urgent(request):
                    raise
                caller.purse.press(1)
                request = request._replace(is_pressed=True)
            try:
                answer = await self._execute(request, caller)
            except Throttled:
                raise
            except Exception as why:
                answer = await self._not_executed(why, request, caller)
            if answer.code in PAID_REFUSALS:
                await caller.purse.spend(REFUSED)
            return answer
        except Throttled as spent:
            return _throttled(spent)
        except Fault as fault:
            return faulty(fault)
        except Exception as mistake:
            return request_error([internal(mistake)])

    async def record(self, caller: Caller, code: str, field: str | None) -> None:
        """Record a refusal, unless it is of no field, or too many of the caller's have been recorded just now.

        It is refused also while nothing can be recorded. Raises Fault UNAUTHENTICATED.
        """
        if field is None or not self._allowance.admits(caller.principal):
            return
        try:
            await record_refusal(self._parts, caller.principal, code, field)
        except Fault as fault:
            if fault.code == "UNAUTHENTICATED":
                raise

    def _may_be_urgent(self, request: GraphQLRequest) -> bool:
        """Whether a request is worth reading though its budget is spent. Once it has been read, that is looked at again."""
        if request.opens or request.is_safe or len(request.query) > URGENT_LENGTH:
            return False
        return any(name in request.query for name in self._urgent)

    async def _not_executed(self, why: Exception, request: GraphQLRequest, caller: Caller) -> Answer:
        """The answer to what does not fit, asks for too much, or is not the caller's to ask, which is recorded.

        So is, within bounds, whatever may be tried to learn what is withheld. Whoever's session has ended is told that, and nothing
        else. Raises what is a mistake of ours.
        """
        match why:
            case Rejected(errors=errors):
                operation = self._engine.operation(request.query, request.operation_name)
                await self.record(caller, "BAD_INPUT", sought_by(operation, request.variables))
                return self._refused(errors)
            case NotAllowed(field=field, path=path):
                await record_refusal(self._parts, caller.principal, "FORBIDDEN", field)
                message = f"Your role or your client may not ask for {field}."
                return request_error([error("FORBIDDEN", message, list(path))])
            case BadCursor(message=message, path=path):
                operation = self._engine.operation(request.query, request.operation_name)
                await self.record(caller, "BAD_CURSOR", shown_to(operation, request.variables, path[0]))
                return request_error([error("BAD_CURSOR", message, list(path))])
            case BadArgument(message=message, path=path):
                return request_error([error("BAD_INPUT", message, list(path))])
            case TooExpensive(cost=cost):
                return request_error([error("TOO_COMPLEX", str(why))], extensions=shown(cost, None, None))
            case Fault():
                return faulty(why)
        raise why

    def _refused(self, errors: Sequence[GraphQLError]) -> Answer:
        """The answer to a document or variables that do not fit. Where the schema is not to be explored: that, and no more."""
        if self._parts.settings.is_explorable:
            return request_error(_coded(each) for each in errors)
        return request_error([error("BAD_INPUT", UNFIT)])

    async def _execute(self, request: GraphQLRequest, caller: Caller) -> Answer:
        operation = self._operation(request)
        if isinstance(operation, _Refusal):
            await self.record(caller, "BAD_INPUT", operation.sought)
            return operation.answer
        observation = current()
        observation.operation, observation.kind = operation.digest[:DIGITS], operation.kind.value
        observation.mark("parse")
        if request.is_pressed and operation.kind is not OperationType.MUTATION:
            caller.purse.admit()
        measure_variables(request.variables)
        if request.opens:
            return await self._open(operation, request, caller)
        if operation.kind is OperationType.MUTATION:
            if request.is_safe:
                raise Fault("METHOD_NOT_ALLOWED", "Send mutations by POST.")
            return await self._mutate(operation, request, caller)
        if operation.kind is OperationType.SUBSCRIPTION and request.row is None:
            raise Fault("BAD_INPUT", STREAMED)
        try:
            with within(self._seconds) as time_limit:
                return await self._read(operation, request, caller, observation)
        except TimeoutError:
            if time_limit.has_expired:
                raise Fault("TIMEOUT", LATE) from None
            raise

    def _operation(self, request: GraphQLRequest) -> Operation | _Refusal:
        """The operation that a request names, or what becomes of a document that has none that fits."""
        key = (request.query, request.operation_name)
        refusal = self._refusals.get(key)
        if refusal is None:
            try:
                return self._engine.operation(request.query, request.operation_name)
            except Rejected as rejected:
                engine, errors = self._engine, rejected.errors
                sought = sought_in(engine.schema, errors, request.query, engine.settings.parser)
                refusal = _Refusal(self._refused(errors), sought)
            except Fault as fault:
                refusal = _Refusal(faulty(fault), None)
            weight = sys.getsizeof(request.query) + sys.getsizeof(request.operation_name)
            weight += len(refusal.answer.body)
            self._refusals.put(key, refusal, weight)
        return refusal

    async def _open(self, operation: Operation, request: GraphQLRequest, caller: Caller) -> Answer:
        """Nothing, if there may be events of this: paid for as one of them."""
        if operation.kind is not OperationType.SUBSCRIPTION:
            raise Fault("BAD_INPUT", NOT_STREAMED)
        bound = self._engine.prepare_operation(
            operation, request.variables, caller.viewer, caller.viewer_key, request.row
        )
        await caller.purse.spend(bound.cost)
        return Answer(b"")

    async def _read(
        self, operation: Operation, request: GraphQLRequest, caller: Caller, observation: Observation
    ) -> Answer:
        bound = self._engine.prepare_operation(
            operation, request.variables, caller.viewer, caller.viewer_key, request.row
        )
        observation.cost = bound.cost
        observation.mark("plan")
        cost = shown(bound.cost, bound.cost, await caller.purse.spend(bound.cost))
        if self._parts.diagnosis is not None and request.row is None:
            return _answer(await self._parts.diagnosis.read(request, caller.principal), cost)
        raw = None
        plan = bound.plan
        if plan.sql is not None:
            observation.kind = "audited" if plan.audited else "query"
            row = await self._parts.database.read(
                caller.login, caller.principal.session, plan.sql, bound.values, read_only=not plan.audited
            )
            raw = row[0]
            observation.mark("database")
        completed = await self._engine.complete_async(bound, raw, caller.principal)
        if completed.unknown:
            await record_unknown(self._parts, caller.principal, completed.unknown)
        observation.mark("complete")
        return _answer(completed, cost)

    async def _mutate(self, operation: Operation, request: GraphQLRequest, caller: Caller) -> Answer:
        """Perform the verbs in order. One that has begun ends: its client may have gone, or the time be over.

        What it may take is bounded by PostgreSQL, which rolls back a transaction that lasts too long. Time is looked at between
        verbs, and the answer names the first one that was not begun.
        """
        deadline = time.monotonic() + self._seconds
        mutation = Mutation(self._engine, operation, request.variables, caller.viewer, caller.viewer_key)
        current().cost = mutation.cost
        self._demand_step_up(mutation, caller.principal)
        cost = await self._paid(mutation, request, caller)
        completed = []
        for root in mutation.roots:
            if time.monotonic() < deadline:
                attempts = URGENT_ATTEMPTS if self._is_urgent(root) else 1
                completed.append(
                    await asyncio.shield(
                        self._verbs.root(mutation, root, caller.principal, attempts=attempts)
                    )
                )
            else:
                late = GraphQLError(NOT_BEGUN, extensions={"code": "TIMEOUT"})
                completed.append(mutation.failed(root, late))
            current().mark("mutate")
            if completed[-1].climbed:
                break
        return _answer(mutation.response(completed), cost)

    async def _paid(self, mutation: Mutation, request: GraphQLRequest, caller: Caller) -> bytes:
        """What was paid. Nothing is, where a budget is spent, by what is urgent: that waits for nobody.

        Raises Throttled for the rest, and for what is urgent and asks for much besides.
        """
        is_urgent = mutation.cost <= REFUSED and all(self._is_urgent(root) for root in mutation.roots)
        try:
            if request.is_pressed and not is_urgent:
                caller.purse.admit()
            return shown(mutation.cost, mutation.cost, await caller.purse.spend(mutation.cost))
        except Throttled:
            if not is_urgent:
                raise
        caller.purse.press(len(mutation.roots))
        return shown(mutation.cost, 0, None)

    def _is_urgent(self, root: Root) -> bool:
        """Whether a root field ends that something is shared, or may save somebody."""
        is_urgent = self._urgent.get(root.name)
        return is_urgent is not None and is_urgent(root.arguments["input"])

    def _demand_step_up(self, mutation: Mutation, principal: Principal) -> None:
        """Raises Fault STEP_UP_REQUIRED, before any verb begins, if one needs both factors and they were not proved lately."""
        is_guarded = any(root.name in self._guarded for root in mutation.roots)
        if is_guarded and not principal.has_proved_both_lately(time.time()):
            raise Fault("STEP_UP_REQUIRED", STEP_UP_AGAIN)


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
