"""Subscriptions as the clients understand them that partners use, and one in Python."""

from __future__ import annotations

import itertools
import threading

from gql import Client, gql
from gql.transport.websockets import WebsocketsTransport
from tests.conformance.programs import run_node
from tests.server.conftest import Caller, Network
from tests.server.subscriptions.conftest import INBOX, Sent
from tests.server.subscriptions.test_sockets import minted


def test_javascript_clients_are_told_of_events(server: str, worker: Caller) -> None:
    told = run_node("subscriptions.mjs", PAT_URL=f"{server}/graphql", PAT_TOKEN=worker.token)
    total = told["graphql-ws"]["total"]
    assert total > 0
    assert told.pop("stranger") == 4403
    understood = {"total": total, "mistaken": "BAD_CURSOR"}
    assert told == {"graphql-ws": understood, "urql": understood, "apollo": understood}


async def test_a_python_client_is_told_of_events(server: str, worker: Caller) -> None:
    transport = WebsocketsTransport(
        url=server.replace("http", "ws", 1) + "/graphql",
        subprotocols=[WebsocketsTransport.GRAPHQLWS_SUBPROTOCOL],
        init_payload={"authorization": f"Bearer {worker.token}"},
    )
    async with Client(transport=transport) as session:
        async for told in session.subscribe(gql(INBOX)):
            assert told["inboxCount"]["total"] > 0
            break


def test_the_example_goes_on_from_token_to_token(
    server: str, worker: Caller, network: Network, sent: Sent
) -> None:
    tokens = f"{minted(network, worker.principal, 3)} {worker.token}"
    stop = threading.Event()

    def change() -> None:
        """Again and again: somewhere in between the first token expires."""
        urgencies = itertools.cycle(("SOON", "URGENT", "ROUTINE"))
        while not stop.wait(0.4):
            sent.change(f"urgency = '{next(urgencies)}'")

    changing = threading.Thread(target=change)
    changing.start()
    try:
        told = run_node("following.mjs", PAT_URL=f"{server}/graphql", PAT_TOKENS=tokens, PAT_EVENTS="12")
    finally:
        stop.set()
        changing.join()
    after = {"SOON": "URGENT", "URGENT": "ROUTINE", "ROUTINE": "SOON"}
    gaps = [pair for pair in itertools.pairwise(told) if after[pair[0]] != pair[1]]
    # While there is no socket, several changes become one; what is told is never older than what was told before.
    assert len(told) == 12
    assert len(gaps) <= 2
