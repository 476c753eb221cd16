"""Somebody who has forgotten her password chooses another one: by her mailbox and what else she has, and by nothing less."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.server.sign_in.test_passkeys import add, asked, is_offered, send, sign_in_to_account
from tests.support.granting import Granting, refused, said
from tests.support.mailbox import letters, link_in
from tests.support.people import Member
from tests.support.proving import ISSUER
from tests.support.visiting import Known, Read, Visitor

from pat_auth.issuer.resets import Outcome, reset_password
from pat_auth.issuer.totp import new_secret, put_factor
from pat_auth.mails.letters import MailLanguage
from pat_auth.policy import Role

NEW = "an egret on the far bank"
OVER = "This link is over"


def forget(visitor: Visitor, email: str, page: str = "/sign-in/forgotten") -> str:
    """Ask for a link, and return what the page says."""
    visitor.get(page)
    visitor.post(email=email)
    return visitor.page.text


def follow(visitor: Visitor, granting: Granting) -> None:
    """Follow the newest link that was sent."""
    visitor.get(link_in(letters(granting)[-1]))


def choose(visitor: Visitor, password: str = NEW, again: str = NEW) -> None:
    visitor.post(password=password, again=again)


def is_in(visitor: Visitor, who: Known, password: str) -> bool:
    """Whether she signs in with that password, and a code."""
    visitor.http.cookies.clear()
    visitor.ask()
    visitor.sign_in(replace(who, password=password))
    return visitor.page.request.url.path == "/sign-in/allow"


@pytest.fixture
def without_generator(granting: Granting, manager: Known) -> Known:
    """The manager, with a password alone."""
    granting.rows("delete from sec.second_factors where person_id = %s", manager.id)
    return replace(manager, secret="")


def test_her_mailbox_and_her_generator_are_enough(
    visitor: Visitor, granting: Granting, manager: Known
) -> None:
    forget(visitor, f" {manager.email.upper()} ")
    assert visitor.read.heading == "Look into your mail"
    (letter,) = letters(granting)
    assert (letter.to, letter.subject) == (manager.email, "A new password")
    follow(visitor, granting)
    assert visitor.read.heading == "Enter your code"
    visitor.post(code=manager.code())
    assert visitor.read.heading == "Choose a new password"
    choose(visitor)
    assert visitor.read.heading == "Your password is changed"
    # Whoever had the old password may have added a passkey.
    assert "/account" in [each["href"] for each in visitor.read.named("a")]
    granting.clock.pass_by(minutes=1)
    assert not is_in(visitor, manager, manager.password)
    assert is_in(visitor, manager, NEW)


def test_whoever_has_no_second_factor_needs_none(
    visitor: Visitor, granting: Granting, without_generator: Known
) -> None:
    forget(visitor, without_generator.email)
    follow(visitor, granting)
    choose(visitor)
    assert visitor.read.heading == "Your password is changed"


def test_a_recovery_code_does_for_a_generator_once(
    visitor: Visitor, granting: Granting, manager: Known
) -> None:
    for password in (NEW, NEW + " again"):
        forget(visitor, manager.email)
        follow(visitor, granting)
        visitor.post(form=1, recovery=manager.recovery_codes[0])
        if visitor.page.status_code == 400:
            break
        choose(visitor, password, password)
        assert visitor.read.heading == "Your password is changed"
    else:
        pytest.fail("the code was good twice")
    assert "alert" in visitor.read.ids


def test_a_passkey_does_for_a_generator(
    visitor: Visitor, other: Visitor, granting: Granting, manager: Known
) -> None:
    sign_in_to_account(other, manager)
    passkey = add(other)
    forget(visitor, manager.email)
    follow(visitor, granting)
    assert is_offered(visitor)
    send(visitor, "{}")
    assert visitor.page.status_code == 400
    send(visitor, passkey.sign(asked(visitor), verified=False, handle=None))
    choose(visitor)
    assert visitor.read.heading == "Your password is changed"
    visitor.get("/sign-in/reset/passkey")
    assert visitor.read.heading == OVER


def test_a_passkey_of_another_browser_is_none(
    visitor: Visitor, other: Visitor, granting: Granting, manager: Known
) -> None:
    sign_in_to_account(other, manager)
    passkey = add(other)
    forget(visitor, manager.email)
    follow(visitor, granting)
    signed = passkey.sign(asked(visitor), verified=False, handle=None)
    visitor.http.cookies.delete("__Host-pat")
    send(visitor, signed)
    assert visitor.page.status_code == 400
    assert visitor.read.heading == "Enter your code"


def test_all_that_was_open_ends_and_she_is_told(
    visitor: Visitor, other: Visitor, granting: Granting, manager: Known
) -> None:
    other.ask()
    other.sign_in(manager)
    other.post(answer="allow")
    tokens = said(granting.exchange(other.told["code"]))
    forget(visitor, manager.email)
    follow(visitor, granting)
    visitor.post(code=manager.code())
    choose(visitor)
    form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    answer = granting.post([*form.items(), ("client_id", str(granting.client))])
    assert refused(answer) == (400, "invalid_grant")
    other.ask(prompt="none")
    assert other.told["error"] == "login_required"
    assert (
        granting.rows("select 1 from sec.browsers where person_id = %s and ended_at is null", manager.id)
        == []
    )
    told = letters(granting)[-1]
    assert (told.to, told.subject) == (manager.email, "Your password was changed")
    assert f"{ISSUER}/account\n" in told.text
    ended = granting.rows(
        "select action, subjects, detail::json ->> 'because' from trail.events where organisation_id = %s"
        " order by number desc limit 2",
        granting.who.organisation,
    )
    assert ended == [
        ("session.revoked", [manager.id], "password reset"),
        ("password.reset", [manager.id], None),
    ]


def test_following_the_link_spends_nothing_and_leaves_it_in_no_address(
    visitor: Visitor, other: Visitor, granting: Granting, manager: Known
) -> None:
    forget(visitor, manager.email)
    link = link_in(letters(granting)[-1])
    token = link.partition("token=")[2]
    for path in (link, link, "/sign-in/reset/code", "/sign-in/reset/passkey", "/sign-in/reset"):
        other.get(path)
    assert other.read.heading == "Enter your code"
    answer = visitor.http.get(f"{link}&lang=bn")
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in/reset?lang=bn")
    assert answer.headers["set-cookie"] == (
        f"__Host-pat-reset={token}; Path=/; HttpOnly; SameSite=Lax; Secure"
    )
    visitor.get(link)
    assert token not in visitor.page.text
    visitor.post(code=manager.code())
    assert token not in visitor.page.text
    choose(visitor)
    assert visitor.read.heading == "Your password is changed"
    assert not {"__Host-pat-reset", "__Host-pat"} & set(visitor.http.cookies)


ENDS = {
    "it is too old": "update sec.resets set expires_at = now()",
    "she is disabled": "update sec.people set disabled_at = now() where id = %(person)s",
    "her password is another one": "update sec.secrets set hash = hash || 'x' where person_id = %(person)s",
    "her password is gone": "delete from sec.secrets where person_id = %(person)s",
}


@pytest.mark.parametrize("reason", ENDS)
def test_a_link_is_over_when(
    visitor: Visitor, other: Visitor, granting: Granting, without_generator: Known, reason: str
) -> None:
    forget(visitor, without_generator.email)
    follow(visitor, granting)
    granting.connections.connection.execute(ENDS[reason].encode(), {"person": without_generator.id})
    choose(visitor)
    assert (visitor.page.status_code, visitor.read.heading) == (404, OVER)
    follow(other, granting)
    assert (other.page.status_code, other.read.heading) == (404, OVER)


def test_a_link_is_over_when_there_is_a_newer_one_and_that_once_it_was_used(
    visitor: Visitor, other: Visitor, granting: Granting, without_generator: Known
) -> None:
    forget(visitor, without_generator.email)
    follow(visitor, granting)
    forget(other, without_generator.email)
    choose(visitor)
    assert (visitor.page.status_code, visitor.read.heading) == (404, OVER)
    link = link_in(letters(granting)[-1])
    other.get(link)
    choose(other)
    assert other.read.heading == "Your password is changed"
    other.get(link)
    assert (other.page.status_code, other.read.heading) == (404, OVER)


def test_of_two_who_send_it_at_once_one_is_too_late(
    granting: Granting, visitor: Visitor, manager: Known
) -> None:
    forget(visitor, manager.email)
    token = link_in(letters(granting)[-1]).partition("token=")[2]
    found = [
        reset_password(
            granting.service, token=token, password=NEW, address="203.0.113.8", language=MailLanguage.EN
        )
        for _ in range(2)
    ]
    assert found == [Outcome.CHANGED, Outcome.GONE]


@pytest.mark.parametrize("token", ["", "?token=", "?token=another", "?token=a%20b", "?token=a;b"])
def test_without_a_link_there_is_nothing(visitor: Visitor, token: str) -> None:
    visitor.get(f"/sign-in/reset{token}")
    assert (visitor.page.status_code, visitor.read.heading) == (404, OVER)


@pytest.mark.parametrize(
    ("password", "again", "says"),
    [
        ("short", "short", "too short"),
        ("Password1234", "Password1234", "Others would think of this one"),
        (NEW, NEW + "!", "not what you typed above"),
        ("x" * 2000, "x" * 2000, "too short"),
    ],
)
def test_the_rules_are_those_of_invitations(
    visitor: Visitor, granting: Granting, manager: Known, password: str, again: str, says: str
) -> None:
    forget(visitor, manager.email)
    follow(visitor, granting)
    visitor.post(code=manager.code())
    choose(visitor, password, again)
    assert visitor.page.status_code == 400
    assert says in visitor.read.text
    # Her code is spent: what she has shown counts for this page still.
    choose(visitor)
    assert visitor.read.heading == "Your password is changed"


def test_a_wrong_code_and_none_are_said_beside_their_field(
    visitor: Visitor, granting: Granting, manager: Known
) -> None:
    forget(visitor, manager.email)
    follow(visitor, granting)
    visitor.post(code="")
    assert "Enter the code." in visitor.read.text
    visitor.post(code="000000")
    assert "This code is not right" in visitor.read.text
    visitor.post(code=manager.code())
    assert visitor.read.heading == "Choose a new password"


def test_guesses_at_her_code_are_slowed_down(visitor: Visitor, granting: Granting, manager: Known) -> None:
    forget(visitor, manager.email)
    follow(visitor, granting)
    code = manager.code()
    for _ in range(5):
        visitor.post(code="000000")
    visitor.post(code=code)
    assert visitor.page.status_code == 400
    granting.clock.pass_by(seconds=2)
    visitor.post(code=code)
    assert visitor.read.heading == "Choose a new password"


def test_whoever_hashes_too_much_waits(
    visitor: Visitor, granting: Granting, without_generator: Known
) -> None:
    forget(visitor, without_generator.email)
    follow(visitor, granting)
    later = granting.clock() + timedelta(minutes=1)
    granting.rows("update sec.attempts set next_at = %s where kind = 'ADDRESS'", later)
    choose(visitor)
    assert visitor.page.status_code == 429
    assert "Too many have tried of late." in visitor.read.text
    granting.clock.pass_by(minutes=2)
    choose(visitor)
    assert visitor.read.heading == "Your password is changed"


def test_a_second_factor_that_came_meanwhile_is_asked_for(
    visitor: Visitor, granting: Granting, without_generator: Known
) -> None:
    forget(visitor, without_generator.email)
    follow(visitor, granting)
    with granting.connections.transaction() as connection:
        put_factor(connection, granting.service, without_generator.id, new_secret(), step=0)
    choose(visitor)
    assert visitor.page.status_code == 403
    visitor.get("/sign-in/reset")
    assert visitor.read.heading == "Enter your code"


@pytest.mark.parametrize(
    "headers", [{}, {"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}, {"origin": "null"}]
)
def test_forms_that_others_send_do_nothing(
    visitor: Visitor, granting: Granting, without_generator: Known, headers: dict[str, str]
) -> None:
    visitor.get("/sign-in/forgotten")
    visitor.post(headers=headers, email=without_generator.email)
    assert visitor.page.status_code == 403
    assert letters(granting) == []
    forget(visitor, without_generator.email)
    follow(visitor, granting)
    visitor.post(headers=headers, password=NEW, again=NEW)
    assert visitor.page.status_code == 403
    assert granting.rows("select 1 from sec.resets where used_at is not null") == []


def test_a_form_without_its_token_does_nothing(
    visitor: Visitor, granting: Granting, without_generator: Known
) -> None:
    visitor.get("/sign-in/forgotten")
    visitor.post(email=without_generator.email, form_token="0" * 64)
    assert visitor.page.status_code == 403
    forget(visitor, without_generator.email)
    follow(visitor, granting)
    visitor.post(password=NEW, again=NEW, form_token="0" * 64)
    assert visitor.page.status_code == 403


def test_it_is_in_the_trail_of_each_organisation_that_she_is_in(
    visitor: Visitor, granting: Granting, manager: Known
) -> None:
    elsewhere: Member = granting.wall.member("cbo-b", Role.COUNSELLOR)
    granting.rows(
        "insert into app.memberships (organisation_id, id, person_id, role, name)"
        " values (%s, gen_random_uuid(), %s, 'counsellor', 'Asha')",
        elsewhere.organisation,
        manager.id,
    )
    forget(visitor, manager.email)
    follow(visitor, granting)
    visitor.post(code=manager.code())
    choose(visitor)
    told = granting.rows(
        "select organisation_id, actor from trail.events where action = 'password.reset' order by 1"
    )
    assert told == sorted((each, manager.id) for each in (granting.who.organisation, elsewhere.organisation))


def test_every_page_of_it_can_be_read_and_used_with_a_screen_reader(
    visitor: Visitor, granting: Granting, manager: Known
) -> None:
    read: list[Read] = []

    def look() -> None:
        read.append(Read(visitor.page.text))

    visitor.get("/sign-in/forgotten")
    look()
    visitor.post(email="")
    look()
    visitor.post(email=manager.email)
    look()
    follow(visitor, granting)
    look()
    visitor.post(code="000000")
    look()
    visitor.post(code=manager.code())
    look()
    choose(visitor, "short")
    look()
    choose(visitor)
    look()
    assert len({page.heading for page in read}) == 4
    for page in read:
        shown = [each for each in page.named("input") if each.get("type") != "hidden"]
        assert [each["for"] for each in page.named("label")] == [each["id"] for each in shown]
        assert len(set(page.ids)) == len(page.ids)
        for each in shown:
            for described in (each.get("aria-describedby") or "").split():
                assert described in page.ids
            assert "aria-invalid" not in each or each["aria-describedby"]
        assert sum("autofocus" in each for each in shown) <= 1
        assert page.named("script") == []
