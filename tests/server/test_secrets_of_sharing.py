"""What exists and is not the caller's is answered like what does not exist: byte for byte, by whatever way it is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import pytest
from tests.server.conftest import Act, Caller, Network, told, uuid_in
from tests.server.sharing import DOCUMENTS, Sharing, do, global_id
from tests.server.subscriptions.conftest import listening
from tests.server.test_hearings import proceeding, reported
from tests.server.test_unknown_ids import events

from pat_tenants.cases.service import today

RECEIVERS = ("worker@goa.example", "admin@goa.example")
STRANGERS = ("worker@delhi.example", "manager@cbo-c.example", "survivor4@cbo-b.example")


@dataclass(frozen=True)
class Told:
    """A referral that Goa has accepted, one that is still a draft, and what lies behind them."""

    sharing: Sharing
    referral: str
    received: str
    draft: str
    draft_received: str
    consent: str
    hearing: str

    def behind(self) -> dict[str, list[UUID]]:
        """The keys of all that belongs to the sender, by type."""
        case, survivor = self.sharing.case()
        rows = self.sharing.network.rows
        return {
            "Case": [case],
            "Survivor": [survivor],
            "Consent": [uuid_in(self.consent)],
            "LegalProceeding": [uuid_in(proceeding(self.sharing))],
            "Hearing": [id for (id,) in rows("select id from app.hearings where case_id = %s limit 2", case)],
            "CaseNote": [
                id for (id,) in rows("select id from app.case_notes where case_id = %s limit 2", case)
            ],
            "Referral": [uuid_in(self.referral), uuid_in(self.draft), uuid_in(self.draft_received)],
        }


@pytest.fixture(scope="module")
def shared(network: Network, act_as: Act) -> Told:
    sharing = Sharing(network, act_as, number=6)
    consent = sharing.agreed()
    referral, draft = sharing.sent(consent), sharing.drafted()
    received = sharing.received(referral)
    do(sharing.worker, "answerReferral", id=received, answer="ACCEPTED")
    hearing = reported(sharing, referral, today())
    scheduled = {"proceedingId": proceeding(sharing), "heldOn": today().isoformat(), "mode": "VIDEO"}
    noted = {"caseId": global_id("Case", sharing.case()[0]), "kind": "HOME_VISIT", "text": "At home."}
    for mutation, given in (("scheduleHearing", scheduled), ("addCaseNote", noted)):
        name = mutation[0].upper() + mutation[1:]
        document = f"mutation($input: {name}Input!) {{ {mutation}(input: $input) {{ __typename }} }}"
        assert sharing.manager.ask(document, input=given)[mutation]["__typename"] in ("Hearing", "CaseNote")
    return Told(sharing, referral, received, draft, sharing.received(draft), consent, hearing)


def same(caller: Caller, document: str, known: dict[str, Any], unknown: dict[str, Any]) -> bytes:
    """The answer to both, which is one."""
    answers = [told(caller.post(document, variables)) for variables in (known, unknown)]
    assert answers[0] == answers[1]
    return answers[0]


def by_node(kind: str) -> str:
    return f"query($id: ID!) {{ node(id: $id) {{ __typename id ... on {kind} {{ renamed: id }} }} }}"


@pytest.mark.parametrize("email", RECEIVERS)
def test_the_node_of_nothing_behind_a_referral_is_found_by_its_receiver(
    shared: Told, act_as: Act, email: str
) -> None:
    for kind, keys in shared.behind().items():
        assert keys, kind
        for key in keys:
            answer = same(
                act_as(email), by_node(kind), {"id": global_id(kind, key)}, {"id": global_id(kind, uuid4())}
            )
            assert b'"node":null' in answer or b"FORBIDDEN" in answer, kind


@pytest.mark.parametrize("email", STRANGERS)
def test_strangers_find_neither_end_of_a_referral(shared: Told, act_as: Act, email: str) -> None:
    stranger = act_as(email)
    one = "query($id: ID!) { a: referral(id: $id) { ...R } b: referral(id: $id) { ...R } } fragment R on Referral { id status }"
    for id in (shared.referral, shared.received, shared.draft, shared.draft_received):
        unknown = {"id": global_id("Referral", uuid4())}
        same(stranger, one, {"id": id}, unknown)
        same(stranger, by_node("Referral"), {"id": id}, unknown)


def test_each_side_knows_a_referral_by_its_own_id_alone(shared: Told) -> None:
    one = "query($id: ID!) { referral(id: $id) { id } }"
    for caller, others in (
        (shared.sharing.worker, shared.referral),
        (shared.sharing.manager, shared.received),
    ):
        assert b'{"referral":null}' in same(
            caller, one, {"id": others}, {"id": global_id("Referral", uuid4())}
        )


def attempts(shared: Told) -> Iterator[tuple[str, str, dict[str, Any], str]]:
    """Who does what to what is not hers: the caller, the mutation, its input, and what names the thing there."""
    day = {"heldOn": today().isoformat(), "mode": "VIDEO"}
    for id in (shared.received, shared.referral, shared.draft_received):
        for email in ("worker@delhi.example", "admin@delhi.example"):
            yield email, "answerReferral", {"id": id, "answer": "ACCEPTED"}, "id"
            yield email, "reportHearing", {"referralId": id, **day}, "referralId"
    for id in (shared.referral, shared.draft, shared.draft_received):
        yield "worker@goa.example", "answerReferral", {"id": id, "answer": "COMPLETED"}, "id"
        yield "worker@goa.example", "reportHearing", {"referralId": id, **day}, "referralId"
    for id in (shared.referral, shared.received, shared.draft):
        yield "manager@cbo-c.example", "moveReferral", {"id": id, "to": "REVOKED"}, "id"
        yield "manager@cbo-c.example", "baseReferral", {"id": id, "consentId": shared.consent}, "id"
    yield "manager@cbo-b.example", "moveReferral", {"id": shared.received, "to": "REVOKED"}, "id"
    yield "manager@cbo-c.example", "withdrawConsent", {"id": shared.consent}, "id"
    yield "survivor4@cbo-b.example", "withdrawConsent", {"id": shared.consent}, "id"


def test_who_writes_to_what_is_not_hers_is_told_what_she_would_be_of_nothing_and_it_is_recorded(
    shared: Told, act_as: Act, network: Network
) -> None:
    refused = "select count(*) from trail.events where action = 'request.refused' and actor = %s"
    for email, mutation, given, naming in attempts(shared):
        caller = act_as(email)
        [(before,)] = network.rows(refused, caller.principal.person)
        kind = "Consent" if mutation == "withdrawConsent" else "Referral"
        unknown = {**given, naming: global_id(kind, uuid4())}
        answer = same(caller, DOCUMENTS[mutation], {"input": given}, {"input": unknown})
        assert b'"code":"NOT_FOUND"' in answer, (email, mutation)
        [(after,)] = network.rows(refused, caller.principal.person)
        assert after == before + 2, (email, mutation)
    assert shared.sharing.seen(shared.referral)["status"] == "ACCEPTED"


@pytest.mark.parametrize("mutation", ["moveReportedHearing", "arrangeReportedHearing"])
def test_the_day_that_a_receiver_reported_is_moved_by_nobody_else(
    shared: Told, act_as: Act, mutation: str
) -> None:
    name, given = (
        ("MoveHearingInput", {"to": "CANCELLED"})
        if mutation.startswith("move")
        else ("ArrangeHearingInput", {"preparation": {"hasCoordinator": True}})
    )
    document = f"mutation($input: {name}!) {{ {mutation}(input: $input) {{ __typename ... on Refusal {{ code }} }} }}"
    known, unknown = (
        {"input": {"id": id, **given}} for id in (shared.hearing, global_id("ReferralHearing", uuid4()))
    )
    assert b"NOT_FOUND" in same(act_as("worker@delhi.example"), document, known, unknown)


# What is asked of a referral, and the fragments that it needs.
TRICKS = (
    ("case { __typename ... on Case { id code } }", ""),
    (
        "a: case { ...C } b: case { ...C ...W }",
        "fragment C on Case { x: id survivor { id code } } fragment W on Withheld { reason }",
    ),
    ("...N", "fragment N on Node { ... on Referral { case { ... on Node { id } } } }"),
    ("case { ... on Case { referrals { case { ... on Case { id } } } } }", ""),
    ("case { ... on Case { survivor { id identity { ... on SurvivorIdentity { firstName phone } } } } }", ""),
)


@pytest.mark.parametrize(("selected", "fragments"), TRICKS)
def test_no_alias_and_no_fragment_leads_to_the_case_behind_a_referral(
    shared: Told, selected: str, fragments: str
) -> None:
    case, survivor = shared.sharing.case()
    (codes,) = shared.sharing.network.rows(
        "select c.code, s.code from app.cases c join app.survivors s on s.id = c.survivor_id where c.id = %s",
        case,
    )
    secrets = {global_id("Case", case), global_id("Survivor", survivor), *codes}
    one = f"query($id: ID!) {{ referral(id: $id) {{ {selected} }} }} {fragments}"
    node = f"query($id: ID!) {{ node(id: $id) {{ ... on Referral {{ {selected} }} }} }} {fragments}"
    page = "referrals(direction: %s, first: 50) { edges { node { id " + selected + " } } }"
    listed = "query { " + page + " } " + fragments
    for document, side, variables in (
        *((each, "SENT", {"id": shared.referral}) for each in (one, node)),
        *((each, "RECEIVED", {"id": shared.received}) for each in (one, node)),
        (listed.replace("%s", "RECEIVED"), "RECEIVED", {}),
    ):
        caller = shared.sharing.manager if side == "SENT" else shared.sharing.worker
        answer = caller.post(document, variables)
        assert "errors" not in answer.json()
        assert any(secret in answer.text for secret in secrets) is (side == "SENT")


@pytest.mark.parametrize(
    "arguments",
    [
        *("filter: {scopes: [LEGAL_STATUS]}", 'filter: {partnerName: "A"}', "filter: {need: SHELTER}"),
        *("filter: {case: {riskLevel: HIGH}}", 'filter: {sharedCase: {pseudonym: "A"}}'),
        *('filter: {agreedUntil: "2026-01-01T00:00:00Z"}', "filter: {riskLevel: HIGH}", 'search: "A"'),
        *("orderBy: SCOPES_ASC", "orderBy: PARTNER_NAME", "orderBy: RISK_LEVEL_DESC", "orderBy: PSEUDONYM"),
    ],
)
def test_nothing_is_sorted_or_found_by_what_is_withheld(shared: Told, arguments: str) -> None:
    """And whoever tries is in the trail."""
    document = f"{{ referrals(direction: RECEIVED, {arguments}) {{ totalCount }} }}"
    worker, refused = shared.sharing.worker, "request.refused"
    before = len(events(shared.sharing.network, worker, refused))
    assert worker.refused(document) == "BAD_INPUT"
    recorded = events(shared.sharing.network, worker, refused)[before:]
    assert recorded == [({"code": "BAD_INPUT", "field": "Query.referrals"}, [])]


@pytest.mark.parametrize(
    "selected",
    [
        *('identity(filter: {firstName: "A"}) { __typename }', "totalCount", "id", "survivor { id }"),
        *("legalStatus { ... on SharedLegalStatus { proceedings(first: 1) { stage } } }", "case { id }"),
        "risk(orderBy: LEVEL) { __typename }",
    ],
)
def test_a_shared_case_has_no_id_no_count_and_no_search(shared: Told, selected: str) -> None:
    document = f"query($id: ID!) {{ referral(id: $id) {{ sharedCase {{ {selected} }} }} }}"
    assert shared.sharing.worker.refused(document, id=shared.received) == "BAD_INPUT"


@pytest.mark.parametrize(
    "document",
    [
        "{ cases { totalCount } }",
        "{ consents { totalCount } }",
        "query($id: ID!) { case(id: $id) { id } }",
        "query($id: ID!) { survivor(id: $id) { id } }",
        "{ caseCounts { count } }",
    ],
)
@pytest.mark.parametrize("email", RECEIVERS)
def test_a_receiver_has_no_root_but_its_own(shared: Told, act_as: Act, email: str, document: str) -> None:
    case = global_id("Case", shared.sharing.case()[0])
    caller = act_as(email)
    variables = {"id": case} if "$id" in document else {}
    assert caller.refused(document, **variables) == "FORBIDDEN"


@pytest.mark.parametrize(
    "after", ['referralChanged(after: "AAAA") { id }', "inboxCount { byCase { count } }"]
)
def test_a_socket_asks_for_no_more_than_a_query(server: str, shared: Told, after: str) -> None:
    with listening(server, shared.sharing.worker, f"subscription {{ {after} }}") as socket:
        assert socket.error() in ("BAD_INPUT", "BAD_CURSOR")
