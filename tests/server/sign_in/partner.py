"""A partner's program and the people who sign in to it, over HTTP, against the demo network as it is served."""

from __future__ import annotations

import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from secrets import token_urlsafe
from typing import Any, Protocol
from urllib.parse import parse_qs, urlencode, urlsplit
from uuid import UUID

import httpx
import psycopg
from tests.server.conftest import SECRET, Network
from tests.support.issuing import put_client
from tests.support.visiting import Read

from pat_auth.clients.models import Serves
from pat_auth.issuer.totp import present_code
from pat_server.demo.credentials import demo_generator, demo_password

BACK = "https://partner.example/back"
WAIT_SECONDS = 20


class Database(Protocol):
    """What knows of people what they would know themselves."""

    def rows(self, statement: str, *parameters: object) -> list[tuple[Any, ...]]:
        """Run a statement as superuser."""


@dataclass
class Person:
    """Somebody of the demo who can prove who she is, at a browser of her own."""

    network: Database
    browser: httpx.Client
    id: UUID
    email: str
    membership: UUID | None = None
    """The one that she chooses where she has several."""
    pages: list[str] = field(default_factory=list)
    secret: bytes = SECRET
    """What the demo's passwords follow from."""

    def go_through(self, address: str) -> str:
        """Open what a client sends her to, and do what each page asks for; the address at which the client gets her back."""
        answer = self._follow(self.browser.get(address))
        while "location" not in answer.headers:
            assert answer.status_code == 200, answer.text
            path = answer.request.url.path
            self.pages.append(path)
            (form, *_) = Read(answer.text).forms
            origin = f"{self.browser.base_url}".rstrip("/")
            answer = self._follow(
                self.browser.post(
                    form.action, data=form.fields | self._filled(path), headers={"origin": origin}
                )
            )
            assert len(self.pages) < 10, answer.text
        return answer.headers["location"]

    def _follow(self, answer: httpx.Response) -> httpx.Response:
        while answer.headers.get("location", "").startswith("/"):
            answer = self.browser.get(answer.headers["location"])
        return answer

    def _filled(self, path: str) -> dict[str, str]:
        match path:
            case "/sign-in":
                return {"email": self.email, "password": demo_password(self.secret)}
            case "/sign-in/code":
                # Each code counts once: what she has shown before was long ago.
                self.network.rows("update sec.second_factors set last_step = 0 where person_id = %s", self.id)
                return {"code": present_code(demo_generator(self.secret, self.email), datetime.now(UTC))}
            case "/sign-in/as":
                return {"membership": str(self.membership)}
        return {"answer": "allow"}

    def was_here(self, seconds_ago: float) -> None:
        """Move the moment at which she signed in."""
        ago = timedelta(seconds=seconds_ago)
        self.network.rows(
            "update sec.browsers set first_at = first_at - %s, second_at = second_at - %s where person_id = %s",
            *(ago, ago, self.id),
        )


@dataclass
class Program:
    """A partner's program: it sends people to sign in, and asks the API with what it gets."""

    http: httpx.Client
    client: UUID
    redirect_uri: str = BACK

    def question(self, verifier: str, **more: str) -> str:
        """The address that it sends somebody to."""
        challenge = urlsafe_b64encode(sha256(verifier.encode()).digest()).decode().rstrip("=")
        return "/oauth/authorize?" + urlencode(
            {
                "response_type": "code",
                "client_id": str(self.client),
                "redirect_uri": self.redirect_uri,
                "scope": "openid",
                "state": "state",
                "code_challenge": challenge,
                "code_challenge_method": "S256",
                **more,
            }
        )

    def tokens(self, person: Person, **more: str) -> dict[str, Any]:
        """What it gets once somebody has signed in."""
        verifier = token_urlsafe(48)
        back = person.go_through(self.question(verifier, **more))
        (code,) = parse_qs(urlsplit(back).query)["code"]
        answer = self.http.post(
            "/oauth/token",
            data={
                "grant_type": "authorization_code",
                "client_id": str(self.client),
                "redirect_uri": self.redirect_uri,
                "code": code,
                "code_verifier": verifier,
            },
        )
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def ask(self, tokens: dict[str, Any], query: str, **variables: Any) -> httpx.Response:
        """Ask the API."""
        return self.http.post(
            "/graphql",
            json={"query": query, "variables": variables},
            headers={"authorization": f"Bearer {tokens['access_token']}"},
        )


@contextmanager
def at_a_browser(network: Network, server: str, email: str) -> Iterator[Person]:
    """Somebody on the staff of the demo, at a browser that has not been here."""
    ((id,),) = network.rows("select id from sec.people where email = %s", email)
    with httpx.Client(base_url=server, timeout=30) as browser:
        yield Person(network, browser, id, email)
    for table in ("consents", "codes", "browsers"):
        network.rows(f"delete from sec.{table} where person_id = %s", id)


def register(network: Network, slug: str, **more: Any) -> UUID:
    """Register a client of an organisation as its operator may."""
    ((organisation,),) = network.rows("select id from app.organisations where slug = %s", slug)
    with psycopg.connect(network.admin_url) as connection:
        return put_client(connection, organisation, **{"redirect_uris": [BACK], **more})


def for_all(network: Network, **more: Any) -> UUID:
    """Register a client that serves the whole network."""
    return register(network, "secretariat", serves=Serves.NETWORK, **more)


def until(there: Callable[[], httpx.Response]) -> httpx.Response:
    """The answer of a program that is about to listen."""
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            return there()
        except httpx.ConnectError:
            assert time.monotonic() < deadline
            time.sleep(0.05)
