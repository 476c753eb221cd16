"""Expected errors of the platform as sentences that say what to do."""

import errno
from collections.abc import Mapping

import psycopg
from alembic.script.revision import ResolutionError
from sqlalchemy.exc import ArgumentError, DBAPIError

from pat_auth.keys import UnusableKeys
from pat_platform.encryption.envelope import Unreadable
from pat_platform.encryption.private_file import ExposedFile
from pat_platform.encryption.provider import KeysUnavailable
from pat_platform.errors import Fault, Refused
from pat_platform.postgres import PostgresUnavailable
from pat_platform.settings import SettingsError
from pat_server.backups.programs import BackupRefused
from pat_server.migrate import MigrationRefused
from pat_tenants.rewrapping import NotTheSame

PLAIN = (
    SettingsError,
    PostgresUnavailable,
    MigrationRefused,
    BackupRefused,
    ExposedFile,
    UnusableKeys,
    Unreadable,
    NotTheSame,
)
"""Their messages are such sentences already."""

# What libpq says when it cannot connect; it gives no code then.
CONNECTING: Mapping[str, str] = {
    "password authentication failed": "The user name or the password in DATABASE_URL is wrong.",
    "no password supplied": "DATABASE_URL carries no password: postgresql://USER:PASSWORD@HOST:PORT/DATABASE.",
    "no pg_hba.conf entry": "The server does not let this machine or this user in: see its pg_hba.conf.",
    'role "pat_service_': "This database was never migrated: run `pat migrate` first.",
    "does not exist": "Create it first, or correct DATABASE_URL.",
    "Connection refused": "Is PostgreSQL running there, and is DATABASE_URL right?",
    "No such file or directory": "Is PostgreSQL running there, and is DATABASE_URL right?",
    "could not translate host name": "Is the host in DATABASE_URL right?",
    "failed to resolve host": "Is the host in DATABASE_URL right?",
    "timeout expired": "No answer came: is the host in DATABASE_URL right, and does a firewall stand between?",
    "too many clients": "The server has no connection left: raise its max_connections, or lower PAT_POOL_SIZE.",
    "is starting up": "Try again in a moment.",
}

# SQLSTATE codes, or their first two characters.
ANSWERS: Mapping[str, str] = {
    "42501": "The user of DATABASE_URL has too few rights: use a superuser, or pat_service_migrator once it exists.",
    "55P03": "Somebody else holds the lock: another migration, or a long transaction. Try again when it is done.",
    "25006": "The server only reads: DATABASE_URL names a replica. Use the primary.",
    "53100": "The database's disk is full: free some space and try again.",
    "53": "The database has run out of memory, disk or connections. Try again later.",
    "57P": "The database is starting or stopping. Try again in a moment.",
    "08": "The connection to the database was lost. Try again.",
}


def in_plain_words(error: Exception) -> str | None:
    """The sentence for an expected error; None for one that nobody expects, which deserves its traceback."""
    if isinstance(error, DBAPIError) and isinstance(error.orig, psycopg.Error):
        return in_plain_words(error.orig)
    if isinstance(error, ResolutionError) or isinstance(error.__cause__, ResolutionError):
        return "The database was migrated by a newer release than this one: run that one."
    if isinstance(error, ArgumentError):
        return "DATABASE_URL is not an address that starts with postgresql://."
    if isinstance(error, PLAIN):
        return str(error)
    if isinstance(error, KeysUnavailable):
        return error.reason
    if isinstance(error, Fault | Refused):
        return error.message
    if isinstance(error, psycopg.Error):
        return of_database(error)
    if isinstance(error, OSError) and error.filename and error.strerror:
        return of_system(error)
    return None


def of_database(error: psycopg.Error) -> str | None:
    """The sentence for what the database, or the way to it, answered."""
    code = error.sqlstate
    if code is None and isinstance(error, psycopg.OperationalError):
        said = " ".join(str(error).split())
        advice = next((text for sign, text in CONNECTING.items() if sign in said), "")
        return f"The database cannot be used: {said.rstrip('.')}. {advice}".rstrip()
    return next((text for start, text in ANSWERS.items() if code and code.startswith(start)), None)


def of_system(error: OSError) -> str:
    """The sentence for what the machine refused."""
    advice = " Free some space and try again." if error.errno in (errno.ENOSPC, errno.EDQUOT) else ""
    return f"{error.filename}: {error.strerror}.{advice}"
