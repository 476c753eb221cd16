"""People sign in for a client, page by page, and the client is told no more than it should be."""

from __future__ import annotations

from uuid import UUID

import pytest
from tests.support.granting import BACK, Granting, said
from tests.support.issuing import put_membership
from tests.support.proving import ISSUER
from tests.support.visiting import Known, Visitor, know

from pat_auth.clients.models import Serves
from pat_auth.issuer.browsers import keep_first
from pat_auth.issuer.methods import Method
from pat_auth.policy import Role

# Names of tests must be the same in each process that collects them.
NOWHERE = "0b7a1b5e-7d3c-4f0e-9d51-6f2f5b0c1a11"
ALL = "/sign-in", "/sign-in/code", "/sign-in/as", "/sign-in/allow"


def add_membership(granting: Granting, person: UUID, slug: str, role: Role) -> UUID:
    return put_membership(granting.connections.connection, person, granting.wall.organisation(slug), role)


def serve_everybody(granting: Granting) -> None:
    granting.client = granting.put_client(serves=Serves.NETWORK)


def test_from_the_client_through_two_factors_and_consent_back_with_a_code(
    visitor: Visitor, granting: Granting, manager: Known
) -> None:
    visitor.ask()
    visitor.post(email=f" {manager.email.upper()}", password=manager.password)
    visitor.post(code=manager.code())
    visitor.post(answer="allow")
    assert visitor.steps == [
        *("/oauth/authorize", "/sign-in", "/sign-in", "/sign-in/code"),
        *("/sign-in/code", "/sign-in/allow", "/sign-in/allow"),
    ]
    assert visitor.page.headers["location"].startswith(f"{BACK}?")
    assert (visitor.told["state"], visitor.told["iss"]) == ("state", ISSUER)
    tokens = said(granting.exchange(visitor.told["code"]))
    principal = granting.principal(tokens)
    assert (principal.person, principal.role, principal.acr) == (manager.id, Role.CASE_MANAGER, "2")
    assert principal.scopes == {"openid", "cases"}


def test_whoever_has_allowed_it_sees_no_page_the_next_time(visitor: Visitor, manager: Known) -> None:
    visitor.ask()
    visitor.sign_in(manager)
    visitor.post(answer="allow")
    visitor.steps.clear()
    visitor.ask()
    assert visitor.steps == ["/oauth/authorize"]
    assert "code" in visitor.told
    visitor.ask(scope="openid cases identity")
    assert visitor.steps[-1] == "/sign-in/allow"
    visitor.ask(prompt="consent")
    assert visitor.steps[-1] == "/sign-in/allow"


