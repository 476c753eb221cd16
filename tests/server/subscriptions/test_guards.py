"""Each guard of sockets and streams is the one that holds: without it, what it refuses succeeds."""

from __future__ import annotations

import socket as plain
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, tzinfo
from typing import Self

import orjson
import psycopg
import pytest
from tests.server.conftest import Act, Caller, Network
from tests.server.subscriptions.conftest import AFTER, CHANGED, Sent, Socket, listening, open_socket, settle
from tests.server.subscriptions.test_sockets import REVOKE, minted
from tests.support.cutting import Cut, Line, Value, cut
from websockets.exceptions import ConnectionClosed, InvalidStatus

from pat_server import callers
from pat_server.executing import Executor
from pat_server.subscriptions import cursors, lines, sockets, streams
from pat_server.subscriptions.lines import Lines
from pat_server.subscriptions.sockets import Conversation, Sockets


@dataclass(frozen=True)
class Scene:
    """Everybody that an attack needs."""

    server: str
    network: Network
    act_as: Act
    worker: Caller
    sent: Sent


@dataclass(frozen=True)
class Attack:
    """``succeeds`` says whether it did; ``guard`` is what is cut for it to."""

    succeeds: Callable[[Scene], bool]
    guard: Sequence[Cut]

    def __str__(self) -> str:
        return self.succeeds.__name__


@pytest.fixture
def scene(server: str, network: Network, act_as: Act, worker: Caller, sent: Sent) -> Scene:
    return Scene(server, network, act_as, worker, sent)


def stays(socket: Socket, seconds: float) -> bool:
    """Whether a socket is still open after so long."""
    try:
        return socket.closed(seconds) == 0
    except TimeoutError:
        return True


def a_page_of_another_origin_connects(scene: Scene) -> bool:
    try:
        with open_socket(scene.server, origin="https://elsewhere.example") as socket:
            socket.sign_in(scene.worker.token)
            return True
    except InvalidStatus:
        return False


def somebody_listens_on_after_her_token(scene: Scene) -> bool:
    brief = replace(scene.worker, token=minted(scene.network, scene.worker.principal, 1))
    with listening(scene.server, brief) as socket:
        return stays(socket, 2)


def somebody_listens_on_after_her_session(scene: Scene) -> bool:
    with listening(scene.server, scene.worker) as socket:
        scene.network.rows(REVOKE, scene.worker.principal.session)
        return stays(socket, 5)


def nobody_holds_a_socket(scene: Scene) -> bool:
    with open_socket(scene.server) as socket:
        return stays(socket, 2)


def one_socket_has_many_subscriptions(scene: Scene) -> bool:
    with open_socket(scene.server) as socket:
        socket.sign_in(scene.worker.token)
        for number in range(12):
            socket.subscribe(CHANGED, str(number))
        return socket.is_quiet()


def one_session_has_many_sockets(scene: Scene) -> bool:
    with ExitStack() as stack:
        for _ in range(7):
            socket = stack.enter_context(open_socket(scene.server))
            socket.say(type="connection_init", payload={"authorization": f"Bearer {scene.worker.token}"})
        return stays(socket, 0.5)


def messages_come_without_end(scene: Scene) -> bool:
    with open_socket(scene.server) as socket:
        try:
            for _ in range(150):
                socket.say(type="pong")
        except ConnectionClosed:
            return False
        return stays(socket, 0.5)


def a_mutation_is_done_over_a_socket(scene: Scene) -> bool:
    with open_socket(scene.server) as socket:
        socket.sign_in(scene.worker.token)
        socket.subscribe("mutation { signOutEverywhere { __typename } }")
        socket.hear()
    revoked = "select revoked_at is not null from sec.sessions where id = %s"
    return scene.network.rows(revoked, scene.worker.principal.session) == [(True,)]


def anothers_cursor_is_good(scene: Scene) -> bool:
    with listening(scene.server, scene.worker) as socket:
        scene.sent.change()
        cursor = socket.event()["cursor"]
    with listening(scene.server, scene.act_as("admin@goa.example"), AFTER, after=cursor) as socket:
        return socket.is_quiet()


def an_old_cursor_is_good(scene: Scene) -> bool:
    with listening(scene.server, scene.worker) as socket:
        scene.sent.change()
        cursor = socket.event()["cursor"]
    with pytest.MonkeyPatch.context() as later:
        later.setattr(cursors, "datetime", _NextMonth)
        with listening(scene.server, scene.worker, AFTER, after=cursor) as socket:
            return socket.is_quiet()


class _NextMonth(datetime):
    @classmethod
    def now(cls, zone: tzinfo | None = None) -> Self:
        return super().now(zone) + timedelta(days=30)


