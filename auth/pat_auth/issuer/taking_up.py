"""Taking up an invitation: who is known signs in and joins, who is new chooses a password and begins to use a generator of codes.

Of somebody new nothing is kept before she has shown a code of her generator: what she chose goes back and forth with her browser,
sealed. An invitation never changes what somebody known proves herself with: else whoever may invite could become her.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from secrets import token_urlsafe
from uuid import UUID, uuid4

from pat_auth.issuer.passkeys import Made, put_passkey
from pat_auth.issuer.passwords import set_password
from pat_auth.issuer.proving import has_second_factor
from pat_auth.issuer.recovery import renew_recovery_codes
from pat_auth.issuer.service import Service
from pat_auth.issuer.standing import Standing
from pat_auth.issuer.totp import put_factor, step_of
from pat_auth.policy import Role
from pat_platform.database.threads import Connection
from pat_platform.encryption.envelope import Unreadable, open_bytes, seal_bytes

LASTS = timedelta(days=7)
"""How long an invitation stands."""
TO_CHOOSE = timedelta(minutes=30)
"""How long somebody may take between choosing a password and showing a code."""
_TOKEN_BYTES = 32


@dataclass(frozen=True)
class Invited:
    """What an invitation is for."""

    email: str = field(repr=False)
    name: str = field(repr=False)
    organisation_name: str
    role: Role
    is_known: bool
    """Whether somebody signs in with that address already."""


@dataclass(frozen=True)
class Chosen:
    """What somebody has chosen and not yet confirmed: no password, if she has one."""

    secret: str = field(repr=False)
    hashed: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Joined:
    """A new membership, with the recovery codes of somebody who had none: shown once."""

    membership: UUID
    recovery_codes: tuple[str, ...] = field(default=(), repr=False)


class AlreadyKept(Exception):
    """The passkey is somebody's already: nothing of what was begun with it may stand."""


def new_token() -> str:
    """What the link of an invitation carries: nobody guesses it."""
    return token_urlsafe(_TOKEN_BYTES)


def hash_of_token(token: str) -> bytes:
    """What is kept of it."""
    return sha256(token.encode()).digest()


def find_invitation(connection: Connection, token: str) -> Invited | None:
    """What the invitation with this token is for; None if there is none, or it is over."""
    row = connection.execute("select * from sec.find_invitation(%s)", (hash_of_token(token),)).fetchone()
    return None if row is None else Invited(row[0], row[1], row[2], Role(row[3]), row[4])


def seal(service: Service, token: str, chosen: Chosen) -> str:
    """What was chosen, for the browser to carry: it can neither read nor change it, nor use it for another invitation."""
    until = service.clock() + TO_CHOOSE
    content = json.dumps([chosen.secret, chosen.hashed, until.timestamp()]).encode()
    return urlsafe_b64encode(seal_bytes(service.secrets.second_factors, _place(token), content)).decode()


def unseal(service: Service, token: str, sealed: str) -> Chosen | None:
    """What was sealed for this invitation, unless it was too long ago or is none of ours."""
    try:
        content = open_bytes(service.secrets.second_factors, _place(token), urlsafe_b64decode(sealed))
    except (Unreadable, ValueError):
        return None
    secret, hashed, until = json.loads(content)
    if service.clock() > datetime.fromtimestamp(until, service.clock().tzinfo):
        return None
    return Chosen(secret, hashed)


def is_shown(service: Service, chosen: Chosen, code: str) -> bool:
    """Whether the code is what the generator shows that was chosen."""
    return step_of(chosen.secret, code, service.clock()) is not None


def enrol(connection: Connection, service: Service, token: str, chosen: Chosen, code: str) -> Joined | None:
    """Make the person whom the invitation is for, as a member, with what she has chosen.

    None for a wrong code, and if the invitation is over or its address is somebody's by now.
    """
    step = step_of(chosen.secret, code, service.clock())
    if step is None:
        return None
    person = uuid4()
    joined = _enrolled(connection, service, token, chosen, person)
    if joined is not None:
        put_factor(connection, service, person, chosen.secret, step=step)
    return joined


def enrol_with_passkey(
    connection: Connection, service: Service, token: str, chosen: Chosen, made: Made
) -> Joined | None:
    """The same with a passkey that she has just made, and no generator. Raises AlreadyKept, which has to roll back."""
    person = uuid4()
    joined = _enrolled(connection, service, token, chosen, person)
    if joined is not None and not put_passkey(connection, service, person, made):
        raise AlreadyKept
    return joined


def take_up(connection: Connection, token: str, standing: Standing) -> Joined | None:
    """Make the person who has signed in a member. None if it is not her whom the invitation is for, or it is over."""
    membership = _ask(connection, "select sec.take_up(%s, %s)", token, standing.person)
    return None if membership is None else Joined(membership)


def begin_second(
    connection: Connection, service: Service, token: str, standing: Standing, chosen: Chosen, code: str
) -> Joined | None:
    """The same for somebody who has a password and no second factor: now she has. None for a wrong code, or if she has one."""
    step = step_of(chosen.secret, code, service.clock())
    if step is None:
        return None
    joined = _begun(connection, service, token, standing)
    if joined is not None:
        put_factor(connection, service, standing.person, chosen.secret, step=step)
    return joined


def begin_with_passkey(
    connection: Connection, service: Service, token: str, standing: Standing, made: Made
) -> Joined | None:
    """The same with a passkey that she has just made. Raises AlreadyKept, which has to roll back."""
    joined = _begun(connection, service, token, standing)
    if joined is not None and not put_passkey(connection, service, standing.person, made):
        raise AlreadyKept
    return joined


def _enrolled(
    connection: Connection, service: Service, token: str, chosen: Chosen, person: UUID
) -> Joined | None:
    if chosen.hashed is None:
        return None
    membership = _ask(connection, "select sec.enrol(%s, %s)", token, person)
    if membership is None:
        return None
    set_password(connection, service, person, chosen.hashed)
    return Joined(membership, tuple(renew_recovery_codes(connection, service, person)))


def _begun(connection: Connection, service: Service, token: str, standing: Standing) -> Joined | None:
    if has_second_factor(connection, standing.person):
        return None
    joined = take_up(connection, token, standing)
    if joined is None:
        return None
    return Joined(joined.membership, tuple(renew_recovery_codes(connection, service, standing.person)))


def _ask(connection: Connection, query: str, token: str, person: UUID) -> UUID | None:
    row = connection.execute(query.encode(), (hash_of_token(token), person)).fetchone()
    return row[0] if row else None


def _place(token: str) -> bytes:
    return b"invitation|" + hash_of_token(token)
