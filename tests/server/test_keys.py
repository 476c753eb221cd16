"""Keys of organisations behind a running server: lost, found, rotated, and a key service that does not answer."""

from __future__ import annotations

import asyncio
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from tests.keys.transit import TOKEN, serving_transit
from tests.server.conftest import Act, Caller, Network, free_port, serving
from tests.server.test_mutations import NOTE, OPEN, new_case

from pat_auth.keys import load_or_create_keys, rotate_keys
from pat_auth.tokens import mint
from pat_platform.encryption import file_provider
from pat_platform.encryption.chosen import key_keeper
from pat_platform.encryption.provider import SubjectKey
from pat_platform.settings import KeyProviderKind, Settings, VaultAccess
from pat_server import keeping
from pat_tenants import rewrapping

NAMES = """{ cases(first: 50) { edges { node { id code legalProceedings { stage } survivor { id
    identity { ... on SurvivorIdentity { firstName } } } } } } }"""
PLAIN = "{ cases(first: 50) { totalCount edges { node { id status legalProceedings { stage } } } } }"


@dataclass(frozen=True)
class Own:
    """A server over the network's database with keys that its test may lose."""

    settings: Settings
    url: str
    manager: Caller

    @property
    def keys(self) -> Path:
        return self.settings.key_folder / "organisations"


def caller(network: Network, settings: Settings, client: httpx.Client, email: str) -> Caller:
    principal = network.principal(email)
    keys = load_or_create_keys(settings.key_folder)
    token = mint(principal, keys=keys, issuer=settings.issuer, audience=settings.audience)
    return Caller(client, principal, token)


@pytest.fixture
def own(network: Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Own]:
    monkeypatch.setattr(file_provider, "SECONDS_BETWEEN_LOOKS", 0.0)
    settings = replace(network.settings, key_folder=tmp_path / "keys")
    shutil.copytree(network.settings.key_folder, settings.key_folder)
    with serving(settings, free_port()) as url, httpx.Client(base_url=url, timeout=30) as client:
        yield Own(settings, url, caller(network, settings, client, "manager@cbo-g.example"))


def names(answer: Any) -> list[str]:
    nodes = [edge["node"]["survivor"]["identity"] for edge in answer["data"]["cases"]["edges"]]
    return [node["firstName"] for node in nodes if node["firstName"]]


def codes(answer: Any) -> set[str]:
    return {error["extensions"]["code"] for error in answer.get("errors", ())}


def test_lost_keys_close_identities_and_nothing_else_until_they_are_put_back(
    own: Own, tmp_path: Path
) -> None:
    manager, elsewhere = own.manager, tmp_path / "elsewhere"
    before = manager.post(NAMES).json()
    known, case = names(before), before["data"]["cases"]["edges"][0]["node"]
    assert known
    shutil.move(own.keys, elsewhere)
    lost = manager.post(NAMES).json()
    assert (names(lost), codes(lost)) == ([], {"UNREADABLE"})
    assert len(lost["errors"]) == len(known)
    assert manager.ask(PLAIN)["cases"]["totalCount"] == len(before["data"]["cases"]["edges"])
    opened = manager.post(OPEN, {"input": new_case()}).json()
    noted = manager.post(
        NOTE, {"input": {"caseId": case["id"], "kind": "GENERAL", "text": "She called."}}
    ).json()
    assert (codes(opened), codes(noted)) == ({"UNAVAILABLE"}, {"UNREADABLE"})
    assert "keys of your organisation are missing" in opened["errors"][0]["message"]
    assert not own.keys.exists()
    shutil.copytree(elsewhere, own.keys)
    assert names(manager.post(NAMES).json()) == known


def test_a_server_that_is_started_without_its_keys_makes_none(
    own: Own, network: Network, tmp_path: Path
) -> None:
    known = names(own.manager.post(NAMES).json())
    empty = replace(own.settings, key_folder=tmp_path / "empty")
    with serving(empty, free_port()) as url, httpx.Client(base_url=url, timeout=30) as client:
        # Signing keys are made anew, so people sign in anew; those of organisations are not.
        assert (
            client.post("/graphql", headers={"authorization": f"Bearer {own.manager.token}"}).status_code
            == 401
        )
        manager = caller(network, empty, client, "manager@cbo-g.example")
        assert codes(manager.post(NAMES).json()) == {"UNREADABLE"}
        assert codes(manager.post(OPEN, {"input": new_case()}).json()) == {"UNAVAILABLE"}
        assert not (empty.key_folder / "organisations").exists()
        shutil.copytree(own.keys, empty.key_folder / "organisations")
        assert names(manager.post(NAMES).json()) == known


