"""SQL for the fields that have no selections of their own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from graphql import GraphQLEnumType, get_named_type, is_abstract_type, is_enum_type, is_leaf_type

from .arguments import Field, plain
from .declare import Aggregate, Column, Expression, Finish, GlobalId
from .kinds import CODE, CODE_ARRAY, TEXT, Kind
from .price import COUNT, OBJECT
from .quote import literal
from .sites import NullViolation, Site, Step, UnknownEnum
from .statement import Scope, Value, constant_value
from .templates import render

if TYPE_CHECKING:
    from .compiler import Compiler

# PostgreSQL's base64 breaks lines after 76 characters, which stand for 57 bytes; a uuid has 36.
_UNBROKEN = 57 - 36


def leaf(compiler: Compiler, sql: str, declaration: Column | Expression | Aggregate, site: Site) -> Value:
    """A value of a kind, as its GraphQL type wants it."""
    value = _unguarded(compiler, sql, declaration.kind, site)
    return compiler.statement.present(value, site) if declaration.nullable else value


def _unguarded(compiler: Compiler, sql: str, kind: Kind, site: Site) -> Value:
    named = get_named_type(site.type)
    if is_enum_type(named) and not _is_stored_as_named(kind, named):
        if kind.is_list:
            return Value(_enum_array(compiler, sql, named, site), is_json=True)
        text = _enum_name(compiler, TEXT.embedded(sql), named, site, 0)
        return Value(text, text)
    if kind.is_list and kind is not CODE_ARRAY and site.is_required(1):
        # An array may hold NULLs, whatever the column's constraints say of the array itself.
        missing = compiler.statement.marker(site, 1, NullViolation())
        return Value(f"to_json(array_replace(({sql})::text[], null, {missing}))", is_json=True)
    return Value(kind.embedded(sql), kind.texted(sql), is_json=kind.is_list)


def _is_stored_as_named(kind: Kind, enumeration: GraphQLEnumType) -> bool:
    """Whether a stored text is the enum's name already: the column's constraint admits nothing else."""
    return kind in (CODE, CODE_ARRAY) and all(name == text for name, text in enum_stored(enumeration).items())


def enum_stored(kind: GraphQLEnumType) -> dict[str, str]:
    """An enum's names and the texts that stand for them in the database: its members' values."""
    return {name: str(plain(member.value)) for name, member in kind.values.items()}


def _enum_name(compiler: Compiler, text: str, kind: GraphQLEnumType, site: Site, level: int) -> str:
    """SQL for the name of a stored text; a text that is none of the enum's becomes an error."""
    unknown = compiler.statement.marker(site, level, UnknownEnum(kind.name), raw=text)
    arms = " ".join(
        f"when {literal(stored)} then {literal(name)}" for name, stored in enum_stored(kind).items()
    )
    return f"(case {text} {arms} else {unknown} end)"


def _enum_array(compiler: Compiler, sql: str, kind: GraphQLEnumType, site: Site) -> str:
    array, item = compiler.statement.alias(), compiler.statement.alias()
    name = _enum_name(compiler, f"{item}.stored", kind, site, 1)
    value = compiler.statement.present(Value(name, name), site, 1).embed
    names = f"select json_agg({value} order by {item}.place)"
    items = f"unnest({array}.stored) with ordinality {item}(stored, place)"
    return (
        f"(select case when {array}.stored is not null then coalesce(({names} from {items}), '[]'::json) end"
        f" from (select ({sql})::text[] as stored) {array})"
    )


def aggregate(compiler: Compiler, declaration: Aggregate, field: Field, scope: Scope) -> str:
    """SQL for a value of a subquery that fields with the same subquery share."""
    sql = compiler.sql(declaration.sql, field, scope)
    alias = scope.laterals.get(sql)
    if alias is None:
        alias = scope.laterals[sql] = compiler.statement.alias()
        compiler.statement.charges.add(COUNT, scope.multiple)
    return render(declaration.value, {"l": alias, "t": scope.alias})


def global_id(declaration: GlobalId, alias: str) -> Value:
    """base64 of the type's name and the row's key."""
    prefix = f"{declaration.type_name}:"
    text = f"encode(convert_to({literal(prefix)} || ({alias}.{declaration.column})::text, 'UTF8'), 'base64')"
    if len(prefix) > _UNBROKEN:
        text = rf"replace({text}, E'\n', '')"
    return Value(text, text)


def finish(compiler: Compiler, declaration: Finish, field: Field, scope: Scope) -> Value:
    """The raw JSON behind a marker, for a finishing step; NULL stays NULL."""
    raw = f"({compiler.sql(declaration.raw, field, scope)})::json::text"
    compiler.statement.charges.add(OBJECT, scope.multiple)
    marker = compiler.statement.marker(field.site, 0, Step(declaration.step), raw=raw)
    value = Value(marker, marker)
    return compiler.statement.present(value, field.site) if declaration.nullable else value


def constant(compiler: Compiler, value: Any, site: Site, level: int = 0) -> Value:
    """A value that is the same for every row; a mapping for an object, with __typename for an abstract type."""
    if value is None:
        return compiler.statement.present(constant_value(None), site, level)
    named = get_named_type(site.type)
    if is_leaf_type(named):
        return constant_value(plain(value))
    if level < site.depth:
        items = [constant(compiler, item, site, level + 1).embed for item in value]
        return Value(f"json_build_array({', '.join(items)})", is_json=True)
    fields: Mapping[str, Any] = value
    name = fields["__typename"] if is_abstract_type(named) else named.name
    return Value(compiler.object_at(name, fields, site), is_json=True)
