"""Refresh tokens: followed one by another, given again where an answer was lost, and the end of the session where one was stolen."""

from __future__ import annotations

import logging
from datetime import timedelta
from hashlib import sha256
from typing import Any

import psycopg
import pytest
from tests.support.granting import BACK, Granting, refused, said

from pat_auth.clients.models import ClientKind
from pat_auth.issuer import refreshing
from pat_auth.issuer.asked import Answer, Unfit
from pat_auth.issuer.refreshing import successor

INVALID_GRANT = (400, "invalid_grant")


def refresh(granting: Granting, token: str, /, **changes: str | None) -> Answer:
    sent = {
        "grant_type": "refresh_token",
        "client_id": str(granting.client),
        "refresh_token": token,
        **changes,
    }
    return granting.post([(name, value) for name, value in sent.items() if value is not None])


def refreshed(granting: Granting, token: str, /, **changes: str | None) -> dict[str, Any]:
    answer = refresh(granting, token, **changes)
    assert answer.status == 200, answer.body
    return said(answer)


def kept(granting: Granting) -> list[tuple[Any, ...]]:
    """Number and use of each refresh token that the client was given."""
    return granting.rows(
        "select t.number, t.used_at from sec.refresh_tokens t join sec.sessions s on s.id = t.session_id"
        " where s.client = %s order by t.number",
        str(granting.client),
    )


def revoked(granting: Granting, tokens: dict[str, Any]) -> str | None:
    """Why the session of the tokens has ended, if it has."""
    session = granting.principal(tokens).session
    ((because,),) = granting.rows("select revoked_because from sec.sessions where id = %s", session)
    found: str | None = because
    return found


def test_a_session_goes_on_with_new_tokens(granting: Granting) -> None:
    first = granting.tokens()
    before = granting.principal(first)
    granting.clock.pass_by(minutes=5)

    second = refreshed(granting, first["refresh_token"])

    assert granting.principal(second) == before
    assert second["expires_in"] == 300
    assert second["scope"] == "cases openid"
    assert second["refresh_token"] != first["refresh_token"]
    assert second["access_token"] != first["access_token"]
    assert "id_token" not in second


def test_refresh_tokens_are_kept_as_hashes_and_the_session_knows_its_last_use(granting: Granting) -> None:
    tokens = granting.tokens()
    granting.clock.pass_by(minutes=4)

    after = refreshed(granting, tokens["refresh_token"])

    session = granting.principal(tokens).session
    rows = granting.rows(
        "select hash, number, used_at from sec.refresh_tokens where session_id = %s order by number", session
    )
    now = granting.clock()
    assert rows == [
        (sha256(tokens["refresh_token"].encode()).digest(), 0, now),
        (sha256(after["refresh_token"].encode()).digest(), 1, None),
    ]
    assert granting.rows("select used_at from sec.sessions where id = %s", session) == [(now,)]


def test_an_answer_that_was_lost_is_given_again_for_half_a_minute(granting: Granting) -> None:
    tokens = granting.tokens()
    lost = refreshed(granting, tokens["refresh_token"])
    for seconds in (0, 29, 1):
        granting.clock.pass_by(seconds=seconds)
        again = refreshed(granting, tokens["refresh_token"])
        assert again["refresh_token"] == lost["refresh_token"]
        assert granting.principal(again) == granting.principal(lost)
    assert revoked(granting, tokens) is None
    assert granting.rows(
        "select count(*) from sec.refresh_tokens where session_id = %s", granting.principal(tokens).session
    ) == [(2,)]


def test_half_a_minute_is_counted_from_the_first_use(granting: Granting) -> None:
    tokens = granting.tokens()
    refreshed(granting, tokens["refresh_token"])
    granting.clock.pass_by(seconds=20)
    refreshed(granting, tokens["refresh_token"])
    granting.clock.pass_by(seconds=11)

    assert refused(refresh(granting, tokens["refresh_token"])) == INVALID_GRANT
    assert revoked(granting, tokens) == "refresh token replayed"


