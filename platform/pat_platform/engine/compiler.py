"""GraphQL selections become one SQL statement that returns the finished JSON."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from graphql import GraphQLError, GraphQLObjectType, get_named_type, is_object_type
from graphql.execution.collect_fields import FieldDetailsList
from graphql.execution.values import VariableValues

from .arguments import Field, Reader, encode, key_of
from .connection import Page
from .cursors import CursorKey
from .declare import (
    Aggregate,
    Audit,
    Choice,
    Column,
    Connection,
    Constant,
    Declaration,
    Event,
    Expression,
    Finish,
    GlobalId,
    Leaf,
    NodeById,
    Row,
    Same,
    ToMany,
    ToOne,
)
from .document import Operation
from .errors import DeclarationError, NotCompilable
from .leaves import aggregate, constant, finish, global_id, leaf
from .price import OBJECT, Multiple
from .registry import View
from .relations import choice, event, node, to_many, to_one
from .sites import Introspected, Site
from .statement import Scope, Statement
from .templates import render
from .values import Piece, Sql, Value, concatenated, known, object_of, plain_string, selected

ABOUT_SCHEMA = ("__schema", "__type")
Entries = list[tuple[tuple[Piece, ...], Value]]


class Compiler:
    """Compiles one operation for one viewer; made anew for each plan."""

    def __init__(self, operation: Operation, view: View, variables: VariableValues, key: CursorKey) -> None:
        self.operation = operation
        self.view = view
        self.variables = variables
        self.cursor_key = key
        self.statement = Statement()

    def root(self, fields: Mapping[str, FieldDetailsList]) -> Value:
        """The whole data."""
        scope = Scope(None, Multiple())
        body = self.object_of(self.operation.root_type, fields, scope, None)
        return selected(body, f"from (select) _0{scope.joins()}") if scope.laterals else body

    def row(self, row: Row, type_name: str, key: str, site: Site) -> Value:
        """The object of a row, null if there is none; ``key`` is SQL of its key's type."""
        scope = self.statement.scope(Multiple())
        body = self.object_at(type_name, scope, site)
        source = f"{row.source.sql} {scope.alias}{scope.joins()}"
        return selected(body, f"from {source} where {scope.alias}.{row.column} = {key}")

    def object_at(self, type_name: str, scope: Scope | Mapping[str, Any], site: Site) -> Value:
        """An object at a site: on the row of a scope, or made of constants."""
        object_type = self.operation.schema.get_type(type_name)
        if not is_object_type(object_type):
            raise NotCompilable(f"{type_name} is no object type")
        try:
            fields = self.operation.fields(object_type, site.details, self.variables)
        except GraphQLError as error:
            return self.statement.failed(site, site.depth, error)
        if isinstance(scope, Scope):
            return self.object_of(object_type, fields, scope, site)
        return self.constant_object(object_type, fields, scope, site)

    def object_of(
        self,
        object_type: GraphQLObjectType,
        fields: Mapping[str, FieldDetailsList],
        scope: Scope,
        parent: Site | None,
        given: Mapping[str, Any] | None = None,
        hidden: Callable[[], Entries] = list,
    ) -> Value:
        """An object with these fields.

        ``given`` maps names of fields to functions that compile them from their site, for those that
        belong to a structure and have no declaration. ``hidden`` gives entries that are known once these are compiled.
        """
        if parent is not None and given is None:
            self.statement.charges.add(OBJECT, scope.multiple)
        audits: dict[tuple[str, str], None] = {}
        rule = self.view.type(object_type.name, parent.path if parent else ())
        entries: Entries = []
        for key, details in fields.items():
            name = details[0].node.name.value
            if name == "__typename":
                value = known(object_type.name)
            else:
                site = self.site(object_type, key, details, parent)
                self.audit(rule.audits, scope, audits)
                value = given[name](site) if given and name in given else self.field(site, scope, audits)
            entries.append(((key,), value))
        return object_of([*entries, *self.revealed(audits), *hidden()])

    def constant_object(
        self,
        object_type: GraphQLObjectType,
        fields: Mapping[str, FieldDetailsList],
        values: Mapping[str, Any],
        parent: Site,
    ) -> Value:
        """An object whose fields' values are given."""
        self.view.type(object_type.name, parent.path)
        entries: Entries = []
        for key, details in fields.items():
            name = details[0].node.name.value
            if name == "__typename":
                value = known(object_type.name)
            else:
                value = constant(self, values.get(name), self.site(object_type, key, details, parent))
            entries.append(((key,), value))
        return object_of(entries)

    def site(
        self, object_type: GraphQLObjectType, key: str, details: FieldDetailsList, parent: Site | None
    ) -> Site:
        """The site of a field of an object."""
        name = details[0].node.name.value
        definition = self.operation.schema.get_field(object_type, name)
        if definition is None:
            raise NotCompilable(f"{object_type.name} has no field {name}")
        return Site(parent, key, object_type.name, name, definition, details)

    def field(self, site: Site, scope: Scope, audits: dict[tuple[str, str], None]) -> Value:
        """SQL for one declared field of an object."""
        if site.parent is None and site.field_name in ABOUT_SCHEMA:
            return plain_string(self.statement.marker(site, 0, Introspected()), is_sure=True)
        declaration = self.view.field(site.type_name, site.field_name, site.path)
        reader = Reader(site.definition, site.details[0].node)
        try:
            field = Field(site, reader, reader.read(self.variables))
        except GraphQLError as error:
            return self.statement.failed(site, 0, error)
        if isinstance(declaration, Leaf):
            self.audit(declaration.audits, scope, audits)
        return self.value(declaration, field, scope)

    def value(self, declaration: Declaration, field: Field, scope: Scope) -> Value:
        """SQL for a field as its declaration says."""
        match declaration:
            case Column():
                return leaf(self, f"{row_alias(scope)}.{declaration.name}", declaration, field.site)
            case Expression():
                return leaf(self, self.sql(declaration.sql, field, scope), declaration, field.site)
            case Aggregate():
                return leaf(self, aggregate(self, declaration, field, scope), declaration, field.site)
            case GlobalId():
                return global_id(declaration, row_alias(scope))
            case Finish():
                return finish(self, declaration, field, scope)
            case Constant():
                return constant(self, declaration.value, field.site)
            case Same():
                name = get_named_type(field.site.type).name
                return self.object_at(name, scope, field.site)
            case Choice():
                return choice(self, declaration, field, scope)
            case ToOne():
                return to_one(self, declaration, field, scope)
            case ToMany():
                return to_many(self, declaration, field, scope)
            case Connection():
                return Page(self, declaration, field, scope).value()
            case NodeById():
                return node(self, declaration, field)
            case Event():
                return event(self, declaration, field, scope)
        raise NotCompilable(f"{field.site.name} is declared as {type(declaration).__name__}")

    def sql(self, template: str, field: Field, scope: Scope, **names: str) -> str:
        """A declaration's SQL with its names replaced and its arguments bound."""
        return render(
            template, {"t": scope.alias, **names}, lambda kind, what: self.argument(kind, what, field)
        )

    def argument(self, kind: str, what: str, field: Field) -> str:
        """``$n`` for an argument, or for the key inside an argument that is a global id."""
        reader, path = field.reader, field.site.path
        if kind == "arg":
            return self.bound(reader.keys(what), field)
        type_name, _, name = what.partition(":")
        keys = reader.keys(name)
        row = self.view.rows.get(type_name)
        if row is None:
            raise DeclarationError(f"{type_name} has no row by id")
        value = reader.at(keys)
        return self.statement.parameter(
            lambda binding: key_of(value(binding), type_name, row, path),
            ("id", id(reader), type_name, keys),
        )

    def bound(self, keys: tuple[str, ...], field: Field) -> str:
        """``$n`` for the argument's value at a path of keys."""
        reader, path = field.reader, field.site.path
        value = reader.at(keys)
        return self.statement.parameter(
            lambda binding: encode(value(binding), path), ("arg", id(reader), keys)
        )

    def audit(self, audit: Audit | None, scope: Scope, audits: dict[tuple[str, str], None]) -> None:
        """Note that an object reveals something about a subject."""
        if audit is not None:
            audits[audit.field_class, render(audit.subject, {"t": scope.alias})] = None

    def revealed(self, audits: Iterable[tuple[str, str]]) -> Entries:
        """Hidden entries, under keys that no client can choose, that name whom an object reveals."""
        texts = [self.subject(field_class, subject) for field_class, subject in audits]
        return self.hidden(texts)

    def subject(self, field_class: str, subject: str) -> str:
        """SQL of a text that names one subject; NULL where there is none."""
        return concatenated(
            (Sql(self.statement.token()), f"@:{field_class}:", Sql(f"({subject})::uuid::text"))
        )

    def hidden(self, texts: Iterable[str]) -> Entries:
        """Hidden entries of such texts (SQL), of one subject or of several."""
        entries: Entries = []
        for number, text in enumerate(texts):
            self.statement.audited = True
            entries.append(((Sql(self.statement.token()), f"@{number}"), plain_string(text)))
        return entries


def row_alias(scope: Scope) -> str:
    """The alias of the scope's row. Raises DeclarationError where there is no row."""
    if scope.alias is None:
        raise DeclarationError("a column needs a row")
    return scope.alias
