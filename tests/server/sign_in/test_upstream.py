"""Signing in with an organisation's own OpenID provider."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from tests.support.granting import Granting
from tests.support.issuing import put_membership
from tests.support.provider import Provider, Way, beside_a_provider, providing, put_link, register
from tests.support.visiting import Known, Visitor

from pat_auth.clients.models import Serves
from pat_auth.policy import Role

SCOPE = "openid cases"


@pytest.fixture
def granting(granting: Granting) -> Granting:
    return beside_a_provider(granting)


@pytest.fixture
def provider(granting: Granting) -> Iterator[Provider]:
    with providing(lambda: granting.clock().timestamp()) as made:
        yield made


@pytest.fixture
def way(visitor: Visitor, granting: Granting, provider: Provider, manager: Known) -> Way:
    """The manager's of cbo-a, who is known by the provider of her organisation."""
    upstream = register(granting, provider)
    put_link(granting.connections.connection, upstream, manager.id)
    return Way(visitor, provider, upstream)


def session_of(granting: Granting) -> tuple[Any, ...]:
    (row,) = granting.rows(
        "select s.person_id, s.organisation_id, s.acr, c.amr from sec.sessions s join sec.codes c on c.session_id = s.id"
        " order by s.created_at desc limit 1"
    )
    return row


def test_she_signs_in_there_and_shows_her_code_here(way: Way, granting: Granting, manager: Known) -> None:
    assert way.sign_in().request.url.path == "/sign-in/code"
    way.visitor.post(code=manager.code())
    way.visitor.post(answer="allow")
    assert granting.exchange(way.visitor.told["code"]).status == 200
    assert session_of(granting) == (manager.id, granting.who.organisation, "2", ["mfa", "otp"])
    assert way.provider.asked == ["/.well-known/openid-configuration", "/token", "/keys"]


def test_it_counts_for_both_factors_where_it_was_registered_so_and_says_so(
    way: Way, granting: Granting, manager: Known
) -> None:
    granting.rows("update sec.upstreams set counts_as_both = '{mfa,gold}' where id = %s", way.upstream)
    way.provider.claims = {"amr": ["pwd", "mfa"]}
    assert way.sign_in().request.url.path == "/sign-in/allow"
    way.visitor.post(answer="allow")
    assert granting.exchange(way.visitor.told["code"]).status == 200
    assert session_of(granting) == (manager.id, granting.who.organisation, "2", ["mfa"])


@pytest.mark.parametrize(
    "claims",
    [
        {"amr": ["pwd"], "acr": "silver"},
        {"amr": "gold"},
        {"acr": ["gold"]},
        {"acr": "gold", "auth_time": None},
    ],
)
def test_it_counts_for_one_where_it_does_not_say_so(
    way: Way, granting: Granting, claims: dict[str, Any]
) -> None:
    granting.rows("update sec.upstreams set counts_as_both = '{gold}' where id = %s", way.upstream)
    way.provider.claims = claims
    assert way.sign_in().request.url.path == "/sign-in/code"


def test_it_counts_for_one_where_it_was_not_registered_otherwise(way: Way) -> None:
    way.provider.claims = {"amr": ["mfa"], "acr": "2"}
    assert way.sign_in().request.url.path == "/sign-in/code"


@pytest.mark.parametrize("question", [{"prompt": "login"}, {"max_age": "300"}])
def test_a_client_that_asks_for_it_knows_that_she_signed_in_anew(way: Way, question: dict[str, str]) -> None:
    way.provider.claims = {"auth_time": None}
    assert way.sign_in(**question).status_code == 400
    way.provider.claims = {}
    assert way.sign_in(**question).request.url.path == "/sign-in/code"


