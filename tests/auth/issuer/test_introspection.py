"""Introspection: a client with a key asks after its own tokens, and hears nothing of anybody else's."""

from __future__ import annotations

from uuid import uuid4

import pytest
from tests.support.asserting import TYPE, Signer, public
from tests.support.granting import Granting, refused, said

from pat_auth.clients.models import ClientKind
from pat_auth.issuer.asked import Answer, Asked, Unfit
from pat_auth.issuer.introspection import Looked
from pat_auth.issuer.server import answer_endpoint

INACTIVE = {"active": False}


@pytest.fixture
def server(granting: Granting) -> Signer:
    """A server of cbo-a's through which people sign in; it is what the granting asks as."""
    made = Signer(uuid4(), granting.service.issuer, granting.clock().timestamp())
    made.client = granting.client = granting.put_client(
        kind=ClientKind.CONFIDENTIAL, scopes=("cases", "groups"), keys=[public(made.key)]
    )
    return made


@pytest.fixture
def machine(granting: Granting) -> Signer:
    made = Signer(uuid4(), granting.service.issuer, granting.clock().timestamp())
    made.client = granting.put_client(
        kind=ClientKind.MACHINE, redirect_uris=(), keys=[public(made.key)], scopes=("cases",)
    )
    return made


def tokens_of(granting: Granting, server: Signer) -> dict[str, str]:
    tokens = said(granting.exchange(granting.code(scope="openid cases groups"), **shown(server)))
    return {name: tokens[name] for name in ("access_token", "refresh_token", "id_token")}


def shown(signer: Signer) -> dict[str, str]:
    return {"client_assertion_type": TYPE, "client_assertion": signer.signed()}


def introspect(granting: Granting, signer: Signer, token: str | None, /, **changes: str | None) -> Answer:
    sent = {**shown(signer), "token": token, **changes}
    form = [(name, value) for name, value in sent.items() if value is not None]
    return answer_endpoint("introspection", granting.service, Asked("POST", "/oauth/introspect", form=form))


@pytest.mark.parametrize("hint", [None, "access_token", "refresh_token", "id_token"])
def test_a_token_that_stands_is_told_of_whatever_the_hint_says(
    granting: Granting, server: Signer, hint: str | None
) -> None:
    tokens, now = tokens_of(granting, server), int(server.now)

    answer = introspect(granting, server, tokens["access_token"], token_type_hint=hint)

    assert answer.status == 200
    assert dict(answer.headers)["Cache-Control"] == "no-store"
    assert said(answer) == {
        "active": True,
        "iss": granting.service.issuer,
        "client_id": str(server.client),
        "scope": "cases groups openid",
        "token_type": "Bearer",
        "sub": str(granting.who.person),
        "aud": granting.service.audience,
        "iat": now,
        "exp": now + 300,
    }
    told = said(introspect(granting, server, tokens["refresh_token"], token_type_hint=hint))
    assert told == {
        "active": True,
        "iss": granting.service.issuer,
        "client_id": str(server.client),
        "scope": "cases groups openid",
        "sub": str(granting.who.person),
        "exp": now + 8 * 3600,
    }


def test_a_machine_hears_of_its_own(granting: Granting, machine: Signer) -> None:
    token = said(granting.post(list(machine.form().items())))["access_token"]
    told = said(introspect(granting, machine, token))
    assert (told["active"], told["sub"], told["scope"]) == (True, str(machine.client), "cases")


def test_the_session_is_never_told(granting: Granting, server: Signer) -> None:
    tokens = tokens_of(granting, server)
    session = granting.service.verifier.verify(tokens["access_token"]).session
    ((handle,),) = granting.rows("select handle from sec.sessions where id = %s", session)
    for name in ("access_token", "refresh_token"):
        body = introspect(granting, server, tokens[name]).body.decode()
        assert str(session) not in body
        assert str(handle) not in body
    assert str(session) not in repr(Looked(session, "client", False, frozenset(), {}))


def test_a_ceiling_that_was_lowered_is_told(granting: Granting, server: Signer) -> None:
    tokens = tokens_of(granting, server)
    granting.rows("update app.clients set scopes = '{cases}' where id = %s", server.client)
    assert said(introspect(granting, server, tokens["refresh_token"]))["scope"] == "cases openid"


