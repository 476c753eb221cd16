"""Mutations: each root field is one verb in one transaction, and its answer is read back in that same transaction."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

import orjson
from graphql import GraphQLError

from pat_auth.policy import Role
from pat_auth.principal import Principal
from pat_platform import trail
from pat_platform.database.access import LockHeld
from pat_platform.database.dialogue import Later
from pat_platform.database.failures import DatabaseError
from pat_platform.database.transaction import Transaction
from pat_platform.encryption.envelope import Unreadable
from pat_platform.engine.arguments import decode_id
from pat_platform.engine.complete import Completed
from pat_platform.engine.errors import BadArgument
from pat_platform.engine.forms import Root
from pat_platform.engine.mutations import Mutation
from pat_platform.engine.plan import Bound
from pat_platform.errors import Fault, Refused
from pat_platform.observation import current
from pat_schema.translating import perform
from pat_schema.verbs import Saved, Stopped, Told, VerbContext
from pat_server.assembly import Parts
from pat_server.mistakes import internal
from pat_tenants.replays import KEY_TAKEN

_LOST = (
    "The key of this person cannot be opened: nothing about her can be saved. Tell whoever runs the server."
)


NOT_FOUND = "NOT_FOUND"


class _Undone(Exception):
    """Carries a mutation's problem out of its transaction, which is rolled back on the way."""

    def __init__(self, stopped: Stopped) -> None:
        super().__init__(stopped.type_name)
        self.stopped = stopped


class Verbs:
    """Performs the root fields of mutations for principals."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._engine = parts.engine

    async def root(
        self, mutation: Mutation, root: Root, principal: Principal, *, attempts: int = 1
    ) -> Completed:
        """The value of one root field. Whatever goes wrong is this field's error: those before it have been committed.

        Where somebody else holds a lock for too long, it is tried so many times.
        """
        try:
            for _ in range(attempts - 1):
                try:
                    return await self._answered(mutation, root, principal)
                except LockHeld:
                    # Nothing was done.
                    continue
            return await self._answered(mutation, root, principal)
        except Fault as fault:
            return mutation.failed(root, GraphQLError(fault.message, extensions={"code": fault.code}))
        except Unreadable:
            # Her key is lost with the organisation's: nothing can be added to what it sealed.
            return mutation.failed(root, GraphQLError(_LOST, extensions={"code": "UNREADABLE"}))
        except Exception as mistake:
            return mutation.failed(root, _failure(mistake))

    async def _answered(self, mutation: Mutation, root: Root, principal: Principal) -> Completed:
        """The verb's answer. A rule that refuses answers as a Refusal, once that is recorded."""
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
                raise
            return await self._refuse(mutation, root, principal, by_database)

    async def _perform(self, mutation: Mutation, root: Root, principal: Principal) -> Completed:
        parts, replays = self._parts, self._parts.replays
        given = root.arguments.get("input", {})
        key: UUID | None = given.get("clientMutationId")
        input_hash = b""
        if key is not None:
            input_hash = replays.hash(root.name, orjson.dumps(given, option=orjson.OPT_SORT_KEYS))

        async def done(tx: Transaction) -> tuple[Bound, Later | None] | Told:
            known = None if key is None else await replays.answered(tx, principal.client, key, input_hash)
            if known is not None:
                saved = Saved(known["type"], UUID(known["id"]))
            else:
                settings = parts.settings
                context = VerbContext(
                    tx, parts.vault, principal, settings.is_explorable, parts.outbox, settings.issuer
                )
                answer = await perform(root.name, root.arguments, context)
                if isinstance(answer, Stopped):
                    raise _Undone(answer)
                if isinstance(answer, Told):
                    return answer
                saved = answer
                if key is not None:
                    kept = {"type": saved.type_name, "id": str(saved.id)}
                    await replays.remember(tx, principal.client, key, root.name, input_hash, kept)
            bound = mutation.row(root, saved.type_name, saved.id)
            return bound, None if bound.sql is None else tx.read_later(bound.sql, bound.values)

        result = await parts.database.perform(principal.login, principal.session, principal.person, done)
        if isinstance(result, Told):
            return mutation.values(root, result.type_name, result.values)
        bound, read = result
        return await self._engine.complete_async(bound, None if read is None else read.row()[0], principal)

    async def _refuse(
        self, mutation: Mutation, root: Root, principal: Principal, refused: Refused
    ) -> Completed:
        current().failed(refused.code)
        asked = tuple(ids_in(root.arguments)) if refused.code == NOT_FOUND else ()
        await record_refusal(self._parts, principal, refused.code, root.name, asked)
        values = {"code": refused.code, "message": refused.message, "field": refused.field}
        return mutation.values(root, "Refusal", values)


async def record_refusal(
    parts: Parts, principal: Principal, code: str, field: str, asked: Collection[str] = ()
) -> None:
    """Record a refusal in a transaction of its own: what was refused has been rolled back. ``asked`` are ids that lead to nothing."""
    async with parts.database.transaction(principal.login, principal.session, principal.person) as tx:
        told = _told(principal, asked) if asked else {}
        await trail.record(tx, "request.refused", [], code=code, field=field, **told)


async def record_unknown(parts: Parts, principal: Principal, asked: Sequence[str]) -> None:
    """Record that somebody asked by ids for what she does not see: the same, be it somebody else's or nowhere.

    They are about nobody: ids that she made up must not stand in anybody's log. Many in one request are one event.
    """
    async with parts.database.transaction(principal.login, principal.session, principal.person) as tx:
        await trail.record(tx, "id.unknown", [], **_told(principal, asked))


def _told(principal: Principal, asked: Collection[str]) -> dict[str, Any]:
    """What was asked for; of a survivor how much: what is hidden from her for now would tell who she is, and when she looked."""
    found = sorted(set(asked))
    return {"count": len(found)} if principal.role is Role.SURVIVOR else {"ids": found}


def ids_in(value: object) -> Iterator[str]:
    """The global ids within a verb's arguments, each as ``Type:key``."""
    if isinstance(value, str):
        try:
            type_name, key = decode_id(value, ())
            yield f"{type_name}:{UUID(key)}"
        except (BadArgument, ValueError):
            return
    elif isinstance(value, Mapping | list):
        for each in value.values() if isinstance(value, Mapping) else value:
            yield from ids_in(each)


_REFUSED_BY_DATABASE = {
    "42501": Refused("NOT_ALLOWED", "You may not do this here. Ask your case manager.", None),
    "23503": Refused("NOT_FOUND", "Something that this refers to is not there.", None),
    "23514": Refused("NOT_VALID", "A value is not possible here. Check what you entered.", None),
    "23505": Refused("EXISTS", "There is one already.", None),
}


def _as_refusal(error: DatabaseError) -> Refused | None:
    """What the wall or a constraint refused although no rule did; None for a mistake of ours."""
    return _REFUSED_BY_DATABASE.get(error.sqlstate)


def _failure(mistake: Exception) -> GraphQLError:
    told = internal(mistake)
    return GraphQLError(told["message"], extensions=told["extensions"])
