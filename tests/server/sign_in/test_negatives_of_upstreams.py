"""What abuse of organisations' own providers gets: each attack is refused, and would succeed without the one guard."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from starlette.applications import Starlette
from tests.server.sign_in.attacks.on_upstreams import ATTACKS, Attack, Scene
from tests.server.sign_in.attacks.scene import ACCEPTED
from tests.support.cutting import cut
from tests.support.granting import Granting
from tests.support.provider import beside_a_provider, providing, put_link, register
from tests.support.proving import ISSUER
from tests.support.visiting import Visitor, Within, know

from pat_server.sign_in.routes import sign_in_routes


@pytest.fixture
def scene(granting: Granting) -> Iterator[Scene]:
    app = Starlette(routes=sign_in_routes(beside_a_provider(granting).service))
    with (
        httpx.Client(transport=Within(app), base_url=ISSUER) as http,
        httpx.Client(transport=Within(app), base_url=ISSUER) as other,
        providing(lambda: granting.clock().timestamp()) as provider,
    ):
        upstream = register(granting, provider)
        put_link(granting.connections.connection, upstream, know(granting, granting.who.person).id)
        yield Scene(granting, provider, upstream, Visitor(http, granting), Visitor(other, granting))


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_it_is_refused_and_by_this_guard(
    scene: Scene, attack: Attack, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = scene.granting.connections.connection
    with connection.transaction(force_rollback=True):
        assert attack.outcome(scene) == attack.is_refused_with
    scene.visitor.http.cookies.clear()
    scene.stranger.http.cookies.clear()
    # Half a minute passes, in which a provider that failed is not asked anew.
    scene.granting.service.providers._failed.clear()

    cut(attack.guard, monkeypatch, connection)

    assert attack.outcome(scene) == ACCEPTED


def test_without_an_attack_she_is_signed_in(scene: Scene) -> None:
    assert scene.way.sign_in().request.url.path == "/sign-in/code"


def test_no_two_are_the_same() -> None:
    assert len({attack.name for attack in ATTACKS}) == len(ATTACKS) >= 30
