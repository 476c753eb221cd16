"""The standard executor over the same declarations: slow, naive, and therefore a judge of the compiler.

graphql-core executes field by field; resolvers ask the database for one value of one row at a time. It
shares the declarations and the forms of single values with the compiler, but nothing of how objects nest,
how pages are cut or how nulls climb.
"""

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from inspect import isawaitable
from typing import Any, cast

import orjson
from graphql import (
    GraphQLError,
    GraphQLLeafType,
    GraphQLObjectType,
    GraphQLResolveInfo,
    OperationType,
    execute_sync,
    get_named_type,
    is_enum_type,
    is_leaf_type,
    is_object_type,
    is_specified_scalar_type,
)
from graphql.execution import Executor
from graphql.execution.collect_fields import FieldDetails
from graphql.pyutils import inspect as show

from .arguments import Reader, decode_id, encode_key, plain
from .complete import Completed, FieldError
from .declare import (
    Aggregate,
    Audit,
    Choice,
    Column,
    Connection,
    Constant,
    Declaration,
    Expression,
    Finish,
    GlobalId,
    Leaf,
    NodeById,
    Same,
    ToMany,
    ToOne,
    Variant,
)
from .diagnose_pages import Edge, PageOf
from .diagnose_rows import LATERAL, ROW, Asked, Fetch, Handle, Rows
from .engine import Engine
from .errors import EngineError, NotCompilable
from .leaves import enum_stored
from .quote import json_literal, literal
from .registry import View, Viewer
from .sites import Site
from .templates import render


@dataclass(frozen=True)
class Fixed:
    """An object whose fields' values are given."""

    type_name: str
    values: Mapping[str, Any]


@dataclass(frozen=True)
class Written:
    """A leaf's value as the response spells it."""

    value: Any


class NaiveExecutor(Executor[Any]):
    """graphql-core's executor, told which type a value has and that values are JSON already."""

    # The two methods repeat graphql-core's signatures, whose types it does not export.

    def complete_abstract_value(self, return_type, details, info, path, result, context):  # type: ignore[no-untyped-def]  # as graphql-core's
        """The type is the value's own."""
        found = cast("GraphQLObjectType", self.schema.get_type(result.type_name))
        return self.collect_and_execute_subfields(found, details, path, result, context)

    def complete_object_value(self, return_type, details, info, path, result, context):  # type: ignore[no-untyped-def]  # as graphql-core's
        """A resolver of ours never returns an object of another type."""
        return self.collect_and_execute_subfields(return_type, details, path, result, context)

    @staticmethod
    def complete_leaf_value(return_type: GraphQLLeafType, result: Any) -> Any:
        """Stored texts of enums get their names; built-in scalars are checked; the rest is JSON."""
        if isinstance(result, Written):
            return result.value
        if is_enum_type(return_type):
            for name, stored in enum_stored(return_type).items():
                if stored == result:
                    return name
            raise GraphQLError(f"Enum '{return_type.name}' cannot represent value: {show(result)}")
        if is_specified_scalar_type(return_type):
            return_type.coerce_output_value(result)
        return result


