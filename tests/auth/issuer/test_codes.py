"""Codes: exchanged once for tokens, and what becomes of one that comes again, or comes too late."""

from __future__ import annotations

import logging
from datetime import timedelta
from hashlib import sha256
from typing import Any

import psycopg
import pytest
from tests.support.granting import BACK, Granting, refused, said

from pat_auth.clients.models import ClientKind, Serves
from pat_auth.issuer import codes, server
from pat_auth.issuer.asked import Asked, Unfit
from pat_auth.issuer.issuing import Tokens
from pat_auth.issuer.server import answer_token
from pat_auth.policy import Role

INVALID_GRANT = (400, "invalid_grant")


def test_a_code_is_exchanged_for_tokens(granting: Granting) -> None:
    tokens = granting.tokens()

    principal = granting.principal(tokens)
    assert principal.person == granting.who.person
    assert principal.organisation == granting.who.organisation
    assert principal.role == granting.who.role
    assert principal.scopes == {"openid", "cases"}
    assert principal.client == str(granting.client)
    assert principal.acr == "2"
    assert principal.auth_time == int(granting.clock().timestamp())
    assert tokens["token_type"] == "Bearer"
    assert tokens["expires_in"] == 300
    assert tokens["scope"] == "cases openid"
    assert len(tokens["refresh_token"]) >= 43


def test_the_session_says_how_it_came_about_and_ends_after_a_shift(granting: Granting) -> None:
    started = granting.clock()
    session = granting.principal(granting.tokens()).session

    ((*said_of_it, lasts),) = granting.rows(
        "select person_id, membership_id, client, browser_id, scopes, auth_time, acr, revoked_at, expires_at - %s"
        " from sec.sessions where id = %s",
        started,
        session,
    )
    who = granting.who
    shown = [who.person, who.membership, str(granting.client), granting.browser, ["cases", "openid"], started]
    assert said_of_it == [*shown, "2", None]
    assert lasts == timedelta(hours=12)


def test_refresh_tokens_wait_for_eight_hours_and_are_kept_as_hashes(granting: Granting) -> None:
    tokens = granting.tokens()

    kept = granting.rows(
        "select hash, number, scopes, used_at, expires_at - issued_at from sec.refresh_tokens where session_id = %s",
        granting.principal(tokens).session,
    )
    digest = sha256(tokens["refresh_token"].encode()).digest()
    assert kept == [(digest, 0, ["cases", "openid"], None, timedelta(hours=8))]


def test_codes_are_kept_as_hashes(granting: Granting) -> None:
    code = granting.code()

    ((kept,),) = granting.rows("select c::text from sec.codes c where client = %s", granting.client)
    assert code not in kept
    assert sha256(code.encode()).hexdigest() in kept


def test_a_survivors_session_is_short_and_is_not_refreshed(granting: Granting) -> None:
    granting.become("cbo-a", Role.SURVIVOR)
    started = granting.clock()
    done = granting.conclude(granting.wish(), granting.standing(second_at=None))

    tokens = granting.exchange_of(done)

    principal = granting.principal(tokens)
    assert principal.acr == "1"
    assert "refresh_token" not in tokens
    lasts = granting.rows(
        "select expires_at - %s from sec.sessions where id = %s", started, principal.session
    )
    assert lasts == [(timedelta(minutes=30),)]
    assert granting.rows("select 1 from sec.refresh_tokens where session_id = %s", principal.session) == []


def test_a_code_that_comes_again_ends_the_session_that_it_opened(granting: Granting) -> None:
    code = granting.code()
    session = granting.principal(said(granting.exchange(code))).session

    again = granting.exchange(code)

    assert refused(again) == INVALID_GRANT
    revoked = granting.rows(
        "select revoked_at is not null, revoked_because from sec.sessions where id = %s", session
    )
    assert revoked == [(True, "code replayed")]


def test_even_when_it_comes_again_hours_later(granting: Granting) -> None:
    code = granting.code()
    session = granting.principal(said(granting.exchange(code))).session
    granting.clock.pass_by(hours=1)

    assert refused(granting.exchange(code)) == INVALID_GRANT
    assert granting.rows("select revoked_because from sec.sessions where id = %s", session) == [
        ("code replayed",)
    ]


