"""Browsers: each is known by the secret in its cookie, and keeps who has signed in with it.

Whenever somebody has proved something the browser is given another secret, so that one that was planted or overheard before
is worth nothing afterwards.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from uuid import UUID, uuid4

from pat_auth.issuer.methods import Method
from pat_auth.issuer.service import Service
from pat_auth.issuer.standing import Standing
from pat_platform.database.threads import Connection

SHIFT = timedelta(hours=12)
"""How long somebody stays signed in, counted from her first factor."""
VISIT = timedelta(minutes=30)
"""How long a first factor alone stands: a password that was left behind in a shared browser opens nothing later."""
_KEPT = timedelta(hours=25)
_SECRET_BYTES = 32


@dataclass(frozen=True)
class Browser:
    """One browser. What it keeps of a person is None until somebody has signed in."""

    id: UUID
    opened_at: datetime
    person: UUID | None = None
    email: str | None = field(default=None, repr=False)
    first_at: datetime | None = None
    second_at: datetime | None = None
    methods: frozenset[Method] = frozenset()
    is_duress: bool = field(default=False, repr=False)
    within: UUID | None = None
    """The organisation through whose own provider she has come, if she has."""

    def standing(self, now: datetime, *, keeps_within: bool = False) -> Standing | None:
        """Who is signed in and how far, or None if nobody is, or it was too long ago.

        Whoever has come through her organisation's own provider is nobody to those who do not say that they keep within it.
        """
        if self.person is None or self.first_at is None or (self.within is not None and not keeps_within):
            return None
        if self.first_at <= now - (VISIT if self.second_at is None else SHIFT):
            return None
        return Standing(
            self.person, self.id, self.first_at, self.second_at, self.methods, self.is_duress, self.within
        )

    def is_worn(self, now: datetime) -> bool:
        """Whether a new one is due: it would end before somebody who signs in now does."""
        return self.standing(now, keeps_within=True) is None and self.opened_at <= now - SHIFT


def hash_of(secret: str) -> bytes:
    """What is kept of a secret. It is long and random, so that its hash cannot be searched for."""
    return sha256(secret.encode()).digest()


def find_browser(connection: Connection, service: Service, secret: str | None) -> Browser | None:
    """The browser that holds the secret, if it has not ended. Of a person who is disabled it keeps nothing.

    Nor of one who came through a provider that is disabled, or means her no more.
    """
    if secret is None:
        return None
    row = connection.execute(
        "select b.id, b.created_at, p.id, p.email, b.first_at, b.second_at, b.methods, b.is_duress, u.organisation_id"
        " from sec.browsers b left join sec.upstreams u on u.id = b.upstream_id"
        " left join sec.people p on p.id = b.person_id and p.disabled_at is null"
        " and (b.upstream_id is null or (u.disabled_at is null and exists (select from sec.upstream_identities i"
        "  where i.upstream_id = u.id and i.person_id = p.id and i.ended_at is null)))"
        " where b.secret_hash = %s and b.ended_at is null and b.expires_at > %s",
        (hash_of(secret), service.clock()),
    ).fetchone()
    if row is None:
        return None
    browser, opened_at, person, email, first_at, second_at, methods, is_duress, within = row
    if person is None:
        return Browser(browser, opened_at)
    return Browser(
        browser,
        opened_at,
        person,
        email,
        first_at,
        second_at,
        frozenset(Method(name) for name in methods),
        is_duress,
        within,
    )


def open_browser(connection: Connection, service: Service) -> tuple[Browser, str]:
    """A browser that has not been here, and its secret."""
    browser, secret, now = Browser(uuid4(), service.clock()), _new_secret(), service.clock()
    connection.execute(
        "insert into sec.browsers (id, secret_hash, created_at, seen_at, expires_at) values (%s, %s, %s, %s, %s)",
        (browser.id, hash_of(secret), browser.opened_at, now, now + _KEPT),
    )
    return browser, secret


def keep_first(
    connection: Connection,
    service: Service,
    secret: str,
    person: UUID,
    method: Method,
    *,
    is_duress: bool = False,
) -> str | None:
    """Keep that a person has proved a first factor, and nothing of who was here before. The new secret.

    None if the secret is nobody's any more: two forms were sent at once, and the other one won.
    """
    now = service.clock()
    return _promote(
        connection,
        secret,
        now,
        "person_id = %(person)s, first_at = %(now)s, second_at = null, methods = array[%(method)s],"
        " is_duress = %(is_duress)s, upstream_id = null",
        "true",
        {"person": person, "method": method.value, "is_duress": is_duress},
    )


def keep_second(
    connection: Connection, service: Service, secret: str, person: UUID, method: Method
) -> str | None:
    """Keep that the person who has proved a first factor has proved a second one. The new secret, or None as above."""
    return _promote(
        connection,
        secret,
        service.clock(),
        "second_at = %(now)s, methods = array(select distinct unnest(methods || %(method)s::text))",
        "person_id = %(person)s and first_at is not null",
        {"person": person, "method": method.value},
    )


def keep_both(
    connection: Connection, service: Service, secret: str, person: UUID, method: Method
) -> str | None:
    """Keep that a person has proved both factors at once, and nothing of who was here before. The new secret, or None as above."""
    return _promote(
        connection,
        secret,
        service.clock(),
        "person_id = %(person)s, first_at = %(now)s, second_at = %(now)s, methods = array[%(method)s],"
        " is_duress = false, upstream_id = null",
        "true",
        {"person": person, "method": method.value},
    )


def keep_through(
    connection: Connection, service: Service, secret: str, person: UUID, upstream: UUID, *, has_both: bool
) -> str | None:
    """Keep whom her organisation's own provider says that she is, and nothing of who was here before. The new secret, or None."""
    return _promote(
        connection,
        secret,
        service.clock(),
        "person_id = %(person)s, first_at = %(now)s, second_at = case when %(has_both)s then %(now)s::timestamptz end,"
        " methods = array[%(method)s], is_duress = false, upstream_id = %(upstream)s",
        "true",
        {"person": person, "method": Method.UPSTREAM.value, "upstream": upstream, "has_both": has_both},
    )


