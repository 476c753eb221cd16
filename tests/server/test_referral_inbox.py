"""Inbox and outbox over HTTP: what a referral is called, how long it waits, in which order, and how many there are."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any
from uuid import UUID

import pytest
from tests.server.conftest import Act, Caller, Network, uuid_in
from tests.server.sharing import Sharing

NUMBER = "query($id: ID!) { referral(id: $id) { number } }"
LISTED = """query($direction: ReferralDirection!, $by: ReferralOrder! = SENT_AT_DESC, $in: String) {
  referrals(direction: $direction, orderBy: $by, filter: {partnerState: $in}, first: 500) {
    edges { node { id number status urgency sentAt ageDays partnerState } } } }"""
COUNTS = "query($direction: ReferralDirection!) { referralCounts(direction: $direction) { status urgency count oldestSentAt } }"
SIDES = [
    ("manager@cbo-b.example", "SENT"),
    ("legal@cbo-b.example", "SENT"),
    ("survivor7@cbo-b.example", "SENT"),
    ("worker@goa.example", "RECEIVED"),
    ("admin@delhi.example", "RECEIVED"),
]


@pytest.fixture
def sharing(network: Network, act_as: Act) -> Sharing:
    return Sharing(network, act_as)


def listed(caller: Caller, direction: str, **given: Any) -> list[dict[str, Any]]:
    edges = caller.ask(LISTED, direction=direction, **given)["referrals"]["edges"]
    return [edge["node"] for edge in edges]


def test_both_sides_call_a_referral_by_one_number_which_tells_no_id(sharing: Sharing) -> None:
    sent = sharing.sent(sharing.agreed())
    received = sharing.received(sent)
    number = sharing.manager.ask(NUMBER, id=sent)["referral"]["number"]
    assert re.fullmatch("R-[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}", number)
    assert sharing.worker.ask(NUMBER, id=received)["referral"]["number"] == number
    assert sharing.survivor.ask(NUMBER, id=sent)["referral"]["number"] == number
    assert number.replace("-", "")[1:] not in _digits(uuid_in(sent)) + _digits(uuid_in(received))
    sharing.manager.ask(
        "mutation($input: MoveReferralInput!) { moveReferral(input: $input) { __typename } }",
        input={"id": sent, "to": "REVOKED"},
    )
    assert sharing.worker.ask(NUMBER, id=received)["referral"]["number"] == number


def _digits(id: UUID) -> str:
    return id.hex.upper()


def test_no_two_referrals_have_one_number(act_as: Act) -> None:
    numbers = [each["number"] for email, side in SIDES[-2:] for each in listed(act_as(email), side)]
    assert len(set(numbers)) == len(numbers) > 4


def test_a_referral_is_as_old_as_the_days_since_it_was_sent(sharing: Sharing, network: Network) -> None:
    sent, draft = sharing.sent(sharing.agreed()), sharing.drafted()
    network.rows(
        "update app.referrals set sent_at = sent_at - interval '9 days' where id = %s", uuid_in(sent)
    )
    ages = {each["id"]: each["ageDays"] for each in listed(sharing.manager, "SENT")}
    assert (ages[sent], ages[draft]) == (9, None)
    received = {each["id"]: each["ageDays"] for each in listed(sharing.worker, "RECEIVED")}
    assert received[sharing.received(sent)] == 9


@pytest.mark.parametrize(("email", "direction"), SIDES)
def test_what_waits_longest_comes_first_and_drafts_last(act_as: Act, email: str, direction: str) -> None:
    moments = [each["sentAt"] for each in listed(act_as(email), direction, by="OLDEST_WAITING")]
    assert moments == sorted(moments, key=lambda moment: (moment is None, moment))
    assert Counter(moments) == Counter(each["sentAt"] for each in listed(act_as(email), direction))


def test_an_outbox_is_narrowed_to_the_state_of_the_partner_and_an_inbox_to_what_it_is_told(
    act_as: Act,
) -> None:
    for email, direction in SIDES:
        found = listed(act_as(email), direction)
        for state in {each["partnerState"] for each in found if each["partnerState"]}:
            ids = {each["id"] for each in found if each["partnerState"] == state}
            assert {each["id"] for each in listed(act_as(email), direction, **{"in": state})} == ids


@pytest.mark.parametrize(("email", "direction"), SIDES)
def test_the_counts_are_those_of_the_referrals_that_the_caller_sees(
    act_as: Act, email: str, direction: str
) -> None:
    caller = act_as(email)
    found = listed(caller, direction)
    expected = Counter((each["status"], each["urgency"]) for each in found)
    counts = caller.ask(COUNTS, direction=direction)["referralCounts"]
    assert {(each["status"], each["urgency"]): each["count"] for each in counts} == expected
    assert counts == sorted(counts, key=lambda each: (each["status"], each["urgency"]))
    for each in counts:
        alike = (each["status"], each["urgency"])
        moments = [
            one["sentAt"] for one in found if (one["status"], one["urgency"]) == alike and one["sentAt"]
        ]
        assert each["oldestSentAt"] == min(moments, default=None)
    other = {"SENT": "RECEIVED", "RECEIVED": "SENT"}[direction]
    assert caller.ask(COUNTS, direction=other)["referralCounts"] == []


def test_whoever_may_not_see_referrals_may_not_count_them(act_as: Act) -> None:
    for email in ("facilitator@cbo-a.example", "officer@funder.example", "analyst@secretariat.example"):
        assert act_as(email).refused(COUNTS, direction="SENT") == "FORBIDDEN"
