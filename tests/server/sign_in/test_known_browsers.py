"""Which browsers are known from a sign-in, over HTTP; and that people who share a device leave nothing on it."""

from __future__ import annotations

import re

from tests.server.sign_in.test_passkeys import add, asked, send, sign_in_to_account
from tests.server.sign_in.test_pin import PIN, come_in, her
from tests.support.granting import Granting
from tests.support.visiting import Known, Visitor, know

from pat_auth.policy import Role

__all__ = ["her"]
KNOWN = "__Host-pat-known"
SET = re.compile(rf"{KNOWN}=[A-Za-z0-9_-]{{48}}; Path=/; Max-Age=15552000; HttpOnly; SameSite=Lax; Secure")


def guess(visitor: Visitor, email: str) -> None:
    """Be slowed down."""
    visitor.ask()
    for _ in range(6):
        visitor.post(email=email, password="a guess of many")


def is_heard(visitor: Visitor, who: Known) -> bool:
    """Whether her password is looked at, a moment later."""
    visitor.granting.clock.pass_by(seconds=0.1)
    visitor.ask(prompt="login")
    visitor.post(email=who.email, password=who.password)
    return visitor.page.request.url.path == "/sign-in/code"


def test_a_browser_is_known_when_all_was_proved_and_not_before(visitor: Visitor, manager: Known) -> None:
    visitor.ask()
    visitor.post(email=manager.email, password=manager.password)
    assert KNOWN not in visitor.http.cookies
    answer = visitor.http.post(
        visitor.read.forms[0].action,
        data={**visitor.read.forms[0].fields, "code": manager.code()},
        headers={"sec-fetch-site": "same-origin"},
    )
    assert [each for each in answer.headers.get_list("set-cookie") if SET.fullmatch(each)]


def test_strangers_do_not_delay_her_there(visitor: Visitor, other: Visitor, manager: Known) -> None:
    visitor.ask()
    visitor.sign_in(manager)
    guess(other, manager.email)
    assert not is_heard(other, manager)
    assert is_heard(visitor, manager)


def test_a_passkey_makes_it_known_too(
    visitor: Visitor, other: Visitor, granting: Granting, manager: Known
) -> None:
    sign_in_to_account(other, manager)
    passkey = add(other)
    visitor.ask()
    send(visitor, passkey.sign(asked(visitor)))
    assert KNOWN in visitor.http.cookies


def test_signing_out_leaves_it_known_and_another_password_does_not(
    visitor: Visitor, other: Visitor, granting: Granting, manager: Known
) -> None:
    visitor.ask()
    visitor.sign_in(manager)
    visitor.get("/oauth/logout")
    visitor.post()
    guess(other, manager.email)
    assert is_heard(visitor, manager)
    know(granting, manager.id)
    guess(other, manager.email)
    assert not is_heard(visitor, manager)


def test_whoever_signs_in_with_a_pin_leaves_nothing(visitor: Visitor, her: Granting) -> None:
    assert "code" in come_in(visitor, PIN)
    assert KNOWN not in visitor.http.cookies


def test_a_survivor_with_a_password_leaves_nothing_either(visitor: Visitor, granting: Granting) -> None:
    granting.become("cbo-a", Role.SURVIVOR)
    survivor = know(granting, granting.who.person, has_generator=False)
    visitor.ask()
    visitor.post(email=survivor.email, password=survivor.password)
    visitor.post(answer="allow")
    assert "code" in visitor.told
    assert KNOWN not in visitor.http.cookies
