"""Challenges: what a passkey is asked to sign. Each is good for one browser, one purpose and one person, once, for a few minutes."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from secrets import token_bytes
from uuid import UUID

from pat_auth.issuer.methods import Purpose
from pat_auth.issuer.service import Service
from pat_platform.database.threads import Connection

LASTS = timedelta(minutes=10)
"""Long enough to find a key that lies in a drawer."""
CHALLENGE_BYTES = 32
HANDLE_BYTES = 32


@dataclass(frozen=True)
class Challenge:
    """What is to be signed, and the handle that a passkey to be made will know its person by."""

    challenge: bytes = field(repr=False)
    handle: bytes | None = field(default=None, repr=False)


def keep_challenge(
    connection: Connection,
    service: Service,
    *,
    browser: UUID,
    purpose: Purpose,
    person: UUID | None = None,
    handle: bytes | None = None,
) -> Challenge:
    """A new challenge. The one before, for the same purpose in the same browser, is worth nothing any more."""
    made = Challenge(token_bytes(CHALLENGE_BYTES), handle)
    connection.execute(
        "insert into sec.challenges (browser_id, purpose, challenge, person_id, handle, expires_at)"
        " values (%s, %s, %s, %s, %s, %s)"
        " on conflict (browser_id, purpose) do update set challenge = excluded.challenge,"
        " person_id = excluded.person_id, handle = excluded.handle, expires_at = excluded.expires_at, used_at = null",
        (browser, purpose.value, made.challenge, person, handle, service.clock() + LASTS),
    )
    return made


def spend_challenge(
    connection: Connection,
    service: Service,
    *,
    browser: UUID,
    purpose: Purpose,
    person: UUID | None = None,
) -> Challenge | None:
    """The challenge that was given, if its time is not over; now it is spent. Commit before looking at what was signed."""
    now = service.clock()
    row = connection.execute(
        "update sec.challenges set used_at = %s where browser_id = %s and purpose = %s"
        " and person_id is not distinct from %s and used_at is null and expires_at > %s returning challenge, handle",
        (now, browser, purpose.value, person, now),
    ).fetchone()
    return Challenge(*row) if row else None
