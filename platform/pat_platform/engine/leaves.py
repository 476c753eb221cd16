"""SQL for the fields that have no selections of their own."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from graphql import GraphQLEnumType, get_named_type, is_abstract_type, is_enum_type, is_leaf_type

from .arguments import Field, plain
from .declare import Aggregate, Column, Expression, Finish, GlobalId
from .kinds import CODE, CODE_ARRAY, Kind
from .price import COUNT, OBJECT
from .quote import literal
from .sites import NullViolation, Site, Step, UnknownEnum
from .statement import Scope
from .templates import render
from .values import Value, aggregated, array_of, known, plain_string, selected_once, string, written

if TYPE_CHECKING:
    from .compiler import Compiler

# PostgreSQL's base64 breaks lines after 76 characters, which stand for 57 bytes; a uuid has 36.
_UNBROKEN = 57 - 36


def leaf(compiler: Compiler, sql: str, declaration: Column | Expression | Aggregate, site: Site) -> Value:
    """A value of a kind, as its GraphQL type wants it."""
    value = _unguarded(compiler, sql, declaration.kind, site, is_sure=not declaration.nullable)
    return compiler.statement.present(value, site) if declaration.nullable else value


def _unguarded(compiler: Compiler, sql: str, kind: Kind, site: Site, *, is_sure: bool) -> Value:
    named = get_named_type(site.type)
    if is_enum_type(named):
        if not _is_stored_as_named(kind, named):
            return _enum(compiler, sql, kind, named, site)
        if not kind.is_list:
            return plain_string(f"({sql})::text", is_sure=is_sure)
    if kind.is_list and kind is not CODE_ARRAY and site.is_required(1):
        # An array may hold NULLs, whatever the column's constraints say of the array itself.
        missing = compiler.statement.marker(site, 1, NullViolation())
        return string(f"array_replace(({sql})::text[], null, {missing})")
    text = kind.texted(sql)
    if text is not None and kind.is_plain:
        return plain_string(text, is_sure=is_sure)
    return written(kind.written(sql), is_sure=is_sure)


def _enum(compiler: Compiler, sql: str, kind: Kind, named: GraphQLEnumType, site: Site) -> Value:
    if kind.is_list:
        return _enum_array(compiler, sql, named, site)
    return _enum_name(compiler, f"({sql})::text", named, site, 0)


def _is_stored_as_named(kind: Kind, enumeration: GraphQLEnumType) -> bool:
    """Whether a stored text is the enum's name already: the column's constraint admits nothing else."""
    return (kind is CODE or kind is CODE_ARRAY) and _stores_names(enumeration)


@lru_cache(maxsize=256)
def _stores_names(enumeration: GraphQLEnumType) -> bool:
    return all(name == text for name, text in enum_stored(enumeration).items())


def enum_stored(kind: GraphQLEnumType) -> dict[str, str]:
    """An enum's names and the texts that stand for them in the database: its members' values."""
    return {name: str(plain(member.value)) for name, member in kind.values.items()}


def _enum_name(compiler: Compiler, text: str, kind: GraphQLEnumType, site: Site, level: int) -> Value:
    """The name of a stored text; a text that is none of the enum's becomes an error."""
    unknown = compiler.statement.marker(site, level, UnknownEnum(kind.name), raw=text)
    arms = " ".join(
        f"when {literal(stored)} then {known(name).sql}" for name, stored in enum_stored(kind).items()
    )
    return written(f"(case {text} {arms} else {string(unknown).sql} end)")


def _enum_array(compiler: Compiler, sql: str, kind: GraphQLEnumType, site: Site) -> Value:
    array, item = compiler.statement.alias(), compiler.statement.alias()
    name = _enum_name(compiler, f"{item}.stored", kind, site, 1)
    names = aggregated(compiler.statement.present(name, site, 1), f"{item}.place")
    found = selected_once(names, f"from unnest({array}.stored) with ordinality {item}(stored, place)")
    return written(
        f"(select case when {array}.stored is not null then {found.sql} end"
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
    return plain_string(text, is_sure=True)


def finish(compiler: Compiler, declaration: Finish, field: Field, scope: Scope) -> Value:
    """The raw JSON beside a marker, for a finishing step; NULL stays NULL."""
    raw = f"({compiler.sql(declaration.raw, field, scope)})"
    compiler.statement.charges.add(OBJECT, scope.multiple)
    value = compiler.statement.step(field.site, Step(declaration.step), raw)
    return compiler.statement.present(value, field.site) if declaration.nullable else value


def constant(compiler: Compiler, value: Any, site: Site, level: int = 0) -> Value:
    """A value that is the same for every row; a mapping for an object, with __typename for an abstract type."""
    if value is None:
        return compiler.statement.missing(site, level)
    named = get_named_type(site.type)
    if is_leaf_type(named):
        return known(plain(value))
    if level < site.depth:
        return array_of(constant(compiler, item, site, level + 1) for item in value)
    fields: Mapping[str, Any] = value
    name = fields["__typename"] if is_abstract_type(named) else named.name
    return compiler.object_at(name, fields, site)
