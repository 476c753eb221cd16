"""She withdraws though everybody's budget is spent, and though a colleague holds what her withdrawal has to wait for."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import psycopg
import pytest
from tests.server.conftest import Act, Caller, Network, free_port, serving, uuid_in
from tests.server.sharing import DOCUMENTS, SCOPES, SOON, Sharing, do, global_id, organisation
from tests.server.test_legal_bases import MISSING, ORDER

from pat_server.budgets import URGENT

MANY = "{ a: places(first: 498) { edges { node { id } } } b: places(first: 498) { edges { node { id } } } }"


@pytest.fixture
def sharing(network: Network, act_as: Act) -> Sharing:
    return Sharing(network, act_as, number=6)


@pytest.fixture
def emptied(network: Network, sharing: Sharing) -> Iterator[str]:
    """The address of a server whose organisations have little to spend, and where hers has spent it all."""
    settings = replace(network.settings, max_cost=1_000, budget_organisation=1_000)
    with serving(settings, free_port()) as url:
        assert [code(sharing.manager, url, MANY) for _ in range(2)] == [None, "THROTTLED"]
        yield url


def asked(caller: Caller, url: str, query: str, **variables: Any) -> dict[str, Any]:
    with httpx.Client(base_url=url, timeout=30) as client:
        answer: dict[str, Any] = replace(caller, client=client).post(query, variables).json()
    return answer


def code(caller: Caller, url: str, query: str, **variables: Any) -> str | None:
    errors = asked(caller, url, query, **variables).get("errors")
    return errors[0]["extensions"]["code"] if errors else None


def withdrawn(caller: Caller, url: str, consent: str) -> bool:
    answer = asked(caller, url, DOCUMENTS["withdrawConsent"], input={"id": consent})
    assert "errors" not in answer, answer
    return answer["data"]["withdrawConsent"]["isLive"] is False


@pytest.mark.parametrize("who", ["survivor", "manager"])
def test_a_withdrawal_waits_for_nobodys_budget(sharing: Sharing, who: str, request: Any) -> None:
    consent = sharing.agreed()
    url = request.getfixturevalue("emptied")
    caller: Caller = getattr(sharing, who)
    assert code(caller, url, "{ me { name } }") == "THROTTLED"
    assert withdrawn(caller, url, consent)
    assert code(caller, url, "{ me { name } }") == "THROTTLED"


def test_a_referral_is_suspended_and_revoked_but_not_sent(sharing: Sharing, request: Any) -> None:
    referral = sharing.sent(sharing.agreed())
    url = request.getfixturevalue("emptied")
    moved = DOCUMENTS["moveReferral"]
    for to in ("SUSPENDED", "REVOKED"):
        assert code(sharing.manager, url, moved, input={"id": referral, "to": "SENT"}) == "THROTTLED"
        answer = asked(sharing.manager, url, moved, input={"id": referral, "to": to})
        assert answer["data"]["moveReferral"]["status"] == to


def test_who_is_in_danger_waits_for_nobodys_budget(sharing: Sharing, act_as: Act, request: Any) -> None:
    url = request.getfixturevalue("emptied")
    record, approve = DOCUMENTS["recordLegalBasis"], DOCUMENTS["approveLegalBasis"]
    about = {
        "survivorId": global_id("Survivor", sharing.case()[1]),
        "recipientId": global_id("Organisation", organisation(sharing.network, sharing.to)),
        "purpose": "COURT_FOLLOW_UP",
        "validUntil": (datetime.now(UTC) + timedelta(hours=48)).isoformat(),
    }
    assert code(sharing.manager, url, record, input={**about, **ORDER}) == "THROTTLED"
    answer = asked(sharing.manager, url, record, input={**about, **MISSING})
    basis = answer["data"]["recordLegalBasis"]["id"]
    answer = asked(act_as("admin@cbo-b.example"), url, approve, input={"id": basis})
    assert answer["data"]["approveLegalBasis"]["isLive"]


def test_nothing_else_comes_through_beside_it_and_not_without_end(sharing: Sharing, request: Any) -> None:
    consent = sharing.agreed()
    url = request.getfixturevalue("emptied")
    caller = sharing.manager
    other = "moveReferral(input: {id: $id, to: SENT}) { __typename }"
    beside = f"mutation($id: ID!) {{ withdrawConsent(input: {{id: $id}}) {{ __typename }} {other} }}"
    assert code(sharing.manager, url, beside, id=consent) == "THROTTLED"
    assert code(sharing.manager, url, "{ me { name } } # withdrawConsent") == "THROTTLED"
    assert code(sharing.manager, url, "{ me { name } }" + "#" * 4_000 + "withdrawConsent") == "THROTTLED"
    codes = [
        code(caller, url, DOCUMENTS["withdrawConsent"], input={"id": consent}) for _ in range(URGENT // 2 + 1)
    ]
    assert codes == [None] * (URGENT // 2) + ["THROTTLED"]


def test_a_withdrawal_outlasts_a_colleague_who_holds_the_head_of_the_trail(
    server: str, sharing: Sharing
) -> None:
    consent = sharing.agreed()
    mine = sharing.survivor.principal.organisation
    held = threading.Event()

    def hold() -> None:
        with psycopg.connect(sharing.network.admin_url) as admin:
            admin.execute("select 1 from trail.heads where organisation_id = %s for update", (mine,))
            held.set()
            time.sleep(2.6)

    colleague = threading.Thread(target=hold)
    colleague.start()
    assert held.wait(5)
    answer = sharing.survivor.ask(DOCUMENTS["withdrawConsent"], input={"id": consent})
    colleague.join()
    assert answer["withdrawConsent"]["isLive"] is False
    told = "select count(*) from trail.events where action = 'consent.withdrawn' and %s = any(subjects)"
    assert sharing.network.rows(told, uuid_in(consent)) == [(1,)]


def test_what_is_shared_without_her_consent_is_ended_though_everything_is_spent(
    sharing: Sharing, request: Any
) -> None:
    basis = do(
        sharing.manager,
        "recordLegalBasis",
        survivorId=global_id("Survivor", sharing.case()[1]),
        recipientId=global_id("Organisation", organisation(sharing.network, sharing.to)),
        purpose="COURT_FOLLOW_UP",
        kind="COURT_ORDER",
        reference="WP 7/2026",
        scopes=SCOPES,
        validUntil=(datetime.now(UTC) + SOON).isoformat(),
    )["id"]
    url = request.getfixturevalue("emptied")
    ended = asked(sharing.manager, url, DOCUMENTS["endLegalBasis"], input={"id": basis})
    assert ended["data"]["endLegalBasis"]["isLive"] is False
    reviewed = {"id": basis, "review": "JUSTIFIED"}
    assert code(sharing.manager, url, DOCUMENTS["reviewLegalBasis"], input=reviewed) == "THROTTLED"
