"""docs/sharing.md walks through one referral: every query of it is sent here as it stands there, as the person who is named before it."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from graphql import OperationDefinitionNode, parse
from tests.server.conftest import Act, Network
from tests.server.sharing import organisation

from pat_tenants.cases.service import today

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "sharing.md").read_text()
WALK = PAGE.partition("## One referral, from beginning to end")[2].partition("\n## ")[0]
STEP = re.compile(r"As `(?P<who>[^`]+)`:\n\n```graphql\n(?P<document>.*?)^```", re.DOTALL | re.MULTILINE)
SCOPES = ["LEGAL_STATUS", "HEARING_SCHEDULE"]
DAY = (today() + timedelta(days=30)).isoformat()

Answers = dict[str, Any]
"""What was answered so far, by operation."""


def operations() -> Iterator[tuple[str, str, str]]:
    """Who sends which operation of which document, in order."""
    for step in STEP.finditer(WALK):
        for definition in parse(step["document"]).definitions:
            assert isinstance(definition, OperationDefinitionNode)
            assert definition.name is not None
            yield step["who"], definition.name.value, step["document"]


def nodes(connection: Any) -> list[Any]:
    return [edge["node"] for edge in connection["edges"]]


def partners_id(answers: Answers) -> str:
    (found,) = [each["id"] for each in nodes(answers["Mine"]["organisations"]) if each["state"] == "Gujarat"]
    return str(found)


def newest(answers: Answers) -> str:
    """The referral as the receiver finds it in its inbox: the one of this need that is not in the demo."""
    (found,) = [
        each["id"] for each in nodes(answers["Inbox"]["referrals"]) if each["need"] == "COURT_FOLLOW_UP"
    ]
    return str(found)


def _until(days: int) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).isoformat()


GIVEN: dict[str, Callable[[Answers], dict[str, Any]]] = {
    "Sign": lambda seen: {
        "agreement": next(iter(nodes(seen["Waiting"]["agreements"])))["id"],
        "until": _until(300),
    },
    "Agree": lambda seen: {"to": partners_id(seen), "until": _until(170)},
    "Draft": lambda seen: {"case": nodes(seen["Mine"]["cases"])[0]["id"], "to": partners_id(seen)},
    "Base": lambda seen: {
        "id": seen["Draft"]["draftReferral"]["id"],
        "consent": seen["Agree"]["giveConsent"]["id"],
    },
    "Send": lambda seen: {"id": seen["Draft"]["draftReferral"]["id"]},
    "Accept": lambda seen: {"id": newest(seen)},
    "Shared": lambda seen: {"id": newest(seen)},
    "Tell": lambda seen: {"id": newest(seen), "day": DAY},
    "Calendar": lambda seen: {"day": DAY},
    "End": lambda seen: {"consent": seen["Agree"]["giveConsent"]["id"]},
    "Left": lambda seen: {"id": newest(seen)},
}
"""The variables, from what was answered before; an operation that is not here has none."""


@pytest.fixture(scope="module")
def answers(act_as: Act, network: Network) -> Iterator[Answers]:
    """All of it, from the first to the last."""
    found: Answers = {}
    try:
        for who, name, document in operations():
            lately = {"auth_time": int(time.time()), "acr": "2"} if name == "Sign" else {}
            caller = act_as(who, **lately)
            variables = GIVEN[name](found) if name in GIVEN else {}
            body = {"query": document, "operationName": name, "variables": variables}
            headers = {"authorization": f"Bearer {caller.token}"}
            answer = caller.client.post("/graphql", json=body, headers=headers).json()
            assert "errors" not in answer, (name, answer["errors"])
            found[name] = answer["data"]
        yield found
    finally:
        gujarat, other = (organisation(network, slug) for slug in ("gujarat", "cbo-g"))
        network.rows(
            "delete from app.agreements where (organisation_id, partner_id) = (%s, %s)", gujarat, other
        )


def test_both_have_signed(answers: Answers) -> None:
    (waiting,) = nodes(answers["Waiting"]["agreements"])
    assert set(SCOPES) < set(waiting["theirScopes"])
    assert answers["Sign"]["signAgreement"]["status"] == "LIVE"
    assert answers["Sign"]["signAgreement"]["scopes"] == SCOPES


def test_it_is_drafted_on_her_consent_and_sent(answers: Answers) -> None:
    assert answers["Draft"]["draftReferral"]["allowedTransitions"] == ["CONSENT_RECORDED"]
    assert answers["Base"]["baseReferral"]["status"] == "CONSENT_RECORDED"
    assert answers["Send"]["moveReferral"]["status"] == "SENT"


def test_the_receiver_sees_that_something_is_asked_and_then_what_is_shared(answers: Answers) -> None:
    stub = next(each for each in nodes(answers["Inbox"]["referrals"]) if each["id"] == newest(answers))
    assert stub["partnerName"] is None
    assert stub["allowedTransitions"] == ["ACCEPTED", "DECLINED"]
    assert answers["Accept"]["answerReferral"]["status"] == "ACCEPTED"
    assert answers["Accept"]["answerReferral"]["scopes"] == SCOPES
    shared = answers["Shared"]["referral"]["sharedCase"]
    assert shared["pseudonym"]
    assert shared["legalStatus"]["proceedings"]
    assert shared["identity"] == {"__typename": "Withheld", "reason": "NOT_SHARED"}


def test_the_day_is_in_the_senders_calendar(answers: Answers) -> None:
    assert answers["Tell"]["reportHearing"]["hearings"] == [{"heldOn": DAY, "state": "SCHEDULED"}]
    (day,) = [each for each in nodes(answers["Calendar"]["hearings"]) if each["side"] == "PARTNER"]
    assert (day["heldOn"], day["referral"]["partnerName"]) == (DAY, "Khari Nadi Trust")


def test_after_its_end_there_is_its_number_and_its_state(answers: Answers) -> None:
    assert answers["End"]["withdrawConsent"]["isLive"] is False
    left = answers["Left"]["referral"]
    assert left.pop("sentAt")
    assert left == {"status": "REVOKED", "partnerName": None, "scopes": [], "sharedCase": None}


def test_her_organisation_is_told_and_she_reads_who_has_looked(answers: Answers) -> None:
    assert "WITHDRAWAL" in {each["kind"] for each in nodes(answers["Told"]["alerts"])}
    sentences = [each["sentence"] for each in nodes(answers["WhoLooked"]["me"]["accessLog"])]
    said = re.compile(r"Khari Nadi Trust read, as you have agreed: .*how your matters stand")
    assert any(map(said.search, sentences)), sentences


def test_every_query_of_the_walk_has_a_person() -> None:
    assert len(STEP.findall(WALK)) == WALK.count("```graphql")
    assert {"Sign", "Agree", "Draft", "Tell", "End"} <= {name for _, name, _ in operations()}
