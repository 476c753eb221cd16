"""A form is taken from the browser that was shown it, on our own page, and from nobody else."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from starlette.applications import Starlette
from tests.support.granting import Granting
from tests.support.issuing import put_membership
from tests.support.proving import ISSUER
from tests.support.visiting import Known, Visitor, visiting

from pat_auth.issuer.browsers import keep_first
from pat_auth.issuer.methods import Method
from pat_auth.issuer.proving import prove_password
from pat_auth.issuer.service import Service
from pat_auth.policy import Role
from pat_server.sign_in import visiting as pages_visited
from pat_server.sign_in.forms import form_token, is_from_here, is_token

ELSEWHERE: list[dict[str, str]] = [
    {},
    {"origin": "https://evil.example"},
    {"origin": "null"},
    {"origin": f"{ISSUER}.evil.example"},
    {"origin": ISSUER, "sec-fetch-site": "cross-site"},
    {"origin": ISSUER, "sec-fetch-site": "same-site"},
    {"origin": ISSUER, "sec-fetch-site": "none"},
    {"origin": ISSUER, "sec-fetch-site": ""},
]


@pytest.mark.parametrize("headers", ELSEWHERE, ids=str)
def test_a_form_that_another_page_sends_is_refused(
    visitor: Visitor, manager: Known, headers: dict[str, str]
) -> None:
    visitor.ask()
    visitor.post(email=manager.email, password=manager.password, headers=headers)
    assert visitor.page.status_code == 403
    visitor.ask()
    assert visitor.steps[-1] == "/sign-in"


@pytest.mark.parametrize("headers", [{"origin": ISSUER}, {"origin": "null", "sec-fetch-site": "same-origin"}])
def test_a_form_of_ours_is_taken_from_browsers_old_and_new(
    visitor: Visitor, manager: Known, headers: dict[str, str]
) -> None:
    visitor.ask()
    visitor.post(email=manager.email, password=manager.password, headers=headers)
    assert visitor.steps[-1] == "/sign-in/code"


@pytest.mark.parametrize("token", [None, "", "0" * 64, "é"])
def test_a_form_without_its_token_does_nothing(
    visitor: Visitor, granting: Granting, manager: Known, token: str | None
) -> None:
    visitor.ask()
    visitor.post(email=manager.email, password=manager.password, form_token=token)
    assert (visitor.page.status_code, visitor.read.heading) == (403, "This page is too old")
    (again,) = [values["href"] for values in visitor.read.named("a") if "lang=" not in str(values["href"])]
    visitor.get(str(again))
    visitor.sign_in(manager)
    for form in visitor.read.forms:
        assert form.action.startswith("/sign-in/allow?")
    visitor.post(answer="allow", form_token=token)
    assert visitor.page.status_code == 403
    assert granting.rows("select count(*) from sec.consents where person_id = %s", manager.id) == [(0,)]


def test_a_token_is_good_for_one_page_one_browser_and_one_ask(
    visitor: Visitor, other: Visitor, manager: Known
) -> None:
    other.ask()
    theirs = other.read.forms[0].fields["form_token"]
    visitor.ask()
    before = visitor.read.forms[0].fields["form_token"]
    visitor.post(email=manager.email, password=manager.password, form_token=theirs)
    assert visitor.page.status_code == 403
    visitor.ask()
    ours = visitor.read.forms[0].fields["form_token"]
    assert len({theirs, before, ours}) == 3
    visitor.post(email=manager.email, password=manager.password, form_token=before)
    assert visitor.page.status_code == 403
    visitor.ask()
    visitor.post(email=manager.email, password=manager.password)
    visitor.post(code=manager.code(), form_token=ours)
    assert visitor.page.status_code == 403


def test_an_ask_of_another_browser_is_as_unknown_as_one_that_never_was(
    visitor: Visitor, other: Visitor, manager: Known
) -> None:
    other.ask()
    theirs = other.page.request.url.query.decode()
    visitor.ask()
    visitor.sign_in(manager)
    for path in ("/sign-in", "/sign-in/code", "/sign-in/as", "/sign-in/allow"):
        foreign = visitor.get(f"{path}?{theirs}")
        assert foreign.status_code == 404
        unknown = visitor.get(f"{path}?ask=0b7a1b5e-7d3c-4f0e-9d51-000000000000")
        assert foreign.text.replace(theirs, "") == unknown.text.replace(
            "ask=0b7a1b5e-7d3c-4f0e-9d51-000000000000", ""
        )


def test_a_browser_is_given_another_secret_with_each_proof_and_the_old_one_is_nobodys(
    visitor: Visitor, pages: Starlette, granting: Granting, manager: Known
) -> None:
    visitor.ask()
    secrets = [visitor.secret]
    page = visitor.page.request.url
    visitor.post(email=manager.email, password=manager.password)
    secrets.append(visitor.secret)
    visitor.post(code=manager.code())
    secrets.append(visitor.secret)
    assert len(set(secrets)) == 3
    for old in secrets[:2]:
        with visiting(pages, granting) as thief:
            thief.http.cookies.set("__Host-pat", old)
            assert thief.get(str(page)).status_code == 404


def test_of_two_who_prove_at_once_the_later_one_is_told_that_her_page_is_too_old(
    visitor: Visitor, granting: Granting, manager: Known, monkeypatch: pytest.MonkeyPatch
) -> None:
    visitor.ask()

    def slow(service: Service, **values: Any) -> UUID | None:
        with granting.connections.transaction() as connection:
            keep_first(connection, granting.service, visitor.secret, manager.id, Method.PASSWORD)
        return prove_password(service, **values)

    monkeypatch.setattr(pages_visited, "prove_password", slow)
    secret = visitor.secret
    visitor.post(email=manager.email, password=manager.password)
    assert visitor.page.status_code == 403
    assert visitor.secret == secret


def test_an_ask_that_was_answered_elsewhere_meanwhile_leaves_the_new_secret_with_the_browser(
    visitor: Visitor, granting: Granting, manager: Known, monkeypatch: pytest.MonkeyPatch
) -> None:
    visitor.ask()

    def slow(service: Service, **values: Any) -> UUID | None:
        granting.rows("update sec.asks set ended_at = now()")
        return prove_password(service, **values)

    monkeypatch.setattr(pages_visited, "prove_password", slow)
    secret = visitor.secret
    visitor.post(email=manager.email, password=manager.password)
    assert visitor.page.status_code == 404
    assert visitor.secret != secret


def test_unknown_people_and_wrong_passwords_are_answered_alike(
    visitor: Visitor, granting: Granting, manager: Known
) -> None:
    granting.rows("update sec.people set disabled_at = now() where email = %s", "counsellor1@cbo-a.example")
    answers = set()
    for email in (manager.email, "nobody@cbo-a.example", "counsellor1@cbo-a.example"):
        visitor.ask()
        visitor.post(email=email, password="not her password")
        seen = visitor.page.text.replace(email, "")
        tokens = [form.fields["form_token"] for form in visitor.read.forms]
        for secret in (visitor.page.request.url.query.decode(), *tokens):
            seen = seen.replace(secret, "")
        # What a passkey would be asked to sign is random.
        seen, challenges = re.subn("&#34;challenge&#34;: &#34;[^&]{43}&#34;", "", seen)
        assert challenges == 1
        headers = tuple((n, v) for n, v in visitor.page.headers.items() if n != "content-length")
        answers.add((visitor.page.status_code, seen, headers))
    assert len(answers) == 1
    assert next(iter(answers))[0] == 400


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"email": "", "password": "x"}, "email"),
        ({"email": None, "password": None}, "email"),
        ({"email": "a@b.example", "password": ""}, "password"),
        ({"email": "a@b.example", "password": "x" * 1025}, "password"),
    ],
)
def test_what_is_missing_is_said_beside_its_field(
    visitor: Visitor, typed: dict[str, str | None], field: str
) -> None:
    visitor.ask()
    visitor.post(**typed)  # type: ignore[arg-type]  # they are fields
    (wrong,) = [each for each in visitor.read.named("input") if "aria-invalid" in each]
    assert wrong["name"] == field
    assert "autofocus" in wrong
    assert wrong["aria-describedby"] in visitor.read.ids


def test_a_missing_code_is_said_beside_its_field(visitor: Visitor, manager: Known) -> None:
    visitor.ask()
    visitor.post(email=manager.email, password=manager.password)
    visitor.post(code=" ")
    visitor.post(code="")
    assert "Enter the code." in visitor.read.text


def send(visitor: Visitor, content: bytes, kind: str = "application/x-www-form-urlencoded") -> httpx.Response:
    headers = {"origin": ISSUER, "content-type": kind}
    return visitor.http.post(visitor.read.forms[0].action, content=content, headers=headers)


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"email=%00", None, 400),
        (b"email=%ff", None, 400),
        (b"email=a&email=b", None, 400),
        (b"form_token=a&form_token=b", None, 400),
        (b"a=1&" * 40, None, 400),
        (b"email=" + b"9" * 5000, None, 403),
        (b"email=" + b"x" * 20_000, None, 413),
        (b"x" * 1_000_000, None, 413),
        (b"--x\r\n", "multipart/form-data; boundary=x", 415),
        (b"{}", "application/json", 415),
    ],
)
def test_what_is_no_form_of_ours_is_answered_by_a_page(
    visitor: Visitor, content: bytes, kind: str | None, status: int
) -> None:
    visitor.ask()
    answer = send(visitor, content, kind or "application/x-www-form-urlencoded")
    assert answer.status_code == status
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "<h1>" in answer.text


def test_tokens_differ_in_everything_that_they_are_made_of() -> None:
    key = b"k" * 32
    token = form_token(key, "secret", "/sign-in", "a")
    assert is_token(key, token, "secret", "/sign-in", "a")
    assert not is_token(b"l" * 32, token, "secret", "/sign-in", "a")
    assert not is_token(key, token, "Secret", "/sign-in", "a")
    assert not is_token(key, token, "secret", "/sign-in/code", "a")
    assert not is_token(key, token, "secret", "/sign-in", "b")
    assert not is_token(key, form_token(key, "secret", "/sign-in"), "secret", "/sign-in", "a")


def test_where_a_request_comes_from_is_what_the_browser_says_not_the_page() -> None:
    assert is_from_here({"sec-fetch-site": "same-origin"}, ISSUER)
    assert is_from_here({"origin": ISSUER}, ISSUER)
    assert not is_from_here({"origin": ISSUER, "sec-fetch-site": "cross-site"}, ISSUER)
    assert not is_from_here({}, ISSUER)


def test_the_choice_of_a_membership_needs_its_token_too(
    visitor: Visitor, granting: Granting, manager: Known
) -> None:
    put_membership(granting.connections.connection, manager.id, granting.who.organisation, Role.COUNSELLOR)
    visitor.ask()
    visitor.sign_in(manager)
    visitor.post(membership=str(granting.who.membership), form_token="0" * 64)
    assert visitor.page.status_code == 403
    assert granting.rows("select membership_id from sec.asks where client = %s", granting.client) == [(None,)]


@pytest.mark.parametrize("path", ["/sign-in", "/sign-in/code", "/sign-in/as", "/sign-in/allow"])
def test_a_form_for_an_ask_that_is_not_there_is_answered_like_its_page(visitor: Visitor, path: str) -> None:
    visitor.ask()
    answer = visitor.http.post(f"{path}?ask={uuid4()}", data={"a": "b"}, headers={"origin": ISSUER})
    assert answer.status_code == 404


def test_a_code_that_comes_when_her_password_has_been_forgotten_is_not_looked_at(
    visitor: Visitor, granting: Granting, manager: Known
) -> None:
    visitor.ask()
    query = visitor.page.request.url.query
    visitor.post(email=manager.email, password=manager.password)
    page = visitor.page
    granting.clock.pass_by(minutes=29)
    # The ask would be over with it.
    granting.rows("update sec.asks set expires_at = expires_at + interval '1 hour'")
    granting.clock.pass_by(minutes=1)
    visitor.page = page
    visitor.post(code=manager.code())
    assert visitor.page.request.url.path == "/sign-in"
    assert visitor.page.request.url.query == query
