"""The truth table of the referral door over HTTP: agreement, ground, scopes, state, answer and end, as each organisation sees it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest
from tests.server.conftest import Act, Caller, Network, uuid_in
from tests.server.referral_rows import Pair, Table
from tests.server.referral_table import AGREEMENTS, PARTS, SUBSETS, Terms
from tests.server.sharing import global_id

ASKED = ("goa", "delhi", "maharashtra", "gujarat")
OUTSIDER = "punjab"
"""Signed for, as the others are, and asked for nothing of this."""

PAGE = 100
_PARTS = " ".join(
    f"{part} {{ __typename ... on {kind} {{ {something} }} ... on Withheld {{ reason }} }}"
    for part, kind, something in PARTS.values()
)
_SHARED = f"sharedCase {{ pseudonym expiresAt {_PARTS} }}"
_PAGES = f"""query($direction: ReferralDirection!, $filter: ReferralFilter, $after: String) {{
  referrals(direction: $direction, filter: $filter, first: {PAGE}, after: $after) {{
    pageInfo {{ hasNextPage endCursor }} edges {{ node {{ %s }} }}
  }}
}}"""
NODES = _PAGES % f"id status scopes ground partnerName {_SHARED}"
IDS = _PAGES % "id"


@pytest.fixture(scope="module")
def table(network: Network) -> Iterator[Table]:
    with Table(network).standing() as table:
        yield table


def nodes(
    caller: Caller, direction: str, document: str = NODES, **filter: Sequence[str]
) -> Iterator[dict[str, Any]]:
    """Every referral that the caller sees, page by page."""
    after = None
    while True:
        page = caller.ask(document, direction=direction, filter=filter, after=after)["referrals"]
        yield from (edge["node"] for edge in page["edges"])
        if not page["pageInfo"]["hasNextPage"]:
            return
        after = page["pageInfo"]["endCursor"]


def found(caller: Caller, direction: str, **filter: Sequence[str]) -> set[UUID]:
    """The ids of what she sees; none of them twice."""
    seen = Counter(uuid_in(node["id"]) for node in nodes(caller, direction, IDS, **filter))
    assert set(seen.values()) <= {1}
    return set(seen)


def told(node: dict[str, Any]) -> dict[str, Any]:
    """What a node tells, scope by scope: True where it shows something, else why it does not."""
    case = node["sharedCase"]
    if case is None:
        return {**node, "id": None}
    opened = {
        scope: case[part].get("reason")
        or any(value for name, value in case[part].items() if name != "__typename")
        for scope, (part, _, _) in PARTS.items()
    }
    shared = {
        "expires": datetime.fromisoformat(case["expiresAt"]),
        "has_a_name": bool(case["pseudonym"]),
        **opened,
    }
    return {**node, "id": None, "sharedCase": shared}


def allowed(terms: Terms, pair: Pair) -> dict[str, Any]:
    """What it must tell the receiver."""
    opened = {scope: True if scope in terms.shared else "NOT_SHARED" for scope in PARTS}
    return {
        "id": None,
        "status": terms.status,
        "scopes": terms.shared,
        "ground": terms.standing if terms.is_open else None,
        "partnerName": pair.sender_name if terms.is_open else None,
        "sharedCase": {"expires": terms.ends, "has_a_name": True, **opened} if terms.is_open else None,
    }


@pytest.mark.slow
@pytest.mark.parametrize("slug", ASKED)
def test_the_receiver_sees_what_all_terms_allow_and_no_more(table: Table, act_as: Act, slug: str) -> None:
    worker = act_as(f"worker@{slug}.example")
    seen = {uuid_in(node["id"]): told(node) for node in nodes(worker, "RECEIVED")}
    must = table.of(receiver=slug)
    assert must
    for terms in must:
        assert seen[terms.received_id] == allowed(terms, table.pairs[terms.agreement]), terms
    # Nothing of the others, under neither of its names, and no draft.
    hers = {terms.received_id for terms in must}
    assert not seen.keys() & ({terms.received_id for terms in table.terms} - hers)
    assert not seen.keys() & {terms.id for terms in table.terms}
    for status in sorted({terms.status for terms in must}):
        of_status = {terms.received_id for terms in must if terms.status == status}
        assert found(worker, "RECEIVED", status=[status]) & hers == of_status, status


@pytest.mark.slow
def test_the_sender_sees_the_same_state_and_no_case_through_the_door(table: Table, act_as: Act) -> None:
    for slug in sorted({pair.sender for pair in table.pairs.values()}):
        manager = act_as(f"manager@{slug}.example")
        seen = {uuid_in(node["id"]): node for node in nodes(manager, "SENT")}
        for terms in table.of(sender=slug):
            node = seen.pop(terms.id)
            assert node["ground"] == terms.standing, terms
            assert (node["status"], node["scopes"], node["sharedCase"]) == (
                terms.status,
                list(terms.named),
                None,
            ), terms
        assert not seen.keys() & {id for terms in table.terms for id in (terms.id, terms.received_id)}


def test_whoever_is_not_asked_sees_none_of_them_by_no_name(table: Table, act_as: Act) -> None:
    names = {id for terms in table.terms for id in (terms.id, terms.received_id)}
    outsider = act_as(f"worker@{OUTSIDER}.example")
    seen = found(outsider, "RECEIVED")
    assert seen
    assert not seen & names
    # One of each status that there is, as it is asked for by whoever has learned its id.
    goa = {terms.status: terms for terms in table.of(receiver="goa")}
    asked = [global_id("Referral", id) for terms in goa.values() for id in (terms.id, terms.received_id)]
    by_id = " ".join(
        f'r{place}: referral(id: "{id}") {{ status sharedCase {{ pseudonym }} }}'
        for place, id in enumerate(asked)
    )
    strangers = ("worker@delhi.example", f"worker@{OUTSIDER}.example", "admin@punjab.example")
    for email in strangers:
        assert set(act_as(email).ask(f"{{ {by_id} }}").values()) == {None}, email
    assert {
        node["status"] for node in act_as("worker@goa.example").ask(f"{{ {by_id} }}").values() if node
    } == set(goa)


def test_the_table_has_every_combination(table: Table) -> None:
    assert len({terms.id for terms in table.terms}) == len(table.terms)
    assert table.pairs.keys() == AGREEMENTS.keys()
    assert {terms.status for terms in table.terms} == {
        *("DRAFT", "CONSENT_RECORDED", "SENT", "ACCEPTED", "DECLINED", "EXPIRED"),
        *("IN_PROGRESS", "COMPLETED", "CLOSED", "REVOKED", "SUSPENDED"),
    }
    assert {tuple(terms.shared) for terms in table.terms} == set(SUBSETS)
