"""Loads the demo network into a migrated, empty database: the directory as the owner, everything else through the verbs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from uuid import UUID

from pat_platform.database.access import Database
from pat_platform.settings import Settings
from pat_server.demo.agreements import tell_agreements
from pat_server.demo.cases import CaseStory, case_stories
from pat_server.demo.groups import group_stories
from pat_server.demo.organisations import COMMUNITIES, ORGANISATIONS
from pat_server.demo.owner import (
    LoadState,
    Record,
    finish,
    load_state,
    mark_loaded,
    open_accounts,
    write_directory,
)
from pat_server.demo.referrals import REFERRALS
from pat_server.demo.sharing import tell_referrals
from pat_server.demo.telling import GROUP_WEIGHT, Stage, at_once, tell_organisation
from pat_server.demo.turns import ACTING
from pat_tenants.cases.service import today
from pat_tenants.vault import Vault

Progress = Callable[[str, float], None]
"""Called with what was just done, and the share of the whole that is done, from 0 to 1."""


PATIENCE_SECONDS = 600


def patient(settings: Settings) -> Settings:
    """The settings for a load: on a machine that is busy with other things it takes long, and is not given up for that.

    The limits of requests would end it where one statement, transaction or connection takes longer than somebody waits for an answer.
    """
    milliseconds = 1000 * PATIENCE_SECONDS
    return replace(
        settings,
        pool_wait_seconds=float(PATIENCE_SECONDS),
        connect_timeout_seconds=PATIENCE_SECONDS,
        statement_timeout_ms=milliseconds,
        lock_timeout_ms=milliseconds,
        idle_in_transaction_timeout_ms=milliseconds,
        transaction_timeout_ms=milliseconds,
    )


class NotEmpty(Exception):
    """The database holds organisations already. Drop it and make it anew; what a load left behind cannot be finished."""


async def load(
    admin_url: str,
    database: Database,
    vault: Vault,
    secret: bytes,
    say: Progress = lambda _words, _share: None,
    *,
    day: date | None = None,
) -> None:
    """Load the demo network as it stands on ``day``, by default today in India.

    ``admin_url`` names a role that may act as the owner and make logins; ``database`` serves the same database, with settings that are
    `patient`; ``secret`` is the deployment's. Done when ``load_state`` says so: a load that breaks off leaves UNFINISHED behind.
    Raises :class:`NotEmpty`.
    """
    if await asyncio.to_thread(load_state, admin_url) is not LoadState.EMPTY:
        raise NotEmpty("The database is not empty: the demo network can only be loaded into a new one.")
    day = day or today()
    cases, record = case_stories(day), Record()
    groups = group_stories(cases, day)
    sessions = await asyncio.to_thread(write_directory, admin_url, secret)
    for organisation in ORGANISATIONS:
        await vault.create_keys(organisation.id)
    stage = Stage(database, vault, sessions, record, datetime.now(UTC), _Meter(say, cases).told)
    ids = await at_once(
        tell_organisation(stage, each, cases[each.slug], groups[each.slug]) for each in COMMUNITIES
    )
    by_slug: dict[str, dict[int, UUID]] = {each.slug: of for each, of in zip(COMMUNITIES, ids, strict=True)}
    stage.sessions.update(await asyncio.to_thread(open_accounts, admin_url, record, ACTING))
    await tell_agreements(stage)
    await tell_referrals(stage, by_slug)
    await asyncio.to_thread(finish, admin_url, record)
    await asyncio.to_thread(mark_loaded, admin_url)
    say("loaded", 1.0)


class _Meter:
    """Turns what is told into a share of the whole."""

    def __init__(self, say: Progress, cases: dict[str, list[CaseStory]]) -> None:
        told_twice = 2 * sum(map(len, cases.values()))
        groups = 3 * GROUP_WEIGHT * len(COMMUNITIES)
        self._say, self._done, self._whole = say, 0, told_twice + groups + len(REFERRALS) + 1

    def told(self, words: str, count: int) -> None:
        self._done += count
        self._say(words, self._done / self._whole)
