"""A new password by mail with Chromium: on a phone, without scripts, in three languages."""

from __future__ import annotations

from hashlib import sha256

import pytest
from playwright.sync_api import expect
from tests.server.conftest import Network
from tests.server.sign_in.test_in_a_browser import LANGUAGES, Site, browser, phone, site
from tests.support.browsing import Screen
from tests.support.proving import PASSWORD

from pat_auth.issuer.passwords import hash_password, set_password
from pat_auth.issuer.taking_up import new_token
from pat_auth.issuer.totp import new_secret, present_code, put_factor

pytestmark = pytest.mark.slow

__all__ = ["browser", "phone", "site"]
NEW = "an egret on the far bank"
SAID = {
    "en": ("I have forgotten my password", "Choose a new password", "Look into your mail"),
    "bn": ("পাসওয়ার্ড ভুলে গেছি", "নতুন পাসওয়ার্ড বেছে নিন", "আপনার ই-মেইল দেখুন"),
    "hi": ("पासवर्ड याद नहीं है", "नया पासवर्ड चुनें", "अपना ईमेल देखें"),
}


@pytest.mark.parametrize("phone", LANGUAGES, indirect=True)
def test_somebody_has_forgotten_her_password(phone: Screen, site: Site, network: Network) -> None:
    page, go_on = phone.page, LANGUAGES[phone.language][1]
    forgotten, choose, sent = SAID[phone.language]
    email, secret, service = f"forgetful-{phone.language}@cbo-a.example", new_secret(), site.service
    hashed, token = hash_password(service, PASSWORD), new_token()
    ((person,),) = network.rows(
        "insert into sec.people (id, email) values (gen_random_uuid(), %s) returning id", email
    )
    with service.connections.transaction() as connection:
        set_password(connection, service, person, hashed)
        put_factor(connection, service, person, secret, step=0)
    page.goto(site.question())
    page.get_by_role("link", name=forgotten).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(choose)
    phone.look("12-forgotten")
    page.locator("#email").fill(email)
    phone.press(go_on)
    expect(page.get_by_role("heading", level=1)).to_have_text(sent)
    phone.look("13-sent")
    # The letter may be gone: it is sent, and then nobody reads it here.
    network.rows(
        "update sec.resets set token_hash = %s where person_id = %s", sha256(token.encode()).digest(), person
    )
    page.goto(f"{site.origin}/sign-in/reset?token={token}")
    assert page.url == f"{site.origin}/sign-in/reset"
    phone.look("14-code")
    page.locator("#code").fill(present_code(secret, service.clock()))
    phone.press(go_on)
    expect(page.get_by_role("heading", level=1)).to_have_text(choose)
    phone.look("15-password")
    page.locator("#password").fill(NEW)
    page.locator("#again").fill("not the same one")
    phone.press(go_on)
    expect(page.locator("#again")).to_be_focused()
    phone.look("16-password-again")
    page.locator("#password").fill(NEW)
    page.locator("#again").fill(NEW)
    phone.press(go_on)
    expect(page.get_by_role("heading", level=1)).not_to_have_text(choose)
    phone.look("17-changed")
    assert network.rows("select used_at is not null from sec.resets where person_id = %s", person) == [
        (True,)
    ]
    for table in ("resets", "second_factors", "secrets"):
        network.rows(f"delete from sec.{table} where person_id = %s", person)
    network.rows("delete from sec.people where id = %s", person)
