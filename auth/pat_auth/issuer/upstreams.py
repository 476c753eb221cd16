"""Organisations' own OpenID providers: which are offered to whom, who is sent to one, and whom it means when she comes back.

A provider says who somebody is, to its own organisation. What it says of e-mail addresses, organisations and roles is not read:
whom a subject stands for she has said here herself, and what she may do was decided by an administrator here.
"""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from secrets import token_urlsafe
from typing import TYPE_CHECKING
from uuid import UUID

from pat_auth.clients.models import Serves
from pat_auth.issuer.clients import Client
from pat_auth.issuer.service import Secrets, Service
from pat_platform.database.threads import Connection
from pat_platform.encryption.envelope import Unreadable, open_bytes, seal_bytes

if TYPE_CHECKING:
    from pat_auth.issuer.upstreams_tokens import Said

LASTS = timedelta(minutes=10)
"""How long somebody may take to sign in there."""
SKEW = timedelta(seconds=60)
"""How wrong the clocks of the two of us may be."""
RETURN = "/sign-in/upstream/"
"""Where people come back to, with the provider's id behind it: what one provider answers is no answer of another's."""
KEY = 1
"""Which key of the deployment seals our secrets there: there has been one so far."""
_STATE_BYTES = 32


class Trouble(Exception):
    """A provider cannot be asked, or what it answers is not believed. ``code`` is a word for the log: the cause is for operators."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class Registered:
    """How we are known to a provider, and how we go there."""

    issuer: str
    client_id: str
    secret: str | None = field(repr=False)
    redirect_uri: str
    is_inside: bool = False
    """Whether it may have an address within our own network."""
    allows_loopback: bool = False
    """Whether it may be on this machine, without TLS."""


@dataclass(frozen=True)
class Sent:
    """What goes with somebody to a provider, to be found again when she comes back."""

    state: str = field(repr=False)
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)


@dataclass(frozen=True)
class Upstream:
    """A provider that stands."""

    id: UUID
    organisation: UUID
    name: str
    issuer: str
    client_id: str
    counts_as_both: frozenset[str] = frozenset()
    """What it has to say in ``acr`` or ``amr`` to count for both factors."""
    is_inside: bool = False
    sealed: bytes | None = field(default=None, repr=False)
    key: int = KEY

    def registered(self, service: Service) -> Registered:
        """How we are known there. Raises Trouble if our secret was sealed with another key, and so is lost."""
        return Registered(
            issuer=self.issuer,
            client_id=self.client_id,
            secret=_opened(service.secrets, self),
            redirect_uri=f"{service.issuer}{RETURN}{self.id}",
            is_inside=self.is_inside,
            allows_loopback=service.is_explorable,
        )


@dataclass(frozen=True)
class Back:
    """Somebody who is back, with the browser in which she was sent away: to sign in for an ask, or to be known by the provider."""

    sent: Sent
    sent_at: datetime
    ask: UUID | None
    person: UUID | None


@dataclass(frozen=True)
class Known:
    """A provider of one of her organisations, and whether she is known by it."""

    id: UUID
    name: str
    is_linked: bool


_COLUMNS = (
    "u.id, u.organisation_id, u.name, u.issuer, u.client_id, u.counts_as_both, u.is_inside, u.sealed, u.key"
)


def offered(connection: Connection, client: Client) -> list[Upstream]:
    """The providers that a client's people may sign in with: its organisation's, and for a client of the network those for all."""
    rows = connection.execute(
        f"select {_COLUMNS} from sec.upstreams u where u.disabled_at is null"
        " and (u.organisation_id = %s or (%s and u.serves = 'NETWORK')) order by u.name, u.id".encode(),
        (client.organisation, client.serves is Serves.NETWORK),
    )
    return [_upstream(*row) for row in rows]


def find_upstream(connection: Connection, upstream: UUID) -> Upstream | None:
    """The provider, if it is not disabled."""
    row = connection.execute(
        f"select {_COLUMNS} from sec.upstreams u where u.id = %s and u.disabled_at is null".encode(),
        (upstream,),
    ).fetchone()
    return _upstream(*row) if row else None


def send(
    connection: Connection,
    service: Service,
    *,
    upstream: UUID,
    browser: UUID,
    ask: UUID | None = None,
    person: UUID | None = None,
) -> Sent:
    """What somebody takes with her who leaves for a provider; she may come back with it once, in this browser."""
    sent, now = _sent(service, token_urlsafe(_STATE_BYTES)), service.clock()
    connection.execute(
        "insert into sec.upstream_visits (state_hash, upstream_id, browser_id, ask_id, person_id, created_at, expires_at)"
        " values (%s, %s, %s, %s, %s, %s, %s)",
        (_hash(sent.state), upstream, browser, ask, person, now, now + LASTS),
    )
    return sent


def receive(
    connection: Connection, service: Service, *, upstream: UUID, browser: UUID, state: str
) -> Back | None:
    """Who has come back with a state: None if this browser was not sent to this provider with it, or it was used, or is too old.

    Commit before looking at anything else: it is spent.
    """
    now = service.clock()
    row = connection.execute(
        "update sec.upstream_visits set used_at = %s where state_hash = %s and browser_id = %s and upstream_id = %s"
        " and used_at is null and expires_at > %s returning created_at, ask_id, person_id",
        (now, _hash(state), browser, upstream, now),
    ).fetchone()
    return Back(_sent(service, state), *row) if row else None


def is_strong(upstream: Upstream, back: Back, said: Said, *, must_be_fresh: bool) -> bool:
    """Whether what she did there counts for both factors: only where it was registered so, and the provider says when she did it.

    Raises Trouble if she did not sign in there anew, as she was sent to; and if it does not say so where that matters.
    """
    if said.signed_in_at is None:
        if must_be_fresh:
            raise Trouble("STALE")
        return False
    if said.signed_in_at < back.sent_at - SKEW:
        raise Trouble("STALE")
    return not upstream.counts_as_both.isdisjoint(said.references)


def person_of(connection: Connection, upstream: UUID, subject: str) -> UUID | None:
    """Who has said that a provider means her by a subject; None if nobody has, or she is disabled."""
    row = connection.execute(
        "select p.id from sec.upstream_identities i join sec.people p on p.id = i.person_id and p.disabled_at is null"
        " where i.upstream_id = %s and i.subject = %s and i.ended_at is null",
        (upstream, subject),
    ).fetchone()
    return row[0] if row else None


def known_to(connection: Connection, person: UUID) -> list[Known]:
    """The providers of the organisations that she belongs to, by name."""
    rows = connection.execute(
        "select u.id, u.name, exists (select from sec.upstream_identities i where i.upstream_id = u.id"
        " and i.person_id = %(person)s and i.ended_at is null) from sec.upstreams u where u.disabled_at is null"
        " and u.organisation_id in (select m.organisation_id from sec.memberships_of(%(person)s) m)"
        " order by u.name, u.id",
        {"person": person},
    )
    return [Known(*row) for row in rows]


def addable(connection: Connection, email: str) -> list[str]:
    """The names of those of her organisations by which somebody with this address is not known yet."""
    row = connection.execute("select id from sec.people where email = %s", (email,)).fetchone()
    return [] if row is None else [each.name for each in known_to(connection, row[0]) if not each.is_linked]


def link(connection: Connection, upstream: UUID, subject: str, person: UUID) -> bool:
    """Let a provider mean her by a subject, and by no other. Not where it is somebody else's, or she is none of its organisation's."""
    return _ask(connection, "select sec.link_upstream(%s, %s, %s)", upstream, subject, person)


def unlink(connection: Connection, upstream: UUID, person: UUID) -> bool:
    """Let a provider mean her no more."""
    return _ask(connection, "select sec.unlink_upstream(%s, %s)", upstream, person)


def seal_secret(secrets: Secrets, upstream: UUID, secret: str) -> bytes:
    """Our secret with a provider as it is kept: it opens for this one alone."""
    return seal_bytes(secrets.upstreams, _place(upstream), secret.encode())


def _opened(secrets: Secrets, upstream: Upstream) -> str | None:
    if upstream.sealed is None:
        return None
    if upstream.key != KEY:
        raise Trouble("SECRET")
    try:
        return open_bytes(secrets.upstreams, _place(upstream.id), upstream.sealed).decode()
    except Unreadable:
        raise Trouble("SECRET") from None


def _place(upstream: UUID) -> bytes:
    return b"upstream|" + upstream.bytes


def _upstream(
    id: UUID,
    organisation: UUID,
    name: str,
    issuer: str,
    client_id: str,
    counts_as_both: list[str],
    is_inside: bool,
    sealed: bytes | None,
    key: int,
) -> Upstream:
    return Upstream(
        id, organisation, name, issuer, client_id, frozenset(counts_as_both), is_inside, sealed, key
    )


def _ask(connection: Connection, query: str, *values: object) -> bool:
    row = connection.execute(query.encode(), values).fetchone()
    return row is not None and row[0] is True


def _sent(service: Service, state: str) -> Sent:
    """The nonce and the verifier are made out of the state: neither is kept anywhere."""

    def made(purpose: bytes) -> str:
        digest = hmac.digest(service.secrets.upstream_visits, purpose + state.encode(), "sha256")
        return urlsafe_b64encode(digest).decode().rstrip("=")

    return Sent(state, made(b"nonce|"), made(b"verifier|"))


def _hash(state: str) -> bytes:
    return sha256(state.encode()).digest()
