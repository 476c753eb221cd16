"""PINs: how somebody signs in who has no address, on a device that is not hers. A second PIN opens the same pages, and they are empty.

Whoever stands beside her must not see which of the two she has typed: both are looked at each time, both answers are made of the
same steps, and every arrival is written down, the ordinary ones too.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

from pat_auth.issuer.passwords import KEY, hash_password, verify_password
from pat_auth.issuer.proving import admit
from pat_auth.issuer.service import Service
from pat_auth.issuer.taking_up import hash_of_token
from pat_auth.issuer.throttle import Attempt, succeed
from pat_auth.models import SecretKind
from pat_platform.database.threads import Connection

SHORTEST, LONGEST = 6, 12
"""Digits."""
_FEWEST_DIFFERENT = 3
_SHORTEST_NAME, _LONGEST_NAME = 3, 32
_ROWS = ("01234567890", "09876543210")


class Flaw(StrEnum):
    """What is wrong with what somebody has chosen."""

    NAME = "NAME"
    PIN = "PIN"
    AGAIN = "AGAIN"
    OTHER = "OTHER"
    TAKEN = "TAKEN"
    """The name is somebody's."""
    GONE = "GONE"
    """The link is over."""
    BUSY = "BUSY"


@dataclass(frozen=True)
class Wanted:
    """What somebody has chosen: a name, a PIN twice, and another PIN or none."""

    name: str
    pin: str = field(repr=False)
    again: str = field(repr=False)
    other: str = field(default="", repr=False)

    def flaw(self) -> Flaw | None:
        """The first thing that is wrong with it, before anything is asked of the database."""
        name, pin, other = normal_name(self.name), digits(self.pin), digits(self.other)
        if not _SHORTEST_NAME <= len(name) <= _LONGEST_NAME or "@" in name or not name.isprintable():
            return Flaw.NAME
        if not is_acceptable(pin):
            return Flaw.PIN
        if pin != digits(self.again):
            return Flaw.AGAIN
        if self.other and (not is_acceptable(other) or other == pin):
            return Flaw.OTHER
        return None


@dataclass(frozen=True)
class Arrived:
    """Somebody who has typed one of her PINs."""

    person: UUID
    is_duress: bool = field(repr=False)


@dataclass(frozen=True)
class _Kept:
    """What is kept about the PINs of somebody who may be nobody."""

    person: UUID | None = None
    pin: str | None = field(default=None, repr=False)
    pin_key: int = KEY
    duress: str | None = field(default=None, repr=False)
    duress_key: int = KEY


def normal_name(name: str) -> str:
    """A name as it is kept: letters of either case are one."""
    return unicodedata.normalize("NFKC", name).strip().casefold()


def digits(typed: str) -> str:
    """A PIN as it was meant: the digits of every script are the same ones. Empty for what holds anything else."""
    found = [unicodedata.decimal(character, None) for character in "".join(typed.split())]
    return "" if None in found else "".join(map(str, found))


def is_acceptable(pin: str) -> bool:
    """Whether these digits are good enough for a PIN: not too few, and not those that are tried first."""
    is_row = any(pin in row for row in _ROWS)
    return SHORTEST <= len(pin) <= LONGEST and len(set(pin)) >= _FEWEST_DIFFERENT and not is_row


def begin_pin(service: Service, *, token: str, wanted: Wanted, address: str) -> Flaw | None:
    """Keep what somebody has chosen who holds the link; None if it was kept, and the link is spent.

    Never call it with a connection in hand: it hashes.
    """
    if (flaw := wanted.flaw()) is not None:
        return flaw
    attempt = Attempt.new(service, address)
    if not admit(service, attempt):
        return Flaw.BUSY
    pin = hash_password(service, digits(wanted.pin))
    other = hash_password(service, digits(wanted.other)) if wanted.other else None
    with service.connections.transaction() as connection:
        row = connection.execute(
            "select sec.begin_pin(%s, %s, %s, %s)",
            (hash_of_token(token), normal_name(wanted.name), pin, other),
        ).fetchone()
        is_kept = row[0] if row else None
        if is_kept:
            succeed(connection, attempt)
    return Flaw.GONE if is_kept is None else None if is_kept else Flaw.TAKEN


def prove_pin(
    service: Service,
    *,
    name: str,
    pin: str,
    address: str,
    then: Callable[[Connection, Arrived], None] | None = None,
) -> Arrived | None:
    """Whose name and PIN these are, and which of her PINs; None for anything else, and nothing tells why.

    Counted before it is looked at, and what is done ``then`` is done while it holds, as with passwords. Never call it with a
    connection in hand: it hashes, twice each time.
    """
    name, typed = normal_name(name), digits(pin)
    attempt = Attempt.pin(service, name, address)
    if not admit(service, attempt):
        return None
    with service.connections.transaction() as connection:
        kept = _find(connection, name)
    is_pin = verify_password(service, typed, kept.pin, kept.pin_key)
    is_duress = verify_password(service, typed, kept.duress, kept.duress_key)
    if kept.person is None or not (is_pin or is_duress):
        return None
    arrived = Arrived(kept.person, is_duress)
    with service.connections.transaction() as connection:
        # She may have chosen others while these were looked at, so that nobody is let in with them any more.
        connection.execute("select from sec.people where id = %s for share", (kept.person,))
        if _find(connection, name) != kept:
            return None
        succeed(connection, attempt)
        connection.execute("select sec.note_arrival(%s, %s)", (kept.person, is_duress))
        if then is not None:
            then(connection, arrived)
    return arrived


def _find(connection: Connection, name: str) -> _Kept:
    row = connection.execute(
        "select p.id, s.hash, s.key, d.hash, d.key from sec.people p"
        " join sec.secrets s on s.person_id = p.id and s.kind = %s"
        " left join sec.secrets d on d.person_id = p.id and d.kind = %s"
        " where p.sign_in_name = %s and p.disabled_at is null",
        (SecretKind.PIN, SecretKind.DURESS, name),
    ).fetchone()
    return _Kept() if row is None else _Kept(row[0], row[1], row[2], row[3], row[4] or KEY)
