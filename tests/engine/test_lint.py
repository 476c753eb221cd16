"""Declarations that do not fit the schema are found when the engine is made."""

from typing import Any

import pytest
from graphql import build_schema

from pat_platform.engine.declare import (
    Aggregate,
    Audit,
    Choice,
    Column,
    Connection,
    Constant,
    Declaration,
    Deferred,
    Expression,
    Filter,
    Finish,
    GlobalId,
    NodeById,
    Order,
    Row,
    Same,
    Source,
    ToMany,
    ToOne,
    Variant,
)
from pat_platform.engine.engine import Engine
from pat_platform.engine.errors import DeclarationError
from pat_platform.engine.kinds import BIGINT, CODE, INT, TEXT, TEXT_ARRAY
from pat_platform.engine.registry import Declarations

S = Source("s")
SDL = """
enum Color { RED } enum ByName { NAME OTHER } input Filters { name: String age: Int }
interface Named { name: String } union Any = Thing | Other
type Thing implements Named { name: String } type Other { name: String }
type ThingConnection { edges: [ThingEdge!]! totalCount: Int! } type ThingEdge { cursor: String! node: Thing! }
type Query { field%s }
"""
PAGE_TYPES = ("ThingConnection", "ThingEdge")
OTHERS: dict[str, dict[str, Declaration]] = {
    "Thing": {"name": Column("name", TEXT)},
    "Other": {"name": Column("name", TEXT)},
}


def problems(field: str, declaration: Declaration | None) -> str:
    schema = build_schema(SDL % field)
    query = {} if declaration is None else {"field": declaration}
    try:
        Engine(schema, Declarations({**OTHERS, "Query": query}, constants=PAGE_TYPES), {}, bytes(16))
    except DeclarationError as error:
        return str(error)
    return ""


PAGES = "(first: Int, filter: Filters, orderBy: ByName): ThingConnection!"
FITTING: dict[str, Any] = {
    "orders": {"NAME": (Order("name", TEXT),), "OTHER": (Order("x", INT),)},
    "default_order": "NAME",
    "filters": {"name": Filter("true"), "age": Filter("true")},
}


@pytest.mark.parametrize(
    ("field", "declaration", "problem"),
    [
        (": String", None, "Query.field has no declaration"),
        (": Int", Column("x", TEXT), "TEXT does not fit Int"),
        (": Int", Column("x", BIGINT), "BIGINT does not fit Int"),
        (": String", Column("x", TEXT_ARRAY), "TEXT_ARRAY does not fit String"),
        (": [String]", Column("x", TEXT), "TEXT does not fit [String]"),
        (": Color", Column("x", INT), "an enum is stored as text"),
        (": String", Column("x", CODE), "CODE needs an enum"),
        (": Thing", Column("x", TEXT), "Column needs a scalar or an enum"),
        (": Thing", Aggregate("select 1", "{l}.x", INT), "Aggregate needs a scalar or an enum"),
        (": Int", GlobalId("Thing"), "a global id is an ID"),
        (": String", Finish("x", "absent"), "there is no step absent"),
        (": Thing", ToMany(S, "true", ()), "ToMany needs a list"),
        (": [Thing]", ToOne(S, "true"), "ToOne needs an object"),
        (": String", ToOne(S, "true"), "ToOne needs an object"),
        (": Any", ToOne(S, "true"), "Any needs a Choice"),
        (": Any", Same(), "Same needs an object type"),
        (": Named", Choice((Variant(None, "Other", Same()),)), "Other is no Named"),
        (
            ": [Named]",
            ToMany(S, "true", (), item=Choice((Variant(None, "Other", Same()),))),
            "Other is no Named",
        ),
        (": Thing", NodeById(), "NodeById needs an interface"),
        ("(a: Int): String", Expression("1", TEXT), "argument a is not used"),
        (": String", Expression("{arg:a}", TEXT), "there is no argument a"),
        (": String", Deferred(lambda _: Same(), options=(Column("x", INT),)), "INT does not fit String"),
        (": Thing", Connection(S, **FITTING), "a Connection needs a connection type"),
        (PAGES, Connection(S, **{**FITTING, "default_order": "NONE"}), "there is no order NONE"),
        (PAGES, Connection(S, **{**FITTING, "orders": {"NAME": (Order("x"),)}}), "order NAME: x has no kind"),
        (PAGES, Connection(S, **{**FITTING, "orders": {"NAME": ()}}), "there is no order OTHER"),
        (
            PAGES,
            Connection(S, **{**FITTING, "filters": {}}),
            "filter age is not both an input field and a Filter",
        ),
        (PAGES, Connection(S, arguments={"a": Filter("true")}, **FITTING), "there is no argument a"),
        (
            "(first: Int, a: Int): ThingConnection",
            Connection(S, **{**FITTING, "filters": {}}),
            "argument a is not used",
        ),
        (
            "(orderBy: Int): ThingConnection",
            Connection(S, **{**FITTING, "filters": {}}),
            "orderBy is no enum",
        ),
    ],
)
def test_what_does_not_fit_is_named(field: str, declaration: Declaration | None, problem: str) -> None:
    assert problem in problems(field, declaration)


