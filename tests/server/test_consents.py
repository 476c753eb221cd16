"""Consents that others record: for women, for girls, and where a guardian must not be asked; and what is signed with partners."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from tests.server.conftest import Act, Caller, Network, uuid_in
from tests.server.sharing import SCOPES, do, global_id, organisation, terms

MANAGER = "manager@cbo-e.example"


@pytest.fixture
def manager(act_as: Act) -> Caller:
    return act_as(MANAGER)


def registered(caller: Caller, **about: Any) -> str:
    """A survivor of whom this is known."""
    survivor = {"gender": "Feminine", "isMinorAtIntake": True, **about}
    document = (
        "mutation($input: OpenCaseInput!) { openCase(input: $input) { ... on Case { survivor { id } } } }"
    )
    case = {
        "survivor": survivor,
        "openedOn": "2026-01-01",
        "stage": "REUNITED",
        "riskLevel": "HIGH",
        "traffickingStatus": "ActualVictimOfTrafficking",
    }
    id: str = caller.ask(document, input=case)["openCase"]["survivor"]["id"]
    return id


def born(years: float) -> dict[str, Any]:
    day = (datetime.now(UTC) - timedelta(days=365.25 * years)).date()
    return {"birthYear": day.year, "identity": {"birthDate": day.isoformat()}}


def recorded(caller: Caller, network: Network, survivor: str, **changes: Any) -> dict[str, Any]:
    given = {"giver": "SELF", "mode": "THUMBPRINT", "evidence": "R 14/2026", **changes}
    agreed = given.pop("terms", terms(network, "goa"))
    return do(caller, "recordConsent", survivorId=survivor, terms=agreed, **given)


def code(answer: dict[str, Any]) -> str:
    return str(answer.get("code"))


def test_what_she_said_by_thumbprint_is_recorded_and_in_the_trail(network: Network, manager: Caller) -> None:
    woman = registered(manager, isMinorAtIntake=False)
    answer = recorded(manager, network, woman)
    assert (answer["giver"], answer["mode"], answer["scopes"], answer["isLive"]) == (
        "SELF",
        "THUMBPRINT",
        SCOPES,
        True,
    )
    ((detail,),) = network.rows(
        "select detail::jsonb from trail.events where action = 'consent.recorded' and %s = any(subjects)",
        uuid_in(answer["id"]),
    )
    assert detail == {"giver": "SELF", "mode": "THUMBPRINT", "scopes": SCOPES}
    assert recorded(manager, network, woman, mode="APP")["code"] == "MODE_INVALID"


def test_for_a_girl_her_guardian_agrees_until_she_turns_18(network: Network, manager: Caller) -> None:
    girl = registered(manager, **born(14))
    assert code(recorded(manager, network, girl)) == "UNDER_AGE"
    assert recorded(manager, network, girl, giver="GUARDIAN")["isLive"]
    soon = registered(manager, **born(17.8))
    until = datetime.fromisoformat(recorded(manager, network, soon, giver="GUARDIAN")["validUntil"])
    assert until < datetime.now(UTC) + timedelta(days=80)
    assert until.astimezone(tz=None) is not None
    assert (until + timedelta(hours=5, minutes=30)).day == 1


def test_nobody_speaks_for_a_woman_or_for_whom_nobody_knows_the_age_of(
    network: Network, manager: Caller
) -> None:
    woman, unknown = registered(manager, **born(24)), registered(manager)
    for giver in ("GUARDIAN", "CHILD_WELFARE_COMMITTEE"):
        assert code(recorded(manager, network, woman, giver=giver)) == "OF_AGE"
        assert code(recorded(manager, network, unknown, giver=giver)) == "AGE_UNKNOWN"
    assert code(recorded(manager, network, unknown)) == "AGE_UNKNOWN"


def test_her_birthday_is_opened_where_the_year_does_not_tell_and_that_is_in_the_trail(
    network: Network, manager: Caller
) -> None:
    read = "select count(*) from trail.events where action = 'record.read' and subjects = array[%s]::uuid[]"
    for years, times in ((14.0, 1), (24.0, 0)):
        survivor = registered(manager, **born(years))
        recorded(manager, network, survivor, giver="GUARDIAN")
        assert network.rows(read, uuid_in(survivor)) == [(times,)]


def test_a_barred_guardian_is_not_asked_and_what_he_agreed_to_is_withdrawn(
    network: Network, manager: Caller
) -> None:
    girl = registered(manager, **born(14))
    his = recorded(manager, network, girl, giver="GUARDIAN")["id"]
    others = recorded(manager, network, girl, giver="CHILD_WELFARE_COMMITTEE")["id"]
    for _ in range(2):
        answer = do(manager, "barGuardian", survivorId=girl)
        assert answer == {"__typename": "Survivor", "id": girl, "isGuardianBarred": True}
    live = "{ consents(first: 500, filter: {isLive: true}) { edges { node { id } } } }"
    ids = {edge["node"]["id"] for edge in manager.ask(live)["consents"]["edges"]}
    assert (his in ids, others in ids) == (False, True)
    assert code(recorded(manager, network, girl, giver="GUARDIAN")) == "GUARDIAN_BARRED"
    assert recorded(manager, network, girl, giver="CHILD_WELFARE_COMMITTEE")["isLive"]
    barred = "select count(*) from trail.events where action = 'guardian.barred' and %s = any(subjects)"
    assert network.rows(barred, uuid_in(girl)) == [(1,)]
    # What is shared of her may be shut by it: somebody reaches her.
    alerts = "{ alerts(first: 500, filter: {isOpen: true}) { edges { node { kind survivor { id } } } } }"
    raised = [edge["node"] for edge in manager.ask(alerts)["alerts"]["edges"]]
    assert [each["kind"] for each in raised if each["survivor"]["id"] == girl] == ["WITHDRAWAL"]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"agreed": ["PURPOSE"]}, "CONSENT_NOT_INFORMED"),
        ({"scopes": []}, "CONSENT_SCOPE"),
        ({"validUntil": "2020-01-01T00:00:00Z"}, "DATES_INVALID"),
        ({"noticeLanguage": "bengali"}, "LANGUAGE_INVALID"),
        ({"recipientId": global_id("Organisation", uuid4())}, "RECIPIENT_UNKNOWN"),
    ],
)
def test_what_is_no_consent_is_not_recorded(
    network: Network, manager: Caller, changes: dict[str, Any], expected: str
) -> None:
    woman = registered(manager, isMinorAtIntake=False)
    assert code(recorded(manager, network, woman, terms=terms(network, "goa", **changes))) == expected


@pytest.mark.parametrize("slug", ["cbo-e", "secretariat", "funder", "cbo-c"])
def test_nobody_agrees_to_share_with_whom_no_referral_can_go_to(
    network: Network, manager: Caller, slug: str
) -> None:
    """Oneself, the secretariat, a funder, and, for now, another organisation of the villages."""
    woman = registered(manager, isMinorAtIntake=False)
    assert code(recorded(manager, network, woman, terms=terms(network, slug))) == "RECIPIENT_UNKNOWN"


def test_who_is_unknown_to_the_caller_does_not_agree(network: Network, manager: Caller, act_as: Act) -> None:
    woman = registered(manager, isMinorAtIntake=False)
    other = act_as("manager@cbo-d.example")
    for survivor in (woman, global_id("Survivor", uuid4())):
        assert code(recorded(other, network, survivor)) == "NOT_FOUND"
        assert do(other, "barGuardian", survivorId=survivor)["code"] == "NOT_FOUND"
    worker = act_as("worker1@cbo-e.example")
    # She sees that there is such a survivor, but the case is not hers.
    assert do(worker, "barGuardian", survivorId=woman)["code"] == "NOT_ALLOWED"
    assert code(recorded(worker, network, woman)) == "NOT_ALLOWED"


def test_the_same_sent_twice_is_one_consent(network: Network, manager: Caller) -> None:
    woman, key = registered(manager, isMinorAtIntake=False), str(uuid4())
    agreed = terms(network, "goa")
    given = {"survivorId": woman, "giver": "SELF", "mode": "AUDIO", "evidence": "7", "clientMutationId": key}
    first, second = (do(manager, "recordConsent", terms=agreed, **given) for _ in range(2))
    assert first == second


@pytest.fixture
def admins(act_as: Act, network: Network) -> Iterator[tuple[Caller, Caller]]:
    """Administrators of cbo-g and of Gujarat, who have proved both factors lately: in the demo only the first has signed."""
    yield (
        act_as("admin@cbo-g.example", auth_time=int(time.time()), acr="2"),
        act_as("admin@gujarat.example", auth_time=int(time.time()), acr="2"),
    )
    both = (organisation(network, slug) for slug in ("gujarat", "cbo-g"))
    network.rows("delete from app.agreements where (organisation_id, partner_id) = (%s, %s)", *both)


def status(caller: Caller, network: Network, partner: str) -> str:
    query = "query($id: ID!) { node(id: $id) { ... on Agreement { status } } }"
    id = global_id("Agreement", organisation(network, partner))
    found: str = caller.ask(query, id=id)["node"]["status"]
    return found


def test_an_agreement_holds_once_both_have_signed_and_as_far_as_both_have(
    network: Network, admins: tuple[Caller, Caller]
) -> None:
    ours, theirs = admins
    assert (status(ours, network, "gujarat"), status(theirs, network, "cbo-g")) == (
        "AWAITING_PARTNER",
        "AWAITING_US",
    )
    until = (datetime.now(UTC) + timedelta(days=30)).isoformat()
    answer = do(
        theirs,
        "signAgreement",
        agreementId=global_id("Agreement", organisation(network, "cbo-g")),
        scopes=["LEGAL_STATUS", "HEALTH_MHPSS"],
        validUntil=until,
    )
    # Nobody in the demo has signed for health.
    assert (answer["status"], answer["scopes"]) == ("LIVE", ["LEGAL_STATUS"])
    listed = "{ agreements(filter: {status: [LIVE]}) { edges { node { partnerName scopes ourScopes theirScopes validUntil } } } }"
    mine = {e["node"]["partnerName"]: e["node"] for e in ours.ask(listed)["agreements"]["edges"]}[
        "Khari Nadi Trust"
    ]
    assert mine["theirScopes"] == ["LEGAL_STATUS", "HEALTH_MHPSS"]
    assert datetime.fromisoformat(mine["validUntil"]) == datetime.fromisoformat(until)
    # Whoever signs anew says what holds from now on, for its own side.
    partner = global_id("Agreement", organisation(network, "cbo-g"))
    anew = do(theirs, "signAgreement", agreementId=partner, scopes=["RISK_SAFETY"], validUntil=until)
    assert (anew["status"], anew["scopes"]) == ("LIVE", ["RISK_SAFETY"])
    # Whoever signs the same again changes nothing, and wakes nobody.
    stands = "select (select max(xmin::text::bigint) from app.agreements), count(*) from trail.events where action = 'agreement.signed'"
    before = network.rows(stands)
    same = do(theirs, "signAgreement", agreementId=partner, scopes=["RISK_SAFETY"], validUntil=until)
    assert (same["status"], network.rows(stands)) == ("LIVE", before)
    do(theirs, "signAgreement", agreementId=partner, scopes=["LEGAL_STATUS"], validUntil=until)
    assert network.rows(stands) != before


def test_a_destination_signs_with_whoever_has_signed_with_it_and_knows_no_other(
    network: Network, admins: tuple[Caller, Caller]
) -> None:
    until = (datetime.now(UTC) + timedelta(days=30)).isoformat()

    def signed(caller: Caller, partner: UUID) -> str:
        given = {"scopes": ["LEGAL_STATUS"], "validUntil": until}
        return code(do(caller, "signAgreement", organisationId=global_id("Organisation", partner), **given))

    ours, theirs = admins
    for unknown in (organisation(network, "delhi"), uuid4()):
        assert signed(theirs, unknown) == "NOT_FOUND"
    assert signed(ours, organisation(network, "cbo-g")) == "TO_ITSELF"
    unsigned = global_id("Agreement", organisation(network, "cbo-a"))
    for mutation in ("suspendAgreement", "resumeAgreement"):
        assert do(ours, mutation, id=unsigned)["code"] == "NOT_FOUND"


def test_to_sign_and_to_resume_needs_a_factor_proved_lately_and_to_suspend_does_not(
    network: Network, act_as: Act
) -> None:
    lately, long_ago = (
        act_as("admin@punjab.example", auth_time=int(time.time()), acr="2"),
        act_as("admin@punjab.example"),
    )
    id = global_id("Agreement", organisation(network, "cbo-a"))
    resume = "mutation($input: ResumeAgreementInput!) { resumeAgreement(input: $input) { __typename } }"
    assert do(long_ago, "suspendAgreement", id=id)["status"] == "SUSPENDED"
    try:
        assert long_ago.refused(resume, input={"id": id}) == "STEP_UP_REQUIRED"
    finally:
        assert do(lately, "resumeAgreement", id=id)["status"] == "LIVE"
    said = "select action from trail.events e join app.organisations o on o.id = e.organisation_id where o.slug = 'punjab'"
    actions = [action for (action,) in network.rows(said + " and action like 'agreement.%%' order by number")]
    assert actions[-2:] == ["agreement.suspended", "agreement.resumed"]


def test_in_a_session_under_duress_nothing_is_agreed_to(network: Network, act_as: Act) -> None:
    caller = act_as("survivor3@cbo-e.example")
    network.rows("update sec.sessions set is_duress = true where id = %s", caller.principal.session)
    answer = do(caller, "giveConsent", terms=terms(network, "goa"))
    assert answer == {"__typename": "Refusal", "code": "NOT_FOUND", "field": None}
    assert caller.ask("{ me { consents { id } } }") == {"me": {"consents": []}}
