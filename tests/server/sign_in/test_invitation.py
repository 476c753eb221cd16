"""Taking up an invitation: who is new chooses what she proves herself with, who is known signs in, and nobody else gets in."""

from __future__ import annotations

import re
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from tests.support.granting import Granting
from tests.support.issuing import put_invitation
from tests.support.visiting import Known, Visitor, know

from pat_auth.issuer.taking_up import Chosen, new_token, seal
from pat_auth.issuer.totp import new_secret, present_code
from pat_auth.policy import Role
from pat_server.sign_in.forms import form_token

PASSWORD = "a heron waits for the rain"
EMAIL = "asha@cbo-a.example"


def invite(
    granting: Granting, email: str = EMAIL, role: Role = Role.COUNSELLOR, slug: str = "cbo-a", days: int = 7
) -> str:
    """The link's token."""
    token = new_token()
    put_invitation(
        granting.connections.connection,
        granting.wall.organisation(slug),
        email,
        role,
        token=token.encode(),
        name="Asha",
        lasts=timedelta(days=days),
    )
    return token


def open_link(visitor: Visitor, token: str) -> Visitor:
    visitor.get(f"/invitation?token={token}")
    return visitor


def secret_on(visitor: Visitor) -> str:
    """What the page tells a generator."""
    found = re.search(r"secret=([A-Z2-7]{32})", visitor.page.text)
    assert found, visitor.page.text
    return found[1]


def code_on(visitor: Visitor) -> str:
    return present_code(secret_on(visitor), visitor.granting.clock())


def recovery_codes_on(visitor: Visitor) -> list[str]:
    return re.findall(r"<li>([A-Z2-7-]{19})</li>", visitor.page.text)


def people(granting: Granting, email: str = EMAIL) -> list[tuple[UUID]]:
    return granting.rows("select id from sec.people where email = %s", email)


def memberships(granting: Granting, person: UUID) -> set[tuple[str, str]]:
    rows = granting.rows(
        "select o.slug, m.role from app.memberships m join app.organisations o on o.id = m.organisation_id"
        " where m.person_id = %s and m.ended_at is null",
        person,
    )
    return set(rows)


def test_somebody_new_chooses_a_password_and_codes_and_can_sign_in(
    visitor: Visitor, granting: Granting
) -> None:
    open_link(visitor, invite(granting))
    assert visitor.steps == ["/invitation", "/invitation"]
    assert "CBO-A has invited you, as: Counsellor." in visitor.read.text
    visitor.post(password=PASSWORD, again=PASSWORD)
    secret = secret_on(visitor)
    visitor.post(code=code_on(visitor))
    assert visitor.read.heading == "You have joined"
    assert len(set(recovery_codes_on(visitor))) == 10
    ((person,),) = people(granting)
    assert memberships(granting, person) == {("cbo-a", "counsellor")}
    visitor.ask()
    visitor.sign_in(Known(granting, person, EMAIL, secret, password=PASSWORD))
    visitor.post(answer="allow")
    assert "code" in visitor.told


def test_her_recovery_codes_let_her_in(visitor: Visitor, granting: Granting) -> None:
    open_link(visitor, invite(granting))
    visitor.post(password=PASSWORD, again=PASSWORD)
    visitor.post(code=code_on(visitor))
    code = recovery_codes_on(visitor)[3]
    visitor.ask()
    visitor.post(email=EMAIL, password=PASSWORD)
    visitor.post(form=1, recovery=code)
    assert visitor.page.request.url.path == "/sign-in/allow"


def test_nothing_exists_before_the_last_form(visitor: Visitor, granting: Granting) -> None:
    open_link(visitor, invite(granting))
    visitor.post(password=PASSWORD, again=PASSWORD)
    visitor.post(code="000000")
    assert visitor.page.status_code == 400
    assert people(granting) == []
    assert granting.rows("select 1 from sec.secrets where person_id is not null") == granting.rows(
        "select 1 from sec.secrets where hash = 'hash'"
    )
    # The same picture is shown again, so that her app shows the right codes.
    visitor.post(code=code_on(visitor))
    assert len(people(granting)) == 1


def test_programs_that_follow_links_spend_nothing(
    visitor: Visitor, other: Visitor, granting: Granting
) -> None:
    token = invite(granting)
    for _ in range(3):
        open_link(other, token)
        other.get("/invitation/code")
        other.get("/invitation/join")
    open_link(visitor, token)
    visitor.post(password=PASSWORD, again=PASSWORD)
    visitor.post(code=code_on(visitor))
    assert len(people(granting)) == 1


