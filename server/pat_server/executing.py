"""One GraphQL request, from its text to the bytes of its answer."""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import orjson
from graphql import GraphQLError, OperationType

from pat_auth.principal import Principal
from pat_platform import trail
from pat_platform.database.failures import DatabaseError
from pat_platform.engine.complete import Completed
from pat_platform.engine.document import Operation
from pat_platform.engine.errors import BadArgument, BadCursor, NotAllowed, Rejected
from pat_platform.engine.mutations import Mutation, Root
from pat_platform.errors import Fault, Refused
from pat_schema.translating import perform
from pat_schema.verbs import Saved, Stopped, VerbContext
from pat_schema.viewer import Viewer
from pat_server.assembly import Parts
from pat_tenants.replays import KEY_TAKEN

log = logging.getLogger("pat.graphql")


@dataclass(frozen=True)
class GraphQLRequest:
    """What a client asks (GraphQL over HTTP)."""

    query: str
    operation_name: str | None
    variables: Mapping[str, Any] | None


@dataclass(frozen=True)
class Answer:
    """The bytes of the answer. ``is_request_error``: nothing was executed, so that there is no data."""

    body: bytes
    is_request_error: bool = False


class _Undone(Exception):
    """Carries a mutation's problem out of its transaction, which is rolled back on the way."""

    def __init__(self, stopped: Stopped) -> None:
        super().__init__(stopped.type_name)
        self.stopped = stopped


