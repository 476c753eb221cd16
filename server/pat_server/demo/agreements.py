"""What the organisations of the demo network have signed with each other."""

from __future__ import annotations

from datetime import timedelta

from pat_server.demo.organisations import COMMUNITIES, DESTINATIONS, partner
from pat_server.demo.telling import Stage, at_once
from pat_tenants.agreements.service import sign_agreement
from pat_tenants.referrals.models import Scope

UNANSWERED = ("cbo-g", "gujarat")
"""Signed by the one, and by the other not yet."""
SIGNED = frozenset((sender.slug, receiver.slug) for sender in COMMUNITIES for receiver in DESTINATIONS)
"""By the sending organisation: all of them with all of the destination states."""

_SCOPES = tuple(scope for scope in Scope if scope is not Scope.HEALTH_MHPSS)


async def tell_agreements(stage: Stage) -> None:
    """Let the administrators of the sending organisations sign, then those of the receiving ones: they learn of each other by it."""
    await at_once(
        _sign(stage, sender, [receiver for each, receiver in sorted(SIGNED) if each == sender])
        for sender in sorted({sender for sender, _ in SIGNED})
    )
    await at_once(
        _sign(stage, receiver, [sender for sender, each in sorted(SIGNED - {UNANSWERED}) if each == receiver])
        for receiver in sorted({receiver for _, receiver in SIGNED})
    )


async def _sign(stage: Stage, slug: str, partners: list[str]) -> None:
    async with stage.acting("admin", partner(slug)) as tx:
        for each in partners:
            await sign_agreement(
                tx,
                partner_id=partner(each).id,
                scopes=_SCOPES,
                valid_from=stage.now - timedelta(days=365),
                valid_until=stage.now + timedelta(days=700),
            )
