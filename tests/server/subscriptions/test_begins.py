"""An agreement that begins is told, although nobody writes anything in that moment."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.server.conftest import Act, Network
from tests.server.sharing import Sharing, do, organisation
from tests.server.subscriptions.conftest import CHANGED, listening


@pytest.fixture
def sharing(network: Network, act_as: Act) -> Sharing:
    return Sharing(network, act_as, number=6, to="uttar-pradesh")


@pytest.fixture
def between(sharing: Sharing) -> Iterator[str]:
    """Which agreement it is, in SQL; afterwards it holds as it did."""
    ours, theirs = (organisation(sharing.network, slug) for slug in (sharing.slug, sharing.to))
    where = f"where organisation_id = '{ours}' and partner_id = '{theirs}'"
    yield where
    sharing.network.rows(f"update app.agreements set valid_from = now() - interval '300 days' {where}")


def test_both_sides_are_told_when_an_agreement_begins(server: str, sharing: Sharing, between: str) -> None:
    referral = sharing.sent(sharing.agreed())
    received = sharing.received(referral)
    do(sharing.worker, "answerReferral", id=received, answer="ACCEPTED")
    with (
        listening(server, sharing.worker, CHANGED) as receiver,
        listening(server, sharing.manager, CHANGED) as sender,
    ):
        sharing.network.rows(
            f"update app.agreements set valid_from = clock_timestamp() + interval '2 seconds' {between}"
        )
        for socket, id in ((receiver, received), (sender, referral)):
            told = []
            while "ACCEPTED" not in told:
                change = socket.event(6)
                if change["id"] == id:
                    told.append(change["referral"]["status"])
            assert told == ["EXPIRED", "ACCEPTED"]
