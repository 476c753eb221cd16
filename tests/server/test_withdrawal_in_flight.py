"""She withdraws while her case is read, while something is written about it, and while somebody listens."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import psycopg
import pytest
from tests.server.conftest import Act, Caller, Network, uuid_in
from tests.server.sharing import SCOPES, Sharing, do
from tests.server.subscriptions.conftest import Socket, listening
from tests.server.test_hearings import proceeding
from tests.support.relaxing import Policy, Trigger, relaxed
from tests.support.waiting import wait_until

from pat_platform.database.logins import login_name, login_password

READ = (
    "query($id: ID!) { referral(id: $id) { status scopes partnerName sharedCase { pseudonym"
    " legalStatus { ... on SharedLegalStatus { proceedings { stage } } } } } }"
)
LISTEN = (
    "subscription { referralChanged { id referral { status scopes partnerName sharedCase { pseudonym } } } }"
)
TOMBSTONE: dict[str, Any] = {"status": "REVOKED", "scopes": [], "partnerName": None, "sharedCase": None}
AT_ONCE = 3.0
"""Seconds in which a withdrawal is answered although others are in the midst of something, on a busy machine."""
REPORTING = Policy("app.referral_hearings", "referral_answer_destination_worker_insert")


@dataclass
class Shared:
    """A referral that Goa has accepted, and that she may withdraw at any moment."""

    sharing: Sharing
    consent: str
    received: str
    worker: Caller
    survivor: Caller
    days: Iterator[date] = field(default_factory=lambda: (date.today() + timedelta(n) for n in range(1, 900)))

    def withdraw(self) -> float:
        """How long it took until she had her answer."""
        started = time.monotonic()
        assert do(self.survivor, "withdrawConsent", id=self.consent)["isLive"] is False
        return time.monotonic() - started

    def read(self) -> dict[str, Any]:
        answer: dict[str, Any] = self.worker.ask(READ, id=self.received)["referral"]
        return answer

    def report(self) -> dict[str, Any]:
        day = next(self.days).isoformat()
        return do(self.worker, "reportHearing", referralId=self.received, heldOn=day, mode="VIDEO")

    def reported(self) -> int:
        """Days that are stored, each with its event."""
        rows, received = self.sharing.network.rows, uuid_in(self.received)
        ((stored,),) = rows("select count(*) from app.referral_hearings where referral_id = %s", received)
        told = "select count(*) from trail.events where action = 'referral.hearing_reported' and %s = any(subjects)"
        assert rows(told, received) == [(stored,)]
        return int(stored)

    @contextmanager
    def held(self, lock: str) -> Iterator[None]:
        """Hold what Goa's worker needs until the block is left; in it, ``until_waiting`` may be called."""
        with psycopg.connect(self.sharing.network.admin_url) as admin:
            admin.execute(lock.encode())
            yield

    def until_waiting(self) -> None:
        principal = self.worker.principal
        login = login_name(principal.organisation, principal.role)
        waiting = "select count(*) from pg_stat_activity where usename = %s and wait_event_type = 'Lock'"
        wait_until(lambda: self.sharing.network.rows(waiting, login) == [(1,)])


@pytest.fixture
def shared(network: Network, act_as: Act) -> Shared:
    sharing = Sharing(network, act_as, number=7)
    proceeding(sharing)
    consent = sharing.agreed()
    received = sharing.received(sharing.sent(consent))
    assert do(sharing.worker, "answerReferral", id=received, answer="ACCEPTED")["status"] == "ACCEPTED"
    return Shared(sharing, consent, received, sharing.worker, sharing.survivor)


@pytest.fixture
def other() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as hand:
        yield hand


def test_a_read_that_waits_while_she_withdraws_sees_nothing(
    shared: Shared, other: ThreadPoolExecutor
) -> None:
    assert shared.read()["sharedCase"]["legalStatus"]["proceedings"]
    with shared.held("lock table app.legal_proceedings in access exclusive mode"):
        reading: Future[dict[str, Any]] = other.submit(shared.read)
        shared.until_waiting()
        assert shared.withdraw() < AT_ONCE
        assert not reading.done()
    assert reading.result() == TOMBSTONE


def test_an_update_that_has_looked_and_not_written_when_she_withdraws_is_refused(
    shared: Shared, other: ThreadPoolExecutor
) -> None:
    """The verb has read that hearings are shared; the database asks again as the row is written."""
    with shared.held("lock table app.referral_hearings in share mode"):
        writing: Future[dict[str, Any]] = other.submit(shared.report)
        shared.until_waiting()
        assert shared.withdraw() < AT_ONCE
    assert writing.result()["code"] == "NOT_ALLOWED"
    assert shared.reported() == 0


