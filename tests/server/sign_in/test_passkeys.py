"""Passkeys on the pages: signing in with one, making one at an account or by an invitation, and who may not."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from tests.server.sign_in.test_invitation import EMAIL, PASSWORD, invite, memberships, open_link, people
from tests.support.authenticator import Authenticator
from tests.support.granting import Granting, said
from tests.support.proving import ISSUER
from tests.support.visiting import Form, Known, Visitor, know

from pat_auth.policy import Role

NOT_DONE = "This did not work. Try again, or choose another way."


def form_of(visitor: Visitor) -> int:
    """Which of the forms of the page that is open asks for a passkey."""
    forms = [values for tag, values in visitor.read.tags if tag == "form"]
    return next(number for number, values in enumerate(forms) if "data-passkey" in values)


def asked(visitor: Visitor) -> str:
    """What it asks."""
    return str([v for t, v in visitor.read.tags if t == "form"][form_of(visitor)]["data-passkey"])


def is_offered(visitor: Visitor) -> bool:
    return any("data-passkey" in values for _, values in visitor.read.tags)


def send(visitor: Visitor, signed: str, **values: Any) -> httpx.Response:
    return visitor.post(form=form_of(visitor), signed=signed, **values)


def sign_in_to_account(visitor: Visitor, who: Known) -> None:
    visitor.get("/sign-in?to=account")
    visitor.sign_in(who)
    assert visitor.page.request.url.path == "/account"


def add(visitor: Visitor, **says: Any) -> Authenticator:
    """Make a passkey at the account that is open."""
    authenticator = Authenticator()
    send(visitor, authenticator.make(asked(visitor), **says))
    return authenticator


@pytest.fixture
def passkey(other: Visitor, manager: Known) -> Authenticator:
    """The manager's, made in another browser."""
    sign_in_to_account(other, manager)
    authenticator = add(other)
    assert other.page.status_code == 200
    assert "Added on" in other.read.text
    return authenticator


def test_a_passkey_is_both_factors(visitor: Visitor, granting: Granting, passkey: Authenticator) -> None:
    visitor.ask(acr_values="2")
    before = visitor.secret
    send(visitor, passkey.sign(asked(visitor)))
    assert visitor.secret != before
    assert visitor.read.heading == "May A program act for you?"
    visitor.post(answer="allow")
    tokens = said(granting.exchange(visitor.told["code"]))
    assert granting.principal(tokens).acr == "2"
    ((amr,),) = granting.rows("select amr from sec.codes where session_id is not null")
    assert amr == ["hwk", "mfa", "user"]


def test_after_a_password_a_passkey_does_for_a_code(
    visitor: Visitor, granting: Granting, manager: Known, passkey: Authenticator
) -> None:
    visitor.ask()
    visitor.post(email=manager.email, password=manager.password)
    assert visitor.page.request.url.path == "/sign-in/code"
    send(visitor, passkey.sign(asked(visitor), verified=False, handle=None))
    visitor.post(answer="allow")
    assert said(granting.exchange(visitor.told["code"]))["access_token"]
    ((amr,),) = granting.rows("select amr from sec.codes where session_id is not null")
    assert amr == ["hwk", "mfa", "pwd", "user"]


@pytest.mark.parametrize(
    "says",
    [{"origin": "https://evil.example"}, {"verified": False}, {"handle": b"another's"}, {"id": b"unknown"}],
)
def test_what_is_refused_is_said_alike_and_signs_nobody_in(
    visitor: Visitor, passkey: Authenticator, says: dict[str, Any]
) -> None:
    visitor.ask()
    send(visitor, passkey.sign(asked(visitor), **says))
    assert visitor.page.status_code == 400
    assert NOT_DONE in visitor.read.text
    assert visitor.read.heading == "Sign in"
    # She may try again from the page that says so.
    send(visitor, passkey.sign(asked(visitor)))
    assert visitor.read.heading == "May A program act for you?"


def test_what_was_signed_in_another_browser_is_refused(
    visitor: Visitor, other: Visitor, passkey: Authenticator
) -> None:
    other.ask(prompt="login")
    signed = passkey.sign(asked(other))
    visitor.ask()
    send(visitor, signed)
    assert visitor.page.status_code == 400


