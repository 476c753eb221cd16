"""An OpenID provider of an organisation's own, in this process: it does what a test says, rightly or wrongly."""

from __future__ import annotations

import json
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from secrets import token_urlsafe
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit
from uuid import UUID, uuid4

import httpx
from joserfc import jws
from joserfc.jwk import ECKey, Key
from joserfc.jws import JWSRegistry
from psycopg import Connection
from tests.support.granting import Granting
from tests.support.visiting import Visitor

from pat_auth.clients.models import Serves
from pat_auth.issuer.service import Secrets
from pat_auth.issuer.upstreams import seal_secret

CLIENT = "pat-at-their-own"
SECRET = "a secret: 100% of it, + more"
SUBJECT = "asha"
LIFE = 300


@dataclass
class Provider:
    """What it has handed out, and how it differs from a good one."""

    now: Any
    """What the time is, in seconds."""
    issuer: str = ""
    key: Key = field(default_factory=lambda: ECKey.generate_key("P-256", {"kid": "first"}, private=True))
    algorithm: str = "ES256"
    header: dict[str, Any] = field(default_factory=dict)
    document: dict[str, Any] = field(default_factory=dict)
    claims: dict[str, Any] = field(default_factory=dict)
    """What it says otherwise; None for what it leaves out."""
    back: dict[str, str | None] = field(default_factory=dict)
    """What it sends people back with, otherwise."""
    published: list[dict[str, Any]] | None = None
    answers: dict[str, tuple[int, Mapping[str, str], bytes]] = field(default_factory=dict)
    """What it answers at a path, whatever is asked."""
    asked: list[str] = field(default_factory=list)
    """The paths that it was asked for."""
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    sent: list[dict[str, str]] = field(default_factory=list)
    """What people came with."""
    is_careless: bool = False
    """Whether it gives its tokens for any code, with whatever comes along."""

    def sign_in(self, address: str) -> str:
        """Somebody comes with her browser, and signs in; the address that she is sent back to."""
        assert address.startswith(f"{self.issuer}/authorize?")
        sent = {name: value for name, (value,) in parse_qs(urlsplit(address).query).items()}
        assert (sent["response_type"], sent["client_id"], sent["scope"]) == ("code", CLIENT, "openid")
        assert (sent["code_challenge_method"], sent["max_age"]) == ("S256", "0")
        code = token_urlsafe(16)
        self.codes[code] = sent
        self.sent.append(sent)
        said = {"code": code, "state": sent["state"], "iss": self.issuer, **self.back}
        return f"{sent['redirect_uri']}?{urlencode({name: value for name, value in said.items() if value is not None})}"

    def token(self, sent: Mapping[str, str], authorization: str) -> tuple[int, Mapping[str, Any]]:
        """What the token endpoint answers."""
        if authorization:
            client, _, secret = b64decode(authorization.removeprefix("Basic ")).decode().partition(":")
        else:
            client, secret = sent.get("client_id", ""), sent.get("client_secret", "")
        asked = self.codes.pop(sent.get("code", ""), None)
        challenge = urlsafe_b64encode(sha256(sent.get("code_verifier", "").encode()).digest()).decode()
        is_right = asked is not None and (
            (client, secret) == (CLIENT, SECRET)
            and asked["redirect_uri"] == sent.get("redirect_uri")
            and asked["code_challenge"] == challenge.rstrip("=")
        )
        if asked is None or not (is_right or self.is_careless):
            return 400, {"error": "invalid_grant"}
        return 200, {
            "access_token": "opaque",
            "token_type": "Bearer",
            "id_token": self.id_token(asked["nonce"]),
        }

    def id_token(self, nonce: str) -> str:
        """What it says of whoever has signed in."""
        now = int(self.now())
        claims = {
            "iss": self.issuer,
            "sub": SUBJECT,
            "aud": CLIENT,
            "iat": now,
            "exp": now + LIFE,
            "auth_time": now,
            "nonce": nonce,
            **self.claims,
        }
        said = {name: value for name, value in claims.items() if value is not None}
        header = {"alg": self.algorithm, "kid": self.key.kid, **self.header}
        protected = {name: value for name, value in header.items() if value is not None}
        registry = JWSRegistry(algorithms=[self.algorithm], strict_check_header=False)
        return jws.serialize_compact(protected, json.dumps(said).encode(), self.key, registry=registry)

    def answer(self, path: str) -> tuple[int, Mapping[str, Any]]:
        """What it publishes."""
        if path == "/.well-known/openid-configuration":
            return 200, {
                "issuer": self.issuer,
                "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token",
                "jwks_uri": f"{self.issuer}/keys",
                "authorization_response_iss_parameter_supported": True,
                **self.document,
            }
        if path == "/keys":
            return 200, {"keys": self.published or [self.key.as_dict(private=False)]}
        return 404, {}

    def put(
        self,
        connection: Connection[Any],
        organisation: UUID,
        secrets: Secrets,
        *,
        name: str = "Our own",
        serves: Serves = Serves.ORGANISATION,
        counts_as_both: tuple[str, ...] = (),
    ) -> UUID:
        """Register it for an organisation, as an operator may."""
        upstream = uuid4()
        connection.execute(
            "insert into sec.upstreams (id, organisation_id, name, issuer, client_id, sealed, serves, counts_as_both)"
            " values (%s, %s, %s, %s, %s, %s, %s, %s)",
            (
                *(upstream, organisation, name, self.issuer, CLIENT),
                *(seal_secret(secrets, upstream, SECRET), serves.value, list(counts_as_both)),
            ),
        )
        return upstream


