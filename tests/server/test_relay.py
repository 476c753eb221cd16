"""Relay: objects are found again by their ids, lists are walked by cursors.

The GraphQL Global Object Identification and Cursor Connections specifications, their MUSTs.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from graphql import (
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLObjectType,
    get_named_type,
    get_nullable_type,
    is_list_type,
)
from tests.server.conftest import Caller

from pat_schema.root import graphql_schema

ROOTS = {
    "cases": "cases(%s)",
    "selfHelpGroups": "selfHelpGroups(%s)",
    "referrals": "referrals(direction: SENT, %s)",
    "organisations": "organisations(%s)",
    "places": "places(%s)",
}
FORWARD, BACKWARD = {"first": "Int", "after": "String"}, {"last": "Int", "before": "String"}
PAGE = 3
LONGEST_WALK = 12


def connections() -> Iterator[tuple[str, GraphQLField]]:
    """Every field that returns a connection."""
    for kind in graphql_schema().type_map.values():
        if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType):
            for name, field in kind.fields.items():
                if get_named_type(field.type).name.endswith("Connection"):
                    yield f"{kind.name}.{name}", field


CONNECTIONS = dict(connections())


def of(kind: str) -> GraphQLObjectType:
    found = graphql_schema().type_map[kind]
    assert isinstance(found, GraphQLObjectType)
    return found


@pytest.mark.parametrize("place", CONNECTIONS)
def test_a_connection_has_the_shape_that_clients_know(place: str) -> None:
    connection = get_named_type(CONNECTIONS[place].type)
    assert isinstance(connection, GraphQLObjectType)
    assert str(connection.fields["pageInfo"].type) == "PageInfo!"
    edges = get_nullable_type(connection.fields["edges"].type)
    assert is_list_type(edges)
    edge = get_named_type(edges)
    assert isinstance(edge, GraphQLObjectType)
    assert str(edge.fields["cursor"].type) == "String!"
    assert not is_list_type(get_nullable_type(edge.fields["node"].type))


@pytest.mark.parametrize("place", CONNECTIONS)
def test_a_connection_is_walked_in_both_directions(place: str) -> None:
    arguments = {name: str(argument.type) for name, argument in CONNECTIONS[place].args.items()}
    assert arguments.items() >= (FORWARD | BACKWARD).items()


def test_what_is_told_of_a_page() -> None:
    told = {name: str(field.type) for name, field in of("PageInfo").fields.items()}
    assert told == {
        "hasNextPage": "Boolean!",
        "hasPreviousPage": "Boolean!",
        "startCursor": "String",
        "endCursor": "String",
    }


def test_whatever_has_an_id_is_found_by_it() -> None:
    node = graphql_schema().type_map["Node"]
    assert isinstance(node, GraphQLInterfaceType)
    assert {name: str(field.type) for name, field in node.fields.items()} == {"id": "ID!"}
    root = of("Query").fields["node"]
    assert (str(root.type), {name: str(each.type) for name, each in root.args.items()}) == (
        "Node",
        {"id": "ID!"},
    )


def page(caller: Caller, name: str, arguments: str) -> Any:
    asked = "pageInfo { hasNextPage hasPreviousPage startCursor endCursor } edges { cursor node { __typename id } }"
    return caller.ask(f"{{ {name}: {ROOTS[name] % arguments} {{ {asked} }} }}")[name]


@pytest.mark.parametrize("name", ROOTS)
def test_both_walks_meet_the_same_objects_in_the_same_order(manager: Caller, name: str) -> None:
    forward, backward = [], []
    found = page(manager, name, f"first: {PAGE}")
    assert found["pageInfo"]["hasPreviousPage"] is False
    while True:
        info, edges = found["pageInfo"], found["edges"]
        assert [info["startCursor"], info["endCursor"]] == [edges[0]["cursor"], edges[-1]["cursor"]]
        forward += [edge["node"]["id"] for edge in edges]
        if not info["hasNextPage"] or len(forward) >= LONGEST_WALK:
            break
        found = page(manager, name, f'first: {PAGE}, after: "{info["endCursor"]}"')
    end = edges[-1]["cursor"]
    backward = [edges[-1]["node"]["id"]]
    while True:
        found = page(manager, name, f'last: {PAGE}, before: "{end}"')
        backward = [edge["node"]["id"] for edge in found["edges"]] + backward
        if not found["pageInfo"]["hasPreviousPage"]:
            break
        end = found["pageInfo"]["startCursor"]
    assert backward == forward
    assert len(set(forward)) == len(forward)


@pytest.mark.parametrize("name", ROOTS)
def test_an_object_is_found_again_by_its_id(manager: Caller, name: str) -> None:
    listed = page(manager, name, "first: 2")["edges"]
    for edge in listed:
        again = manager.ask("query($id: ID!) { node(id: $id) { __typename id } }", id=edge["node"]["id"])
        assert again == {"node": edge["node"]}


def test_an_empty_page_has_no_cursors(manager: Caller) -> None:
    asked = '{ cases(first: 2, filter: {code: "nothing"}) { edges { cursor } pageInfo { hasNextPage startCursor endCursor } } }'
    empty = {"hasNextPage": False, "startCursor": None, "endCursor": None}
    assert manager.ask(asked) == {"cases": {"edges": [], "pageInfo": empty}}
