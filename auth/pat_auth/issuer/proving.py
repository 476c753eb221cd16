"""Proving who somebody is. These two functions are the only ones that look at what people type, and count before they do."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from pat_auth.issuer.known_browsers import browser_of
from pat_auth.issuer.methods import Method
from pat_auth.issuer.passwords import KEY, hash_password, set_password, verify_password
from pat_auth.issuer.recovery import spend_recovery_code
from pat_auth.issuer.service import Service
from pat_auth.issuer.throttle import Attempt, TooEarly, count, succeed
from pat_auth.issuer.totp import spend_code
from pat_auth.models import SecretKind
from pat_platform.database.threads import Connection


@dataclass(frozen=True)
class _Known:
    """What is kept about the password of somebody who may be nobody."""

    person: UUID | None = None
    is_disabled: bool = True
    hashed: str | None = field(default=None, repr=False)
    key: int = KEY


def prove_password(
    service: Service,
    *,
    email: str,
    password: str,
    address: str,
    known_by: str = "",
    then: Callable[[Connection, UUID], None] | None = None,
) -> UUID | None:
    """The person whose e-mail and password these are, in a browser that may be known by what it keeps.

    What is done ``then`` with the proof is done while it holds: whoever replaces her password waits, and ends it with all else.
    None for anything else, and nothing tells which: somebody unknown, disabled or without a password, another password, or that it
    is not yet their turn. The first four take equally long. Never call it with a connection in hand: it hashes.
    """
    email = normal_email(email)
    attempt = _attempt(service, email, address, known_by)
    if not admit(service, attempt):
        return None
    with service.connections.transaction() as connection:
        known = _find(connection, email)
    matches = verify_password(service, password, known.hashed, known.key)
    if not matches or known.person is None or known.is_disabled or known.hashed is None:
        return None
    renewed = hash_password(service, password) if service.hashing.is_outdated(known.hashed) else None
    with service.connections.transaction() as connection:
        # She may have been given another one, and been signed out everywhere, while this one was looked at.
        connection.execute("select from sec.people where id = %s for share", (known.person,))
        if _find(connection, email) != known:
            return None
        succeed(connection, attempt)
        if renewed is not None:
            set_password(connection, service, known.person, renewed)
        if then is not None:
            then(connection, known.person)
    return known.person


def prove_second(service: Service, *, person: UUID, code: str, address: str) -> Method | None:
    """With what this person, who has proved her password, has proved that she holds something too; None if she has not.

    A code is spent by it, also by two who send it at once: one of them gets None.
    """
    attempt = Attempt.second(service, person, address)
    if not admit(service, attempt):
        return None
    with service.connections.transaction() as connection:
        method = _spend(connection, service, person, code)
        if method is not None:
            succeed(connection, attempt)
    return method


def has_second_factor(connection: Connection, person: UUID) -> bool:
    """Whether she has something to prove herself with beside her password."""
    row = connection.execute(
        "select 1 from sec.second_factors where person_id = %(person)s and confirmed_at is not null"
        " union all select 1 from sec.passkeys where person_id = %(person)s and ended_at is null limit 1",
        {"person": person},
    ).fetchone()
    return row is not None


def has_generator(connection: Connection, person: UUID) -> bool:
    """Whether one of those is a generator of codes."""
    row = connection.execute(
        "select 1 from sec.second_factors where person_id = %s and confirmed_at is not null limit 1",
        (person,),
    ).fetchone()
    return row is not None


def admit(service: Service, attempt: Attempt) -> bool:
    """Whether it is this attempt's turn. It has been counted then, and has waited as long as everybody does at present."""
    try:
        with service.connections.transaction() as connection:
            wait = count(connection, attempt, service.clock())
    except TooEarly:
        with suppress(TooEarly), service.connections.transaction() as connection:
            count(connection, attempt.of_the_address(), service.clock())
        return False
    if wait > timedelta(0):
        time.sleep(wait.total_seconds())
    return True


def normal_email(email: str) -> str:
    """An e-mail address as it is kept: letters of either case are one."""
    return email.strip().lower()


def _attempt(service: Service, email: str, address: str, known_by: str) -> Attempt:
    if known_by:
        with service.connections.transaction() as connection:
            browser = browser_of(connection, service, known_by, email)
        if browser is not None:
            return Attempt.known(service, browser)
    return Attempt.first(service, email, address)


def _find(connection: Connection, email: str) -> _Known:
    row = connection.execute(
        "select p.id, p.disabled_at is not null, s.hash, s.key from sec.people p"
        " left join sec.secrets s on s.person_id = p.id and s.kind = %s where p.email = %s",
        (SecretKind.PASSWORD, email),
    ).fetchone()
    return _Known() if row is None else _Known(row[0], row[1], row[2], row[3] or KEY)


def _spend(connection: Connection, service: Service, person: UUID, code: str) -> Method | None:
    if spend_code(connection, service, person, code):
        return Method.OTP
    if spend_recovery_code(connection, service, person, code):
        return Method.RECOVERY
    return None
