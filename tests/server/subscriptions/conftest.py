"""Sockets that speak graphql-transport-ws, and a referral that changes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Self
from uuid import UUID, uuid4

import orjson
import pytest
from tests.server.conftest import Caller, Network
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

PROTOCOL = "graphql-transport-ws"
CHANGED = "subscription { referralChanged { id cursor referral { status urgency scopes partnerName } } }"
AFTER = "subscription($after: String) { referralChanged(after: $after) { id cursor } }"
INBOX = "subscription { inboxCount { total byStatus { status count } } }"
PATIENCE = 10.0
QUIET = 0.7
"""Seconds in which what was going to be said would have been said."""


class Socket:
    """A client's end of a socket."""

    def __init__(self, connection: AbstractContextManager[ClientConnection]) -> None:
        self._manager = connection
        self._connection = connection.__enter__()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._manager.__exit__(None, None, None)

    def say(self, **message: Any) -> None:
        self.send(orjson.dumps(message).decode())

    def send(self, text: str | bytes) -> None:
        self._connection.send(text)

    def hear(self, seconds: float = PATIENCE) -> dict[str, Any]:
        """The next message. Raises TimeoutError, and ConnectionClosed."""
        told: dict[str, Any] = orjson.loads(self._connection.recv(seconds))
        return told

    def is_quiet(self, seconds: float = QUIET) -> bool:
        try:
            self.hear(seconds)
        except TimeoutError:
            return True
        return False

    def sign_in(self, token: str) -> None:
        self.say(type="connection_init", payload={"authorization": f"Bearer {token}"})
        assert self.hear() == {"type": "connection_ack"}

    def subscribe(self, query: str, name: str = "1", **variables: Any) -> None:
        self.say(type="subscribe", id=name, payload={"query": query, "variables": variables})

    def event(self, seconds: float = PATIENCE) -> Any:
        """The data of the next event."""
        told = self.hear(seconds)
        assert told["type"] == "next", told
        assert "errors" not in told["payload"], told
        (data,) = told["payload"]["data"].values()
        return data

    def error(self) -> str:
        """The code of the error that ends a subscription."""
        told = self.hear()
        assert told["type"] == "error", told
        (error,) = told["payload"]
        code: str = error["extensions"]["code"]
        return code

    def closed(self, seconds: float = PATIENCE) -> int:
        """The code that the other end closes it with; what it says before is let go by."""
        until = time.monotonic() + seconds
        while True:
            try:
                self._connection.recv(max(0.0, until - time.monotonic()))
            except ConnectionClosed as closed:
                return 0 if closed.rcvd is None else closed.rcvd.code


def open_socket(server: str, **options: Any) -> Socket:
    options = {"subprotocols": [PROTOCOL], "compression": None, **options}
    return Socket(connect(server.replace("http", "ws", 1) + "/graphql", **options))


def listening(server: str, caller: Caller, query: str = CHANGED, **variables: Any) -> Socket:
    """A socket on which a subscription has begun."""
    socket = open_socket(server)
    socket.sign_in(caller.token)
    socket.subscribe(query, **variables)
    settle()
    return socket


def settle() -> None:
    """Until what was subscribed to is waited for: nothing tells a client that."""
    time.sleep(0.4)


@dataclass(frozen=True)
class Sent:
    """A referral of a CBO to Goa, and the hands of whoever may do anything to it."""

    network: Network
    sender: str
    id: UUID
    received_id: UUID

    def change(self, change: str = "urgency = 'URGENT'") -> None:
        self.network.rows(f"update app.referrals set {change} where id = %s", self.id)


@pytest.fixture
def sent(network: Network) -> Iterator[Sent]:
    """A copy of a referral that was sent, gone afterwards."""
    id, received_id = uuid4(), uuid4()
    network.rows(
        "insert into app.referrals select (jsonb_populate_record(r, jsonb_build_object('id', %s::text, 'received_id', %s::text))).*"
        " from app.referrals r join app.organisations o on o.id = r.to_organisation_id and o.slug = 'goa'"
        " where r.state = 'SENT' and r.agreed_until > now()"
        # What other tests have withdrawn is not sent any more.
        " and r.consent_id is not null and r.consent_id not in (select consent_id from app.consent_withdrawals) order by r.id limit 1",
        str(id),
        str(received_id),
    )
    ((sender,),) = network.rows(
        "select o.slug from app.referrals r join app.organisations o on o.id = r.organisation_id where r.id = %s",
        id,
    )
    yield Sent(network, sender, id, received_id)
    network.rows("delete from app.referral_answers where referral_id = %s", received_id)
    network.rows("delete from app.referrals where id = %s", id)


Act = Callable[..., Caller]


@pytest.fixture
def worker(act_as: Act) -> Caller:
    """Who receives: in a session of her own, which a test may end."""
    return act_as("worker@goa.example")
