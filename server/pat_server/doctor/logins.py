"""The logins: whether they are as ``pat migrate`` leaves them. Each may change its own settings and its own password."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterator, Sequence

import psycopg

from pat_platform.database.credentials import FIRST_GENERATION
from pat_platform.database.logins import SERVICE_LOGINS, login_password
from pat_platform.settings import Settings
from pat_server.doctor.finding import Finding, ok, problem
from pat_tenants.isolation.provision import changed_settings

_OF_ORGANISATIONS = """
select r.rolname::text from pg_roles r where r.rolcanlogin and r.rolname ~ '^org_[0-9a-f]{32}_'
and has_database_privilege(r.oid, current_database(), 'connect') order by 1"""
_PASSWORDS = "select rolname::text, rolpassword from pg_authid where rolname = any(%s)"
# PostgreSQL's own number is 4,096. Whoever chose a huge one would keep whoever checks busy.
_MOST_ITERATIONS = 100_000


def look_at_logins(connection: psycopg.Connection, settings: Settings) -> Iterator[Finding]:
    """Settings of each login, and its password where the catalogue shows it to this user."""
    of_organisations = [name for (name,) in connection.execute(_OF_ORGANISATIONS).fetchall()]
    changed = [
        *changed_settings(connection, of_organisations),
        *changed_settings(connection, SERVICE_LOGINS, {}),
    ]
    if changed:
        yield problem(
            "logins", _told(changed, "start with settings that are not ours", "\\drds in psql shows them")
        )
    logins = [*of_organisations, *SERVICE_LOGINS]
    others = list(_with_other_passwords(connection, settings.secret, logins))
    # All of them: the secret is another, and that is said already.
    if others and len(others) < len(logins):
        yield problem("logins", _told(others, "have a password that is not ours", "somebody may know it"))
    if not changed and not others:
        yield ok("logins", "Every login starts with the settings that it was given.")


def _told(names: Sequence[str], what: str, more: str) -> str:
    return (
        f"{len(names)} logins ({names[0]}, …) {what}; {more}. A login can change its own, through an injection too:"
        " `pat migrate` sets all of them again, docs/isolation.md tells what to do besides."
    )


def _with_other_passwords(
    connection: psycopg.Connection, secret: bytes, names: Sequence[str]
) -> Iterator[str]:
    """Logins that the deployment's secret does not open. None, for a user who may not see what passwords are checked by."""
    if connection.execute("select has_table_privilege('pg_authid', 'select')").fetchone() != (True,):
        return
    with connection.transaction():
        connection.execute("set local role pat_sec")
        generations: dict[str, int] = dict(
            connection.execute("select login, generation from sec.logins").fetchall()
        )
    for name, verifier in connection.execute(_PASSWORDS, (list(names),)).fetchall():
        password = login_password(secret, name, generations.get(name, FIRST_GENERATION))
        if not fits(password, verifier):
            yield name


def fits(password: str, verifier: str | None) -> bool:
    """Whether a password is the one behind a verifier of SCRAM-SHA-256 (RFC 5803), as PostgreSQL keeps it."""
    method, _, rest = (verifier or "").partition("$")
    head, _, keys = rest.partition("$")
    iterations, _, salt = head.partition(":")
    if method != "SCRAM-SHA-256" or int(iterations) > _MOST_ITERATIONS:
        return False
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), base64.b64decode(salt), int(iterations))
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    return hmac.compare_digest(stored, base64.b64decode(keys.partition(":")[0]))