CHANGES = {
    "its name": "update app.clients set name = 'Another name' where id = %s",
    "its addresses": "update app.clients set redirect_uris = redirect_uris || '{https://other.example/}' where id = %s",
    "what it may ask for": "update app.clients set scopes = scopes || '{health}' where id = %s",
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_client_that_was_changed_asks_again_and_what_was_opened_goes_on(
    visitor: Visitor, granting: Granting, manager: Known, change: str
) -> None:
    visitor.ask()
    visitor.sign_in(manager)
    visitor.post(answer="allow")
    tokens = said(granting.exchange(visitor.told["code"]))
    granting.rows(CHANGES[change], granting.client)
    visitor.ask(prompt="none")
    assert visitor.told["error"] == "consent_required"
    visitor.ask()
    assert visitor.steps[-1] == "/sign-in/allow"
    visitor.post(answer="allow")
    assert "code" in visitor.told
    visitor.ask(prompt="none")
    assert "code" in visitor.told
    form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    answer = granting.post([*form.items(), ("client_id", str(granting.client))])
    assert (answer.status, said(answer)["scope"]) == (200, tokens["scope"])


def test_what_is_allowed_is_what_was_shown(visitor: Visitor, granting: Granting, manager: Known) -> None:
    visitor.ask()
    visitor.sign_in(manager)
    granting.rows(CHANGES["its name"], granting.client)
    visitor.post(answer="allow")
    assert visitor.page.status_code == 403
    assert granting.rows("select count(*) from sec.consents where person_id = %s", manager.id) == [(0,)]


def test_a_client_that_wants_no_page_is_told_what_is_missing(
    visitor: Visitor, granting: Granting, manager: Known
) -> None:
    visitor.ask(prompt="none")
    assert visitor.told == {"error": "login_required", "state": "state", "iss": ISSUER}
    assert "set-cookie" not in visitor.page.headers
    visitor.ask()
    visitor.post(email=manager.email, password=manager.password)
    visitor.ask(prompt="none")
    assert visitor.told["error"] == "login_required"
    visitor.ask()
    visitor.post(code=manager.code())
    visitor.ask(prompt="none")
    assert visitor.told["error"] == "consent_required"
    visitor.ask()
    visitor.post(answer="allow")
    visitor.ask(prompt="none")
    assert "code" in visitor.told
    add_membership(granting, manager.id, "cbo-a", Role.COUNSELLOR)
    visitor.ask(prompt="none")
    assert visitor.told["error"] == "interaction_required"


def test_whoever_has_several_memberships_chooses_one_and_goes_on_in_it_alone(
    visitor: Visitor, granting: Granting, manager: Known
) -> None:
    serve_everybody(granting)
    membership = add_membership(granting, manager.id, "cbo-b", Role.COUNSELLOR)
    visitor.ask()
    visitor.sign_in(manager)
    assert visitor.read.text.count("CBO-") == 2
    visitor.post(membership=str(membership))
    assert "You go on at CBO-B, as: Counsellor." in visitor.read.text
    visitor.post(answer="allow")
    principal = granting.principal(said(granting.exchange(visitor.told["code"])))
    assert (principal.organisation, principal.role) == (granting.wall.organisation("cbo-b"), Role.COUNSELLOR)


def test_a_client_of_one_organisation_offers_no_membership_of_another(
    visitor: Visitor, granting: Granting, manager: Known
) -> None:
    elsewhere = add_membership(granting, manager.id, "cbo-b", Role.COUNSELLOR)
    here = add_membership(granting, manager.id, "cbo-a", Role.COUNSELLOR)
    visitor.ask()
    visitor.sign_in(manager)
    assert "CBO-B" not in visitor.page.text
    visitor.post(membership=str(elsewhere))
    assert visitor.steps[-1] == "/sign-in/as"
    visitor.post(membership=str(here))
    assert visitor.steps[-1] == "/sign-in/allow"


def test_what_was_allowed_for_one_membership_is_not_for_another_that_was_chosen_meanwhile(
    visitor: Visitor, granting: Granting, manager: Known
) -> None:
    first = granting.who.membership
    second = add_membership(granting, manager.id, "cbo-a", Role.COUNSELLOR)
    visitor.ask()
    visitor.sign_in(manager)
    visitor.post(membership=str(first))
    page = visitor.page
    (address,) = [a["href"] for a in visitor.read.named("a") if "/sign-in/as" in str(a["href"])]
    visitor.get(str(address))
    visitor.post(membership=str(second))
    assert "Counsellor" in visitor.read.text
    visitor.page = page
    visitor.post(answer="allow")
    assert visitor.page.status_code == 403
    assert granting.rows("select count(*) from sec.consents where person_id = %s", manager.id) == [(0,)]


@pytest.mark.parametrize("press", ["allow", "deny", "anything"])
def test_a_membership_that_ends_before_it_is_allowed_is_denied(
    visitor: Visitor, granting: Granting, manager: Known, press: str
) -> None:
    add_membership(granting, manager.id, "cbo-a", Role.COUNSELLOR)
    visitor.ask()
    visitor.sign_in(manager)
    visitor.post(membership=str(granting.who.membership))
    granting.rows("update app.memberships set ended_at = now() where id = %s", granting.who.membership)
    visitor.post(answer=press)
    assert visitor.told == {"error": "access_denied", "state": "state", "iss": ISSUER}


def test_what_was_allowed_for_her_only_membership_is_not_for_one_that_took_its_place(
    visitor: Visitor, granting: Granting, manager: Known
) -> None:
    visitor.ask()
    visitor.sign_in(manager)
    granting.rows("update app.memberships set ended_at = now() where id = %s", granting.who.membership)
    add_membership(granting, manager.id, "cbo-a", Role.COUNSELLOR)
    visitor.post(answer="allow")
    assert visitor.told["error"] == "access_denied"


def test_whoever_does_not_allow_it_is_sent_back_without_a_code(visitor: Visitor, manager: Known) -> None:
    visitor.ask()
    visitor.sign_in(manager)
    page = visitor.page
    visitor.post(answer="deny")
    assert visitor.told == {"error": "access_denied", "state": "state", "iss": ISSUER}
    visitor.page = page
    visitor.post(answer="allow")
    assert visitor.page.status_code == 404


def test_an_answer_that_is_neither_shows_the_page_again(visitor: Visitor, manager: Known) -> None:
    visitor.ask()
    visitor.sign_in(manager)
    visitor.post(answer="perhaps")
    assert visitor.page.status_code == 200
    assert visitor.steps[-1] == "/sign-in/allow"


def test_whoever_belongs_nowhere_that_the_client_serves_is_told_and_led_back(
    visitor: Visitor, granting: Granting, manager: Known
) -> None:
    granting.client = granting.put_client("cbo-b")
    visitor.ask()
    visitor.sign_in(manager)
    assert visitor.read.heading == "You cannot go on here"
    visitor.post(answer="deny")
    assert visitor.told["error"] == "access_denied"


def test_a_role_that_needs_a_second_factor_is_closed_to_whoever_has_none(
    visitor: Visitor, granting: Granting
) -> None:
    worker = know(granting, granting.wall.member("cbo-a", Role.COUNSELLOR).person, has_generator=False)
    visitor.ask()
    visitor.sign_in(worker)
    assert visitor.read.heading == "You need a code as well"
    visitor.post(answer="allow")
    assert visitor.steps[-1] == "/sign-in/as"
    visitor.post(answer="deny")
    assert visitor.told["error"] == "access_denied"


def test_survivors_need_a_password_alone_and_are_not_kept_signed_in(
    visitor: Visitor, granting: Granting
) -> None:
    survivor = know(granting, granting.wall.member("cbo-a", Role.SURVIVOR).person, has_generator=False)
    visitor.ask()
    visitor.sign_in(survivor)
    assert "as: Member, for yourself" in visitor.read.text
    visitor.post(answer="allow")
    code = visitor.told["code"]
    visitor.ask()
    assert visitor.steps[-1] == "/sign-in"
    tokens = said(granting.exchange(code))
    assert granting.principal(tokens).acr == "1"
    assert "refresh_token" not in tokens


def test_a_client_that_demands_two_factors_gets_nobody_who_has_one(
    visitor: Visitor, granting: Granting
) -> None:
    survivor = know(granting, granting.wall.member("cbo-a", Role.SURVIVOR).person, has_generator=False)
    visitor.ask(acr_values="2")
    visitor.sign_in(survivor)
    assert visitor.read.heading == "You need a code as well"


def test_a_client_may_ask_to_have_her_sign_in_anew(
    visitor: Visitor, granting: Granting, manager: Known
) -> None:
    visitor.ask()
    visitor.sign_in(manager)
    visitor.post(answer="allow")
    questions: list[dict[str, str | None]] = [{"prompt": "login"}, {"max_age": "0"}, {"max_age": "60"}]
    for question in questions:
        granting.clock.pass_by(seconds=90)
        visitor.ask(**question)
        assert visitor.steps[-1] == "/sign-in", question
        visitor.sign_in(manager)
        assert "code" in visitor.told
    visitor.ask(max_age="60")
    assert "code" in visitor.told


def test_nobody_stays_signed_in_longer_than_a_shift_nor_by_a_password_alone(
    visitor: Visitor, granting: Granting, manager: Known
) -> None:
    visitor.ask()
    visitor.post(email=manager.email, password=manager.password)
    granting.clock.pass_by(minutes=29)
    visitor.ask()
    assert visitor.steps[-1] == "/sign-in/code"
    granting.clock.pass_by(minutes=1)
    visitor.ask()
    assert visitor.steps[-1] == "/sign-in"
    visitor.sign_in(manager)
    visitor.post(answer="allow")
    granting.clock.pass_by(hours=11, minutes=58)
    visitor.ask()
    assert "code" in visitor.told
    granting.clock.pass_by(minutes=2)
    secret = visitor.secret
    visitor.ask()
    assert visitor.steps[-1] == "/sign-in"
    assert visitor.secret != secret


def test_a_page_whose_time_has_not_come_leads_to_the_one_whose_has(
    visitor: Visitor, granting: Granting, manager: Known
) -> None:
    visitor.ask()
    query = visitor.page.request.url.query.decode()
    for path in ALL:
        assert visitor.get(f"{path}?{query}").request.url.path == "/sign-in"
    visitor.post(email=manager.email, password=manager.password)
    for path in ALL[1:]:
        assert visitor.get(f"{path}?{query}").request.url.path == "/sign-in/code"
    visitor.post(code=manager.code())
    for path in ALL[1:]:
        assert visitor.get(f"{path}?{query}").request.url.path == "/sign-in/allow"
    assert visitor.get(f"/sign-in?{query}").request.url.path == "/sign-in"


def test_a_recovery_code_does_for_a_generator_once(
    visitor: Visitor, granting: Granting, manager: Known
) -> None:
    for expected in ("/sign-in/allow", "/sign-in/code"):
        granting.clock.pass_by(seconds=1)
        visitor.ask(prompt="login")
        visitor.post(email=manager.email, password=manager.password)
        visitor.post(form=1, recovery=manager.recovery_codes[0])
        assert visitor.steps[-1] == expected
    assert visitor.page.status_code == 400
    assert "open" in visitor.read.named("details")[0]


def test_somebody_else_who_signs_in_starts_with_nothing_of_who_was_here(
    visitor: Visitor, granting: Granting, manager: Known
) -> None:
    worker = know(granting, granting.wall.member("cbo-a", Role.COUNSELLOR).person)
    visitor.ask()
    visitor.sign_in(manager)
    visitor.get(f"/sign-in?{visitor.page.request.url.query.decode()}")
    visitor.post(email=worker.email, password=worker.password)
    assert visitor.steps[-1] == "/sign-in/code"
    visitor.post(code=manager.code())
    assert visitor.page.status_code == 400
    visitor.post(code=worker.code())
    # The membership was chosen when the other one was here.
    assert visitor.told["error"] == "access_denied"


def test_a_client_that_is_disabled_meanwhile_gets_nobody(
    visitor: Visitor, granting: Granting, manager: Known
) -> None:
    visitor.ask()
    visitor.post(email=manager.email, password=manager.password)
    granting.rows("update app.clients set disabled_at = now() where id = %s", granting.client)
    visitor.post(code=manager.code())
    assert (visitor.page.status_code, visitor.read.heading) == (400, "This link does not work")


def test_a_client_that_may_do_less_meanwhile_is_told_so(
    visitor: Visitor, granting: Granting, manager: Known
) -> None:
    visitor.ask(scope="openid identity")
    granting.rows("update app.clients set scopes = array['cases'] where id = %s", granting.client)
    visitor.post(email=manager.email, password=manager.password)
    assert visitor.told["error"] == "invalid_scope"


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": NOWHERE},
        {"client_id": "a"},
        {"client_id": None},
        {"redirect_uri": "https://client.example/back/"},
        {"redirect_uri": "https://evil.example/"},
        {"redirect_uri": None},
        {"state": "é"},
    ],
)
def test_nobody_is_sent_to_an_address_that_is_not_the_clients(
    visitor: Visitor, changes: dict[str, str | None]
) -> None:
    visitor.ask(**changes)
    assert visitor.page.status_code == 400
    assert visitor.read.heading == "This link does not work"
    assert "evil" not in visitor.page.text.split("</main>")[0]
    assert "set-cookie" not in visitor.page.headers


