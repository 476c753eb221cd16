"""The diagnostic executor's connections: every row is fetched, and the page is cut in Python."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from .arguments import dig
from .connection import identity_of, order_of
from .cursors import CursorKey
from .declare import Connection, Filter, Item
from .diagnose_rows import NEW, Asked, Handle, Rows
from .keyset import terms_of
from .paging import read_cursor
from .sites import Site
from .templates import render


@dataclass(frozen=True)
class Edge:
    """One entry of a page."""

    row: Handle
    cursor: str
    item: Item
    asked: Asked


@dataclass
class PageOf:
    """A connection being resolved; its rows are fetched when a field needs them."""

    rows: Rows
    key: CursorKey
    declaration: Connection
    handle: Handle
    asked: Asked
    site: Site
    _cut: tuple[list[Edge], bool, bool] | None = field(default=None)

    @property
    def edges(self) -> list[Edge]:
        """The page."""
        return self._page()[0]

    @property
    def info(self) -> dict[str, Any]:
        """The page's place in the list."""
        edges, has_previous, has_next = self._page()
        return {
            "hasPreviousPage": has_previous,
            "hasNextPage": has_next,
            "startCursor": edges[0].cursor if edges else None,
            "endCursor": edges[-1].cursor if edges else None,
        }

    @property
    def total(self) -> int:
        """The whole list's length."""
        return self.rows.count(self.handle, self.declaration.source, self.asked, self._conditions())

    def _page(self) -> tuple[list[Edge], bool, bool]:
        if self._cut is None:
            self._cut = self._read()
        return self._cut

    def _read(self) -> tuple[list[Edge], bool, bool]:
        given, declaration = self._given, self.declaration
        backward = given("last") is not None or given("before") is not None
        order = order_of(declaration, self.asked.reader, self.asked.values)
        identity = identity_of(self.site, order)
        terms = terms_of(declaration.orders[order], declaration.source)
        edge = given("before" if backward else "after")
        cursor = (
            read_cursor(self.key, identity, edge, len(terms), self.site.path) if edge is not None else None
        )
        listed = self.rows.listed(
            self.handle, "", declaration.source, self.asked, self._conditions(), terms, cursor
        )
        size = given("last" if backward else "first")
        return self._cut_at(
            listed, cursor, declaration.default_page if size is None else size, backward, identity
        )

    def _cut_at(
        self,
        listed: Sequence[tuple[Handle | None, str | None]],
        cursor: Sequence[str | None] | None,
        size: int,
        backward: bool,
        identity: str,
    ) -> tuple[list[Edge], bool, bool]:
        position = next((n for n, (handle, _) in enumerate(listed) if handle is None), None)
        before: list[Edge] = []
        after: list[Edge] = []
        total = 0
        for n, (handle, payload) in enumerate(listed):
            if handle is None or payload is None:
                continue
            total += 1
            edge = Edge(handle, self.key.sign(identity, payload), self.declaration.item, self.asked)
            if cursor is not None and json.loads(payload) == list(cursor):
                continue
            (before if position is not None and n < position else after).append(edge)
        if not backward:
            behind = cursor is not None and total > len(after)
            return after[:size], behind, len(after) > size
        reachable = before if cursor is not None else after
        page = reachable[len(reachable) - size :] if size <= len(reachable) else reachable
        return page, len(reachable) > size, cursor is not None and total > len(before)

    def _given(self, name: str) -> Any:
        return self.asked.given(name) if name in self.asked.reader.definition.args else None

    def _conditions(self) -> list[str]:
        declaration = self.declaration
        conditions = [] if declaration.on is None else [self.asked.sql(declaration.on, n=NEW)]
        named = [(name, name, each) for name, each in declaration.arguments.items()]
        named += [
            (name, f"{declaration.filter_argument}.{name}", each)
            for name, each in declaration.filters.items()
        ]
        for _, argument, each in named:
            value = dig(self.asked.values, self.asked.reader.keys(argument))
            if value is not None:
                conditions.append(self._filter(each, value))
        return conditions

    def _filter(self, each: Filter, value: Any) -> str:
        cast = f"{self.asked.literal(value)}::{each.type}"
        return render(each.sql, {"t": NEW, "n": NEW, "value": cast})
