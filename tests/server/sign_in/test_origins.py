"""Which pages of others may ask from within a browser."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from tests.server.conftest import Act, Caller, Network

from pat_platform.database.logins import SIGN_IN
from pat_platform.database.threads import Connections
from pat_server.sign_in import origins
from pat_server.sign_in.origins import OPEN, Origins

OURS, GONE = "https://app.partner.example", "https://gone.partner.example"
STRANGERS = [
    "https://evil.example",
    GONE,
    "null",
    "*",
    "https://app.partner.example.evil.example",
    "http://app.partner.example",
    "https://APP.partner.example",
    "https://app.partner.example/",
    "https://app.partner.example:8443",
    f"{OURS}, https://evil.example",
]


@pytest.fixture(scope="module", autouse=True)
def clients(network: Network) -> Iterator[None]:
    """A client with a page of its own, and one that was disabled."""
    for origin, is_gone in ((OURS, False), (GONE, True)):
        network.rows(
            "insert into app.clients (organisation_id, name, kind, scopes, origins, created_by, updated_by, disabled_at)"
            " select id, 'Page', 'PUBLIC', '{cases}', array[%s], gen_random_uuid(), gen_random_uuid(),"
            " case when %s then now() end from app.organisations where slug = 'cbo-b'",
            origin,
            is_gone,
        )
    yield
    network.rows("delete from app.clients where origins && %s", [OURS, GONE])


@pytest.fixture(scope="module")
def caller(act_as: Act, clients: None) -> Caller:
    # What the server believes of before, it believes a little longer.
    return act_as("manager@cbo-b.example")


@pytest.fixture(autouse=True)
def asked_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(origins, "SECONDS", 0.0)


def allowed(answer: httpx.Response) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name.startswith("access-control")}


def preflight(client: httpx.Client, path: str, origin: str) -> httpx.Response:
    sent = {
        "origin": origin,
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization, content-type",
    }
    return client.options(path, headers=sent)


@pytest.mark.parametrize("path", OPEN)
def test_the_browser_of_a_clients_page_is_told_that_it_may_ask(client: httpx.Client, path: str) -> None:
    answer = preflight(client, path, OURS)
    assert answer.status_code == 204
    assert allowed(answer) == {
        "access-control-allow-origin": OURS,
        "access-control-allow-methods": OPEN[path].decode(),
        "access-control-allow-headers": "authorization, content-type, x-request-id",
        "access-control-max-age": "600",
    }
    assert answer.headers["vary"] == "Origin"


@pytest.mark.parametrize("origin", STRANGERS)
@pytest.mark.parametrize("path", ["/graphql", "/oauth/token"])
def test_no_other_page_is_told_anything(client: httpx.Client, path: str, origin: str) -> None:
    assert allowed(preflight(client, path, origin)) == {}


def test_the_page_may_read_what_it_is_answered(caller: Caller) -> None:
    answer = caller.post("{ me { role } }", origin=OURS)
    assert answer.json()["data"] == {"me": {"role": "CASE_MANAGER"}}
    assert allowed(answer) == {
        "access-control-allow-origin": OURS,
        "access-control-expose-headers": "www-authenticate, retry-after, x-request-id",
    }
    assert answer.headers["vary"] == "Origin"


def test_it_may_read_why_it_was_refused(client: httpx.Client) -> None:
    answer = client.post("/graphql", json={"query": "{ me { role } }"}, headers={"origin": OURS})
    assert answer.status_code == 401
    assert answer.headers["access-control-allow-origin"] == OURS


@pytest.mark.parametrize("origin", STRANGERS)
def test_no_other_page_may_read_it(caller: Caller, origin: str) -> None:
    assert allowed(caller.post("{ me { role } }", origin=origin)) == {}


def test_whoever_names_two_origins_has_none(client: httpx.Client, caller: Caller) -> None:
    headers = [("origin", OURS), ("origin", OURS), ("authorization", f"Bearer {caller.token}")]
    answer = client.post("/graphql", json={"query": "{ me { role } }"}, headers=headers)
    assert allowed(answer) == {}


def test_a_program_that_is_no_page_is_answered_as_ever(caller: Caller) -> None:
    answer = caller.post("{ me { role } }")
    assert answer.status_code == 200
    assert "vary" not in answer.headers


def test_what_may_be_kept_says_for_whom(client: httpx.Client) -> None:
    answer = client.get("/.well-known/jwks.json")
    assert answer.headers["vary"] == "Origin"
    assert allowed(answer) == {}


@pytest.mark.parametrize("path", ["/oauth/authorize", "/sign-in", "/healthz", "/"])
def test_pages_are_not_open_to_other_pages(client: httpx.Client, path: str) -> None:
    assert allowed(preflight(client, path, OURS)) == {}
    assert allowed(client.get(path, headers={"origin": OURS})) == {}


def test_nobody_is_ever_allowed_to_send_cookies(client: httpx.Client, caller: Caller) -> None:
    for answer in (preflight(client, "/graphql", OURS), caller.post("{ me { role } }", origin=OURS)):
        assert "access-control-allow-credentials" not in answer.headers
        assert answer.headers["access-control-allow-origin"] != "*"


async def test_the_database_is_asked_every_few_seconds_at_most(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(origins, "SECONDS", 5.0)
    now = 0.0
    connections = Connections(network.settings, SIGN_IN, size=1)
    try:
        known = Origins(connections, clock=lambda: now)
        assert await known.include(OURS)
        network.rows("update app.clients set disabled_at = now() where origins && %s", [OURS])
        assert await known.include(OURS)
        now = 5.0
        assert not await known.include(OURS)
    finally:
        network.rows("update app.clients set disabled_at = null where origins && %s", [OURS])
        connections.close()


async def test_while_the_database_does_not_answer_nobody_may_ask(network: Network) -> None:
    connections = Connections(network.settings, SIGN_IN, size=1)
    connections.close()
    assert not await Origins(connections).include(OURS)