def test_a_used_token_that_comes_later_ends_the_session_and_all_that_followed(granting: Granting) -> None:
    tokens = granting.tokens()
    after = refreshed(granting, tokens["refresh_token"])
    granting.clock.pass_by(seconds=31)

    assert refused(refresh(granting, tokens["refresh_token"])) == INVALID_GRANT

    assert revoked(granting, tokens) == "refresh token replayed"
    assert refused(refresh(granting, after["refresh_token"])) == INVALID_GRANT


def test_a_used_token_is_stolen_once_its_successor_is_used_however_soon(granting: Granting) -> None:
    tokens = granting.tokens()
    second = refreshed(granting, tokens["refresh_token"])
    third = refreshed(granting, second["refresh_token"])
    granting.clock.pass_by(seconds=5)

    assert refused(refresh(granting, tokens["refresh_token"])) == INVALID_GRANT

    assert revoked(granting, tokens) == "refresh token replayed"
    assert refused(refresh(granting, third["refresh_token"])) == INVALID_GRANT


@pytest.mark.parametrize("is_used", [False, True])
def test_a_token_that_another_client_shows_is_stolen(granting: Granting, is_used: bool) -> None:
    tokens = granting.tokens()
    if is_used:
        refreshed(granting, tokens["refresh_token"])
    other = granting.put_client(scopes=("cases", "identity"))

    assert refused(refresh(granting, tokens["refresh_token"], client_id=str(other))) == INVALID_GRANT

    assert revoked(granting, tokens) == "refresh token of another client"


def test_theft_is_found_before_anything_else_that_is_wrong(granting: Granting) -> None:
    tokens = granting.tokens()
    refreshed(granting, tokens["refresh_token"])
    granting.clock.pass_by(seconds=31)

    answer = refresh(granting, tokens["refresh_token"], scope="everything", resource="https://other.example")

    assert refused(answer) == INVALID_GRANT
    assert revoked(granting, tokens) == "refresh token replayed"


def test_a_stolen_token_is_stolen_even_when_it_would_have_expired(granting: Granting) -> None:
    tokens = granting.tokens()
    after = refreshed(granting, tokens["refresh_token"])
    granting.clock.pass_by(hours=7)
    last = refreshed(granting, after["refresh_token"])
    granting.clock.pass_by(hours=2)

    assert refused(refresh(granting, tokens["refresh_token"])) == INVALID_GRANT
    assert refused(refresh(granting, last["refresh_token"])) == INVALID_GRANT
    # The access token has expired, so that its session is asked of the first one's.
    assert granting.rows(
        "select revoked_because from sec.sessions where client = %s", str(granting.client)
    ) == [("refresh token replayed",)]


def test_a_token_that_nobody_used_for_eight_hours_has_expired_and_is_not_stolen(granting: Granting) -> None:
    tokens = granting.tokens()
    granting.clock.pass_by(hours=8)

    assert refused(refresh(granting, tokens["refresh_token"])) == INVALID_GRANT

    assert granting.rows("select revoked_at from sec.sessions where client = %s", str(granting.client)) == [
        (None,)
    ]


def test_no_refreshing_prolongs_a_session_beyond_its_shift(granting: Granting) -> None:
    started = granting.clock()
    token = granting.tokens()["refresh_token"]
    for _ in range(2):
        granting.clock.pass_by(hours=5)
        token = refreshed(granting, token)["refresh_token"]

    ((until,),) = granting.rows(
        "select t.expires_at from sec.refresh_tokens t where hash = %s", sha256(token.encode()).digest()
    )
    assert until - started == timedelta(hours=12)
    granting.clock.pass_by(hours=2)
    assert refused(refresh(granting, token)) == INVALID_GRANT


def test_scopes_may_be_fewer_for_once_and_all_of_them_again_the_next_time(granting: Granting) -> None:
    tokens = granting.tokens(scope="openid cases identity")

    fewer = refreshed(granting, tokens["refresh_token"], scope="cases")
    assert fewer["scope"] == "cases"
    assert granting.principal(fewer).scopes == {"cases"}

    again = refreshed(granting, fewer["refresh_token"])
    assert again["scope"] == "cases identity openid"


