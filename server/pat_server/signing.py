"""Signing the heads of the trail: each process sees to it now and then, with a key that the database does not have."""

from __future__ import annotations

import asyncio

import psycopg

from pat_auth.keys import UnusableKeys
from pat_auth.trail_keys import SignedHead, load_or_create_trail_keys, sign_head
from pat_platform.database.credentials import FIRST_GENERATION
from pat_platform.database.logins import JOBS
from pat_platform.encryption.private_file import ExposedFile
from pat_platform.logging import get_logger
from pat_platform.settings import Settings

log = get_logger("pat.trail")

EVERY_SECONDS = 300.0
"""So long a chain can be written anew without being found out."""


async def sign_now_and_then(settings: Settings, *, every_seconds: float = EVERY_SECONDS) -> None:
    """Sign what is new, again and again, until cancelled."""
    while True:
        await asyncio.sleep(every_seconds)
        try:
            await asyncio.to_thread(sign_heads, settings)
        except (OSError, psycopg.Error, UnusableKeys, ExposedFile) as trouble:
            # What it says may quote a path or an address.
            log.warning("trail.not_signed", error=type(trouble).__name__)
        except Exception as mistake:
            # Nobody waits for this loop: if it ended, nothing would be signed any more, and nobody told.
            log.error("trail.signing_mistake", exc_info=mistake)


def sign_heads(settings: Settings) -> int:
    """Sign the head of every chain that has grown since; return how many.

    Two processes may sign the same head: one signature is kept. Raises psycopg.Error, `UnusableKeys`, `ExposedFile`, OSError.
    """
    keys = load_or_create_trail_keys(settings.key_folder)
    with psycopg.connect(settings.conninfo(JOBS, FIRST_GENERATION)) as connection:
        heads = connection.execute("select * from trail.unsigned_heads()").fetchall()
        for organisation, number, digest in heads:
            signature = sign_head(keys, SignedHead(organisation, number, digest))
            connection.execute(
                "select trail.keep_signature(%s, %s, %s, %s)", (organisation, number, digest, signature)
            )
    return len(heads)