def test_a_question_that_would_not_fit_its_page_is_refused(visitor: Visitor) -> None:
    # Each of its characters takes three once it is written again.
    visitor.get(
        f"/oauth/authorize?{'&'.join(f'{n}={v}' for n, v in visitor.granting.question())}&x={'/' * 3000}"
    )
    assert visitor.page.status_code == 400


def test_two_forms_sent_at_once_are_one_sign_in(visitor: Visitor, granting: Granting, manager: Known) -> None:
    visitor.ask()
    with granting.connections.transaction() as connection:
        keep_first(connection, granting.service, visitor.secret, manager.id, Method.PASSWORD)
    visitor.post(email=manager.email, password=manager.password)
    assert visitor.page.status_code == 404


def test_somebody_who_comes_for_a_page_of_ours_is_led_there_when_she_has_signed_in(
    visitor: Visitor, manager: Known
) -> None:
    visitor.get("/sign-in?to=invitation")
    assert visitor.read.heading == "Sign in"
    visitor.post(email=manager.email, password=manager.password)
    visitor.post(code=manager.code())
    assert visitor.steps[-1] == "/invitation"


@pytest.mark.parametrize(
    "query", ["", "?to=https://evil.example", "?to=", "?ask=", "?ask=1", f"?ask={UUID(int=4)}"]
)
@pytest.mark.parametrize("path", ALL)
def test_without_something_to_sign_in_for_there_is_no_page(visitor: Visitor, path: str, query: str) -> None:
    visitor.get(path + query)
    assert (visitor.page.status_code, visitor.read.heading) == (404, "This page is too old")
