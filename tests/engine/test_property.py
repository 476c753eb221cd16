"""The compiler against the standard executor, on documents that nobody thought of."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from graphql import (
    GraphQLField,
    GraphQLObjectType,
    get_named_type,
    is_abstract_type,
    is_enum_type,
    is_leaf_type,
    parse,
    validate,
)
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

EXAMPLES = int(os.environ.get("ENGINE_EXAMPLES", "200"))
DEEPEST = 5
# Where the data has nulls that the schema forbids: asked for now and then, lest every answer be null.
FAILING = {"requiredNickname", "requiredHome", "requiredPageSum", "requiredShout", "requiredBlurb"} | {
    "requiredSequel",
    "area",
    "opinion",
    "shout",
    "moods",
    "tags",
    "counts",
    "state",
    "text",
    "author",
}
Draw = Callable[[st.SearchStrategy[Any]], Any]


@dataclass
class Document:
    """A document while it is generated: its variables and fragments, and the keys that are taken."""

    draw: Draw
    toy: Any
    cursors: dict[tuple[str, str], list[str]]
    ids: list[str]
    definitions: list[str] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)
    fragments: dict[str, tuple[str, str]] = field(default_factory=dict)
    aliases: dict[tuple[str, str], int] = field(default_factory=dict)

    def chance(self, percent: int) -> bool:
        return bool(self.draw(st.integers(0, 99)) < percent)

    def pick(self, options: list[Any]) -> Any:
        return self.draw(st.sampled_from(options))

    def value(self, kind: str, value: Any, literal: str) -> str:
        """A value written into the document, or passed in a variable, or left to its default."""
        if self.chance(45):
            return literal
        name = f"v{len(self.definitions)}"
        if kind in ("Boolean!", "Int!") and self.chance(10):
            # Valid by the rules, but an error where the null arrives.
            self.definitions.append(f"${name}: {kind.rstrip('!')} = {literal}")
            self.values[name] = self.pick([None, value])
            return f"${name}"
        if not kind.endswith("!") and self.chance(25):
            self.definitions.append(f"${name}: {kind} = {literal}")
            return f"${name}"
        self.definitions.append(f"${name}: {kind}")
        self.values[name] = value
        return f"${name}"

    def directive(self) -> str:
        if not self.chance(18):
            return ""
        value = self.chance(50)
        name = self.pick(["skip", "include"])
        return f" @{name}(if: {self.value('Boolean!', value, str(value).lower())})"

    # Selections

    def selections(self, kind: Any, depth: int) -> str:
        parts = [self.selection(kind, depth) for _ in range(self.draw(st.integers(1, 4)))]
        return "{ " + " ".join(parts) + " }"

    def selection(self, kind: Any, depth: int) -> str:
        form = self.draw(st.integers(0, 11))
        if form == 0:
            return f"{self.pick(['__typename', 'kind_: __typename'])}{self.directive()}"
        if form == 1:
            return f"...{self.directive()} {self.selections(kind, depth)}"
        if form == 2 or (form < 8 and is_abstract_type(kind)):
            inner = self.pick(self.overlapping(kind))
            return f"... on {inner.name}{self.directive()} {self.selections(inner, depth)}"
        if form == 3:
            return f"...{self.fragment(self.pick(self.overlapping(kind)), depth)}{self.directive()}"
        if not hasattr(kind, "fields"):
            return "__typename"
        return self.field(kind, depth)

    def overlapping(self, kind: Any) -> list[Any]:
        """Types that a fragment inside this one may be on."""
        schema = self.toy.engine.schema
        if is_abstract_type(kind):
            return [kind, *schema.get_possible_types(kind)]
        return [kind, *kind.interfaces]

    def fragment(self, kind: Any, depth: int) -> str:
        known = [name for name, (on, _) in self.fragments.items() if on == kind.name]
        if known and self.chance(50):
            return str(self.pick(known))
        name = f"F{len(self.fragments)}"
        body = self.selections(kind, depth + 1)
        name = f"F{len(self.fragments)}"
        self.fragments[name] = (kind.name, body)
        return name

    def field(self, kind: Any, depth: int) -> str:
        names = [name for name in kind.fields if name not in ("secret", "diary", "missing")]
        if depth >= DEEPEST:
            names = [name for name in names if is_leaf_type(get_named_type(kind.fields[name].type))] or [
                "__typename"
            ]
        if self.chance(80):
            names = [name for name in names if name not in FAILING] or names
        name = self.pick(names)
        if name == "__typename":
            return str(name)
        definition: GraphQLField = kind.fields[name]
        arguments = self.arguments(kind, name, definition)
        named = get_named_type(definition.type)
        body = "" if is_leaf_type(named) else " " + self.selections(named, depth + 1)
        return f"{self.key(name, arguments)}{name}{arguments}{self.directive()}{body}"

    def key(self, name: str, arguments: str) -> str:
        """An alias: always the same for the same field with the same arguments, so that they merge."""
        number = self.aliases.setdefault((name, arguments), len(self.aliases))
        if arguments or self.chance(15):
            return f"{name}_{number}_{'long' * 16 if number % 7 == 3 else ''}: "
        return ""

    # Arguments

    def arguments(self, kind: GraphQLObjectType, name: str, definition: GraphQLField) -> str:
        given = []
        if "after" in definition.args:
            given = self.page(kind, name, definition)
        if "length" in definition.args and self.chance(60):
            number = self.draw(st.integers(0, 9))
            given.append(f"length: {self.value('Int!', number, str(number))}")
        if "minimum" in definition.args and self.chance(40):
            given.append(f"minimum: {self.value('Int', 2, '2')}")
        if "id" in definition.args:
            chosen = self.pick(self.ids)
            given.append(f"id: {self.value('ID!', chosen, self.quoted(chosen))}")
        if "title" in definition.args:
            given.append(f"title: {self.value('String!', 'O title 2', self.quoted('O title 2'))}")
        if "text" in definition.args and self.chance(70):
            text = self.pick(["", "it's", 'a "b" \\', "✓ é", "{t}", None])
            given.append(f"text: {self.value('String', text, self.quoted(text))}")
        if "input" in definition.args:
            given.append(self.pick(['input: {words: ["a", "b"]}', 'input: {glue: null, words: ["x"]}']))
        return f"({', '.join(given)})" if given else ""

    @staticmethod
    def quoted(text: str | None) -> str:
        if text is None:
            return "null"
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'

    def page(self, kind: GraphQLObjectType, name: str, definition: GraphQLField) -> list[str]:
        given = []
        order = {"authors": "NAME", "reviews": "BEST"}.get(name, "TITLE_ASC")
        if "orderBy" in definition.args and self.chance(60):
            enum = get_named_type(definition.args["orderBy"].type)
            assert is_enum_type(enum)
            order = self.pick(list(enum.values))
            given.append(f"orderBy: {self.value(enum.name, order, order)}")
        backward = self.chance(40)
        size = self.pick([0, 1, 2, 3, 7, None])
        if size is not None or self.chance(50):
            written = "null" if size is None else str(size)
            given.append(f"{'last' if backward else 'first'}: {self.value('Int', size, written)}")
        known = self.cursors.get((f"{kind.name}.{name}", order), [])
        if known and self.chance(50):
            cursor = self.pick(known)
            given.append(
                f"{'before' if backward else 'after'}: {self.value('String', cursor, self.quoted(cursor))}"
            )
        if "filter" in definition.args and self.chance(40):
            given.append(f"filter: {self.filter()}")
        return given

    def filter(self) -> str:
        if self.chance(30):
            value = self.pick(
                [None, {}, {"longerThan": 50}, {"states": ["OUT"], "hasBlurb": None}, {"states": []}]
            )
            name = f"v{len(self.definitions)}"
            self.definitions.append(f"${name}: BookFilter")
            self.values[name] = value
            return f"${name}"
        parts = []
        if self.chance(50):
            parts.append(f"titleContains: {self.value('String', 'title', self.quoted('title'))}")
        if self.chance(50):
            parts.append(f"longerThan: {self.value('Int', 40, '40')}")
        if self.chance(40):
            parts.append(f"states: {self.pick(['[DRAFT]', 'OUT', '[OUT, DRAFT]', 'null'])}")
        if self.chance(40):
            parts.append(f"hasBlurb: {self.value('Boolean', True, 'true')}")
        return "{" + ", ".join(parts) + "}"

    def text(self) -> str:
        body = self.selections(self.toy.engine.schema.query_type, 1)
        fragments = " ".join(
            f"fragment {name} on {on} {inner}" for name, (on, inner) in self.fragments.items()
        )
        variables = f"({', '.join(self.definitions)})" if self.definitions else ""
        return f"query Q{variables} {body} {fragments}"


@pytest.fixture(scope="module")
def cursors(toy_module: Any) -> dict[tuple[str, str], list[str]]:
    """Cursors of every connection and order, as earlier answers gave them."""
    return every_cursor(toy_module)


def every_cursor(toy: Any) -> dict[tuple[str, str], list[str]]:
    page = "(first: 20, orderBy: %s) { edges { cursor } }"
    found: dict[tuple[str, str], list[str]] = {}
    for order in toy.engine.schema.type_map["BookOrder"].values:
        books = f"books{page % order}"
        data = toy.data(f"{{ {books} network {{ {books} }} allAuthors {{ {books} }} }}")
        found["Query.books", order] = [edge["cursor"] for edge in data["books"]["edges"]]
        found["Network.books", order] = [edge["cursor"] for edge in data["network"]["books"]["edges"]]
        found["Author.books", order] = [
            edge["cursor"] for author in data["allAuthors"] for edge in author["books"]["edges"]
        ]
    for order in ("NAME", "RATING"):
        data = toy.data(f"{{ authors{page % order} }}")
        found["Query.authors", order] = [edge["cursor"] for edge in data["authors"]["edges"]]
    data = toy.data("{ books(first: 20) { nodes { reviews(first: 20) { edges { cursor } } } } }")
    found["Book.reviews", "BEST"] = [
        edge["cursor"] for book in data["books"]["nodes"] for edge in book["reviews"]["edges"]
    ]
    return found


@pytest.fixture(scope="module")
def ids(toy_module: Any) -> list[str]:
    """Ids of every type, and some that lead nowhere."""
    data = toy_module.data(
        "{ allAuthors { id } books(first: 20) { nodes { id reviews(first: 2) { nodes { id } } } } }"
    )
    authors = [author["id"] for author in data["allAuthors"]]
    books = [book["id"] for book in data["books"]["nodes"]]
    reviews = [review["id"] for book in data["books"]["nodes"] for review in book["reviews"]["nodes"]]
    unknown = ["UGxhY2U6Ym9u", "UGxhY2U6bm93aGVyZQ==", "RXNzYXk6eA==", "Tm90aGluZzp4"]
    return [*authors, *books[:4], *reviews[:3], *unknown]


@settings(
    max_examples=EXAMPLES,
    derandomize="ENGINE_EXAMPLES" not in os.environ,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
@given(st.data())
def test_the_compiled_answer_is_the_standard_executors_answer(
    toy_module: Any, cursors: dict[tuple[str, str], list[str]], ids: list[str], data: st.DataObject
) -> None:
    document = Document(data.draw, toy_module, cursors, ids)
    text = document.text()
    assume(not validate(toy_module.engine.schema, parse(text)))
    before = len(toy_module.statements)
    toy_module.agrees(text, document.values)
    assert len(toy_module.statements) - before <= 1
