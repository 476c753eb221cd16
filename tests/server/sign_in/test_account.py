"""An account: she ends one session, names her passkeys, and changes her password and her codes if she proved both factors lately."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from psycopg.errors import LockNotAvailable
from tests.server.sign_in.test_passkeys import add, asked, send, sign_in_to_account
from tests.support.authenticator import Authenticator
from tests.support.granting import Granting, said
from tests.support.proving import ISSUER, PASSWORD
from tests.support.visiting import Form, Known, Visitor, know

from pat_auth.issuer import passwords
from pat_auth.issuer.accounts import leave_everywhere
from pat_auth.issuer.asserting import take_made
from pat_auth.issuer.passwords import hash_password
from pat_auth.issuer.recovery import spend_recovery_code
from pat_auth.issuer.service import Service
from pat_auth.issuer.totp import present_code
from pat_auth.mails.letters import Letter, open_letter
from pat_auth.policy import Role
from pat_platform.database.threads import Connection
from pat_server.sign_in.desk import ACCOUNT
from pat_server.sign_in.forms import form_token

NEW = "an otter counts its pebbles"


@pytest.fixture
def hers(visitor: Visitor, manager: Known) -> Visitor:
    """A browser with the manager's account open."""
    sign_in_to_account(visitor, manager)
    return visitor


def press(visitor: Visitor, action: str, **values: Any) -> Visitor:
    """Send the first form of the page that is open which is posted to an address; a button counts as pressed."""
    forms: list[Form] = visitor.read.forms
    number = next(n for n, form in enumerate(forms) if form.action == action)
    pressed: dict[str, Any] = {str(b["name"]): b["value"] for b in forms[number].buttons if b.get("name")}
    visitor.post(form=number, **(pressed | values))
    return visitor


def change(
    visitor: Visitor, present: str = PASSWORD, password: str = NEW, again: str | None = None
) -> Visitor:
    visitor.get("/account/password")
    visitor.post(present=present, password=password, again=again or password)
    return visitor


def granted(visitor: Visitor, granting: Granting, who: Known) -> UUID:
    """A session that she opens in a browser."""
    visitor.ask()
    visitor.sign_in(who)
    if visitor.page.request.url.path == "/sign-in/allow":
        visitor.post(answer="allow")
    return granting.principal(said(granting.exchange(visitor.told["code"]))).session


def ended(granting: Granting, session: UUID) -> str | None:
    ((because,),) = granting.rows("select revoked_because from sec.sessions where id = %s", session)
    found: str | None = because
    return found


def noted(granting: Granting, person: UUID) -> list[str]:
    """What the trail of her organisation says that she changed, in this test."""
    rows = granting.rows(
        "select action from trail.events where organisation_id = %s and actor = %s and subjects = array[%s]::uuid[]"
        " and action ~ '^(pass|gen|rec)' order by number",
        *(granting.who.organisation, person, person),
    )
    return [action for (action,) in rows]


def letters(granting: Granting) -> list[Letter | None]:
    key = granting.service.secrets.mails
    return [
        open_letter(key, mail, sealed) for mail, sealed in granting.rows("select id, sealed from sec.mails")
    ]


def test_she_ends_one_session_and_the_others_go_on(
    visitor: Visitor, other: Visitor, granting: Granting, manager: Known
) -> None:
    first, second = granted(visitor, granting, manager), granted(other, granting, manager)
    visitor.get("/account")
    ((handle,),) = granting.rows("select handle from sec.sessions where id = %s", first)
    press(visitor, "/account/session/end", session=str(handle))
    assert visitor.page.request.url.path == "/account"
    assert (ended(granting, first), ended(granting, second)) == ("signed out", None)


def test_nobody_ends_anothers_session_nor_what_is_none(
    visitor: Visitor, other: Visitor, granting: Granting, manager: Known
) -> None:
    session = granted(visitor, granting, manager)
    stranger = know(granting, granting.wall.member("cbo-a", Role.COUNSELLOR).person)
    granted(other, granting, stranger)
    other.get("/account")
    page, handle = other.page, granting.rows("select handle from sec.sessions where id = %s", session)[0][0]
    for given in (str(handle), str(session), "nothing"):
        other.page = page
        press(other, "/account/session/end", session=given)
    assert ended(granting, session) is None