class Executor:
    """Executes requests for principals."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._engine = parts.engine

    async def execute(self, request: GraphQLRequest, principal: Principal) -> Answer:
        """The answer, whatever happens: mistakes of ours become a fault with a reference and nothing else."""
        try:
            return await self._execute(request, principal)
        except Rejected as rejected:
            return _request_error(_coded(error) for error in rejected.errors)
        except NotAllowed as refused:
            await self._record_refusal(principal, "FORBIDDEN", refused.field)
            message = f"Your role or your client may not ask for {refused.field}."
            return _request_error([_error("FORBIDDEN", message, list(refused.path))])
        except BadCursor as bad:
            return _request_error([_error("BAD_CURSOR", bad.message, list(bad.path))])
        except BadArgument as bad:
            return _request_error([_error("BAD_INPUT", bad.message, list(bad.path))])
        except Fault as fault:
            return _request_error([_error(fault.code, fault.message, fault.path)])
        except Exception as mistake:
            return _request_error([_internal(mistake)])

    async def _execute(self, request: GraphQLRequest, principal: Principal) -> Answer:
        viewer = Viewer(principal.role, principal.scopes)
        operation = self._engine.operation(request.query, request.operation_name)
        if operation.kind is OperationType.MUTATION:
            return await self._mutate(operation, request, principal, viewer)
        bound = self._engine.prepare(
            request.query, request.operation_name, request.variables, viewer, viewer.key
        )
        raw = None
        if bound.sql is not None:
            row = await self._parts.database.read(
                principal.login, principal.session, bound.sql, bound.values, read_only=not bound.plan.audited
            )
            raw = row[0]
        return _answer(await self._engine.complete_async(bound, raw, principal))

    async def _mutate(
        self, operation: Operation, request: GraphQLRequest, principal: Principal, viewer: Viewer
    ) -> Answer:
        mutation = Mutation(self._engine, operation, request.variables, viewer, viewer.key)
        completed = []
        for root in mutation.roots:
            # A verb that has begun ends, whether or not its client still listens.
            completed.append(await asyncio.shield(self._root(mutation, root, principal)))
            if completed[-1].climbed:
                break
        return _answer(mutation.response(completed))

    async def _root(self, mutation: Mutation, root: Root, principal: Principal) -> Completed:
        try:
            try:
                return await self._perform(mutation, root, principal)
            except DatabaseError as error:
                if error.constraint != KEY_TAKEN:
                    raise
                # The same mutation was under way twice; the other one has answered.
                return await self._perform(mutation, root, principal)
        except _Undone as undone:
            return mutation.values(root, undone.stopped.type_name, undone.stopped.values)
        except Refused as refused:
            return await self._refuse(mutation, root, principal, refused)
        except DatabaseError as error:
            by_database = _as_refusal(error)
            if by_database is None:
                return mutation.failed(root, _located(_internal(error)))
            return await self._refuse(mutation, root, principal, by_database)
        except Fault as fault:
            return mutation.failed(root, GraphQLError(fault.message, extensions={"code": fault.code}))

    async def _perform(self, mutation: Mutation, root: Root, principal: Principal) -> Completed:
        parts, replays = self._parts, self._parts.replays
        given = root.arguments.get("input", {})
        key: UUID | None = given.get("clientMutationId")
        input_hash = replays.hash(root.name, orjson.dumps(given, option=orjson.OPT_SORT_KEYS))
        async with parts.database.transaction(principal.login, principal.session) as tx:
            known = None if key is None else await replays.answered(tx, principal.client, key, input_hash)
            if known is not None:
                saved = Saved(known["type"], UUID(known["id"]))
            else:
                answer = await perform(root.name, root.arguments, VerbContext(tx, parts.vault, principal))
                if isinstance(answer, Stopped):
                    raise _Undone(answer)
                saved = answer
                if key is not None:
                    kept = {"type": saved.type_name, "id": str(saved.id)}
                    await replays.remember(tx, principal.client, key, root.name, input_hash, kept)
            bound = mutation.row(root, saved.type_name, saved.id)
            raw = (await tx.read(bound.sql, bound.values))[0] if bound.sql is not None else None
        return await self._engine.complete_async(bound, raw, principal)

    async def _refuse(
        self, mutation: Mutation, root: Root, principal: Principal, refused: Refused
    ) -> Completed:
        await self._record_refusal(principal, refused.code, root.name)
        values = {"code": refused.code, "message": refused.message, "field": refused.field}
        return mutation.values(root, "Refusal", values)

    async def _record_refusal(self, principal: Principal, code: str, field: str) -> None:
        """Record a refusal in a transaction of its own: what was refused has been rolled back."""
        async with self._parts.database.transaction(principal.login, principal.session) as tx:
            await trail.record(tx, "request.refused", [], code=code, field=field)


_REFUSED_BY_DATABASE = {
    "42501": Refused("NOT_ALLOWED", "You may not do this here. Ask your case manager.", None),
    "23503": Refused("NOT_FOUND", "Something that this refers to is not there.", None),
    "23514": Refused("NOT_VALID", "A value is not possible here. Check what you entered.", None),
    "23505": Refused("EXISTS", "There is one already.", None),
}


def _as_refusal(error: DatabaseError) -> Refused | None:
    """What the wall or a constraint refused although no rule did; None for a mistake of ours."""
    return _REFUSED_BY_DATABASE.get(error.sqlstate)


def _answer(completed: Completed) -> Answer:
    if not completed.errors:
        return Answer(b'{"data":' + completed.data + b"}")
    return Answer(b'{"data":' + completed.data + b',"errors":' + orjson.dumps(completed.errors) + b"}")


def _request_error(errors: Iterable[Mapping[str, Any]]) -> Answer:
    return Answer(orjson.dumps({"errors": list(errors)}), is_request_error=True)


def _error(code: str, message: str, path: list[str | int] | None = None) -> dict[str, Any]:
    error: dict[str, Any] = {"message": message, "extensions": {"code": code}}
    if path:
        error["path"] = path
    return error


def _coded(error: GraphQLError) -> dict[str, Any]:
    formatted = dict(error.formatted)
    extensions = {"code": "BAD_INPUT", **(error.extensions or {})}
    return {**formatted, "extensions": extensions}


def _internal(mistake: BaseException) -> dict[str, Any]:
    """A fault without a word about its cause, and a reference to where the log tells it."""
    reference = str(uuid4())
    # Where it happened, not what was said: an error's own text may quote what a person entered.
    where = "".join(traceback.format_tb(mistake.__traceback__))
    what = str(mistake) if isinstance(mistake, DatabaseError) else type(mistake).__name__
    log.error("request.failed reference=%s what=%s\n%s", reference, what, where)
    message = "Something went wrong on our side. Nothing was changed. Tell us the reference."
    return {"message": message, "extensions": {"code": "INTERNAL", "reference": reference}}


def _located(error: Mapping[str, Any]) -> GraphQLError:
    return GraphQLError(error["message"], extensions=error["extensions"])
