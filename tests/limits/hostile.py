"""Requests made to keep a server busy: the dearest that fit the limits, and the dearest that do not.

Each makes the most of one thing that parsing, measuring, validating, compiling or answering has to do. None is longer than a
body may be. They are written against the schema of the product, so that those that are valid are compiled.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

BODY = 64 * 1024
CASE = "code status htcdsStatus stage riskLevel traffickingStatus exploitation openedOn closedOn version"
ID = '"Q2FzZTowMDAwMDAwMC0wMDAwLTAwMDAtMDAwMC0wMDAwMDAwMDAwMDA="'
SURVIVOR = "id code gender maritalStatus ageBand isMinorAtIntake primaryLanguage"
KINDS = [
    "Case",
    "Survivor",
    "Referral",
    "LegalProceeding",
    "SelfHelpGroup",
    "Organisation",
    "Place",
    "CaseNote",
]


@dataclass(frozen=True)
class Hostile:
    """A request and what is hostile about it."""

    name: str
    query: str
    variables: dict[str, Any] = field(default_factory=dict)

    def body(self) -> bytes:
        """The request as it is sent."""
        return orjson.dumps({"query": self.query, "variables": self.variables})


def times(number: int, text: str, between: str = " ") -> str:
    """A text so many times, in which ``#`` is replaced by the turn."""
    return between.join(text.replace("#", str(turn)) for turn in range(number))