def test_a_passkey_has_the_name_that_she_gives_it(hers: Visitor) -> None:
    add(hers)
    press(hers, "/account/passkey/name", name=" My  old\tphone ")
    assert 'value="My old phone"' in hers.page.text
    assert "Remove: My old phone" in hers.read.text
    press(hers, "/account/passkey/name", name="<b>" + "x" * 100)
    assert f'value="&lt;b&gt;{"x" * 57}"' in hers.page.text
    press(hers, "/account/passkey/name", name="a\u200db\u202ec\x07")
    assert 'value="a\u200dbc"' in hers.page.text


def test_a_passkey_may_be_named_while_it_is_added(hers: Visitor) -> None:
    send(hers, Authenticator().make(asked(hers)), name="Laptop")
    assert 'value="Laptop"' in hers.page.text


def test_nobody_names_anothers_passkey(hers: Visitor, other: Visitor, granting: Granting) -> None:
    add(hers)
    theirs = next(form for form in hers.read.forms if form.action == "/account/passkey/name")
    stranger = know(granting, granting.wall.member("cbo-a", Role.COUNSELLOR).person)
    sign_in_to_account(other, stranger)
    add(other)
    press(other, "/account/passkey/name", passkey=theirs.buttons[0]["value"], name="Mine")
    assert granting.rows("select count(*) from sec.passkeys where name <> ''") == [(0,)]


def test_what_she_changes_is_in_the_trail_of_her_organisation(
    hers: Visitor, granting: Granting, manager: Known
) -> None:
    add(hers)
    press(hers, "/account/passkey/end")
    press(hers, "/account/codes")
    change(hers)
    assert noted(granting, manager.id) == [
        "passkey.added",
        "passkey.removed",
        "recovery_codes.renewed",
        "password.changed",
    ]


@pytest.mark.parametrize("change_of", ["passkey", "password"])
def test_whoever_is_signed_out_while_she_changes_something_has_changed_nothing(
    hers: Visitor, granting: Granting, manager: Known, monkeypatch: pytest.MonkeyPatch, change_of: str
) -> None:
    def meanwhile(then: Any) -> Any:
        def slow(*values: Any, **named: Any) -> Any:
            with granting.connections.transaction() as connection:
                leave_everywhere(connection, granting.service, manager.id)
            return then(*values, **named)

        return slow

    kept = "select (select count(*) from sec.passkeys where ended_at is null), hash from sec.secrets where person_id = %s"
    before = granting.rows(kept, manager.id)
    if change_of == "passkey":
        monkeypatch.setattr("pat_server.sign_in.account.take_made", meanwhile(take_made))
        add(hers)
    else:
        monkeypatch.setattr("pat_server.sign_in.proofs.hash_password", meanwhile(hash_password))
        change(hers)
    assert hers.page.status_code == 503
    assert granting.rows(kept, manager.id) == before
    assert noted(granting, manager.id) == []


def test_she_is_told_by_mail_in_her_language_where_mail_is_sent(
    visitor: Visitor, granting: Granting, manager: Known
) -> None:
    sign_in_to_account(visitor, manager)
    object.__setattr__(granting.service, "sends_mail", False)
    before = len(letters(granting))
    add(visitor)
    assert len(letters(granting)) == before
    object.__setattr__(granting.service, "sends_mail", True)
    visitor.get("/account?lang=hi")
    add(visitor)
    (letter,) = [each for each in letters(granting) if each and each.to == manager.email]
    assert letter.subject == "आपके साइन इन का तरीका बदल गया है"


def test_a_changed_password_ends_what_was_opened_elsewhere(
    visitor: Visitor, other: Visitor, granting: Granting, manager: Known
) -> None:
    here, there = granted(visitor, granting, manager), granted(other, granting, manager)
    visitor.get("/account")
    assert "Change your password" in visitor.read.text
    change(visitor)
    assert visitor.read.heading == "Your password is changed"
    assert (ended(granting, here), ended(granting, there)) == (None, "password changed")
    other.get("/account")
    assert other.page.request.url.path == "/sign-in"
    other.post(email=manager.email, password=PASSWORD)
    assert other.page.status_code == 400
    other.get("/sign-in?to=account")
    other.sign_in(replace(manager, password=NEW))
    assert other.page.request.url.path == "/account"
    visitor.get("/account")
    assert visitor.page.request.url.path == "/account"


