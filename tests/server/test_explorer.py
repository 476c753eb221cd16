"""The explorer over HTTP: where it is served, what its page may do, and to whom the demo hands out tokens."""

from __future__ import annotations

import asyncio
import fcntl
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.types import ASGIApp
from tests.server.conftest import Network

from pat_auth.keys import KeysInFile
from pat_platform.settings import KeyProviderKind
from pat_server.app import create_app
from pat_server.demo.people import sign_in_table
from pat_server.demo.routes import demo_routes
from pat_server.explorer import explorer_routes
from pat_server.web import Web

HERE = "127.0.0.1"
URL = f"http://{HERE}:8000"
MANAGER = "manager@cbo-a.example"
PEOPLE = "/demo/people"
TOKEN = f"{PEOPLE}/{MANAGER}/token"
EXPLORER = ("/", "/graphiql", "/graphiql/", "/graphiql/assets/index.js", PEOPLE)


@dataclass(frozen=True)
class Browser:
    """Asks an application in this process, from some computer, by some name of the server."""

    app: ASGIApp
    host: str = HERE
    url: str = URL

    def get(self, path: str, **headers: str) -> httpx.Response:
        return asyncio.run(self._send("GET", path, headers))

    def post(self, path: str, **headers: str) -> httpx.Response:
        return asyncio.run(self._send("POST", path, headers))

    async def _send(self, method: str, path: str, headers: dict[str, str]) -> httpx.Response:
        transport = httpx.ASGITransport(self.app, client=(self.host, 50_000))
        async with httpx.AsyncClient(transport=transport, base_url=self.url, follow_redirects=True) as client:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            return await client.request(method, path, headers=named)


Ask = Callable[..., Browser]


@pytest.fixture
def built(tmp_path: Path) -> Web:
    """A page that was built, and a file beside its folder."""
    web = Web(tmp_path / "dist", tmp_path / ".build")
    web.assets.mkdir(parents=True)
    web.page.write_text("<!doctype html>the page")
    (web.assets / "index.js").write_text("let page")
    (web.built / "stamp").write_text("secret")
    return web


@pytest.fixture
def explorer(built: Web) -> Browser:
    return Browser(Starlette(routes=explorer_routes(built)))


@pytest.fixture
def asking(network: Network) -> Ask:
    """A client of the demo's own routes, from some computer, by some name of the server."""
    keys = KeysInFile(network.settings.key_folder)
    app = Starlette(routes=demo_routes(network.settings, keys))
    return lambda host=HERE, url=URL: Browser(app, host, url)


def test_the_way_in_leads_to_the_page(explorer: Browser) -> None:
    answer = explorer.get("/")
    assert answer.url == f"{URL}/graphiql"
    assert answer.text == "<!doctype html>the page"