async def test_identities_are_read_and_written_while_keys_are_rotated(network: Network, act_as: Act) -> None:
    manager = act_as("manager@cbo-g.example")
    before, stop = names(manager.post(NAMES).json()), threading.Event()
    wrong: list[str] = []
    keeper, settings = key_keeper(network.settings), network.settings
    organisation = manager.principal.organisation

    def go_on() -> None:
        while not stop.is_set():
            answer = manager.post(NAMES).json()
            opened = manager.post(OPEN, {"input": new_case()}).json()
            wrong.extend(codes(answer) | codes(opened))

    threads = [threading.Thread(target=go_on) for _ in range(2)]
    for thread in threads:
        thread.start()
    async with keeping.connected(settings) as connection:
        for _ in range(4):
            await keeper.rotate(organisation)
            await rewrapping.rewrap(connection, keeper, organisation)
        stop.set()
        for thread in threads:
            thread.join()
        await rewrapping.rewrap(connection, keeper, organisation)
        known = next(each for each in await keeping.organisations(connection) if each.id == organisation)
        held = await keeping.holding(connection, keeper, known)
    assert wrong == []
    assert (held.old, held.unknown, len(held.versions)) == (0, 0, 5)
    assert len(names(manager.post(NAMES).json())) >= len(before)


@pytest.fixture
def vault_token(tmp_path: Path) -> Path:
    file = tmp_path / "token"
    file.write_text(TOKEN)
    return file


def test_a_key_service_that_does_not_answer_closes_what_needs_it_and_nothing_else(
    network: Network, vault_token: Path
) -> None:
    with serving_transit() as transit:
        settings = replace(
            network.settings,
            key_provider=KeyProviderKind.VAULT,
            vault=VaultAccess(transit.address, vault_token),
        )
        with serving(settings, free_port()) as url, httpx.Client(base_url=url, timeout=30) as client:
            manager = caller(network, settings, client, "manager@cbo-g.example")
            with one_key_in_vault(network, settings, manager):
                transit.is_sealed = True
                answer = manager.post(NAMES)
                assert (answer.status_code, codes(answer.json())) == (503, {"UNAVAILABLE"})
                assert "key service does not answer" in answer.json()["errors"][0]["message"]
                assert manager.ask(PLAIN)["cases"]["totalCount"]
                assert codes(manager.post(OPEN, {"input": new_case()}).json()) == {"UNAVAILABLE"}


@contextmanager
def one_key_in_vault(network: Network, settings: Settings, manager: Caller) -> Iterator[None]:
    """As if one person's key had been wrapped by Vault."""
    organisation = manager.principal.organisation
    survivor, wrapped = network.rows(
        "select survivor_id, wrapped from app.survivor_keys where organisation_id = %s limit 1", organisation
    )[0]
    blob = asyncio.run(wrap_in_vault(settings, organisation, survivor))
    change = "update app.survivor_keys set wrapped = %s where survivor_id = %s"
    network.rows(change, blob, survivor)
    try:
        yield
    finally:
        network.rows(change, wrapped, survivor)


async def wrap_in_vault(settings: Settings, organisation: UUID, survivor: UUID) -> bytes:
    async with keeping.opened_keeper(settings) as keeper:
        await keeper.create(organisation)
        [blob] = await keeper.wrap(organisation, [SubjectKey(survivor, bytes(32))])
    return blob


def test_a_rotated_signing_key_is_published_and_used_without_a_restart(own: Own, network: Network) -> None:
    client = own.manager.client
    before = [key["kid"] for key in client.get("/.well-known/jwks.json").json()["keys"]]
    rotate_keys(own.settings.key_folder)
    rotated = caller(network, own.settings, client, "manager@cbo-g.example")
    # Signed with the key that was published as the next one: good at once.
    assert rotated.ask("{ me { name } }")
    deadline = threading.Event()
    for _ in range(40):
        after = [key["kid"] for key in client.get("/.well-known/jwks.json").json()["keys"]]
        if after != before or deadline.wait(0.05):
            break
    assert (after[0], after[2]) == (before[1], before[0])
    assert own.manager.ask("{ me { name } }")
