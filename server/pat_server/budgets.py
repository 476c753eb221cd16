"""Budgets: how many points an organisation, each of its clients and each of its people may spend in a minute.

One process keeps the accounts by itself. Several processes share a store, from which each draws points in portions and
spends them at home, so that a request seldom waits for the store. Budgets belong to an organisation throughout: what
one has left tells nobody about another.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol
from weakref import WeakValueDictionary

from pat_auth.principal import Principal
from pat_platform.engine.cache import LeastRecent
from pat_platform.errors import Fault
from pat_platform.logging import get_logger
from pat_platform.settings import LEAST_COST, Settings, SettingsError

if TYPE_CHECKING:
    from limits import RateLimitItem

log = get_logger("pat.budgets")

WINDOW_SECONDS = 60
REFUSED = LEAST_COST
"""Points for a request that is refused before it is executed: what is dear about it is to find that out."""
PORTIONS = 100
"""A process draws so small a part of a budget from the store at a time."""
STORE_SECONDS = 0.5
STORE_REST_SECONDS = 5.0
"""How long a store that does not answer is left alone; meanwhile a portion is taken on trust, because work must go on."""
ACCOUNTS = 20_000
URGENT = 60
"""How often in a minute one session is let through although a budget is spent: counted before it is read, and for each verb."""


class Status(NamedTuple):
    """What is left of a budget, as clients are told."""

    maximum: int
    available: int
    restored: int
    """Points in a second, on average: the whole budget comes back when the minute ends."""


WHOSE = {
    "person": "You have spent your points for this minute.",
    "client": "This program has spent its points for this minute.",
    "organisation": "Your organisation has spent its points for this minute.",
    "session": "You have asked for too much at once.",
}


class Throttled(Fault):
    """A budget is spent. ``retry_after`` is in whole seconds, ``points`` what was asked for, where that is known."""

    def __init__(self, account: Account, now: float, points: int | None = None) -> None:
        super().__init__("THROTTLED", f"{WHOSE[account.kind]} Wait as long as Retry-After says.")
        self.retry_after = max(1, ceil(account.until - now))
        self.status = account.status()
        self.points = points


class Drawn(NamedTuple):
    """What a store gave: points, how many it still has, and in how many seconds the budget is whole again."""

    points: int
    beyond: int
    seconds: float


class Store(Protocol):
    """Where processes share their budgets."""

    async def draw(self, account: Account, least: int, wanted: int) -> Drawn:
        """Take ``wanted`` points, or fewer but ``least``, or none."""
        ...


@dataclass(eq=False, slots=True, weakref_slot=True)
class Account:
    """One budget as one process knows it. Its name begins with its kind."""

    name: tuple[str, ...]
    budget: int
    left: int = 0
    """Points drawn and not spent."""
    beyond: int = 0
    """Points that the store had left when it was last asked."""
    until: float = 0.0
    """When the window ends, on the monotonic clock."""

    @property
    def kind(self) -> str:
        """Whose it is: a key of ``WHOSE``."""
        return self.name[0]

    def status(self) -> Status:
        """What is left."""
        return Status(self.budget, self.left + self.beyond, self.budget // WINDOW_SECONDS)


class Budgets:
    """The budgets of everybody who asks this process."""

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.monotonic) -> None:
        """Raises SettingsError if the store cannot be used."""
        self._budgets = {
            "person": settings.budget_person,
            "client": settings.budget_client,
            "organisation": settings.budget_organisation,
            "session": URGENT,
        }
        self._clock = clock
        self._store: Store = SharedStore(settings.budget_store) if settings.budget_store else OwnStore(clock)
        # As long as somebody pays from an account, it is the only one of its name.
        self._accounts: WeakValueDictionary[tuple[str, ...], Account] = WeakValueDictionary()
        self._recent: LeastRecent[Account] = LeastRecent(ACCOUNTS, ACCOUNTS)

    def purse(self, principal: Principal) -> Purse:
        """What a principal pays from, the narrowest account first: whoever has spent her own does not touch her organisation's."""
        organisation = str(principal.organisation)
        names = (
            ("person", organisation, str(principal.person)),
            ("client", organisation, principal.client),
            ("organisation", organisation),
        )
        accounts = tuple(self._account(name) for name in names if self._budgets[name[0]])
        urgent = ("session", organisation, str(principal.session))
        return Purse(accounts, self._store, self._clock, lambda: self._account(urgent))

    def _account(self, name: tuple[str, ...]) -> Account:
        account = self._accounts.get(name)
        if account is None:
            account = self._accounts[name] = Account(name, self._budgets[name[0]])
        # What was spent is remembered for a while after its last purse has gone.
        if self._recent.get(name) is not account:
            self._recent.put(name, account)
        return account


