"""Browsers keep who has signed in, under a secret that changes; asks belong to one browser; consent to one membership."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from typing import Any
from uuid import uuid4

import pytest
from tests.support.granting import BACK, Granting
from tests.support.issuing import put_membership

from pat_auth.issuer.asks import LASTS, Ask, choose_membership, end_ask, find_ask, keep_ask, new_ask
from pat_auth.issuer.browsers import (
    SHIFT,
    VISIT,
    Browser,
    end_browser,
    find_browser,
    forget_person,
    keep_first,
    keep_second,
    open_browser,
)
from pat_auth.issuer.consents import allow, is_allowed
from pat_auth.issuer.members import memberships_of
from pat_auth.issuer.methods import Method
from pat_auth.issuer.standing import Strength
from pat_auth.policy import Role


def opened(granting: Granting) -> tuple[Browser, str]:
    with granting.connections.transaction() as connection:
        return open_browser(connection, granting.service)


def found(granting: Granting, secret: str | None) -> Browser | None:
    with granting.connections.transaction() as connection:
        return find_browser(connection, granting.service, secret)


def signed_in(granting: Granting, secret: str, method: Method | None = Method.OTP) -> str:
    """The secret after a password, and after a second factor, if there is one."""
    person = granting.who.person
    with granting.connections.transaction() as connection:
        first = keep_first(connection, granting.service, secret, person, Method.PASSWORD)
        assert first is not None
        if method is None:
            return first
        second = keep_second(connection, granting.service, first, person, method)
        assert second is not None
        return second


def test_a_browser_is_known_by_its_secret_of_which_only_a_hash_is_kept(granting: Granting) -> None:
    browser, secret = opened(granting)
    assert found(granting, secret) == browser
    assert len(secret) >= 43
    kept = granting.rows("select secret_hash from sec.browsers where id = %s", browser.id)
    assert kept == [(sha256(secret.encode()).digest(),)]
    for other in (None, "", secret[:-1], secret.lower()):
        assert found(granting, other) is None


def test_each_proof_gives_another_secret_and_the_one_before_is_nobodys(granting: Granting) -> None:
    browser, secret = opened(granting)
    assert browser.standing(granting.clock()) is None
    after = signed_in(granting, secret)
    assert found(granting, secret) is None
    standing = (found(granting, after) or browser).standing(granting.clock())
    assert standing is not None
    assert (standing.person, standing.browser, standing.acr) == (
        granting.who.person,
        browser.id,
        Strength.TWO,
    )
    assert standing.methods == {Method.PASSWORD, Method.OTP}
    with granting.connections.transaction() as connection:
        again = keep_first(connection, granting.service, after, granting.who.person, Method.PASSWORD)
    standing = (found(granting, again) or browser).standing(granting.clock())
    assert standing is not None
    assert standing.second_at is None
    assert standing.methods == {Method.PASSWORD}


def test_a_proof_is_kept_for_whoever_holds_the_secret_and_has_come_so_far(granting: Granting) -> None:
    browser, secret = opened(granting)
    person = granting.who.person
    with granting.connections.transaction() as connection:
        assert keep_second(connection, granting.service, secret, person, Method.OTP) is None
        assert keep_first(connection, granting.service, "another", person, Method.PASSWORD) is None
    after = signed_in(granting, secret, None)
    with granting.connections.transaction() as connection:
        assert keep_second(connection, granting.service, after, uuid4(), Method.OTP) is None
        end_browser(connection, granting.service, browser.id)
        assert keep_second(connection, granting.service, after, person, Method.OTP) is None
    assert found(granting, after) is None


@pytest.mark.parametrize(("method", "lasts"), [(None, VISIT), (Method.RECOVERY, SHIFT)])
def test_nobody_stays_signed_in_for_ever(granting: Granting, method: Method | None, lasts: timedelta) -> None:
    secret = signed_in(granting, opened(granting)[1], method)
    granting.clock.now += lasts - timedelta(seconds=1)
    browser = found(granting, secret)
    assert browser is not None
    assert browser.standing(granting.clock()) is not None
    granting.clock.pass_by(seconds=1)
    assert browser.standing(granting.clock()) is None


def test_a_browser_lasts_as_long_as_whoever_signs_in_before_it_is_worn(granting: Granting) -> None:
    browser, secret = opened(granting)
    granting.clock.now += SHIFT - timedelta(seconds=1)
    assert not browser.is_worn(granting.clock())
    secret = signed_in(granting, secret)
    granting.clock.now += SHIFT - timedelta(seconds=1)
    kept = found(granting, secret)
    assert kept is not None
    assert not kept.is_worn(granting.clock())
    granting.clock.pass_by(seconds=1)
    assert kept.is_worn(granting.clock())
    granting.clock.pass_by(hours=2)
    assert found(granting, secret) is None


def test_of_somebody_who_is_disabled_a_browser_keeps_nothing(granting: Granting) -> None:
    secret = signed_in(granting, opened(granting)[1])
    granting.rows("update sec.people set disabled_at = now() where id = %s", granting.who.person)
    browser = found(granting, secret)
    assert browser is not None
    assert (browser.person, browser.email, browser.methods) == (None, None, frozenset())


def test_somebody_is_forgotten_and_her_browser_goes_on(granting: Granting) -> None:
    browser, secret = opened(granting)
    secret = signed_in(granting, secret)
    with granting.connections.transaction() as connection:
        forget_person(connection, browser.id)
    assert found(granting, secret) == browser


def test_an_ask_is_of_one_browser_until_it_is_answered(granting: Granting) -> None:
    def find(browser: Browser) -> Ask | None:
        with granting.connections.transaction() as connection:
            return find_ask(connection, granting.service, ask=ask.id, browser=browser.id)

    browser, other = opened(granting)[0], opened(granting)[0]
    ask = new_ask(granting.service, "state=secret")
    assert "secret" not in repr(ask)
    assert find(browser) is None
    with granting.connections.transaction() as connection:
        keep_ask(connection, ask, browser=browser.id, client=granting.client)
    assert find(browser) == ask
    assert find(other) is None
    with granting.connections.transaction() as connection:
        choose_membership(connection, ask.id, granting.who.membership)
    chosen = find(browser)
    assert chosen is not None
    assert chosen.membership == granting.who.membership
    granting.clock.now += LASTS
    assert find(browser) is None
    granting.clock.now -= LASTS
    with granting.connections.transaction() as connection:
        end_ask(connection, granting.service, ask.id)
    assert find(browser) is None


def test_consent_is_for_one_client_one_membership_and_what_was_shown_last(granting: Granting) -> None:
    client = granting.wish().client
    who: Any = {"person": granting.who.person, "client": client, "membership": granting.who.membership}

    def allows(*scopes: str, **other: object) -> bool:
        with granting.connections.transaction() as connection:
            return is_allowed(connection, **{**who, **other}, scopes=frozenset(scopes))

    def agree(*scopes: str) -> None:
        with granting.connections.transaction() as connection:
            allow(connection, granting.service, **who, scopes=frozenset(scopes))

    assert not allows("cases")
    agree("cases", "identity")
    assert allows("cases", "identity")
    assert allows("cases")
    assert not allows("cases", "health")
    for name in ("person", "membership"):
        assert not allows("cases", **{name: uuid4()})
    assert not allows("cases", client=replace(client, id=uuid4()))
    agree("cases")
    assert not allows("cases", "identity")
    granting.rows("update sec.consents set withdrawn_at = now()")
    assert not allows("cases")
    agree("cases")
    assert allows("cases")


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "Another name"},
        {"redirect_uris": (BACK, "https://evil.example/back")},
        {"redirect_uris": ()},
        {"scopes": frozenset({"cases", "identity", "health"})},
        {"scopes": frozenset({"cases"})},
    ],
    ids=["name", "another address", "no address", "more", "less"],
)
def test_what_was_allowed_was_the_client_as_it_was(granting: Granting, changes: dict[str, Any]) -> None:
    client = granting.wish().client
    who = {"person": granting.who.person, "membership": granting.who.membership}
    scopes = frozenset({"cases"})
    with granting.connections.transaction() as connection:
        allow(connection, granting.service, client=client, scopes=scopes, **who)
        assert is_allowed(connection, client=client, scopes=scopes, **who)
        assert is_allowed(connection, client=replace(client, logout_uris=(BACK,)), scopes=scopes, **who)
        assert not is_allowed(connection, client=replace(client, **changes), scopes=scopes, **who)


def test_what_was_allowed_before_clients_were_remembered_is_asked_about_anew(granting: Granting) -> None:
    who = {"person": granting.who.person, "membership": granting.who.membership}
    client, scopes = granting.wish().client, frozenset({"cases"})
    with granting.connections.transaction() as connection:
        allow(connection, granting.service, client=client, scopes=scopes, **who)
    granting.rows("update sec.consents set client_hash = null")
    with granting.connections.transaction() as connection:
        assert not is_allowed(connection, client=client, scopes=scopes, **who)


def test_memberships_are_those_that_stand(granting: Granting) -> None:
    def roles() -> list[Role]:
        with granting.connections.transaction() as connection:
            return [member.role for member in memberships_of(connection, granting.who.person)]

    assert roles() == [Role.CASE_MANAGER]
    membership = put_membership(
        granting.connections.connection, granting.who.person, granting.who.organisation, Role.COUNSELLOR
    )
    assert roles() == [Role.CASE_MANAGER, Role.COUNSELLOR]
    granting.rows("update app.memberships set ended_at = now() where id = %s", membership)
    assert roles() == [Role.CASE_MANAGER]
