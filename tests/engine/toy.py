"""A small library of authors and books: a schema, its declarations and real tables for the engine's tests."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from graphql import GraphQLSchema, build_schema

from pat_platform.engine.complete import Completed, FieldError
from pat_platform.engine.declare import (
    Aggregate,
    Audit,
    Choice,
    Column,
    Connection,
    Constant,
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
    Verb,
)
from pat_platform.engine.diagnose import diagnose
from pat_platform.engine.engine import Engine, Settings
from pat_platform.engine.kinds import BIGINT, BOOL, DATE, DATETIME, FLOAT, INT, JSON, TEXT, TEXT_ARRAY
from pat_platform.engine.plan import Bound
from pat_platform.engine.registry import Declarations, TypeRule

HERE = Path(__file__).parent
AUTHOR, BOOK, REVIEW = Source("toy.author"), Source("toy.book"), Source("toy.review")
PLACE = Source("toy.place", key=("code",), kind=TEXT)
BOOKS_OF = (
    "select count(*) n, sum(b.pages) pages, avg(b.pages) mean from toy.book b where b.author_id = {t}.id"
)


def books(on: str | None) -> Connection:
    """A connection of books, of all or of one author."""
    return Connection(
        BOOK,
        on=on,
        orders={
            "TITLE_ASC": (Order("title", TEXT),),
            "TITLE_DESC": (Order("title", TEXT, desc=True),),
            "PAGES_ASC": (Order("pages", INT, nullable=True),),
            "PAGES_DESC": (Order("pages", INT, desc=True, nullable=True), Order("title", TEXT)),
            "ADDED_DESC": (Order("added_at", DATETIME, desc=True),),
            "STATE_TITLE": (Order("state", TEXT), Order("title", TEXT, desc=True)),
            "LENGTH": (
                Order("length({n}.title)", INT),
                Order("published_on", DATE, desc=True, nullable=True),
            ),
        },
        default_order="TITLE_ASC",
        filters={
            "states": Filter("{t}.state = any({value})", "text[]", single="{t}.state = ({value})[1]"),
            "titleContains": Filter("strpos({t}.title, {value}) > 0"),
            "longerThan": Filter("{t}.pages > {value}", "int"),
            "hasBlurb": Filter("({t}.blurb is not null) = {value}", "bool"),
        },
        default_page=3,
        max_page=20,
    )


def contact() -> Choice:
    """A phone for those who may see it, otherwise the reason why not."""
    return Choice(
        (
            Variant(
                "{t}.listed",
                "Phone",
                Deferred(
                    lambda viewer: (
                        ToOne(Source("toy.phone", key=("author_id",)), on="{n}.author_id = {t}.id")
                        if viewer.may("phones")
                        else Constant({"reason": "SCOPE", "__typename": "Withheld"})
                    )
                ),
            ),
            Variant(None, "Withheld", Constant({"reason": "UNLISTED"})),
        )
    )


TITLED = Choice((Variant("{t}.pages < 100", "Essay", Same()), Variant("{t}.pages >= 100", "Book", Same())))

BOOK_FIELDS = {
    "title": Column("title", TEXT, nullable=False),
    "pages": Column("pages", INT),
    "state": Column("state", TEXT, nullable=False),
    "blurb": Column("blurb", TEXT),
    "requiredBlurb": Column("blurb", TEXT),
    "publishedOn": Column("published_on", DATE),
    "addedAt": Column("added_at", DATETIME, nullable=False),
    "price": Column("price", BIGINT, nullable=False),
    "extra": Column("extra", JSON),
    "isLong": Expression("{t}.pages > 200", BOOL),
    "author": ToOne(AUTHOR, on="{n}.id = {t}.author_id"),
    "sequel": ToOne(BOOK, on="{n}.sequel_of = {t}.id", order=(Order("title"),)),
    "requiredSequel": ToOne(BOOK, on="{n}.sequel_of = {t}.id", order=(Order("title"),)),
    "reviews": Connection(
        REVIEW,
        on="{n}.book_id = {t}.id",
        orders={"BEST": (Order("stars", INT, desc=True),)},
        default_order="BEST",
        arguments={"minimum": Filter("{n}.stars >= {value}", "int")},
    ),
    "kind": Constant("paper"),
}

FIELDS = {
    "Query": {
        "author": ToOne(AUTHOR, on="{n}.id = {id:Author:id}::uuid"),
        "authors": Connection(
            AUTHOR,
            orders={"NAME": (Order("name", TEXT),), "RATING": (Order("rating", INT, nullable=True),)},
            default_order="NAME",
        ),
        "allAuthors": ToMany(AUTHOR, on="true", order=(Order("name"),)),
        "books": books(None),
        "titles": ToMany(BOOK, on="true", order=(Order("title"),), item=TITLED),
        "strictTitles": ToMany(BOOK, on="true", order=(Order("title"),), item=TITLED),
        "anyTitle": ToOne(BOOK, on="{n}.title = {arg:title}", item=TITLED),
        "node": NodeById(),
        "counts": ToMany(
            Source("(select state, count(*) n from toy.book group by state)", key=("state",), kind=TEXT),
            on="true",
            order=(Order("state"),),
        ),
        "network": Same(),
        "missing": ToOne(AUTHOR, on="false"),
        "echo": Expression("{arg:text}::text", TEXT),
        "joined": Expression("array_to_string({arg:input.words}::text[], {arg:input.glue}::text)", TEXT),
        "secret": Expression("'open'", TEXT, requires="secrets"),
        "setting": Constant({"name": "toy", "levels": [1, 2], "inner": {"name": "deep", "levels": []}}),
    },
    "Network": {
        "bookTotal": Aggregate("select count(*) n, max(pages) m from toy.book", "{l}.n", INT, nullable=False),
        "longest": Aggregate("select count(*) n, max(pages) m from toy.book", "{l}.m", INT),
        "books": books(None),
        "again": Same(),
    },
    "Count": {"state": Column("state", TEXT), "n": Column("n", INT, nullable=False)},
    "Author": {
        "id": GlobalId("Author"),
        "name": Column("name", TEXT, nullable=False),
        "nickname": Column("nickname", TEXT),
        "requiredNickname": Column("nickname", TEXT),
        "rating": Column("rating", INT),
        "score": Expression("{t}.rating / 2.0", FLOAT),
        "tags": Column("tags", TEXT_ARRAY, nullable=False),
        "looseTags": Column("tags", TEXT_ARRAY, nullable=False),
        "moods": Column("moods", TEXT_ARRAY),
        "start": Expression("left({t}.name, {arg:length}::int)", TEXT),
        "home": ToOne(PLACE, on="{n}.code = {t}.home"),
        "requiredHome": ToOne(PLACE, on="{n}.code = {t}.home"),
        "books": books("{n}.author_id = {t}.id"),
        "allBooks": ToMany(BOOK, on="{n}.author_id = {t}.id", order=(Order("title", desc=True),)),
        "looseBooks": ToMany(BOOK, on="{n}.author_id = {t}.id", order=(Order("pages"),)),
        "bookCount": Aggregate(BOOKS_OF, "{l}.n", INT, nullable=False),
        "pageSum": Aggregate(BOOKS_OF, "{l}.pages", INT),
        "requiredPageSum": Aggregate(BOOKS_OF, "{l}.pages", INT),
        "stats": Same(),
        "contact": contact(),
        "shout": Finish("to_json({t}.nickname)::text", "shout"),
        "requiredShout": Finish("to_json({t}.nickname)::text", "shout"),
        "diary": Column("nickname", TEXT, requires="secrets"),
    },
    "AuthorStats": {
        "bookCount": Aggregate(BOOKS_OF, "{l}.n", INT, nullable=False),
        "meanPages": Aggregate(BOOKS_OF, "{l}.mean", FLOAT),
    },
    "Phone": {
        "number": Finish("json_build_object('sealed', {t}.sealed)::text", "unseal", nullable=False),
        "area": Column("area", TEXT),
    },
    "Place": {
        "id": GlobalId("Place", column="code"),
        "code": Column("code", TEXT, nullable=False),
        "name": Column("name", TEXT),
    },
    "Book": {"id": GlobalId("Book"), **BOOK_FIELDS},
    "Essay": {"id": GlobalId("Book"), "title": BOOK_FIELDS["title"], "opinion": Column("blurb", TEXT)},
    "Review": {
        "id": GlobalId("Review"),
        "stars": Column("stars", INT, nullable=False),
        "text": Column("text", TEXT),
    },
    "Mutation": {"renameAuthor": Verb(), "dropAuthor": Verb(requires="dropping")},
    "Conflict": {
        "code": Constant("CONFLICT"),
        "message": Constant("Somebody else was faster."),
        "field": Constant(None),
        "current": Same(),
    },
}

ROWS = {
    "Author": Row(AUTHOR),
    "Book": Row(BOOK),
    "Review": Row(REVIEW),
    "Place": Row(PLACE, column="code", kind=TEXT),
    "Conflict": Row(AUTHOR),
}


@dataclass(frozen=True)
class Reader:
    """A viewer with permissions."""

    permissions: frozenset[str] = frozenset({"phones"})

    def may(self, permission: str) -> bool:
        """Whether the permission is one of them."""
        return permission in self.permissions


def shout(values: list[Any], context: Any) -> list[Any]:
    """In capitals; refuses one name."""
    return [
        FieldError("Too quiet to shout.", "QUIET")
        if value == "hush"
        else None
        if value == "void"
        else value.upper()
        for value in values
    ]


def unseal(values: list[Any], context: Any) -> list[Any]:
    """The sealed text, backwards."""
    return [value["sealed"][::-1] for value in values]


def toy_schema() -> GraphQLSchema:
    """The schema, with enum values that differ from their names as stored in the database."""
    schema = build_schema((HERE / "toy.graphql").read_text())
    for name, stored in {
        "State": {"DRAFT": "draft", "OUT": "out"},
        "Mood": {"GLAD": "glad", "SAD": "sad"},
    }.items():
        for member, value in stored.items():
            schema.type_map[name].values[member].value = value  # type: ignore[attr-defined]
    return schema


@dataclass
class Toy:
    """The engine over the toy tables, compiled or diagnosed."""

    connection: psycopg.Connection[Any]
    engine: Engine
    viewer: Reader = field(default_factory=Reader)
    statements: list[str] = field(default_factory=list)
    steps: list[tuple[str, int]] = field(default_factory=list)

    def prepare(self, document: str, variables: Mapping[str, Any] | None = None) -> Bound:
        """The bound plan."""
        return self.engine.prepare(document, None, variables, self.viewer, self.viewer)

    def execute(self, bound: Bound) -> list[bytes | None]:
        """The columns of the statement's one row."""
        assert bound.sql is not None
        self.statements.append(bound.sql)
        result = self.connection.pgconn.exec_params(bound.sql.encode(), bound.values)
        assert result.ntuples == 1, result.error_message.decode()
        return [result.get_value(0, column) for column in range(result.nfields)]

    def run(self, document: str, variables: Mapping[str, Any] | None = None) -> Completed:
        """Compile, execute, complete."""
        bound = self.prepare(document, variables)
        raw = None if bound.sql is None else self.execute(bound)[0]
        return self.engine.complete(bound, raw)

    def data(self, document: str, variables: Mapping[str, Any] | None = None) -> Any:
        """The data of an operation that has no errors."""
        completed = self.run(document, variables)
        assert not completed.errors
        return json.loads(completed.data)

    def diagnose(self, document: str, variables: Mapping[str, Any] | None = None, **more: Any) -> Completed:
        """The standard executor's answer."""
        return diagnose(self.engine, document, None, variables, self.viewer, self.viewer, self.fetch, **more)

    def fetch(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows of texts."""
        result = self.connection.pgconn.exec_params(sql.encode(), None)
        assert not result.error_message, result.error_message.decode() + sql
        columns = range(result.nfields)
        return [
            tuple(None if (v := result.get_value(row, column)) is None else v.decode() for column in columns)
            for row in range(result.ntuples)
        ]

    def agrees(self, document: str, variables: Mapping[str, Any] | None = None) -> Completed:
        """The compiled answer, having shown that the standard executor gives the same."""
        compiled, judged = self.run(document, variables), self.diagnose(document, variables)
        assert json.dumps(json.loads(compiled.data)) == json.dumps(json.loads(judged.data))
        assert list(compiled.errors) == list(judged.errors)
        return compiled


def toy_engine(
    place_requires: str | None = None, query: Mapping[str, Any] | None = None, **settings: Any
) -> Engine:
    """A fresh engine over the toy declarations; ``query`` replaces some of the root fields'."""
    declarations = Declarations(
        {**FIELDS, "Query": {**FIELDS["Query"], **(query or {})}},  # type: ignore[dict-item]
        rows=ROWS,
        types={
            "Phone": TypeRule(audits=Audit("identity", "{t}.author_id")),
            "Place": TypeRule(requires=place_requires),
        },
        constants=("Withheld", "Refusal", "Setting"),
    )
    return Engine(
        toy_schema(),
        declarations,
        {"shout": shout, "unseal": unseal},
        b"0123456789abcdef",
        Settings(**settings),
    )