def test_the_token_stays_in_no_address_and_in_no_cookie_afterwards(
    visitor: Visitor, granting: Granting
) -> None:
    token = invite(granting)
    answer = visitor.http.get(f"/invitation?token={token}&lang=bn")
    assert (answer.status_code, answer.headers["location"]) == (303, "/invitation?lang=bn")
    assert answer.headers["referrer-policy"] == "same-origin"
    assert answer.headers["set-cookie"] == (
        f"__Host-pat-invitation={token}; Path=/; HttpOnly; SameSite=Lax; Secure"
    )
    open_link(visitor, token)
    assert token not in visitor.page.text
    visitor.post(password=PASSWORD, again=PASSWORD)
    assert token not in visitor.page.text
    visitor.post(code=code_on(visitor))
    assert "__Host-pat-invitation" not in visitor.http.cookies


def test_what_is_no_token_is_put_into_no_cookie(visitor: Visitor) -> None:
    for token in ("a;Domain=example", "a%0d%0aset-cookie:x", "a" * 101, "é"):
        answer = visitor.http.get("/invitation", params={"token": token})
        assert answer.headers["set-cookie"].startswith("__Host-pat-invitation=; ")


@pytest.mark.parametrize(
    ("password", "again", "said"),
    [
        ("short", "short", "too short"),
        ("", "", "too short"),
        ("Password1234", "Password1234", "Others would think of this one"),
        (EMAIL, EMAIL, "Others would think of this one"),
        (PASSWORD, PASSWORD + "!", "not what you typed above"),
    ],
)
def test_a_password_must_be_hers_and_typed_alike(
    visitor: Visitor, granting: Granting, password: str, again: str, said: str
) -> None:
    open_link(visitor, invite(granting))
    visitor.post(password=password, again=again)
    assert visitor.page.status_code == 400
    assert said in visitor.read.text
    assert visitor.read.named("title")
    visitor.post(password=PASSWORD, again=PASSWORD)
    assert visitor.read.heading == "Set up your codes"


def test_whoever_is_known_is_never_asked_for_a_new_password(visitor: Visitor, granting: Granting) -> None:
    """Else whoever may invite could become anybody."""
    known = know(granting, granting.who.person)
    open_link(visitor, invite(granting, known.email))
    assert "You have an account already" in visitor.read.text
    assert visitor.read.forms == []
    assert "password" not in {each.get("type") for each in visitor.read.named("input")}
    assert memberships(granting, known.id) == {("cbo-a", "case_manager")}


def test_whoever_is_known_signs_in_and_joins(visitor: Visitor, granting: Granting) -> None:
    known = know(granting, granting.who.person)
    open_link(visitor, invite(granting, known.email, slug="cbo-b"))
    visitor.get(
        next(str(link["href"]) for link in visitor.read.named("a") if "to=invitation" in str(link["href"]))
    )
    visitor.sign_in(known)
    assert visitor.page.request.url.path == "/invitation"
    assert f"You are signed in as {known.email}." in visitor.read.text
    visitor.post()
    assert visitor.read.heading == "You have joined"
    assert recovery_codes_on(visitor) == []
    assert memberships(granting, known.id) == {("cbo-a", "case_manager"), ("cbo-b", "counsellor")}


def test_a_password_alone_joins_nobody_who_has_a_generator(visitor: Visitor, granting: Granting) -> None:
    known = know(granting, granting.who.person)
    open_link(visitor, invite(granting, known.email, slug="cbo-b"))
    visitor.get("/sign-in?to=invitation")
    visitor.post(email=known.email, password=known.password)
    assert visitor.page.request.url.path == "/sign-in/code"
    visitor.get("/invitation")
    assert visitor.read.forms == []
    assert "picture for the app" not in visitor.page.text


def test_somebody_else_who_has_signed_in_does_not_join(visitor: Visitor, granting: Granting) -> None:
    known = know(granting, granting.who.person)
    somebody = know(granting, granting.wall.member("cbo-b", Role.CASE_MANAGER).person)
    open_link(visitor, invite(granting, known.email, slug="cbo-b"))
    visitor.get("/sign-in?to=invitation")
    visitor.sign_in(somebody)
    assert visitor.read.forms == []
    assert f"Sign in as {known.email} to join." in visitor.read.text
    assert memberships(granting, somebody.id) == {("cbo-b", "case_manager")}


