"""What abuse gets: each attack is refused, and would succeed without the one guard that it is there to show."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from starlette.applications import Starlette
from tests.server.sign_in.attacks import (
    on_access_tokens,
    on_clients,
    on_codes,
    on_pages,
    on_passwords,
    on_questions,
    on_sessions,
)
from tests.server.sign_in.attacks.scene import ACCEPTED, Attack, Scene
from tests.support.cutting import cut
from tests.support.granting import Granting
from tests.support.proving import ISSUER
from tests.support.visiting import Within

from pat_server.sign_in.routes import sign_in_routes

ATTACKS = (
    *on_access_tokens.ATTACKS,
    *on_questions.ATTACKS,
    *on_pages.ATTACKS,
    *on_passwords.ATTACKS,
    *on_codes.ATTACKS,
    *on_clients.ATTACKS,
    *on_sessions.ATTACKS,
)


@pytest.fixture
def scene(granting: Granting) -> Iterator[Scene]:
    app = Starlette(routes=sign_in_routes(granting.service))
    with (
        httpx.Client(transport=Within(app), base_url=ISSUER) as http,
        httpx.Client(transport=Within(app), base_url=ISSUER) as other,
    ):
        yield Scene(granting, http, other)


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_it_is_refused_and_by_this_guard(
    scene: Scene, attack: Attack, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = scene.granting.connections.connection
    with connection.transaction(force_rollback=True):
        assert attack.outcome(scene) == attack.is_refused_with
    scene.http.cookies.clear()
    scene.other.cookies.clear()

    cut(attack.guard, monkeypatch, connection)

    assert attack.outcome(scene) == ACCEPTED


def test_there_are_sixty_at_least_and_no_two_are_the_same() -> None:
    assert len({attack.name for attack in ATTACKS}) == len(ATTACKS) >= 60
