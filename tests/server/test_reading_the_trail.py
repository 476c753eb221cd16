"""The trail over the API: an organisation reads its own, a partner's acts on its referrals, and a survivor who looked."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import psycopg
import pytest
from psycopg.types.json import Jsonb
from tests.server.conftest import Act, Caller, Network, uuid_in

from pat_platform.database.logins import login_name

EVENTS = """query ($subject: ID, $actor: ID, $filter: AuditFilter, $first: Int = 10, $after: String) {
  auditEvents(subject: $subject, actor: $actor, filter: $filter, first: $first, after: $after) {
    totalCount pageInfo { hasNextPage endCursor }
    edges { node { id at action role organisation { slug } member { id name } classes subjectCount detail } } } }"""
PARTNERS = """{ partnerEvents(first: 100) { edges { node {
    id at action role organisation { slug } classes referral { id } } } } }"""
LOG = """query ($first: Int = 100, $after: String, $language: MailLanguage! = EN) {
  me { accessLog(first: $first, after: $after) { totalCount pageInfo { hasNextPage endCursor } edges { node {
    id at kind role classes organisation { slug } member { name } referral { id } sentence(language: $language) } } } } }"""
HOLD = """mutation ($id: ID!) { setSafetyHold(input: {survivorId: $id}) {
    __typename ... on Survivor { id safetyHold { since } } ... on Refusal { code } } }"""
LIFT = """mutation ($id: ID!) { liftSafetyHold(input: {survivorId: $id}) {
    __typename ... on Survivor { id safetyHold { since } } ... on Refusal { code } } }"""
NAMED = "{ survivors: cases(first: 5) { edges { node { id survivor { id identity { ... on SurvivorIdentity { alias } } } } } } }"


def nodes(connection: dict[str, Any]) -> list[dict[str, Any]]:
    return [edge["node"] for edge in connection["edges"]]


@pytest.fixture
def survivor(act_as: Act) -> Caller:
    return act_as("survivor7@cbo-a.example")


@pytest.fixture
def her(network: Network) -> UUID:
    """Whom ``survivor`` is."""
    ((found,),) = network.rows(
        "select m.survivor_id from sec.people p join app.memberships m on m.person_id = p.id where p.email = %s",
        "survivor7@cbo-a.example",
    )
    assert isinstance(found, UUID)
    return found


@pytest.fixture
def her_id(act_as: Act, survivor: Caller) -> str:
    (case,) = nodes(survivor.ask("{ cases { edges { node { survivor { id } } } } }")["cases"])
    found = case["survivor"]["id"]
    assert isinstance(found, str)
    return found


@pytest.fixture
def goas(network: Network, her: UUID) -> Iterator[UUID]:
    """Goa has read how her proceedings stand, under a referral of hers."""
    goa = network.principal("worker@goa.example")
    referral, received = UUID(int=7), UUID(int=8)
    with psycopg.connect(network.admin_url) as admin:
        admin.execute(
            "insert into app.referrals (organisation_id, id, received_id, case_id, survivor_id, to_organisation_id,"
            " need, urgency, state, created_by) select organisation_id, %s, %s, id, survivor_id, %s, 'SHELTER', 'SOON', 'DRAFT',"
            " created_by from app.cases where survivor_id = %s limit 1",
            (referral, received, goa.organisation, her),
        )
        admin.execute(f"set local session authorization {login_name(goa.organisation, goa.role)}".encode())
        admin.execute("select sec.enter(%s)", (str(goa.session),))
        detail = Jsonb({"classes": ["legal_status"]})
        admin.execute("select trail.record('record.read', array[%s], %s)", (received, detail))
    yield referral
    with psycopg.connect(network.admin_url) as admin:
        admin.execute("delete from app.referrals where id = %s", (referral,))


def test_an_administrator_reads_what_was_done_in_her_organisation_newest_first(act_as: Act) -> None:
    manager = act_as("manager@cbo-b.example")
    manager.ask(NAMED)
    page = act_as("admin@cbo-b.example").ask(EVENTS)["auditEvents"]
    newest, *_ = events = nodes(page)
    assert [event["at"] for event in events] == sorted((e["at"] for e in events), reverse=True)
    assert {event["organisation"]["slug"] for event in events} == {"cbo-b"}
    assert (newest["action"], newest["role"], newest["classes"]) == (
        "record.read",
        "CASE_MANAGER",
        ["IDENTITY"],
    )
    assert newest["member"]["name"]
    assert newest["subjectCount"] == 5
    assert page["totalCount"] > 10


def test_pages_of_events_follow_each_other(act_as: Act) -> None:
    admin = act_as("admin@cbo-c.example")
    everything = nodes(admin.ask(EVENTS, first=30)["auditEvents"])
    paged: list[dict[str, Any]] = []
    after = None
    for _ in range(3):
        page = admin.ask(EVENTS, first=10, after=after)["auditEvents"]
        paged += nodes(page)
        after = page["pageInfo"]["endCursor"]
    assert [event["id"] for event in paged] == [event["id"] for event in everything]
    assert len({event["id"] for event in paged}) == 30


def test_events_are_found_by_subject_actor_action_and_time(act_as: Act) -> None:
    manager, admin = act_as("manager@cbo-e.example"), act_as("admin@cbo-e.example")
    before = datetime.now(UTC)
    (one, *_) = nodes(manager.ask(NAMED)["survivors"])
    member = manager.ask("{ me { id } }")["me"]["id"]
    since = {"from": before.isoformat()}

    def found(subject: str | None = None, actor: str | None = None, **wanted: Any) -> list[str]:
        page = admin.ask(EVENTS, subject=subject, actor=actor, filter=wanted)["auditEvents"]
        return [event["action"] for event in nodes(page)]

    assert found(subject=one["survivor"]["id"], **since) == ["record.read"]
    # A read is about whom it shows; her case was opened.
    assert found(subject=one["id"], action="case.opened") == ["case.opened"]
    assert found(subject=one["id"], **since) == []
    assert "record.read" in found(actor=member, **since)
    assert found(actor=admin.ask("{ me { id } }")["me"]["id"], action="record.read", **since) == []
    assert found(action="no.such_action") == []
    assert found(**{"from": (datetime.now(UTC) + timedelta(minutes=1)).isoformat()}) == []
    assert found(to=(before - timedelta(days=9999)).isoformat()) == []
    assert found(subject=member, **since) == []


def test_the_cases_and_survivors_of_an_event_are_shown_to_who_may_read_them(act_as: Act) -> None:
    about = """query ($filter: AuditFilter) { auditEvents(first: 1, filter: $filter) { edges { node {
        cases { id code } survivors { id code } } } } }"""
    opened = {"action": "case.opened"}
    (event,) = nodes(act_as("admin@cbo-d.example").ask(about, filter=opened)["auditEvents"])
    assert len(event["cases"]) == len(event["survivors"]) == 1
    assert act_as("auditor@secretariat.example").refused(about, filter=opened) == "FORBIDDEN"


def test_a_worker_reads_what_she_did_herself(act_as: Act) -> None:
    worker = act_as("worker1@cbo-d.example")
    worker.ask(NAMED)
    events = nodes(worker.ask(EVENTS)["auditEvents"])
    assert {event["member"]["id"] for event in events} == {worker.ask("{ me { id } }")["me"]["id"]}


def every_read(auditor: Caller) -> Iterator[dict[str, Any]]:
    """Those of records: of what is about somebody the network reads the month, so that all of a month come at once."""
    more, after = True, None
    while more:
        page = auditor.ask(EVENTS, first=100, after=after, filter={"action": "record.read"})["auditEvents"]
        yield from nodes(page)
        more, after = page["pageInfo"]["hasNextPage"], page["pageInfo"]["endCursor"]


def test_an_auditor_reads_of_all_organisations_and_of_nobody_in_them(act_as: Act) -> None:
    act_as("manager@cbo-f.example").ask(NAMED)
    auditor = act_as("auditor@secretariat.example")
    events = [*nodes(auditor.ask(EVENTS, first=100)["auditEvents"]), *every_read(auditor)]
    assert {"cbo-f"} < {event["organisation"]["slug"] for event in events}
    assert {(event["member"], event["detail"], event["subjectCount"]) for event in events} == {
        (None, None, 0)
    }


@pytest.mark.parametrize("email", ["auditor@secretariat.example", "admin@secretariat.example"])
def test_the_network_reads_of_what_is_about_somebody_the_month_alone(act_as: Act, email: str) -> None:
    act_as("manager@cbo-f.example").ask(NAMED)
    month = datetime.now(ZoneInfo("Asia/Kolkata")).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    reader = act_as(email)

    def found(**wanted: Any) -> list[dict[str, Any]]:
        wanted = {"action": "record.read", **wanted}
        return nodes(reader.ask(EVENTS, first=100, filter=wanted)["auditEvents"])

    events = found()
    assert {datetime.fromisoformat(event["at"]) for event in events} == {month}
    assert found(**{"from": month.isoformat()}) == events
    assert found(**{"from": (month + timedelta(seconds=1)).isoformat()}) == []
    first = reader.ask(EVENTS, first=2, filter={"action": "record.read"})["auditEvents"]
    second = reader.ask(
        EVENTS, first=2, after=first["pageInfo"]["endCursor"], filter={"action": "record.read"}
    )
    assert [*nodes(first), *nodes(second["auditEvents"])] == events[:4]
    assert [uuid_in(event["id"]) for event in events] == sorted(
        (uuid_in(event["id"]) for event in events), reverse=True
    )


@pytest.mark.parametrize("email", ["analyst@secretariat.example", "officer@funder.example"])
def test_who_may_read_no_trail_is_refused(act_as: Act, email: str) -> None:
    assert act_as(email).refused(EVENTS) == "FORBIDDEN"


@pytest.mark.parametrize("email", ["worker1@cbo-a.example", "worker@goa.example", "survivor7@cbo-a.example"])
def test_what_partners_did_is_for_who_answers_for_the_referrals(act_as: Act, email: str) -> None:
    assert act_as(email).refused(PARTNERS) == "FORBIDDEN"


def test_what_a_partner_read_is_shown_to_the_sender_and_to_nobody_else(act_as: Act, goas: UUID) -> None:
    events = nodes(act_as("manager@cbo-a.example").ask(PARTNERS)["partnerEvents"])
    (event,) = [each for each in events if each["referral"] and uuid_in(each["referral"]["id"]) == goas]
    assert (event["action"], event["classes"], event["organisation"]["slug"]) == (
        "record.read",
        ["LEGAL_STATUS"],
        "goa",
    )
    others = nodes(act_as("manager@cbo-b.example").ask(PARTNERS)["partnerEvents"])
    assert event["id"] not in {other["id"] for other in others}


def test_a_survivor_reads_who_has_looked_and_under_which_referral(
    act_as: Act, survivor: Caller, her_id: str, goas: UUID
) -> None:
    reader = act_as("manager@cbo-a.example")
    reader.ask(
        "query ($id: ID!) { survivor(id: $id) { identity { __typename ... on SurvivorIdentity { alias } } } }",
        id=her_id,
    )
    newest, under, *_ = nodes(survivor.ask(LOG)["me"]["accessLog"])
    assert (newest["kind"], newest["role"], newest["classes"]) == ("READ", "CASE_MANAGER", ["IDENTITY"])
    assert newest["referral"] is None
    assert newest["organisation"]["slug"] == "cbo-a"
    assert (under["kind"], under["classes"], under["organisation"]["slug"]) == (
        "READ",
        ["LEGAL_STATUS"],
        "goa",
    )
    assert uuid_in(under["referral"]["id"]) == goas
    assert under["member"] is None


def test_her_log_is_in_words_in_her_language(survivor: Caller, goas: UUID) -> None:
    assert goas
    sentences = {
        language: next(
            each["sentence"]
            for each in nodes(survivor.ask(LOG, language=language)["me"]["accessLog"])
            if each["classes"] == ["LEGAL_STATUS"]
        )
        for language in ("EN", "BN", "HI")
    }
    # Nobody has asked her for this one, and nothing stood in the place of that: it is said that it was read, and no more.
    assert re.fullmatch(r"Worker of .+ Aid read: how your matters stand\.", sentences["EN"])
    assert re.search("[\u0980-\u09ff]", sentences["BN"])
    assert re.search("[\u0900-\u097f]", sentences["HI"])


def test_what_she_was_not_asked_about_is_not_said_to_be_agreed_to(act_as: Act) -> None:
    """In the demo a court has ordered one of the referrals to Maharashtra."""
    inbox = """{ referrals(direction: RECEIVED, first: 100) { edges { node { id ground sharedCase { legalStatus {
        ... on SharedLegalStatus { proceedings { stage } } } } } } } }"""
    received = nodes(act_as("worker@maharashtra.example").ask(inbox)["referrals"])
    assert "COURT_ORDER" in {each["ground"] for each in received}
    survivor = act_as("survivor6@cbo-c.example")
    (newest, *_) = nodes(survivor.ask(LOG)["me"]["accessLog"])
    assert newest["sentence"].endswith(" read, without having to ask you: how your matters stand.")
    assert "না করেই" in nodes(survivor.ask(LOG, language="BN")["me"]["accessLog"])[0]["sentence"]


def test_her_log_has_pages(survivor: Caller) -> None:
    everything = nodes(survivor.ask(LOG)["me"]["accessLog"])
    first = survivor.ask(LOG, first=1)["me"]["accessLog"]
    second = survivor.ask(LOG, first=1, after=first["pageInfo"]["endCursor"])["me"]["accessLog"]
    assert [*nodes(first), *nodes(second)] == everything[:2]


def test_nobody_but_a_survivor_has_a_log(act_as: Act) -> None:
    assert act_as("manager@cbo-a.example").refused(LOG) == "FORBIDDEN"


def test_a_safety_hold_hides_her_log_and_she_is_not_told(
    act_as: Act, survivor: Caller, her_id: str, network: Network
) -> None:
    manager = act_as("manager@cbo-a.example")
    manager.ask(
        "query ($id: ID!) { survivor(id: $id) { identity { ... on SurvivorIdentity { alias } } } }", id=her_id
    )
    assert survivor.ask(LOG)["me"]["accessLog"]["totalCount"] > 0
    try:
        held = manager.ask(HOLD, id=her_id)["setSafetyHold"]
        assert held["safetyHold"]["since"]
        # The second call finds what the first has set.
        assert manager.ask(HOLD, id=her_id)["setSafetyHold"] == held
        assert survivor.ask(LOG)["me"]["accessLog"] == {
            "totalCount": 0,
            "edges": [],
            "pageInfo": {"hasNextPage": False, "endCursor": None},
        }
        assert survivor.refused("{ cases { edges { node { survivor { safetyHold { since } } } } } }") == (
            "FORBIDDEN"
        )
        hearings = "{ cases { edges { node { legalProceedings { hearings { heldOn } } } } } }"
        (case,) = nodes(survivor.ask(hearings)["cases"])
        assert [each for found in case["legalProceedings"] for each in found["hearings"]] == []
    finally:
        assert manager.ask(LIFT, id=her_id)["liftSafetyHold"]["safetyHold"] is None
    assert survivor.ask(LOG)["me"]["accessLog"]["totalCount"] > 0
    assert manager.ask(LIFT, id=her_id)["liftSafetyHold"] == {"__typename": "Refusal", "code": "NOT_FOUND"}
    done = network.rows(
        "select action from trail.events where %s = any(subjects) and action like 'safety_hold.%%' order by number",
        uuid_in(her_id),
    )
    assert done[-2:] == [("safety_hold.set",), ("safety_hold.lifted",)]


@pytest.mark.parametrize("email", ["worker1@cbo-a.example", "admin@cbo-a.example", "survivor7@cbo-a.example"])
def test_only_her_case_manager_sets_a_safety_hold(act_as: Act, her_id: str, email: str) -> None:
    assert act_as(email).refused(HOLD, id=her_id) == "FORBIDDEN"


def test_nobody_holds_a_survivor_of_another_organisation(act_as: Act, her_id: str) -> None:
    answer = act_as("manager@cbo-b.example").ask(HOLD, id=her_id)["setSafetyHold"]
    assert answer == {"__typename": "Refusal", "code": "NOT_FOUND"}