@pytest.mark.parametrize("scope", ["cases identity", "identity", "everything", " ", "cases  identity"])
def test_scopes_cannot_be_more_than_was_consented_to_and_the_token_is_still_good(
    granting: Granting, scope: str
) -> None:
    tokens = granting.tokens(scope="cases")

    assert refused(refresh(granting, tokens["refresh_token"], scope=scope)) == (400, "invalid_scope")
    assert refreshed(granting, tokens["refresh_token"])["scope"] == "cases"


def test_what_a_client_may_not_have_any_more_it_loses_at_the_next_refresh(granting: Granting) -> None:
    tokens = granting.tokens(scope="openid cases identity")
    granting.rows("update app.clients set scopes = '{cases}' where id = %s", granting.client)

    after = refreshed(granting, tokens["refresh_token"])

    assert after["scope"] == "cases openid"
    assert granting.principal(after).scopes == {"cases", "openid"}
    granting.rows("update app.clients set scopes = '{cases,identity}' where id = %s", granting.client)
    assert refreshed(granting, after["refresh_token"])["scope"] == "cases identity openid"


def test_a_client_that_may_have_nothing_any_more_gets_nothing(granting: Granting) -> None:
    tokens = granting.tokens(scope="cases")
    granting.rows("update app.clients set scopes = '{groups}' where id = %s", granting.client)

    assert refused(refresh(granting, tokens["refresh_token"])) == (400, "invalid_scope")


END_MEMBERSHIP = "update app.memberships set ended_at = now() where id = %(membership)s"
DISABLE_PERSON = "update sec.people set disabled_at = now() where id = %(person)s"
END_SESSION = "update sec.sessions set revoked_at = now() where client = %(client)s::text"
LET_SESSION_EXPIRE = "update sec.sessions set expires_at = now() where client = %(client)s::text"
CHANGE_ROLE = "update app.memberships set role = 'mis_focal' where id = %(membership)s"


@pytest.mark.parametrize(
    "statement", [END_MEMBERSHIP, DISABLE_PERSON, END_SESSION, LET_SESSION_EXPIRE, CHANGE_ROLE]
)
@pytest.mark.parametrize("is_used", [False, True])
def test_whoever_may_not_come_in_any_more_does_not_go_on(
    granting: Granting, statement: str, is_used: bool
) -> None:
    tokens, who = granting.tokens(), granting.who
    if is_used:
        refreshed(granting, tokens["refresh_token"])
    values = {"membership": who.membership, "person": who.person, "client": granting.client}
    granting.connections.connection.execute(statement.encode(), values)

    assert refused(refresh(granting, tokens["refresh_token"])) == INVALID_GRANT


def test_a_client_that_is_disabled_or_no_client_is_told_what_every_stranger_is(granting: Granting) -> None:
    tokens = granting.tokens()
    token = tokens["refresh_token"]
    confidential = granting.put_client(kind=ClientKind.CONFIDENTIAL)
    unknown = "00000000-0000-4000-8000-000000000000"
    answers = [refresh(granting, token, client_id=each) for each in (None, "", unknown, str(confidential))]
    granting.rows("update app.clients set disabled_at = now() where id = %s", granting.client)
    answers.append(refresh(granting, token))

    assert refused(answers[0]) == (401, "invalid_client")
    assert {answer.body for answer in answers} == {answers[0].body}
    assert revoked(granting, tokens) is None


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        pytest.param({"refresh_token": "x" * 43}, "invalid_grant", id="a token that was never made"),
        pytest.param({"refresh_token": None}, "invalid_request", id="no token"),
        pytest.param({"refresh_token": ""}, "invalid_request", id="an empty token"),
        pytest.param({"resource": "https://other.example"}, "invalid_target", id="another resource"),
    ],
)
def test_what_is_not_in_order_uses_nothing_up(
    granting: Granting, changes: dict[str, str | None], error: str
) -> None:
    token = granting.tokens()["refresh_token"]

    assert refused(refresh(granting, token, **changes)) == (400, error)
    assert kept(granting) == [(0, None)]
    assert refresh(granting, token, resource=granting.service.audience).status == 200


