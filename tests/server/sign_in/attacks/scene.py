"""Somebody with bad intentions before the issuer, over HTTP."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
from tests.support.cutting import Cut
from tests.support.granting import BACK, Granting
from tests.support.proving import ISSUER
from tests.support.visiting import Known, Visitor, know

ACCEPTED = "accepted"
EVIL = "https://evil.example/back"
BYE = "https://client.example/bye"


@dataclass
class Scene:
    """The issuer, a client of cbo-a's with its tokens, and a browser."""

    granting: Granting
    http: httpx.Client
    other: httpx.Client
    """Another browser."""
    tokens: dict[str, Any] = field(init=False)
    """What the client was given for a manager."""

    def __post_init__(self) -> None:
        self.granting.client = self.granting.put_client(scopes=("cases", "identity"), logout_uris=(BYE,))
        self.tokens = self.exchange(self.granting.code(scope="openid cases")).json()

    @property
    def visitor(self) -> Visitor:
        """Somebody at the browser."""
        return Visitor(self.http, self.granting)

    @property
    def stranger(self) -> Visitor:
        """Somebody at the other one."""
        return Visitor(self.other, self.granting)

    @property
    def manager(self) -> Known:
        """The manager, with all that she signs in with."""
        return know(self.granting, self.granting.who.person)

    def signed_in(self, *, is_allowed: bool = True) -> Visitor:
        """The manager, signed in at the browser; the client was allowed what it asked for."""
        visitor = self.visitor
        visitor.ask(scope="openid cases")
        visitor.sign_in(self.manager)
        if is_allowed:
            visitor.post(answer="allow")
        return visitor

    def post(self, path: str, *pairs: tuple[str, str], **headers: str) -> httpx.Response:
        form = urlencode(pairs)
        sent = {"content-type": "application/x-www-form-urlencoded"} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        return self.http.post(path, content=form, headers=sent)

    def exchange(self, code: str, *more: tuple[str, str], **changes: str | None) -> httpx.Response:
        return self.post("/oauth/token", *self.granting.form(code, **changes), *more)

    def refresh(self, token: str | None = None, **changes: str | None) -> httpx.Response:
        sent = {
            "grant_type": "refresh_token",
            "client_id": str(self.granting.client),
            "refresh_token": token or self.tokens["refresh_token"],
            **changes,
        }
        return self.post(
            "/oauth/token", *((name, value) for name, value in sent.items() if value is not None)
        )

    def revoke(self, token: str, client: object) -> httpx.Response:
        return self.post("/oauth/revoke", ("token", token), ("client_id", str(client)))

    def userinfo(self, token: str) -> httpx.Response:
        return self.http.get("/oauth/userinfo", headers={"authorization": f"Bearer {token}"})

    def authorize(self, *more: tuple[str, str], **changes: str | None) -> httpx.Response:
        return self.http.get(f"/oauth/authorize?{urlencode([*self.granting.question(**changes), *more])}")

    def leave(self, **query: str) -> httpx.Response:
        return self.http.get(f"/oauth/logout?{urlencode(query)}")

    def change(self, statement: str) -> None:
        """Change something as superuser; of ``who`` and ``client`` the scene's are meant."""
        who = self.granting.who
        values: Mapping[str, object] = {
            "person": who.person,
            "membership": who.membership,
            "browser": self.granting.browser,
            "client": self.granting.client,
        }
        self.granting.connections.connection.execute(statement.encode(), values)


def outcome(answer: httpx.Response) -> str:
    """What became of a request, in two words. Whoever is sent back to a client learns from whom."""
    location = answer.headers.get("location", "")
    if location.startswith(BACK):
        said = parse_qs(urlsplit(location).query)
        assert said["iss"] == [ISSUER]
        return f"told {said['error'][0]}" if "error" in said else ACCEPTED
    if answer.status_code < 400:
        return ACCEPTED
    if answer.headers["content-type"] == "application/json":
        return f"{answer.status_code} {answer.json()['error']}"
    return f"page {answer.status_code}"


@dataclass(frozen=True)
class Attack:
    """What is tried, what becomes of it, and the guard without which it would succeed."""

    name: str
    is_refused_with: str
    attempt: Callable[[Scene], httpx.Response | str]
    guard: tuple[Cut, ...]

    def outcome(self, scene: Scene) -> str:
        found = self.attempt(scene)
        return found if isinstance(found, str) else outcome(found)


def always(*_: object, **__: object) -> bool:
    return True


def never(*_: object, **__: object) -> bool:
    return False


def nothing(*_: object, **__: object) -> None:
    return None
