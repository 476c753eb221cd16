"""Case managers over HTTP: they have the link made by which a survivor chooses a PIN, and nobody else does."""

from __future__ import annotations

import time
from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pytest
from tests.server.conftest import Act, Caller, Network

from pat_auth.issuer.taking_up import hash_of_token
from pat_auth.policy import POLICY, STEP_UP, Permission, Role
from pat_auth.scopes import SCOPES

INVITE = """mutation($input: InviteSurvivorToSignInInput!) { inviteSurvivorToSignIn(input: $input) { __typename
    ... on SignInLink { url expiresAt } ... on Refusal { code field } } }"""
WITHDRAW = """mutation($input: WithdrawSignInLinkInput!) { withdrawSignInLink(input: $input) { __typename
    ... on SignInLinkWithdrawn { survivorId } ... on Refusal { code field } } }"""
MANAGER = "manager@cbo-d.example"
NOT_FOUND = {"__typename": "Refusal", "code": "NOT_FOUND", "field": "survivorId"}


@pytest.fixture
def manager(act_as: Act) -> Caller:
    """One who has proved both factors lately."""
    return act_as(MANAGER, auth_time=int(time.time()) - 5, acr="2")


@pytest.fixture
def survivor(network: Network) -> Iterator[str]:
    """One of cbo-d who does not sign in yet."""
    ((id,),) = network.rows(
        "select s.id from app.survivors s join app.organisations o on o.id = s.organisation_id where o.slug = 'cbo-d'"
        " and not exists (select from app.memberships m where m.survivor_id = s.id) order by s.code limit 1"
    )
    yield global_id(id)
    network.rows("delete from app.memberships where survivor_id = %s", id)


def global_id(survivor: UUID) -> str:
    return b64encode(f"Survivor:{survivor}".encode()).decode()


def invite(manager: Caller, survivor: str, name: str = "Kestrel") -> Any:
    return manager.ask(INVITE, input={"survivorId": survivor, "name": name})["inviteSurvivorToSignIn"]


def withdraw(manager: Caller, survivor: str) -> Any:
    return manager.ask(WITHDRAW, input={"survivorId": survivor})["withdrawSignInLink"]


def opens(network: Network, url: str) -> bool:
    """Whether the link leads to somebody."""
    (token,) = parse_qs(urlsplit(url).query)["token"]
    return network.rows("select 1 from sec.people where link_hash = %s", hash_of_token(token)) == [(1,)]


def test_the_link_is_told_once_and_mailed_to_nobody(network: Network, manager: Caller, survivor: str) -> None:
    mails = network.rows("select count(*) from sec.mails")
    answer = invite(manager, survivor)
    assert answer["url"].startswith(f"{network.settings.issuer}/sign-in/start?token=")
    assert opens(network, answer["url"])
    left = datetime.fromisoformat(answer["expiresAt"]) - datetime.now(UTC)
    assert timedelta(hours=23) < left <= timedelta(hours=24)
    assert network.rows("select count(*) from sec.mails") == mails


def test_a_new_link_voids_the_one_before(network: Network, manager: Caller, survivor: str) -> None:
    first, second = (invite(manager, survivor)["url"] for _ in range(2))
    assert (opens(network, first), opens(network, second)) == (False, True)


def test_a_link_is_withdrawn(network: Network, manager: Caller, survivor: str) -> None:
    url = invite(manager, survivor)["url"]
    assert withdraw(manager, survivor) == {"__typename": "SignInLinkWithdrawn", "survivorId": survivor}
    assert not opens(network, url)
    assert withdraw(manager, survivor) == NOT_FOUND


def test_another_organisations_survivor_is_not_there(
    act_as: Act, network: Network, manager: Caller, survivor: str
) -> None:
    other = act_as("manager@cbo-c.example", auth_time=int(time.time()), acr="2")
    assert invite(other, survivor) == NOT_FOUND
    url = invite(manager, survivor)["url"]
    assert withdraw(other, survivor) == NOT_FOUND
    assert opens(network, url)


def test_what_is_no_name_is_refused(manager: Caller, survivor: str) -> None:
    assert invite(manager, survivor, " ") == {"__typename": "Refusal", "code": "NAME_EMPTY", "field": "name"}


def test_whoever_has_not_proved_both_factors_lately_signs_in_again(act_as: Act, survivor: str) -> None:
    assert Permission.SURVIVOR_INVITE in STEP_UP
    manager = act_as(MANAGER)
    assert manager.refused(INVITE, input={"survivorId": survivor, "name": "x"}) == "STEP_UP_REQUIRED"
    assert manager.refused(WITHDRAW, input={"survivorId": survivor}) == "STEP_UP_REQUIRED"


def test_nobody_else_has_one_made_nor_a_program_that_is_told_no_names(act_as: Act, survivor: str) -> None:
    assert set(POLICY[Permission.SURVIVOR_INVITE]) == {Role.CASE_MANAGER}
    lately: dict[str, Any] = {"auth_time": int(time.time()), "acr": "2"}
    narrow = act_as(MANAGER, SCOPES - {"identity"}, **lately)
    admin = act_as("admin@cbo-d.example", **lately)
    for caller in (narrow, admin):
        assert caller.refused(INVITE, input={"survivorId": survivor, "name": "x"}) == "FORBIDDEN"
        assert caller.refused(WITHDRAW, input={"survivorId": survivor}) == "FORBIDDEN"