def test_without_the_policy_it_would_be_written(shared: Shared, other: ThreadPoolExecutor) -> None:
    url = shared.sharing.network.admin_url
    with psycopg.connect(url, autocommit=True) as admin, relaxed(admin, [REPORTING]):
        with shared.held("lock table app.referral_hearings in share mode"):
            writing = other.submit(shared.report)
            shared.until_waiting()
            shared.withdraw()
        assert writing.result()["__typename"] == "Referral"
    assert shared.reported() == 1


def test_she_waits_for_nobody_who_has_written_and_not_ended(
    shared: Shared, other: ThreadPoolExecutor
) -> None:
    """What was written before she withdrew stays: a row of the receiver's own. The answer to it tells no more than a tombstone."""
    goa = shared.worker.principal.organisation
    with shared.held(f"select 1 from trail.heads where organisation_id = '{goa}' for update"):
        writing = other.submit(shared.report)
        shared.until_waiting()
        assert shared.withdraw() < AT_ONCE
    assert writing.result()["status"] == "REVOKED"
    assert shared.reported() == 1
    assert shared.report()["code"] == "NOT_SHARED"


def test_a_transaction_that_began_before_sees_nothing_from_its_next_statement_on(
    shared: Shared, network: Network
) -> None:
    """In SQL, on the worker's own login, in her session."""
    principal = shared.worker.principal
    login = login_name(principal.organisation, principal.role)
    password = login_password(network.settings.secret, login, 1)
    seen = "select status, scopes from door.received_referrals where id = %s"
    received = uuid_in(shared.received)
    with psycopg.connect(
        network.postgres.url(user=login, password=password, database="network")
    ) as connection:
        connection.execute("select sec.enter(%s)", (str(principal.session),))
        assert connection.execute(seen, (received,)).fetchall() == [("ACCEPTED", SCOPES)]
        shared.withdraw()
        assert connection.execute(seen, (received,)).fetchall() == [("REVOKED", [])]
        for view in ("cases", "proceedings", "hearings", "identities", "contacts", "support"):
            shown = f"select 1 from door.received_{view} where referral_id = %s"
            assert connection.execute(shown.encode(), (received,)).fetchall() == [], view
        connection.rollback()


def test_who_reads_and_writes_without_pause_gets_nothing_that_she_began_after_the_answer(
    shared: Shared,
) -> None:
    """Two who read and one who writes, each on her own connection, as fast as they can."""
    reads: list[tuple[float, bool]] = []
    writes: list[tuple[float, bool]] = []
    is_over = threading.Event()

    def again_and_again(told: list[tuple[float, bool]], act: Any, is_open: Any) -> None:
        while not is_over.is_set():
            started = time.monotonic()
            told.append((started, is_open(act())))

    with ThreadPoolExecutor(3) as others:
        running = [
            *(
                others.submit(again_and_again, reads, shared.read, lambda seen: seen != TOMBSTONE)
                for _ in range(2)
            ),
            others.submit(again_and_again, writes, shared.report, lambda told: "code" not in told),
        ]
        wait_until(lambda: len(reads) > 10 and len(writes) > 5)
        shared.withdraw()
        answered = time.monotonic()
        wait_until(lambda: all(sum(begun > answered for begun, _ in told) > 3 for told in (reads, writes)))
        is_over.set()
        for each in running:
            each.result()
    for told in (reads, writes):
        assert any(was_open for _, was_open in told)
        assert not [begun for begun, was_open in told if was_open and begun > answered]
    assert shared.reported() == sum(was_open for _, was_open in writes)


def told(socket: Socket, shared: Shared) -> dict[str, Any]:
    """What the next event about it says."""
    while True:
        event: dict[str, Any] = socket.event()
        if event["id"] == shared.received:
            referral: dict[str, Any] = event["referral"]
            return referral


def test_an_open_socket_is_told_of_the_end_and_of_no_more_than_what_is_left_after_it(
    server: str, shared: Shared
) -> None:
    touch = "update app.referrals set urgency = %s where received_id = %s"
    with listening(server, shared.worker, LISTEN) as socket:
        shared.sharing.network.rows(touch, "URGENT", uuid_in(shared.received))
        assert told(socket, shared)["sharedCase"]["pseudonym"]
        shared.withdraw()
        answered = time.monotonic()
        assert told(socket, shared) == TOMBSTONE
        assert time.monotonic() - answered < AT_ONCE
        shared.sharing.network.rows(touch, "SOON", uuid_in(shared.received))
        assert told(socket, shared) == TOMBSTONE


def test_without_the_note_of_a_withdrawal_the_socket_hears_nothing(server: str, shared: Shared) -> None:
    url, note = shared.sharing.network.admin_url, Trigger("app.consent_withdrawals", "note")
    with (
        psycopg.connect(url, autocommit=True) as admin,
        relaxed(admin, [note]),
        listening(server, shared.worker, LISTEN) as socket,
    ):
        shared.withdraw()
        assert socket.is_quiet()
