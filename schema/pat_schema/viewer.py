"""Who asks, as far as a plan depends on it."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

from pat_auth.policy import POLICY, Permission, Reach, Role, reach_of

SCOPES = frozenset({"cases", "identity", "health", "groups", "referrals"})
"""The field classes that a client may be given: a ceiling, whoever is signed in."""


@dataclass(frozen=True)
class Viewer:
    """A role behind a client's ceiling. Two people with the same role and client share their plans."""

    role: Role
    scopes: frozenset[str]

    def may(self, permission: Permission) -> bool:
        """Whether the role holds the permission at all; which rows it reaches is the database's to say."""
        return self.role in POLICY[permission]

    def reach(self, permission: Permission) -> Reach | None:
        """How far a permission reaches for the role."""
        return reach_of(self.role, permission)

    @property
    def key(self) -> Hashable:
        """What plans are cached by."""
        return (self.role, self.scopes)
