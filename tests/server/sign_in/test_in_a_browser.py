"""Signing in with Chromium: on a phone, without scripts, by keyboard, in three languages, and back to a client elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import parse_qs, urlencode, urlsplit
from uuid import UUID

import httpx
import psycopg
import pytest
from playwright.sync_api import Browser, expect
from tests.server.conftest import Network
from tests.support.browsing import PHONE, Elsewhere, Screen, browsing, elsewhere, picture
from tests.support.granting import VERIFIER, challenge_of
from tests.support.issuing import put_client, put_invitation, put_membership
from tests.support.proving import PASSWORD

from pat_auth.clients.models import Serves
from pat_auth.issuer.passwords import hash_password, set_password
from pat_auth.issuer.service import Service
from pat_auth.issuer.taking_up import new_token
from pat_auth.issuer.totp import new_secret, present_code, put_factor
from pat_auth.policy import Role
from pat_server.assembly import assemble

pytestmark = pytest.mark.slow

MANAGER = "manager@cbo-a.example"
LANGUAGES = {
    "en": ("Sign in", "Continue", "Allow", "Choose your organisation"),
    "bn": ("সাইন ইন করুন", "এগিয়ে যান", "অনুমতি দিন", "আপনার সংস্থা বেছে নিন"),
    "hi": ("साइन इन करें", "आगे बढ़ें", "अनुमति दें", "अपनी संस्था चुनें"),
}


@dataclass
class Site:
    """The server, a client of the network's, and the manager of cbo-a, who is a counsellor of cbo-b besides."""

    origin: str
    back: str
    client: UUID
    secret: str
    service: Service
    used: set[str] = field(default_factory=set)

    def question(self, **changes: str) -> str:
        sent = {
            "response_type": "code",
            "client_id": str(self.client),
            "redirect_uri": self.back,
            "scope": "openid cases",
            "state": "state",
            "code_challenge": challenge_of(VERIFIER),
            "code_challenge_method": "S256",
            **changes,
        }
        return f"{self.origin}/oauth/authorize?{urlencode(sent)}"

    def code(self) -> str:
        """What the generator shows. Each code counts once: the ones beside it count too."""
        now = self.service.clock()
        for seconds in (-30, 0, 30):
            code = present_code(self.secret, now + timedelta(seconds=seconds))
            if code not in self.used:
                self.used.add(code)
                return code
        pytest.fail("all codes of this minute are used")


@pytest.fixture(scope="module")
def site(network: Network, server: str) -> Iterator[Site]:
    service = assemble(network.settings).issuer
    ((person, organisation),) = network.rows(
        "select p.id, m.organisation_id from sec.people p join app.memberships m on m.person_id = p.id where p.email = %s",
        MANAGER,
    )
    ((other,),) = network.rows("select id from app.organisations where slug = 'cbo-b'")
    secret, hashed = new_secret(), hash_password(service, PASSWORD)
    with elsewhere() as origin:
        back = f"{origin}/back"
        with psycopg.connect(network.admin_url) as admin:
            client = put_client(
                admin, organisation, redirect_uris=(back,), serves=Serves.NETWORK, name="Field notes"
            )
            membership = put_membership(admin, person, other, Role.COUNSELLOR)
        with service.connections.transaction() as connection:
            set_password(connection, service, person, hashed)
            put_factor(connection, service, person, secret, step=0)
        yield Site(server, back, client, secret, service)
    service.connections.close()
    # Others ask as the same manager, and expect her in one place alone.
    network.rows("delete from sec.sessions where membership_id = %s", membership)
    network.rows("delete from app.memberships where id = %s", membership)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with browsing() as running:
        yield running


@pytest.fixture
def phone(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Screen]:
    """A phone whose browser runs no script."""
    language = getattr(request, "param", "en")
    context = browser.new_context(viewport=PHONE, locale=language, java_script_enabled=False, has_touch=True)
    phone = Screen(context.new_page(), language)
    yield phone
    context.close()
    # The browser notes every page whose status says that something was wrong, and nothing else.
    assert all("the server responded with a status of 400" in each for each in phone.complaints)


@pytest.mark.parametrize("phone", LANGUAGES, indirect=True)
def test_somebody_signs_in_on_a_phone_and_is_back_at_her_client(phone: Screen, site: Site) -> None:
    title, go_on, allow, choose = LANGUAGES[phone.language]
    page = phone.page
    page.goto(site.question(prompt="consent"))
    expect(page.get_by_role("heading", level=1)).to_have_text(title)
    phone.look("1-sign-in")
    page.locator("#email").fill(MANAGER)
    page.locator("#password").fill("not her password")
    phone.press(go_on)
    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.locator("#password")).to_be_focused()
    phone.look("2-sign-in-again")
    page.locator("#password").fill(PASSWORD)
    phone.press(go_on)
    expect(page.locator("#code")).to_be_focused()
    phone.look("3-code")
    page.locator("summary").click()
    phone.look("4-recovery")
    page.locator("#code").fill(site.code())
    phone.press(go_on)
    expect(page.get_by_role("heading", level=1)).to_have_text(choose)
    phone.look("5-organisation")
    page.locator("button.choice").first.click()
    phone.look("6-consent")
    phone.press(allow)
    expect(page).to_have_title("Back")
    told = parse_qs(urlsplit(page.url).query)
    assert told["iss"] == [site.origin]
    tokens = httpx.post(
        f"{site.origin}/oauth/token",
        data={
            "grant_type": "authorization_code",
            "client_id": str(site.client),
            "redirect_uri": site.back,
            "code": told["code"][0],
            "code_verifier": VERIFIER,
        },
    )
    assert tokens.status_code == 200, tokens.text
    answer = httpx.post(
        f"{site.origin}/graphql",
        json={"query": "{ me { role } }"},
        headers={"authorization": f"Bearer {tokens.json()['access_token']}"},
    )
    assert answer.json()["data"]["me"]["role"] in ("CASE_MANAGER", "COUNSELLOR")


