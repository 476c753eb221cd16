"""How long it takes to ask for a new password tells nobody who there is."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from uuid import uuid4

import pytest
from tests.auth.issuer.test_proving import far_away
from tests.support.proving import Proving

from pat_auth.issuer.resets import ask_reset
from pat_auth.mails.letters import MailLanguage


@pytest.fixture(autouse=True)
def _nothing_stays(proving: Proving) -> Iterator[None]:
    yield
    proving.wall.admin.execute("delete from sec.resets where key <> 'key'")
    proving.wall.admin.execute("delete from sec.mails where next_at > now() or expires_at > now()")


def test_nobody_can_tell_by_the_time_who_there_is(proving: Proving) -> None:
    both = [proving.put().email, f"{uuid4()}@people.example"]
    took: dict[str, list[float]] = {email: [] for email in both}
    for number in range(150):
        # Whatever else this machine does, it does to either as often.
        for email in both if number % 2 else both[::-1]:
            start = time.perf_counter()
            ask_reset(proving.service, email=email, address=far_away(number), language=MailLanguage.EN)
            took[email].append(time.perf_counter() - start)
            proving.clock.pass_by(hours=6)
    known, unknown = (statistics.median(times) for times in took.values())
    assert 0.85 < known / unknown < 1.15
