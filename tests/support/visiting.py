"""Somebody at the pages of signing in, with a browser that runs no script: she reads, fills in, and presses buttons."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urlencode
from uuid import UUID

import httpx
from starlette.types import ASGIApp
from tests.support.granting import Granting, told
from tests.support.proving import ISSUER, PASSWORD

from pat_auth.issuer.authorizing import Redirect
from pat_auth.issuer.passwords import hash_password, set_password
from pat_auth.issuer.recovery import renew_recovery_codes
from pat_auth.issuer.totp import new_secret, present_code, put_factor


class Within(httpx.BaseTransport):
    """Leads to an application in this thread, by any address, https or not."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = httpx.ASGITransport(app=app, raise_app_exceptions=False, client=("203.0.113.7", 1))
        self._runner = asyncio.Runner()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return self._runner.run(self._answer(request))

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        answer = await self._app.handle_async_request(request)
        return httpx.Response(answer.status_code, headers=answer.headers, content=await answer.aread())

    def close(self) -> None:
        self._runner.close()


@dataclass
class Form:
    """A form of a page."""

    action: str
    fields: dict[str, str] = field(default_factory=dict)
    buttons: list[dict[str, str | None]] = field(default_factory=list)


class Read(HTMLParser):
    """What a page holds."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.forms: list[Form] = []
        self.words: list[str] = []
        self.heading = ""
        self._within = ""
        self.feed(text)

    @property
    def text(self) -> str:
        """What is there to read."""
        return " ".join(" ".join(self.words).split())

    @property
    def ids(self) -> list[str | None]:
        return [values["id"] for _, values in self.tags if "id" in values]

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [values for name, values in self.tags if name == tag]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.tags.append((tag, values))
        self._within = tag
        if tag == "form":
            self.forms.append(Form(values["action"] or ""))
        elif tag == "input" and values.get("name"):
            self.forms[-1].fields[str(values["name"])] = values.get("value") or ""
        elif tag == "button":
            self.forms[-1].buttons.append(values)

    def handle_data(self, data: str) -> None:
        if self._within == "h1":
            self.heading += data.strip()
        if self._within != "title":
            self.words.append(data)


@dataclass
class Visitor:
    """One browser."""

    http: httpx.Client
    granting: Granting
    page: httpx.Response = field(init=False)
    steps: list[str] = field(default_factory=list)

    @property
    def read(self) -> Read:
        """The page that is open."""
        return Read(self.page.text)

    @property
    def secret(self) -> str:
        """What its cookie holds."""
        return self.http.cookies["__Host-pat"]

    def get(self, address: str, **headers: str) -> httpx.Response:
        """Open an address, and follow wherever we lead within our own pages."""
        self.page = self.http.get(address, headers=headers)
        return self._follow()

    def ask(self, **changes: str | None) -> httpx.Response:
        """Be sent here by the client."""
        return self.get(f"/oauth/authorize?{urlencode(self.granting.question(**changes))}")

    def post(
        self, *, form: int = 0, headers: dict[str, str] | None = None, **values: str | None
    ) -> httpx.Response:
        """Send a form of the page that is open; None leaves out a field."""
        found = self.read.forms[form]
        sent = {name: value for name, value in (found.fields | values).items() if value is not None}
        said = {"origin": ISSUER, "sec-fetch-site": "same-origin"} if headers is None else headers
        self.page = self.http.post(found.action, data=sent, headers=said)
        return self._follow()

    def _follow(self) -> httpx.Response:
        self.steps.append(self.page.request.url.path)
        while self.page.headers.get("location", "").startswith("/"):
            self.page = self.http.get(self.page.headers["location"])
            self.steps.append(self.page.request.url.path)
        return self.page

    @property
    def told(self) -> dict[str, str]:
        """What the client is told by the redirect to it."""
        assert self.page.status_code == 303, self.page.text
        return told(Redirect(self.page.headers["location"]))

    def sign_in(self, who: Known) -> httpx.Response:
        """Prove who she is, with all that she has."""
        self.post(email=who.email, password=who.password)
        if self.page.request.url.path == "/sign-in/code":
            # Whoever has a passkey is asked for that first.
            form = next(number for number, form in enumerate(self.read.forms) if "code" in form.fields)
            self.post(form=form, code=who.code())
        return self.page


@dataclass(frozen=True)
class Known:
    """A person whom we know everything of that she needs to sign in."""

    granting: Granting
    id: UUID
    email: str
    secret: str = ""
    recovery_codes: tuple[str, ...] = ()
    password: str = PASSWORD

    def code(self) -> str:
        """What her generator shows. Each code counts once, so that time goes by first."""
        self.granting.clock.pass_by(seconds=30)
        return present_code(self.secret, self.granting.clock())


def know(granting: Granting, person: UUID, *, has_generator: bool = True) -> Known:
    """Give somebody of the network a password, and a generator of codes."""
    service = granting.service
    ((email,),) = granting.rows("select email from sec.people where id = %s", person)
    secret, codes = "", []
    hashed = hash_password(service, PASSWORD)
    with service.connections.transaction() as connection:
        set_password(connection, service, person, hashed)
        if has_generator:
            secret = new_secret()
            put_factor(connection, service, person, secret, step=0)
            codes = renew_recovery_codes(connection, service, person)
    return Known(granting, person, email, secret, tuple(codes))


@contextmanager
def visiting(app: ASGIApp, granting: Granting) -> Iterator[Visitor]:
    """A browser, as long as the block lasts."""
    with httpx.Client(transport=Within(app), base_url=ISSUER) as http:
        yield Visitor(http, granting)
