"""Asking for a link to choose another password: everybody is answered alike, and few letters go out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from starlette.applications import Starlette
from tests.server.sign_in.test_resetting import choose, follow, forget, is_in
from tests.support.granting import Granting
from tests.support.mailbox import letters
from tests.support.visiting import Known, Visitor, visiting

from pat_auth.mails.letters import MailLanguage
from pat_server.sign_in.desk import page_routes


def unknown(_: Granting, __: Known) -> str:
    return "nobody@cbo-a.example"


def disabled(granting: Granting, manager: Known) -> str:
    granting.rows("update sec.people set disabled_at = now() where id = %s", manager.id)
    return manager.email


def without_password(granting: Granting, manager: Known) -> str:
    """She signs in with a PIN, or at her organisation's own provider."""
    granting.rows("update sec.secrets set kind = 'PIN' where person_id = %s", manager.id)
    return manager.email


@pytest.mark.parametrize("whose", [unknown, disabled, without_password])
def test_nothing_tells_who_there_is(
    visitor: Visitor, granting: Granting, manager: Known, whose: Callable[[Granting, Known], str]
) -> None:
    def answered(email: str) -> tuple[str, list[tuple[Any, ...]]]:
        for table in ("resets", "mails", "attempts"):
            granting.rows(f"delete from sec.{table}")
        page = forget(visitor, email)
        counted = "select (select count(*) from sec.resets), (select count(*) from sec.mails), count(*), sum(failures)"
        return page, granting.rows(f"{counted} from sec.attempts")

    known = answered(manager.email)
    assert len(letters(granting)) == 1
    # The same is said, the same rows are written, and the same attempts are counted.
    assert answered(whose(granting, manager)) == known
    assert letters(granting) == []


def test_whoever_asks_again_and_again_sends_few_letters_and_is_answered_alike(
    visitor: Visitor, other: Visitor, granting: Granting, manager: Known
) -> None:
    answers = {forget(visitor, manager.email) for _ in range(10)}
    assert len(answers) == 1
    assert len(letters(granting)) == 4
    for _ in range(6 * 12):
        granting.clock.pass_by(minutes=5)
        forget(visitor, manager.email)
    assert len(letters(granting)) <= 4 + 6 * 6
    # Her password is not slowed down by it, and she gets a turn.
    assert is_in(other, manager, manager.password)
    granting.clock.pass_by(minutes=15)
    sent = len(letters(granting))
    forget(other, manager.email)
    assert len(letters(granting)) == sent + 1


def test_an_address_is_asked_for(visitor: Visitor, granting: Granting) -> None:
    for email in ("", "  ", "x" * 2000):
        forget(visitor, email)
        assert visitor.page.status_code == 400
        assert "Enter your e-mail address." in visitor.read.text
    assert letters(granting) == []


@pytest.mark.parametrize(
    ("language", "subject", "changed"),
    [
        ("bn", "নতুন পাসওয়ার্ড", "আপনার পাসওয়ার্ড বদলানো হয়েছে"),
        ("hi", "नया पासवर्ड", "आपका पासवर्ड बदल गया है"),
    ],
)
def test_letters_and_pages_are_in_her_language(
    visitor: Visitor, granting: Granting, manager: Known, language: str, subject: str, changed: str
) -> None:
    forget(visitor, manager.email, f"/sign-in/forgotten?lang={language}")
    assert visitor.read.named("html")[0]["lang"] == language
    assert letters(granting)[-1].subject == subject
    follow(visitor, granting)
    visitor.post(code=manager.code())
    choose(visitor)
    assert letters(granting)[-1].subject == changed


@pytest.mark.parametrize("language", MailLanguage)
def test_no_letter_says_what_it_is_about(
    visitor: Visitor, granting: Granting, manager: Known, language: MailLanguage
) -> None:
    forget(visitor, manager.email, f"/sign-in/forgotten?lang={language.lower()}")
    follow(visitor, granting)
    visitor.post(code=manager.code())
    choose(visitor)
    for letter in letters(granting):
        for word in ("traffick", "survivor", "case", "CBO", "পাচার", "तस्करी"):
            assert word not in letter.subject + letter.text


def test_the_way_there_and_back(visitor: Visitor) -> None:
    def link(text: str) -> str:
        return next(str(a["href"]) for a in visitor.read.named("a") if text in str(a["href"]))

    visitor.ask()
    visitor.get(link("/sign-in/forgotten"))
    assert visitor.read.heading == "Choose a new password"
    visitor.get(link("/sign-in?ask"))
    assert visitor.read.heading == "Sign in"
    visitor.get("/sign-in?to=account")
    visitor.get(link("/sign-in/forgotten"))
    visitor.get(link("/sign-in?to=account"))
    assert visitor.read.heading == "Sign in"
    visitor.get("/sign-in/forgotten?ask=x&to=https://evil.example")
    assert [a for a in visitor.read.named("a") if "lang" not in str(a["href"])] == []


def test_where_no_letter_would_come_nobody_is_offered_one(granting: Granting) -> None:
    granting.service = replace(granting.service, sends_mail=False)
    with visiting(Starlette(routes=list(page_routes(granting.service))), granting) as visitor:
        visitor.ask()
        assert "/sign-in/forgotten" not in visitor.page.text
        for path in ("/sign-in/forgotten", "/sign-in/reset"):
            visitor.get(path)
            assert visitor.page.status_code == 404
