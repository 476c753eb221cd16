"""What a partner's program sees of the network, once its people have signed in: stories over HTTP, from the first page on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest
from tests.conformance.programs import FOLDER, installed_node
from tests.server.conftest import Network, free_port
from tests.server.sign_in.partner import Person, Program, at_a_browser, for_all, register, until
from tests.server.test_clients import REGISTER, wanted

IDENTITIES = """{ cases(first: 5) { edges { node { survivor { identity {
    __typename ... on SurvivorIdentity { firstName } ... on Withheld { reason } } } } } } }"""
ME = "{ me { role organisation { slug } } }"


@pytest.fixture
def manager(network: Network, server: str) -> Iterator[Person]:
    with at_a_browser(network, server, "manager@cbo-c.example") as person:
        yield person


@pytest.fixture
def admin(network: Network, server: str) -> Iterator[Person]:
    with at_a_browser(network, server, "admin@cbo-c.example") as person:
        yield person


@pytest.fixture
def http(server: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server, timeout=30) as made:
        yield made


def identities(answer: httpx.Response) -> set[str]:
    edges = answer.json()["data"]["cases"]["edges"]
    assert edges
    found = [edge["node"]["survivor"]["identity"] for edge in edges]
    return {each.get("reason", each["__typename"]) for each in found}


def test_a_manager_reads_identities_with_a_program_that_may_and_not_with_one_that_may_not(
    network: Network, http: httpx.Client, manager: Person
) -> None:
    wide = Program(http, register(network, "cbo-c", scopes=["cases", "identity"]))
    narrow = Program(http, register(network, "cbo-c", scopes=["cases"]))
    tokens = wide.tokens(manager, scope="openid cases identity")
    assert identities(wide.ask(tokens, IDENTITIES)) == {"SurvivorIdentity"}
    tokens = narrow.tokens(manager, scope="openid cases")
    assert identities(narrow.ask(tokens, IDENTITIES)) == {"CLIENT"}


def test_one_person_in_two_roles_is_never_both_at_once(
    network: Network, http: httpx.Client, manager: Person
) -> None:
    (here,) = network.rows("select id from app.memberships where person_id = %s", manager.id)[0]
    elsewhere = uuid4()
    network.rows(
        "insert into app.memberships (organisation_id, id, person_id, role, name)"
        " select id, %s, %s, 'secretariat_admin', 'M' from app.organisations where slug = 'secretariat'",
        elsewhere,
        manager.id,
    )
    program = Program(http, for_all(network, scopes=["cases", "identity"]))
    try:
        manager.membership = elsewhere
        secretariat = program.tokens(manager, scope="openid cases identity")
        manager.membership = here
        organisation = program.tokens(manager, scope="openid cases identity")
    finally:
        # The sessions stay, and end with it.
        network.rows("update app.memberships set ended_at = now() where id = %s", elsewhere)
        ended = program.ask(secretariat, ME)
        network.rows("update app.memberships set ended_at = null where id = %s", elsewhere)
    assert manager.pages.count("/sign-in") == 1
    assert manager.pages.count("/sign-in/as") == 2
    assert ended.status_code == 401
    try:
        me = program.ask(secretariat, ME).json()["data"]["me"]
        assert me == {"role": "SECRETARIAT_ADMIN", "organisation": {"slug": "secretariat"}}
        refused = program.ask(secretariat, IDENTITIES).json()["errors"][0]["extensions"]["code"]
        assert refused == "FORBIDDEN"
        assert identities(program.ask(organisation, IDENTITIES)) == {"SurvivorIdentity"}
    finally:
        network.rows("delete from app.memberships where id = %s", elsewhere)


def test_what_opens_a_way_in_for_others_is_done_after_signing_in_again(
    network: Network, http: httpx.Client, admin: Person
) -> None:
    program = Program(http, register(network, "cbo-c", scopes=["administration"]))
    program.tokens(admin, scope="openid administration")
    admin.was_here(seconds_ago=1_000)
    admin.pages.clear()
    stale = program.tokens(admin, scope="openid administration")
    assert admin.pages == []
    refused = program.ask(stale, REGISTER, input=wanted())
    assert refused.status_code == 401
    assert 'max_age="600"' in refused.headers["www-authenticate"]
    fresh = program.tokens(admin, scope="openid administration", max_age="600", acr_values="2")
    assert admin.pages == ["/sign-in", "/sign-in/code"]
    answer = program.ask(fresh, REGISTER, input=wanted()).json()["data"]["registerClient"]
    assert answer["__typename"] == "Client"


def test_what_is_registered_through_the_api_can_be_signed_in_to_until_it_is_disabled(
    network: Network, http: httpx.Client, admin: Person
) -> None:
    program = Program(http, register(network, "cbo-c", scopes=["administration"]))
    tokens = program.tokens(admin, scope="openid administration")
    registered = program.ask(tokens, REGISTER, input=wanted()).json()["data"]["registerClient"]
    made = Program(http, registered["clientId"], redirect_uri="https://app.example.org/back")
    theirs = made.tokens(admin, scope="openid cases")
    assert made.ask(theirs, ME).json()["data"]["me"]["role"] == "ORGANISATION_ADMIN"
    disable = "mutation($id: ID!) { disableClient(input: {id: $id}) { ... on Client { disabledAt } } }"
    program.ask(tokens, disable, id=registered["id"])
    assert made.ask(theirs, ME).status_code == 401
    assert program.ask(tokens, ME).status_code == 200
    refused = admin.browser.get(made.question("v" * 43))
    assert (refused.status_code, refused.headers.get("location")) == (400, None)


@pytest.fixture
def example(network: Network) -> dict[str, str]:
    """What the programs of docs/partners.md have to know."""
    back = f"http://127.0.0.1:{free_port()}/callback"
    client = register(network, "cbo-c", scopes=["cases"], redirect_uris=[back])
    return {
        "PAT_ISSUER": network.settings.issuer,
        "PAT_CLIENT_ID": str(client),
        "PAT_REDIRECT_URI": back,
    }


def test_the_example_in_python_asks_its_first_question(manager: Person, example: dict[str, str]) -> None:
    assert run([sys.executable, "-W", "error", "sign_in.py"], manager, example) == MANAGER


@pytest.mark.slow
def test_the_example_in_typescript_asks_its_first_question(manager: Person, example: dict[str, str]) -> None:
    node = installed_node()
    compiler = [node, "node_modules/typescript/bin/tsc", "--project", "tsconfig.sign_in.json"]
    subprocess.run(compiler, cwd=FOLDER, check=True, timeout=60)
    assert run([node, "build/js/sign_in.js"], manager, example) == MANAGER


MANAGER = {"role": "case_manager", "organisation": "Shalik Seva Kendra"}


def run(command: list[str], person: Person, example: dict[str, str]) -> dict[str, Any]:
    """Run a program that somebody signs in to; what it was told of her."""
    with subprocess.Popen(
        command,
        cwd=FOLDER,
        env={**os.environ, **example},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as program:
        try:
            assert program.stderr
            said = program.stderr.readline()
            assert said.startswith("Open this in your browser: "), said + program.stderr.read()
            back = person.go_through(said.partition(": ")[2].strip())
            assert until(lambda: httpx.get(back)).status_code == 200
            told, mistakes = program.communicate(timeout=30)
        finally:
            program.kill()
    assert program.returncode == 0, mistakes
    answer = json.loads(told)
    assert answer["again"] == answer["me"]
    assert answer["afterwards"] == 401
    return {"role": answer["role"], "organisation": answer["me"]["organisation"]["name"]}
