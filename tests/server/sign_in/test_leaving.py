"""Signing out: for whom a client sends here, and never because of what a stranger has made a browser open."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey
from tests.support.granting import Granting, said
from tests.support.visiting import Known, Visitor

BYE = "https://client.example/bye"


@pytest.fixture
def signed_in(visitor: Visitor, granting: Granting, manager: Known) -> dict[str, Any]:
    """The tokens of a client that somebody signed in for with the visitor's browser."""
    granting.client = granting.put_client(scopes=("cases",), logout_uris=(BYE,))
    visitor.ask()
    visitor.sign_in(manager)
    visitor.post(answer="allow")
    return said(granting.exchange(visitor.told["code"]))


def leave(visitor: Visitor, **query: str) -> None:
    visitor.get(f"/oauth/logout?{urlencode(query)}")


def is_signed_in(granting: Granting) -> bool:
    """Whether the session that the client was given stands."""
    rows = granting.rows("select revoked_at from sec.sessions where client = %s", str(granting.client))
    return rows == [(None,)]


def is_question(visitor: Visitor) -> bool:
    return visitor.page.status_code == 200 and visitor.read.heading == "Sign out?"


def test_a_client_that_means_this_browser_signs_her_out_at_once(
    visitor: Visitor, granting: Granting, signed_in: dict[str, Any]
) -> None:
    leave(visitor, id_token_hint=signed_in["id_token"], post_logout_redirect_uri=BYE, state="a state")

    assert visitor.page.status_code == 303
    assert visitor.page.headers["location"] == f"{BYE}?state=a+state"
    assert "Max-Age=0" in visitor.page.headers["set-cookie"]
    assert granting.rows(
        "select revoked_because from sec.sessions where client = %s", str(granting.client)
    ) == [("signed out",)]


def test_the_browser_is_a_stranger_afterwards(
    visitor: Visitor, granting: Granting, signed_in: dict[str, Any]
) -> None:
    secret = visitor.secret
    leave(visitor, id_token_hint=signed_in["id_token"])

    assert visitor.read.heading == "You are signed out"
    visitor.http.cookies.set("__Host-pat", secret)
    visitor.ask(prompt="none")
    assert visitor.told["error"] == "login_required"


def test_an_id_token_that_has_expired_still_says_who_is_meant(
    visitor: Visitor, granting: Granting, signed_in: dict[str, Any]
) -> None:
    granting.clock.pass_by(hours=2)
    leave(visitor, id_token_hint=signed_in["id_token"])
    assert not is_signed_in(granting)


def test_sessions_of_other_clients_in_the_browser_end_too_and_those_elsewhere_go_on(
    visitor: Visitor, granting: Granting, signed_in: dict[str, Any]
) -> None:
    first, other = granting.client, granting.put_client()
    elsewhere = granting.put_client()
    granting.client = other
    visitor.ask()
    visitor.post(answer="allow")
    granting.exchange(visitor.told["code"])
    granting.client = elsewhere
    granting.tokens()

    leave(visitor, id_token_hint=signed_in["id_token"])

    for client, is_expected in ((first, False), (other, False), (elsewhere, True)):
        granting.client = client
        assert is_signed_in(granting) is is_expected


@pytest.mark.usefixtures("signed_in")
def test_without_an_id_token_she_is_asked_first(visitor: Visitor, granting: Granting) -> None:
    leave(visitor, client_id=str(granting.client), post_logout_redirect_uri=BYE)
    assert is_question(visitor)
    assert is_signed_in(granting)

    visitor.post()

    assert not is_signed_in(granting)
    assert visitor.read.heading == "You are signed out"


def test_an_id_token_of_another_browser_signs_nobody_out_without_being_asked(
    visitor: Visitor, granting: Granting, signed_in: dict[str, Any], other: Visitor, manager: Known
) -> None:
    other.ask()
    other.sign_in(manager)

    leave(other, id_token_hint=signed_in["id_token"], post_logout_redirect_uri=BYE)

    assert is_question(other)
    assert "form-action 'self' https://client.example;" in other.page.headers["content-security-policy"]
    assert is_signed_in(granting)
    other.post()
    assert other.page.headers["location"] == BYE
    # What she ended is this browser's: her session in the other one stands.
    assert is_signed_in(granting)


def test_a_browser_that_nobody_knows_has_nothing_to_end(
    granting: Granting, signed_in: dict[str, Any], other: Visitor
) -> None:
    leave(other, id_token_hint=signed_in["id_token"], post_logout_redirect_uri=BYE)

    assert other.page.headers["location"] == BYE
    assert "set-cookie" not in other.page.headers
    assert is_signed_in(granting)


def test_a_client_may_post_and_is_led_to_where_the_browser_is_known(
    visitor: Visitor, granting: Granting, signed_in: dict[str, Any]
) -> None:
    form = {"id_token_hint": signed_in["id_token"], "post_logout_redirect_uri": BYE}
    visitor.page = visitor.http.post("/oauth/logout", data=form, headers={"sec-fetch-site": "cross-site"})
    assert visitor.page.status_code == 303
    assert is_signed_in(granting)

    visitor.get(visitor.page.headers["location"])

    assert visitor.page.headers["location"] == BYE
    assert not is_signed_in(granting)


@pytest.mark.usefixtures("signed_in")
def test_a_form_that_is_too_long_to_be_led_anywhere_is_refused(visitor: Visitor) -> None:
    form = {"id_token_hint": "x" * 5000}
    assert visitor.http.post("/oauth/logout", data=form).status_code == 413


