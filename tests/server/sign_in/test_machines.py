"""Programs that act for nobody, over HTTP, against the demo network as it is served: from their registration to their end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from tests.conformance.programs import FOLDER
from tests.server.conftest import Act, Caller, Network
from tests.server.test_clients import DISABLE, REGISTER, ROTATE, lately
from tests.support.asserting import Signer, new_key, public

ME = "{ me { name role organisation { slug } } }"
CASES = "{ cases(first: 1) { totalCount } }"


@pytest.fixture
def admin(act_as: Act) -> Caller:
    """An administrator who has proved both factors lately."""
    return act_as("admin@cbo-d.example", **lately())


@pytest.fixture
def machine(network: Network, admin: Caller) -> Iterator[tuple[str, Signer]]:
    """A machine that she registers: its id in the API, and what signs for it."""
    key = new_key()
    answer = admin.ask(
        REGISTER,
        input={"name": "Nightly", "kind": "MACHINE", "scopes": ["cases"], "jwk": json.dumps(public(key))},
    )["registerClient"]
    assert answer["__typename"] == "Client", answer
    client = UUID(answer["clientId"])
    yield answer["id"], Signer(client, network.settings.issuer, time.time(), key)
    forget(network, client)


def forget(network: Network, client: UUID) -> None:
    """It was a member: the lists of the demo are as they were."""
    network.rows("delete from sec.sessions where person_id = %s", client)
    network.rows("delete from app.memberships where person_id = %s", client)
    network.rows("delete from sec.people where id = %s", client)


def asked(client: httpx.Client, signer: Signer, **changes: str | None) -> httpx.Response:
    signer.now = time.time()
    return client.post("/oauth/token", data=signer.form(None, **changes))


def ask(client: httpx.Client, token: str, query: str) -> httpx.Response:
    return client.post("/graphql", json={"query": query}, headers={"authorization": f"Bearer {token}"})


def introspected(client: httpx.Client, signer: Signer, token: str) -> dict[str, Any]:
    form = {**signer.form(None, grant_type=None, scope=None), "token": token}
    answer = client.post("/oauth/introspect", data=form)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_a_machine_asks_for_its_organisation_and_for_nobody(
    client: httpx.Client, machine: tuple[str, Signer]
) -> None:
    _, signer = machine
    answer = asked(client, signer)
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    token = answer.json()["access_token"]
    me = ask(client, token, ME).json()["data"]["me"]
    assert me == {"name": "Nightly", "role": "SERVICE", "organisation": {"slug": "cbo-d"}}
    # Whom it may be told of is for the roles of people.
    refused = ask(client, token, CASES).json()
    assert refused["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    told = introspected(client, signer, token)
    assert (told["active"], told["sub"], told["scope"]) == (True, str(signer.client), "cases")


def test_a_machine_opens_no_way_in_for_others(client: httpx.Client, machine: tuple[str, Signer]) -> None:
    token = asked(client, machine[1]).json()["access_token"]
    sent = {"query": REGISTER, "variables": {"input": {"name": "x", "scopes": ["cases"]}}}
    answer = client.post("/graphql", json=sent, headers={"authorization": f"Bearer {token}"})
    assert answer.json()["errors"][0]["extensions"]["code"] in ("FORBIDDEN", "STEP_UP_REQUIRED")


def test_its_old_key_is_believed_until_it_is_retired_and_at_once_no_more(
    client: httpx.Client, admin: Caller, machine: tuple[str, Signer]
) -> None:
    id, old = machine
    new = Signer(old.client, old.issuer, old.now, new_key("two"))

    def rotate(key: Any, **more: Any) -> list[str]:
        sent = {"id": id, "jwk": json.dumps(public(key)), **more}
        keys = admin.ask(ROTATE, input=sent)["rotateClientKey"]["keys"]
        return [each["kid"] for each in keys if each["isBelieved"]]

    assert rotate(new.key) == ["two", "one"]
    assert [asked(client, each).status_code for each in (old, new)] == [200, 200]
    lost = new_key("three")
    assert rotate(lost, retireOthers=True) == ["three"]
    for each in (old, new):
        answer = asked(client, each)
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert asked(client, Signer(old.client, old.issuer, old.now, lost)).status_code == 200


def test_a_machine_that_is_disabled_is_refused_with_the_next_request(
    client: httpx.Client, admin: Caller, machine: tuple[str, Signer]
) -> None:
    id, signer = machine
    token = asked(client, signer).json()["access_token"]
    assert ask(client, token, ME).status_code == 200
    assert admin.ask(DISABLE, input={"id": id})["disableClient"]["__typename"] == "Client"
    assert ask(client, token, ME).status_code == 401
    answer = asked(client, signer)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


def test_the_example_makes_a_key_is_registered_with_it_and_asks(
    network: Network, admin: Caller, server: str, tmp_path: Path
) -> None:
    known = {"PAT_ISSUER": network.settings.issuer, "PAT_KEY": str(tmp_path / "key.json")}

    def example(*arguments: str, **more: str) -> dict[str, Any]:
        done = subprocess.run(
            [sys.executable, "-W", "error", "machine.py", *arguments],
            cwd=FOLDER,
            env={**os.environ, **known, **more},
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    jwk = example("new-key")
    assert "d" not in jwk
    assert (tmp_path / "key.json").stat().st_mode & 0o77 == 0
    wanted = {"name": "Nightly", "kind": "MACHINE", "scopes": ["cases"], "jwk": json.dumps(jwk)}
    client = admin.ask(REGISTER, input=wanted)["registerClient"]["clientId"]
    try:
        me = example(PAT_CLIENT_ID=client)
        assert (me["name"], me["role"]) == ("Nightly", "SERVICE")
    finally:
        forget(network, UUID(client))
