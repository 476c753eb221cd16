"""An account: how somebody lets her organisation's own provider say who she is, and takes that back."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

import httpx
import pytest
from tests.support.granting import Granting
from tests.support.issuing import put_invitation, put_person
from tests.support.provider import SUBJECT, Provider, Way, beside_a_provider, providing, put_link, register
from tests.support.visiting import Known, Visitor, know

from pat_auth.policy import Role

FAILED = "This did not work."


@pytest.fixture
def granting(granting: Granting) -> Granting:
    return beside_a_provider(granting)


@pytest.fixture
def provider(granting: Granting) -> Iterator[Provider]:
    with providing(lambda: granting.clock().timestamp()) as made:
        yield made


@pytest.fixture
def upstream(granting: Granting, provider: Provider) -> UUID:
    return register(granting, provider)


@pytest.fixture
def hers(visitor: Visitor, manager: Known, upstream: UUID) -> Visitor:
    """The manager of cbo-a at her account, which knows a provider that does not know her."""
    return at_her_account(visitor, manager)


def at_her_account(visitor: Visitor, who: Known) -> Visitor:
    visitor.get("/account")
    if visitor.page.request.url.path != "/account":
        visitor.sign_in(who)
    assert visitor.page.request.url.path == "/account"
    return visitor


def ways(visitor: Visitor) -> list[str]:
    found = [str(each["href"]) for each in visitor.read.named("a")]
    return [link for link in found if link.startswith("/account/upstream?")]


def add(visitor: Visitor, provider: Provider) -> httpx.Response:
    (way,) = ways(visitor)
    return visitor.get(provider.sign_in(visitor.http.get(way).headers["location"]))


def remove(visitor: Visitor, upstream: object) -> httpx.Response:
    form = next(
        number for number, form in enumerate(visitor.read.forms) if form.action == "/account/upstream/end"
    )
    return visitor.post(form=form, upstream=str(upstream))


def linked(granting: Granting) -> list[tuple[object, ...]]:
    return granting.rows("select subject, person_id from sec.upstream_identities where ended_at is null")


def last_event(granting: Granting) -> tuple[object, ...]:
    (event,) = granting.rows(
        "select action, actor, subjects, detail::jsonb from trail.events where organisation_id = %s"
        " order by number desc limit 1",
        granting.who.organisation,
    )
    return event


def test_she_adds_it_signs_in_with_it_and_removes_it(
    hers: Visitor, other: Visitor, granting: Granting, provider: Provider, upstream: UUID, manager: Known
) -> None:
    assert add(hers, provider).request.url.path == "/account"
    assert linked(granting) == [(SUBJECT, manager.id)]
    assert last_event(granting) == ("upstream.linked", manager.id, [manager.id], {"upstream": str(upstream)})
    assert "You can sign in with Our own." in hers.read.text
    assert Way(other, provider, upstream).sign_in().request.url.path == "/sign-in/code"

    remove(hers, upstream)
    assert linked(granting) == []
    assert granting.rows(
        "select actor from trail.events where organisation_id = %s and action = 'upstream.unlinked'"
        " order by number desc limit 1",
        granting.who.organisation,
    ) == [(manager.id,)]
    assert len(ways(hers)) == 1
    other.get("/account/leave")
    assert Way(other, provider, upstream).sign_in().status_code == 400


def test_she_adds_another_in_place_of_the_one_before(
    hers: Visitor, granting: Granting, provider: Provider, upstream: UUID, manager: Known
) -> None:
    put_link(granting.connections.connection, upstream, manager.id, "before")
    with granting.connections.transaction() as connection:
        row = connection.execute(
            "select sec.link_upstream(%s, %s, %s)", (upstream, SUBJECT, manager.id)
        ).fetchone()
    assert row == (True,)
    assert linked(granting) == [(SUBJECT, manager.id)]


def test_nobody_takes_over_who_is_somebody_elses(
    hers: Visitor, granting: Granting, provider: Provider, upstream: UUID
) -> None:
    somebody = put_person(granting.connections.connection, "somebody@cbo-a.example")
    put_link(granting.connections.connection, upstream, somebody)
    assert add(hers, provider).status_code == 400
    assert FAILED in hers.read.text
    assert linked(granting) == [(SUBJECT, somebody)]
    # Once it is nobody's, it may be hers.
    granting.rows("update sec.upstream_identities set ended_at = now()")
    assert add(hers, provider).status_code == 200
    assert linked(granting) == [(SUBJECT, granting.who.person)]


def test_what_the_provider_says_wrongly_adds_nothing(
    hers: Visitor, granting: Granting, provider: Provider
) -> None:
    provider.claims = {"nonce": "another"}
    assert add(hers, provider).status_code == 400
    assert (FAILED in hers.read.text, linked(granting)) == (True, [])
    assert all(
        str(each["href"]).startswith("/account?") for each in hers.read.named("a") if "hreflang" in each
    )


@pytest.mark.parametrize("seconds", [None, 3600])
def test_nobody_is_added_who_did_not_sign_in_there_anew(
    hers: Visitor, granting: Granting, provider: Provider, seconds: int | None
) -> None:
    """Her browser may have somebody else's session there still."""
    now = int(granting.clock().timestamp())
    provider.claims = {"auth_time": None if seconds is None else now - seconds}
    assert add(hers, provider).status_code == 400
    assert (FAILED in hers.read.text, linked(granting)) == (True, [])


