"""A server that is killed while a receiver writes about a referral: said again, it is there once, with its event."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest
from tests.server.conftest import Act, Network, free_port, uuid_in
from tests.server.mortal import Mortal
from tests.server.sharing import Sharing, do
from tests.support.waiting import PATIENCE_SECONDS, wait_until

from pat_platform.database.logins import login_name


@pytest.fixture
def mortal(network: Network, tmp_path: Path) -> Iterator[Mortal]:
    made = Mortal(network, tmp_path, f"http://127.0.0.1:{free_port()}")
    made.start()
    yield made
    made.kill()


@pytest.mark.slow
def test_what_a_killed_server_was_writing_is_there_once_when_it_is_said_again(
    network: Network, act_as: Act, mortal: Mortal
) -> None:
    sharing = Sharing(network, act_as)
    received = sharing.received(sharing.sent(sharing.agreed()))
    day = (date.today() + timedelta(days=9)).isoformat()
    writes: tuple[tuple[str, str, dict[str, Any]], ...] = (
        ("answerReferral", "referral.answered", {"id": received, "answer": "ACCEPTED"}),
        (
            "reportHearing",
            "referral.hearing_reported",
            {"referralId": received, "heldOn": day, "mode": "VIDEO"},
        ),
    )
    waiting = "select count(*) from pg_stat_activity where usename = %s and wait_event_type = 'Lock'"
    told = "select count(*) from trail.events where action = %s and %s = any(subjects)"
    with httpx.Client(base_url=mortal.url, timeout=PATIENCE_SECONDS) as client:
        worker = replace(sharing.worker, client=client)
        principal = worker.principal
        login = login_name(principal.organisation, principal.role)
        for mutation, action, given in writes:
            once = {**given, "clientMutationId": str(uuid4())}
            with ThreadPoolExecutor(1) as clients, psycopg.connect(network.admin_url) as admin:
                head = "select 1 from trail.heads where organisation_id = %s for update"
                admin.execute(head.encode(), (principal.organisation,))
                asked = clients.submit(do, worker, mutation, **once)
                wait_until(lambda: network.rows(waiting, login) == [(1,)])
                mortal.kill()
                with pytest.raises(httpx.TransportError):
                    asked.result()
            mortal.start()
            answers = [do(worker, mutation, **once) for _ in range(2)]
            assert answers[0] == answers[1]
            assert answers[0]["status"] == "ACCEPTED"
            assert network.rows(told, action, uuid_in(received)) == [(1,)]
    for table in ("referral_answers", "referral_hearings"):
        stored = f"select count(*) from app.{table} where referral_id = %s"
        assert network.rows(stored, uuid_in(received)) == [(1,)]
