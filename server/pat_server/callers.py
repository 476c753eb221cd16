"""Who asks, with what follows from it for each of her requests: found out once, as long as she comes with the same token."""

from __future__ import annotations

from pat_auth.principal import Principal
from pat_platform.engine.cache import LeastRecent
from pat_platform.logging import SHAPES, WITHHELD
from pat_platform.observation import Asker
from pat_schema.viewer import Viewer
from pat_server.budgets import Budgets

REMEMBERED = 10_000


class Caller:
    """One principal."""

    __slots__ = ("asker", "login", "principal", "purse", "viewer", "viewer_key")

    def __init__(self, principal: Principal, budgets: Budgets) -> None:
        self.principal = principal
        self.login = principal.login
        self.viewer = Viewer(principal.role, principal.scopes)
        self.viewer_key = self.viewer.key
        self.purse = budgets.purse(principal)
        # Whoever registers a client chooses its id.
        client = principal.client if SHAPES["client"](principal.client) else WITHHELD
        self.asker = Asker.of(str(principal.organisation), principal.role.value, client)


class Callers:
    """Those who asked most recently."""

    def __init__(self, budgets: Budgets) -> None:
        self._budgets = budgets
        self._known: LeastRecent[Caller] = LeastRecent(REMEMBERED, REMEMBERED)

    def of(self, principal: Principal) -> Caller:
        """The caller that a principal is."""
        # Whoever verifies a token again gives the same principal again, which is compared faster than its parts.
        # A caller keeps its principal, so that no other one can get its place in memory.
        found = self._known.get(id(principal))
        if found is None:
            found = Caller(principal, self._budgets)
            self._known.put(id(principal), found)
        return found
