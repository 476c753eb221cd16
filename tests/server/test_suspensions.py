"""A partner is suspended in the whole network over HTTP: by the secretariat alone, at once, and told to whom it concerns."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from tests.server.conftest import Act, Caller, Network, uuid_in
from tests.server.sharing import SCOPES, Sharing, do, global_id, organisation
from tests.server.subscriptions.conftest import CHANGED, listening

SUSPEND = (
    "mutation($input: SuspendPartnerInput!) { suspendPartner(input: $input) { __typename"
    " ... on PartnerSuspension { id reason suspendedAt liftedAt partner { slug } } ... on Refusal { code field } } }"
)
RESUME = (
    "mutation($input: ResumePartnerInput!) { resumePartner(input: $input) { __typename"
    " ... on PartnerSuspension { id liftedAt } ... on Refusal { code field } } }"
)
OURS = "{ ourSuspension { suspendedAt } }"
LISTED = (
    "query($filter: PartnerSuspensionFilter) { partnerSuspensions(filter: $filter)"
    " { totalCount edges { node { id reason liftedAt partner { slug } } } } }"
)
PARTNER = "maharashtra"


@pytest.fixture
def sharing(network: Network, act_as: Act) -> Sharing:
    return Sharing(network, act_as, number=6, to=PARTNER)


@pytest.fixture
def secretariat(act_as: Act) -> Caller:
    return act_as("admin@secretariat.example", auth_time=int(time.time()), acr="2")


@pytest.fixture
def lifting(network: Network) -> Iterator[None]:
    """Whatever a test has suspended is open again for the others."""
    yield
    network.rows("update app.partner_suspensions set lifted_at = now() where lifted_at is null")


def suspended(caller: Caller, network: Network, slug: str = PARTNER, **more: Any) -> dict[str, Any]:
    partner = global_id("Organisation", organisation(network, slug))
    input = {"organisationId": partner, "reason": "COMPROMISED", **more}
    answer: dict[str, Any] = caller.ask(SUSPEND, input=input)["suspendPartner"]
    return answer


def resumed(caller: Caller, id: str) -> dict[str, Any]:
    answer: dict[str, Any] = caller.ask(RESUME, input={"id": id})["resumePartner"]
    return answer


def agreements(act_as: Act, slug: str) -> set[str]:
    asked = "{ agreements(first: 100) { edges { node { status } } } }"
    edges = act_as(f"admin@{slug}.example").ask(asked)["agreements"]["edges"]
    return {edge["node"]["status"] for edge in edges}


@pytest.mark.usefixtures("lifting")
def test_all_doors_of_a_partner_shut_at_once_and_open_again(
    server: str, sharing: Sharing, secretariat: Caller, act_as: Act, network: Network
) -> None:
    referral = sharing.sent(sharing.agreed())
    do(sharing.worker, "answerReferral", id=sharing.received(referral), answer="ACCEPTED")
    waiting = sharing.drafted()
    do(sharing.manager, "baseReferral", id=waiting, consentId=sharing.agreed())
    case = "query($id: ID!) { referral(id: $id) { sharedCase { pseudonym } } }"
    with (
        listening(server, sharing.worker, CHANGED) as receiver,
        listening(server, sharing.manager, CHANGED) as sender,
    ):
        began = time.monotonic()
        done = suspended(secretariat, network)
        assert (done["reason"], done["partner"]["slug"], done["liftedAt"]) == ("COMPROMISED", PARTNER, None)
        for socket, id in ((receiver, sharing.received(referral)), (sender, referral)):
            told = socket.event()
            while told["id"] != id:
                told = socket.event()
            assert told["referral"]["status"] == "SUSPENDED"
        assert time.monotonic() - began < 5
    assert (sharing.seen(referral)["status"], sharing.seen(referral)["scopes"]) == ("SUSPENDED", [])
    assert sharing.worker.ask(case, id=sharing.received(referral))["referral"]["sharedCase"] is None
    assert do(sharing.manager, "moveReferral", id=waiting, to="SENT")["code"] == "AGREEMENT_MISSING"
    answer = do(sharing.worker, "answerReferral", id=sharing.received(referral), answer="COMPLETED")
    assert answer["code"] == "STATUS_NOT_ALLOWED"
    # All that it has signed, and nothing that others have signed with each other.
    assert agreements(act_as, PARTNER) == {"SUSPENDED"}
    assert "LIVE" in agreements(act_as, "cbo-b")
    # Its own administrators take nothing back, nor do those of the other side.
    for slug, other in ((PARTNER, "cbo-b"), ("cbo-b", PARTNER)):
        admin = act_as(f"admin@{slug}.example", auth_time=int(time.time()), acr="2")
        id = global_id("Agreement", organisation(network, other))
        assert do(admin, "resumeAgreement", id=id)["status"] == "SUSPENDED"
    assert resumed(secretariat, done["id"])["liftedAt"]
    assert sharing.seen(referral)["scopes"] == SCOPES
    assert do(sharing.manager, "moveReferral", id=waiting, to="SENT")["status"] == "SENT"


@pytest.mark.usefixtures("lifting")
def test_a_partner_that_sends_shows_nothing_to_anybody(
    sharing: Sharing, secretariat: Caller, network: Network
) -> None:
    referral = sharing.sent(sharing.agreed())
    do(sharing.worker, "answerReferral", id=sharing.received(referral), answer="ACCEPTED")
    suspended(secretariat, network, "cbo-b")
    assert (sharing.seen(referral)["status"], sharing.seen(referral)["scopes"]) == ("SUSPENDED", [])
    # Her own record stays her organisation's, and what she has agreed to hers to end.
    assert sharing.status(referral) == "SUSPENDED"
    consent = sharing.agreed()
    assert do(sharing.survivor, "withdrawConsent", id=consent)["isLive"] is False


@pytest.mark.usefixtures("lifting")
def test_its_own_administrators_are_told_since_when_and_nobody_else_is(
    secretariat: Caller, act_as: Act, network: Network
) -> None:
    done = suspended(secretariat, network)
    told = act_as(f"admin@{PARTNER}.example").ask(OURS)["ourSuspension"]
    assert told == {"suspendedAt": done["suspendedAt"]}
    for email in ("admin@goa.example", "admin@cbo-b.example"):
        assert act_as(email).ask(OURS) == {"ourSuspension": None}
    for email in (f"worker@{PARTNER}.example", "manager@cbo-b.example", "survivor7@cbo-b.example"):
        assert act_as(email).refused(OURS) == "FORBIDDEN"
    assert act_as(f"admin@{PARTNER}.example").refused("{ ourSuspension { reason } }") == "BAD_INPUT"
    # Whose suspensions they are not finds none, by list or by id.
    node = "query($id: ID!) { node(id: $id) { id } }"
    for email in (f"admin@{PARTNER}.example", "admin@cbo-b.example"):
        assert act_as(email).refused(LISTED) == "FORBIDDEN"
        assert act_as(email).ask(node, id=done["id"]) == {"node": None}
    in_force = {"filter": {"isInForce": True}}
    for email in ("admin@secretariat.example", "auditor@secretariat.example"):
        (edge,) = act_as(email).ask(LISTED, **in_force)["partnerSuspensions"]["edges"]
        assert (edge["node"]["id"], edge["node"]["partner"]["slug"]) == (done["id"], PARTNER)
    resumed(secretariat, done["id"])
    assert secretariat.ask(LISTED, **in_force)["partnerSuspensions"]["totalCount"] == 0
    assert act_as(f"admin@{PARTNER}.example").ask(OURS) == {"ourSuspension": None}


@pytest.mark.parametrize(
    "email",
    [
        *("manager@cbo-a.example", "admin@cbo-a.example", "admin@maharashtra.example", "worker@goa.example"),
        *("analyst@secretariat.example", "auditor@secretariat.example", "survivor7@cbo-a.example"),
    ],
)
def test_nobody_but_the_secretariats_administrator_suspends_or_resumes(act_as: Act, email: str) -> None:
    id = global_id("Organisation", uuid4())
    caller = act_as(email, auth_time=int(time.time()), acr="2")
    assert caller.refused(SUSPEND, input={"organisationId": id, "reason": "CLOSED"}) == "FORBIDDEN"
    assert caller.refused(RESUME, input={"id": global_id("PartnerSuspension", uuid4())}) == "FORBIDDEN"


@pytest.mark.usefixtures("lifting")
def test_to_suspend_needs_no_factor_proved_lately_and_to_resume_does(
    secretariat: Caller, act_as: Act, network: Network
) -> None:
    long_ago = act_as("admin@secretariat.example")
    id = suspended(long_ago, network)["id"]
    assert long_ago.refused(RESUME, input={"id": id}) == "STEP_UP_REQUIRED"
    assert resumed(secretariat, id)["liftedAt"]


@pytest.mark.usefixtures("lifting")
def test_the_same_twice_changes_nothing_and_each_is_written_down_once(
    secretariat: Caller, network: Network
) -> None:
    def written() -> list[tuple[str, Any]]:
        return network.rows(
            "select e.action, e.detail::jsonb ->> 'reason' from trail.events e join app.organisations o"
            " on o.id = e.organisation_id where o.slug = 'secretariat' and e.action like 'partner.%%'"
            " and %s = any(e.subjects) order by e.number",
            organisation(network, PARTNER),
        )

    before = len(written())
    key = str(uuid4())
    first = suspended(secretariat, network, clientMutationId=key)
    assert suspended(secretariat, network, clientMutationId=key) == first
    assert suspended(secretariat, network, reason="CLOSED") == first
    lifted = resumed(secretariat, first["id"])
    assert resumed(secretariat, first["id"]) == lifted
    assert written()[before:] == [("partner.suspended", "COMPROMISED"), ("partner.resumed", None)]
    another = suspended(secretariat, network, reason="CLOSED")
    assert another["id"] != first["id"]


def test_who_is_unknown_and_the_secretariat_itself_are_refused(secretariat: Caller, network: Network) -> None:
    unknown = {"organisationId": global_id("Organisation", uuid4()), "reason": "CLOSED"}
    refusal = secretariat.ask(SUSPEND, input=unknown)["suspendPartner"]
    assert refusal == {"__typename": "Refusal", "code": "NOT_FOUND", "field": "organisationId"}
    assert suspended(secretariat, network, "secretariat")["code"] == "TO_ITSELF"
    nothing = resumed(secretariat, global_id("PartnerSuspension", uuid4()))
    assert nothing == {"__typename": "Refusal", "code": "NOT_FOUND", "field": "id"}


def test_to_the_secretariat_it_says_nothing_of_any_referral(secretariat: Caller) -> None:
    asked = "mutation($input: SuspendPartnerInput!) { suspendPartner(input: $input) { ... on PartnerSuspension { referrals { id } } } }"
    given = {"organisationId": global_id("Organisation", uuid4()), "reason": "CLOSED"}
    assert secretariat.refused(asked, input=given) == "BAD_INPUT"


@pytest.mark.usefixtures("lifting")
def test_it_waits_for_no_budget(network: Network, secretariat: Caller) -> None:
    """Named where urgent mutations are: nobody's spent budget stands in the way."""
    sdl = secretariat.ask('{ __type(name: "Mutation") { fields { name description } } }')
    described = {field["name"]: field["description"] for field in sdl["__type"]["fields"]}
    assert "budget" in described["suspendPartner"]
    assert "budget" not in described["resumePartner"]
    assert uuid_in(suspended(secretariat, network)["id"])