def who_does_not_read_is_waited_for(scene: Scene) -> bool:
    """What is sent to her fills what the kernel and the server keep for her."""
    long = " ".join(f"{'a' * 1200}{n}: id" for n in range(40))
    with plain.socket() as deaf:
        deaf.setsockopt(plain.SOL_SOCKET, plain.SO_RCVBUF, 4096)
        host, _, port = scene.server.removeprefix("http://").partition(":")
        deaf.connect((host, int(port)))
        with open_socket(scene.server, sock=deaf, max_queue=1, close_timeout=0.2) as socket:
            socket.sign_in(scene.worker.token)
            for number in range(10):
                socket.subscribe(f"subscription {{ referralChanged {{ {long} }} }}", str(number))
            until = time.monotonic() + 8
            while _has_lines(scene) and time.monotonic() < until:
                scene.sent.change()
                time.sleep(0.2)
            return _has_lines(scene)


def who_does_not_read_a_stream_is_waited_for(scene: Scene) -> bool:
    """A stream has one subscription, so what fills it are many changes."""
    long = " ".join(f"{'a' * 1200}{n}: id" for n in range(50))
    query = orjson.dumps({"query": f"subscription {{ referralChanged {{ {long} }} }}"})
    host, _, port = scene.server.removeprefix("http://").partition(":")
    head = (
        "POST /graphql/stream HTTP/1.1\r\nhost: x\r\naccept: text/event-stream\r\ncontent-type: application/json\r\n"
        f"authorization: Bearer {scene.worker.token}\r\ncontent-length: {len(query)}\r\n\r\n"
    )
    with plain.socket() as deaf:
        deaf.setsockopt(plain.SOL_SOCKET, plain.SO_RCVBUF, 4096)
        deaf.connect((host, int(port)))
        deaf.sendall(head.encode() + query)
        settle()
        assert _has_lines(scene)
        until = time.monotonic() + 8
        while _has_lines(scene) and time.monotonic() < until:
            for urgency in ("SOON", "URGENT"):
                scene.sent.change(f"urgency = '{urgency}'")
                time.sleep(0.01)
        return _has_lines(scene)


def _has_lines(scene: Scene) -> bool:
    return any(
        line.caller is not None and line.caller.principal.session == scene.worker.principal.session
        for lines_ in KNOWN
        for line in lines_._open
    )


KNOWN: list[Lines] = []


@pytest.fixture(autouse=True)
def known_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """The lines of the server, wherever they are."""
    opened = Lines.open

    def noting(self: Lines, line: lines.Line, caller: callers.Caller | None = None) -> None:
        if self not in KNOWN:
            KNOWN.append(self)
        opened(self, line, caller)

    monkeypatch.setattr(Lines, "open", noting)


ATTACKS = (
    Attack(
        a_page_of_another_origin_connects,
        [Line(Sockets.__call__, "not await self._hub.admits(value)", "False")],
    ),
    Attack(
        somebody_listens_on_after_her_token,
        [Line(Conversation._admit, "expire(self._task, seconds)", "(lambda: None)")],
    ),
    Attack(somebody_listens_on_after_her_session, [Value(Lines, "end_sessions", lambda *_: None)]),
    Attack(nobody_holds_a_socket, [Value(sockets, "INIT_SECONDS", 60.0)]),
    Attack(one_socket_has_many_subscriptions, [Value(sockets, "MOST", 99)]),
    Attack(one_session_has_many_sockets, [Value(lines, "OF_SESSION", 99)]),
    Attack(messages_come_without_end, [Value(sockets, "MESSAGES", 10**9)]),
    Attack(
        a_mutation_is_done_over_a_socket,
        [
            Line(
                Executor._execute,
                "if request.opens:",
                "if request.opens and operation.kind is OperationType.SUBSCRIPTION:",
            )
        ],
    ),
    Attack(anothers_cursor_is_good, [Value(cursors, "_context", lambda *_: b"")]),
    Attack(an_old_cursor_is_good, [Value(cursors, "KEPT", timedelta(days=999))]),
    Attack(who_does_not_read_is_waited_for, [Value(sockets, "SEND_SECONDS", 60.0)]),
    Attack(who_does_not_read_a_stream_is_waited_for, [Value(streams, "SEND_SECONDS", 60.0)]),
)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "INIT_SECONDS", 1.0)
    monkeypatch.setattr(sockets, "SEND_SECONDS", 1.0)
    monkeypatch.setattr(streams, "SEND_SECONDS", 1.0)


@pytest.mark.parametrize("attack", ATTACKS, ids=str)
def test_an_attack_is_refused(scene: Scene, attack: Attack) -> None:
    assert not attack.succeeds(scene)


@pytest.mark.parametrize("attack", ATTACKS, ids=str)
def test_without_its_guard_it_succeeds(
    scene: Scene, attack: Attack, monkeypatch: pytest.MonkeyPatch, network: Network
) -> None:
    with psycopg.connect(network.admin_url) as admin:
        cut(attack.guard, monkeypatch, admin)
    assert attack.succeeds(scene)
