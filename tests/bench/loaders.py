"""Strawberry with DataLoaders over the same tables: what one writes who follows the library's documentation.

    BENCH_DATABASE_URL=… python -m tests.bench.loaders PORT

Documents are parsed and validated once (the library's caches), rows come by plain SQL, without an object mapper: it is the better
half of what is found in the wild.
"""

import asyncio
import os
import sys
from base64 import b64decode, b64encode
from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from enum import Enum
from typing import Any
from uuid import UUID

import strawberry
import uvicorn
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from strawberry.asgi import GraphQL
from strawberry.dataloader import DataLoader
from strawberry.extensions import ParserCache, ValidationCache

from pat_tenants.cases.models import CaseStatus

ENGINE = create_async_engine(
    os.environ.get("BENCH_DATABASE_URL", "postgresql://").replace("postgresql://", "postgresql+psycopg://"),
    pool_size=10,
    max_overflow=0,
)
ENTER = text(
    "select set_config('session_authorization', :login, true), set_config('pat.session', :session, true)"
)
PROCEEDINGS = "select * from app.legal_proceedings where case_id = any(:keys) order by filed_on desc, id"
HEARINGS = "select * from app.hearings where proceeding_id = any(:keys) order by held_on, id"
MEMBERS = (
    "select * from app.group_members where group_id = any(:keys) and left_on is null order by joined_on, id"
)
ENTRIES = "select group_id, kind, amount_paise from app.group_entries where group_id = any(:keys)"