@dataclass
class Interpreter:
    """Resolves fields as their declarations say."""

    engine: Engine
    view: View
    rows: Rows
    context: Any
    verbs: Mapping[str, Handle | Fixed]
    revealed: dict[tuple[str, str], None] = field(default_factory=dict)

    def resolve(
        self, next_: Callable[..., Any], parent: Any, info: GraphQLResolveInfo[Any], **values: Any
    ) -> Any:
        """graphql-core's middleware: every field that is not about the schema."""
        if info.parent_type.name.startswith("__") or info.field_name.startswith("__"):
            return next_(parent, info, **values)
        parent = Handle(info.parent_type.name) if parent is None else parent
        if info.operation.operation is OperationType.MUTATION and info.path.prev is None:
            return self.verbs[str(info.path.key)]
        site = site_of(info)
        if isinstance(parent, Fixed):
            return self._given(parent.values.get(info.field_name), info)
        if isinstance(parent, dict):
            return parent[info.field_name]()
        if isinstance(parent, PageOf | Edge):
            known = self._structural(parent, info)
            if known is not NotImplemented:
                return known
            parent = parent.row if isinstance(parent, Edge) else parent.handle
        return self._declared(parent, info, site, values)

    def _structural(self, parent: PageOf | Edge, info: GraphQLResolveInfo[Any]) -> Any:
        name = info.field_name
        if isinstance(parent, Edge):
            if name == "cursor":
                return parent.cursor
            return self._item(parent, info) if name == "node" else NotImplemented
        match name:
            case "edges":
                return parent.edges
            case "nodes":
                return [self._item(edge, info) for edge in parent.edges]
            case "pageInfo":
                return parent.info
            case "totalCount":
                return parent.total
        return NotImplemented

    def _item(self, edge: Edge, info: GraphQLResolveInfo[Any]) -> Any:
        row = edge.row.named(get_named_type(info.return_type).name)
        return self._variant(edge.item, row, edge.asked, info) if isinstance(edge.item, Choice) else row

    def _declared(
        self, row: Handle, info: GraphQLResolveInfo[Any], site: Site, values: Mapping[str, Any]
    ) -> Any:
        declaration = self.view.field(info.parent_type.name, info.field_name, site.path)
        reader = Reader(site.definition, info.field_nodes[0])
        asked = Asked(reader, values, self.view.rows, site.path)
        rule = self.view.type(info.parent_type.name, site.path)
        self._reveal(rule.audits, row)
        if isinstance(declaration, Leaf):
            self._reveal(declaration.audits, row)
            return self._leaf(declaration, row, asked)
        return self._object(declaration, row, asked, info, site)

    def _leaf(self, declaration: Leaf, row: Handle, asked: Asked) -> Any:
        match declaration:
            case Column(name=name, kind=kind):
                return self.rows.kind(row, f"{ROW}.{name}", kind)
            case Expression(sql=sql, kind=kind):
                return self.rows.kind(row, asked.sql(sql), kind)
            case Aggregate(sql=sql, value=value, kind=kind):
                wanted = render(value, {"l": LATERAL, "t": ROW})
                return self.rows.kind(row, wanted, kind, asked.sql(sql))
            case Finish(raw=raw, step=step):
                return self._finished(step, self.rows.value(row, f"({asked.sql(raw)})::json"))
        raise NotCompilable(f"{type(declaration).__name__} is no leaf")

    def _finished(self, step: str, raw: Any) -> Any:
        if raw is None:
            return None
        values = self.engine.steps[step]([raw], self.context)
        if isawaitable(values):
            raise EngineError(f"step {step} is asynchronous")
        value = values[0]
        if isinstance(value, FieldError):
            raise GraphQLError(value.message, extensions={"code": value.code})
        return None if value is None else Written(value)

    def _object(
        self, declaration: Declaration, row: Handle, asked: Asked, info: GraphQLResolveInfo[Any], site: Site
    ) -> Any:
        type_name = get_named_type(info.return_type).name
        match declaration:
            case GlobalId(type_name=name, column=column):
                sql = f"translate(encode(convert_to({literal(name + ':')} || {ROW}.{column}::text, 'UTF8'), 'base64'), E'\\n', '')"
                return self.rows.value(row, sql)
            case Constant(value=value):
                return self._given(value, info)
            case Same():
                return row.named(type_name)
            case Choice():
                return self._variant(declaration, row, asked, info)
            case ToOne():
                return self._to_one(declaration, type_name, row, asked, info)
            case ToMany(source=source, on=on, order=order, item=item):
                found = self.rows.related(row, type_name, source, asked, on, order)
                return (
                    [self._variant(item, one, asked, info) for one in found]
                    if isinstance(item, Choice)
                    else found
                )
            case Connection():
                return PageOf(self.rows, self.engine.cursor_key, declaration, row, asked, site, self._reveal)
            case NodeById(argument=argument):
                return self._node(asked.given(argument), type_name, site)
        raise NotCompilable(f"{site.name} is declared as {type(declaration).__name__}")

    def _to_one(
        self, declaration: ToOne, type_name: str, row: Handle, asked: Asked, info: GraphQLResolveInfo[Any]
    ) -> Any:
        found = self.rows.related(
            row, type_name, declaration.source, asked, declaration.on, declaration.order
        )
        if not found:
            return None
        if isinstance(declaration.item, Choice):
            return self._variant(declaration.item, found[0], asked, info)
        return found[0]

    def _variant(self, choice: Choice, row: Handle, asked: Asked, info: GraphQLResolveInfo[Any]) -> Any:
        for variant in choice.variants:
            if variant.condition is None or self.rows.value(row, f"({asked.sql(variant.condition)})"):
                return self._found(variant, row, asked, info)
        return None

    def _found(self, variant: Variant, row: Handle, asked: Asked, info: GraphQLResolveInfo[Any]) -> Any:
        path = site_of(info).path
        found = self.view.settled(variant.found, f"{info.parent_type.name}.{info.field_name}", path)
        match found:
            case Same():
                return row.named(variant.type_name)
            case Constant(value=value):
                return Fixed(value.get("__typename", variant.type_name), value)
            case ToOne():
                return self._to_one(found, variant.type_name, row, asked, info)
        raise NotCompilable(f"a variant cannot be {type(found).__name__}")

    def _node(self, value: Any, type_name: str, site: Site) -> Any:
        if value is None:
            return None
        name, key = decode_id(value, site.path)
        row = self.view.rows.get(name)
        interface = self.engine.schema.get_type(type_name)
        concrete = self.engine.schema.get_type(name)
        if row is None or not self.view.may_see(name) or not is_object_type(concrete):
            return None
        # What `get_type` finds by a name is wider than what `is_sub_type` takes: the one is the field's own type, the other an object type.
        if not self.engine.schema.is_sub_type(interface, concrete):  # type: ignore[arg-type]  # see above
            return None
        encoded = encode_key(key, row, site.path)
        return None if encoded is None else self.rows.by_key(name, row, encoded.decode())

    def _given(self, value: Any, info: GraphQLResolveInfo[Any]) -> Any:
        named = get_named_type(info.return_type)
        if isinstance(value, list):
            return [self._given(item, info) for item in value]
        if value is None:
            return None
        if is_leaf_type(named):
            return Written(plain(value))
        return Fixed(value.get("__typename", named.name), value)

    def _reveal(self, audit: Audit | None, row: Handle) -> None:
        if audit is not None:
            subject = self.rows.value(row, f"({render(audit.subject, {'t': ROW})})::uuid")
            if subject is not None:
                self.revealed[audit.field_class, subject] = None