class Purse:
    """The accounts that one principal pays from."""

    def __init__(
        self,
        accounts: tuple[Account, ...],
        store: Store,
        clock: Callable[[], float],
        urgent: Callable[[], Account],
    ) -> None:
        self._accounts = accounts
        self._urgent = urgent
        self._store = store
        self._clock = clock
        self._tells = bool(accounts) and accounts[0].kind == "person"

    def admit(self) -> None:
        """Raises Throttled, before anything is read, for whom not even a refusal could be paid for."""
        now = self._clock()
        for account in self._accounts:
            if now < account.until and account.left + account.beyond < REFUSED:
                raise Throttled(account, now)

    def press(self, times: int) -> None:
        """Have what is urgent let through although a budget is spent. Raises Throttled, for whom that happened too often already."""
        now, account = self._clock(), self._urgent()
        if now >= account.until:
            account.left, account.until = account.budget, now + WINDOW_SECONDS
        if account.left < times:
            raise Throttled(account, now)
        account.left -= times

    async def spend(self, points: int) -> Status | None:
        """Pay for a request; returns what the person has left, or None if nobody counts that.

        Raises Throttled, and then nothing is paid.
        """
        now = self._clock()
        for place, account in enumerate(self._accounts):
            if now >= account.until:
                account.left = account.beyond = 0
            if points > account.left:
                try:
                    await self._draw(account, points)
                except Throttled:
                    for paid in self._accounts[:place]:
                        paid.left += points
                    raise
            account.left -= points
        return self._accounts[0].status() if self._tells else None

    async def _draw(self, account: Account, points: int) -> None:
        """Have at least these points on the account. Raises Throttled."""
        least = points - account.left
        drawn = await self._store.draw(account, least, max(least, account.budget // PORTIONS))
        now = self._clock()
        account.left += drawn.points
        account.beyond = drawn.beyond
        account.until = now + drawn.seconds
        if account.left < points:
            raise Throttled(account, now, points)


class OwnStore:
    """No store: one process, whose accounts are whole again when their minute ends."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock

    async def draw(self, account: Account, least: int, wanted: int) -> Drawn:
        """The whole budget at the beginning of a minute; nothing later."""
        rest = account.until - self._clock()
        if rest > 0:
            return Drawn(0, 0, rest)
        return Drawn(account.budget, 0, WINDOW_SECONDS)


class SharedStore:
    """A store of the library ``limits``, such as ``valkey://HOST:6379``: fixed windows of one minute."""

    def __init__(self, uri: str) -> None:
        """Raises SettingsError if there is no such store or no client for it."""
        # The library takes a quarter of a second to import, and one process alone does not need it.
        from limits.aio.strategies import FixedWindowRateLimiter
        from limits.errors import ConfigurationError
        from limits.storage import storage_from_string

        try:
            storage: Any = storage_from_string(f"async+{uri}", wrap_exceptions=True)
        except ConfigurationError:
            # The library's own message may quote the address, and with it a password.
            raise SettingsError(
                "PAT_BUDGET_STORE cannot be used. It looks like valkey://HOST:6379 or redis://HOST:6379, and the "
                "Python package valkey, or coredis, must be installed."
            ) from None
        self._windows = FixedWindowRateLimiter(storage)
        self._items: dict[int, RateLimitItem] = {}
        self._rests_until = 0.0

    async def draw(self, account: Account, least: int, wanted: int) -> Drawn:
        """Points out of what all processes may spend together."""
        from limits.errors import StorageError

        if time.monotonic() < self._rests_until:
            return Drawn(wanted, 0, STORE_REST_SECONDS)
        try:
            async with asyncio.timeout(STORE_SECONDS):
                return await self._drawn(account, least, wanted)
        except (StorageError, TimeoutError) as error:
            self._rests_until = time.monotonic() + STORE_REST_SECONDS
            log.warning("budgets.store_does_not_answer", error=type(error).__name__)
            return Drawn(wanted, 0, STORE_REST_SECONDS)

    async def _drawn(self, account: Account, least: int, wanted: int) -> Drawn:
        item, names = self._item(account.budget), ("pat", *account.name)
        before = await self._windows.get_window_stats(item, *names)
        points = min(wanted, before.remaining)
        # A hit counts even where it is refused, so it is not tried in vain.
        if points < least or not await self._windows.hit(item, *names, cost=points):
            points = 0
        after = await self._windows.get_window_stats(item, *names)
        return Drawn(points, after.remaining, max(0.0, after.reset_time - time.time()))

    def _item(self, budget: int) -> RateLimitItem:
        from limits import RateLimitItemPerMinute

        item = self._items.get(budget)
        if item is None:
            item = self._items[budget] = RateLimitItemPerMinute(budget)
        return item


def shown(asked: int | None, paid: int | None, status: Status | None) -> bytes:
    """The extensions of an answer as JSON, with the names of Shopify's GraphQL Admin API.

    ``paid`` is None where nothing was executed. It never is less than what was asked for: a price that followed the rows
    that were found would tell of those that are hidden.
    """
    told = b'{"cost":{"requestedQueryCost":%b,"actualQueryCost":%b' % (_number(asked), _number(paid))
    if status is None:
        return told + b"}}"
    return (
        told
        + b',"throttleStatus":{"maximumAvailable":%d,"currentlyAvailable":%d,"restoreRate":%d}}}' % status
    )


def _number(number: int | None) -> bytes:
    return b"null" if number is None else b"%d" % number