def test_a_copy_of_her_cookie_is_nobodys_once_her_password_is_changed(hers: Visitor, other: Visitor) -> None:
    other.http.cookies.set("__Host-pat", hers.secret)
    other.get("/account")
    assert other.page.request.url.path == "/account"
    change(hers)
    other.get("/account")
    assert other.page.request.url.path == "/sign-in"
    hers.get("/account")
    assert hers.page.request.url.path == "/account"


def test_strangers_do_not_keep_her_from_changing_her_password(
    hers: Visitor, other: Visitor, manager: Known
) -> None:
    other.ask()
    for _ in range(6):
        other.post(email=manager.email, password="a guess of many")
    change(hers)
    assert hers.read.heading == "Your password is changed"


def test_her_row_is_held_before_her_password_is_as_a_reset_holds_them(
    hers: Visitor, granting: Granting, manager: Known, monkeypatch: pytest.MonkeyPatch
) -> None:
    free, keep = list[bool](), passwords.set_password

    def looking(connection: Connection, service: Service, person: UUID, hashed: str) -> None:
        # That it was held for a share while her password was looked at does not count.
        share = "select from sec.people where id = %s for share nowait"
        try:
            granting.wall.admin.execute(share, (person,))
            free.append(True)
        except LockNotAvailable:
            free.append(False)
        keep(connection, service, person, hashed)

    monkeypatch.setattr("pat_server.sign_in.proofs.set_password", looking)
    change(hers)
    assert free == [False]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"present": "another password of mine"}, "present-wrong"),
        ({"present": ""}, "present-wrong"),
        ({"password": "too short"}, "password-wrong"),
        ({"password": "password1234"}, "password-wrong"),
        ({"again": "an otter counts its pebble"}, "again-wrong"),
    ],
)
def test_what_does_not_fit_changes_no_password(
    hers: Visitor, granting: Granting, manager: Known, values: dict[str, str], said: str
) -> None:
    change(hers, **values)
    assert hers.page.status_code == 400
    assert said in hers.read.ids
    assert noted(granting, manager.id) == []


def test_whoever_guesses_at_the_password_until_now_is_slowed_down(hers: Visitor, granting: Granting) -> None:
    for number in range(8):
        change(hers, present=f"a guess, number {number}")
    change(hers)
    assert hers.page.status_code == 400
    granting.clock.pass_by(minutes=2)
    change(hers)
    assert hers.read.heading == "Your password is changed"


def test_without_a_second_factor_she_changes_her_password_and_nothing_else(
    visitor: Visitor, granting: Granting
) -> None:
    her = know(granting, granting.wall.member("cbo-a", Role.SURVIVOR).person, has_generator=False)
    sign_in_to_account(visitor, her)
    assert not any(form.action in ("/account/codes", "/account/generator") for form in visitor.read.forms)
    for path in ("/account/codes", "/account/generator"):
        post_at(visitor, path, her)
        assert visitor.page.request.url.path == "/account"
    assert granting.rows("select count(*) from sec.recovery_codes where person_id = %s", her.id) == [(0,)]
    change(visitor)
    assert visitor.read.heading == "Your password is changed"


def post_at(visitor: Visitor, path: str, who: Known, **values: str) -> None:
    """Post to an address of hers with the token that a form of its own would carry."""
    token = form_token(visitor.granting.service.secrets.forms, visitor.secret, path, str(who.id))
    headers = {"origin": ISSUER, "sec-fetch-site": "same-origin"}
    visitor.page = visitor.http.post(path, data={"form_token": token, **values}, headers=headers)
    visitor._follow()


@pytest.mark.parametrize("path", ["/account/password", "/account/generator", "/account/codes"])
def test_whoever_proved_herself_too_long_ago_changes_nothing(
    hers: Visitor, granting: Granting, manager: Known, path: str
) -> None:
    granting.clock.pass_by(minutes=11)
    post_at(hers, path, manager, present=PASSWORD, password=NEW, again=NEW)
    assert hers.page.request.url.path == "/account"
    assert noted(granting, manager.id) == []
    hers.get("/account")
    assert "To change how you sign in, sign in again" in hers.read.text
    assert not any(form.action == path for form in hers.read.forms)
    assert "Change your password" not in hers.read.text
    hers.get("/account/password")
    assert hers.page.request.url.path == "/account"


