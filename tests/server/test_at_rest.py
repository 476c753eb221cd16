"""What lies on disk: no identity, no note, in clear."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from tests.server.conftest import Act, Network
from tests.server.test_mutations import NOTE, OPEN, new_case

MARKS = {
    "firstName": "Quillonvara",
    "secondName": "Brambleschwarz",
    "alias": "Ondolique",
    "phone": "+919830099887",
    "address": "17 Vexilloway, Tarnshire",
}
NOTE_TEXT = "Grimalkinesque visitor at the gate"


def holds(folder: Path, words: list[bytes]) -> list[tuple[str, bytes]]:
    found = []
    for path in folder.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            found += [(path.name, word) for word in words if word in content]
    return found


def test_no_file_of_the_database_and_no_log_holds_who_somebody_is(
    network: Network, act_as: Act, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    manager = act_as("manager@cbo-e.example")
    survivor = {**new_case()["survivor"], "identity": MARKS}
    opened = manager.ask(OPEN, input=new_case(survivor=survivor))["openCase"]
    manager.ask(NOTE, input={"caseId": opened["id"], "kind": "SAFETY", "text": NOTE_TEXT})
    manager.ask(
        "{ cases { edges { node { survivor { identity { ... on SurvivorIdentity { firstName phone } } } } } } }"
    )
    # A statement that fails is the one that servers like to log, with its values.
    manager.post("query($c: String) { cases(filter: {code: $c}) { totalCount } }", {"c": MARKS["alias"]})
    network.rows("checkpoint")
    words = [each.encode() for each in (*MARKS.values(), MARKS["phone"][3:], NOTE_TEXT)]
    assert not holds(network.postgres.data, words)
    assert not holds(network.postgres.log_file.parent, words)
    # What the server itself logs, at its most talkative.
    assert [word for word in words if word.decode() in caplog.text] == []


def test_the_search_would_find_what_is_there(network: Network) -> None:
    network.rows("create table if not exists public.canary (word text)")
    try:
        network.rows("insert into public.canary values ('Plainlyvisible')")
        network.rows("checkpoint")
        assert holds(network.postgres.data, [b"Plainlyvisible"])
    finally:
        network.rows("drop table public.canary")