def test_another_client_that_shows_a_used_code_ends_nothing(granting: Granting) -> None:
    code = granting.code()
    session = granting.principal(said(granting.exchange(code))).session

    other = granting.put_client()

    assert refused(granting.exchange(code, client_id=str(other))) == INVALID_GRANT
    assert granting.rows("select revoked_at from sec.sessions where id = %s", session) == [(None,)]


def test_a_code_lasts_a_minute(granting: Granting) -> None:
    young, old = granting.code(), granting.code()

    granting.clock.pass_by(seconds=59)
    assert granting.exchange(young).status == 200
    granting.clock.pass_by(seconds=1)
    assert refused(granting.exchange(old)) == INVALID_GRANT


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        pytest.param({"code": "x" * 43}, "invalid_grant", id="a code that was never made"),
        pytest.param({"code": None}, "invalid_request", id="no code"),
        pytest.param({"code": ""}, "invalid_request", id="an empty code"),
        pytest.param({"redirect_uri": None}, "invalid_grant", id="no address"),
        pytest.param({"redirect_uri": BACK + "/"}, "invalid_grant", id="another address"),
        pytest.param({"code_verifier": None}, "invalid_request", id="no verifier"),
        pytest.param({"code_verifier": "w" * 43}, "invalid_grant", id="another verifier"),
        pytest.param({"code_verifier": "v" * 42}, "invalid_request", id="a short verifier"),
        pytest.param({"resource": "https://other.example"}, "invalid_target", id="another resource"),
        pytest.param({"grant_type": None}, "unsupported_grant_type", id="no way of getting tokens"),
        pytest.param({"grant_type": "password"}, "unsupported_grant_type", id="a password"),
    ],
)
def test_a_code_is_refused_and_kept_for_whoever_has_all_that_belongs_to_it(
    granting: Granting, changes: dict[str, str | None], error: str
) -> None:
    code = granting.code()

    form = granting.form(code, **changes)

    assert refused(granting.post(form)) == (400, error)
    assert granting.exchange(code).status == 200


def test_a_code_of_another_client_is_refused_and_kept_for_its_own(granting: Granting) -> None:
    code, other = granting.code(), granting.put_client()

    assert refused(granting.exchange(code, client_id=str(other))) == INVALID_GRANT
    assert granting.exchange(code).status == 200


def test_the_api_may_be_named_as_resource(granting: Granting) -> None:
    audience = granting.service.audience
    code = granting.code(resource=audience)

    assert granting.exchange(code, resource=audience).status == 200


def test_whoever_is_no_client_or_not_itself_is_told_the_same(granting: Granting) -> None:
    code = granting.code()
    disabled = granting.put_client()
    granting.rows("update app.clients set disabled_at = now() where id = %s", disabled)
    confidential = granting.put_client(kind=ClientKind.CONFIDENTIAL)
    machine = granting.put_client(kind=ClientKind.MACHINE)
    unknown = "00000000-0000-4000-8000-000000000000"

    answers = [
        *(
            granting.exchange(code, client_id=str(each))
            for each in (disabled, confidential, machine, unknown)
        ),
        *(
            granting.exchange(code, client_id=each)
            for each in (None, "", "nobody", str(granting.client).upper())
        ),
        granting.exchange(code, client_secret="secret"),
        granting.exchange(code, client_assertion="e30.e30.", client_assertion_type="jwt"),
        granting.post(granting.form(code), headers={"authorization": "Basic eDp5"}),
    ]

    assert refused(answers[0]) == (401, "invalid_client")
    assert {(answer.status, tuple(answer.headers), answer.body) for answer in answers} == {
        (answers[0].status, tuple(answers[0].headers), answers[0].body)
    }
    assert granting.exchange(code).status == 200


END_MEMBERSHIP = "update app.memberships set ended_at = now() where id = %(membership)s"
DISABLE_PERSON = "update sec.people set disabled_at = now() where id = %(person)s"
END_BROWSER = "update sec.browsers set ended_at = now() where id = %(browser)s"
NARROW_CLIENT = "update app.clients set scopes = '{groups}' where id = %(client)s"


