"""Objects made of given values obey the same rules as rows."""

import json
from typing import Any

import pytest
from graphql import build_schema

from pat_platform.engine.declare import Verb
from pat_platform.engine.engine import Engine
from pat_platform.engine.errors import EngineError
from pat_platform.engine.mutations import Mutation
from pat_platform.engine.registry import Declarations

SCHEMA = build_schema(
    """
    enum Size { S L } interface Named { name: String! } type Pair implements Named { name: String! size: Size }
    type Box { pairs: [Pair!] loose: [Pair]! any: Named tags: [String!] inner: Box need: String! }
    type Query { x: Int } type Mutation { pack(deep: Boolean = true): Box! unpack: Box }
    """
)
FIELDS = {"Query": {}, "Mutation": {"pack": Verb(), "unpack": Verb()}}


class Anyone:
    """May do everything."""

    def may(self, permission: object) -> bool:
        return True


def completed(
    selection: str, values: dict[str, Any], verb: str = "pack", variables: dict[str, Any] | None = None
) -> Any:
    declarations = Declarations(FIELDS, constants=("Box", "Pair", "Query"))
    engine = Engine(SCHEMA, declarations, {}, bytes(16))
    document = f"mutation ($on: Boolean = true) {{ {verb} {{ {selection} x: need @include(if: $on) }} }}"
    made = Mutation(engine, engine.operation(document), variables, Anyone(), None)
    given = {"need": "", **values}
    return made.response([made.values(made.roots[0], "Box", given)])


def test_lists_and_objects_inside() -> None:
    values = {
        "pairs": [{"name": "a", "size": "S"}],
        "loose": [None, {"name": "b"}],
        "any": {"__typename": "Pair", "name": "c"},
        "tags": ["t"],
        "inner": {"need": "n"},
    }
    selection = (
        "pairs { name size } loose { name } any { __typename name } tags inner { need pairs { name } }"
    )
    answer = completed(selection, values)
    assert json.loads(answer.data)["pack"] == {
        "pairs": [{"name": "a", "size": "S"}],
        "loose": [None, {"name": "b"}],
        "any": {"__typename": "Pair", "name": "c"},
        "tags": ["t"],
        "inner": {"need": "n", "pairs": None},
        "x": "",
    }
    assert not answer.errors


@pytest.mark.parametrize(
    ("selection", "values", "data", "path"),
    [
        (
            "pairs { name }",
            {"pairs": [{"name": "a"}, {}]},
            {"pairs": None, "x": ""},
            ["pack", "pairs", 1, "name"],
        ),
        (
            "loose { name }",
            {"loose": [{}, {"name": "a"}]},
            {"loose": [None, {"name": "a"}], "x": ""},
            ["pack", "loose", 0, "name"],
        ),
        ("tags", {"tags": ["a", None]}, {"tags": None, "x": ""}, ["pack", "tags", 1]),
        ("inner { need }", {"inner": {}}, {"inner": None, "x": ""}, ["pack", "inner", "need"]),
        ("loose { name }", {}, None, ["pack", "loose"]),
    ],
)
def test_nulls_climb(selection: str, values: dict[str, Any], data: Any, path: list[str | int]) -> None:
    answer = completed(selection, values)
    assert json.loads(answer.data) == (None if data is None else {"pack": data})
    assert [error["path"] for error in answer.errors] == [path]


def test_a_null_variable_in_a_directive_fails_the_object() -> None:
    answer = completed("need", {}, verb="unpack", variables={"on": None})
    assert json.loads(answer.data) == {"unpack": None}
    assert answer.errors[0]["path"] == ["unpack"]


def test_a_value_of_no_known_type_is_our_mistake() -> None:
    with pytest.raises(EngineError, match="Named cannot be Nobody"):
        completed("any { name }", {"any": {"__typename": "Nobody"}})
