"""Whether people can sign in: under the secret that what they prove themselves with was sealed with, and somebody to let them in."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg

from pat_auth.issuer.service import Secrets
from pat_auth.issuer.totp import is_openable
from pat_auth.policy import Role
from pat_platform.settings import Settings
from pat_server.doctor.finding import Finding, ok, problem, warning

_FACTORS = """
select person_id, id, sealed, key from sec.second_factors where confirmed_at is not null order by created_at desc limit 10"""
_ADMINISTRATORS = """
select exists (select from app.memberships m join sec.people p on p.id = m.person_id
    where m.role = %s and m.ended_at is null and p.disabled_at is null),
    exists (select from sec.logins where role = %s)"""


def look_at_people(connection: psycopg.Connection, settings: Settings) -> Iterator[Finding]:
    """What an administrator's connection tells. Nothing, for a database that people cannot sign in to yet."""
    found = connection.execute("select to_regclass('sec.second_factors') is not null").fetchone()
    if found != (True,):
        return
    with connection.transaction():
        connection.execute("set local role pat_sec")
        factors = connection.execute(_FACTORS).fetchall()
        role = Role.SECRETARIAT_ADMIN.value
        row = connection.execute(_ADMINISTRATORS, (role, role)).fetchone()
    has_administrator, has_secretariat = row or (False, False)
    if has_secretariat and not has_administrator:
        yield warning("people", "The secretariat has no administrator: `pat setup` invites the first.")
    secrets = Secrets.of(settings.secret)
    lost = sum(not is_openable(secrets, *factor) for factor in factors)
    if lost:
        yield problem(
            "people",
            f"{lost} of {len(factors)} second factors were sealed under another PAT_SECRET: with this one their owners cannot sign in,"
            " and no password is right. Put the old secret back.",
        )
    elif factors:
        yield ok("people", "What they prove themselves with was made under this secret.")
