"""Slows down whoever guesses: for an account, for an address, for everybody. Nobody is ever locked out.

An attempt is counted before it is looked at, so that a burst counts as much as a row of single ones; what is refused for coming
too early is counted for its address alone, so that a flood leaves a turn to somebody else after each delay. Whom a counter is about
is a keyed hash, and people who are not there have counters like anybody else.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address, ip_network
from types import MappingProxyType
from uuid import UUID

from pat_auth.issuer.models import Counter
from pat_auth.issuer.service import Service
from pat_platform.database.threads import Connection


@dataclass(frozen=True)
class Pace:
    """So many failures are free; each one more doubles the delay, from a second to the longest. They fade by half in a half-life."""

    free: int
    longest: timedelta
    half_life: timedelta = timedelta(minutes=15)


PACES: Mapping[Counter, Pace] = MappingProxyType(
    {
        Counter.ACCOUNT: Pace(free=3, longest=timedelta(minutes=1)),
        # An office, or all customers of a mobile network in a town, may come from one address.
        Counter.ADDRESS: Pace(free=20, longest=timedelta(seconds=15)),
        # Whoever gets so far knows the password, and a code has six digits: this slows down the owner too, who has to have it
        # changed. A thief who goes on all day has one chance in three thousand.
        Counter.SECOND: Pace(free=4, longest=timedelta(minutes=15), half_life=timedelta(days=1)),
        # Each is a letter to somebody who need not have asked for it. A newer one ends the one before, so that a stranger who asks
        # all day must leave her the minutes that it takes to use it.
        Counter.RESET: Pace(free=3, longest=timedelta(minutes=15), half_life=timedelta(hours=2)),
        # As for the account: whoever stole what the browser is known by is slowed down like a stranger.
        Counter.BROWSER: Pace(free=3, longest=timedelta(minutes=1)),
        # Never refuses: see `everybodys_wait`.
        Counter.EVERYBODY: Pace(free=1_000, longest=timedelta(0)),
    }
)


class TooEarly(Exception):
    """It is not its turn yet: nothing was counted, and nothing may be looked at."""


@dataclass(frozen=True)
class Attempt:
    """Whose attempt it is, as the counters know it; in the order in which their rows are locked."""

    counters: tuple[tuple[Counter, bytes], ...]

    @classmethod
    def first(cls, service: Service, email: str, address: str) -> Attempt:
        """At a password: `email` as it is kept, whether or not anybody has it."""
        return cls._of(service, {Counter.ACCOUNT: email, **_shared(address)})

    @classmethod
    def known(cls, service: Service, browser: str) -> Attempt:
        """At the password of somebody whom the browser is known by, which is called ``browser``.

        Nobody else is counted with her, and she does not wait with everybody.
        """
        return cls._of(service, {Counter.BROWSER: browser})

    @classmethod
    def reset(cls, service: Service, email: str, address: str) -> Attempt:
        """At a letter with a link by which a password is replaced."""
        return cls._of(service, {Counter.RESET: email, **_shared(address)})

    @classmethod
    def second(cls, service: Service, person: UUID, address: str) -> Attempt:
        """At a second factor of somebody who has proved the first."""
        return cls._of(service, {Counter.SECOND: str(person), **_shared(address)})

    @classmethod
    def pin(cls, service: Service, name: str, address: str) -> Attempt:
        """At a PIN, whether or not anybody has the name: it is as short as a code, and slowed down like one."""
        return cls._of(service, {Counter.SECOND: f"pin|{name}", **_shared(address)})

    def of_the_address(self) -> Attempt:
        """The same for the address alone: whoever comes too early is counted there, or she could come as often as it takes to be
        the first after each delay, and the owner of the account never would be."""
        return Attempt(tuple(each for each in self.counters if each[0] is Counter.ADDRESS))

    @classmethod
    def new(cls, service: Service, address: str) -> Attempt:
        """At something that costs us a hash, by somebody without an account."""
        return cls._of(service, _shared(address))

    @classmethod
    def _of(cls, service: Service, values: Mapping[Counter, str]) -> Attempt:
        return cls(tuple((kind, _hidden(service, kind, values[kind])) for kind in _ORDER if kind in values))


_ORDER = (
    Counter.ACCOUNT,
    Counter.BROWSER,
    Counter.RESET,
    Counter.SECOND,
    Counter.ADDRESS,
    Counter.EVERYBODY,
)

# Without a delay no moment is set: of two who come at once, each with its own clock, the earlier one may be the second here.
# The exponents are bounded: beyond, PostgreSQL raises instead of rounding to nothing.
_FADED = """a.failures * power(0.5, least(60, greatest(0,
    extract(epoch from excluded.last_at - a.last_at)::float8 / %(half_life)s::float8)))"""
_COUNT = f"""
insert into sec.attempts as a (kind, key, failures, last_at, next_at)
values (%(kind)s, %(key)s, 1, %(now)s, 'epoch')
on conflict (kind, key) do update set
    failures = {_FADED} + 1,
    last_at = greatest(a.last_at, excluded.last_at),
    next_at = case when {_FADED} + 1 <= %(free)s::float8 or %(longest)s = 0 then 'epoch' else excluded.last_at
        + make_interval(secs => least(%(longest)s::float8, power(2, least(30, {_FADED} - %(free)s::float8)))) end
