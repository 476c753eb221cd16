"""SQL for the fields that lead to other objects."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import TYPE_CHECKING

from graphql import get_named_type, is_abstract_type

from .arguments import Field, Reader, decode_id, encode_key, key_of
from .declare import Choice, Constant, Event, Item, NodeById, Order, Row, Same, Source, ToMany, ToOne, Variant
from .errors import BadArgument, NotCompilable
from .kinds import UUID
from .plan import Binding
from .quote import literal
from .sites import UnknownId
from .statement import Scope
from .templates import ids_of, term
from .values import Value, aggregated, plain_string, selected, selected_once, written

if TYPE_CHECKING:
    from .compiler import Compiler


def to_one(compiler: Compiler, declaration: ToOne, field: Field, scope: Scope) -> Value:
    """The one related row as an object, or NULL."""
    child = compiler.statement.scope(scope.multiple)
    body = item(compiler, declaration.item, field, child)
    value = _first(compiler, declaration, body, field, scope, child)
    for type_name, argument in ids_of(declaration.on):
        value = _noted(compiler, value, field, argument, {type_name})
    return compiler.statement.present(value, field.site) if declaration.nullable else value


def _first(
    compiler: Compiler, declaration: ToOne, body: Value, field: Field, scope: Scope, child: Scope
) -> Value:
    source = compiler.sql(declaration.source.sql, field, scope)
    on = compiler.sql(declaration.on, field, scope, n=alias_of(child))
    first = ""
    if declaration.order:
        first = f" order by {order_by(declaration.order, declaration.source, alias_of(child))} limit 1"
    return selected(body, f"from {source} {child.alias}{child.joins()} where {on}{first}")


def event(compiler: Compiler, declaration: Event, field: Field, scope: Scope) -> Value:
    """The object on the row that is given for each event."""
    child = compiler.statement.scope(scope.multiple)
    body = item(compiler, Same(), field, child)
    columns = ", ".join(
        f"{compiler.statement.parameter(_given(name), ('given', name))}::{kind.sql_type} as {name}"
        for name, kind in declaration.columns.items()
    )
    return selected(body, f"from (select {columns}) {child.alias}{child.joins()}")


def _given(name: str) -> Callable[[Binding], bytes | None]:
    return lambda binding: None if binding.row is None else binding.row.get(name)


def to_many(compiler: Compiler, declaration: ToMany, field: Field, scope: Scope) -> Value:
    """All related rows, as a list that is never NULL."""
    child = compiler.statement.scope(scope.multiple.times(declaration.estimate))
    alias = alias_of(child)
    body = item(compiler, declaration.item, field, child)
    source = compiler.sql(declaration.source.sql, field, scope)
    on = compiler.sql(declaration.on, field, scope, n=alias)
    order = order_by(declaration.order, declaration.source, alias)
    return selected_once(aggregated(body, order), f"from {source} {alias}{child.joins()} where {on}")


def item(compiler: Compiler, declaration: Item, field: Field, scope: Scope) -> Value:
    """The object or list item that stands on a scope's row."""
    named = get_named_type(field.site.type)
    if isinstance(declaration, Choice):
        chosen = _cases(compiler, declaration, field, scope)
        return compiler.statement.present(chosen, field.site, field.site.depth)
    if is_abstract_type(named):
        raise NotCompilable(f"{field.site.name} needs a Choice")
    return compiler.object_at(named.name, scope, field.site)


def choice(compiler: Compiler, declaration: Choice, field: Field, scope: Scope) -> Value:
    """The first variant whose condition is true, or NULL."""
    return compiler.statement.present(_cases(compiler, declaration, field, scope), field.site)


def _cases(compiler: Compiler, declaration: Choice, field: Field, scope: Scope) -> Value:
    arms, otherwise = [], written("null::text")
    with compiler.statement.charges.alternatives() as alternatives:
        for variant in declaration.variants:
            with alternatives.one():
                body = _variant(compiler, variant, field, scope)
            if variant.condition is None:
                otherwise = body
                break
            arms.append(f"when {compiler.sql(variant.condition, field, scope)} then {body.sql}")
    return written(f"(case {' '.join(arms)} else {otherwise.sql} end)") if arms else otherwise


