"""Chromium as tests drive it, and a client's own server, to which it is sent back."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import ClassVar

from playwright.sync_api import Browser, ConsoleMessage, Page, ViewportSize, sync_playwright
from tests.web.building import chromium

PHONE: ViewportSize = {"width": 360, "height": 740}
# Without Chromium's own conversations with its makers, which no page causes.
_QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@contextmanager
def browsing() -> Iterator[Browser]:
    """A browser, as long as the block lasts."""
    path = chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=_QUIET)
        yield browser
        browser.close()


def picture(page: Page, name: str) -> None:
    """Keep a picture of the page where somebody asks for them."""
    if folder := os.environ.get("PAT_SCREENSHOTS"):
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


@dataclass
class Screen:
    """A page that somebody looks at, and what the browser complained of."""

    page: Page
    language: str
    complaints: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("console", self._said)

    def look(self, name: str) -> None:
        """Nothing is cut off or has to be pushed sideways; a picture is kept where somebody asks for them."""
        wide = self.page.locator("html").evaluate("node => [node.scrollWidth, window.innerWidth]")
        assert wide[0] <= wide[1]
        assert self.page.locator("html").get_attribute("lang") == self.language
        picture(self.page, f"{name}-{self.language}")

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).click()

    def _said(self, message: ConsoleMessage) -> None:
        self.complaints.append(message.text)


class Elsewhere(BaseHTTPRequestHandler):
    """A client's own server, at another origin; and, at one address, a page that means harm."""

    seen: ClassVar[list[str]] = []
    harm: ClassVar[str] = ""

    def do_GET(self) -> None:
        self.seen.append(self.path)
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.end_headers()
        self.wfile.write(self.harm.encode() if self.path == "/harm" else b"<title>Back</title>")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def elsewhere() -> Iterator[str]:
    """The origin of that server, as long as the block lasts."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Elsewhere)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://localhost:{server.server_port}"
    server.shutdown()
    server.server_close()
