"""Who seeks by what she may not seek by, or shows a cursor that was not made for her, is refused, and the trail has it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest
from tests.server.conftest import Act, Caller, Network, asks, executing
from tests.server.sharing import global_id, organisation
from tests.server.test_unknown_ids import events

from pat_auth.policy import Role
from pat_auth.principal import Principal
from pat_platform.settings import EngineMode
from pat_server import not_executed
from pat_server.not_executed import AT_ONCE, EVERY_SECONDS, Allowance
from pat_server.requests import GraphQLRequest

REFUSED = "request.refused"
RECEIVED = "{ referrals(direction: RECEIVED, %s) { totalCount } }"
BY_ORDER = "query($by: ReferralOrder) { referrals(direction: RECEIVED, orderBy: $by) { totalCount } }"
BY_FILTER = "query($by: ReferralFilter) { referrals(direction: RECEIVED, filter: $by) { totalCount } }"
BY_CURSOR = "query($by: String) { mine: referrals(direction: RECEIVED, after: $by) { totalCount } }"


@dataclass(frozen=True)
class Sought:
    """What somebody asks, by what, and what the trail has of it."""

    document: str
    field: str
    by: Any = None
    code: str = "BAD_INPUT"

    @property
    def variables(self) -> Mapping[str, Any]:
        return {} if self.by is None else {"by": self.by}

    def __str__(self) -> str:
        return f"{self.document[:120]} {self.by}"


SOUGHT = (
    Sought(RECEIVED % "orderBy: PARTNER_NAME", "Query.referrals"),
    Sought(RECEIVED % 'orderBy: "PARTNER_NAME"', "Query.referrals"),
    Sought(RECEIVED % "filter: {need: SHELTER}", "Query.referrals"),
    Sought(RECEIVED % "filter: {case: {riskLevel: HIGH}}", "Query.referrals"),
    Sought(RECEIVED % 'search: "Rina"', "Query.referrals"),
    Sought('{ referral(id: "A") { sharedCase { identity(firstName: "Rina") { __typename } } } }', "SharedCase.identity"),
    Sought('subscription { referralChanged(search: "Rina") { id } }', "Subscription.referralChanged"),
    Sought(BY_ORDER.replace("$by: ReferralOrder", "$by: ReferralOrder = PARTNER_NAME"), "ReferralOrder"),
    Sought(BY_FILTER.replace("$by: ReferralFilter", "$by: ReferralFilter = {need: SHELTER}"), "ReferralFilter"),
    Sought(BY_ORDER, "ReferralOrder", "PARTNER_NAME"),
    Sought(BY_FILTER, "ReferralFilter", {"need": "SHELTER"}),
    Sought(BY_FILTER, "ReferralFilter", {"statuses": ["SENT", "Rina"]}),
    Sought(BY_CURSOR, "Query.referrals", "Rina", "BAD_CURSOR"),
    # Behind more mistakes than are told, and in what is too long to be looked through.
    Sought(f"{{ a b c d e f me {{ g }} {RECEIVED[2:] % 'orderBy: PARTNER_NAME'}", "Query.referrals"),
    Sought(f"{RECEIVED % 'orderBy: PARTNER_NAME'} #{'x' * 10_000}", "Query"),
)  # fmt: skip


def count(network: Network, caller: Caller) -> int:
    return len(events(network, caller, REFUSED))


@pytest.mark.parametrize("sought", SOUGHT, ids=str)
@pytest.mark.parametrize("mode", EngineMode)
async def test_what_is_sought_by_what_is_withheld_is_refused_and_recorded(
    network: Network, act_as: Act, sought: Sought, mode: EngineMode
) -> None:
    """Each time, also when the answer is known; by the schema's words alone, about nobody."""
    caller = act_as("worker@goa.example")
    before = count(network, caller)
    async with executing(network, engine=mode) as executor:
        for _ in range(2):
            request = GraphQLRequest(sought.document, None, sought.variables)
            answer = await asks(executor, caller.principal, request)
            assert answer.code == sought.code
    assert (
        events(network, caller, REFUSED)[before:] == [({"code": sought.code, "field": sought.field}, [])] * 2
    )


def test_the_cursor_of_another_list_is_recorded_over_http(network: Network, act_as: Act) -> None:
    caller = act_as("manager@cbo-f.example")
    page = caller.ask("{ cases(first: 1) { pageInfo { endCursor } } }")
    given = {"by": page["cases"]["pageInfo"]["endCursor"]}
    before = count(network, caller)
    assert caller.refused(BY_CURSOR, **given) == "BAD_CURSOR"
    told = {"code": "BAD_CURSOR", "field": "Query.referrals"}
    assert events(network, caller, REFUSED)[before:] == [(told, [])]