def test_it_is_offered_by_the_programs_of_its_organisation_alone(
    visitor: Visitor, granting: Granting, provider: Provider
) -> None:
    hers, ours = register(granting, provider), register(granting, provider, "cbo-b", name="Theirs")
    for_all = register(granting, provider, "cbo-b", name="For all", serves=Serves.NETWORK)
    by_client = {
        "cbo-a": granting.client,
        "cbo-b": granting.put_client("cbo-b"),
        "network": granting.put_client("secretariat", serves=Serves.NETWORK),
    }
    offered = {}
    for name, client in by_client.items():
        visitor.ask(client_id=str(client), scope="openid")
        offered[name] = [link.partition("upstream=")[2] for link in Way(visitor, provider, hers).links()]
    assert offered == {"cbo-a": [str(hers)], "cbo-b": [str(for_all), str(ours)], "network": [str(for_all)]}


def test_a_page_of_ours_offers_none(visitor: Visitor, way: Way) -> None:
    visitor.get("/account")
    assert way.links() == []
    assert visitor.get(f"/sign-in/upstream?to=account&upstream={way.upstream}").status_code == 404


def test_it_speaks_for_its_own_organisation_alone(way: Way, granting: Granting, manager: Known) -> None:
    connection = granting.connections.connection
    put_membership(connection, manager.id, granting.wall.organisation("cbo-b"), Role.CASE_MANAGER)
    granting.rows("update sec.upstreams set serves = 'NETWORK' where id = %s", way.upstream)
    of_all = granting.put_client("secretariat", serves=Serves.NETWORK)
    granting.client = of_all
    way.visitor.ask(scope="openid")
    way.come_back(way.visitor.http.get(way.links()[0]).headers["location"])
    way.visitor.post(code=manager.code())
    # There is nothing to choose: of her two places the provider knows one.
    assert way.visitor.page.request.url.path == "/sign-in/allow"
    way.visitor.post(answer="allow")
    assert granting.exchange(way.visitor.told["code"]).status == 200
    assert session_of(granting)[1] == granting.wall.organisation("cbo-a")
    # The other organisation's program, in the same browser, asks her to sign in here.
    way.visitor.ask(scope="openid", client_id=str(granting.put_client("cbo-b")))
    assert way.visitor.page.request.url.path == "/sign-in"
    way.visitor.sign_in(manager)
    assert way.visitor.page.request.url.path == "/sign-in/allow"


def test_whoever_came_through_it_is_nobody_at_her_account(way: Way, manager: Known) -> None:
    way.sign_in()
    way.visitor.post(code=manager.code())
    way.visitor.get("/account")
    assert way.visitor.page.request.url.path == "/sign-in"
    way.visitor.sign_in(manager)
    assert way.visitor.page.request.url.path == "/account"


def test_a_subject_that_nobody_has_linked_is_nobody(way: Way, granting: Granting, manager: Known) -> None:
    # Whatever else it says of her: it may say what it likes.
    way.provider.claims = {
        "sub": "bela",
        "email": manager.email,
        "email_verified": True,
        "organisation": str(granting.who.organisation),
        "role": "organisation_admin",
    }
    page = way.sign_in()
    assert page.status_code == 400
    assert "Nobody here is known by that sign-in yet." in way.visitor.read.text
    assert granting.rows("select count(*) from sec.browsers where methods = '{UPSTREAM}'") == [(0,)]


ENDED = {
    "she was disabled": "update sec.people set disabled_at = now() where id = %(person)s",
    "she took back the link": "update sec.upstream_identities set ended_at = now() where upstream_id = %(upstream)s",
    "the provider was disabled": "update sec.upstreams set disabled_at = now() where id = %(upstream)s",
}


@pytest.mark.parametrize("reason", ENDED)
def test_it_lets_nobody_in_once(way: Way, granting: Granting, manager: Known, reason: str) -> None:
    address = way.go()
    values = {"person": manager.id, "upstream": way.upstream}
    granting.connections.connection.execute(ENDED[reason].encode(), values)
    assert way.come_back(address).status_code in (400, 404)


