"""What a receiver keeps of a referral that is over: every field of it, and of whatever is found below it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from graphql import GraphQLObjectType
from tests.server.conftest import Act, Network
from tests.server.sharing import SCOPES, Sharing, do
from tests.server.test_hearings import act, confirm, proceeding, reported

from pat_schema.root import graphql_schema
from pat_tenants.cases.service import today

DAY, LATER = today() + timedelta(days=61), today() + timedelta(days=90)
FORBIDDEN = ("consent", "legalBasis")
"""What no receiver may ask for, whether it is over or not."""
CONFIRMED = "confirmation { remotePoint hasCoordinator supportPerson confirmedAt }"
SELECTED = {
    "case": "case { __typename ... on Withheld { reason } }",
    "hearings": "hearings { id heldOn mode purpose state courtPoint remotePoint hasCoordinator supportPerson interpreterLanguage"
    f" outcome nextOn allowedTransitions {CONFIRMED} }}",
    "history": "history { status at by member { name } }",
    "updates": "updates { kind happenedOn reportedAt }",
    "assignee": "assignee { name }",
    "sharedCase": "sharedCase { pseudonym expiresAt }",
}


def fields(name: str) -> list[str]:
    """All fields that the schema has of a type."""
    found = graphql_schema().type_map[name]
    assert isinstance(found, GraphQLObjectType)
    return list(found.fields)


@pytest.fixture
def sharing(network: Network, act_as: Act) -> Sharing:
    return Sharing(network, act_as, number=6)


def worked_on(sharing: Sharing, consent: str) -> tuple[str, str]:
    """A referral that has come as far as it can: its ids for the receiver, and of the day that it reported."""
    proceeding(sharing)
    referral = sharing.sent(consent)
    received, worker = sharing.received(referral), sharing.worker
    do(worker, "answerReferral", id=received, answer="ACCEPTED")
    assert do(worker, "takeReferral", id=received)["__typename"] == "Referral"
    told = do(worker, "reportUpdate", id=received, kind="VISIT_MADE", happenedOn=today().isoformat())
    assert told["__typename"] == "Referral"
    hearing = reported(sharing, referral, DAY)
    prepared = {"courtPoint": "Sessions Court, Panaji", "remotePoint": "DLSA Barasat", "hasCoordinator": True}
    prepared |= {"supportPerson": "LAWYER", "interpreterLanguage": "bn"}
    act(worker, "arrangeReportedHearing", "ReferralHearing", id=hearing, preparation=prepared)
    confirm(sharing.manager, hearing, supportPerson="LAWYER")
    given = {"id": hearing, "to": "ADJOURNED", "outcome": "COURT_DID_NOT_SIT", "nextOn": LATER.isoformat()}
    assert act(worker, "moveReportedHearing", "ReferralHearing", **given)["state"] == "ADJOURNED"
    return received, hearing


def test_of_what_is_over_the_receiver_keeps_these_fields_and_no_others(sharing: Sharing) -> None:
    """A field that the schema gets anew has to be decided here."""
    consent = sharing.agreed()
    received, hearing = worked_on(sharing, consent)
    selection = " ".join(SELECTED.get(name, name) for name in fields("Referral") if name not in FORBIDDEN)
    query = f"query($id: ID!) {{ referral(id: $id) {{ {selection} }} }}"
    before = sharing.worker.ask(query, id=received)["referral"]
    assert set(before) == set(fields("Referral")) - set(FORBIDDEN)
    do(sharing.survivor, "withdrawConsent", id=consent)
    after = sharing.worker.ask(query, id=received)["referral"]
    # Its number, what was asked and when, and the receiver's own work on it.
    asked = ("id", "direction", "number", "reason", "need", "urgency", "sentAt", "ageDays", "agreedUntil")
    kept = (*asked, "case", "history", "updates", "assignee")
    gone: dict[str, Any] = {"scopes": [], "allowedTransitions": [], "partnerName": None, "partnerState": None}
    gone |= {"ground": None, "sharedCase": None, "status": "REVOKED"}
    left = after.pop("hearings"), before.pop("hearings")
    assert after == {name: before[name] for name in kept} | gone
    for name in gone:
        assert before[name] not in (None, [], gone[name]), name
    assert (before["scopes"], before["status"]) == (SCOPES, "ACCEPTED")
    # Not what the other side is called, nor who there took which step.
    assert {step["by"] for step in after["history"] if step["member"] is not None} <= {"RECEIVER"}
    days_in_court(hearing, *left)


def days_in_court(hearing: str, after: list[dict[str, Any]], before: list[dict[str, Any]]) -> None:
    """Of the days that it reported, which they were and how each stands; of those of others nothing."""
    assert set(before[0]) == set(fields("ReferralHearing"))
    kept = ("id", "heldOn", "mode", "purpose", "state")
    prepared = ("courtPoint", "remotePoint", "hasCoordinator", "supportPerson", "interpreterLanguage")
    gone = (*prepared, "outcome", "nextOn", "confirmation")
    assert [each["heldOn"] for each in after] == [DAY.isoformat(), LATER.isoformat()]
    for each, was in zip(after, before, strict=True):
        assert each == {name: was[name] for name in kept} | dict.fromkeys(gone) | {"allowedTransitions": []}
        assert (each is after[0]) or was["allowedTransitions"]
    (reported_day,) = (each for each in before if each["id"] == hearing)
    assert [name for name in gone if reported_day[name] is None] == []