def test_whoever_has_a_password_alone_begins_to_use_codes_by_an_invitation(
    visitor: Visitor, granting: Granting
) -> None:
    known = know(granting, granting.who.person, has_generator=False)
    granting.rows("delete from sec.second_factors where person_id = %s", known.id)
    open_link(visitor, invite(granting, known.email, slug="cbo-b"))
    visitor.get("/sign-in?to=invitation")
    visitor.post(email=known.email, password=known.password)
    assert visitor.read.heading == "Set up your codes"
    visitor.post(code="")
    assert "Enter the code." in visitor.read.text
    visitor.post(code=code_on(visitor))
    assert len(recovery_codes_on(visitor)) == 10
    assert memberships(granting, known.id) == {("cbo-a", "case_manager"), ("cbo-b", "counsellor")}
    assert granting.rows(
        "select count(*) from sec.second_factors where person_id = %s and confirmed_at is not null", known.id
    ) == [(1,)]


def test_whoever_has_got_a_generator_meanwhile_gets_no_second_one(
    visitor: Visitor, granting: Granting
) -> None:
    known = know(granting, granting.who.person, has_generator=False)
    granting.rows("delete from sec.second_factors where person_id = %s", known.id)
    open_link(visitor, invite(granting, known.email, slug="cbo-b"))
    visitor.get("/sign-in?to=invitation")
    visitor.post(email=known.email, password=known.password)
    code = code_on(visitor)
    know(granting, known.id)
    visitor.post(code=code)
    assert visitor.page.status_code == 403
    assert memberships(granting, known.id) == {("cbo-a", "case_manager")}


OVER = {
    "it was withdrawn": "update app.invitations set withdrawn_at = now()",
    "it was taken up": "update app.invitations set taken_up_at = now()",
    "it has expired": "update app.invitations set expires_at = now()",
}


@pytest.mark.parametrize("reason", OVER)
@pytest.mark.parametrize("step", [0, 1, 2])
def test_an_invitation_that_is_over_makes_nobody(
    visitor: Visitor, granting: Granting, reason: str, step: int
) -> None:
    token = invite(granting)
    if step > 0:
        open_link(visitor, token)
    if step > 1:
        visitor.post(password=PASSWORD, again=PASSWORD)
    granting.rows(OVER[reason])
    if step == 0:
        open_link(visitor, token)
    elif step == 1:
        visitor.post(password=PASSWORD, again=PASSWORD)
    else:
        visitor.post(code=code_on(visitor))
    assert visitor.page.status_code == 404
    assert visitor.read.heading == "This invitation is over"
    assert people(granting) == []


def test_without_a_link_there_is_nothing(visitor: Visitor) -> None:
    for token in ("", "?token=", "?token=another", "?token=a%20b"):
        visitor.get(f"/invitation{token}")
        assert visitor.page.status_code == 404
        assert visitor.read.heading == "This invitation is over"


def test_it_is_taken_up_once(visitor: Visitor, other: Visitor, granting: Granting) -> None:
    token = invite(granting)
    for each in (visitor, other):
        open_link(each, token)
        each.post(password=PASSWORD, again=PASSWORD)
    visitor.post(code=code_on(visitor))
    other.post(code=code_on(other))
    assert other.page.status_code == 404
    ((person,),) = people(granting)
    assert granting.rows("select count(*) from sec.second_factors where person_id = %s", person) == [(1,)]


def test_what_was_chosen_for_another_invitation_or_too_long_ago_or_by_others_does_not_count(
    visitor: Visitor, granting: Granting
) -> None:
    open_link(visitor, invite(granting))
    visitor.post(password=PASSWORD, again=PASSWORD)
    chosen, code = visitor.read.forms[0].fields["chosen"], code_on(visitor)
    elsewhere = seal(granting.service, new_token(), Chosen(secret_on(visitor), "hash"))
    page = visitor.page
    for forged in (elsewhere, "", "x", chosen[:-4] + "AAA=", "é" * 40):
        visitor.page = page
        visitor.post(code=code, chosen=forged)
        assert visitor.page.status_code == 403
    visitor.page = page
    granting.clock.pass_by(minutes=31)
    visitor.post(code=code_on(visitor))
    assert visitor.page.status_code == 403
    assert people(granting) == []


def test_what_was_chosen_without_a_password_makes_nobody(visitor: Visitor, granting: Granting) -> None:
    token, secret = invite(granting), new_secret()
    open_link(visitor, token)
    visitor.post(password=PASSWORD, again=PASSWORD)
    visitor.post(
        code=present_code(secret, granting.clock()), chosen=seal(granting.service, token, Chosen(secret))
    )
    assert visitor.page.status_code == 404
    assert people(granting) == []