def test_a_cursor_that_is_shown_with_a_mutation_is_recorded_and_nothing_is_done(
    network: Network, act_as: Act
) -> None:
    caller = act_as("manager@cbo-f.example")
    ((case,),) = network.rows(
        "select id from app.cases where organisation_id = %s limit 1",
        caller.principal.organisation,
    )
    given = {"caseId": global_id("Case", case), "to": global_id("Organisation", organisation(network, "goa"))}
    document = """mutation($input: DraftReferralInput!, $by: String) { of: draftReferral(input: $input) {
        ... on Referral { case { ... on Case { notes(after: $by) { totalCount } } } } } }"""
    before, drafted = count(network, caller), network.rows("select count(*) from app.referrals")
    given |= {"need": "SHELTER", "urgency": "SOON"}
    assert caller.refused(document, input=given, by="Rina") == "BAD_CURSOR"
    told = {"code": "BAD_CURSOR", "field": "Mutation.draftReferral"}
    assert events(network, caller, REFUSED)[before:] == [(told, [])]
    assert network.rows("select count(*) from app.referrals") == drafted


NONSENSE: tuple[tuple[str, Mapping[str, Any]], ...] = (
    ("{", {}),
    ("{ me { shoeSize } }", {}),
    ("{ me { shoeSize } } #" + "x" * 10_000, {}),
    ("{ nobody(orderBy: NAME) { id } }", {}),
    ("{ me @only(by: NAME) { name } }", {}),
    ("query($by: Nothing = {name: 1}) { me { name } }", {}),
    ("query A { me { name } } query B { me { name } }", {}),
    ("query($by: Int!) { referrals(direction: RECEIVED, first: $by) { totalCount } }", {"by": "many"}),
    ("query($by: ReferralOrder!) { referrals(direction: RECEIVED, orderBy: $by) { totalCount } }", {}),
    (RECEIVED % "first: 100000", {}),
    (RECEIVED % "first: 1, last: 1", {}),
    ('{ node(id: "Rina") { id } }', {}),
    ('mutation { answerReferral(input: {id: "A", answer: RINA, of: 1}) { __typename } }', {}),
    ("mutation($by: AnswerReferralInput!) { answerReferral(input: $by) { __typename } }", {"by": {"id": "A", "of": 1}}),
    ('mutation($by: AnswerReferralInput = {of: 1}) { answerReferral(input: $by) { __typename } }', {}),
)  # fmt: skip


@pytest.mark.parametrize(("document", "variables"), NONSENSE)
def test_what_does_not_fit_and_seeks_nothing_is_not_recorded(
    network: Network, act_as: Act, document: str, variables: Mapping[str, Any]
) -> None:
    """What a broken client sends leaves nothing; and what a verb is given is no search."""
    caller = act_as("worker@goa.example")
    before = count(network, caller)
    assert "BAD_INPUT" in caller.post(document, variables).text
    assert count(network, caller) == before


async def test_of_the_same_all_day_only_some_is_recorded_and_all_is_refused(
    network: Network, act_as: Act, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(not_executed, "AT_ONCE", 3)
    caller = act_as("worker@goa.example")
    before = count(network, caller)
    async with executing(network) as executor:
        for _ in range(5):
            request = GraphQLRequest(SOUGHT[0].document, None, None)
            assert (await asks(executor, caller.principal, request)).code == "BAD_INPUT"
    assert count(network, caller) == before + 3


def test_as_time_passes_more_is_recorded_of_each_person_by_herself() -> None:
    now = 1_000.0
    allowance = Allowance(lambda: now)
    organisation = uuid4()
    one, other = (
        Principal(uuid4(), organisation, Role.DESTINATION_WORKER, uuid4(), frozenset(), "tests")
        for _ in range(2)
    )
    assert [allowance.admits(one) for _ in range(AT_ONCE + 1)] == [True] * AT_ONCE + [False]
    assert allowance.admits(other)
    now += EVERY_SECONDS - 1
    assert not allowance.admits(one)
    now += 1
    assert [allowance.admits(one) for _ in range(2)] == [True, False]
    now += 1_000 * EVERY_SECONDS
    assert [allowance.admits(one) for _ in range(AT_ONCE + 1)] == [True] * AT_ONCE + [False]


def test_whoever_is_signed_out_is_told_that_alone(network: Network, act_as: Act) -> None:
    caller = act_as("worker@goa.example")
    network.rows("update sec.sessions set revoked_at = now() where id = %s", caller.principal.session)
    before = count(network, caller)
    assert caller.refused(SOUGHT[0].document) == "UNAUTHENTICATED"
    assert count(network, caller) == before