class Here:
    """One request: its connection, and a loader for each relation."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._turn = asyncio.Lock()
        self._connection: AsyncConnection | None = None
        self.proceedings = self._loader(PROCEEDINGS, "case_id")
        self.hearings = self._loader(HEARINGS, "proceeding_id")
        self.members = self._loader(MEMBERS, "group_id")
        self.entries = self._loader(ENTRIES, "group_id")

    async def rows(self, sql: str, **values: object) -> Sequence[Any]:
        """The rows of a query, as the caller."""
        async with self._turn:
            if self._connection is None:
                self._connection = await ENGINE.connect()
                headers = self._request.headers
                await self._connection.execute(
                    ENTER, {"login": headers["x-login"], "session": headers["x-session"]}
                )
            return (await self._connection.execute(text(sql), values)).all()

    async def close(self) -> None:
        """End the transaction."""
        if self._connection is not None:
            await self._connection.close()

    def _loader(self, sql: str, key: str) -> DataLoader[UUID, list[Any]]:
        async def load(keys: list[UUID]) -> list[list[Any]]:
            found: dict[UUID, list[Any]] = defaultdict(list)
            for row in await self.rows(sql, keys=keys):
                found[getattr(row, key)].append(row)
            return [found[each] for each in keys]

        return DataLoader(load_fn=load)


Info = strawberry.Info[dict[str, Any], None]


def here(info: Info) -> Here:
    """The request."""
    found: Here = info.context["here"]
    return found


def global_id(kind: str, key: UUID) -> strawberry.ID:
    """An id as the platform spells it."""
    return strawberry.ID(b64encode(f"{kind}:{key}".encode()).decode())


@strawberry.type
class Hearing:
    """A day in court."""

    id: strawberry.ID
    held_on: date
    mode: str
    purpose: str | None


@strawberry.type
class LegalProceeding:
    """A proceeding."""

    key: strawberry.Private[UUID]
    id: strawberry.ID
    jurisdiction: str
    state: str
    court: str | None
    stage: str
    filed_on: date | None

    @strawberry.field
    async def hearings(self, info: Info) -> list[Hearing]:
        """Its hearings."""
        rows = await here(info).hearings.load(self.key)
        return [
            Hearing(id=global_id("Hearing", r.id), held_on=r.held_on, mode=r.mode, purpose=r.purpose)
            for r in rows
        ]


def proceeding(r: Any) -> LegalProceeding:
    """A row as an object."""
    return LegalProceeding(
        key=r.id,
        id=global_id("LegalProceeding", r.id),
        jurisdiction=r.jurisdiction,
        state=r.state,
        court=r.court,
        stage=r.stage,
        filed_on=r.filed_on,
    )


@strawberry.type
class Case:
    """A case."""

    key: strawberry.Private[UUID]
    id: strawberry.ID
    code: str
    status: str
    stage: str
    risk_level: str
    trafficking_status: str
    opened_on: date
    closed_on: date | None

    @strawberry.field
    async def legal_proceedings(self, info: Info) -> list[LegalProceeding]:
        """Its proceedings."""
        return [proceeding(row) for row in await here(info).proceedings.load(self.key)]

    @strawberry.field
    async def latest_proceeding(self, info: Info) -> LegalProceeding | None:
        """Its newest proceeding."""
        rows = await here(info).proceedings.load(self.key)
        return proceeding(rows[0]) if rows else None


def case_of(r: Any) -> Case:
    """A row as an object."""
    return Case(
        key=r.id,
        id=global_id("Case", r.id),
        code=r.code,
        status=r.status,
        stage=r.stage,
        risk_level=r.risk_level,
        trafficking_status=r.trafficking_status,
        opened_on=r.opened_on,
        closed_on=r.closed_on,
    )


@strawberry.type
class GroupMember:
    """A member of a group."""

    id: strawberry.ID
    role: str
    joined_on: date


@strawberry.type
class SelfHelpGroup:
    """A group."""

    key: strawberry.Private[UUID]
    id: strawberry.ID
    name: str
    status: str

    @strawberry.field
    async def members(self, info: Info) -> list[GroupMember]:
        """Who is in it."""
        rows = await here(info).members.load(self.key)
        return [
            GroupMember(id=global_id("GroupMember", r.id), role=r.role, joined_on=r.joined_on) for r in rows
        ]

    @strawberry.field
    async def savings_total(self, info: Info) -> int:
        """What was saved."""
        return await self._total(info, "SAVING")

    @strawberry.field
    async def loans_total(self, info: Info) -> int:
        """What was lent."""
        return await self._total(info, "LOAN_OUT")

    @strawberry.field
    async def loans_outstanding(self, info: Info) -> int:
        """What was lent and not repaid."""
        return await self._total(info, "LOAN_OUT") - await self._total(info, "REPAY_PRINCIPAL")

    async def _total(self, info: Info, kind: str) -> int:
        return sum(r.amount_paise for r in await here(info).entries.load(self.key) if r.kind == kind)


@strawberry.type
class PageInfo:
    """Where a page ends."""

    has_next_page: bool
    end_cursor: str | None


@strawberry.type
class CaseEdge:
    """A case on a page."""

    node: Case


@strawberry.type
class CaseConnection:
    """A page of cases."""

    edges: list[CaseEdge]
    page_info: PageInfo


@strawberry.type
class GroupEdge:
    """A group on a page."""

    node: SelfHelpGroup


@strawberry.type
class GroupConnection:
    """A page of groups."""

    edges: list[GroupEdge]


@strawberry.enum
class CaseOrder(Enum):
    """Which case comes first."""

    OPENED_ON_DESC = "opened_on desc, id desc"


strawberry.enum(CaseStatus)


@strawberry.input
class CaseFilter:
    """Which cases."""

    status: list[CaseStatus] | None = None


@strawberry.type
class Query:
    """What can be asked."""

    @strawberry.field
    async def case(self, info: Info, id: strawberry.ID) -> Case | None:
        """A case by its id."""
        key = UUID(b64decode(id).decode().rpartition(":")[2])
        rows = await here(info).rows("select * from app.cases where id = :key", key=key)
        return case_of(rows[0]) if rows else None

    @strawberry.field
    async def cases(
        self,
        info: Info,
        first: int,
        filter: CaseFilter | None = None,
        order_by: CaseOrder = CaseOrder.OPENED_ON_DESC,
    ) -> CaseConnection:
        """A page of cases, newest first."""
        status = filter.status if filter else None
        where = "where status = any(:status)" if status else ""
        rows = await here(info).rows(
            f"select * from app.cases {where} order by {order_by.value} limit :limit",
            limit=first + 1,
            **({"status": [each.value for each in status]} if status else {}),
        )
        page = rows[:first]
        return CaseConnection(
            edges=[CaseEdge(node=case_of(row)) for row in page],
            page_info=PageInfo(
                has_next_page=len(rows) > first,
                end_cursor=global_id(str(page[-1].opened_on), page[-1].id) if page else None,
            ),
        )

    @strawberry.field
    async def self_help_groups(self, info: Info, first: int) -> GroupConnection:
        """A page of groups, by name."""
        rows = await here(info).rows(
            "select * from app.self_help_groups order by name, id limit :limit", limit=first
        )
        return GroupConnection(
            edges=[
                GroupEdge(
                    node=SelfHelpGroup(
                        key=r.id, id=global_id("SelfHelpGroup", r.id), name=r.name, status=r.status
                    )
                )
                for r in rows
            ]
        )


class Served(GraphQL[dict[str, Any], None]):
    """The endpoint."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request, and end its transaction."""
        request = Request(scope)
        request.state.here = Here(request)
        try:
            await super().__call__(scope, receive, send)
        finally:
            await request.state.here.close()

    async def get_context(self, request: Any, response: Any) -> dict[str, Any]:
        """The request's loaders."""
        return {"here": request.state.here}


async def readyz(_: Request) -> Response:
    """Whether it serves."""
    return Response("ready")


def app() -> Starlette:
    """The application."""
    schema = strawberry.Schema(Query, extensions=[lambda: ParserCache(1000), lambda: ValidationCache(1000)])
    return Starlette(routes=[Route("/readyz", readyz), Route("/graphql", Served(schema, graphql_ide=None))])


if __name__ == "__main__":
    uvicorn.run(app(), host="127.0.0.1", port=int(sys.argv[1]), log_level="warning", access_log=False)