def site_of(info: GraphQLResolveInfo[Any]) -> Site:
    """The place of the field being resolved; its path is right, its ancestors' types are not needed."""
    parent: Site | None = None
    keys = [key for key in info.path.as_list() if isinstance(key, str)]
    definition = info.parent_type.fields[info.field_name]
    details = [FieldDetails(node, None) for node in info.field_nodes]
    for key in keys:
        parent = Site(parent, key, info.parent_type.name, info.field_name, definition, details)
    assert parent is not None
    return parent


def diagnose(
    engine: Engine,
    document: str,
    operation_name: str | None,
    variables: Mapping[str, Any] | None,
    viewer: Viewer,
    viewer_key: Hashable,
    fetch: Fetch,
    context: Any = None,
    verbs: Mapping[str, Handle | Fixed] | None = None,
) -> Completed:
    """Execute an operation naively; ``fetch`` runs one SQL text and returns its rows as text.

    ``verbs`` maps a mutation's response keys to what its verbs returned. What may be refused before
    anything is read is refused exactly as in ``Engine.prepare``: by it.
    """
    operation = engine.operation(document, operation_name)
    if operation.kind is OperationType.QUERY:
        engine.prepare(document, operation_name, variables, viewer, viewer_key)
    rows = Rows(fetch)
    interpreter = Interpreter(engine, View(engine.declarations, viewer), rows, context, verbs or {})
    result = execute_sync(
        engine.schema,
        operation.document,
        variable_values=dict(variables or {}),
        operation_name=operation_name,
        middleware=[interpreter],
        executor_class=NaiveExecutor,
    )
    for error in result.errors or ():
        if isinstance(error.original_error, EngineError):
            raise error.original_error
        if error.original_error is not None and not isinstance(
            error.original_error, GraphQLError | TypeError
        ):
            raise error.original_error
    _record(engine, operation.digest, interpreter, rows)
    return Completed(orjson.dumps(result.data), [dict(error.formatted) for error in result.errors or ()])


def _record(engine: Engine, digest: str, interpreter: Interpreter, rows: Rows) -> None:
    """Audit what was revealed, as a compiled statement does."""
    audit = engine.settings.audit_sql
    if audit is not None and interpreter.revealed:
        pairs = json_literal(sorted(list(pair) for pair in interpreter.revealed))
        call = audit.replace("{operation}", f"{literal(digest)}::text").replace("{subjects}", f"({pairs})")
        rows.run(f"select ({call})::text")