def test_the_page_may_load_and_ask_its_own_server_only(explorer: Browser) -> None:
    policy = dict(
        part.strip().split(" ", 1)
        for part in explorer.get("/graphiql").headers["content-security-policy"].split(";")
    )
    assert policy["default-src"] == policy["base-uri"] == policy["frame-ancestors"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert not {word for words in policy.values() for word in words.split()} - {"'self'", "'none'", "data:"}


@pytest.mark.parametrize(
    "name",
    ["missing.js", "%2e%2e", "..%2fstamp", "%2e%2e%2fstamp", "..%5cstamp", "%2fetc%2fpasswd", "%2e", "a%00b"],
)
def test_only_files_of_the_folder_are_served(explorer: Browser, name: str) -> None:
    assert explorer.get("/graphiql/assets/index.js").text == "let page"
    answer = explorer.get(f"/graphiql/assets/{name}")
    assert answer.status_code == 404
    assert "secret" not in answer.text


def test_what_was_never_built_says_how_it_is_built(tmp_path: Path) -> None:
    web = Web(tmp_path / "dist", tmp_path / ".build")
    answer = Browser(Starlette(routes=explorer_routes(web))).get("/graphiql")
    assert answer.status_code == 503
    assert "The explorer is not built" in answer.text
    assert 'http-equiv="refresh"' not in answer.text


def test_while_it_is_built_the_page_reloads_itself(tmp_path: Path) -> None:
    web = Web(tmp_path / "dist", tmp_path / ".build")
    client = Browser(Starlette(routes=explorer_routes(web)))
    web.lock.parent.mkdir()
    with web.lock.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        answer = client.get("/graphiql")
    assert "is being built" in answer.text
    assert 'http-equiv="refresh"' in answer.text
    assert "default-src 'none'; style-src 'sha256-" in answer.headers["content-security-policy"]


def test_a_build_that_failed_is_told_on_the_page_and_escaped(tmp_path: Path) -> None:
    web = Web(tmp_path / "dist", tmp_path / ".build")
    web.failure.parent.mkdir()
    web.failure.write_text("No <network>. Try again.")
    answer = Browser(Starlette(routes=explorer_routes(web))).get("/graphiql")
    assert "The explorer could not be built" in answer.text
    assert "No &lt;network&gt;. Try again." in answer.text


@pytest.mark.parametrize("path", EXPLORER)
def test_a_production_server_knows_nothing_of_it(network: Network, path: str) -> None:
    settings = replace(network.settings, demo=False, key_provider=KeyProviderKind.FILE)
    client = Browser(create_app(settings))
    assert client.get(path).status_code == 404
    assert client.post(TOKEN, origin=URL).status_code == 404


def test_a_server_for_development_has_the_page_and_hands_out_no_tokens(network: Network) -> None:
    settings = replace(network.settings, demo=False, development=True, key_provider=KeyProviderKind.FILE)
    client = Browser(create_app(settings))
    assert client.get("/graphiql").status_code in (200, 503)
    assert client.get(PEOPLE).status_code == 404
    assert client.post(TOKEN, origin=URL).status_code == 404


def test_the_demo_tells_its_people_to_its_own_computer(asking: Ask) -> None:
    people = asking().get(PEOPLE).json()["people"]
    assert [each["email"] for each in people] == [each.email for each in sign_in_table()]
    assert {"email": MANAGER, "role": "case manager", "organisation": "Doyel Nirman Samity"} in people


def test_a_token_of_the_explorer_is_that_persons(server: str, asking: Ask) -> None:
    token = asking().post(TOKEN, origin=URL).json()["token"]
    asked = httpx.post(
        f"{server}/graphql",
        json={"query": "{ me { role } }"},
        headers={"authorization": f"Bearer {token}"},
    )
    assert asked.json()["data"] == {"me": {"role": "CASE_MANAGER"}}


def test_nobody_gets_a_token_as_nobody(asking: Ask) -> None:
    answer = asking().post(f"{PEOPLE}/nobody@cbo-a.example/token", origin=URL)
    assert (answer.status_code, answer.json()) == (404, {"message": "Nobody signs in as this."})


@pytest.mark.parametrize("host", ["192.168.1.7", "::ffff:10.0.0.1", "testclient"])
def test_another_computer_is_told_nothing(asking: Ask, host: str) -> None:
    client = asking(host)
    assert client.get(PEOPLE).status_code == 403
    assert client.post(TOKEN, origin=URL).status_code == 403


@pytest.mark.parametrize("name", ["forwarded", "x-forwarded-for", "x-real-ip", "via"])
def test_behind_a_proxy_nobody_is_told_anything(asking: Ask, name: str) -> None:
    assert asking().get(PEOPLE, **{name: HERE}).status_code == 403
    assert asking().post(TOKEN, origin=URL, **{name: HERE}).status_code == 403


def test_a_name_that_others_let_point_here_is_not_ours(asking: Ask) -> None:
    url = "http://attacker.example:8000"
    assert asking(url=url).get(PEOPLE).status_code == 403
    assert asking(url=url).post(TOKEN, origin=url).status_code == 403


@pytest.mark.parametrize("url", ["http://localhost:8000", "http://[::1]:8000"])
def test_every_name_of_the_computer_itself_will_do(asking: Ask, url: str) -> None:
    assert asking(url=url).post(TOKEN, origin=url).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"origin": "null"},
        {"origin": "http://attacker.example"},
        {"origin": "http://127.0.0.1:9000"},
        {"origin": "https://127.0.0.1:8000"},
        {"origin": URL, "sec-fetch-site": "cross-site"},
        {"origin": URL, "sec-fetch-site": "same-site"},
    ],
)
def test_no_other_page_gets_a_token(asking: Ask, headers: dict[str, str]) -> None:
    assert asking().post(TOKEN, **headers).status_code == 403


def test_a_token_is_never_got_by_a_link(asking: Ask) -> None:
    assert asking().get(TOKEN, origin=URL).status_code == 405


def test_a_database_that_does_not_answer_is_told_as_that(network: Network) -> None:
    settings = replace(network.settings, database_url="postgresql://127.0.0.1:1/nowhere")
    keys = KeysInFile(network.settings.key_folder)
    client = Browser(Starlette(routes=demo_routes(settings, keys)))
    answer = client.post(TOKEN, origin=URL)
    assert (answer.status_code, answer.json()["message"][:12]) == (503, "The database")


def test_nobody_gets_a_token_as_somebody_whom_the_demo_did_not_invent(network: Network, asking: Ask) -> None:
    rename = "update sec.people set email = %s where email = %s"
    network.rows(rename, "real@cbo-a.example", MANAGER)
    try:
        answer = asking().post(f"{PEOPLE}/real@cbo-a.example/token", origin=URL)
        assert (answer.status_code, "token" in answer.text) == (404, False)
    finally:
        network.rows(rename, MANAGER, "real@cbo-a.example")
