"""What everything with an id shares, and pages of it."""

from __future__ import annotations

from typing import Generic, TypeVar

import strawberry

from pat_schema.declaring import described

T = TypeVar("T")


@strawberry.interface(description="Anything with an id that `node(id)` finds again. Ids are opaque.")
class Node:
    """Relay's Node."""

    id: strawberry.ID


@described
class PageInfo:
    """Where a page stands in the whole list (Relay)."""

    has_next_page: bool
    has_previous_page: bool
    start_cursor: str | None
    end_cursor: str | None


@described
class Edge(Generic[T]):
    """One item of a page, and the cursor to go on from."""

    cursor: str
    node: T


@described
class Connection(Generic[T]):
    """A page of a list (Relay). `totalCount` is counted only when it is asked for."""

    edges: list[Edge[T]]
    page_info: PageInfo
    total_count: int
