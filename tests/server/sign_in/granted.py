"""Clients of the demo network, and what its pages would do: somebody has signed in and allowed it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import httpx
import psycopg
from starlette.applications import Starlette
from tests.server.conftest import Network
from tests.support.granting import BACK, SCOPE, VERIFIER, challenge_of, told
from tests.support.issuing import put_browser, put_client

from pat_auth.issuer.authorizing import Redirect, Wish, conclude, examine
from pat_auth.issuer.clients import find_client
from pat_auth.issuer.consents import allow
from pat_auth.issuer.members import memberships_of
from pat_auth.issuer.methods import Method
from pat_auth.issuer.service import Service
from pat_auth.issuer.standing import Standing


@dataclass
class Granted:
    """A client of an organisation, asking the server's own issuer."""

    network: Network
    service: Service
    http: httpx.Client
    slug: str = "cbo-a"
    scopes: tuple[str, ...] = ("cases", "identity")
    client: UUID = field(init=False)

    def __post_init__(self) -> None:
        ((organisation,),) = self.network.rows("select id from app.organisations where slug = %s", self.slug)
        with psycopg.connect(self.network.admin_url) as admin:
            self.client = put_client(admin, organisation, redirect_uris=(BACK,), scopes=self.scopes)

    def question(self, scope: str = SCOPE, **more: str) -> dict[str, str]:
        """What the client asks for."""
        return {
            "response_type": "code",
            "client_id": str(self.client),
            "redirect_uri": BACK,
            "scope": scope,
            "code_challenge": challenge_of(VERIFIER),
            "code_challenge_method": "S256",
            **more,
        }

    def sign_in(self, email: str, allows: Iterable[str]) -> str:
        """The secret of a browser in which somebody has signed in with both factors, and allowed the client these scopes."""
        ((person, membership),) = self.network.rows(
            "select p.id, m.id from sec.people p join app.memberships m on m.person_id = p.id where p.email = %s",
            email,
        )
        secret = uuid4().hex
        with psycopg.connect(self.network.admin_url) as admin:
            put_browser(admin, person, secret=secret.encode())
        with self.service.connections.transaction() as connection:
            client = find_client(connection, str(self.client))
            assert client is not None
            who = {"person": person, "membership": membership}
            allow(connection, self.service, client=client, scopes=frozenset(allows), **who)
        return secret

    def code(self, email: str, scope: str = SCOPE, **more: str) -> str:
        """A code for somebody who has signed in with both factors and allows what is asked for."""
        ((person,),) = self.network.rows("select id from sec.people where email = %s", email)
        with psycopg.connect(self.network.admin_url) as admin:
            browser = put_browser(admin, person)
        now = self.service.clock()
        standing = Standing(person, browser, now, now, frozenset({Method.PASSWORD, Method.OTP}))
        with self.service.connections.transaction() as connection:
            wish = examine(connection, self.service, list(self.question(scope, **more).items()))
            assert isinstance(wish, Wish)
            (member,) = memberships_of(connection, person)
            done = conclude(connection, self.service, wish, standing, member)
        assert isinstance(done, Redirect)
        return told(done)["code"]

    def form(self, code: str, /, **changes: str) -> dict[str, str]:
        return {
            "grant_type": "authorization_code",
            "client_id": str(self.client),
            "redirect_uri": BACK,
            "code": code,
            "code_verifier": VERIFIER,
            **changes,
        }

    def exchange(self, code: str, /, **changes: str) -> httpx.Response:
        return self.http.post("/oauth/token", data=self.form(code, **changes))

    def refresh_form(self, tokens: Mapping[str, Any]) -> dict[str, str]:
        return {
            "grant_type": "refresh_token",
            "client_id": str(self.client),
            "refresh_token": tokens["refresh_token"],
        }

    def refresh(self, tokens: Mapping[str, Any]) -> httpx.Response:
        return self.http.post("/oauth/token", data=self.refresh_form(tokens))

    def sessions(self) -> list[tuple[bool, str | None]]:
        """Of the client's sessions: whether each still stands, and if not, why."""
        return self.network.rows(
            "select revoked_at is null, revoked_because from sec.sessions where client = %s",
            str(self.client),
        )

    def tokens(self, email: str, scope: str = SCOPE) -> dict[str, Any]:
        answer = self.exchange(self.code(email, scope))
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def ask(self, token: str, query: str) -> httpx.Response:
        """Ask the API with an access token."""
        return self.http.post("/graphql", json={"query": query}, headers={"authorization": f"Bearer {token}"})


def issuer_of(app: Starlette) -> Service:
    found: Service = app.state.parts.issuer
    return found