def renew_secret(connection: Connection, service: Service, secret: str, person: UUID) -> str | None:
    """Keep all that is kept of a person, under a new secret: whoever has a copy of the old one is out. None as above."""
    return _promote(
        connection,
        secret,
        service.clock(),
        "person_id = %(person)s",
        "person_id = %(person)s",
        {"person": person},
    )


def _promote(
    connection: Connection,
    secret: str,
    now: datetime,
    changes: str,
    condition: str,
    values: dict[str, object],
) -> str | None:
    new = _new_secret()
    done = connection.execute(
        f"update sec.browsers set secret_hash = %(new)s, seen_at = %(now)s, {changes}".encode()
        + f" where secret_hash = %(old)s and ended_at is null and expires_at > %(now)s and {condition}".encode(),
        {"new": hash_of(new), "old": hash_of(secret), "now": now, **values},
    )
    return new if done.rowcount else None


def forget_person(connection: Connection, browser: UUID) -> None:
    """Keep nothing of who has signed in. The browser itself goes on: what was granted in it stands."""
    connection.execute(
        "update sec.browsers set person_id = null, first_at = null, second_at = null, methods = '{}', is_duress = false,"
        " upstream_id = null"
        " where id = %s",
        (browser,),
    )


def end_browser(connection: Connection, service: Service, browser: UUID) -> None:
    """End it: its secret is nobody's, and what was asked for in it is not answered."""
    connection.execute(
        "update sec.browsers set ended_at = %s where id = %s and ended_at is null", (service.clock(), browser)
    )


def _new_secret() -> str:
    return secrets.token_urlsafe(_SECRET_BYTES)
