"""The read engine: a document and a viewer become one SQL statement, its answer becomes the response."""

import secrets
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from inspect import isawaitable
from typing import Any

import orjson
from graphql import GraphQLSchema, OperationType, parse, validate
from graphql.execution.values import VariableValues

from .arguments import Reader
from .cache import Counters, LeastRecent
from .complete import Completed, Completion, StepFunction
from .cursors import CursorKey
from .declare import Event
from .document import Operation, Parser, Validator, load
from .errors import EngineError, NotCompilable, TooExpensive
from .forms import Form
from .introspect import AboutSchema, about_schema
from .lint import lint
from .plan import Binding, Bound, GivenRow, Plan
from .planner import Planner
from .registry import Declarations, View, Viewer
from .variables import size

_TOKEN_BYTES = 16
# A plan keeps its operation and its key: each character and each value in them weighs as much as so many of SQL.
_HELD = 30
# Answers about the schema are few and large.
_ABOUT_SCHEMA = 20
_NOTHING = AboutSchema()


@dataclass(frozen=True)
class Settings:
    """What may be set: ``max_cost`` bounds an operation's points, ``cache_size`` the number of documents and of plans.

    ``cache_documents`` and ``cache_statements`` bound their characters: a parsed document takes some 90
    bytes for each of its own, a plan some 3 for each of its SQL, and what the document and the key take.

    ``audit_sql`` is a SQL expression that an audited statement evaluates if it reveals anything, in which
    ``{operation}`` is the operation's digest and ``{subjects}`` the JSON array of [class, subject] pairs. ``digest_key`` keys the
    digest, since a document may hold what somebody typed.
    ``parser`` and ``validator`` stand for graphql-core's own, and may raise what they like.
    """

    cache_size: int = 1000
    cache_documents: int = 1_000_000
    cache_statements: int = 20_000_000
    max_cost: int = 20_000
    audit_sql: str | None = None
    digest_key: bytes = b""
    parser: Parser = parse
    validator: Validator = validate