def put_link(connection: Connection[Any], upstream: UUID, person: UUID, subject: str = SUBJECT) -> None:
    """Let a provider mean somebody by a subject."""
    connection.execute(
        "insert into sec.upstream_identities (upstream_id, subject, person_id) values (%s, %s, %s)",
        (upstream, subject, person),
    )


@dataclass
class Way:
    """Somebody's way to a provider and back."""

    visitor: Visitor
    provider: Provider
    upstream: UUID

    def go(self, **question: str) -> str:
        """Choose it on the first page; where she is sent."""
        return self.leave(**question).headers["location"]

    def leave(self, **question: str) -> httpx.Response:
        """Choose it on the first page."""
        self.visitor.ask(scope="openid cases", **question)
        (link,) = self.links()
        return self.visitor.http.get(link)

    def links(self) -> list[str]:
        """The ways to providers that the page shows."""
        found = [str(each["href"]) for each in self.visitor.read.named("a")]
        return [link for link in found if link.startswith("/sign-in/upstream?")]

    def come_back(self, address: str) -> httpx.Response:
        return self.visitor.get(self.provider.sign_in(address))

    def sign_in(self, **question: str) -> httpx.Response:
        answer = self.leave(**question)
        return self.come_back(answer.headers["location"]) if answer.status_code == 303 else answer


def beside_a_provider(granting: Granting) -> Granting:
    """The issuer as one that lets a provider be on this machine."""
    granting.service = replace(granting.service, is_explorable=True)
    return granting


def register(granting: Granting, provider: Provider, slug: str = "cbo-a", **values: Any) -> UUID:
    """Register it for an organisation."""
    organisation = granting.wall.organisation(slug)
    return provider.put(granting.connections.connection, organisation, granting.service.secrets, **values)


@contextmanager
def providing(now: Any) -> Iterator[Provider]:
    """A provider that listens on this machine, as long as the block lasts."""
    provider = Provider(now)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._send(lambda: provider.answer(self.path))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            sent = {name: value for name, (value,) in parse_qs(body).items()}
            self._send(lambda: provider.token(sent, self.headers.get("authorization", "")))

        def _send(self, make: Any) -> None:
            provider.asked.append(self.path)
            if self.path in provider.answers:
                status, headers, body = provider.answers[self.path]
            else:
                status, found = make()
                headers, body = {"content-type": "application/json"}, json.dumps(found).encode()
            self.send_response(status)
            for name, value in {**headers, "content-length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            # Whoever has read enough hangs up.
            with suppress(OSError):
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Tests look at answers, not at a log."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        provider.issuer = f"http://127.0.0.1:{server.server_port}"
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield provider
        finally:
            server.shutdown()
            thread.join()
