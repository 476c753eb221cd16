"""Whether the declarations cover a schema and fit it: asked once, at start, so that no request finds out."""

import re
from collections.abc import Collection, Iterable

from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    is_abstract_type,
    is_enum_type,
    is_input_object_type,
    is_introspection_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
    is_object_type,
    is_specified_scalar_type,
)

from .declare import (
    Aggregate,
    Choice,
    Column,
    Connection,
    Constant,
    Declaration,
    Deferred,
    DeferredRow,
    Event,
    Expression,
    Finish,
    GlobalId,
    Leaf,
    NodeById,
    Same,
    ToMany,
    ToOne,
    Variant,
    Verb,
)
from .errors import DeclarationError
from .kinds import CODE, CODE_ARRAY, TEXT, UUID
from .registry import Declarations
from .templates import arguments_of

CONNECTION_FIELDS = frozenset({"edges", "nodes", "pageInfo", "totalCount"})
PAGE_INFO_FIELDS = frozenset({"hasNextPage", "hasPreviousPage", "startCursor", "endCursor"})
EDGE_FIELDS = frozenset({"cursor", "node"})
PAGE_ARGUMENTS = frozenset({"first", "last", "after", "before"})


def lint(schema: GraphQLSchema, declarations: Declarations, steps: Collection[str]) -> frozenset[str]:
    """The names of the fields whose value is checked for null: not null in GraphQL, nullable in SQL.

    Raises DeclarationError with every problem found.
    """
    found = _Lint(schema, declarations, steps)
    found.run()
    if found.problems:
        raise DeclarationError("\n".join(found.problems))
    return frozenset(found.checked)


