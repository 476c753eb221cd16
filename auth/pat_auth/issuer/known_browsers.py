"""Browsers in which somebody has signed in before: strangers who guess her password elsewhere do not delay her there.

What such a browser keeps (OWASP calls it a device cookie) signs nobody in and says nothing of anybody. It is good for attempts at one
person's password, which are then counted for the browser instead of for the account; each is good until she has another password, or
for half a year.
"""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from secrets import token_bytes
from uuid import UUID

from pat_auth.issuer.service import Service
from pat_auth.models import SecretKind
from pat_platform.database.threads import Connection

LASTS = timedelta(days=180)
MOST = 4
"""How many people one browser is known by: colleagues share a computer."""
_NAME_BYTES, _MOMENT_BYTES, _TAG_BYTES = 16, 4, 16
_BYTES = _NAME_BYTES + _MOMENT_BYTES + _TAG_BYTES


@dataclass(frozen=True)
class _Owner:
    """Whose password is asked for; nobody has an empty address."""

    email: str = field(default="", repr=False)
    hashed: str = field(default="", repr=False)


def browser_of(connection: Connection, service: Service, known_by: str, email: str) -> str | None:
    """What the browser is called where attempts at this person's password are counted; None if she has not signed in there."""
    owner = _find(connection, "p.email = %s", email)
    return next(
        (kept[:_NAME_BYTES].hex() for kept in _kept(known_by) if _is_hers(service, kept, owner)), None
    )


def keep_known(connection: Connection, service: Service, known_by: str, person: UUID) -> str | None:
    """What the browser is to keep now that somebody has signed in there; None for somebody without a password."""
    owner = _find(connection, "p.id = %s", person)
    if not owner.email:
        return None
    moment = int(service.clock().timestamp()).to_bytes(_MOMENT_BYTES, "big")
    name = token_bytes(_NAME_BYTES)
    others = [kept for kept in _kept(known_by) if not _is_hers(service, kept, owner)]
    new = name + moment + _tag(service, name + moment, owner)
    return ".".join(urlsafe_b64encode(kept).decode() for kept in (new, *others[: MOST - 1]))


def _kept(known_by: str) -> Iterator[bytes]:
    for each in known_by.split(".")[:MOST]:
        try:
            kept = urlsafe_b64decode(each)
        except ValueError:
            continue
        if len(kept) == _BYTES:
            yield kept


def _is_hers(service: Service, kept: bytes, owner: _Owner) -> bool:
    signed, tag = kept[:-_TAG_BYTES], kept[-_TAG_BYTES:]
    is_ours = hmac.compare_digest(tag, _tag(service, signed, owner))
    age = service.clock().timestamp() - int.from_bytes(signed[_NAME_BYTES:], "big")
    return is_ours and age <= LASTS.total_seconds()


def _tag(service: Service, signed: bytes, owner: _Owner) -> bytes:
    # What is signed has one length, and no address holds the byte between the two texts.
    message = signed + f"{owner.email}\0{owner.hashed}".encode()
    return hmac.digest(service.secrets.known_browsers, message, "sha256")[:_TAG_BYTES]


def _find(connection: Connection, whose: str, value: object) -> _Owner:
    row = connection.execute(
        "select p.email, s.hash from sec.people p join sec.secrets s on s.person_id = p.id"
        f" where s.kind = %s and p.disabled_at is null and {whose}".encode(),
        (SecretKind.PASSWORD, value),
    ).fetchone()
    return _Owner() if row is None or row[0] is None else _Owner(*row)
