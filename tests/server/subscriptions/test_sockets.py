"""The protocol, who may speak it, and when she is sent away."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import httpx
import pytest
from tests.server.conftest import Act, Caller, Network, free_port, serving
from tests.server.subscriptions.conftest import (
    CHANGED,
    INBOX,
    PROTOCOL,
    Sent,
    listening,
    open_socket,
    settle,
)
from websockets.exceptions import InvalidStatus

from pat_auth.keys import load_or_create_keys
from pat_auth.principal import Principal
from pat_auth.tokens import mint
from pat_server.demo.clients import ORIGIN
from pat_server.subscriptions import lines, sockets

REVOKE = "update sec.sessions set revoked_at = now() where id = %s"


def minted(network: Network, principal: Principal, lifetime: int) -> str:
    """A token that lives so long; negative for one that has expired."""
    keys = load_or_create_keys(network.settings.key_folder)
    issuer, audience = network.settings.issuer, network.settings.audience
    return mint(principal, keys=keys, issuer=issuer, audience=audience, lifetime=lifetime)


def test_a_session_that_is_revoked_is_sent_away_within_five_seconds(
    server: str, worker: Caller, network: Network
) -> None:
    with listening(server, worker) as socket:
        network.rows(REVOKE, worker.principal.session)
        assert socket.closed(5) == 4401


def test_also_one_in_which_nothing_is_subscribed_to(
    server: str, worker: Caller, act_as: Act, network: Network
) -> None:
    with listening(server, act_as("admin@goa.example")), open_socket(server) as socket:
        socket.sign_in(worker.token)
        network.rows(REVOKE, worker.principal.session)
        assert socket.closed(5) == 4401


@pytest.mark.parametrize(
    ("ends", "again"),
    [
        (
            "update sec.people set disabled_at = now() where id = %s",
            "update sec.people set disabled_at = null where id = %s",
        ),
        (
            "update app.memberships set ended_at = now() where person_id = %s",
            "update app.memberships set ended_at = null where person_id = %s",
        ),
    ],
)
def test_a_person_who_is_disabled_or_let_go_is_sent_away_within_five_seconds(
    server: str, worker: Caller, network: Network, ends: str, again: str
) -> None:
    with listening(server, worker) as socket:
        network.rows(ends, worker.principal.person)
        try:
            assert socket.closed(5) == 4401
        finally:
            network.rows(again, worker.principal.person)


def test_a_socket_ends_when_its_token_does_and_goes_on_under_a_new_one(
    server: str, worker: Caller, network: Network, sent: Sent
) -> None:
    brief = replace(worker, token=minted(network, worker.principal, 2))
    with listening(server, brief) as socket:
        sent.change()
        cursor = socket.event()["cursor"]
        assert socket.closed(3) == 4401
    sent.change("urgency = 'SOON'")
    query = "subscription($after: String) { referralChanged(after: $after) { referral { urgency } } }"
    with listening(server, worker, query, after=cursor) as again:
        assert again.event() == {"referral": {"urgency": "SOON"}}


def test_a_token_that_is_missing_wrong_or_expired_opens_nothing(
    server: str, worker: Caller, network: Network
) -> None:
    expired = minted(network, worker.principal, -1)
    for payload in (
        None,
        {},
        {"authorization": "Bearer nonsense"},
        {"authorization": worker.token},
        {"authorization": f"Bearer {expired}"},
        {"authorization": ["Bearer"]},
    ):
        with open_socket(server) as socket:
            socket.say(type="connection_init", payload=payload)
            assert socket.closed() == 4403


def test_the_token_may_come_in_the_header_of_the_handshake(server: str, worker: Caller) -> None:
    with open_socket(server, additional_headers={"Authorization": f"Bearer {worker.token}"}) as socket:
        socket.say(type="connection_init")
        assert socket.hear() == {"type": "connection_ack"}
        socket.subscribe(INBOX)
        assert socket.event()["total"] > 0


def test_whoever_does_not_sign_in_is_sent_away(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "INIT_SECONDS", 0.5)
    with open_socket(server) as socket:
        assert socket.closed(2) == 4408


@pytest.mark.parametrize("protocols", [None, ["graphql-ws"], ["chat"]])
def test_only_one_protocol_is_spoken(server: str, protocols: list[str] | None) -> None:
    with open_socket(server, subprotocols=protocols) as socket:
        assert socket.closed() == 4406


@pytest.mark.parametrize("offered", [["graphql-ws", PROTOCOL], [PROTOCOL, "chat"]])
def test_it_is_chosen_among_others(server: str, worker: Caller, offered: list[str]) -> None:
    with open_socket(server, subprotocols=offered) as socket:
        socket.sign_in(worker.token)


def test_pages_of_other_origins_do_not_connect(server: str, worker: Caller) -> None:
    for origin in ("https://elsewhere.example", "null", f"{ORIGIN}.elsewhere.example"):
        with pytest.raises(InvalidStatus) as refused, open_socket(server, origin=origin):
            pass
        assert refused.value.response.status_code == 403
    for origin in (ORIGIN, server):
        with open_socket(server, origin=origin) as socket:
            socket.sign_in(worker.token)


@pytest.mark.parametrize(
    "text",
    [
        "nonsense",
        "[]",
        "{}",
        '{"type":1}',
        '{"type":"start","id":"1"}',
        '{"type":"subscribe"}',
        '{"type":"subscribe","id":""}',
        '{"type":"subscribe","id":7}',
        b"\x00",
    ],
)
def test_what_is_no_message_ends_the_socket(server: str, worker: Caller, text: Any) -> None:
    with open_socket(server) as socket:
        socket.sign_in(worker.token)
        socket.send(text)
        assert socket.closed() == 4400


def test_a_message_that_is_too_large_ends_the_socket(server: str, worker: Caller) -> None:
    with open_socket(server) as socket:
        socket.sign_in(worker.token)
        socket.say(type="ping", payload={"much": "x" * 65_536})
        assert socket.closed() == 1009


def test_nothing_is_subscribed_to_before_signing_in(server: str) -> None:
    with open_socket(server) as socket:
        socket.subscribe(CHANGED)
        assert socket.closed() == 4401


def test_signing_in_twice_ends_the_socket(server: str, worker: Caller) -> None:
    with open_socket(server) as socket:
        socket.sign_in(worker.token)
        socket.say(type="connection_init", payload={"authorization": f"Bearer {worker.token}"})
        assert socket.closed() == 4429


def test_two_subscriptions_of_one_id_end_the_socket(server: str, worker: Caller) -> None:
    with listening(server, worker) as socket:
        socket.subscribe(CHANGED)
        assert socket.closed() == 4409


def test_a_ping_is_answered(server: str) -> None:
    with open_socket(server) as socket:
        socket.say(type="ping")
        assert socket.hear() == {"type": "pong"}
        socket.say(type="pong")
        assert socket.is_quiet()


def test_an_eleventh_subscription_is_refused_and_the_others_go_on(
    server: str, worker: Caller, sent: Sent
) -> None:
    with open_socket(server) as socket:
        socket.sign_in(worker.token)
        for number in range(11):
            socket.subscribe(CHANGED, str(number))
        told = socket.hear()
        assert (told["id"], told["type"], told["payload"][0]["extensions"]["code"]) == (
            "10",
            "error",
            "THROTTLED",
        )
        settle()
        sent.change()
        assert {socket.hear()["id"] for _ in range(10)} == {str(number) for number in range(10)}


def test_what_is_completed_is_not_told_any_more(server: str, worker: Caller, sent: Sent) -> None:
    with listening(server, worker) as socket:
        socket.say(type="complete", id="1")
        socket.say(type="complete", id="never")
        settle()
        sent.change()
        assert socket.is_quiet()
        socket.subscribe(CHANGED)
        settle()
        sent.change("urgency = 'SOON'")
        assert socket.event()["referral"]["urgency"] == "SOON"


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("{ me { name } }", "BAD_INPUT"),
        ("mutation { signOutEverywhere { __typename } }", "BAD_INPUT"),
        ("subscription { nothing }", "BAD_INPUT"),
        ("subscription {", "BAD_INPUT"),
        ("subscription { inboxCount { total } referralChanged { id } }", "BAD_INPUT"),
        ("subscription($no: Boolean = true) { inboxCount @skip(if: $no) { total } }", "BAD_INPUT"),
        (7, "BAD_INPUT"),
    ],
)
def test_what_is_no_subscription_is_refused_and_the_socket_stays(
    server: str, worker: Caller, query: Any, code: str
) -> None:
    with open_socket(server) as socket:
        socket.sign_in(worker.token)
        socket.subscribe(query)
        assert socket.error() == code
        socket.subscribe(INBOX)
        assert socket.event()["total"] > 0


def test_nobody_signs_out_by_a_mutation_over_a_socket(server: str, worker: Caller, network: Network) -> None:
    with open_socket(server) as socket:
        socket.sign_in(worker.token)
        socket.subscribe("mutation { signOutEverywhere { __typename } }")
        assert socket.error() == "BAD_INPUT"
    assert network.rows("select revoked_at from sec.sessions where id = %s", worker.principal.session) == [
        (None,)
    ]


def test_a_subscription_is_not_posted(worker: Caller) -> None:
    assert worker.refused(INBOX) == "BAD_INPUT"


def test_a_session_has_five_sockets_at_a_time(server: str, worker: Caller) -> None:
    open_ones = [open_socket(server) for _ in range(lines.OF_SESSION)]
    for socket in open_ones:
        socket.sign_in(worker.token)
    with open_socket(server) as one_more:
        one_more.say(type="connection_init", payload={"authorization": f"Bearer {worker.token}"})
        assert one_more.closed() == 4429
    for socket in open_ones:
        with socket:
            pass
    settle()
    with open_socket(server) as again:
        again.sign_in(worker.token)


def test_a_flood_of_messages_ends_the_socket(server: str) -> None:
    with open_socket(server) as socket:
        for _ in range(sockets.MESSAGES + 1):
            socket.say(type="pong")
        assert socket.closed() == 4429


def test_a_process_has_so_many_sockets_and_says_farewell_to_them(network: Network, worker: Caller) -> None:
    with serving(replace(network.settings, sockets=1), free_port()) as server:
        socket = open_socket(server)
        socket.sign_in(worker.token)
        with pytest.raises(InvalidStatus) as refused, open_socket(server):
            pass
        assert refused.value.response.status_code == 503
        answer = httpx.post(
            f"{server}/graphql/stream",
            json={"query": INBOX},
            headers={"accept": "text/event-stream", "authorization": f"Bearer {worker.token}"},
        )
        assert answer.status_code == 503
    assert socket.closed() == 1012


def test_what_is_completed_before_it_begins_leaves_room_for_others(server: str, worker: Caller) -> None:
    with open_socket(server) as socket:
        socket.sign_in(worker.token)
        for number in range(sockets.MOST + 1):
            socket.subscribe(INBOX, str(number))
            socket.say(type="complete", id=str(number))
        settle()
        socket.subscribe(INBOX, "last")
        while (told := socket.hear())["id"] != "last":
            pass
        assert told["type"] == "next"


def test_a_name_is_free_once_it_is_completed(server: str, worker: Caller) -> None:
    with listening(server, worker) as socket:
        socket.say(type="complete", id="1")
        socket.subscribe(INBOX)
        assert socket.event()["total"] > 0