def test_what_fits_is_no_problem() -> None:
    assert problems(PAGES, Connection(S, **FITTING)) == ""
    assert problems(": Color", Column("x", TEXT)) == ""
    assert problems(": [Color!]", Column("x", TEXT_ARRAY)) == ""


READ = Audit("day", "{t}.id")
BY_DAY: dict[str, Any] = {"orders": {"DAY": (Order("day", TEXT),)}, "default_order": "DAY"}
SINCE: dict[str, Any] = {
    "orders": {"X": (Order("x", TEXT),)},
    "default_order": "X",
    "arguments": {"since": Filter("{t}.day >= {value}")},
}


def deferred(*options: Declaration) -> Declaration:
    return Deferred(lambda _: options[0], options=options)


@pytest.mark.parametrize(
    ("page", "column", "is_refused"),
    [
        (Connection(S, **BY_DAY), Column("day", TEXT), False),
        (Connection(S, **BY_DAY), Column("day", TEXT, audits=READ), True),
        (Connection(S, **SINCE), Column("day", TEXT, audits=READ), True),
        (Connection(S, **SINCE), Column("other", TEXT, audits=READ), False),
        (Connection(S, **SINCE, audits=READ), Column("day", TEXT, audits=READ), False),
        (Connection(S, **SINCE, audits=Audit("x", "{t}.id")), Column("day", TEXT, audits=READ), True),
        (
            deferred(Connection(S, **SINCE), Connection(S, **SINCE, audits=READ)),
            deferred(Column("day", TEXT), Column("day", TEXT, audits=READ)),
            False,
        ),
        (
            deferred(Connection(S, **SINCE), Connection(S, **SINCE)),
            deferred(Column("day", TEXT), Column("day", TEXT, audits=READ)),
            True,
        ),
        (
            Connection(S, **SINCE),
            deferred(Column("day", TEXT), Column("day", TEXT, audits=READ)),
            True,
        ),
    ],
)
@pytest.mark.parametrize("nodes", ["nodes: [Thing]", "edges: [ThingEdge]", "nodes: [Named]"])
def test_a_list_in_an_audited_order_is_audited(
    page: Declaration, column: Declaration, is_refused: bool, nodes: str
) -> None:
    schema = build_schema(
        "interface Named { name: String } type Thing implements Named { name: String }"
        f" type ThingEdge {{ cursor: String node: Thing }} type Pages {{ {nodes} }} type Query {{ field(since: String): Pages }}"
    )
    declarations = Declarations(
        {"Thing": {"name": column}, "Query": {"field": page}}, constants=("ThingEdge",)
    )
    try:
        Engine(schema, declarations, {}, bytes(16))
        found = ""
    except DeclarationError as error:
        found = str(error)
    assert ("day is audited" in found) is is_refused


def test_declarations_of_what_is_not_in_the_schema() -> None:
    schema = build_schema(SDL % ": Int")
    with pytest.raises(DeclarationError) as found:
        Engine(
            schema,
            Declarations(
                {**OTHERS, "Query": {"field": Constant(1), "x": Constant(1)}, "Nobody": {"y": Constant(1)}},
                rows={"Nobody": Row(S), "Thing": Row(S, kind=INT)},
                constants=PAGE_TYPES,
            ),
            {},
            bytes(16),
        )
    assert str(found.value).splitlines() == [
        "Query.x is not in the schema",
        "Nobody.y is not in the schema",
        "Nobody has a row but is no object type",
        "Thing: a row's key is a uuid or text",
    ]


def test_a_constant_object_has_all_that_is_required() -> None:
    schema = build_schema("union U = A | B type A { x: Int! y: Int } type B { x: Int! } type Query { u: U }")
    choice = Choice((Variant("true", "A", Constant({"x": 1})), Variant(None, "B", Constant({}))))
    with pytest.raises(DeclarationError, match="the constant B lacks x"):
        Engine(schema, Declarations({"Query": {"u": choice}}, constants=("A", "B")), {}, bytes(16))


def test_fields_that_are_checked_for_null_are_known() -> None:
    schema = build_schema("type Query { a: Int! b: Int! c: Int }")
    fields = {"a": Expression("1", INT), "b": Expression("1", INT, nullable=False), "c": Expression("1", INT)}
    assert Engine(schema, Declarations({"Query": fields}), {}, bytes(16)).checked == {"Query.a"}