def filled(before: str, unit: str, after: str, size: int = BODY - 100) -> str:
    """As many units between two texts as the body holds."""
    taken = sum(len(orjson.dumps(text)) for text in (before, after))
    return before + unit * ((size - taken) // (len(orjson.dumps(unit)) - 2)) + after


def documents(drawn: int = 60) -> Iterator[Hostile]:
    """All of them, the same each time; the last ones are drawn by chance."""
    yield from _long_texts()
    yield from _fragments()
    yield from _nested()
    yield from _wide()
    yield from _merged()
    yield from _mistaken()
    yield from _arguments()
    yield from _variables()
    yield from _about_the_schema()
    yield from _drawn(random.Random(20_260_101), drawn)


def _long_texts() -> Iterator[Hostile]:
    yield Hostile("spaces", filled("{ me { name } }", " ", ""))
    yield Hostile("commas", filled("{ me { name } ", ",", "}"))
    yield Hostile("one comment", filled("{ me { name } } #", "x", ""))
    yield Hostile("comments", "#\n" * 500 + "{ me { name } }")
    yield Hostile("too many comments", filled("", "#\n", "{ me { name } }"))
    yield Hostile("lines", "\n" * 3_990 + filled("{ me { name } }", " ", "", BODY - 8_200))
    yield Hostile("too many lines", filled("", "\n", "{ me { name } }"))
    yield Hostile("a long string", filled('{ case(id: "', "x", '") { id } }'))
    yield Hostile("a string of escapes", filled('{ case(id: "', "\\u0061", '") { id } }'))
    yield Hostile("a string in Bengali", filled('{ case(id: "', "ক", '") { id } }'))
    yield Hostile("a block of lines", filled('{ case(id: """', "\n  x", '""") { id } }'))
    yield Hostile("a string without an end", filled('{ case(id: "', "x", ""))
    yield Hostile("a name", filled("{ me { ", "x", " } }"))
    yield Hostile("a number", filled("{ cases(first: ", "9", ") { totalCount } }"))
    yield Hostile("numbers", "{ cases(first: [" + times(400, "9" * 100) + "]) { totalCount } }")
    yield Hostile("a fraction", filled("{ cases(first: 1.", "9", ") { totalCount } }"))
    yield Hostile("tokens", filled("{ ", "a ", "}"))
    yield Hostile("as many tokens as allowed", "{ me { " + "a " * 1_990 + "} }")
    yield Hostile("a wrong character at the end", filled("{ me { name } }", " ", "€"))
    yield Hostile("surrogates", filled('{ case(id: "', "\\ud83d\\ude00", '") { id } }'))


def _fragments() -> Iterator[Hostile]:
    for size in (20, 59):
        doubling = times(size, "fragment F# on Query { ...F@ ...F@ }")
        for turn in range(size):
            doubling = doubling.replace("@", str(turn + 1), 2)
        yield Hostile(
            f"{size} fragments doubled",
            f"{{ ...F0 }} {doubling} fragment F{size} on Query {{ me {{ name }} }}",
        )
    circle = "".join(f" fragment F{turn} on Query {{ ...F{(turn + 1) % 50} }}" for turn in range(50))
    yield Hostile("a circle of fragments", "{ ...F0 }" + circle)
    each = times(60, "fragment F# on Query { a#: me { name } }")
    yield Hostile("all fragments", "{ " + times(60, "...F#") + " } " + each)
    spread = times(20, "fragment F# on Query { me { name id role } }")
    yield Hostile(
        "each fragment in each operation",
        times(20, "query O# { " + times(20, "...F@").replace("@", "#") + " }") + spread,
    )
    alike = times(30, "fragment F# on Case { id code status survivor { id code } }")
    yield Hostile("fragments alike", "{ case(id: " + ID + ") { " + times(30, "...F#") + " } } " + alike)
    unknown = "{ " + times(490, "...U#") + " }"
    yield Hostile("unknown fragments", unknown)
    unused = "{ me { name } } " + times(60, "fragment F# on Case { " + CASE[:30] + " }")
    yield Hostile("unused fragments", unused)
    impossible = "{ me { " + times(490, "... on Case { id }") + " } }"
    yield Hostile("impossible fragments", impossible)
    inline = "{ " + "... on Query { " * 38 + "me { name }" + " }" * 39
    yield Hostile("fragments within fragments", inline)


def _nested() -> Iterator[Hostile]:
    yield Hostile("braces", filled("", "{ a ", ""))
    yield Hostile("brackets", filled("{ cases(first: ", "[", ""))
    yield Hostile("nested inputs", "{ cases(filter: " + "{a: " * 450 + "1" + "}" * 450 + ") { totalCount } }")
    yield Hostile("types", "query($a: " + "[" * 900 + "Int" + "]" * 900 + ") { me { name } }")
    there_and_back = "survivor { cases { " * 5 + CASE + " } }" * 5
    yield Hostile("there and back", "{ case(id: " + ID + ") { " + there_and_back + " } }")
    parents = "parent { " * 12 + "name" + " }" * 12
    yield Hostile("parents", "{ cases(first: 1) { edges { node { place { " + parents + " } } } } }")
    aliased = times(12, "p#: parent { parent { parent { name aliases level } } }")
    yield Hostile("parents, aliased", "{ cases(first: 1) { edges { node { place { " + aliased + " } } } } }")


def _wide() -> Iterator[Hostile]:
    every = "id " + CASE + " place { id name aliases level } survivor { " + SURVIVOR + " }"
    proceeding = "{ id jurisdiction state court stage sections filedOn hearings { id } }"
    every += " legalProceedings " + proceeding + " latestProceeding " + proceeding
    every += " notes(first: 1) { totalCount edges { cursor node { id kind } } pageInfo { hasNextPage } }"
    yield Hostile("everything of cases", "{ cases(first: 1) { edges { node { " + every + " } } } }")
    pages = (
        "c#: cases(first: 1) { totalCount edges { cursor node { id } } pageInfo { startCursor hasNextPage } }"
    )
    yield Hostile("30 connections", "{ " + times(30, pages) + " }")
    several = times(6, "c#: cases(first: 1) { edges { node { " + every + " } } }")
    yield Hostile("everything of cases, often", "{ " + several + " }")
    notes = times(55, "n#: notes(first: 1) { totalCount edges { node { id } } }")
    yield Hostile("55 connections of a case", "{ case(id: " + ID + ") { " + notes + " } }")
    totals = times(55, "t#: totalCount")
    yield Hostile("55 counts", "{ cases(first: 1) { " + totals + " } }")
    yield Hostile("30 nodes", "{ " + times(30, "n#: node(id: " + ID + ") { __typename id }") + " }")
    arms = " ".join(f"... on {kind} {{ id __typename }}" for kind in KINDS)
    yield Hostile("nodes of all types", "{ " + times(16, "n#: node(id: " + ID + ") { " + arms + " }") + " }")
    ids = "{ node(id: " + ID + ") { " + times(58, "a#: id") + " " + "id " * 50 + "} }"
    yield Hostile("a node, each type the same fields", ids)
    many = "{ " + times(5, "n#: node(id: " + ID + ") { " + times(10, "a#: __typename") + " }") + " }"
    yield Hostile("nodes, each type the same fields", many)
    case = "... on Case { " + every + " }"
    yield Hostile("nodes of cases", "{ " + times(6, "n#: node(id: " + ID + ") { " + case + " }") + " }")
    groups = "g#: selfHelpGroups(first: 1) { edges { node { memberCount savingsTotal loansTotal loansOutstanding } } }"
    yield Hostile("30 sums", "{ " + times(30, groups) + " }")
    verbs = 'v#: addCaseNote(input: {caseId: "x", kind: GENERAL, text: "x"}) { ... on CaseNote { id kind } ... on Refusal { code } }'
    yield Hostile("30 verbs", "mutation { " + times(30, verbs) + " }")
    opened = 'v#: updateCase(input: {caseId: "x", baseVersion: 1}) { ... on Case { ' + every + " } }"
    yield Hostile("verbs that return everything", "mutation { " + times(6, opened) + " }")


def _merged() -> Iterator[Hostile]:
    yield Hostile("one field again and again", "{ me { " + "name " * 490 + "} }")
    yield Hostile("as many pairs as allowed", "{ me { " + "name " * 77 + "} }")
    given = 'cases(first: 1, filter: {status: [OPEN], riskLevel: LOW, code: "x"}) { totalCount }'
    yield Hostile("pairs with arguments", "{ " + times(30, given) + " }")
    notes = 'notes(first: 1, after: "' + "x" * 400 + '") { totalCount }'
    yield Hostile("pairs with long arguments", "{ case(id: " + ID + ") { " + times(70, notes) + " } }")
    listed = "places(filter: {level: STATE}, first: 1, orderBy: NAME) { edges { node { name } } }"
    yield Hostile("pairs with pairs below", "{ " + times(30, listed) + " }")
    conflicts = "{ me { " + times(38, "x: name x: id") + " } }"
    yield Hostile("conflicts", conflicts)
    spread = (
        "{ me { " + times(60, "...F#") + " } } " + times(60, "fragment F# on Me { a: name b: id c: role id }")
    )
    yield Hostile("conflicts in fragments", spread)
    deep = "survivor { cases { survivor { code } } }"
    yield Hostile("pairs at each level", "{ case(id: " + ID + ") { " + times(40, deep) + " } }")


def _mistaken() -> Iterator[Hostile]:
    yield Hostile("unknown fields", "{ me { " + times(490, "wrong#") + " } }")
    yield Hostile(
        "unknown fields at the end of many lines", "\n" * 3_900 + "{ me { " + times(400, "wrong#") + " } }"
    )
    yield Hostile("unknown arguments", "{ me { " + times(190, "name(a#: 1)") + " } }")
    yield Hostile("unknown directives", "{ me { " + times(60, "name @d#") + " } }")
    yield Hostile("too many directives", "{ me { name " + times(900, "@d#") + " } }")
    yield Hostile("directives", "{ me { " + times(60, "name @include(if: true)") + " } }")
    yield Hostile("one directive twice", "{ me { name " + "@skip(if: false) " * 60 + "} }")
    yield Hostile("500 aliases", "{ " + times(500, "a#: __schema { types { name } }") + " }")
    yield Hostile("unknown types", "query(" + times(100, "$v#: T#") + ") { me { name } }")
    yield Hostile("unknown variables", "{ " + times(28, "case(id: $v#) { id }") + " }")
    yield Hostile("variables that nobody uses", "query(" + times(100, "$v#: Int = 1") + ") { me { name } }")
    yield Hostile("one name for all operations", times(20, "query Q { me { name } }"))
    yield Hostile("missing selections", "{ " + times(30, "c#: cases") + " }")
    yield Hostile("selections of scalars", "{ me { " + times(50, "n#: name { a b c }") + " } }")
    yield Hostile("definitions of types", times(400, "type T# { a: Int }"))
    yield Hostile("no operation", times(60, "fragment F# on Me { name }"))
    yield Hostile("a name that is wrong", "{ " + filled("x", "y", " }"))


def _arguments() -> Iterator[Hostile]:
    states = "OPEN " * 480
    yield Hostile("a long list", "{ cases(filter: {status: [" + states + "]}) { totalCount } }")
    wrong = "{ cases(filter: {status: [" + times(480, "W#") + "]}) { totalCount } }"
    yield Hostile("a list of wrong values", wrong)
    unknown = "{ cases(filter: {" + times(400, "f#: 1") + "}) { totalCount } }"
    yield Hostile("an object of unknown fields", unknown)
    same = "{ cases(filter: {" + 'code: "x" ' * 400 + "}) { totalCount } }"
    yield Hostile("an object of one field", same)
    defaults = "query(" + times(90, "$v#: CaseFilter = {status: [OPEN OPEN]}") + ") { cases { totalCount } }"
    yield Hostile("defaults", defaults)
    uses = (
        "query($n: Int, $c: String) { " + times(30, "c#: cases(first: $n, after: $c) { totalCount }") + " }"
    )
    yield Hostile("a variable in many places", uses, {"n": 1, "c": "x" * 60_000})
    yield Hostile("a cursor", filled('{ cases(after: "', "A", '") { edges { cursor } } }'))


def _variables() -> Iterator[Hostile]:
    listed = "query($f: CaseFilter) { cases(filter: $f, first: 1) { totalCount } }"
    yield Hostile("a list", listed, {"f": {"status": ["OPEN"] * 8_000}})
    yield Hostile("a list as long as allowed", listed, {"f": {"status": ["OPEN", "CLOSED"] * 990}})
    yield Hostile("wrong values", listed, {"f": {"status": [f"W{turn}" for turn in range(1_990)]}})
    yield Hostile("a wrong value", listed, {"f": {"riskLevel": "x" * 60_000}})
    yield Hostile("unknown fields of an input", listed, {"f": {f"x{turn}": turn for turn in range(1_900)}})
    yield Hostile("variables that are not declared", listed, {f"x{turn}": turn for turn in range(1_900)})
    deep: Any = 1
    for _ in range(240):
        deep = [deep]
    yield Hostile("deep variables", listed, {"f": deep})
    yield Hostile("objects within objects", listed, {"f": {"status": [[[["OPEN"] * 400]]] * 4}})
    size = "query($n: Int) { cases(first: $n) { totalCount } }"
    yield Hostile("a large number", size, {"n": 2**63 - 1})
    yield Hostile("a large fraction", size, {"n": 1e308})
    day = "query($d: Date) { cases(filter: {openedFrom: $d}) { totalCount } }"
    yield Hostile("a day", day, {"d": "2" * 60_000})
    yield Hostile("an id", "query($i: ID!) { node(id: $i) { id } }", {"i": "A" * 60_000})
    yield Hostile(
        "a cursor as a variable",
        "query($c: String) { cases(after: $c) { edges { cursor } } }",
        {"c": "A" * 60_000},
    )
    text = "mutation($i: AddCaseNoteInput!) { addCaseNote(input: $i) { __typename } }"
    yield Hostile("a text", text, {"i": {"caseId": "x", "kind": "GENERAL", "text": "ক" * 20_000}})
    all_wrong = (
        "query(" + times(100, "$v#: Int!") + ") { " + times(25, "c#: cases(first: $v#) { totalCount }") + " }"
    )
    yield Hostile("100 wrong variables", all_wrong, {f"v{turn}": "x" * 500 for turn in range(100)})
    shape = "query(" + times(50, "$v#: Boolean!") + ") { me { " + times(50, "name @include(if: $v#)") + " } }"
    yield Hostile("50 conditions", shape, {f"v{turn}": turn % 2 == 0 for turn in range(50)})


def _about_the_schema() -> Iterator[Hostile]:
    yield Hostile("all types", "{ __schema { types { name fields { name args { name } type { name } } } } }")
    wide = "a#: __schema { types { name fields { name type { name } } } }"
    yield Hostile("the schema, 30 times", "{ " + times(30, wide) + " }")
    yield Hostile("the schema, as often as allowed", "{ " + times(6, wide) + " }")
    deep = "ofType { " * 10 + "name" + " }" * 10
    yield Hostile("types within types", "{ __schema { types { fields { type { " + deep + " } } } } }")
    round_about = "types { fields { type { fields { type { name } } } } }"
    yield Hostile("from type to type", "{ __schema { " + round_about + " } }")
    many = "possibleTypes { name } interfaces { name } enumValues { name } inputFields { name defaultValue }"
    yield Hostile("everything about types", "{ __schema { types { " + many + " } } }")
    conditional = (
        "query($y: Boolean!) { __schema @include(if: $y) { types { " + many + " fields { name } } } }"
    )
    yield Hostile("the schema on a condition", conditional, {"y": True})
    named = times(29, 't#: __type(name: "Case") { fields { name type { name ofType { name } } } }')
    yield Hostile("a type, often", "{ " + named + " }")


FIELDS: Sequence[str] = (
    "me { name role }",
    "caseCounts { __typename }",
    "cases(first: 2) { totalCount }",
    "cases(first: 2) { edges { node { @ } } }",
    "case(id: " + ID + ") { @ }",
    "node(id: " + ID + ") { ... on Case { @ } ... on Place { name } }",
    "places(first: 2) { edges { cursor node { name parent { name } } } pageInfo { endCursor } }",
)
OF_CASES: Sequence[str] = (
    "code",
    "place { name parent { name aliases } }",
    "survivor { code gender }",
    "legalProceedings { stage sections hearings { id } }",
    "latestProceeding { stage court }",
    "notes(first: 2) { totalCount edges { node { id kind } } }",
    "...F",
    "survivor { cases { id } }",
)


def _drawn(by: random.Random, number: int) -> Iterator[Hostile]:
    """Valid documents drawn by chance, as wide as the limits allow or a little wider."""
    for turn in range(number):
        roots = []
        for place in range(by.randint(5, 28)):
            inner = " ".join(by.choice(OF_CASES) for _ in range(by.randint(1, 8)))
            roots.append(f"r{place}: " + by.choice(FIELDS).replace("@", inner))
        query = "{ " + " ".join(roots) + " } fragment F on Case { id code survivor { id code } }"
        yield Hostile(f"drawn {turn}", query)
