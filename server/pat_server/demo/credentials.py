"""What the demo's people sign in with. All have one password; every installation has another, and other codes."""

from __future__ import annotations

from base64 import b32encode
from datetime import UTC, datetime

from psycopg import Connection

from pat_auth.issuer import passwords, totp
from pat_auth.issuer.hashing import Hashing
from pat_auth.issuer.service import Secrets
from pat_auth.models import SecretKind
from pat_platform.encryption.derived import derived
from pat_server.demo.chance import identifier
from pat_server.demo.people import PEOPLE, STAFF

_PASSWORD_BYTES = 10
_GROUP = 4


def demo_password(secret: bytes) -> str:
    """The password of everybody in the demo of the installation with this secret."""
    letters = b32encode(derived(secret, b"pat demo password")[:_PASSWORD_BYTES]).decode().lower()
    return "-".join(letters[at : at + _GROUP] for at in range(0, len(letters), _GROUP))


def demo_generator(secret: bytes, email: str) -> str:
    """The secret of the generator that somebody on the staff has in the demo, in base32."""
    return b32encode(derived(secret, b"pat demo generator|" + email.encode())[: totp.SECRET_BYTES]).decode()


def write_credentials(connection: Connection, secret: bytes) -> None:
    """Give everybody the password, and the staff their generators; ``connection`` is that of the keeper of people.

    The password is hashed once: a hash for each would cost the demo seconds of its start.
    """
    keys, now = Secrets.of(secret), datetime.now(UTC)
    hashed = passwords.hash_with(Hashing(), keys, demo_password(secret))
    cursor = connection.cursor()
    cursor.executemany(
        "insert into sec.secrets (person_id, kind, hash, key) values (%s, %s, %s, %s)",
        [(person.id, SecretKind.PASSWORD, hashed, passwords.KEY) for person in PEOPLE],
    )
    factors = [(person, identifier("second factor", person.email)) for person in STAFF]
    cursor.executemany(
        "insert into sec.second_factors (person_id, id, sealed, key, confirmed_at) values (%s, %s, %s, %s, %s)",
        [
            (
                *(person.id, factor),
                totp.seal_secret(keys, person.id, factor, demo_generator(secret, person.email)),
                *(totp.KEY, now),
            )
            for person, factor in factors
        ],
    )