def test_the_keyboard_is_enough(phone: Screen, site: Site) -> None:
    page = phone.page
    page.goto(site.question())
    page.keyboard.press("Tab")
    expect(page.locator("#email")).to_be_focused()
    page.keyboard.type(MANAGER)
    page.keyboard.press("Tab")
    expect(page.locator("#password")).to_be_focused()
    page.keyboard.type("not her password")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Continue")).to_be_focused()
    outline = page.get_by_role("button", name="Continue").evaluate("b => getComputedStyle(b).outlineWidth")
    assert outline == "3px"
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_be_visible()
    page.keyboard.press("Shift+Tab")
    expect(page.locator("#email")).to_have_value(MANAGER)
    expect(page.locator("#email")).to_be_focused()


def test_another_language_is_one_link_away_and_stays(phone: Screen, site: Site) -> None:
    page = phone.page
    page.goto(site.question())
    page.get_by_role("link", name="हिन्दी").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("साइन इन करें")
    page.goto(site.question())
    expect(page.get_by_role("heading", level=1)).to_have_text("साइन इन करें")


def test_a_form_of_another_site_signs_nobody_in(phone: Screen, site: Site) -> None:
    page = phone.page
    page.goto(site.question())
    Elsewhere.harm = (
        f'<form method="post" action="{page.url}"><input name="email" value="{MANAGER}">'
        f'<input name="password" value="{PASSWORD}"><button>Win</button></form>'
    )
    page.goto(site.back.replace("/back", "/harm"))
    page.get_by_role("button", name="Win").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("This page is too old")
    phone.complaints.clear()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_as_light_or_dark_as_she_likes(browser: Browser, site: Site, scheme: str) -> None:
    context = browser.new_context(viewport={"width": 360, "height": 740}, color_scheme=scheme)  # type: ignore[arg-type]  # one of two
    page = context.new_page()
    page.goto(site.question())
    shade = page.locator("body").evaluate("body => getComputedStyle(body).backgroundColor")
    assert shade == {"light": "rgb(255, 255, 255)", "dark": "rgb(21, 22, 26)"}[scheme]
    picture(page, f"7-{scheme}")
    context.close()


INVITED = {
    "en": ("Choose a password", "Continue", "You have joined"),
    "bn": ("একটি পাসওয়ার্ড বেছে নিন", "এগিয়ে যান", "আপনি যোগ দিয়েছেন"),
    "hi": ("एक पासवर्ड चुनें", "आगे बढ़ें", "अब आप सदस्य हैं"),
}


@pytest.mark.parametrize("phone", LANGUAGES, indirect=True)
def test_somebody_new_takes_up_her_invitation_on_a_phone(phone: Screen, site: Site, network: Network) -> None:
    choose, go_on, joined = INVITED[phone.language]
    page, token, email = phone.page, new_token(), f"new-{phone.language}@cbo-a.example"
    ((organisation,),) = network.rows("select id from app.organisations where slug = 'cbo-a'")
    with psycopg.connect(network.admin_url) as admin:
        put_invitation(admin, organisation, email, Role.COUNSELLOR, token=token.encode())
    page.goto(f"{site.origin}/invitation?token={token}")
    assert page.url == f"{site.origin}/invitation"
    expect(page.get_by_role("heading", level=1)).to_have_text(choose)
    phone.look("8-invitation")
    page.locator("#password").fill(PASSWORD)
    page.locator("#again").fill("not the same one")
    phone.press(go_on)
    expect(page.locator("#again")).to_be_focused()
    phone.look("9-invitation-again")
    page.locator("#password").fill(PASSWORD)
    page.locator("#again").fill(PASSWORD)
    phone.press(go_on)
    expect(page.get_by_role("img").locator("svg")).to_be_visible()
    page.locator("summary").click()
    phone.look("10-codes")
    secret = "".join(page.locator(".keep").inner_text().split())
    page.locator("#code").fill(present_code(secret, site.service.clock()))
    phone.press(go_on)
    expect(page.get_by_role("heading", level=1)).to_have_text(joined)
    expect(page.locator("ol.keep li")).to_have_count(10)
    phone.look("11-joined")
    taken_out = "select id from sec.people where email = %s"
    for table, column in (
        ("app.memberships", "person_id"),
        ("sec.recovery_codes", "person_id"),
        ("sec.second_factors", "person_id"),
        ("sec.secrets", "person_id"),
        ("sec.people", "id"),
    ):
        network.rows(f"delete from {table} where {column} in ({taken_out})", email)
    network.rows("delete from app.invitations where email = %s", email)