def test_a_parameter_that_comes_twice_is_not_read(granting: Granting) -> None:
    token = granting.tokens()["refresh_token"]
    form = [("grant_type", "refresh_token"), ("client_id", str(granting.client))]

    with pytest.raises(Unfit):
        granting.post([*form, ("refresh_token", token), ("refresh_token", token)])


def test_a_code_is_no_refresh_token_and_an_access_token_is_none_either(granting: Granting) -> None:
    code = granting.code()
    tokens = granting.tokens()

    assert refused(refresh(granting, code)) == INVALID_GRANT
    assert refused(refresh(granting, tokens["access_token"])) == INVALID_GRANT
    assert refused(refresh(granting, tokens["id_token"])) == INVALID_GRANT


def test_a_successor_is_computed_and_only_by_whoever_has_the_key(granting: Granting) -> None:
    key = granting.service.secrets.refresh_tokens
    token = granting.tokens()["refresh_token"]

    after = refreshed(granting, token)["refresh_token"]

    assert after == successor(key, token)
    assert len(after) == 43
    assert len({successor(key, token), successor(key, after), successor(b"another" * 5, token)}) == 3


def test_a_refresh_that_breaks_off_uses_nothing_up(
    granting: Granting, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = granting.tokens()["refresh_token"]

    def break_off(*_: object, **__: object) -> None:
        raise psycopg.OperationalError

    with monkeypatch.context() as broken:
        broken.setattr(refreshing, "keep_refresh_token", break_off)
        with pytest.raises(psycopg.OperationalError):
            refresh(granting, token)

    assert kept(granting) == [(0, None)]
    assert refresh(granting, token).status == 200


def test_the_trail_says_that_a_session_was_ended_and_why_and_never_which_it_was(granting: Granting) -> None:
    tokens = granting.tokens()
    refreshed(granting, tokens["refresh_token"])
    granting.clock.pass_by(seconds=31)
    refresh(granting, tokens["refresh_token"])

    session = granting.principal(tokens).session
    ((handle,),) = granting.rows("select handle from sec.sessions where id = %s", session)
    ((detail,),) = granting.rows(
        "select detail from trail.events where organisation_id = %s and action = 'session.revoked'"
        " order by number desc limit 1",
        granting.who.organisation,
    )
    assert "refresh token replayed" in detail
    assert str(handle) in detail
    assert str(session) not in detail


def test_nothing_secret_is_logged_or_printed(granting: Granting, caplog: pytest.LogCaptureFixture) -> None:
    for logger in (None, "authlib", "authlib.oauth2.rfc6749.grants.refresh_token", "psycopg"):
        caplog.set_level(logging.DEBUG, logger)
    tokens = granting.tokens()
    after = refreshed(granting, tokens["refresh_token"])
    granting.clock.pass_by(seconds=31)
    refresh(granting, tokens["refresh_token"])

    with granting.connections.transaction() as connection:
        found = refreshing.find_refresh(connection, after["refresh_token"])
    assert found
    assert found.get_scope() == "cases openid"
    assert any("Issue token" in record.getMessage() for record in caplog.records), "Authlib still logs tokens"
    logged = "\n".join(f"{record.getMessage()} {record.args}" for record in caplog.records) + repr(found)
    session = str(granting.principal(tokens).session)
    for secret in (tokens["refresh_token"], after["refresh_token"], after["access_token"], session):
        assert secret not in logged


def test_a_code_that_comes_again_ends_what_was_refreshed_meanwhile(granting: Granting) -> None:
    code = granting.code()
    tokens = said(granting.exchange(code))
    after = refreshed(granting, tokens["refresh_token"])

    assert refused(granting.exchange(code, redirect_uri=BACK)) == INVALID_GRANT
    assert refused(refresh(granting, after["refresh_token"])) == INVALID_GRANT
