"""One-time codes of a generator in her hand (RFC 6238). A code counts once, also for two who send it in the same moment."""

from __future__ import annotations

import hmac
import unicodedata
from base64 import b32decode, b32encode
from collections.abc import Iterator
from datetime import datetime
from secrets import token_bytes
from uuid import UUID, uuid4

from pat_auth.issuer.service import Secrets, Service
from pat_platform.database.threads import Connection
from pat_platform.encryption.envelope import Unreadable, open_bytes, seal_bytes

SECRET_BYTES = 20
"""As long as the digest that generators make of it (RFC 4226, section 4)."""
STEP_SECONDS = 30
DIGITS = 6
KEY = 1
"""Which key of the deployment seals the secrets: there has been one so far."""


def new_secret() -> str:
    """A secret for a generator, in base32."""
    return b32encode(token_bytes(SECRET_BYTES)).decode()


def uri_of(service: Service, secret: str, email: str) -> str:
    """What the QR code holds. A phone shows the name of the host beside the account: it says nothing of what we do."""
    from pyotp import TOTP

    host = service.issuer.partition("://")[2]
    return TOTP(secret).provisioning_uri(name=email, issuer_name=host)


def put_factor(connection: Connection, service: Service, person: UUID, secret: str, *, step: int) -> UUID:
    """Keep the secret of a generator of which she has shown a code: its step is spent."""
    factor = uuid4()
    connection.execute(
        "insert into sec.second_factors (person_id, id, sealed, key, confirmed_at, last_step, created_at)"
        " values (%s, %s, %s, %s, %s, %s, %s)",
        (
            person,
            factor,
            seal_secret(service.secrets, person, factor, secret),
            KEY,
            service.clock(),
            step,
            service.clock(),
        ),
    )
    return factor


def seal_secret(secrets: Secrets, person: UUID, factor: UUID, secret: str) -> bytes:
    """A generator's secret as it is kept: it opens for this person's generator alone."""
    return seal_bytes(secrets.second_factors, _place(person, factor), b32decode(secret))


def is_openable(secrets: Secrets, person: UUID, factor: UUID, sealed: bytes, key: int) -> bool:
    """Whether a generator's secret, as it is kept, opens with the keys of this deployment."""
    return _opened(secrets, person, factor, sealed, key) is not None


def replace_factors(connection: Connection, service: Service, person: UUID, secret: str, step: int) -> UUID:
    """Keep a generator's secret in place of all that she had before; the step whose code she has shown is spent."""
    connection.execute("update sec.second_factors set confirmed_at = null where person_id = %s", (person,))
    return put_factor(connection, service, person, secret, step=step)


def spend_code(connection: Connection, service: Service, person: UUID, code: str) -> bool:
    """Whether the code is of one of her generators and was never shown before; now it has been."""
    rows = connection.execute(
        "select id, sealed, key, last_step from sec.second_factors"
        " where person_id = %s and confirmed_at is not null order by id for update",
        (person,),
    ).fetchall()
    return any(_spend(connection, service, person, row, code) for row in rows)


def step_of(secret: str, code: str, now: datetime) -> int | None:
    """The step that the code belongs to, of the present one and its neighbours; None for a wrong code."""
    from pyotp import TOTP

    given = digits(code)
    if given is None:
        return None
    generator = TOTP(secret)
    matching = [step for step in _steps(now) if hmac.compare_digest(generator.generate_otp(step), given)]
    return matching[-1] if matching else None


def present_code(secret: str, now: datetime) -> str:
    """What a generator with this secret shows now."""
    from pyotp import TOTP

    return TOTP(secret).generate_otp(_present(now))


def digits(code: str) -> str | None:
    """The code in the digits of ASCII, whichever script it is typed in, without spaces; None for what is no code."""
    plain = "".join(
        character
        for character in code
        if not (character.isspace() or unicodedata.category(character) == "Pd")
    )
    if len(plain) != DIGITS or not all(character.isdecimal() for character in plain):
        return None
    return "".join(str(unicodedata.decimal(character)) for character in plain)


def _spend(
    connection: Connection, service: Service, person: UUID, factor: tuple[UUID, bytes, int, int], code: str
) -> bool:
    ident, sealed, key, last_step = factor
    secret = _opened(service.secrets, person, ident, sealed, key)
    step = step_of(secret, code, service.clock()) if secret else None
    if step is None or step <= last_step:
        return False
    connection.execute(
        "update sec.second_factors set last_step = %s where person_id = %s and id = %s", (step, person, ident)
    )
    return True


def _opened(secrets: Secrets, person: UUID, factor: UUID, sealed: bytes, key: int) -> str | None:
    """The secret in base32; None if it was sealed with another key of the deployment, and so is lost."""
    if key != KEY:
        return None
    try:
        secret = open_bytes(secrets.second_factors, _place(person, factor), sealed)
    except Unreadable:
        return None
    return b32encode(secret).decode()


def _place(person: UUID, factor: UUID) -> bytes:
    return b"second factor|" + person.bytes + factor.bytes


def _present(now: datetime) -> int:
    return int(now.timestamp()) // STEP_SECONDS


def _steps(now: datetime) -> Iterator[int]:
    """Clocks may be half a minute wrong in either direction."""
    present = _present(now)
    yield from range(present - 1, present + 2)