@pytest.mark.parametrize("reason", ENDED)
def test_nobody_stays_signed_in_once(way: Way, granting: Granting, manager: Known, reason: str) -> None:
    way.sign_in()
    way.visitor.post(code=manager.code())
    values = {"person": manager.id, "upstream": way.upstream}
    granting.connections.connection.execute(ENDED[reason].encode(), values)
    way.visitor.ask(scope=SCOPE)
    assert way.visitor.page.request.url.path == "/sign-in"


def test_whoever_left_the_organisation_has_no_place(way: Way, granting: Granting, manager: Known) -> None:
    granting.rows("update app.memberships set ended_at = now() where id = %s", granting.who.membership)
    way.sign_in()
    way.visitor.post(code=manager.code())
    assert way.visitor.read.heading == "You cannot go on here"


def test_what_did_not_work_there_is_said_and_another_way_is_open(way: Way, manager: Known) -> None:
    way.provider.back = {"error": "access_denied", "code": None}
    assert way.sign_in().status_code == 400
    assert "This did not work." in way.visitor.read.text
    assert way.visitor.sign_in(manager).request.url.path == "/sign-in/allow"


def test_a_provider_that_does_not_answer_leaves_the_other_ways_open(
    visitor: Visitor, granting: Granting, provider: Provider, manager: Known
) -> None:
    register(granting, provider)
    provider.answers["/.well-known/openid-configuration"] = (503, {}, b"")
    visitor.ask(scope=SCOPE)
    visitor.get(Way(visitor, provider, manager.id).links()[0])
    assert (visitor.page.status_code, "This did not work." in visitor.read.text) == (400, True)
    assert visitor.page.request.url.path == "/sign-in/upstream"
    assert all("/sign-in?" in str(each["href"]) for each in visitor.read.named("a") if "hreflang" in each)
    assert visitor.sign_in(manager).request.url.path == "/sign-in/allow"


@pytest.mark.parametrize("change", ["key = 2", "sealed = 'another'"])
def test_a_secret_that_was_sealed_with_another_key_sends_nobody_away(
    way: Way, granting: Granting, change: str
) -> None:
    granting.rows(f"update sec.upstreams set {change}")
    way.visitor.ask(scope=SCOPE)
    assert way.visitor.get(way.links()[0]).status_code == 400


@pytest.mark.parametrize("path", ["/sign-in/upstream/nonsense", "/sign-in/upstream/{upstream}"])
def test_whoever_was_not_sent_there_does_not_come_back(way: Way, path: str) -> None:
    assert way.visitor.get(f"{path.format(upstream=way.upstream)}?code=x&state=y").status_code == 404
    way.visitor.ask(scope=SCOPE)
    assert way.visitor.get(f"{path.format(upstream=way.upstream)}?code=x&state=y").status_code == 404


def test_nobody_is_sent_there_who_came_for_nothing(way: Way) -> None:
    assert way.visitor.get(f"/sign-in/upstream?ask=x&upstream={way.upstream}").status_code == 404


def test_a_provider_may_know_us_without_a_secret(way: Way, granting: Granting) -> None:
    granting.rows("update sec.upstreams set sealed = null")
    way.provider.is_careless = True
    assert way.sign_in().request.url.path == "/sign-in/code"


def test_whoever_comes_back_again_and_again_waits(way: Way) -> None:
    statuses = {way.visitor.get(f"/sign-in/upstream/{way.upstream}?state=y").status_code for _ in range(25)}
    assert statuses == {404, 429}


def test_an_ask_that_is_over_is_not_gone_on_with(way: Way, granting: Granting) -> None:
    address = way.go()
    granting.rows("update sec.asks set ended_at = now()")
    assert way.come_back(address).status_code == 404


def test_of_her_way_nothing_is_kept_that_opens_anything(way: Way, granting: Granting) -> None:
    address = way.go()
    kept = str(granting.rows("select * from sec.upstream_visits"))
    for value in address.partition("?")[2].split("&"):
        name, _, text = value.partition("=")
        assert name not in ("state", "nonce", "code_challenge") or text not in kept
