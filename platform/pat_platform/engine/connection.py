"""Relay connections: one page by keyset, with only what the selection asks for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from graphql import GraphQLError, GraphQLObjectType, get_named_type, is_object_type
from graphql.execution.collect_fields import FieldDetailsList, GroupedFieldSet

from .arguments import Field, Reader, dig
from .cursors import cursor_sql
from .declare import Audit, Connection, Filter
from .errors import NotCompilable
from .keyset import beyond, ordered, terms_of
from .paging import window
from .price import CONNECTION, COUNT, OBJECT
from .relations import alias_of, item
from .sites import Site
from .statement import Scope
from .templates import render
from .values import Value, aggregated, known, plain_string, selected_once, written

if TYPE_CHECKING:
    from .compiler import Compiler, Entries


def order_of(declaration: Connection, reader: Reader, known: Mapping[str, object]) -> str:
    """The name of the order that the arguments choose."""
    argument = declaration.order_argument
    if argument not in reader.definition.args:
        return declaration.default_order
    chosen = dig(known, reader.keys(argument))
    return declaration.default_order if chosen is None else reader.enum_name(argument, chosen)


def identity_of(site: Site, order: str) -> str:
    """What a connection's cursors are signed for."""
    return f"{site.name}:{order}"


class Page:
    """One connection field being compiled."""

    def __init__(self, compiler: Compiler, declaration: Connection, field: Field, scope: Scope) -> None:
        self.compiler = compiler
        self.declaration = declaration
        self.field = field
        self.outer = scope
        statement = compiler.statement
        order = order_of(declaration, field.reader, field.known)
        self.identity = identity_of(field.site, order)
        self.terms = terms_of(declaration.orders[order], declaration.source)
        self.window = window(statement, declaration, field, compiler.cursor_key, self.identity, self.terms)
        self.inner = statement.scope(scope.multiple.times(self.window.size.rows))
        self.alias = alias_of(self.inner)
        self.is_read = False
        self._tells_of_all = False
        self._shows_nodes = False
        more = "hasPreviousPage" if self.window.backward else "hasNextPage"
        self.probes = more in self._page_info_fields()

    def value(self) -> Value:
        """SQL for the connection object."""
        members: dict[str, Callable[[Site], Value]] = {
            "edges": self._edges,
            "nodes": self._nodes,
            "pageInfo": self._page_info,
            "totalCount": self._total_count,
        }
        body = self._object(self.field.site, self.outer, members, self._revealed)
        charges = self.compiler.statement.charges
        charges.add(CONNECTION, self.outer.multiple)
        if not self.is_read:
            return body
        if not self._shows_nodes:
            charges.add(OBJECT, self.inner.multiple)
        return selected_once(body, f"from {self._rows()} {self.alias}{self.inner.joins()}")

    def _object(
        self,
        site: Site,
        scope: Scope,
        members: Mapping[str, Callable[[Site], Value]],
        hidden: Callable[[], Entries] = list,
    ) -> Value:
        """An object whose members belong to the connection's structure."""
        object_type = self._type(site)
        try:
            fields = self.compiler.operation.fields(object_type, site.details, self.compiler.variables)
        except GraphQLError as error:
            return self.compiler.statement.failed(site, site.depth, error)
        return self.compiler.object_of(object_type, fields, scope, site, members, hidden)

    def _revealed(self) -> Entries:
        """Hidden entries that name whom this list's order and filters reveal: those of its page, or all that match."""
        audit, texts = self.declaration.audits, []
        if audit is not None and self.is_read:
            texts.append(self._subjects(audit, self.alias))
        if audit is not None and self._tells_of_all:
            alias = self.compiler.statement.alias()
            rows = f"{self._source()} {alias}{self._where(self._filters(alias))}"
            texts.append(f"(select {self._subjects(audit, alias)} from {rows})")
        searched = self.declaration.searched
        if searched is not None and (self.is_read or self._tells_of_all):
            alias = self.compiler.statement.alias()
            subject = self.compiler.subject(searched.field_class, f"{alias}.id")
            texts.append(f"(select string_agg({subject}, ',') from ({searched.subjects}) {alias}(id))")
        return self.compiler.hidden(texts)

    def _subjects(self, audit: Audit, alias: str) -> str:
        subject = self.compiler.subject(audit.field_class, render(audit.subject, {"t": alias}))
        return f"string_agg(distinct {subject}, ',')"

    def _type(self, site: Site) -> GraphQLObjectType:
        found = get_named_type(site.type)
        if not is_object_type(found):
            raise NotCompilable(f"{site.name} is no connection")
        return found

    def _page_info_fields(self) -> set[str]:
        """The names of the fields that any selection of pageInfo asks for."""
        connection_type = self._type(self.field.site)
        found: set[str] = set()
        for details in self._below(connection_type, self.field.site.details).values():
            name = details[0].node.name.value
            if name == "pageInfo":
                info = get_named_type(connection_type.fields[name].type)
                found.update(each[0].node.name.value for each in self._below(info, details).values())
        return found

    def _below(self, kind: Any, details: FieldDetailsList) -> GroupedFieldSet:
        try:
            return self.compiler.operation.fields(kind, details, self.compiler.variables)
        except GraphQLError:
            # The error belongs to the object whose selection it is, and is reported there.
            return {}

    # Members

    def _edges(self, site: Site) -> Value:
        members = {"cursor": lambda _: self._cursor(), "node": self._node}
        return self._list(self._object(site, self.inner, members))

    def _nodes(self, site: Site) -> Value:
        return self._list(self._node(site))

    def _node(self, site: Site) -> Value:
        self._shows_nodes = True
        field = Field(site, self.field.reader, self.field.known)
        return item(self.compiler, self.declaration.item, field, self.inner)

    def _list(self, body: Value) -> Value:
        self.is_read = True
        part, size = "", self.window.size.sql
        if self.probes:
            # One row was asked for beyond the page, at the end that is farther from where it begins.
            backward = f"(greatest(count(*) - {size}, 0) + 1)::int4:"
            part = backward if self.window.backward else f":({size})::int4"
        # The rows come in this order, unless the page is one backward.
        return aggregated(body, ordered(self.terms, self.alias), part)

    def _total_count(self, site: Site) -> Value:
        self.compiler.statement.charges.add(COUNT, self.outer.multiple)
        self._tells_of_all = True
        alias = self.compiler.statement.alias()
        rows = f"{self._source()} {alias}{self._where(self._filters(alias))}"
        return written(f"(select count(*)::int4::text from {rows})", is_sure=True)

    def _page_info(self, site: Site) -> Value:
        more, behind = self._has_more, self._has_behind
        near, far = (
            (lambda site: self._end(site, f"least(count(*), {self.window.size.sql}, 1)")),
            (lambda site: self._end(site, f"least(count(*), {self.window.size.sql})")),
        )
        backward = self.window.backward
        members = {
            "hasNextPage": behind if backward else more,
            "hasPreviousPage": more if backward else behind,
            "startCursor": far if backward else near,
            "endCursor": near if backward else far,
        }
        return self._object(site, self.outer, members)

    def _has_more(self, site: Site) -> Value:
        self.is_read = True
        return written(f"(count(*) > {self.window.size.sql})::text", is_sure=True)

    def _end(self, site: Site, place: str) -> Value:
        """The cursor of the row at a place counted from where the page begins."""
        self.is_read = True
        order = ordered(self.terms, self.alias, backward=self.window.backward)
        there = (
            f"((array_agg({each.on(self.alias)} order by {order}))[({place})::int4])" for each in self.terms
        )
        texts = [each.spelled(value) for each, value in zip(self.terms, there, strict=True)]
        cursor = plain_string(f"(case when {place} > 0 then {self._signed(texts)} end)")
        return self.compiler.statement.present(cursor, site)

    def _cursor(self) -> Value:
        return plain_string(self._signed([each.text(self.alias) for each in self.terms]), is_sure=True)

    def _signed(self, texts: Sequence[str]) -> str:
        """SQL for the cursor of a row whose terms have these texts."""
        statement, key = self.compiler.statement, self.compiler.cursor_key
        payload = f"json_build_array({', '.join(texts)})::text"
        inner = statement.constant(_bytea(key.inner(self.identity))) + "::bytea"
        outer = statement.constant(_bytea(key.outer())) + "::bytea"
        return cursor_sql(payload, inner, outer)

    # Rows

    def _source(self) -> str:
        return self.compiler.sql(self.declaration.source.sql, self.field, self.outer)

    def _filters(self, alias: str) -> list[str]:
        """The conditions that hold for the whole list, not only for the page."""
        declaration = self.declaration
        conditions = []
        if declaration.on is not None:
            conditions.append(self.compiler.sql(declaration.on, self.field, self.outer, n=alias))
        for name, each in declaration.arguments.items():
            conditions += self._filter(name, each, alias)
        for name, each in declaration.filters.items():
            conditions += self._filter(f"{declaration.filter_argument}.{name}", each, alias)
        return conditions

    def _filter(self, argument: str, each: Filter, alias: str) -> list[str]:
        keys = self.field.reader.keys(argument)
        known = dig(self.field.known, keys)
        if known is None:
            return []
        is_single = isinstance(known, list) and len(known) == 1
        sql = each.single if is_single and each.single is not None else each.sql
        value = f"{self.compiler.bound(keys, self.field)}::{each.type}"
        return [f"({render(sql, {'t': alias, 'n': alias, 'value': value})})"]

    def _where(self, conditions: list[str]) -> str:
        return f" where {' and '.join(conditions)}" if conditions else ""

    def _rows(self) -> str:
        """The page's rows, and one more where the selection asks whether there are any."""
        statement, page = self.compiler.statement, self.window
        alias = statement.alias()
        conditions = self._filters(alias)
        if page.cursor is not None:
            conditions.append(beyond(self.terms, page.cursor(), alias, backward=page.backward))
        order = ordered(self.terms, alias, backward=page.backward)
        limit = page.size.one_more if self.probes else page.size.sql
        return (
            f"(select {alias}.* from {self._source()} {alias}{self._where(conditions)}"
            f" order by {order} limit {limit})"
        )

    def _has_behind(self, site: Site) -> Value:
        """Whether there are rows on the cursor's other side; without a cursor there is no other side."""
        page = self.window
        if page.cursor is None:
            return known(False)
        self._tells_of_all = True
        alias = self.compiler.statement.alias()
        behind = beyond(self.terms, page.cursor(), alias, backward=not page.backward, inclusive=True)
        where = self._where([*self._filters(alias), behind])
        return written(f"exists (select from {self._source()} {alias}{where})::text", is_sure=True)


def _bytea(value: bytes) -> bytes:
    return b"\\x" + value.hex().encode()
