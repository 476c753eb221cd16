"""What is told, to whom, and when."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import psycopg
import pytest
from tests.server.conftest import Act, Caller, Network, uuid_in
from tests.server.subscriptions.conftest import AFTER, CHANGED, INBOX, Sent, Socket, listening, settle
from tests.server.subscriptions.test_sockets import minted


@pytest.fixture
def receiver(server: str, worker: Caller) -> Iterator[Socket]:
    with listening(server, worker) as socket:
        yield socket


def test_the_receiver_is_told_at_once_what_she_may_see_of_it(receiver: Socket, sent: Sent) -> None:
    receiver.event()
    sent.change("urgency = 'SOON'")
    told = receiver.event(1)
    assert uuid_in(told["id"]) == sent.received_id
    assert told["referral"]["urgency"] == "SOON"
    assert told["referral"]["partnerName"] is None


def test_the_sender_is_told_of_the_same_change_by_the_name_that_she_knows(
    server: str, act_as: Act, sent: Sent
) -> None:
    with listening(server, act_as(f"manager@{sent.sender}.example")) as sender:
        sent.change()
        told = sender.event()
        assert uuid_in(told["id"]) == sent.id
        assert told["referral"]["partnerName"]


def test_who_joins_another_of_her_session_is_told_all_that_comes_and_nothing_that_was(
    server: str, worker: Caller, receiver: Socket, sent: Sent
) -> None:
    receiver.event()
    sent.change("urgency = 'SOON'")
    receiver.event()
    with listening(server, worker) as joined:
        assert joined.is_quiet()
        sent.change("urgency = 'URGENT'")
        for socket in (receiver, joined):
            assert socket.event()["referral"]["urgency"] == "URGENT"


def test_an_answer_is_told_to_both_sides(
    server: str, act_as: Act, worker: Caller, network: Network, sent: Sent
) -> None:
    with (
        listening(server, act_as(f"manager@{sent.sender}.example")) as sender,
        listening(server, worker) as own,
    ):
        network.rows(
            "insert into app.referral_answers (organisation_id, id, referral_organisation_id, referral_id, answer, created_by)"
            " select to_organisation_id, gen_random_uuid(), organisation_id, received_id, 'ACCEPTED', %s"
            " from app.referrals where id = %s",
            worker.principal.person,
            sent.id,
        )
        for told in (sender.event(), own.event()):
            assert told["referral"]["status"] == "ACCEPTED"


def test_what_is_revoked_is_a_stub_from_then_on(receiver: Socket, sent: Sent) -> None:
    receiver.event()
    sent.change("state = 'REVOKED', ended_at = now()")
    told = receiver.event()["referral"]
    assert (told["status"], told["scopes"], told["partnerName"]) == ("REVOKED", [], None)


def test_what_runs_out_is_told_although_nobody_wrote_it(receiver: Socket, sent: Sent) -> None:
    receiver.event()
    sent.change("agreed_until = clock_timestamp() + interval '1.5 seconds'")
    assert receiver.event()["referral"]["status"] != "EXPIRED"
    assert receiver.event(5)["referral"]["status"] == "EXPIRED"


def test_nobody_else_is_told(server: str, act_as: Act, sent: Sent) -> None:
    other = "cbo-b" if sent.sender != "cbo-b" else "cbo-c"
    emails = ("worker@delhi.example", f"manager@{other}.example")
    sockets = [listening(server, act_as(email)) for email in emails]
    sent.change()
    for socket in sockets:
        with socket:
            assert socket.is_quiet()


def test_a_draft_is_not_told_to_whom_it_is_meant_for(receiver: Socket, sent: Sent) -> None:
    receiver.event()
    sent.change("state = 'DRAFT'")
    assert receiver.is_quiet()


def test_legal_aid_is_told_of_her_own_cases_alone(
    server: str, act_as: Act, network: Network, sent: Sent
) -> None:
    legal = act_as(f"legal@{sent.sender}.example")
    network.rows(
        "update app.case_assignments set ended_at = now() where membership_id in ("
        "select membership_id from sec.sessions where id = %s)"
        " and case_id = (select case_id from app.referrals where id = %s)",
        legal.principal.session,
        sent.id,
    )
    with listening(server, legal) as socket:
        sent.change()
        assert socket.is_quiet()


def test_many_changes_while_nobody_reads_are_told_as_they_are_now(receiver: Socket, sent: Sent) -> None:
    receiver.event()
    with psycopg.connect(sent.network.admin_url) as admin:
        for urgency in ("SOON", "URGENT", "ROUTINE"):
            admin.execute("update app.referrals set urgency = %s where id = %s", (urgency, sent.id))
    assert receiver.event()["referral"]["urgency"] == "ROUTINE"
    assert receiver.is_quiet()


def test_whoever_comes_again_with_a_cursor_is_told_what_she_missed(
    server: str, act_as: Act, receiver: Socket, sent: Sent
) -> None:
    cursor = receiver.event()["cursor"]
    with receiver:
        pass
    sent.change()
    with listening(server, act_as("worker@goa.example"), AFTER, after=cursor) as again:
        told = again.event()
        assert uuid_in(told["id"]) == sent.received_id
        assert again.is_quiet()
    with listening(server, act_as("worker@goa.example"), AFTER, after=told["cursor"]) as once_more:
        assert once_more.is_quiet()


@pytest.mark.parametrize("cursor", ["", "nonsense", "AAAA", "é"])
def test_a_cursor_that_is_none_is_refused(server: str, worker: Caller, cursor: str) -> None:
    with listening(server, worker, AFTER, after=cursor) as socket:
        assert socket.error() == "BAD_CURSOR"


def test_a_cursor_is_good_for_who_got_it_alone(
    server: str, act_as: Act, receiver: Socket, network: Network, sent: Sent
) -> None:
    """Whoever else shows it is on record."""
    cursor = receiver.event()["cursor"]
    for email in ("admin@goa.example", "worker@delhi.example", f"manager@{sent.sender}.example"):
        other = act_as(email)
        with listening(server, other, AFTER, after=cursor) as socket:
            assert socket.error() == "BAD_CURSOR"
        [(detail,)] = network.rows(
            "select detail::jsonb from trail.events where action = 'request.refused' and actor = %s order by number desc limit 1",
            other.principal.person,
        )
        assert detail == {"code": "BAD_CURSOR", "field": "Subscription.referralChanged"}


def test_a_cursor_tells_nothing(receiver: Socket, sent: Sent) -> None:
    cursors = []
    for urgency in ("SOON", "URGENT", "ROUTINE"):
        sent.change(f"urgency = '{urgency}'")
        cursors.append(receiver.event()["cursor"])
    assert len({len(cursor) for cursor in cursors}) == 1
    assert len({cursor[:12] for cursor in cursors}) == 3


def test_the_inbox_is_counted_at_once_and_when_it_changes(server: str, worker: Caller, sent: Sent) -> None:
    with listening(server, worker, INBOX) as socket:
        before = counted(socket.event())
        sent.change("urgency = 'SOON'")
        assert socket.is_quiet()
        sent.change("state = 'REVOKED', ended_at = now()")
        after = counted(socket.event())
        assert after["REVOKED"] == before.get("REVOKED", 0) + 1
        assert after.get("SENT", 0) == before["SENT"] - 1


def counted(told: Any) -> dict[str, int]:
    found = {each["status"]: each["count"] for each in told["byStatus"]}
    assert told["total"] == sum(found.values())
    return found


def test_whoever_only_sends_has_an_empty_inbox(server: str, manager: Caller) -> None:
    with listening(server, manager, INBOX) as socket:
        assert socket.event() == {"total": 0, "byStatus": []}


def test_each_event_is_read_under_the_rights_of_now(
    server: str, worker: Caller, network: Network, sent: Sent
) -> None:
    with listening(server, worker) as socket:
        network.rows("update sec.sessions set revoked_at = now() where id = %s", worker.principal.session)
        sent.change()
        assert socket.closed(1) == 4401


IDENTITY = (
    "subscription { referralChanged { cursor referral { case { ... on Case { survivor { identity"
    " { ... on SurvivorIdentity { firstName } ... on Withheld { reason } } } } } } } }"
)


def test_what_an_event_reveals_is_in_the_trail(
    server: str, act_as: Act, network: Network, sent: Sent
) -> None:
    """Once, where she asked the same twice: it was read once."""
    sender = act_as(f"manager@{sent.sender}.example")
    revealed = "select count(*) from trail.events where actor = %s"
    [(before,)] = network.rows(revealed, sender.principal.person)
    with listening(server, sender, IDENTITY) as socket, listening(server, sender, IDENTITY) as other:
        sent.change()
        assert socket.event() == other.event()
    [(after,)] = network.rows(revealed, sender.principal.person)
    assert after == before + 1


def test_a_client_that_may_ask_for_less_is_told_less_than_another_of_the_same_session(
    server: str, act_as: Act, network: Network, sent: Sent
) -> None:
    sender = act_as(f"manager@{sent.sender}.example")
    narrow = replace(sender.principal, scopes=frozenset({"cases", "referrals"}))
    less = replace(sender, principal=narrow, token=minted(network, narrow, 60))
    with listening(server, sender, IDENTITY) as socket, listening(server, less, IDENTITY) as other:
        sent.change()
        both = [told["referral"]["case"]["survivor"]["identity"] for told in (socket.event(), other.event())]
    assert [identity.keys() for identity in both] == [{"firstName"}, {"reason"}]


def test_who_asks_something_else_of_the_same_change_is_told_that(
    server: str, worker: Caller, sent: Sent
) -> None:
    asked = "subscription($own: Boolean!) { referralChanged { cursor id @include(if: $own) } }"
    with (
        listening(server, worker, asked, own=True) as socket,
        listening(server, worker, asked, own=False) as other,
    ):
        sent.change()
        told, else_told = socket.event(), other.event()
    assert set(told) == {"cursor", "id"}
    assert set(else_told) == {"cursor"}


def test_who_may_not_ask_is_refused(server: str, act_as: Act) -> None:
    with listening(server, act_as("facilitator@cbo-a.example"), CHANGED) as socket:
        assert socket.error() == "FORBIDDEN"
    with listening(server, act_as("manager@cbo-a.example", frozenset({"cases"})), CHANGED) as socket:
        assert socket.error() == "FORBIDDEN"


def test_events_go_on_after_postgresql_has_ended_every_connection(
    server: str, worker: Caller, network: Network, sent: Sent
) -> None:
    with listening(server, worker) as socket:
        network.rows(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where usename ~ '^(org_|pat_service_listener)' and datname = current_database()"
        )
        sent.change()
        assert uuid_in(socket.event()["id"]) == sent.received_id
        settle()
        sent.change("urgency = 'SOON'")
        assert socket.event()["referral"]["urgency"] == "SOON"