class _Lint:
    def __init__(self, schema: GraphQLSchema, declarations: Declarations, steps: Collection[str]) -> None:
        self.schema = schema
        self.declarations = declarations
        self.steps = steps
        self.problems: list[str] = []
        self.checked: set[str] = set()
        self.structural = self._structural()

    def run(self) -> None:
        exempt = {*self.declarations.constants}
        for name, kind in self.schema.type_map.items():
            if is_object_type(kind) and not is_introspection_type(kind) and name not in exempt:
                self._object(kind)
        for name, fields in self.declarations.fields.items():
            owner = self.schema.get_type(name)
            known = owner.fields if is_object_type(owner) else {}
            self.problems += [
                f"{name}.{field} is not in the schema" for field in fields if field not in known
            ]
        for name, row in self.declarations.rows.items():
            if not is_object_type(self.schema.get_type(name)):
                self.problems.append(f"{name} has a row but is no object type")
            options = row.options if isinstance(row, DeferredRow) else (row,)
            if any(option.kind not in (UUID, TEXT) for option in options):
                self.problems.append(f"{name}: a row's key is a uuid or text")

    def _structural(self) -> dict[str, frozenset[str]]:
        """The types that connections bring with them, and the fields that need no declaration there."""
        found: dict[str, frozenset[str]] = {}
        for type_name, fields in self.declarations.fields.items():
            kind = self.schema.get_type(type_name)
            for field_name, declaration in fields.items():
                definition = kind.fields.get(field_name) if is_object_type(kind) else None
                if definition is None or not any(isinstance(d, Connection) for d in _options(declaration)):
                    continue
                connection = get_named_type(definition.type)
                if not is_object_type(connection):
                    continue
                found[connection.name] = CONNECTION_FIELDS
                for name, known in (("edges", EDGE_FIELDS), ("pageInfo", PAGE_INFO_FIELDS)):
                    if name in connection.fields:
                        found[get_named_type(connection.fields[name].type).name] = known
        return found

    def _object(self, kind: GraphQLObjectType) -> None:
        structural = self.structural.get(kind.name, frozenset())
        declared = self.declarations.fields.get(kind.name, {})
        for name, definition in kind.fields.items():
            if name in structural and name not in declared:
                continue
            if name not in declared:
                self.problems.append(f"{kind.name}.{name} has no declaration")
                continue
            options = list(_options(declared[name]))
            for place, declaration in enumerate(options):
                if isinstance(declaration, Connection):
                    for problem in self._audits(definition, declaration, place, len(options)):
                        self.problems.append(f"{kind.name}.{name}: {problem}")
                for problem in self._field(f"{kind.name}.{name}", definition, declaration):
                    self.problems.append(f"{kind.name}.{name}: {problem}")

    def _field(self, name: str, definition: GraphQLField, declaration: Declaration) -> Iterable[str]:
        named = get_named_type(definition.type)
        if isinstance(declaration, Leaf):
            yield from self._leaf(name, definition, declaration)
        elif isinstance(declaration, GlobalId):
            if is_specified_scalar_type(named) and named.name not in ("ID", "String"):
                yield "a global id is an ID"
        elif isinstance(declaration, ToMany):
            if not _is_list(definition):
                yield "ToMany needs a list"
            yield from self._item(named, declaration.item)
        elif isinstance(declaration, ToOne):
            if _is_list(definition) or is_leaf_type(named):
                yield "ToOne needs an object"
            yield from self._item(named, declaration.item)
        elif isinstance(declaration, Same | Event):
            if not is_object_type(named):
                yield f"{type(declaration).__name__} needs an object type"
        elif isinstance(declaration, Choice):
            yield from self._variants(named, declaration.variants)
        elif isinstance(declaration, NodeById):
            if not is_abstract_type(named):
                yield "NodeById needs an interface"
        elif isinstance(declaration, Connection):
            yield from self._connection(definition, declaration)
        # The arguments of verbs and of events are for their callers.
        if not isinstance(declaration, Verb | Event | NodeById | Connection):
            yield from self._arguments(definition, declaration)

    def _leaf(self, name: str, definition: GraphQLField, declaration: Leaf) -> Iterable[str]:
        named = get_named_type(definition.type)
        if not is_leaf_type(named):
            yield f"{type(declaration).__name__} needs a scalar or an enum"
            return
        if declaration.nullable and is_non_null_type(definition.type):
            self.checked.add(name)
        if isinstance(declaration, Finish):
            if declaration.step not in self.steps:
                yield f"there is no step {declaration.step}"
            return
        assert isinstance(declaration, Column | Expression | Aggregate)
        kind = declaration.kind
        if is_enum_type(named):
            if kind not in (TEXT, CODE) and not kind.is_list:
                yield "an enum is stored as text"
        elif kind in (CODE, CODE_ARRAY):
            yield f"{kind.name} needs an enum"
        elif is_specified_scalar_type(named) and named.name not in kind.fits:
            yield f"{kind.name} does not fit {named.name}"
        builtin = is_specified_scalar_type(named) or is_enum_type(named)
        if builtin and kind.is_list != _is_list(definition):
            yield f"{kind.name} does not fit {definition.type}"

    def _item(self, named: GraphQLNamedType, item: Same | Choice) -> Iterable[str]:
        if isinstance(item, Choice):
            yield from self._variants(named, item.variants)
        elif not is_object_type(named):
            yield f"{named.name} needs a Choice"

    def _variants(self, named: GraphQLNamedType, variants: tuple[Variant, ...]) -> Iterable[str]:
        concrete = self.schema.get_possible_types(named) if is_abstract_type(named) else [named]
        possible = {each.name for each in concrete}
        for variant in variants:
            if variant.type_name not in possible:
                yield f"{variant.type_name} is no {named.name}"
            for found in _options(variant.found):
                if isinstance(found, Constant) and is_object_type(self.schema.get_type(variant.type_name)):
                    yield from self._constant(variant.type_name, found)

    def _constant(self, type_name: str, constant: Constant) -> Iterable[str]:
        kind = self.schema.get_type(type_name)
        assert is_object_type(kind)
        for name, definition in kind.fields.items():
            if is_non_null_type(definition.type) and constant.value.get(name) is None:
                yield f"the constant {type_name} lacks {name}"

    def _connection(self, definition: GraphQLField, declaration: Connection) -> Iterable[str]:
        named = get_named_type(definition.type)
        if not is_object_type(named) or not {"edges", "nodes"} & set(named.fields):
            yield "a Connection needs a connection type"
        yield from self._orders(definition, declaration)
        known = {*PAGE_ARGUMENTS, declaration.order_argument, *declaration.arguments}
        filters = definition.args.get(declaration.filter_argument)
        names: set[str] = set()
        if filters is not None:
            known.add(declaration.filter_argument)
            kind = get_named_type(filters.type)
            names = set(kind.fields) if is_input_object_type(kind) else set()
        for name in names ^ set(declaration.filters):
            yield f"filter {name} is not both an input field and a Filter"
        used = arguments_of(f"{declaration.source.sql} {declaration.on or ''}")
        for name in set(definition.args) - known - used:
            yield f"argument {name} is not used"
        for name in (used | set(declaration.arguments)) - set(definition.args):
            yield f"there is no argument {name}"

    def _orders(self, definition: GraphQLField, declaration: Connection) -> Iterable[str]:
        if declaration.default_order not in declaration.orders:
            yield f"there is no order {declaration.default_order}"
        for name, terms in declaration.orders.items():
            yield from (f"order {name}: {each.by} has no kind" for each in terms if each.kind is None)
        argument = definition.args.get(declaration.order_argument)
        if argument is None:
            return
        kind = get_named_type(argument.type)
        if not isinstance(kind, GraphQLEnumType):
            yield f"{declaration.order_argument} is no enum"
            return
        yield from (f"there is no order {name}" for name in kind.values if name not in declaration.orders)

    def _audits(
        self, definition: GraphQLField, declaration: Connection, place: int, options: int
    ) -> Iterable[str]:
        """Cursors carry what a list is ordered by, and a filter finds it out by halves: so both are reads of it.

        Where list and column are chosen from the viewer among as many options, those in the same place go together.
        """
        terms = [each.by for order in declaration.orders.values() for each in order]
        conditions = [each.sql for each in (*declaration.filters.values(), *declaration.arguments.values())]
        used = set(re.findall(r"\w+", " ".join((*terms, *conditions))))
        for name in self._nodes(get_named_type(definition.type)):
            for field in self.declarations.fields.get(name, {}).values():
                columns = list(_options(field))
                together = columns[place : place + 1] if len(columns) == options else columns
                for column in together:
                    if not isinstance(column, Column) or column.name not in used:
                        continue
                    if column.audits not in (None, declaration.audits):
                        yield f"{column.name} is audited, so the Connection needs its audit"

    def _nodes(self, connection: GraphQLNamedType) -> set[str]:
        """The names of the object types that the nodes of a connection may have."""
        fields = connection.fields if is_object_type(connection) else {}
        if "nodes" in fields:
            node = get_named_type(fields["nodes"].type)
        else:
            edge = get_named_type(fields["edges"].type) if "edges" in fields else connection
            held = edge.fields if is_object_type(edge) else {}
            node = get_named_type(held["node"].type) if "node" in held else edge
        return (
            {each.name for each in self.schema.get_possible_types(node)}
            if is_abstract_type(node)
            else {node.name}
        )

    def _arguments(self, definition: GraphQLField, declaration: Declaration) -> Iterable[str]:
        used = arguments_of(" ".join(_sql_of(declaration)))
        yield from (f"argument {name} is not used" for name in definition.args if name not in used)
        yield from (f"there is no argument {name}" for name in used if name not in definition.args)


def _options(declaration: Declaration) -> Iterable[Declaration]:
    """The declaration itself, or all that a deferred one may become."""
    if not isinstance(declaration, Deferred):
        yield declaration
        return
    for option in declaration.options:
        yield from _options(option)


def _is_list(definition: GraphQLField) -> bool:
    kind = definition.type
    return is_list_type(kind.of_type if is_non_null_type(kind) else kind)


def _sql_of(declaration: Declaration) -> Iterable[str]:
    match declaration:
        case Expression(sql=sql) | Aggregate(sql=sql):
            yield sql
        case Finish(raw=raw):
            yield raw
        case ToOne() | ToMany():
            yield from (declaration.source.sql, declaration.on, *_sql_of(declaration.item))
        case Choice(variants=variants):
            for variant in variants:
                yield variant.condition or ""
                for found in _options(variant.found):
                    yield from _sql_of(found)