@pytest.mark.parametrize("path", [path for path in ACCOUNT if path != "/account"])
@pytest.mark.parametrize("token", ["another", "of another page", "of somebody else"])
def test_a_form_that_was_not_shown_here_does_nothing(
    hers: Visitor, granting: Granting, manager: Known, path: str, token: str
) -> None:
    add(hers)
    before = noted(granting, manager.id)
    key, secret = granting.service.secrets.forms, hers.secret
    sent = {
        "another": "another",
        "of another page": form_token(key, secret, "/account", str(manager.id)),
        "of somebody else": form_token(key, secret, path, str(granting.client)),
    }
    values = {"form_token": sent[token], "present": PASSWORD, "password": NEW, "again": NEW, "name": "Mine"}
    headers = {"origin": ISSUER, "sec-fetch-site": "same-origin"}
    assert hers.http.post(path, data=values, headers=headers).status_code == 403
    headers["sec-fetch-site"] = "cross-site"
    values["form_token"] = form_token(key, secret, path, str(manager.id))
    assert hers.http.post(path, data=values, headers=headers).status_code == 403
    assert noted(granting, manager.id) == before
    hers.get("/account")
    assert hers.page.request.url.path == "/account"


def test_new_codes_to_write_down_void_those_from_before(
    hers: Visitor, granting: Granting, manager: Known
) -> None:
    press(hers, "/account/codes")
    assert hers.read.heading == "Your new codes"
    codes = re.findall(r"<li>([A-Z2-7-]{19})</li>", hers.page.text)
    assert len(codes) == 10
    with granting.service.connections.transaction() as connection:
        spent = [
            spend_recovery_code(connection, granting.service, manager.id, code)
            for code in (codes[0], manager.recovery_codes[0])
        ]
    assert spent == [True, False]


def begin_generator(visitor: Visitor) -> str:
    """The secret of the generator that the page offers."""
    press(visitor, "/account/generator")
    assert visitor.read.heading == "Set up your codes"
    return "".join(re.findall(r"<span>([A-Z2-7]{4})</span>", visitor.page.text))


def test_another_phone_makes_her_codes_from_now_on(
    hers: Visitor, other: Visitor, granting: Granting, manager: Known
) -> None:
    assert "Use another phone for your codes" in hers.read.text
    secret = begin_generator(hers)
    hers.post(code="000000")
    assert hers.page.status_code == 400
    hers.post(code="")
    assert "code-wrong" in hers.read.ids
    granting.clock.pass_by(seconds=30)
    hers.post(code=present_code(secret, granting.clock()))
    assert hers.page.request.url.path == "/account"
    assert noted(granting, manager.id) == ["generator.renewed"]
    other.get("/sign-in?to=account")
    other.post(email=manager.email, password=manager.password)
    other.post(code=manager.code())
    assert other.page.status_code == 400
    other.post(code=present_code(secret, granting.clock()))
    assert other.page.request.url.path == "/account"


def test_a_choice_is_good_in_its_own_browser_and_not_for_long(
    hers: Visitor, other: Visitor, granting: Granting, manager: Known
) -> None:
    secret = begin_generator(hers)
    sealed = hers.read.forms[0].fields["chosen"]
    sign_in_to_account(other, manager)
    code = present_code(secret, granting.clock())
    for visitor, chosen in ((other, sealed), (hers, "nothing")):
        post_at(visitor, "/account/generator", manager, chosen=chosen, code=code)
        assert visitor.page.status_code == 403
    assert noted(granting, manager.id) == []


def test_whoever_has_a_passkey_alone_sets_up_codes(hers: Visitor, granting: Granting, manager: Known) -> None:
    add(hers)
    granting.rows("update sec.second_factors set confirmed_at = null where person_id = %s", manager.id)
    hers.get("/account")
    assert "Set up your codes" in hers.read.text
