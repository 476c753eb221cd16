"""What may be done with a self-help group. Pure decisions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from pat_platform.errors import Refused
from pat_tenants.groups.models import GroupPolicy

SIZES: Mapping[GroupPolicy, tuple[int, int]] = MappingProxyType(
    {GroupPolicy.NORMAL: (10, 20), GroupPolicy.SPECIAL: (5, 20)}
)
"""Fewest and most members: RBI's master circular on self-help groups and bank linkage, special groups from five."""


def may_be_formed_by(members: int, policy: GroupPolicy) -> None:
    """Raises Refused when a group of this policy cannot have so many members."""
    fewest, most = SIZES[policy]
    if not fewest <= members <= most:
        raise Refused("GROUP_SIZE", f"A group of this kind has {fewest} to {most} members.", "members")


def may_be_entered(amounts: Iterable[int]) -> None:
    """Raises Refused when an amount is not above zero: a correction is a line of its own kind."""
    if any(amount <= 0 for amount in amounts):
        raise Refused("AMOUNT_NOT_POSITIVE", "An amount must be more than zero.", "amountPaise")
