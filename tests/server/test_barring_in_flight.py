"""Her guardian is barred while what he agreed to is being recorded: whoever comes first, nothing of his is live afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from tests.server.conftest import Act, Network, uuid_in
from tests.server.sharing import organisation
from tests.server.test_consents import MANAGER, born, registered
from tests.support.waiting import wait_until

from pat_platform.database.access import Database
from pat_platform.database.transaction import Transaction
from pat_platform.errors import Refused
from pat_server.assembly import vault_of
from pat_tenants.consents.models import ConsentGiver, ConsentMode, ConsentQuestion
from pat_tenants.consents.service import Terms, bar_guardian, record_consent
from pat_tenants.referrals.models import Need, Scope

Open = Callable[[], AbstractAsyncContextManager[Transaction]]


@pytest.fixture
async def opened(network: Network) -> AsyncIterator[Open]:
    """Opens transactions of her case manager, each on a connection of its own."""
    database, principal = Database(network.settings), network.principal(MANAGER)
    yield lambda: database.transaction(principal.login, principal.session)
    await database.close()


@pytest.fixture
def girl(act_as: Act) -> UUID:
    return uuid_in(registered(act_as(MANAGER), **born(14)))


async def record(network: Network, tx: Transaction, girl: UUID) -> UUID:
    terms = Terms(
        recipient_id=organisation(network, "goa"),
        purpose=Need.SHELTER,
        scopes=[Scope.LEGAL_STATUS],
        valid_until=datetime.now(UTC) + timedelta(days=30),
        notice_version="1",
        notice_language="bn",
        agreed=tuple(ConsentQuestion),
    )
    given = {"giver": ConsentGiver.GUARDIAN, "mode": ConsentMode.SIGNATURE, "evidence": "7"}
    vault = vault_of(network.settings)
    return await record_consent(tx, vault, survivor_id=girl, terms=terms, **given)  # type: ignore[arg-type]


async def until_waiting(network: Network) -> None:
    waiting = "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"
    await asyncio.to_thread(wait_until, lambda: network.rows(waiting) != [(0,)])


def live(network: Network, girl: UUID) -> int:
    statement = (
        "select count(*) from app.consents c where survivor_id = %s and giver = 'GUARDIAN'"
        " and not exists (select from app.consent_withdrawals w where w.consent_id = c.id)"
    )
    return int(network.rows(statement, girl)[0][0])


async def test_what_waits_for_the_one_who_bars_him_is_refused(
    network: Network, opened: Open, girl: UUID
) -> None:
    async def recording() -> None:
        async with opened() as tx:
            await record(network, tx, girl)

    async with opened() as barring:
        await bar_guardian(barring, survivor_id=girl)
        waits = asyncio.create_task(recording())
        await until_waiting(network)
    with pytest.raises(Refused) as refused:
        await waits
    assert refused.value.code == "GUARDIAN_BARRED"
    assert live(network, girl) == 0


async def test_what_was_recorded_before_is_found_and_withdrawn(
    network: Network, opened: Open, girl: UUID
) -> None:
    async def barring() -> None:
        async with opened() as tx:
            await bar_guardian(tx, survivor_id=girl)

    async with opened() as recording:
        await record(network, recording, girl)
        await recording.flush()
        waits = asyncio.create_task(barring())
        await until_waiting(network)
    await waits
    assert live(network, girl) == 0
