"""Whoever removes or renews what she proves herself with at her account signs out whoever has it, at once."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

import pytest
from tests.server.sign_in.test_account import begin_generator, ended, granted, press
from tests.server.sign_in.test_passkeys import add
from tests.support.granting import Granting
from tests.support.provider import Provider, Way, beside_a_provider, providing, put_link, register
from tests.support.visiting import Known, Visitor

from pat_auth.issuer.totp import present_code

REASONS = {
    "passkey": "passkey removed",
    "codes": "recovery codes renewed",
    "generator": "generator renewed",
}


@pytest.fixture
def granting(granting: Granting) -> Granting:
    return beside_a_provider(granting)


@pytest.fixture
def provider(granting: Granting) -> Iterator[Provider]:
    with providing(lambda: granting.clock().timestamp()) as made:
        yield made


def renew(hers: Visitor, granting: Granting, what: str) -> None:
    """Do it at her account, which is open."""
    if what == "passkey":
        press(hers, "/account/passkey/end")
    elif what == "codes":
        press(hers, "/account/codes")
    else:
        secret = begin_generator(hers)
        granting.clock.pass_by(seconds=30)
        hers.post(code=present_code(secret, granting.clock()))


def is_in(visitor: Visitor) -> bool:
    visitor.get("/account")
    return visitor.page.request.url.path == "/account"


@pytest.mark.parametrize("what", REASONS)
def test_whoever_has_what_counts_no_more_is_out(
    visitor: Visitor, other: Visitor, granting: Granting, manager: Known, what: str
) -> None:
    here, there = granted(visitor, granting, manager), granted(other, granting, manager)
    assert is_in(other)
    visitor.get("/account")
    assert "you are signed out everywhere else" in visitor.read.text
    add(visitor)
    renew(visitor, granting, what)
    assert (ended(granting, here), ended(granting, there)) == (None, REASONS[what])
    assert (is_in(visitor), is_in(other)) == (True, False)


def test_what_was_not_removed_signs_nobody_out(
    visitor: Visitor, other: Visitor, granting: Granting, manager: Known
) -> None:
    there = granted(other, granting, manager)
    granted(visitor, granting, manager)
    visitor.get("/account")
    add(visitor)
    granting.rows("update sec.passkeys set ended_at = now()")
    press(visitor, "/account/passkey/end")
    assert ended(granting, there) is None
    assert is_in(other)


def through(visitor: Visitor, granting: Granting, way: Way, who: Known) -> UUID:
    """A session that she opens through the provider."""
    way.sign_in()
    visitor.post(code=who.code())
    visitor.post(answer="allow")
    assert granting.exchange(visitor.told["code"]).status == 200
    ((session,),) = granting.rows("select id from sec.sessions order by created_at desc limit 1")
    assert isinstance(session, UUID)
    return session


def test_what_was_opened_through_a_provider_ends_with_the_link_here_too(
    visitor: Visitor, other: Visitor, granting: Granting, provider: Provider, manager: Known
) -> None:
    upstream = register(granting, provider)
    put_link(granting.connections.connection, upstream, manager.id)
    here = through(visitor, granting, Way(visitor, provider, upstream), manager)
    granting.clock.pass_by(seconds=30)
    there = granted(other, granting, manager)
    granting.clock.pass_by(seconds=30)
    visitor.get("/account")
    visitor.sign_in(manager)
    press(visitor, "/account/upstream/end")
    assert granting.rows("select 1 from sec.upstream_identities where ended_at is null") == []
    assert (ended(granting, here), ended(granting, there)) == ("provider removed", "provider removed")
    assert (is_in(visitor), is_in(other)) == (True, False)
