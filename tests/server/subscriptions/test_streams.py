"""Subscriptions as server-sent events."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import httpx
import orjson
import pytest
from tests.server.conftest import Act, Caller, Network, uuid_in
from tests.server.subscriptions.conftest import AFTER, CHANGED, INBOX, Sent, settle
from tests.server.subscriptions.test_sockets import REVOKE, minted

from pat_server.demo.clients import ORIGIN
from pat_server.requests import Answer
from pat_server.subscriptions import streams
from pat_server.subscriptions.watching import Watch

ACCEPT = {"accept": "text/event-stream"}


class Heard:
    """What a stream says, event by event."""

    def __init__(self, answer: httpx.Response) -> None:
        self.status = answer.status_code
        self.headers = answer.headers
        self._lines = answer.iter_lines()

    def event(self) -> tuple[str, Any]:
        """The next event: its name, and its data."""
        name, data = "", ""
        for line in self._lines:
            if line.startswith("event: "):
                name = line[7:]
            elif line.startswith("data:"):
                data = line[5:].strip()
            elif not line and name:
                return name, orjson.loads(data) if data else None
        return "end", None

    def data(self) -> Any:
        """The data of the next event."""
        name, told = self.event()
        assert name == "next", (name, told)
        (data,) = told["data"].values()
        return data


@contextmanager
def stream(server: str, token: str, query: str = CHANGED, **variables: Any) -> Iterator[Heard]:
    body = {"query": query, "variables": variables}
    headers = {**ACCEPT, "authorization": f"Bearer {token}"}
    with (
        httpx.Client(timeout=10) as client,
        client.stream("POST", f"{server}/graphql/stream", json=body, headers=headers) as answer,
    ):
        if answer.status_code == 200:
            settle()
        yield Heard(answer)


def refused(server: str, *, method: str = "POST", query: str = CHANGED, **headers: str) -> tuple[int, str]:
    sent = {name: value for name, value in {**ACCEPT, **headers}.items() if value}
    answer = httpx.request(method, f"{server}/graphql/stream", json={"query": query}, headers=sent)
    return answer.status_code, answer.json()["errors"][0]["extensions"]["code"]


def test_events_come_as_they_happen(server: str, worker: Caller, sent: Sent) -> None:
    with stream(server, worker.token) as heard:
        assert heard.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert heard.headers["cache-control"] == "no-store"
        for urgency in ("SOON", "URGENT"):
            sent.change(f"urgency = '{urgency}'")
            told = heard.data()
            assert uuid_in(told["id"]) == sent.received_id
            assert told["referral"]["urgency"] == urgency


def test_a_cursor_of_a_socket_is_good_for_a_stream(server: str, act_as: Act, sent: Sent) -> None:
    with stream(server, act_as("worker@goa.example").token) as heard:
        sent.change()
        cursor = heard.data()["cursor"]
    sent.change("urgency = 'SOON'")
    with stream(server, act_as("worker@goa.example").token, AFTER, after=cursor) as again:
        assert uuid_in(again.data()["id"]) == sent.received_id


def test_a_session_that_is_revoked_ends_it_within_five_seconds(
    server: str, worker: Caller, network: Network
) -> None:
    with stream(server, worker.token, INBOX) as heard:
        heard.data()
        network.rows(REVOKE, worker.principal.session)
        name, told = heard.event()
        assert (name, told["errors"][0]["extensions"]["code"]) == ("next", "UNAUTHENTICATED")
        assert heard.event() == ("complete", None)
        assert heard.event() == ("end", None)


def test_it_ends_when_its_token_does(server: str, worker: Caller, network: Network) -> None:
    brief = replace(worker, token=minted(network, worker.principal, 2))
    with stream(server, brief.token) as heard:
        _, told = heard.event()
        assert told["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
        assert heard.event() == ("complete", None)


def test_also_while_it_is_opened(
    server: str, worker: Caller, network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    opens = Watch.open

    async def takes_its_time(watch: Watch) -> Answer | None:
        await asyncio.sleep(2.5)
        return await opens(watch)

    monkeypatch.setattr(Watch, "open", takes_its_time)
    with stream(server, minted(network, worker.principal, 2)) as heard:
        _, told = heard.event()
        assert told["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
        assert heard.event() == ("complete", None)


def test_a_body_that_comes_slowly_does_not_prolong_a_token(
    server: str, worker: Caller, network: Network
) -> None:
    def slowly() -> Iterator[bytes]:
        time.sleep(4)
        yield orjson.dumps({"query": CHANGED})

    token = minted(network, worker.principal, 2)
    headers = {**ACCEPT, "authorization": f"Bearer {token}", "content-type": "application/json"}
    answer = httpx.post(f"{server}/graphql/stream", content=slowly(), headers=headers)
    assert answer.status_code == 401


def test_something_is_said_now_and_then(server: str, worker: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "BEAT_SECONDS", 0.1)
    with stream(server, worker.token) as heard:
        beats = [next(heard._lines) for _ in range(6)]
    assert beats == [":", ""] * 3


def test_whoever_leaves_is_no_longer_counted(server: str, worker: Caller) -> None:
    for _ in range(8):
        with stream(server, worker.token, INBOX) as heard:
            heard.data()
        settle()


def test_why_there_are_no_events_is_answered_as_elsewhere(server: str, worker: Caller, act_as: Act) -> None:
    signed_in = f"Bearer {worker.token}"
    facilitator = f"Bearer {act_as('facilitator@cbo-a.example').token}"
    assert refused(server) == (401, "UNAUTHENTICATED")
    assert refused(server, authorization=signed_in, method="GET") == (405, "METHOD_NOT_ALLOWED")
    assert refused(server, authorization=signed_in, accept="application/json") == (406, "NOT_ACCEPTABLE")
    assert refused(server, authorization=signed_in, query="{ me { name } }") == (400, "BAD_INPUT")
    assert refused(server, authorization=facilitator) == (400, "FORBIDDEN")
    gone = f"Bearer {worker.token}x"
    assert refused(server, authorization=gone) == (401, "UNAUTHENTICATED")


def test_a_session_has_five_at_a_time(server: str, worker: Caller) -> None:
    together = threading.Barrier(6)

    def hold() -> None:
        with stream(server, worker.token):
            together.wait(10)
            together.wait(10)

    holding = [threading.Thread(target=hold) for _ in range(5)]
    for each in holding:
        each.start()
    together.wait(10)
    try:
        assert refused(server, authorization=f"Bearer {worker.token}") == (429, "THROTTLED")
    finally:
        together.wait(10)
        for each in holding:
            each.join()


def test_pages_of_registered_clients_may_read_it(server: str, worker: Caller) -> None:
    asked = {"origin": ORIGIN, "access-control-request-method": "POST"}
    allowed = httpx.options(f"{server}/graphql/stream", headers=asked)
    assert allowed.headers["access-control-allow-origin"] == ORIGIN
    elsewhere = httpx.options(
        f"{server}/graphql/stream", headers={**asked, "origin": "https://elsewhere.example"}
    )
    assert "access-control-allow-origin" not in elsewhere.headers
