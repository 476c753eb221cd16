"""Userinfo: who an access token speaks for, as long as its session stands."""

from __future__ import annotations

import pytest
from tests.support.granting import Granting, said

from pat_auth.issuer.asked import Answer, Asked, Unfit
from pat_auth.issuer.userinfo import answer_userinfo


def ask(granting: Granting, authorization: str | None, method: str = "GET") -> Answer:
    headers = {} if authorization is None else {"authorization": authorization}
    return answer_userinfo(granting.service, Asked(method, "/oauth/userinfo", headers=headers))


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("scheme", ["Bearer", "bearer"])
def test_it_says_who_where_and_as_what_and_nothing_else(granting: Granting, method: str, scheme: str) -> None:
    answer = ask(granting, f"{scheme} {granting.tokens()['access_token']}", method)

    who = granting.who
    assert answer.status == 200
    assert said(answer) == {
        "sub": str(who.person),
        "org": str(who.organisation),
        "role": who.role.value,
    }
    assert dict(answer.headers)["Cache-Control"] == "no-store"


def challenge(answer: Answer) -> str:
    return {name.lower(): value for name, value in answer.headers}["www-authenticate"]


@pytest.mark.parametrize("authorization", ["Bearer x", "Bearer a.b.c", "Bearer é", "Bearer " + "9" * 5000])
def test_a_token_that_is_none_is_refused(granting: Granting, authorization: str) -> None:
    answer = ask(granting, authorization)

    assert (answer.status, said(answer)["error"]) == (401, "invalid_token")
    assert challenge(answer).startswith('Bearer error="invalid_token"')


@pytest.mark.parametrize("authorization", [None, "", "Bearer", "Basic eDp5"])
def test_whoever_shows_no_token_is_asked_for_one(granting: Granting, authorization: str | None) -> None:
    answer = ask(granting, authorization)

    assert answer.status == 401
    assert challenge(answer).lower().startswith("bearer")


@pytest.mark.parametrize("name", ["id_token", "refresh_token"])
def test_no_other_token_does(granting: Granting, name: str) -> None:
    assert ask(granting, f"Bearer {granting.tokens()[name]}").status == 401


def test_a_client_that_did_not_ask_who_signed_in_is_not_told(granting: Granting) -> None:
    answer = ask(granting, f"Bearer {granting.tokens(scope='cases')['access_token']}")

    assert (answer.status, said(answer)["error"]) == (403, "insufficient_scope")
    assert challenge(answer).startswith('Bearer error="insufficient_scope"')


END_MEMBERSHIP = "update app.memberships set ended_at = now() where id = %(membership)s"
DISABLE_PERSON = "update sec.people set disabled_at = now() where id = %(person)s"
DISABLE_CLIENT = "update app.clients set disabled_at = now() where id = %(client)s"
END_SESSION = "update sec.sessions set revoked_at = now() where client = %(client)s::text"


@pytest.mark.parametrize("statement", [END_MEMBERSHIP, DISABLE_PERSON, DISABLE_CLIENT, END_SESSION])
def test_a_fresh_token_whose_session_has_ended_says_nothing(granting: Granting, statement: str) -> None:
    token, who = granting.tokens()["access_token"], granting.who
    assert ask(granting, f"Bearer {token}").status == 200
    values = {"membership": who.membership, "person": who.person, "client": granting.client}
    granting.connections.connection.execute(statement.encode(), values)

    assert ask(granting, f"Bearer {token}").status == 401


def test_a_token_in_the_address_is_not_read(granting: Granting) -> None:
    token = granting.tokens()["access_token"]

    with pytest.raises(Unfit):
        answer_userinfo(granting.service, Asked("GET", "/oauth/userinfo", query=[("access_token", token)]))
