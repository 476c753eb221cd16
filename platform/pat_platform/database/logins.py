"""The database logins: their names and their passwords."""

import base64
from functools import lru_cache
from uuid import UUID

from pat_platform.encryption.derived import derived

ORGANISATION = "org_"
HEX_DIGITS = 32

MIGRATOR = "pat_service_migrator"
ISSUER = "pat_service_issuer"
LISTENER = "pat_service_listener"
JOBS = "pat_service_jobs"
KEYS = "pat_service_keys"
SIGN_IN = "pat_service_sign_in"
SERVICE_LOGINS = (MIGRATOR, ISSUER, LISTENER, JOBS, KEYS, SIGN_IN)
"""The logins that belong to no organisation: a closed list."""


def login_name(organisation: UUID, role: str) -> str:
    """The login of one organisation in one role."""
    return f"{ORGANISATION}{organisation.hex}_{role}"


@lru_cache(maxsize=10_000)
def organisation_of(login: str) -> UUID:
    """The organisation of a login. Raises ValueError for a service login."""
    return UUID(hex=organisation_key(login))


def organisation_key(login: str) -> str:
    """What logins of the same organisation have in common; a service login stands for itself."""
    if not login.startswith(ORGANISATION):
        return login
    return login[len(ORGANISATION) : len(ORGANISATION) + HEX_DIGITS]


def login_password(secret: bytes, login: str, generation: int) -> str:
    """The password of a login: derived from the deployment's secret (HKDF, RFC 5869), stored nowhere.

    A new generation makes a new password.
    """
    key = derived(secret, b"pat login|%s|%d" % (login.encode(), generation))
    return base64.urlsafe_b64encode(key).decode()