def _variant(compiler: Compiler, variant: Variant, field: Field, scope: Scope) -> Value:
    site = field.site
    found = compiler.view.settled(variant.found, f"{site.name} as {variant.type_name}", site.path)
    match found:
        case Same():
            return compiler.object_at(variant.type_name, scope, site)
        case Constant():
            return compiler.object_at(found.value.get("__typename", variant.type_name), found.value, site)
        case ToOne():
            child = compiler.statement.scope(scope.multiple)
            body = compiler.object_at(variant.type_name, child, site)
            return _first(compiler, found, body, field, scope, child)
    raise NotCompilable(f"{site.name} cannot be {type(found).__name__}")


def node(compiler: Compiler, declaration: NodeById, field: Field) -> Value:
    """The object with a global id, if its type is one that the viewer may read; else NULL."""
    reader, path = field.reader, field.site.path
    keys = reader.keys(declaration.argument)

    given = reader.at(keys)

    def type_name(binding: Binding) -> bytes | None:
        value = given(binding)
        return None if value is None else decode_id(value, path)[0].encode()

    chosen = compiler.statement.parameter(type_name, ("type", id(reader), keys))
    arms = []
    with compiler.statement.charges.alternatives() as alternatives:
        for name, row in _readable(compiler, field):
            with alternatives.one():
                body = compiler.row(row, name, _key(compiler, name, row, field, keys), field.site)
            arms.append(f"when {literal(name)} then {body.sql}")
    sql = (
        f"(case {chosen}::text {' '.join(arms)} end)"
        if arms
        else f"(case {chosen}::text when '' then null::text end)"
    )
    value = _noted(compiler, written(sql), field, declaration.argument, compiler.view.rows.keys())
    return compiler.statement.present(value, field.site)


def _noted(
    compiler: Compiler, value: Value, field: Field, argument: str, type_names: Collection[str]
) -> Value:
    """The value of a root field, or a marker with the id that was asked for, if it is one of these types: nothing was found there."""
    site, reader = field.site, field.reader
    if site.parent is not None or site.is_required():
        return value
    keys, rows = reader.keys(argument), compiler.view.rows
    given = reader.at(keys)

    def asked(binding: Binding) -> bytes | None:
        id = given(binding)
        if id is None:
            return None
        type_name, key = decode_id(id, site.path)
        row = rows.get(type_name)
        if type_name not in type_names or row is None or row.kind is not UUID:
            return None
        try:
            encoded = encode_key(key, row, site.path)
        except BadArgument:
            # Of a type that the caller may not read: there it is refused by nobody.
            return None
        return None if encoded is None else b"%b:%b" % (type_name.encode(), encoded)

    statement = compiler.statement
    number = statement.parameter(asked, ("asked", id(reader), keys))
    marker = statement.marker(site, 0, UnknownId(), f"{number}::text")
    return written(f"coalesce({value.sql}, {plain_string(marker).sql})")


def _key(compiler: Compiler, name: str, row: Row, field: Field, keys: tuple[str, ...]) -> str:
    reader: Reader = field.reader
    given = reader.at(keys)
    number = compiler.statement.parameter(
        lambda binding: key_of(given(binding), name, row, field.site.path),
        ("id", id(reader), name, keys),
    )
    return f"{number}::{row.kind.sql_type}"


def _readable(compiler: Compiler, field: Field) -> Iterable[tuple[str, Row]]:
    schema = compiler.operation.schema
    possible = {each.name for each in schema.get_possible_types(get_named_type(field.site.type))}  # type: ignore[arg-type]  # the lint has seen an interface
    for name, row in compiler.view.rows.items():
        if name in possible and compiler.view.may_see(name):
            yield name, row


def alias_of(scope: Scope) -> str:
    """The alias of a scope that is known to have a row."""
    assert scope.alias is not None
    return scope.alias


def order_by(order: Iterable[Order], source: Source, alias: str) -> str:
    """The terms of an ORDER BY; the source's key breaks ties, so that an answer never depends on chance."""
    terms = [f"{term(each.by, alias)}{' desc' if each.desc else ''}" for each in order]
    named = {each.by for each in order}
    return ", ".join([*terms, *(f"{alias}.{column}" for column in source.key if column not in named)])
