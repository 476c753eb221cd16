"""Where somebody is signed in, and how she ends that, over HTTP."""

from __future__ import annotations

from base64 import b64encode
from typing import Any
from uuid import uuid4

from tests.server.conftest import Act, Caller, Network

SESSIONS = "{ me { sessions { id clientName signedInAt usedAt endsAt isThis } } }"
END = """mutation($input: EndSessionInput!) { endSession(input: $input) {
    __typename ... on SignedOut { count } ... on Refusal { code field } } }"""
END_ALL = "mutation { signOutEverywhere { __typename ... on SignedOut { count } } }"


def sessions(caller: Caller) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = caller.ask(SESSIONS)["me"]["sessions"]
    return found


def this(caller: Caller) -> str:
    (id,) = [each["id"] for each in sessions(caller) if each["isThis"]]
    found: str = id
    return found


def end(caller: Caller, id: str) -> dict[str, Any]:
    answer: dict[str, Any] = caller.ask(END, input={"id": id})["endSession"]
    return answer


def test_somebody_sees_her_own_sessions_and_nobody_elses(act_as: Act) -> None:
    phone, desk = act_as("legal@cbo-d.example"), act_as("legal@cbo-d.example")
    other = act_as("mis@cbo-d.example")
    seen = {each["id"] for each in sessions(phone)}
    assert {this(phone), this(desk)} <= seen
    assert this(other) not in seen


def test_a_session_is_shown_by_a_handle_that_opens_nothing(act_as: Act, network: Network) -> None:
    caller = act_as("legal@cbo-d.example")
    answer = caller.post(SESSIONS).text
    for (secret,) in network.rows("select id from sec.sessions"):
        assert str(secret) not in answer
        assert b64encode(f"Session:{secret}".encode()).decode() not in answer


def test_somebody_ends_the_session_on_a_phone_that_she_lost(act_as: Act, network: Network) -> None:
    phone, desk = act_as("legal@cbo-d.example"), act_as("legal@cbo-d.example")
    lost = this(phone)
    assert end(desk, lost) == {"__typename": "SignedOut", "count": 1}
    assert phone.refused("{ me { role } }") == "UNAUTHENTICATED"
    assert lost not in {each["id"] for each in sessions(desk)}
    assert end(desk, lost) == {"__typename": "Refusal", "code": "NOT_FOUND", "field": "id"}


def test_she_may_end_the_very_session_that_she_asks_with(act_as: Act) -> None:
    caller = act_as("legal@cbo-d.example")
    assert end(caller, this(caller)) == {"__typename": "SignedOut", "count": 1}
    assert caller.refused("{ me { role } }") == "UNAUTHENTICATED"


def test_nobody_ends_anothers_session_or_learns_whether_there_is_one(act_as: Act) -> None:
    colleague, caller = act_as("mis@cbo-d.example"), act_as("legal@cbo-d.example")
    missing = b64encode(f"Session:{uuid4()}".encode()).decode()
    assert end(caller, this(colleague)) == end(caller, missing)
    assert colleague.ask("{ me { role } }") == {"me": {"role": "MIS_FOCAL"}}


def test_she_signs_out_everywhere(act_as: Act, network: Network) -> None:
    phone, desk = act_as("facilitator@cbo-d.example"), act_as("facilitator@cbo-d.example")
    colleague = act_as("mis@cbo-d.example")
    answer = desk.ask(END_ALL)["signOutEverywhere"]
    assert answer["__typename"] == "SignedOut"
    assert answer["count"] >= 2
    for caller in (phone, desk):
        assert caller.refused("{ me { role } }") == "UNAUTHENTICATED"
    assert colleague.ask("{ me { role } }") == {"me": {"role": "MIS_FOCAL"}}
    ended = network.rows(
        "select revoked_because from sec.sessions where id = any(%s)",
        [phone.principal.session, desk.principal.session],
    )
    assert {because for (because,) in ended} == {"signed out everywhere"}
    assert network.rows(
        "select 1 from trail.events where action = 'session.revoked' and actor = %s", desk.principal.person
    )