@pytest.mark.parametrize(
    "headers", [{}, {"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}, {"origin": "null"}]
)
def test_forms_that_others_send_do_nothing(
    visitor: Visitor, granting: Granting, headers: dict[str, str]
) -> None:
    known = know(granting, granting.who.person)
    open_link(visitor, invite(granting, known.email, slug="cbo-b"))
    visitor.get("/sign-in?to=invitation")
    visitor.sign_in(known)
    visitor.post(headers=headers)
    assert visitor.page.status_code == 403
    assert memberships(granting, known.id) == {("cbo-a", "case_manager")}


def test_a_form_of_another_browser_or_path_does_nothing(
    visitor: Visitor, other: Visitor, granting: Granting
) -> None:
    known = know(granting, granting.who.person)
    token = invite(granting, known.email, slug="cbo-b")
    for each in (visitor, other):
        open_link(each, token)
        each.get("/sign-in?to=invitation")
    visitor.sign_in(known)
    page = visitor.page
    for forged in (None, "", "0" * 64, other.read.forms[0].fields["form_token"]):
        visitor.page = page
        visitor.post(form_token=forged)
        assert visitor.page.status_code == 403
    visitor.page = page
    said = {"origin": "https://pat.example", "sec-fetch-site": "same-origin"}
    given = visitor.read.forms[0].fields
    assert visitor.http.post("/invitation", data=given, headers=said).status_code == 403
    assert visitor.http.post("/invitation/code", data=given, headers=said).status_code == 403
    assert memberships(granting, known.id) == {("cbo-a", "case_manager")}


def test_pressing_what_is_for_others_leads_to_her_own_page(visitor: Visitor, granting: Granting) -> None:
    """A form of the page as it was before she was known, or signed in."""
    token = invite(granting)
    open_link(visitor, token)
    form = visitor.read.forms[0]
    granting.rows("insert into sec.people (id, email) values (%s, %s)", uuid4(), EMAIL)
    visitor.post(password=PASSWORD, again=PASSWORD)
    assert "You have an account already" in visitor.read.text
    assert form.action == "/invitation/password"
    assert granting.rows("select 1 from app.memberships where name = 'Asha'") == []


def test_somebody_new_cannot_join_without_choosing(visitor: Visitor, granting: Granting) -> None:
    token = invite(granting)
    open_link(visitor, token)
    ours = form_token(granting.service.secrets.forms, token, "/invitation/join")
    said = {"origin": "https://pat.example", "sec-fetch-site": "same-origin"}
    visitor.page = visitor.http.post("/invitation/join", data={"form_token": ours}, headers=said)
    assert visitor.read.heading == "Choose a password"
    assert people(granting) == []


def test_whoever_hashes_too_often_waits(visitor: Visitor, granting: Granting) -> None:
    open_link(visitor, invite(granting))
    page = visitor.page
    for _ in range(21):
        visitor.page = page
        assert visitor.post(password=PASSWORD, again=PASSWORD).status_code == 200
    visitor.page = page
    assert visitor.post(password=PASSWORD, again=PASSWORD).status_code == 429
    assert "Wait a minute" in visitor.read.text
    granting.clock.pass_by(seconds=2)
    assert visitor.post(password=PASSWORD, again=PASSWORD).status_code == 200
    visitor.post(code=code_on(visitor))
    assert granting.rows("select failures from sec.attempts where kind = 'ADDRESS'")[0][0] < 21.1


@pytest.mark.parametrize(("language", "heading"), [("bn", "পাসওয়ার্ড"), ("hi", "पासवर्ड")])
def test_it_is_read_in_her_language(
    visitor: Visitor, granting: Granting, language: str, heading: str
) -> None:
    visitor.get(f"/invitation?token={invite(granting)}&lang={language}")
    assert heading in visitor.read.heading
    assert visitor.read.named("html") == [{"lang": language}]
    visitor.post(password=PASSWORD, again=PASSWORD)
    assert visitor.read.named("html") == [{"lang": language}]
    # In the middle of it the language stays: what is shown is shown once.
    assert not [link for link in visitor.read.named("a") if "lang=" in str(link.get("href"))]


def test_the_picture_is_drawn_inside_the_page(visitor: Visitor, granting: Granting) -> None:
    open_link(visitor, invite(granting))
    visitor.post(password=PASSWORD, again=PASSWORD)
    assert len(visitor.read.named("svg")) == 1
    assert not [tag for tag, values in visitor.read.tags if "style" in values]
    assert "default-src 'none'" in visitor.page.headers["content-security-policy"]
    assert len(visitor.page.content) < 15_000
