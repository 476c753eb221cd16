"""Machines: an access token for their organisation, for what they name, and nothing after it."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from tests.support.asserting import Signer, public
from tests.support.granting import Granting, refused, said

from pat_auth.clients.models import ClientKind
from pat_auth.issuer.asked import Answer
from pat_auth.policy import Role


@pytest.fixture
def signer(granting: Granting) -> Signer:
    """A machine of cbo-a's, with a key."""
    made = Signer(uuid4(), granting.service.issuer, granting.clock().timestamp())
    made.client = granting.put_client(
        kind=ClientKind.MACHINE, redirect_uris=(), scopes=("cases", "groups"), keys=[public(made.key)]
    )
    return made


def ask(granting: Granting, signer: Signer, /, **changes: str | None) -> Answer:
    return granting.post(list(signer.form(None, **changes).items()))


def test_a_machine_is_given_a_token_of_its_organisation_and_no_other(
    granting: Granting, signer: Signer
) -> None:
    answer = ask(granting, signer)
    assert answer.status == 200
    assert dict(answer.headers)["Cache-Control"] == "no-store"
    tokens = said(answer)
    assert set(tokens) == {"access_token", "token_type", "expires_in", "scope"}
    assert (tokens["scope"], tokens["expires_in"]) == ("cases", 300)
    principal = granting.principal(tokens)
    assert (principal.person, principal.client) == (signer.client, str(signer.client))
    assert (principal.organisation, principal.role) == (
        granting.wall.organisation("cbo-a"),
        Role.SERVICE,
    )
    assert principal.scopes == {"cases"}
    assert (principal.auth_time, principal.acr) == (None, None)
    assert not principal.has_proved_both_lately(granting.clock().timestamp())
    ((lasts, refreshes),) = granting.rows(
        "select s.expires_at - s.created_at, (select count(*) from sec.refresh_tokens t where t.session_id = s.id)"
        " from sec.sessions s where s.id = %s",
        principal.session,
    )
    assert (lasts, refreshes) == (timedelta(minutes=6), 0)


def test_each_token_has_a_session_of_its_own(granting: Granting, signer: Signer) -> None:
    sessions = {granting.principal(said(ask(granting, signer))).session for _ in range(3)}
    assert len(sessions) == 3


@pytest.mark.parametrize(
    "scope",
    [None, "", " ", "identity", "cases identity", "openid", "openid cases", "everything", "CASES"],
)
def test_it_names_what_it_may_have_and_nothing_else(
    granting: Granting, signer: Signer, scope: str | None
) -> None:
    assert refused(ask(granting, signer, scope=scope)) == (400, "invalid_scope")
    assert granting.rows("select 1 from sec.sessions where client = %s", str(signer.client)) == []


@pytest.mark.parametrize("resource", ["https://elsewhere.example/", "https://issuer.example"])
def test_its_token_is_for_the_api_alone(granting: Granting, signer: Signer, resource: str) -> None:
    assert refused(ask(granting, signer, resource=resource)) == (400, "invalid_target")
    assert ask(granting, signer, resource=granting.service.audience).status == 200


def test_whoever_keeps_no_key_is_no_machine(granting: Granting) -> None:
    form = [("grant_type", "client_credentials"), ("client_id", str(granting.client)), ("scope", "cases")]
    assert refused(granting.post(form)) == (401, "invalid_client")


def test_a_machine_exchanges_no_code_and_refreshes_nothing(granting: Granting, signer: Signer) -> None:
    code, tokens = granting.code(), granting.tokens()
    for changes in (
        {"grant_type": "authorization_code", "code": code, "code_verifier": "v" * 43},
        {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]},
    ):
        assert refused(ask(granting, signer, scope=None, **changes)) == (400, "unauthorized_client")
    # Neither was spent by it.
    assert granting.exchange(code).status == 200


def test_one_whose_membership_was_ended_is_let_in_no_more(granting: Granting, signer: Signer) -> None:
    assert ask(granting, signer).status == 200
    granting.rows("update app.memberships set ended_at = now() where person_id = %s", signer.client)
    assert refused(ask(granting, signer)) == (400, "unauthorized_client")
    # What was shown is spent all the same.
    ((spent,),) = granting.rows("select count(*) from sec.assertions where client = %s", signer.client)
    assert spent == 2