class Engine:
    """Compiles, binds and completes. Holds no connection and does no input or output of its own."""

    def __init__(
        self,
        schema: GraphQLSchema,
        declarations: Declarations,
        steps: Mapping[str, StepFunction],
        cursor_key: bytes,
        settings: Settings | None = None,
    ) -> None:
        """Raises DeclarationError unless the declarations cover the schema and fit it."""
        self.settings = settings or Settings()
        self.schema = schema
        self.declarations = declarations
        self.steps = steps
        self.cursor_key = CursorKey(cursor_key)
        self.checked = lint(schema, declarations, steps)
        self.counters = Counters()
        self.planner = Planner(declarations, self.cursor_key, self.settings.audit_sql)
        size = self.settings.cache_size
        self._operations: LeastRecent[Operation] = LeastRecent(size, self.settings.cache_documents)
        self._plans: LeastRecent[Plan] = LeastRecent(size, self.settings.cache_statements)
        self._forms: LeastRecent[Form] = LeastRecent(size, self.settings.cache_statements // 4)
        self._about_schema: LeastRecent[AboutSchema] = LeastRecent(_ABOUT_SCHEMA, _ABOUT_SCHEMA)

    def forget(self) -> None:
        """Empty the caches."""
        for cache in (self._operations, self._plans, self._forms, self._about_schema):
            cache.clear()

    def operation(self, document: str, operation_name: str | None = None) -> Operation:
        """The parsed and validated operation. Raises Rejected, and whatever parser and limits raise."""
        known = self._operations.get((document, operation_name))
        if known is None:
            parser, validator = self.settings.parser, self.settings.validator
            known = load(
                self.schema,
                document,
                operation_name,
                parser=parser,
                validator=validator,
                digest_key=self.settings.digest_key,
            )
            self._operations.put((document, operation_name), known, len(document))
        return known

    def cached(self) -> dict[str, int]:
        """How many documents and plans are kept; for metrics."""
        return {"documents": len(self._operations), "plans": len(self._plans)}

    def prepare(
        self,
        document: str,
        operation_name: str | None,
        variables: Mapping[str, Any] | None,
        viewer: Viewer,
        viewer_key: Hashable,
    ) -> Bound:
        """A query as a statement with its values.

        ``viewer_key`` stands for all that ``viewer`` may do: viewers with equal keys share plans.
        Raises Rejected, NotAllowed, TooExpensive and BadArgument (also as BadCursor).
        """
        return self.prepare_operation(self.operation(document, operation_name), variables, viewer, viewer_key)

    def prepare_operation(
        self,
        operation: Operation,
        variables: Mapping[str, Any] | None,
        viewer: Viewer,
        viewer_key: Hashable,
        row: GivenRow | None = None,
    ) -> Bound:
        """The same for an operation that has been parsed and validated; with ``row``, for one event of a subscription."""
        if operation.kind is not (OperationType.QUERY if row is None else OperationType.SUBSCRIPTION):
            raise EngineError(f"a {operation.kind.value} is not a read")
        coerced = operation.variables(variables)
        plan = self.plan(
            operation, None, coerced, viewer_key, lambda hidden: self.planner.query(operation, hidden, viewer)
        )
        about = self._introspected(operation, plan, coerced) if plan.introspection else _NOTHING
        return self.bind(plan, coerced, about_schema=about, row=row)

    def event(
        self, operation: Operation, variables: Mapping[str, Any] | None, viewer: Viewer
    ) -> tuple[Event, str, Mapping[str, Any]] | None:
        """What a subscription waits for, its field's name and coerced arguments; None where its one field is left out.

        Raises Rejected, NotAllowed and GraphQLError.
        """
        coerced, root = operation.variables(variables), operation.root_type
        view = View(self.declarations, viewer)
        for details in operation.root_fields(coerced).values():
            node = details[0].node
            name = node.name.value
            declaration = view.field(root.name, name, (name,))
            if isinstance(declaration, Event):
                return declaration, name, Reader(root.fields[name], node).read(coerced)
        return None

    def plan(
        self,
        operation: Operation,
        part: Hashable,
        variables: VariableValues,
        viewer_key: Hashable,
        make: Callable[[VariableValues], Plan],
    ) -> Plan:
        """The cached plan for a part of an operation, made if there is none."""
        fingerprint = operation.structure.fingerprint(variables)
        key = (operation, part, viewer_key, fingerprint)
        plan = self._plans.get(key)
        if plan is not None:
            self.counters.hits += 1
            return plan
        self.counters.misses += 1
        try:
            plan = make(operation.structure.hidden(variables))
        except NotCompilable:
            self.counters.fallbacks += 1
            raise
        self.counters.compiled += 1
        weight = len(plan.sql or "") + _HELD * operation.length + _HELD * size(fingerprint)
        self._plans.put(key, plan, weight)
        return plan

    def form(self, operation: Operation, viewer_key: Hashable, fingerprint: Hashable) -> Form | None:
        """What is known of mutations of this form; for `Mutation`."""
        form = self._forms.get((operation, viewer_key, fingerprint))
        if form is not None:
            self.counters.hits += len(form.plans)
        return form

    def keep_form(
        self, form: Form, operation: Operation, viewer_key: Hashable, fingerprint: Hashable
    ) -> None:
        """Keep what was found out."""
        weight = sum(len(plan.sql or "") for plan in form.plans.values())
        weight += _HELD * operation.length + _HELD * size(fingerprint)
        self._forms.put((operation, viewer_key, fingerprint), form, weight)

    def bind(
        self,
        plan: Plan,
        variables: VariableValues,
        *,
        key: bytes | None = None,
        about_schema: AboutSchema = _NOTHING,
        row: GivenRow | None = None,
    ) -> Bound:
        """The plan with one request's values. Raises BadArgument and TooExpensive."""
        token = secrets.token_hex(_TOKEN_BYTES) if plan.uses_token else ""
        values, cost = plan.bind(Binding(variables, token, key, row))
        cost += about_schema.cost
        if cost > self.settings.max_cost:
            raise TooExpensive(cost, self.settings.max_cost)
        return Bound(plan, values, token, cost, about_schema.values)

    def cost(self, plan: Plan, variables: VariableValues) -> int:
        """What `bind` would find out before anything is sent. Raises what it raises."""
        _, cost = plan.bind(Binding(variables, ""))
        if cost > self.settings.max_cost:
            raise TooExpensive(cost, self.settings.max_cost)
        return cost

    def complete(self, bound: Bound, raw: bytes | None, context: Any = None) -> Completed:
        """The response's data from the first column of the statement's row; None where nothing was sent.

        Raises EngineError if a step's function is asynchronous: then use ``complete_async``.
        """
        completion = _begin(bound, raw)
        if isinstance(completion, Completed):
            return completion
        finished = {}
        for name, values in completion.gathered.items():
            found = self.steps[name](values, context)
            if isawaitable(found):
                raise EngineError(f"step {name} is asynchronous")
            finished[name] = found
        return completion.finish(finished)

    async def complete_async(self, bound: Bound, raw: bytes | None, context: Any = None) -> Completed:
        """The same, awaiting the steps whose functions are asynchronous."""
        completion = _begin(bound, raw)
        if isinstance(completion, Completed):
            return completion
        finished = {}
        for name, values in completion.gathered.items():
            found = self.steps[name](values, context)
            finished[name] = await found if isawaitable(found) else found
        return completion.finish(finished)

    def _introspected(self, operation: Operation, plan: Plan, variables: VariableValues) -> AboutSchema:
        """What the operation asks about the schema; it does not change unless it depends on variables."""
        if operation.node.variable_definitions:
            return about_schema(operation, plan, variables, self.settings.max_cost)
        known = self._about_schema.get(plan)
        if known is None:
            known = about_schema(operation, plan, variables, self.settings.max_cost)
            self._about_schema.put(plan, known)
        return known


def _begin(bound: Bound, raw: bytes | None) -> Completed | Completion:
    """The response where nothing is left to do, else what completes it."""
    plan = bound.plan
    if plan.failure is not None:
        return Completed(b"null", [dict(plan.failure.formatted)])
    if plan.sql is None:
        data = {key: bound.about_schema[key] if text is None else text for key, text in plan.skeleton}
        return Completed(orjson.dumps(data))
    if raw is None:
        raise EngineError("the statement's answer is missing")
    if not plan.uses_token or bound.token.encode() not in raw:
        return Completed(raw)
    return Completion(bound, raw)
