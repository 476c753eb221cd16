"""Passkeys with Chromium on a phone: one is made, signs in alone, and after a password; in three languages."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from urllib.parse import parse_qs, urlencode, urlsplit
from uuid import UUID

import httpx
import psycopg
import pytest
from playwright.sync_api import Browser, CDPSession, expect
from tests.server.conftest import Network, serving
from tests.support.browsing import PHONE, Screen, browsing, elsewhere
from tests.support.granting import VERIFIER, challenge_of
from tests.support.issuing import put_client, put_invitation
from tests.support.proving import PASSWORD

from pat_auth.issuer.passwords import hash_password, set_password
from pat_auth.issuer.service import Service
from pat_auth.issuer.taking_up import new_token
from pat_auth.issuer.totp import new_secret, present_code, put_factor
from pat_auth.policy import Role
from pat_server.assembly import assemble

pytestmark = pytest.mark.slow

HER = "manager@cbo-b.example"
INVITED = "mina@cbo-b.example"
# In a platform's own keystore, opened with a finger.
PHONES_KEY = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}
LANGUAGES = {
    "en": ("Continue", "Add a passkey", "Sign in with a passkey", "Continue with a passkey", "Allow"),
    "bn": (
        "এগিয়ে যান",
        "পাসকি যোগ করুন",
        "পাসকি দিয়ে সাইন ইন করুন",
        "পাসকি দিয়ে এগিয়ে যান",
        "অনুমতি দিন",
    ),
    "hi": ("आगे बढ़ें", "पासकी जोड़ें", "पासकी से साइन इन करें", "पासकी से आगे बढ़ें", "अनुमति दें"),
}


@dataclass
class Site:
    """The server at a name that browsers make passkeys for, and a client of cbo-b's."""

    network: Network
    origin: str
    back: str
    client: UUID
    person: UUID
    organisation: UUID
    service: Service

    def question(self) -> str:
        sent = {
            "response_type": "code",
            "client_id": str(self.client),
            "redirect_uri": self.back,
            "scope": "openid cases",
            "prompt": "consent",
            "code_challenge": challenge_of(VERIFIER),
            "code_challenge_method": "S256",
        }
        return f"{self.origin}/oauth/authorize?{urlencode(sent)}"


@pytest.fixture(scope="module")
def site(network: Network) -> Iterator[Site]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = replace(network.settings, issuer=f"http://localhost:{port}")
    service = assemble(settings).issuer
    ((person, organisation),) = network.rows(
        "select p.id, m.organisation_id from sec.people p join app.memberships m on m.person_id = p.id where p.email = %s",
        HER,
    )
    hashed = hash_password(service, PASSWORD)
    with elsewhere() as origin, serving(settings, port):
        back = f"{origin}/back"
        with psycopg.connect(network.admin_url) as admin:
            client = put_client(admin, organisation, redirect_uris=(back,), name="Field notes")
        with service.connections.transaction() as connection:
            set_password(connection, service, person, hashed)
        yield Site(network, settings.issuer, back, client, person, organisation, service)
    service.connections.close()
    # Others ask of the same organisation, and expect its members alone, with what they had.
    for statement in (
        "delete from app.memberships where person_id in (select id from sec.people where email = %s)",
        "delete from sec.refresh_tokens where session_id in (select s.id from sec.sessions s join sec.people p"
        " on p.id = s.person_id where p.email = %s)",
        "delete from sec.sessions where person_id in (select id from sec.people where email = %s)",
    ):
        network.rows(statement, INVITED)
    for table in ("passkeys", "second_factors", "secrets"):
        network.rows(f"delete from sec.{table} where person_id = %s", person)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with browsing() as running:
        yield running


@dataclass
class Phone(Screen):
    """A phone with a key store of its own."""

    keys: CDPSession = field(kw_only=True)
    store: str = field(kw_only=True)


@pytest.fixture
def phone(browser: Browser, site: Site, request: pytest.FixtureRequest) -> Iterator[Phone]:
    language = getattr(request, "param", "en")
    context = browser.new_context(viewport=PHONE, locale=language, has_touch=True)
    page = context.new_page()
    keys = context.new_cdp_session(page)
    keys.send("WebAuthn.enable")
    store = keys.send("WebAuthn.addVirtualAuthenticator", {"options": PHONES_KEY})["authenticatorId"]
    phone = Phone(page, language, keys=keys, store=store)
    yield phone
    context.close()
    site.network.rows("update sec.passkeys set ended_at = now() where person_id = %s", site.person)
    # Neither the policy of a page nor its script is ever complained of.
    assert phone.complaints == []


