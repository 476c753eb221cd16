"""The diagnostic executor's connections: every row is fetched, and the page is cut in Python."""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from .arguments import dig
from .connection import identity_of, order_of
from .cursors import CursorKey
from .declare import Audit, Connection, Filter, Item
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
    """A connection being resolved; its rows are fetched, and said to be revealed, when a field needs them."""

    rows: Rows
    key: CursorKey
    declaration: Connection
    handle: Handle
    asked: Asked
    site: Site
    reveal: Callable[[Audit, Handle], None]
    _cut: tuple[list[Edge], bool, bool] | None = field(default=None)
    _matching: list[Handle] = field(default_factory=list)
    _next: list[Handle] = field(default_factory=list)

    @property
    def edges(self) -> list[Edge]:
        """The page."""
        edges = self._page()[0]
        self._tell(each.row for each in edges)
        return edges

    @property
    def info(self) -> dict[str, Callable[[], Any]]:
        """The page's place in the list: each field's value when it is asked for."""
        return {
            "hasPreviousPage": lambda: self._has(1, is_more=self._is_backward()),
            "hasNextPage": lambda: self._has(2, is_more=not self._is_backward()),
            "startCursor": lambda: next((each.cursor for each in self.edges), None),
            "endCursor": lambda: next((each.cursor for each in reversed(self.edges)), None),
        }

    def _has(self, place: int, *, is_more: bool) -> bool:
        found = bool(self._page()[place])
        if is_more:
            self._tell([*(each.row for each in self.edges), *self._next])
        elif self._given("after") is not None or self._given("before") is not None:
            self._tell(self._matching)
        return found

    def _tell(self, rows: Iterable[Handle]) -> None:
        if self.declaration.audits is not None:
            for row in rows:
                self.reveal(self.declaration.audits, row)

    def _is_backward(self) -> bool:
        return self._given("last") is not None or self._given("before") is not None

    @property
    def total(self) -> int:
        """The whole list's length."""
        if self.declaration.audits is not None:
            self._page()
            self._tell(self._matching)
        return self.rows.count(self.handle, self.declaration.source, self.asked, self._conditions())

    def _page(self) -> tuple[list[Edge], bool, bool]:
        if self._cut is None:
            self._cut = self._read()
        return self._cut

    def _read(self) -> tuple[list[Edge], bool, bool]:
        given, declaration = self._given, self.declaration
        backward = self._is_backward()
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
        self._matching = [handle for handle, _ in listed if handle is not None]
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
            self._next = [each.row for each in after[size : size + 1]]
            return after[:size], behind, len(after) > size
        reachable = before if cursor is not None else after
        self._next = [each.row for each in reachable[: max(len(reachable) - size, 0)][-1:]]
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