where a.next_at <= excluded.last_at
returning a.failures"""

_FORGIVE = """
update sec.attempts set failures = greatest(0, failures - 1), next_at = 'epoch'
where kind = %(kind)s and key = %(key)s"""
_FORGET = """
update sec.attempts set failures = 0, next_at = 'epoch' where kind = %(kind)s and key = %(key)s"""


def count(connection: Connection, attempt: Attempt, now: datetime) -> timedelta:
    """Count one attempt and return how long everybody waits at present before it is looked at.

    Raises `TooEarly`, which has to roll back the transaction. Commit before looking at anything.
    """
    wait = timedelta(0)
    for kind, key in attempt.counters:
        pace = PACES[kind]
        values = {
            "kind": kind.value,
            "key": key,
            "now": now,
            "free": pace.free,
            "longest": pace.longest.total_seconds(),
            "half_life": pace.half_life.total_seconds(),
        }
        row = connection.execute(_COUNT, values).fetchone()
        if row is None:
            raise TooEarly
        if kind is Counter.EVERYBODY:
            wait = everybodys_wait(row[0])
    return wait


def everybodys_wait(failures: float) -> timedelta:
    """How long everybody waits while so many attempts have failed of late, everywhere: it leaves the processors to others.

    With the account's and the address's delays passed, this is an attack from many addresses on many accounts. To refuse would lock
    everybody out.
    """
    free = PACES[Counter.EVERYBODY].free
    if failures <= free:
        return timedelta(0)
    return timedelta(seconds=0.5 if failures <= 10 * free else 1)


def succeed(connection: Connection, attempt: Attempt) -> None:
    """Take back what `count` counted: the account begins anew, the others have one failure less."""
    for kind, key in attempt.counters:
        is_hers = kind not in (Counter.ADDRESS, Counter.EVERYBODY)
        connection.execute(_FORGET if is_hers else _FORGIVE, {"kind": kind.value, "key": key})


def neighbourhood(address: str) -> str:
    """The network that an address is counted with: what one customer can choose from. Text that is no address stands for itself."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, IPv6Address):
        if found.ipv4_mapped is None:
            return str(ip_network((found, 64), strict=False))
        found = found.ipv4_mapped
    return str(ip_network((found, 24), strict=False))


def _shared(address: str) -> dict[Counter, str]:
    return {Counter.ADDRESS: neighbourhood(address), Counter.EVERYBODY: ""}


def _hidden(service: Service, kind: Counter, value: str) -> bytes:
    return hmac.digest(service.secrets.counters, f"{kind.value}|{value}".encode(), "sha256")
