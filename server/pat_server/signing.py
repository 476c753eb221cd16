"""Signing the heads of the trail: each process sees to it now and then, with a key that the database does not have."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from itertools import starmap
from uuid import UUID

import psycopg

from pat_auth.keys import UnusableKeys
from pat_auth.trail_keys import (
    SignedHead,
    keep_last_signed,
    last_signed,
    load_or_create_trail_keys,
    sign_head,
)
from pat_platform.database.credentials import FIRST_GENERATION
from pat_platform.database.logins import JOBS
from pat_platform.encryption.private_file import ExposedFile
from pat_platform.logging import get_logger
from pat_platform.settings import Settings

log = get_logger("pat.trail")

EVERY_SECONDS = 300.0
"""So long the newest events can be written anew without being found out."""


class WrittenAnew(Exception):
    """Chains of which the event that was signed last is gone, or another. They were not signed."""

    def __init__(self, organisations: Collection[UUID]) -> None:
        self.organisations = organisations
        super().__init__(
            f"The event that was signed last is gone, or another, in the chains of {', '.join(map(str, organisations))}"
        )


async def sign_now_and_then(settings: Settings, *, every_seconds: float = EVERY_SECONDS) -> None:
    """Sign what is new, again and again, until cancelled."""
    while True:
        await asyncio.sleep(every_seconds)
        try:
            await asyncio.to_thread(sign_heads, settings)
        except WrittenAnew:
            # Said where it was found, of each.
            continue
        except (OSError, psycopg.Error, UnusableKeys, ExposedFile) as trouble:
            # What it says may quote a path or an address.
            log.warning("trail.not_signed", error=type(trouble).__name__)
        except Exception as mistake:
            # Nobody waits for this loop: if it ended, nothing would be signed any more, and nobody told.
            log.error("trail.signing_mistake", exc_info=mistake)


def sign_heads(settings: Settings) -> int:
    """Sign the head of every chain that has grown since; return how many.

    Two processes may sign the same head: one signature is kept. A chain that does not hold what was signed last of it, as the file
    beside the keys has it, is not signed. Raises WrittenAnew for such chains, when all others are signed; psycopg.Error,
    `UnusableKeys`, `ExposedFile`, OSError.
    """
    keys = load_or_create_trail_keys(settings.key_folder)
    with psycopg.connect(settings.conninfo(JOBS, FIRST_GENERATION)) as connection:
        anew = {
            head.organisation
            for head in last_signed(settings.key_folder).values()
            if _hash_of(connection, head.organisation, head.number) != head.hash
        }
        rows = connection.execute("select * from trail.unsigned_heads()").fetchall()
        heads = [head for head in starmap(SignedHead, rows) if head.organisation not in anew]
        # First here: after a crash nothing is signed of which this is not known.
        keep_last_signed(settings.key_folder, heads)
        for head in heads:
            connection.execute(
                "select trail.keep_signature(%s, %s, %s, %s)",
                (head.organisation, head.number, head.hash, sign_head(keys, head)),
            )
    for organisation in anew:
        log.error("trail.written_anew", organisation=str(organisation))
    if anew:
        raise WrittenAnew(anew)
    return len(heads)


def _hash_of(connection: psycopg.Connection, organisation: UUID, number: int) -> bytes | None:
    row = connection.execute("select trail.hash_of(%s, %s)", (organisation, number)).fetchone()
    return row[0] if row else None