def test_after_a_password_another_persons_passkey_is_refused(
    visitor: Visitor, granting: Granting, passkey: Authenticator
) -> None:
    worker = know(granting, granting.wall.member("cbo-a", Role.COUNSELLOR).person)
    sign_in_to_account(visitor, worker)
    add(visitor)
    visitor.get("/sign-in?to=account")
    visitor.post(email=worker.email, password=worker.password)
    send(visitor, passkey.sign(asked(visitor)))
    assert visitor.page.status_code == 400
    assert visitor.read.heading == "Enter your code"
    assert NOT_DONE in visitor.read.text


@pytest.mark.parametrize(
    "headers", [{}, {"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}]
)
@pytest.mark.parametrize("page", ["sign_in", "code", "account"])
def test_a_form_that_another_page_sends_is_refused(
    visitor: Visitor, manager: Known, passkey: Authenticator, headers: dict[str, str], page: str
) -> None:
    if page == "account":
        sign_in_to_account(visitor, manager)
        signed = Authenticator().make(asked(visitor))
    else:
        visitor.ask()
        if page == "code":
            visitor.post(email=manager.email, password=manager.password)
        signed = passkey.sign(asked(visitor))
    visitor.post(form=form_of(visitor), headers=headers, signed=signed)
    assert visitor.page.status_code == 403


@pytest.mark.parametrize("page", ["sign_in", "code", "account"])
def test_a_form_without_its_token_does_nothing(
    visitor: Visitor, manager: Known, passkey: Authenticator, page: str
) -> None:
    if page == "account":
        sign_in_to_account(visitor, manager)
        signed = Authenticator().make(asked(visitor))
    else:
        visitor.ask()
        if page == "code":
            visitor.post(email=manager.email, password=manager.password)
        signed = passkey.sign(asked(visitor))
    send(visitor, signed, form_token="0" * 64)
    assert visitor.page.status_code == 403


def test_a_passkey_that_comes_when_she_has_proved_all_leads_on(
    visitor: Visitor, manager: Known, passkey: Authenticator
) -> None:
    visitor.ask()
    visitor.post(email=manager.email, password=manager.password)
    page, signed = visitor.page, passkey.sign(asked(visitor))
    send(visitor, signed)
    visitor.get("/sign-in/code?to=account")
    assert visitor.page.request.url.path == "/account"
    visitor.page = page
    send(visitor, signed)
    assert visitor.page.status_code == 403


def test_its_address_shows_no_page(visitor: Visitor, passkey: Authenticator) -> None:
    visitor.ask()
    for path in ("/sign-in/passkey", "/sign-in/code/passkey"):
        visitor.get(f"{path}?{visitor.page.request.url.query.decode()}")
        assert visitor.page.request.url.path == "/sign-in"
    visitor.get("/sign-in/passkey?ask=1")
    assert visitor.page.status_code == 404


def test_whoever_has_none_is_asked_for_a_code_alone(visitor: Visitor, manager: Known) -> None:
    visitor.ask()
    assert is_offered(visitor)
    visitor.post(email=manager.email, password=manager.password)
    assert not is_offered(visitor)
    assert "script-src" not in visitor.page.headers["content-security-policy"]


def test_an_account_is_for_whoever_has_proved_all_that_she_can(visitor: Visitor, manager: Known) -> None:
    visitor.get("/account")
    assert visitor.steps == ["/account", "/sign-in"]
    visitor.post(email=manager.email, password=manager.password)
    assert visitor.page.request.url.path == "/sign-in/code"
    visitor.get("/account")
    assert visitor.page.request.url.path == "/sign-in/code"
    visitor.post(code=manager.code())
    assert visitor.page.request.url.path == "/account"
    assert manager.email in visitor.read.text
    assert "Where you are signed in" in visitor.read.text


def test_nobody_at_an_account_does_anything(visitor: Visitor) -> None:
    for path in ("/account", "/account/passkey", "/account/leave"):
        page = visitor.http.post(path, headers={"origin": ISSUER})
        assert page.status_code == 403
    visitor.get("/account/leave")
    assert visitor.page.request.url.path == "/sign-in"


def test_only_its_own_page_is_shown(visitor: Visitor, manager: Known) -> None:
    sign_in_to_account(visitor, manager)
    visitor.get("/account/passkey")
    assert visitor.page.request.url.path == "/account"
    token = visitor.read.forms[0].fields["form_token"]
    page = visitor.http.post("/account", data={"form_token": token}, headers={"origin": ISSUER})
    assert page.status_code == 403


def test_a_passkey_is_added_by_whoever_proved_both_factors_lately(
    visitor: Visitor, granting: Granting, manager: Known
) -> None:
    sign_in_to_account(visitor, manager)
    page, late = visitor.page, Authenticator().make(asked(visitor))
    granting.clock.pass_by(minutes=9)
    visitor.page = page
    send(visitor, late)
    assert visitor.page.status_code == 200
    visitor.get("/account")
    page, late = visitor.page, Authenticator().make(asked(visitor))
    granting.clock.pass_by(seconds=31)
    send(visitor, late)
    assert visitor.page.status_code == 400
    visitor.get("/account")
    assert not is_offered(visitor)
    assert "To change how you sign in, sign in again" in visitor.read.text
    assert "Remove" not in visitor.read.text


def test_without_a_second_factor_none_is_added(visitor: Visitor, granting: Granting) -> None:
    """Whoever knows a password could make the second factor that she does not have."""
    hers = know(granting, granting.wall.member("cbo-a", Role.SURVIVOR).person, has_generator=False)
    sign_in_to_account(visitor, hers)
    assert not is_offered(visitor)
    assert "sign in again" not in visitor.read.text


@pytest.mark.parametrize("says", [{"origin": "https://evil.example"}, {"verified": False}])
def test_what_was_not_made_here_is_refused(visitor: Visitor, manager: Known, says: dict[str, Any]) -> None:
    sign_in_to_account(visitor, manager)
    add(visitor, **says)
    assert visitor.page.status_code == 400
    assert NOT_DONE in visitor.read.text
    assert "Added on" not in visitor.read.text


def remove(visitor: Visitor) -> None:
    """Press the first button that removes a passkey."""
    forms: list[Form] = visitor.read.forms
    number = next(n for n, form in enumerate(forms) if form.action == "/account/passkey/end")
    visitor.post(form=number, passkey=forms[number].buttons[0]["value"])


def test_a_passkey_that_is_removed_lets_nobody_in(
    visitor: Visitor, other: Visitor, passkey: Authenticator
) -> None:
    remove(other)
    assert "Added on" not in other.read.text
    visitor.ask()
    send(visitor, passkey.sign(asked(visitor)))
    assert visitor.page.status_code == 400


def test_a_passkey_is_removed_by_whoever_proved_both_factors_lately(
    other: Visitor, granting: Granting, passkey: Authenticator
) -> None:
    granting.clock.pass_by(minutes=11)
    remove(other)
    assert "Added on" in other.read.text


def test_she_sees_where_she_is_signed_in_and_leaves_everywhere(
    visitor: Visitor, other: Visitor, granting: Granting, manager: Known
) -> None:
    visitor.ask()
    visitor.sign_in(manager)
    visitor.post(answer="allow")
    tokens = said(granting.exchange(visitor.told["code"]))
    sign_in_to_account(other, manager)
    assert "A program, CBO-A, since" in other.read.text
    session = str(granting.principal(tokens).session)
    assert session not in other.page.text
    other.post(form=[form.action for form in other.read.forms].index("/account/leave"))
    assert other.read.heading == "You are signed out"
    assert "Max-Age=0" in other.page.headers["set-cookie"]
    rows = granting.rows("select revoked_because from sec.sessions where id = %s", session)
    assert rows == [("signed out everywhere",)]
    assert granting.rows(
        "select count(*) from sec.browsers where person_id = %s and ended_at is null", manager.id
    ) == [(0,)]
    other.get("/account")
    assert other.page.request.url.path == "/sign-in"
    visitor.get("/account")
    assert visitor.page.request.url.path == "/sign-in"


def test_of_a_program_that_is_closed_or_was_none_of_ours_there_is_no_name(
    visitor: Visitor, other: Visitor, granting: Granting, manager: Known
) -> None:
    visitor.ask()
    visitor.sign_in(manager)
    visitor.post(answer="allow")
    granting.exchange(visitor.told["code"])
    granting.rows("update sec.sessions set client = 'demo' where client = %s", str(granting.client))
    sign_in_to_account(other, manager)
    assert "A program that was closed, CBO-A" in other.read.text


def test_somebody_new_takes_up_an_invitation_with_a_passkey(visitor: Visitor, granting: Granting) -> None:
    open_link(visitor, invite(granting))
    visitor.post(password=PASSWORD, again=PASSWORD)
    authenticator = Authenticator()
    send(visitor, authenticator.make(asked(visitor)))
    assert visitor.read.heading == "You have joined"
    codes = visitor.read.named("li")
    assert len(codes) >= 10
    ((person,),) = people(granting)
    assert memberships(granting, person) == {("cbo-a", "counsellor")}
    visitor.ask()
    send(visitor, authenticator.sign(asked(visitor)))
    visitor.post(answer="allow")
    assert "code" in visitor.told
    visitor.get("/sign-in?to=account")
    visitor.post(email=EMAIL, password=PASSWORD)
    assert visitor.page.request.url.path == "/sign-in/code"
    assert "Six digits" not in visitor.read.text
    assert "You do not have the passkey at hand?" in visitor.read.text
    send(visitor, authenticator.sign(asked(visitor)))
    remove(visitor)
    assert visitor.page.status_code == 400
    assert "It is all that you have beside your password." in visitor.read.text


def test_whoever_has_a_password_alone_takes_one_up_with_a_passkey(
    visitor: Visitor, granting: Granting
) -> None:
    hers = know(granting, granting.wall.member("cbo-a", Role.COUNSELLOR).person, has_generator=False)
    visitor.get("/sign-in?to=invitation")
    open_link(visitor, invite(granting, hers.email, slug="cbo-b"))
    visitor.get("/sign-in?to=invitation")
    visitor.sign_in(hers)
    page, authenticator = visitor.page, Authenticator()
    send(visitor, authenticator.make(asked(visitor)))
    assert visitor.read.heading == "You have joined"
    assert ("cbo-b", "counsellor") in memberships(granting, hers.id)
    # It is over: the same form does nothing again.
    visitor.page = page
    send(visitor, authenticator.make(asked(visitor)))
    assert visitor.page.status_code == 404


@pytest.mark.parametrize("says", [{"origin": "https://evil.example"}, {"verified": False}])
def test_what_was_not_made_for_the_invitation_joins_nobody(
    visitor: Visitor, granting: Granting, says: dict[str, Any]
) -> None:
    open_link(visitor, invite(granting))
    visitor.post(password=PASSWORD, again=PASSWORD)
    send(visitor, Authenticator().make(asked(visitor), **says))
    assert visitor.page.status_code == 400
    assert NOT_DONE in visitor.read.text
    assert people(granting) == []


def test_a_passkey_without_what_was_chosen_joins_nobody(visitor: Visitor, granting: Granting) -> None:
    open_link(visitor, invite(granting))
    visitor.post(password=PASSWORD, again=PASSWORD)
    send(visitor, Authenticator().make(asked(visitor)), chosen="nothing")
    assert visitor.page.status_code == 403
    assert people(granting) == []


def test_a_passkey_that_is_somebodys_joins_nobody(
    visitor: Visitor, granting: Granting, passkey: Authenticator
) -> None:
    open_link(visitor, invite(granting))
    visitor.post(password=PASSWORD, again=PASSWORD)
    send(visitor, passkey.make(asked(visitor)))
    assert visitor.page.status_code == 400
    assert people(granting) == []


def test_a_passkey_that_is_somebodys_gives_nobody_known_a_second_factor(
    visitor: Visitor, granting: Granting, passkey: Authenticator
) -> None:
    hers = know(granting, granting.wall.member("cbo-a", Role.COUNSELLOR).person, has_generator=False)
    open_link(visitor, invite(granting, hers.email, slug="cbo-b"))
    visitor.get("/sign-in?to=invitation")
    visitor.sign_in(hers)
    send(visitor, passkey.make(asked(visitor)))
    assert visitor.page.status_code == 400
    assert ("cbo-b", "counsellor") not in memberships(granting, hers.id)


def test_a_browser_that_was_forgotten_meanwhile_makes_none(visitor: Visitor, granting: Granting) -> None:
    open_link(visitor, invite(granting))
    visitor.post(password=PASSWORD, again=PASSWORD)
    signed = Authenticator().make(asked(visitor))
    del visitor.http.cookies["__Host-pat"]
    send(visitor, signed)
    assert visitor.page.status_code == 400
    assert people(granting) == []


def test_its_script_is_ours_and_kept(visitor: Visitor, pages: Starlette) -> None:
    visitor.ask()
    script = visitor.read.named("script")[0]["src"]
    answer = visitor.http.get(str(script))
    assert answer.headers["content-type"].startswith("text/javascript")
    assert "immutable" in answer.headers["cache-control"]
    assert b"navigator.credentials" in answer.content
