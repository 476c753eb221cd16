"""Days in court over HTTP: prepared by whoever reports them, in one calendar, and hidden where that is safer for her."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from tests.server.conftest import Act, Caller, Network, uuid_in
from tests.server.sharing import Sharing, do, global_id
from tests.server.subscriptions.conftest import CHANGED, listening

from pat_auth.policy import Role
from pat_tenants.cases.service import today

TOGETHER = "__typename ... on Refusal { code field }"
HEARING = "id state heldOn mode courtPoint remotePoint hasCoordinator supportPerson interpreterLanguage nextOn outcome allowedTransitions"
CALENDAR = (
    "query($from: Date, $to: Date, $first: Int, $after: String) { hearings(from: $from, to: $to, first: $first, after: $after)"
    " { totalCount pageInfo { hasNextPage endCursor } edges { node { id heldOn state side courtPoint"
    " reportedHearing { id } referral { id } } } } }"
)


def act(caller: Caller, mutation: str, kind: str, **input: Any) -> dict[str, Any]:
    name = {"arrangeReportedHearing": "ArrangeHearing", "moveReportedHearing": "MoveHearing"}.get(
        mutation, mutation[0].upper() + mutation[1:]
    )
    document = f"mutation($input: {name}Input!) {{ {mutation}(input: $input) {{ {TOGETHER} ... on {kind} {{ {HEARING} }} }} }}"
    answer: dict[str, Any] = caller.ask(document, input=input)[mutation]
    return answer


def days(caller: Caller, **variables: Any) -> list[dict[str, Any]]:
    return [edge["node"] for edge in caller.ask(CALENDAR, **variables)["hearings"]["edges"]]


@pytest.fixture
def sharing(network: Network, act_as: Act) -> Sharing:
    return Sharing(network, act_as, number=4)


@pytest.fixture
def shared(sharing: Sharing) -> str:
    """A referral that Goa has accepted."""
    referral = sharing.sent(sharing.agreed())
    do(sharing.worker, "answerReferral", id=sharing.received(referral), answer="ACCEPTED")
    return referral


def proceeding(sharing: Sharing) -> str:
    """One of her proceedings, put there if there is none."""
    case = sharing.case()[0]
    found = sharing.network.rows("select id from app.legal_proceedings where case_id = %s limit 1", case)
    if not found:
        found = sharing.network.rows(
            "insert into app.legal_proceedings (organisation_id, id, case_id, survivor_id, jurisdiction, state, stage, created_by)"
            " select organisation_id, gen_random_uuid(), id, survivor_id, 'DESTINATION', 'Goa', 'EVIDENCE', created_by"
            " from app.cases where id = %s returning id",
            case,
        )
    return global_id("LegalProceeding", found[0][0])


def reported(sharing: Sharing, referral: str, day: date) -> str:
    """A day that Goa reports under the referral; its id."""
    received = sharing.received(referral)
    told = do(sharing.worker, "reportHearing", referralId=received, heldOn=day.isoformat(), mode="VIDEO")
    assert told["__typename"] == "Referral", told
    (row,) = sharing.network.rows(
        "select id from app.referral_hearings where referral_id = %s and held_on = %s", uuid_in(received), day
    )
    return global_id("ReferralHearing", row[0])


def grown_up(sharing: Sharing, *, is_child: bool) -> None:
    year = today().year - (15 if is_child else 30)
    sharing.network.rows("update app.survivors set birth_year = %s where id = %s", year, sharing.case()[1])


def confirm(caller: Caller, id: str, **said: Any) -> dict[str, Any]:
    said = {"hasCoordinator": True, **said}
    return act(caller, "confirmRemotePoint", "ReferralHearing", hearingId=id, **said)


CONFIRMATION = (
    "query($id: ID!) { node(id: $id) { ... on ReferralHearing { allowedTransitions"
    " confirmation { remotePoint hasCoordinator supportPerson confirmedAt } } } }"
)


def test_a_childs_hearing_by_video_link_from_report_to_the_next_day(
    sharing: Sharing, shared: str, server: str
) -> None:
    """Story 4: Goa prepares the link, the sender confirms her end; it is ready once a child has somebody with her; what goes on has
    a next day.
    """
    grown_up(sharing, is_child=True)
    day, later = today() + timedelta(days=9), today() + timedelta(days=40)
    id = reported(sharing, shared, day)

    def move(to: str, **more: Any) -> dict[str, Any]:
        return act(sharing.worker, "moveReportedHearing", "ReferralHearing", id=id, to=to, **more)

    def arrange(**preparation: Any) -> dict[str, Any]:
        return act(
            sharing.worker, "arrangeReportedHearing", "ReferralHearing", id=id, preparation=preparation
        )

    assert move("READY")["code"] == "STATUS_NOT_ALLOWED"
    requested = move("VC_REQUESTED")
    assert requested["state"] == "VC_REQUESTED"
    # What the sender has to do first is no button of the receiver's.
    assert requested["allowedTransitions"] == ["ADJOURNED", "CANCELLED", "MISSED"]
    assert arrange(courtPoint="Court 9830012345")["code"] == "OFFICE_ONLY"
    who = "Rina Das at her aunt Meena in Barasat, husband not told"
    assert arrange(remotePoint=who)["code"] == "OFFICE_ONLY"
    known = arrange(courtPoint="Sessions Court, Panaji", remotePoint="DLSA Barasat", interpreterLanguage="bn")
    assert (known["courtPoint"], known["remotePoint"], known["interpreterLanguage"]) == (
        "Sessions Court, Panaji",
        "DLSA Barasat",
        "bn",
    )
    assert move("VC_CONFIRMED")["code"] == "CONFIRMATION_MISSING"
    with listening(server, sharing.worker, CHANGED) as socket:
        # Without a place: the one that Goa wrote down.
        assert confirm(sharing.manager, id, hasCoordinator=False)["remotePoint"] == "DLSA Barasat"
        assert socket.event()["id"] == sharing.received(shared)
    for caller in (sharing.worker, sharing.manager):
        said = caller.ask(CONFIRMATION, id=id)["node"]
        is_the_receiver = caller.principal.role is Role.DESTINATION_WORKER
        assert ("VC_CONFIRMED" in said["allowedTransitions"]) is is_the_receiver
        assert said["confirmation"].pop("confirmedAt")
        assert said["confirmation"] == {
            "remotePoint": "DLSA Barasat",
            "hasCoordinator": False,
            "supportPerson": None,
        }
    assert move("VC_CONFIRMED")["allowedTransitions"] == ["ADJOURNED", "CANCELLED", "MISSED", "READY"]
    assert move("READY")["code"] == "COORDINATOR_MISSING"
    arrange(hasCoordinator=True)
    # Who coordinates her end is not for the court's side to say.
    assert move("READY")["code"] == "COORDINATOR_MISSING"
    confirm(sharing.manager, id)
    assert move("READY")["code"] == "SUPPORT_MISSING"
    confirm(sharing.manager, id, remotePoint="District court", supportPerson="CHILD_WELFARE_OFFICER")
    assert move("READY")["code"] == "POINT_DIFFERS"
    arrange(remotePoint="District court")
    assert move("READY")["state"] == "READY"
    assert move("ADJOURNED")["code"] == "DATES_INVALID"
    held = move("HELD", outcome="PARTLY_HEARD", nextOn=later.isoformat())
    assert (held["state"], held["outcome"], held["nextOn"]) == ("HELD", "PARTLY_HEARD", later.isoformat())
    assert move("CANCELLED")["code"] == "STATUS_NOT_ALLOWED"
    assert confirm(sharing.manager, id)["code"] == "STATUS_NOT_ALLOWED"
    # The sender's calendar has both, in the same moment.
    seen = [each for each in days(sharing.manager, **{"from": day.isoformat()}) if each["referral"]]
    hers = {
        (each["heldOn"], each["state"], each["side"]) for each in seen if each["referral"]["id"] == shared
    }
    assert hers == {
        (day.isoformat(), "HELD", "PARTNER"),
        (later.isoformat(), "SCHEDULED", "PARTNER"),
    }


def test_a_grown_woman_may_speak_alone(sharing: Sharing, shared: str) -> None:
    grown_up(sharing, is_child=False)
    id = reported(sharing, shared, today() + timedelta(days=11))
    preparation = {
        "courtPoint": "Sessions Court, Panaji",
        "remotePoint": "DLSA Barasat",
        "hasCoordinator": True,
    }
    act(sharing.worker, "arrangeReportedHearing", "ReferralHearing", id=id, preparation=preparation)
    confirm(sharing.manager, id)
    for state in ("VC_REQUESTED", "VC_CONFIRMED", "READY"):
        assert (
            act(sharing.worker, "moveReportedHearing", "ReferralHearing", id=id, to=state)["state"] == state
        )


def test_an_organisation_prepares_its_own_and_the_receiver_sees_it(sharing: Sharing, shared: str) -> None:
    grown_up(sharing, is_child=True)
    day = today() + timedelta(days=13)
    said = {
        "heldOn": day.isoformat(),
        "mode": "PHYSICAL",
        "preparation": {"courtPoint": "District Court Barasat"},
    }
    hearing = act(sharing.manager, "scheduleHearing", "Hearing", proceedingId=proceeding(sharing), **said)
    assert (hearing["state"], hearing["courtPoint"]) == ("SCHEDULED", "District Court Barasat")
    of_ours = "query($from: Date) { hearings(from: $from, to: $from) { edges { node { side hearing { id } case { id } } } } }"
    ours = sharing.manager.ask(of_ours, **{"from": day.isoformat()})["hearings"]["edges"]
    case = {"id": global_id("Case", sharing.case()[0])}
    assert {"node": {"side": "OWN", "hearing": {"id": hearing["id"]}, "case": case}} in ours

    def move(to: str, **more: Any) -> dict[str, Any]:
        return act(sharing.manager, "moveHearing", "Hearing", id=hearing["id"], to=to, **more)

    assert move("READY")["code"] == "SUPPORT_MISSING"
    preparation = {"supportPerson": "LAWYER"}
    act(sharing.manager, "arrangeHearing", "Hearing", id=hearing["id"], preparation=preparation)
    assert move("READY")["state"] == "READY"
    adjourned = move("ADJOURNED", outcome="COURT_DID_NOT_SIT", nextOn=(day + timedelta(days=30)).isoformat())
    assert adjourned["state"] == "ADJOURNED"
    seen = [
        (each["heldOn"], each["state"], each["side"], each["courtPoint"])
        for each in days(sharing.worker, **{"from": day.isoformat(), "first": 500})
        if each["referral"] and each["referral"]["id"] == sharing.received(shared)
    ]
    assert (day.isoformat(), "ADJOURNED", "PARTNER", "District Court Barasat") in seen
    assert ((day + timedelta(days=30)).isoformat(), "SCHEDULED", "PARTNER", None) in seen
    late = act(sharing.manager, "arrangeHearing", "Hearing", id=hearing["id"], preparation={})
    assert late["code"] == "STATUS_NOT_ALLOWED"


def test_after_the_end_a_receiver_prepares_nothing_and_keeps_dates_alone(sharing: Sharing) -> None:
    consent = sharing.agreed()
    referral = sharing.sent(consent)
    do(sharing.worker, "answerReferral", id=sharing.received(referral), answer="ACCEPTED")
    day = today() + timedelta(days=17)
    id = reported(sharing, referral, day)
    preparation = {"courtPoint": "Sessions Court, Panaji", "supportPerson": "LAWYER"}
    act(sharing.worker, "arrangeReportedHearing", "ReferralHearing", id=id, preparation=preparation)
    do(sharing.survivor, "withdrawConsent", id=consent)
    again = act(sharing.worker, "arrangeReportedHearing", "ReferralHearing", id=id, preparation=preparation)
    assert again["code"] == "NOT_SHARED"
    assert act(sharing.worker, "moveReportedHearing", "ReferralHearing", id=id, to="VC_REQUESTED")[
        "code"
    ] == ("NOT_SHARED")
    query = "query($id: ID!) { referral(id: $id) { hearings { heldOn state courtPoint supportPerson } sharedCase { pseudonym } } }"
    kept = sharing.worker.ask(query, id=sharing.received(referral))["referral"]
    assert kept["sharedCase"] is None
    assert kept["hearings"] == [
        {"heldOn": day.isoformat(), "state": "SCHEDULED", "courtPoint": None, "supportPerson": None}
    ]
    # The sender has what was written.
    assert (
        sharing.manager.ask(query, id=referral)["referral"]["hearings"][0]["courtPoint"]
        == "Sessions Court, Panaji"
    )


def test_the_calendar_goes_on_page_by_page_in_order_within_its_days(sharing: Sharing, shared: str) -> None:
    for ahead in (21, 22, 23):
        reported(sharing, shared, today() + timedelta(days=ahead))
    span = {"from": today().isoformat(), "to": (today() + timedelta(days=60)).isoformat()}
    whole = sharing.manager.ask(CALENDAR, **span, first=500)["hearings"]
    ids = [edge["node"]["id"] for edge in whole["edges"]]
    assert whole["totalCount"] == len(ids) == len(set(ids))
    dates = [edge["node"]["heldOn"] for edge in whole["edges"]]
    assert dates == sorted(dates)
    assert span["from"] <= dates[0] <= dates[-1] <= span["to"]
    read: list[str] = []
    after = None
    while True:
        page = sharing.manager.ask(CALENDAR, **span, first=2, after=after)["hearings"]
        read += [edge["node"]["id"] for edge in page["edges"]]
        if not page["pageInfo"]["hasNextPage"]:
            break
        after = page["pageInfo"]["endCursor"]
    assert read == ids


@pytest.mark.parametrize(
    ("selection", "arguments"),
    [
        ("edges { node { id } }", ""),
        ("edges { node { side } }", ""),
        ("edges { node { referral { id } } }", ""),
        ("edges { node { __typename } }", ""),
        ("edges { __typename }", ""),
        ("edges { cursor }", ""),
        ("totalCount", ""),
        ("totalCount", ", first: 0"),
        ("pageInfo { startCursor }", ""),
        ("pageInfo { endCursor }", ""),
        ("pageInfo { hasNextPage }", ", first: 0"),
        ("pageInfo { hasPreviousPage }", ", last: 0"),
        ("pageInfo { hasPreviousPage }", ", after: $after"),
        ("pageInfo { hasNextPage }", ", before: $after"),
    ],
)
def test_whatever_a_receiver_learns_of_a_day_is_recorded_under_the_referral(
    sharing: Sharing, shared: str, selection: str, arguments: str
) -> None:
    """Cursors carry the day; what is counted between two days finds it by halves."""
    assert shared
    day = (today() + timedelta(days=31)).isoformat()
    said = {"heldOn": day, "mode": "PHYSICAL"}
    act(sharing.manager, "scheduleHearing", "Hearing", proceedingId=proceeding(sharing), **said)
    first = "{ hearings(first: 1) { pageInfo { endCursor } } }"
    after = sharing.manager.ask(first)["hearings"]["pageInfo"]["endCursor"]

    def events() -> list[tuple[Any, ...]]:
        # The same day is told under each of her referrals; that there is one more tells of the first of them.
        return sharing.network.rows(
            "select detail::jsonb -> 'classes' from trail.events where action = 'record.read'"
            " and subjects && array(select received_id from app.referrals where case_id = %s) order by number",
            sharing.case()[0],
        )

    variables, declared = {"day": day}, "$day: Date"
    if "$after" in arguments:
        variables, declared = {**variables, "after": after}, f"{declared}, $after: String"
    document = f"query({declared}) {{ hearings(from: $day, to: $day{arguments}) {{ {selection} }} }}"
    before = events()
    sharing.worker.ask(document, **variables)
    assert events() == [*before, (["hearing_schedule"],)]
    # The day is its own to the sender.
    sharing.manager.ask(document, **variables)
    assert len(events()) == len(before) + 1


@pytest.mark.parametrize("selection", ["edges { node { id } }", "totalCount", "pageInfo { hasNextPage }"])
def test_that_there_is_nothing_on_a_day_is_told_of_all_whose_days_are_shared(
    sharing: Sharing, shared: str, selection: str
) -> None:
    """Recorded under each referral that shares hearings and is open, and under no other."""
    unshared = sharing.sent(sharing.agreed(scopes=["LEGAL_STATUS"]))
    do(sharing.worker, "answerReferral", id=sharing.received(unshared), answer="ACCEPTED")
    waiting = sharing.sent(sharing.agreed())
    day = (today() + timedelta(days=4_000)).isoformat()
    document = f"query($day: Date!) {{ hearings(from: $day, to: $day) {{ {selection} }} }}"

    def recorded() -> list[set[UUID]]:
        rows = sharing.network.rows(
            "select subjects from trail.events where action = 'record.read' and actor = %s"
            " and detail::jsonb -> 'classes' = '[\"hearing_schedule\"]' order by number",
            sharing.worker.principal.person,
        )
        return [set(subjects) for (subjects,) in rows]

    before = len(recorded())
    sharing.worker.ask(document, day=day)
    (looked_through,) = recorded()[before:]
    mine = {
        name: uuid_in(sharing.received(id))
        for name, id in (("shared", shared), ("unshared", unshared), ("waiting", waiting))
    }
    assert {name for name, id in mine.items() if id in looked_through} == {"shared"}


def test_her_next_day_in_court_is_hers_and_hidden_while_somebody_looks_on(
    sharing: Sharing, shared: str
) -> None:
    mine = "{ me { nextHearing { heldOn side } } hearings { edges { node { id } } } }"
    day = today() + timedelta(days=1)
    reported(sharing, shared, day)
    found = sharing.survivor.ask(mine)
    assert found["me"]["nextHearing"]["heldOn"] <= day.isoformat()
    assert found["hearings"]["edges"]
    assert sharing.manager.ask("{ me { nextHearing { heldOn } } }")["me"]["nextHearing"] is None
    hold = "mutation($input: SetSafetyHoldInput!) { setSafetyHold(input: $input) { __typename } }"
    lift = "mutation($input: LiftSafetyHoldInput!) { liftSafetyHold(input: $input) { __typename } }"
    hers = {"survivorId": global_id("Survivor", sharing.case()[1])}
    sharing.manager.ask(hold, input=hers)
    try:
        held = sharing.survivor.ask(mine)
        assert held == {"me": {"nextHearing": None}, "hearings": {"edges": []}}
        own = "{ referrals(direction: SENT) { edges { node { hearings { heldOn } } } } }"
        assert {
            len(edge["node"]["hearings"]) for edge in sharing.survivor.ask(own)["referrals"]["edges"]
        } == {0}
    finally:
        sharing.manager.ask(lift, input=hers)
    assert sharing.survivor.ask(mine) == found


@pytest.mark.parametrize("email", ["manager@cbo-c.example", "worker@delhi.example", "worker@goa.example"])
def test_what_others_wrote_is_not_there(sharing: Sharing, shared: str, act_as: Act, email: str) -> None:
    """Not to be found, and refused like an id that does not exist."""
    own = act(
        sharing.manager,
        "scheduleHearing",
        "Hearing",
        proceedingId=proceeding(sharing),
        heldOn=(today() + timedelta(days=3)).isoformat(),
        mode="VIDEO",
    )["id"]
    told = reported(sharing, shared, today() + timedelta(days=4))
    stranger = act_as(email)
    if email == "manager@cbo-c.example":
        moved = [
            act(stranger, "moveHearing", "Hearing", id=id, to="MISSED")
            for id in (own, global_id("Hearing", uuid4()))
        ]
        assert moved[0] == moved[1] == {"__typename": "Refusal", "code": "NOT_FOUND", "field": "id"}
    elif email == "worker@delhi.example":
        moved = [
            act(stranger, "moveReportedHearing", "ReferralHearing", id=id, to="MISSED")
            for id in (told, global_id("ReferralHearing", uuid4()))
        ]
        assert moved[0] == moved[1] == {"__typename": "Refusal", "code": "NOT_FOUND", "field": "id"}
    node = "query($id: ID!) { node(id: $id) { id } }"
    assert stranger.ask(node, id=own) == {"node": None}
    if email != "worker@goa.example":
        assert stranger.ask(node, id=told) == {"node": None}


def test_a_day_is_of_something_that_is_known(sharing: Sharing) -> None:
    day = {"heldOn": today().isoformat(), "mode": "VIDEO"}
    unknown = global_id("LegalProceeding", uuid4())
    assert (
        act(sharing.manager, "scheduleHearing", "Hearing", proceedingId=unknown, **day)["code"] == "NOT_FOUND"
    )
    referral = global_id("Referral", uuid4())
    assert do(sharing.worker, "reportHearing", referralId=referral, **day)["code"] == "NOT_FOUND"


def test_what_is_over_is_changed_by_nobody(sharing: Sharing, shared: str) -> None:
    id = reported(sharing, shared, today() - timedelta(days=3))
    for mutation, more in (
        ("moveReportedHearing", {"to": "MISSED"}),
        ("arrangeReportedHearing", {"preparation": {}}),
    ):
        assert act(sharing.worker, mutation, "ReferralHearing", id=id, **more)["code"] == "STATUS_NOT_ALLOWED"


def test_a_worker_prepares_the_days_of_cases_that_are_assigned_to_her(sharing: Sharing, act_as: Act) -> None:
    day = {"heldOn": (today() + timedelta(days=6)).isoformat(), "mode": "VIDEO"}
    id = act(sharing.manager, "scheduleHearing", "Hearing", proceedingId=proceeding(sharing), **day)["id"]
    answers = set()
    workers = sharing.network.rows(
        "select p.email, m.id in (select a.membership_id from app.case_assignments a where a.case_id = %s and a.ended_at is null)"
        " from sec.people p join app.memberships m on m.person_id = p.id join app.organisations o on o.id = m.organisation_id"
        " where o.slug = 'cbo-b' and m.role = 'social_worker'",
        sharing.case()[0],
    )
    for email, is_hers in workers:
        said = act(
            act_as(email),
            "arrangeHearing",
            "Hearing",
            id=id,
            preparation={"courtPoint": "District Court Barasat"},
        )
        assert said.get("code") == (None if is_hers else "NOT_ASSIGNED")
        answers.add(is_hers)
    assert answers == {True, False}


def test_who_works_on_no_case_asks_for_no_calendar(act_as: Act) -> None:
    for email in ("counsellor@cbo-a.example", "facilitator@cbo-a.example", "analyst@secretariat.example"):
        assert act_as(email).refused("{ hearings { totalCount } }") == "FORBIDDEN"