@pytest.mark.parametrize("statement", [END_MEMBERSHIP, DISABLE_PERSON, END_BROWSER, NARROW_CLIENT])
def test_what_changes_before_the_exchange_counts_and_the_code_is_spent(
    granting: Granting, statement: str
) -> None:
    code = granting.code()
    who = granting.who
    values = {"membership": who.membership, "person": who.person}
    granting.connections.connection.execute(
        statement.encode(), {**values, "browser": granting.browser, "client": granting.client}
    )

    assert refused(granting.exchange(code)) == INVALID_GRANT
    kept = granting.rows(
        "select used_at is not null, session_id from sec.codes where client = %s", granting.client
    )
    assert kept == [(True, None)]
    assert granting.rows("select 1 from sec.sessions where client = %s", str(granting.client)) == []
    # It comes again, and there is no session to end.
    assert refused(granting.exchange(code)) == INVALID_GRANT


def test_an_exchange_that_breaks_off_grants_nothing_and_the_code_is_still_good(
    granting: Granting, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = granting.code()

    def break_off(*_: object, **__: object) -> None:
        raise psycopg.OperationalError

    with monkeypatch.context() as broken:
        broken.setattr(codes, "keep_refresh_token", break_off)
        with pytest.raises(psycopg.OperationalError):
            granting.exchange(code)

    assert granting.rows("select 1 from sec.sessions where client = %s", str(granting.client)) == []
    assert granting.exchange(code).status == 200


def test_tokens_are_signed_before_anything_is_committed(
    granting: Granting, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = granting.code()

    def break_off(*_: object, **__: object) -> Tokens:
        raise ZeroDivisionError

    with monkeypatch.context() as broken:
        broken.setattr(server, "tokens", break_off)
        with pytest.raises(ZeroDivisionError):
            granting.exchange(code)

    assert granting.exchange(code).status == 200


@pytest.mark.parametrize("name", ["code", "client_id", "resource", "scope", "anything"])
def test_a_parameter_that_comes_twice_is_not_read(granting: Granting, name: str) -> None:
    form = [*granting.form(granting.code()), (name, "x"), (name, "y")]

    with pytest.raises(Unfit):
        granting.post(form)


def test_parameters_in_the_address_are_refused_whatever_stands_in_the_body(granting: Granting) -> None:
    code = granting.code()

    with pytest.raises(Unfit):
        granting.post(granting.form(code), query=[("client_id", str(granting.client))])
    with pytest.raises(Unfit):
        granting.post([], query=granting.form(code))


def test_a_client_of_the_network_is_used_in_every_organisation(granting: Granting) -> None:
    granting.client = granting.put_client("secretariat", serves=Serves.NETWORK)

    assert granting.principal(granting.tokens()).organisation == granting.who.organisation


def test_nothing_secret_is_logged_even_where_all_is(
    granting: Granting, caplog: pytest.LogCaptureFixture
) -> None:
    for logger in (None, "authlib", "authlib.oauth2.rfc6749.grants.authorization_code", "psycopg"):
        caplog.set_level(logging.DEBUG, logger)
    code = granting.code(nonce="a-nonce-of-hers", state="a-state-of-hers")

    answer = granting.exchange(code)
    granting.exchange(code)

    tokens = said(answer)
    assert any("Issue token" in record.getMessage() for record in caplog.records), "Authlib still logs tokens"
    logged = "\n".join(f"{record.getMessage()} {record.args}" for record in caplog.records)
    session = str(granting.principal(tokens).session)
    secrets: tuple[Any, ...] = (tokens["access_token"], tokens["refresh_token"], tokens["id_token"], code)
    for secret in (*secrets, session, "a-nonce-of-hers", "a-state-of-hers"):
        assert secret not in logged


def test_nothing_that_holds_a_secret_prints_it(granting: Granting) -> None:
    code = granting.code()
    asked = Asked("POST", "/oauth/token", form=granting.form(code))

    answer = answer_token(granting.service, asked)

    tokens = said(answer)
    printed = repr((asked, answer, Tokens(tokens)))
    assert not any(secret in printed for secret in (code, tokens["access_token"], tokens["refresh_token"]))


def test_authlib_is_told_not_to_log_tokens(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    assert not logging.getLogger("authlib.oauth2.rfc6749.grants.refresh_token").isEnabledFor(logging.DEBUG)