@pytest.mark.usefixtures("signed_in")
@pytest.mark.parametrize(
    "headers", [{}, {"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}]
)
def test_a_form_that_another_page_sends_signs_nobody_out(
    visitor: Visitor, granting: Granting, headers: dict[str, str]
) -> None:
    leave(visitor)
    visitor.post(headers=headers)

    assert visitor.page.status_code == 403
    assert is_signed_in(granting)


@pytest.mark.usefixtures("signed_in")
def test_nor_does_a_form_with_the_token_of_another_page_or_browser(
    visitor: Visitor, granting: Granting, other: Visitor
) -> None:
    other.ask()
    leave(other)
    (form,) = other.read.forms
    leave(visitor)
    for token in (form.fields["form_token"], "x", ""):
        page = visitor.page
        visitor.post(form_token=token)
        assert is_signed_in(granting)
        visitor.page = page
    visitor.get("/oauth/logout?state=other")
    (form,) = visitor.read.forms
    leave(visitor)
    visitor.post(form_token=form.fields["form_token"])
    assert visitor.page.status_code == 403
    assert is_signed_in(granting)


@pytest.mark.usefixtures("signed_in")
def test_the_page_is_there_in_other_languages(visitor: Visitor, granting: Granting) -> None:
    leave(visitor, lang="hi")
    assert 'lang="hi"' in visitor.page.text
    visitor.post()
    assert not is_signed_in(granting)


def hint_of(
    granting: Granting, tokens: dict[str, Any], /, key: Any = None, header: Any = None, **claims: Any
) -> str:
    """The ID token, with claims, header or key changed."""
    signing = granting.service.keys.read().current
    found = jwt.decode(tokens["id_token"], signing, algorithms=["ES256"])
    changed = {name: value for name, value in {**found.claims, **claims}.items() if value is not None}
    headers = {**found.header, **(header or {})}
    algorithm = headers["alg"]
    return jwt.encode(headers, changed, key or signing, algorithms=[algorithm], default_type=None)


FORGED = {
    "no token": lambda *_: "x",
    "three parts of nothing": lambda *_: "a.b.c",
    "a huge one": lambda granting, tokens: tokens["id_token"] + "x" * 4000,
    "an access token": lambda granting, tokens: tokens["access_token"],
    "another's key": lambda granting, tokens: hint_of(granting, tokens, ECKey.generate_key("P-256")),
    "a shared secret": lambda granting, tokens: hint_of(
        granting, tokens, OctKey.generate_key(256), {"alg": "HS256"}
    ),
    "another issuer": lambda granting, tokens: hint_of(granting, tokens, iss="https://other.example"),
    "no issuer": lambda granting, tokens: hint_of(granting, tokens, iss=None),
    "several audiences": lambda granting, tokens: hint_of(granting, tokens, aud=[str(granting.client)]),
    "no session": lambda granting, tokens: hint_of(granting, tokens, sid=None),
    "a session that is none": lambda granting, tokens: hint_of(granting, tokens, sid="x"),
    "another type": lambda granting, tokens: hint_of(granting, tokens, None, {"typ": "at+jwt"}),
    "more in its header": lambda granting, tokens: hint_of(granting, tokens, None, {"x5t": "x"}),
}


@pytest.mark.parametrize("forge", FORGED.values(), ids=FORGED)
def test_what_is_no_id_token_of_ours_leads_nowhere(
    visitor: Visitor, granting: Granting, signed_in: dict[str, Any], forge: Any
) -> None:
    leave(visitor, id_token_hint=forge(granting, signed_in), post_logout_redirect_uri=BYE)

    assert visitor.page.status_code in (400, 413)
    assert "location" not in visitor.page.headers
    assert is_signed_in(granting)


@pytest.mark.parametrize(
    "address", [BYE + "/", BYE + "?x=1", "https://client.example", "https://evil.example", "javascript:1", ""]
)
def test_nobody_is_sent_to_an_address_that_is_not_registered_letter_by_letter(
    visitor: Visitor, signed_in: dict[str, Any], address: str
) -> None:
    leave(visitor, id_token_hint=signed_in["id_token"], post_logout_redirect_uri=address)

    assert "location" not in visitor.page.headers
    assert visitor.read.heading == "You are signed out"


def test_nor_by_a_client_that_is_not_the_id_tokens_or_is_disabled(
    visitor: Visitor, granting: Granting, signed_in: dict[str, Any]
) -> None:
    hint = signed_in["id_token"]
    for client in (str(granting.put_client(logout_uris=(BYE,))), str(uuid4()), "nobody"):
        leave(visitor, id_token_hint=hint, client_id=client, post_logout_redirect_uri=BYE)
        assert visitor.page.status_code == 400
    assert is_signed_in(granting)
    granting.rows("update app.clients set disabled_at = now() where id = %s", granting.client)
    leave(visitor, id_token_hint=hint, post_logout_redirect_uri=BYE)
    assert "location" not in visitor.page.headers


@pytest.mark.usefixtures("signed_in")
def test_a_parameter_that_comes_twice_is_not_read(visitor: Visitor, granting: Granting) -> None:
    visitor.get("/oauth/logout?client_id=a&client_id=b")
    assert visitor.page.status_code == 400
    assert is_signed_in(granting)