def code_of(site: Site) -> str:
    """What a new generator of hers shows."""
    secret = new_secret()
    with site.service.connections.transaction() as connection:
        put_factor(connection, site.service, site.person, secret, step=0)
    return present_code(secret, site.service.clock())


def allow(phone: Phone, site: Site, button: str) -> dict[str, object]:
    """Let the client act for her; who it is then told that she is."""
    phone.press(button)
    expect(phone.page).to_have_title("Back")
    code = parse_qs(urlsplit(phone.page.url).query)["code"][0]
    sent = {
        "grant_type": "authorization_code",
        "client_id": str(site.client),
        "redirect_uri": site.back,
        "code": code,
        "code_verifier": VERIFIER,
    }
    tokens = httpx.post(f"{site.origin}/oauth/token", data=sent)
    assert tokens.status_code == 200, tokens.text
    answer = httpx.post(
        f"{site.origin}/graphql",
        json={"query": "{ me { role } }"},
        headers={"authorization": f"Bearer {tokens.json()['access_token']}"},
    )
    found: dict[str, object] = answer.json()["data"]["me"]
    return found


@pytest.mark.parametrize("phone", LANGUAGES, indirect=True)
def test_a_passkey_is_made_and_signs_in_alone_and_after_a_password(phone: Phone, site: Site) -> None:
    go_on, add, sign_in, second, button = LANGUAGES[phone.language]
    page = phone.page
    page.goto(f"{site.origin}/account")
    phone.look("passkey-1-sign-in")
    page.locator("#email").fill(HER)
    page.locator("#password").fill(PASSWORD)
    phone.press(go_on)
    page.locator("#code").fill(code_of(site))
    phone.press(go_on)
    phone.look("passkey-2-account")
    phone.press(add)
    expect(page.locator("form[action$='/passkey/end'] button")).to_have_count(1)
    phone.look("passkey-3-account-with-one")

    page.context.clear_cookies()
    page.goto(site.question())
    phone.press(sign_in)
    expect(page.locator("button[name=answer]").first).to_be_visible()
    phone.look("passkey-4-allow")
    assert allow(phone, site, button) == {"role": "CASE_MANAGER"}

    page.context.clear_cookies()
    page.goto(site.question())
    page.locator("#email").fill(HER)
    page.locator("#password").fill(PASSWORD)
    phone.press(go_on)
    expect(page.get_by_role("button", name=second, exact=True)).to_be_visible()
    phone.look("passkey-5-after-a-password")
    phone.press(second)
    assert allow(phone, site, button) == {"role": "CASE_MANAGER"}


def test_a_phone_that_sees_no_finger_is_told_so_on_the_page(phone: Phone, site: Site) -> None:
    page = phone.page
    page.goto(f"{site.origin}/account")
    page.locator("#email").fill(HER)
    page.locator("#password").fill(PASSWORD)
    phone.press("Continue")
    page.locator("#code").fill(code_of(site))
    phone.press("Continue")
    phone.press("Add a passkey")
    expect(page.locator("form[action$='/passkey/end'] button")).to_have_count(1)
    phone.keys.send("WebAuthn.setUserVerified", {"authenticatorId": phone.store, "isUserVerified": False})
    page.goto(f"{site.origin}/sign-in?to=account")
    phone.press("Sign in with a passkey")
    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.get_by_role("button", name="Sign in with a passkey")).to_be_enabled()
    phone.look("passkey-6-refused")


def test_an_invitation_is_taken_up_with_a_passkey(phone: Phone, site: Site) -> None:
    page, token = phone.page, new_token()
    with psycopg.connect(site.network.admin_url) as admin:
        put_invitation(admin, site.organisation, INVITED, Role.COUNSELLOR, token=token.encode())
    page.goto(f"{site.origin}/invitation?token={token}")
    page.locator("#password").fill(PASSWORD)
    page.locator("#again").fill(PASSWORD)
    phone.press("Continue")
    phone.look("passkey-7-invitation")
    phone.press("Use a passkey instead")
    expect(page.get_by_role("heading", level=1)).to_have_text("You have joined")
    page.goto(site.question())
    phone.press("Sign in with a passkey")
    assert allow(phone, site, "Allow") == {"role": "COUNSELLOR"}


def test_without_scripts_nothing_is_offered_that_needs_one(browser: Browser, site: Site) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(site.question())
    expect(page.get_by_role("button")).to_have_text(["Continue"])
    context.close()
