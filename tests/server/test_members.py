"""Administrators over HTTP: they invite by mail, withdraw, and end memberships; nobody else does."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from typing import Any
from uuid import uuid4

import pytest
from tests.server.conftest import Act, Caller, Network, asks, executing, uuid_in

from pat_auth.mails.letters import open_letter
from pat_auth.policy import Permission, Role, reach_of
from pat_platform.settings import KeyProviderKind, MailAccess
from pat_server.assembly import assemble, mail_key
from pat_server.requests import GraphQLRequest

INVITE = """mutation($input: InviteMemberInput!) { inviteMember(input: $input) { __typename
    ... on Invitation { id email name role isOpen createdAt expiresAt takenUpAt withdrawnAt }
    ... on Refusal { code field } } }"""
WITHDRAW = """mutation($input: WithdrawInvitationInput!) { withdrawInvitation(input: $input) { __typename
    ... on Invitation { id isOpen withdrawnAt } ... on Refusal { code field } } }"""
END = """mutation($input: EndMembershipInput!) { endMembership(input: $input) { __typename
    ... on MembershipEnded { sessions cases } ... on Refusal { code field } } }"""
INVITATIONS = """query($filter: InvitationFilter) { invitations(first: 100, filter: $filter) { edges { node { id isOpen } } } }"""
MEMBERS = "{ members(first: 100) { edges { node { id name role } } } }"
EMAIL = "new@cbo-d.example"


def wanted(**changes: Any) -> dict[str, Any]:
    return {"email": EMAIL, "name": "Asha", "role": "COUNSELLOR", **changes}


@pytest.fixture
def admin(act_as: Act) -> Caller:
    """An administrator who has proved both factors lately."""
    return act_as("admin@cbo-d.example", auth_time=int(time.time()) - 5, acr="2")


@pytest.fixture(autouse=True)
def _nothing_stays(network: Network) -> Iterator[None]:
    yield
    network.rows("delete from app.invitations where email like '%%@cbo-d.example'")
    network.rows("delete from sec.mails")


def invited(admin: Caller, **changes: Any) -> dict[str, Any]:
    answer: dict[str, Any] = admin.ask(INVITE, input=wanted(**changes))["inviteMember"]
    return answer


def listed(caller: Caller, **filter: Any) -> dict[str, bool]:
    edges = caller.ask(INVITATIONS, filter=filter)["invitations"]["edges"]
    return {edge["node"]["id"]: edge["node"]["isOpen"] for edge in edges}


def member_of(caller: Caller, role: str) -> str:
    edges = caller.ask(MEMBERS)["members"]["edges"]
    return str(next(edge["node"]["id"] for edge in edges if edge["node"]["role"] == role))


def test_who_is_invited_is_sent_a_link_that_nobody_else_sees(network: Network, admin: Caller) -> None:
    before = [row[0] for row in network.rows("select id from sec.mails")]
    answer = invited(admin, email="New@CBO-D.example", language="BN")
    assert (answer["__typename"], answer["email"], answer["role"]) == ("Invitation", EMAIL, "COUNSELLOR")
    assert answer["isOpen"]
    ((mail, sealed),) = network.rows("select id, sealed from sec.mails where id <> all(%s)", before)
    letter = open_letter(mail_key(network.settings), mail, sealed)
    assert letter is not None
    assert letter.to == EMAIL
    assert "আমন্ত্রণ" in letter.subject
    (token,) = re.findall(r"/invitation\?token=(\S+)", letter.text)
    ((kept,),) = network.rows("select token_hash from app.invitations where id = %s", uuid_in(answer["id"]))
    assert kept == sha256(token.encode()).digest()
    ((actor,),) = network.rows(
        "select actor from trail.events where action = 'member.invited' and subjects = array[%s]::uuid[]",
        uuid_in(answer["id"]),
    )
    assert actor == admin.principal.person


def test_a_second_invitation_takes_the_place_of_the_first(admin: Caller) -> None:
    first, second, other = invited(admin), invited(admin), invited(admin, role="LEGAL_AID")
    assert listed(admin) == {first["id"]: False, second["id"]: True, other["id"]: True}
    assert listed(admin, isOpen=True).keys() == {second["id"], other["id"]}


def test_the_same_sent_twice_is_one_invitation_and_one_mail(network: Network, admin: Caller) -> None:
    key = str(uuid4())
    first, second = (invited(admin, clientMutationId=key) for _ in range(2))
    assert first["id"] == second["id"]
    assert network.rows("select count(*) from sec.mails") == [(1,)]


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"email": "nobody"}, "EMAIL_INVALID", "email"),
        ({"name": " "}, "NAME_EMPTY", "name"),
        ({"role": "SURVIVOR"}, "ROLE_INVALID", "role"),
        ({"role": "AUDITOR"}, "ROLE_INVALID", "role"),
        ({"email": "admin@cbo-d.example", "role": "ORGANISATION_ADMIN"}, "ALREADY_A_MEMBER", "email"),
    ],
)
def test_what_does_not_fit_is_refused_and_nothing_is_sent(
    network: Network, admin: Caller, changes: dict[str, Any], code: str, field: str
) -> None:
    before = network.rows("select count(*) from sec.mails")
    assert invited(admin, **changes) == {"__typename": "Refusal", "code": code, "field": field}
    assert network.rows("select count(*) from sec.mails") == before


def test_that_somebody_signs_in_elsewhere_is_not_told(admin: Caller) -> None:
    known, unknown = (
        invited(admin, email=email) for email in ("manager@cbo-a.example", "nobody@cbo-a.example")
    )
    assert {known["__typename"], unknown["__typename"]} == {"Invitation"}


def test_an_invitation_is_withdrawn_by_its_own_organisation(
    act_as: Act, network: Network, admin: Caller
) -> None:
    id = invited(admin)["id"]
    other = act_as("admin@cbo-c.example", auth_time=int(time.time()), acr="2")
    refused = {"__typename": "Refusal", "code": "NOT_FOUND", "field": "id"}
    assert other.ask(WITHDRAW, input={"id": id})["withdrawInvitation"] == refused
    assert id not in listed(other)
    for _ in range(2):
        answer = admin.ask(WITHDRAW, input={"id": id})["withdrawInvitation"]
        assert answer["isOpen"] is False
    withdrawn = "select count(*) from trail.events where action = 'invitation.withdrawn' and subjects = array[%s]::uuid[]"
    assert network.rows(withdrawn, uuid_in(id)) == [(1,)]


def test_what_was_taken_up_is_not_withdrawn(network: Network, admin: Caller) -> None:
    id = invited(admin)["id"]
    network.rows("update app.invitations set taken_up_at = now() where id = %s", uuid_in(id))
    answer = admin.ask(WITHDRAW, input={"id": id})["withdrawInvitation"]
    assert answer == {"__typename": "Refusal", "code": "TAKEN_UP", "field": "id"}


def test_whose_membership_ends_is_out_with_her_next_request(
    act_as: Act, network: Network, admin: Caller
) -> None:
    worker = act_as("counsellor@cbo-d.example")
    membership = member_of(admin, "COUNSELLOR")
    ((sessions,),) = network.rows(
        "select count(*) from sec.sessions where membership_id = %s and revoked_at is null and expires_at > now()",
        uuid_in(membership),
    )
    try:
        answer = admin.ask(END, input={"id": membership})["endMembership"]
        assert answer["__typename"] == "MembershipEnded"
        assert answer["sessions"] == sessions
        assert worker.post("{ me { role } }").status_code == 401
        assert membership not in {edge["node"]["id"] for edge in admin.ask(MEMBERS)["members"]["edges"]}
        again = admin.ask(END, input={"id": membership})["endMembership"]
        assert again == {"__typename": "Refusal", "code": "NOT_FOUND", "field": "id"}
    finally:
        network.rows("update app.memberships set ended_at = null where id = %s", uuid_in(membership))


def test_the_last_administrator_does_not_leave(admin: Caller) -> None:
    answer = admin.ask(END, input={"id": member_of(admin, "ORGANISATION_ADMIN")})["endMembership"]
    assert answer == {"__typename": "Refusal", "code": "LAST_ADMINISTRATOR", "field": "id"}
    assert admin.ask("{ me { role } }") == {"me": {"role": "ORGANISATION_ADMIN"}}


def test_nobody_else_does_any_of_it(act_as: Act) -> None:
    assert reach_of(Role.CASE_MANAGER, Permission.MEMBER_INVITE) is None
    manager = act_as("manager@cbo-d.example", auth_time=int(time.time()), acr="2")
    for mutation, input in ((INVITE, wanted()), (WITHDRAW, {"id": "x"}), (END, {"id": "x"})):
        assert manager.refused(mutation, input=input) == "FORBIDDEN"
    assert manager.refused(INVITATIONS) == "FORBIDDEN"


def test_whoever_has_not_proved_both_factors_lately_signs_in_again(act_as: Act) -> None:
    admin = act_as("admin@cbo-d.example")
    for mutation, input in ((INVITE, wanted()), (WITHDRAW, {"id": "x"}), (END, {"id": "x"})):
        assert admin.refused(mutation, input=input) == "STEP_UP_REQUIRED"


async def test_where_no_mail_is_sent_nobody_is_invited(network: Network, admin: Caller) -> None:
    async with executing(network, demo=False, key_provider=KeyProviderKind.FILE) as executor:
        request = GraphQLRequest(INVITE, None, {"input": wanted()})
        answer = await asks(executor, admin.principal, request)
    assert b"NO_MAIL" in answer.body


def test_letters_are_put_where_mail_is_sent(network: Network) -> None:
    quiet: dict[str, Any] = {"demo": False, "key_provider": KeyProviderKind.FILE}
    access = MailAccess("mail.example.org", "pat@example.org")
    assert assemble(replace(network.settings, **quiet, mail=access)).outbox is not None
    assert assemble(replace(network.settings, **quiet)).outbox is None
