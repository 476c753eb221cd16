"""The issuer before the small network, asked by a client; whatever happens is undone at the end of a test."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import orjson
import psycopg
from psycopg.pq import TransactionStatus
from tests.support.issuing import put_browser, put_client
from tests.support.people import Member as InNetwork
from tests.support.proving import ISSUER, Clock, CountedHashing
from tests.support.wall import SECRET, Wall

from pat_auth.issuer.asked import Answer, Asked, Pairs
from pat_auth.issuer.authorizing import Mistake, Redirect, Wish, conclude, examine
from pat_auth.issuer.members import Member
from pat_auth.issuer.methods import Method
from pat_auth.issuer.server import answer_token
from pat_auth.issuer.service import Secrets, Service
from pat_auth.issuer.standing import Standing
from pat_auth.keys import KeysInFile
from pat_auth.policy import Role
from pat_auth.principal import Principal
from pat_auth.tokens import FollowingVerifier, Verifier
from pat_platform.database.logins import SIGN_IN
from pat_platform.database.threads import Connection, Connections
from pat_platform.settings import Settings

BACK = "https://client.example/back"
VERIFIER = "v" * 43
SCOPE = "openid cases"


def challenge_of(verifier: str) -> str:
    return urlsafe_b64encode(sha256(verifier.encode()).digest()).decode().rstrip("=")


class Undone(Connections):
    """One connection in a transaction that is rolled back at the end. Each transaction of the issuer is a savepoint of it.

    Whatever a test does itself, it does as superuser; the issuer has its own login.
    """

    def __init__(self, url: str) -> None:
        self.connection = psycopg.connect(url)

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        with self.connection.transaction():
            self.connection.execute(f"set local session authorization {SIGN_IN}".encode())
            yield self.connection
            assert self.connection.info.transaction_status is TransactionStatus.INTRANS
            self.connection.execute("set local session authorization default")

    def close(self) -> None:
        self.connection.rollback()
        self.connection.close()


@dataclass
class Granting:
    """A client of cbo-a's that asks the issuer, and a manager there who has signed in with both factors."""

    wall: Wall
    service: Service
    connections: Undone
    clock: Clock
    folder: Path
    """Where the keys are."""
    client: UUID = field(init=False)
    browser: UUID = field(init=False)
    who: InNetwork = field(init=False)

    def __post_init__(self) -> None:
        self.become("cbo-a", Role.CASE_MANAGER)
        self.client = self.put_client(scopes=("cases", "identity"))

    def become(self, slug: str, role: Role) -> None:
        """Let somebody else of the network be the one who has signed in."""
        self.who = self.wall.member(slug, role)
        self.browser = put_browser(self.connections.connection, self.who.person)

    def put_client(self, slug: str = "cbo-a", **values: Any) -> UUID:
        given = {"redirect_uris": (BACK,), **values}
        return put_client(self.connections.connection, self.wall.organisation(slug), **given)

    def rows(self, statement: str, *parameters: object) -> list[tuple[Any, ...]]:
        """Run a statement as superuser."""
        cursor = self.connections.connection.execute(statement.encode(), parameters)
        return cursor.fetchall() if cursor.description else []

    def standing(self, **values: Any) -> Standing:
        given = {
            "person": self.who.person,
            "browser": self.browser,
            "first_at": self.clock(),
            "second_at": self.clock(),
            "methods": frozenset({Method.PASSWORD, Method.OTP}),
            **values,
        }
        return Standing(**given)

    @property
    def member(self) -> Member:
        return Member(self.who.membership, self.who.organisation, "CBO-A", self.who.role)

    def question(self, **changes: str | None) -> Pairs:
        """What a well-behaved client asks for; None leaves a parameter out."""
        sent = {
            "response_type": "code",
            "client_id": str(self.client),
            "redirect_uri": BACK,
            "scope": SCOPE,
            "state": "state",
            "code_challenge": challenge_of(VERIFIER),
            "code_challenge_method": "S256",
            **changes,
        }
        return [(name, value) for name, value in sent.items() if value is not None]

    def examine(self, *more: tuple[str, str], **changes: str | None) -> Wish | Redirect | Mistake:
        with self.connections.transaction() as connection:
            return examine(connection, self.service, [*self.question(**changes), *more])

    def wish(self, **changes: str | None) -> Wish:
        found = self.examine(**changes)
        assert isinstance(found, Wish)
        return found

    def conclude(
        self, wish: Wish, standing: Standing | None = None, member: Member | None = None
    ) -> Redirect | Mistake:
        with self.connections.transaction() as connection:
            return conclude(
                connection, self.service, wish, standing or self.standing(), member or self.member
            )

    def code(self, **changes: str | None) -> str:
        """A code that was just handed out."""
        done = self.conclude(self.wish(**changes))
        assert isinstance(done, Redirect)
        return told(done)["code"]

    def form(self, code: str, /, **changes: str | None) -> Pairs:
        """How a well-behaved client exchanges a code; None leaves a parameter out."""
        sent = {
            "grant_type": "authorization_code",
            "client_id": str(self.client),
            "redirect_uri": BACK,
            "code": code,
            "code_verifier": VERIFIER,
            **changes,
        }
        return [(name, value) for name, value in sent.items() if value is not None]

    def post(self, form: Pairs, **values: Any) -> Answer:
        """Ask the token endpoint."""
        return answer_token(self.service, Asked("POST", "/oauth/token", form=form, **values))

    def exchange(self, code: str, /, **changes: str | None) -> Answer:
        return self.post(self.form(code, **changes))

    def exchange_of(self, done: Redirect | Mistake) -> dict[str, Any]:
        """What the code in an answer is exchanged for."""
        assert isinstance(done, Redirect)
        return said(self.exchange(told(done)["code"]))

    def tokens(self, **changes: str | None) -> dict[str, Any]:
        """What a code is exchanged for."""
        answer = self.exchange(self.code(**changes))
        assert answer.status == 200, answer.body
        return said(answer)

    def principal(self, tokens: dict[str, Any]) -> Principal:
        """Whom the access token speaks for."""
        return self.service.verifier.verify(tokens["access_token"])


def said(answer: Answer) -> dict[str, Any]:
    found = orjson.loads(answer.body)
    assert isinstance(found, dict)
    return found


def told(redirect: Redirect) -> dict[str, str]:
    """What a client reads in the address that a browser was sent to."""
    return {name: value for name, (value,) in parse_qs(urlsplit(redirect.location).query).items()}


def refused(answer: Answer) -> tuple[int, str]:
    """Status and code of an error; it may be kept by nobody."""
    assert dict(answer.headers)["Cache-Control"] == "no-store"
    return answer.status, said(answer)["error"]


@contextmanager
def granting_on(wall: Wall, folder: Path) -> Iterator[Granting]:
    """The issuer of the small network, and a client."""
    settings = Settings(database_url=wall.url, secret=SECRET, issuer=ISSUER, audience=f"{ISSUER}/graphql")
    keys, clock, connections = KeysInFile(folder), Clock(), Undone(wall.url)
    making = partial(
        Verifier, issuer=settings.issuer, audience=settings.audience, clock=lambda: clock().timestamp()
    )
    service = Service(
        connections=connections,
        keys=keys,
        verifier=FollowingVerifier(keys, making),
        issuer=settings.issuer,
        audience=settings.audience,
        secrets=Secrets.of(SECRET),
        hashing=CountedHashing(),
        clock=clock,
        sends_mail=True,
    )
    try:
        yield Granting(wall, service, connections, clock, folder)
    finally:
        connections.close()
