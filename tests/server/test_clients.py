"""The registry of clients, over HTTP: who may keep it, and what an administrator does there."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest
from joserfc.jwk import ECKey
from tests.server.conftest import Act, Caller, Network, uuid_in

from pat_auth.policy import Permission, Role, reach_of
from pat_auth.scopes import SCOPES

REGISTER = """mutation($input: RegisterClientInput!) { registerClient(input: $input) { __typename
    ... on Client { id clientId name kind serves redirectUris logoutUris origins scopes version disabledAt keys { kid } }
    ... on Refusal { code field } } }"""
UPDATE = """mutation($input: UpdateClientInput!) { updateClient(input: $input) { __typename
    ... on Client { id name redirectUris origins scopes version }
    ... on Problem { code field message } ... on Conflict { currentVersion } } }"""
ROTATE = """mutation($input: RotateClientKeyInput!) { rotateClientKey(input: $input) { __typename
    ... on Client { keys { kid isBelieved } } ... on Refusal { code field } } }"""
DISABLE = """mutation($input: DisableClientInput!) { disableClient(input: $input) { __typename
    ... on Client { id disabledAt version } ... on Refusal { code field } } }"""
CLIENTS = """query($filter: ClientFilter) { clients(first: 100, filter: $filter) { edges { node {
    id clientId name disabledAt keys { kid isBelieved createdAt } } } } }"""


def wanted(**changes: Any) -> dict[str, Any]:
    return {
        "name": "Case book",
        "redirectUris": ["https://app.example.org/back"],
        "logoutUris": ["https://app.example.org/bye"],
        "origins": ["https://app.example.org"],
        "scopes": ["identity", "cases"],
        **changes,
    }


def lately() -> dict[str, Any]:
    return {"auth_time": int(time.time()) - 5, "acr": "2"}


@pytest.fixture
def admin(act_as: Act) -> Caller:
    """An administrator who has proved both factors lately."""
    return act_as("admin@cbo-d.example", **lately())


@pytest.fixture
def registered(admin: Caller) -> dict[str, Any]:
    answer: dict[str, Any] = admin.ask(REGISTER, input=wanted())["registerClient"]
    assert answer["__typename"] == "Client"
    return answer


@pytest.fixture
def with_key(network: Network, admin: Caller) -> Iterator[str]:
    """The id of a client that signs with a key of its own, as the operator may register one."""
    ((client,),) = network.rows(
        "insert into app.clients (organisation_id, name, kind, scopes, created_by, updated_by)"
        " values (%s, 'Machine', 'MACHINE', '{cases}', %s, %s) returning id",
        admin.principal.organisation,
        admin.principal.person,
        admin.principal.person,
    )
    (found,) = [each for each in listed(admin) if each["clientId"] == str(client)]
    yield found["id"]
    network.rows("delete from app.client_keys where client_id = %s", client)
    network.rows("delete from app.clients where id = %s", client)


def listed(caller: Caller, **filter: Any) -> list[dict[str, Any]]:
    return [edge["node"] for edge in caller.ask(CLIENTS, filter=filter)["clients"]["edges"]]


def a_key(**more: str) -> str:
    return json.dumps({**ECKey.generate_key("P-256").as_dict(private=False), **more})


OTHERS = {
    "manager@cbo-d.example": Role.CASE_MANAGER,
    "worker1@cbo-d.example": Role.SOCIAL_WORKER,
    "survivor1@cbo-d.example": Role.SURVIVOR,
    "auditor@secretariat.example": Role.AUDITOR,
    "worker@goa.example": Role.DESTINATION_WORKER,
}


@pytest.mark.parametrize("email", OTHERS)
def test_whoever_is_no_administrator_neither_sees_nor_registers_clients(act_as: Act, email: str) -> None:
    assert reach_of(OTHERS[email], Permission.CLIENT_REGISTER) is None
    caller = act_as(email, **lately())
    assert caller.refused(CLIENTS) == "FORBIDDEN"
    assert caller.refused(REGISTER, input=wanted()) == "FORBIDDEN"


def test_a_client_without_administration_registers_no_wider_one(act_as: Act) -> None:
    widget = act_as("admin@cbo-d.example", scopes=SCOPES - {"administration"}, **lately())
    assert widget.refused(CLIENTS) == "FORBIDDEN"
    assert widget.refused(REGISTER, input=wanted()) == "FORBIDDEN"


@pytest.mark.parametrize(
    "proved",
    [
        {},
        {"acr": "2"},
        {"auth_time": int(time.time())},
        {"auth_time": int(time.time()), "acr": "1"},
        {"auth_time": int(time.time()) - 700, "acr": "2"},
    ],
)
@pytest.mark.parametrize(
    ("mutation", "input"),
    [
        (REGISTER, wanted()),
        (UPDATE, {"id": "Q2xpZW50Og==", "baseVersion": 1}),
        (ROTATE, {"id": "Q2xpZW50Og==", "jwk": ""}),
        (DISABLE, {"id": "Q2xpZW50Og=="}),
    ],
)
def test_whoever_has_not_proved_both_factors_lately_is_sent_to_sign_in_again(
    act_as: Act, proved: dict[str, Any], mutation: str, input: dict[str, Any]
) -> None:
    admin = act_as("admin@cbo-d.example", **proved)
    answer = admin.post(mutation, {"input": input})
    assert answer.status_code == 401
    (error,) = answer.json()["errors"]
    assert error["extensions"]["code"] == "STEP_UP_REQUIRED"
    challenge = answer.headers["www-authenticate"]
    assert challenge.startswith('Bearer error="insufficient_user_authentication"')
    assert 'max_age="600"' in challenge
    assert 'acr_values="2"' in challenge


def test_nothing_of_a_request_is_done_where_one_part_needs_both_factors(act_as: Act) -> None:
    admin = act_as("admin@cbo-d.example")
    document = """mutation($input: RegisterClientInput!) {
        signOutEverywhere { __typename } registerClient(input: $input) { __typename } }"""
    assert admin.refused(document, input=wanted()) == "STEP_UP_REQUIRED"
    assert admin.ask("{ me { role } }") == {"me": {"role": "ORGANISATION_ADMIN"}}


def test_reading_needs_no_second_look(act_as: Act) -> None:
    assert listed(act_as("admin@cbo-d.example")) is not None


def test_a_client_is_registered_and_gets_an_id_of_ours(registered: dict[str, Any]) -> None:
    assert uuid_in(registered["id"]) == UUID(registered["clientId"])
    assert {name: registered[name] for name in ("name", "kind", "serves", "scopes", "version")} == {
        "name": "Case book",
        "kind": "PUBLIC",
        "serves": "ORGANISATION",
        "scopes": ["cases", "identity"],
        "version": 1,
    }
    assert registered["redirectUris"] == ["https://app.example.org/back"]
    assert registered["logoutUris"] == ["https://app.example.org/bye"]
    assert registered["origins"] == ["https://app.example.org"]
    assert registered["keys"] == []
    assert registered["disabledAt"] is None


def test_it_is_written_down_who_registered_what(
    admin: Caller, network: Network, registered: dict[str, Any]
) -> None:
    ((actor, detail),) = network.rows(
        "select actor, detail from trail.events where action = 'client.registered' and subjects = array[%s]::uuid[]",
        registered["clientId"],
    )
    assert actor == admin.principal.person
    assert json.loads(detail) == {"kind": "PUBLIC", "scopes": ["cases", "identity"]}


def test_the_same_registration_sent_twice_is_one(admin: Caller) -> None:
    key = str(uuid4())
    first, second = (
        admin.ask(REGISTER, input=wanted(clientMutationId=key))["registerClient"] for _ in range(2)
    )
    assert first == second


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"kind": "CONFIDENTIAL"}, "KEY_MISSING", "jwk"),
        ({"kind": "MACHINE", "redirectUris": []}, "KEY_MISSING", "jwk"),
        ({"kind": "MACHINE"}, "ADDRESS_NOT_USED", "redirectUris"),
        ({"kind": "MACHINE", "redirectUris": [], "scopes": []}, "SCOPE_MISSING", "scopes"),
        ({"jwk": "{}"}, "KEY_NOT_USED", "jwk"),
        ({"redirectUris": []}, "ADDRESS_MISSING", "redirectUris"),
        ({"redirectUris": ["https://app.example.org/*"]}, "ADDRESS_INVALID", "redirectUris"),
        ({"logoutUris": ["http://app.example.org/"]}, "ADDRESS_INVALID", "logoutUris"),
        ({"origins": ["*"]}, "ORIGIN_INVALID", "origins"),
        ({"scopes": ["everything"]}, "SCOPE_UNKNOWN", "scopes"),
        ({"name": ""}, "NAME_EMPTY", "name"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_field(
    admin: Caller, changes: dict[str, Any], code: str, field: str
) -> None:
    answer = admin.ask(REGISTER, input=wanted(**changes))["registerClient"]
    assert answer == {"__typename": "Refusal", "code": code, "field": field}


def test_an_organisation_sees_and_changes_its_own_clients_alone(
    act_as: Act, registered: dict[str, Any]
) -> None:
    other = act_as("admin@cbo-c.example", **lately())
    assert registered["id"] not in {each["id"] for each in listed(other)}
    node = "query($id: ID!) { node(id: $id) { id } }"
    assert other.ask(node, id=registered["id"]) == {"node": None}
    for mutation, field, more in (
        (UPDATE, "updateClient", {"baseVersion": 1, "name": "Ours"}),
        (ROTATE, "rotateClientKey", {"jwk": a_key()}),
        (DISABLE, "disableClient", {}),
    ):
        answer = other.ask(mutation, input={"id": registered["id"], **more})[field]
        assert (answer["code"], answer["field"]) == ("NOT_FOUND", "id")


def test_a_client_is_found_again_by_its_id(admin: Caller, registered: dict[str, Any]) -> None:
    found = admin.ask("query($id: ID!) { node(id: $id) { ... on Client { clientId } } }", id=registered["id"])
    assert found == {"node": {"clientId": registered["clientId"]}}


def test_a_client_is_changed_where_it_is_named(admin: Caller, registered: dict[str, Any]) -> None:
    changes = {
        "name": "Case book 2",
        "scopes": ["cases"],
        "origins": [],
        "redirectUris": ["https://app.example.org/other"],
        "logoutUris": [],
    }
    answer = admin.ask(UPDATE, input={"id": registered["id"], "baseVersion": 1, **changes})["updateClient"]
    changes.pop("logoutUris")
    assert answer == {"__typename": "Client", "id": registered["id"], "version": 2, **changes}


def test_what_is_not_named_stays_and_the_same_again_changes_nothing(
    admin: Caller, registered: dict[str, Any]
) -> None:
    same = {"id": registered["id"], "baseVersion": 1, "name": "Case book"}
    answer = admin.ask(UPDATE, input=same)["updateClient"]
    assert answer["version"] == 1
    assert answer["scopes"] == ["cases", "identity"]


def test_whoever_was_slower_is_told_and_changes_nothing(admin: Caller, registered: dict[str, Any]) -> None:
    for name in ("First", "Second"):
        answer = admin.ask(UPDATE, input={"id": registered["id"], "baseVersion": 1, "name": name})
    assert answer["updateClient"]["__typename"] == "Conflict"
    assert answer["updateClient"]["currentVersion"] == 2
    assert "client" in answer["updateClient"]["message"]


def test_a_client_is_not_changed_into_one_that_nobody_is_sent_back_to(
    admin: Caller, registered: dict[str, Any]
) -> None:
    answer = admin.ask(UPDATE, input={"id": registered["id"], "baseVersion": 1, "redirectUris": []})
    assert answer["updateClient"]["code"] == "ADDRESS_MISSING"


def test_a_disabled_client_ends_its_sessions_at_once_and_stays_as_it_is(
    admin: Caller, act_as: Act, network: Network, registered: dict[str, Any]
) -> None:
    worker, other = act_as("worker1@cbo-d.example"), act_as("worker2@cbo-d.example")
    network.rows(
        "update sec.sessions set client = %s where id = %s",
        registered["clientId"],
        worker.principal.session,
    )
    answer = admin.ask(DISABLE, input={"id": registered["id"]})["disableClient"]
    assert answer["disabledAt"] is not None
    assert worker.refused("{ me { role } }") == "UNAUTHENTICATED"
    assert other.ask("{ me { role } }") == {"me": {"role": "SOCIAL_WORKER"}}
    assert admin.ask(DISABLE, input={"id": registered["id"]})["disableClient"] == answer
    for mutation, field, more in (
        (UPDATE, "updateClient", {"baseVersion": 2, "name": "Again"}),
        (ROTATE, "rotateClientKey", {"jwk": a_key()}),
    ):
        again = admin.ask(mutation, input={"id": registered["id"], **more})[field]
        assert (again["code"], again["field"]) == ("CLIENT_DISABLED", "id")
    assert registered["id"] in {each["id"] for each in listed(admin, isDisabled=True)}
    assert registered["id"] not in {each["id"] for each in listed(admin, isDisabled=False)}


def test_a_client_of_the_network_is_not_its_administrators_to_change(
    admin: Caller, network: Network, registered: dict[str, Any]
) -> None:
    serving = "update app.clients set serves = %s where id = %s"
    network.rows(serving, "NETWORK", registered["clientId"])
    try:
        for mutation, field, more in (
            (UPDATE, "updateClient", {"baseVersion": 1, "redirectUris": ["https://evil.example/cb"]}),
            (ROTATE, "rotateClientKey", {"jwk": a_key()}),
            (DISABLE, "disableClient", {}),
        ):
            told = admin.ask(mutation, input={"id": registered["id"], **more})[field]
            assert (told["code"], told["field"]) == ("CLIENT_NOT_YOURS", "id")
    finally:
        network.rows(serving, "ORGANISATION", registered["clientId"])


def test_the_newest_key_and_the_one_before_it_are_believed(admin: Caller, with_key: str) -> None:
    for kid in ("first", "second", "third"):
        answer = admin.ask(ROTATE, input={"id": with_key, "jwk": a_key(kid=kid)})["rotateClientKey"]
    assert answer["keys"] == [
        {"kid": "third", "isBelieved": True},
        {"kid": "second", "isBelieved": True},
        {"kid": "first", "isBelieved": False},
    ]


def test_once_its_keys_got_lost_the_newest_alone_is_believed(admin: Caller, with_key: str) -> None:
    admin.ask(ROTATE, input={"id": with_key, "jwk": a_key(kid="lost")})
    input = {"id": with_key, "jwk": a_key(kid="new"), "retireOthers": True}
    answer = admin.ask(ROTATE, input=input)["rotateClientKey"]
    assert answer["keys"] == [{"kid": "new", "isBelieved": True}, {"kid": "lost", "isBelieved": False}]


def test_a_key_that_it_has_had_before_is_refused_under_whatever_name(admin: Caller, with_key: str) -> None:
    key = json.loads(a_key(kid="first"))
    for again, code in (
        (key, None),
        (key, "KEY_KNOWN"),
        ({**key, "kid": "other"}, "KEY_KNOWN"),
        ({**json.loads(a_key()), "kid": "first"}, "KEY_KNOWN"),
    ):
        answer = admin.ask(ROTATE, input={"id": with_key, "jwk": json.dumps(again)})["rotateClientKey"]
        assert answer.get("code") == code


@pytest.mark.parametrize(
    ("kind", "redirect_uris"), [("CONFIDENTIAL", ["https://app.example.org/back"]), ("MACHINE", [])]
)
def test_a_client_that_signs_begins_with_its_key(admin: Caller, kind: str, redirect_uris: list[str]) -> None:
    new = wanted(kind=kind, redirectUris=redirect_uris, jwk=a_key(kid="first"))
    answer = admin.ask(REGISTER, input=new)["registerClient"]
    assert (answer["kind"], answer["keys"]) == (kind, [{"kid": "first"}])


def test_a_public_client_has_no_key_to_renew(admin: Caller, registered: dict[str, Any]) -> None:
    answer = admin.ask(ROTATE, input={"id": registered["id"], "jwk": a_key()})["rotateClientKey"]
    assert (answer["code"], answer["field"]) == ("CLIENT_WITHOUT_KEY", "id")
