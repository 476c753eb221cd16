"""Revocation: a client ends the session of a token of its own, and nobody else's."""

from __future__ import annotations

import pytest
from tests.support.granting import Granting, refused, said

from pat_auth.clients.models import ClientKind
from pat_auth.issuer.asked import Answer, Asked, Unfit
from pat_auth.issuer.endpoints import Revocable
from pat_auth.issuer.server import answer_endpoint


def revoke(granting: Granting, token: str | None, **changes: str | None) -> Answer:
    sent = {"client_id": str(granting.client), "token": token, **changes}
    form = [(name, value) for name, value in sent.items() if value is not None]
    return answer_endpoint("revocation", granting.service, Asked("POST", "/oauth/revoke", form=form))


def why_ended(granting: Granting) -> list[tuple[str | None]]:
    return granting.rows("select revoked_because from sec.sessions where client = %s", str(granting.client))


@pytest.mark.parametrize("name", ["refresh_token", "access_token"])
@pytest.mark.parametrize("hint", [None, "refresh_token", "access_token", "id_token"])
def test_a_token_ends_its_session_whatever_the_hint_says(
    granting: Granting, name: str, hint: str | None
) -> None:
    tokens = granting.tokens()

    answer = revoke(granting, tokens[name], token_type_hint=hint)

    assert (answer.status, said(answer)) == (200, {})
    assert dict(answer.headers)["Cache-Control"] == "no-store"
    assert why_ended(granting) == [("revoked by its client",)]
    form = [("grant_type", "refresh_token"), ("client_id", str(granting.client))]
    assert refused(granting.post([*form, ("refresh_token", tokens["refresh_token"])]))[1] == "invalid_grant"


def test_a_used_refresh_token_ends_it_too_and_once_is_enough(granting: Granting) -> None:
    first = granting.tokens()
    form = [("grant_type", "refresh_token"), ("client_id", str(granting.client))]
    granting.post([*form, ("refresh_token", first["refresh_token"])])

    assert revoke(granting, first["refresh_token"]).status == 200
    assert revoke(granting, first["refresh_token"]).status == 200

    assert why_ended(granting) == [("revoked by its client",)]


@pytest.mark.parametrize("token", ["x", "x" * 43, "a.b.c", "é", "9" * 5000])
def test_a_token_that_is_not_known_is_no_mistake(granting: Granting, token: str) -> None:
    granting.tokens()

    assert revoke(granting, token).status == 200
    assert why_ended(granting) == [(None,)]


def test_an_access_token_that_has_expired_is_not_known(granting: Granting) -> None:
    tokens = granting.tokens()
    granting.clock.pass_by(minutes=6)

    assert revoke(granting, tokens["access_token"]).status == 200
    assert why_ended(granting) == [(None,)]


@pytest.mark.parametrize("name", ["refresh_token", "access_token"])
def test_a_token_of_another_client_is_refused(granting: Granting, name: str) -> None:
    tokens, other = granting.tokens(), granting.put_client()

    assert refused(revoke(granting, tokens[name], client_id=str(other))) == (400, "invalid_grant")
    assert why_ended(granting) == [(None,)]


def test_an_id_token_ends_nothing(granting: Granting) -> None:
    assert revoke(granting, granting.tokens()["id_token"]).status == 200
    assert why_ended(granting) == [(None,)]


def test_without_a_token_there_is_nothing_to_do(granting: Granting) -> None:
    assert refused(revoke(granting, None)) == (400, "invalid_request")


def test_whoever_is_no_client_ends_nothing_and_is_told_the_same(granting: Granting) -> None:
    token = granting.tokens()["refresh_token"]
    confidential = granting.put_client(kind=ClientKind.CONFIDENTIAL)
    unknown = "00000000-0000-4000-8000-000000000000"
    answers = [revoke(granting, token, client_id=each) for each in (None, "", unknown, str(confidential))]
    answers.append(revoke(granting, token, client_secret="secret"))

    assert refused(answers[0]) == (401, "invalid_client")
    assert {answer.body for answer in answers} == {answers[0].body}
    assert why_ended(granting) == [(None,)]


def test_parameters_stand_in_the_body_and_once(granting: Granting) -> None:
    form = [("client_id", str(granting.client)), ("token", "x")]
    for asked in (
        Asked("POST", "/oauth/revoke", query=form),
        Asked("POST", "/oauth/revoke", form=[*form, ("token", "y")]),
    ):
        with pytest.raises(Unfit):
            answer_endpoint("revocation", granting.service, asked)


def test_the_session_is_not_printed(granting: Granting) -> None:
    session = granting.principal(granting.tokens()).session
    assert str(session) not in repr(Revocable(session, "client"))
