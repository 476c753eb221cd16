"""The explorer in Chromium: people ask, see what they may, and nothing leaves the machine or stays behind."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, Route, expect
from tests.server.conftest import Caller
from tests.support.browsing import browsing, picture
from tests.web.building import built_page

pytestmark = pytest.mark.slow

MANAGER = "manager@cbo-a.example"
WORKER = "worker2@cbo-a.example"
WITHOUT_CASES = "mis@cbo-a.example"


@dataclass
class Explorer:
    """The page, what it asked for, and what the browser complained of."""

    page: Page
    origin: str
    asked: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def open(self) -> None:
        self.page.route("**/*", self._asked)
        # Routes are for requests alone.
        self.page.on("websocket", lambda socket: self.asked.append(socket.url))
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.goto(self.origin)
        expect(self.editor).to_contain_text("FirstLook")

    def _asked(self, route: Route) -> None:
        self.asked.append(route.request.url)
        if route.request.url.startswith(f"{self.origin}/"):
            route.continue_()
        else:
            route.abort()

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def asked_elsewhere(self) -> list[str]:
        """The addresses beyond this server that anything was sent to, as a request or over a WebSocket."""
        ours = (f"{self.origin}/", f"{self.origin.replace('http', 'ws', 1)}/", "data:")
        return [url for url in self.asked if not url.startswith(ours)]

    def ask_as(self, email: str) -> None:
        self.page.get_by_label("Ask as").select_option(email)
        expect(self.status).to_contain_text("Signed in")

    def run(self) -> None:
        with self.page.expect_response("**/graphql"):
            self.page.get_by_role("button", name="Execute query").click()

    @property
    def status(self) -> Locator:
        return self.page.get_by_role("status")

    @property
    def editor(self) -> Locator:
        return self.page.get_by_label("Query Editor")

    @property
    def answer(self) -> Locator:
        return self.page.get_by_label("Result Window")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with browsing() as running:
        built_page()
        yield running


@pytest.fixture
def explorer(browser: Browser, server: str) -> Iterator[Explorer]:
    """The page as it opens on a computer; it must have complained of nothing at the end, and asked nobody else."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    explorer = Explorer(context.new_page(), server)
    explorer.open()
    yield explorer
    context.close()
    assert explorer.complaints == []
    assert explorer.asked_elsewhere() == []


def test_each_person_sees_what_her_work_needs(explorer: Explorer) -> None:
    explorer.ask_as(MANAGER)
    explorer.run()
    expect(explorer.answer).to_contain_text('"CASE_MANAGER"')
    expect(explorer.answer).not_to_contain_text("NOT_ASSIGNED")
    explorer.ask_as(WORKER)
    explorer.run()
    expect(explorer.answer).to_contain_text('"SOCIAL_WORKER"')
    expect(explorer.answer).to_contain_text('"reason": "NOT_ASSIGNED"')
    picture(explorer.page, "explorer")


def test_a_socket_that_leaves_the_machine_is_seen_if_the_page_may_open_one(
    browser: Browser, server: str
) -> None:
    """The page's own policy forbids it; here it is not asked."""
    context = browser.new_context(bypass_csp=True)
    explorer = Explorer(context.new_page(), server)
    explorer.open()
    assert explorer.asked_elsewhere() == []
    with explorer.page.expect_websocket():
        explorer.page.evaluate("void new WebSocket('ws://127.0.0.1:9/elsewhere')")
    assert explorer.asked_elsewhere() == ["ws://127.0.0.1:9/elsewhere"]
    context.close()


def test_the_token_and_the_answers_are_kept_nowhere(explorer: Explorer) -> None:
    with explorer.page.expect_response("**/token") as answered:
        explorer.ask_as(MANAGER)
    token = answered.value.json()["token"]
    explorer.run()
    expect(explorer.answer).to_contain_text('"firstName"')
    kept = explorer.page.evaluate(
        "async () => [localStorage.length, sessionStorage.length, document.cookie,"
        " (await indexedDB.databases()).length, (await caches.keys()).length]"
    )
    assert kept == [0, 0, "", 0, 0]
    assert token not in explorer.page.content()
    explorer.page.reload()
    expect(explorer.status).to_have_text("Not signed in")


def test_the_schema_can_be_read(explorer: Explorer) -> None:
    explorer.ask_as(MANAGER)
    explorer.page.get_by_role("button", name="Show Documentation Explorer").click()
    explorer.page.get_by_role("link", name="Query", exact=True).click()
    expect(explorer.page.get_by_text("Who is signed in, as what, for which organisation.")).to_be_visible()


def test_a_pasted_token_asks_too(explorer: Explorer, manager: Caller) -> None:
    explorer.page.get_by_label("or with a token").fill(manager.token)
    expect(explorer.status).to_have_text("Asking with the token")
    explorer.run()
    expect(explorer.answer).to_contain_text('"CASE_MANAGER"')


def test_it_fits_a_phone(explorer: Explorer) -> None:
    explorer.page.set_viewport_size({"width": 360, "height": 740})
    explorer.ask_as(MANAGER)
    explorer.run()
    expect(explorer.answer).to_contain_text('"CASE_MANAGER"')
    expect(explorer.answer).to_be_in_viewport(ratio=0.9)
    expect(explorer.editor).to_be_in_viewport(ratio=0.9)
    assert explorer.page.evaluate("document.documentElement.scrollWidth") == 360
    picture(explorer.page, "explorer-phone")


def test_who_may_not_ask_at_all_is_refused(browser: Browser, server: str) -> None:
    context = browser.new_context()
    explorer = Explorer(context.new_page(), server)
    explorer.open()
    explorer.ask_as(WITHOUT_CASES)
    explorer.run()
    expect(explorer.answer).to_contain_text('"FORBIDDEN"')
    context.close()
    # The browser notes every status that says no, and nothing else.
    assert all("the server responded with a status of 4" in each for each in explorer.complaints)