ENDED = {
    "the session was revoked": "update sec.sessions set revoked_at = now() where client = %(client)s::text",
    "the session is over": "update sec.sessions set expires_at = now() where client = %(client)s::text",
    "her membership has ended": "update app.memberships set ended_at = now() where id = %(membership)s",
    "the person is disabled": "update sec.people set disabled_at = now() where id = %(person)s",
}


@pytest.mark.parametrize("reason", ENDED)
def test_a_token_does_not_stand_once(granting: Granting, server: Signer, reason: str) -> None:
    tokens = tokens_of(granting, server)
    known = {
        "client": server.client,
        "membership": granting.who.membership,
        "person": granting.who.person,
    }
    granting.connections.connection.execute(ENDED[reason].encode(), known)
    for name in ("access_token", "refresh_token"):
        assert said(introspect(granting, server, tokens[name])) == INACTIVE


def test_a_refresh_token_that_was_used_does_not_stand_and_its_successor_does(
    granting: Granting, server: Signer
) -> None:
    tokens = tokens_of(granting, server)
    form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"], **shown(server)}
    successor = said(granting.post(list(form.items())))["refresh_token"]
    assert said(introspect(granting, server, tokens["refresh_token"])) == INACTIVE
    assert said(introspect(granting, server, successor))["active"] is True
    # To be asked after is no use of it.
    assert granting.rows("select revoked_at from sec.sessions where client = %s", str(server.client)) == [
        (None,)
    ]


def test_a_token_that_has_expired_does_not_stand(granting: Granting, server: Signer) -> None:
    tokens = tokens_of(granting, server)
    granting.clock.pass_by(minutes=6)
    server.now = granting.clock().timestamp()
    assert said(introspect(granting, server, tokens["access_token"])) == INACTIVE
    assert said(introspect(granting, server, tokens["refresh_token"]))["active"] is True
    granting.rows("update sec.refresh_tokens set expires_at = %s where used_at is null", granting.clock())
    assert said(introspect(granting, server, tokens["refresh_token"])) == INACTIVE


def test_of_the_tokens_of_others_and_of_what_is_none_it_hears_the_same(
    granting: Granting, server: Signer, machine: Signer
) -> None:
    tokens = tokens_of(granting, server)
    for token in (*tokens.values(), "x", "x" * 43, "a.b.c", "é", "9" * 5000):
        answer = introspect(granting, machine, token)
        assert (answer.status, said(answer)) == (200, INACTIVE)
    assert said(introspect(granting, server, tokens["id_token"])) == INACTIVE


def test_without_a_token_there_is_nothing_to_say(granting: Granting, server: Signer) -> None:
    assert refused(introspect(granting, server, None)) == (400, "invalid_request")


def test_whoever_keeps_no_key_may_not_ask(granting: Granting, server: Signer) -> None:
    tokens, open_one = tokens_of(granting, server), granting.put_client()
    for client in (open_one, server.client):
        form = [("client_id", str(client)), ("token", tokens["access_token"])]
        answer = answer_endpoint("introspection", granting.service, Asked("POST", "/", form=form))
        assert refused(answer) == (401, "invalid_client")
    spent = server.signed()
    assert introspect(granting, server, "x", client_assertion=spent).status == 200
    answer = introspect(granting, server, tokens["access_token"], client_assertion=spent)
    assert refused(answer) == (401, "invalid_client")


def test_parameters_stand_in_the_body_and_once(granting: Granting, server: Signer) -> None:
    form = [*shown(server).items(), ("token", "x")]
    for asked in (
        Asked("POST", "/oauth/introspect", query=form),
        Asked("POST", "/oauth/introspect", form=[*form, ("token", "y")]),
    ):
        with pytest.raises(Unfit):
            answer_endpoint("introspection", granting.service, asked)


def test_a_server_revokes_what_is_its_own_with_its_key(granting: Granting, server: Signer) -> None:
    tokens = tokens_of(granting, server)
    for form, status in (({"client_id": str(server.client)}, 401), (shown(server), 200)):
        sent = [*form.items(), ("token", tokens["refresh_token"])]
        asked = Asked("POST", "/oauth/revoke", form=sent)
        assert answer_endpoint("revocation", granting.service, asked).status == status
    assert said(introspect(granting, server, tokens["access_token"])) == INACTIVE