def test_a_provider_that_does_not_answer_adds_nothing(hers: Visitor, provider: Provider) -> None:
    provider.answers["/.well-known/openid-configuration"] = (503, {}, b"")
    hers.get(ways(hers)[0])
    assert (hers.page.status_code, FAILED in hers.read.text) == (400, True)


def test_another_organisations_is_not_shown_nor_gone_to(
    hers: Visitor, granting: Granting, provider: Provider
) -> None:
    theirs = register(granting, provider, "cbo-b", name="Theirs")
    hers.get("/account")
    (way,) = ways(hers)
    assert "Theirs" not in hers.read.text
    _, _, token = way.partition("&")
    assert hers.get(f"/account/upstream?upstream={theirs}&{token}").status_code == 404
    assert hers.get(f"/account/upstream?upstream=x&{token}").status_code == 404
    remove_form = {"upstream": str(theirs)}
    assert hers.http.post("/account/upstream/end", data=remove_form).status_code == 403


@pytest.mark.parametrize("token", ["", "&form_token=x"])
def test_nobody_else_sends_her_there(hers: Visitor, upstream: UUID, token: str) -> None:
    """Signed in there as somebody else, she would let him in here."""
    assert hers.get(f"/account/upstream?upstream={upstream}{token}").status_code == 403


def test_it_is_added_and_removed_by_whoever_proved_both_factors_lately(
    hers: Visitor, granting: Granting, provider: Provider, upstream: UUID, manager: Known
) -> None:
    (way,) = ways(hers)
    add(hers, provider)
    granting.clock.pass_by(minutes=11)
    assert remove(hers, upstream).request.url.path == "/account"
    assert linked(granting) == [(SUBJECT, manager.id)]
    granting.rows("update sec.upstream_identities set ended_at = now()")
    hers.get("/account")
    assert ways(hers) == []
    assert hers.get(way).status_code == 403


def test_whoever_has_one_factor_adds_nothing(visitor: Visitor, granting: Granting, upstream: UUID) -> None:
    granting.become("cbo-a", Role.CASE_MANAGER)
    somebody = know(granting, granting.who.person, has_generator=False)
    assert ways(at_her_account(visitor, somebody)) == []


def test_whoever_comes_back_as_somebody_else_adds_nothing(
    hers: Visitor, granting: Granting, provider: Provider
) -> None:
    address = hers.http.get(ways(hers)[0]).headers["location"]
    granting.rows(
        "update sec.browsers set person_id = %s where ended_at is null and person_id is not null",
        put_person(granting.connections.connection, "somebody@cbo-a.example"),
    )
    assert hers.get(provider.sign_in(address)).status_code == 403
    assert linked(granting) == []


def test_whoever_has_signed_out_meanwhile_adds_nothing(
    hers: Visitor, granting: Granting, provider: Provider
) -> None:
    address = hers.http.get(ways(hers)[0]).headers["location"]
    granting.rows("update sec.browsers set person_id = null, first_at = null where person_id is not null")
    hers.get(provider.sign_in(address))
    assert hers.page.request.url.path == "/sign-in"
    assert linked(granting) == []


def test_nobody_at_an_account_is_sent_there(visitor: Visitor, upstream: UUID) -> None:
    visitor.get(f"/account/upstream?upstream={upstream}")
    assert visitor.page.request.url.path == "/sign-in"


def test_what_is_not_linked_is_not_removed(
    hers: Visitor, granting: Granting, provider: Provider, upstream: UUID
) -> None:
    add(hers, provider)
    granting.rows("update sec.upstream_identities set ended_at = now()")
    assert remove(hers, upstream).request.url.path == "/account"
    hers.get("/account")
    add(hers, provider)
    assert remove(hers, "nonsense").request.url.path == "/account"
    assert len(linked(granting)) == 1


def test_whoever_has_taken_up_an_invitation_is_shown_where_to_add_it(
    visitor: Visitor, granting: Granting, manager: Known, upstream: UUID
) -> None:
    shown = []
    for token in (b"first", b"second"):
        put_invitation(
            granting.connections.connection,
            granting.who.organisation,
            manager.email,
            Role.SOCIAL_WORKER,
            token=token,
        )
        at_her_account(visitor, manager)
        visitor.get(f"/invitation?token={token.decode()}")
        visitor.post()
        assert visitor.read.heading == "You have joined"
        shown.append("To sign in with Our own from now on" in visitor.read.text)
        granting.rows("update app.memberships set ended_at = now() where role = 'social_worker'")
        granting.rows("delete from sec.upstream_identities where upstream_id = %s", upstream)
        put_link(granting.connections.connection, upstream, manager.id)
    assert shown == [True, False]


def test_whoever_came_through_it_joins_no_other_organisation(
    visitor: Visitor, granting: Granting, provider: Provider, manager: Known
) -> None:
    """Nor begins to prove herself with anything there, in the place of what she has."""
    theirs = granting.wall.organisation("cbo-b")
    put_invitation(granting.connections.connection, theirs, manager.email, Role.COUNSELLOR, token=b"token")
    upstream = register(granting, provider, counts_as_both=("mfa",))
    put_link(granting.connections.connection, upstream, manager.id)
    provider.claims = {"amr": ["mfa"]}
    Way(visitor, provider, upstream).sign_in()
    visitor.get("/invitation?token=token")
    assert "/sign-in?to=invitation" in visitor.page.text
