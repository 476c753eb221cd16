"""Passkeys (WebAuthn): keys that a phone or a stick holds for one site. What is kept of each is public.

A person is known to her passkeys by a random handle that says nothing of her.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from ipaddress import ip_address
from secrets import token_bytes
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from pat_auth.issuer.challenges import HANDLE_BYTES, LASTS, keep_challenge
from pat_auth.issuer.methods import Purpose
from pat_auth.issuer.proving import has_generator
from pat_auth.issuer.service import Service
from pat_platform.database.threads import Connection

ALGORITHMS = (-7, -8, -257)
"""ES256, EdDSA, RS256, as COSE numbers them: what phones, sticks and computers have."""
LONGEST_NAME = 60
# Letters of Bengali and Hindi are joined and kept apart by them.
_JOINERS = "\u200c\u200d"


@dataclass(frozen=True)
class Passkey:
    """One that is in use."""

    id: bytes
    created_at: datetime
    used_at: datetime | None
    transports: Sequence[str] = ()
    """How a browser reaches it, as far as it said so."""
    name: str = ""
    """By what she knows it; empty until she has said."""

    @property
    def encoded_id(self) -> str:
        """Its id as forms write it."""
        return encoded(self.id)


@dataclass(frozen=True)
class Made:
    """A passkey that somebody has just made, and shown to hold."""

    id: bytes
    public_key: bytes = field(repr=False)
    sign_count: int
    handle: bytes = field(repr=False)
    transports: tuple[str, ...] = ()


def site_of(service: Service) -> str | None:
    """The host that passkeys are made for; None where browsers make none: an address in numbers is no name."""
    parts = urlsplit(service.issuer)
    host = parts.hostname or ""
    try:
        ip_address(host)
    except ValueError:
        return host if parts.scheme == "https" or host == "localhost" else None
    return None


def begin_sign_in(connection: Connection, service: Service, browser: UUID) -> str | None:
    """What a browser is to ask of any passkey for this site, as JSON: which ones there are is not said. None without a site."""
    site = site_of(service)
    if site is None:
        return None
    asked = keep_challenge(connection, service, browser=browser, purpose=Purpose.SIGN_IN)
    return _request(site, asked.challenge, (), "required")


def begin_second(connection: Connection, service: Service, browser: UUID, person: UUID) -> str | None:
    """The same of one of her passkeys, after her password. None if she has none."""
    site, passkeys = site_of(service), passkeys_of(connection, person)
    if site is None or not passkeys:
        return None
    asked = keep_challenge(connection, service, browser=browser, purpose=Purpose.SECOND, person=person)
    return _request(site, asked.challenge, passkeys, "preferred")


def begin_making(
    connection: Connection, service: Service, browser: UUID, person: UUID | None, email: str
) -> str | None:
    """What a browser is to ask for a new passkey, as JSON; ``person`` is None before she is made. None without a site.

    Her address is what her phone shows beside the site. The handle is all that it ever sends.
    """
    site = site_of(service)
    if site is None:
        return None
    handle = (_handle_of(connection, person) if person else None) or token_bytes(HANDLE_BYTES)
    asked = keep_challenge(
        connection, service, browser=browser, purpose=Purpose.REGISTER, person=person, handle=handle
    )
    known = passkeys_of(connection, person) if person else []
    options = {
        "rp": {"id": site, "name": site},
        "user": {"id": encoded(handle), "name": email, "displayName": email},
        "challenge": encoded(asked.challenge),
        "pubKeyCredParams": [{"type": "public-key", "alg": number} for number in ALGORITHMS],
        "timeout": _milliseconds(),
        "excludeCredentials": [_descriptor(passkey) for passkey in known],
        # It finds itself where nobody has said who she is, and it wants to see a finger, a face or a PIN.
        "authenticatorSelection": {
            "residentKey": "required",
            "requireResidentKey": True,
            "userVerification": "required",
        },
        "attestation": "none",
    }
    return json.dumps(options)


def passkeys_of(connection: Connection, person: UUID) -> list[Passkey]:
    """Hers, the oldest first."""
    rows = connection.execute(
        "select id, created_at, used_at, transports, name from sec.passkeys"
        " where person_id = %s and ended_at is null order by created_at, id",
        (person,),
    )
    return [Passkey(*row) for row in rows]


def put_passkey(connection: Connection, service: Service, person: UUID, made: Made, name: str = "") -> bool:
    """Keep a passkey that was just made, under its name. False if it is kept already: it is somebody's, or was."""
    put = connection.execute(
        "insert into sec.passkeys (id, person_id, handle, public_key, sign_count, transports, name, created_at)"
        " values (%s, %s, %s, %s, %s, %s, %s, %s) on conflict do nothing",
        (
            *(made.id, person, made.handle, made.public_key, made.sign_count),
            *(list(made.transports), normal_name(name), service.clock()),
        ),
    )
    return put.rowcount == 1


def name_passkey(connection: Connection, person: UUID, encoded_id: str, name: str) -> None:
    """Call one of hers by this name from now on."""
    meant = [key.id for key in passkeys_of(connection, person) if key.encoded_id == encoded_id]
    connection.execute("update sec.passkeys set name = %s where id = any(%s)", (normal_name(name), meant))


def normal_name(name: str) -> str:
    """A name as it is kept: on one line, without what cannot be seen, and not longer than it may be."""
    seen = "".join(letter for letter in " ".join(name.split()) if letter.isprintable() or letter in _JOINERS)
    return seen[:LONGEST_NAME].strip()


def end_passkey(connection: Connection, service: Service, person: UUID, encoded_id: str) -> int | None:
    """Take one of hers out of use; return how many were.

    None for the last thing that she has beside her password: she would be locked out.
    """
    held = connection.execute(
        "select id from sec.passkeys where person_id = %s and ended_at is null order by id for update",
        (person,),
    ).fetchall()
    if len(held) < 2 and not has_generator(connection, person):
        return None
    hers = [ident for (ident,) in held if encoded(ident) == encoded_id]
    connection.execute("update sec.passkeys set ended_at = %s where id = any(%s)", (service.clock(), hers))
    return len(hers)


def encoded(raw: bytes) -> str:
    """Bytes as WebAuthn writes them into JSON: base64url without padding."""
    return urlsafe_b64encode(raw).decode().rstrip("=")


def _handle_of(connection: Connection, person: UUID) -> bytes | None:
    """What her passkeys know her by already."""
    row = connection.execute(
        "select handle from sec.passkeys where person_id = %s order by created_at, id limit 1", (person,)
    ).fetchone()
    return row[0] if row else None


def _request(site: str, challenge: bytes, passkeys: Sequence[Passkey], verification: str) -> str:
    options = {
        "challenge": encoded(challenge),
        "rpId": site,
        "timeout": _milliseconds(),
        "allowCredentials": [_descriptor(passkey) for passkey in passkeys],
        "userVerification": verification,
    }
    return json.dumps(options)


def _descriptor(passkey: Passkey) -> dict[str, Any]:
    return {"type": "public-key", "id": passkey.encoded_id, "transports": list(passkey.transports)}


def _milliseconds() -> int:
    return int(LASTS.total_seconds() * 1000)
