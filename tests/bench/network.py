"""A network of very many small organisations, for the load on their logins: each has a handful of cases and one case manager."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid4

import psycopg
from psycopg import Connection, sql
from tests.bench import data as bench_data
from tests.bench.data import Caller, Data, token_of

from pat_auth.policy import Role
from pat_auth.principal import Principal
from pat_auth.scopes import SCOPES
from pat_platform.postgres_programs import free_port
from pat_server.assembly import DEMO_TOKEN_LIFETIME
from pat_server.commands.home import Home
from pat_server.demo.chance import identifier
from pat_server.demo.owner import as_owner
from pat_server.migrate import migrate
from pat_tenants.htcds import Gender, OrganisationType, TraffickingStatus
from pat_tenants.isolation.provision import provision
from pat_tenants.organisations.models import OrganisationKind

CASES_OF_EACH = 6
STATUS = "ACTIVE"
AT_ONCE = 25
"""Organisations whose logins are made in one transaction."""
DATABASE = "many"


@dataclass(frozen=True)
class Small:
    """One of them, by its number."""

    number: int

    @property
    def id(self) -> UUID:
        """The organisation."""
        return identifier("bench organisation", self.number)

    @property
    def person(self) -> UUID:
        """Its case manager."""
        return identifier("bench person", self.number)

    @property
    def mark(self) -> str:
        """What the codes of its cases begin with, and of no other's."""
        return f"B{self.number:05d}"

    def case(self, number: int) -> UUID:
        """One of its cases."""
        return identifier("bench case", self.number, number)


@contextmanager
def many(organisations: int, say: Callable[[str], None]) -> Iterator[tuple[Data, tuple[Caller, ...]]]:
    """So many organisations in a database of their own, made if it is not there yet, and their case managers."""
    home = Home(bench_data.FOLDER / f"many-{organisations}")
    port = free_port()
    with home.held(port):
        bench_data.forget_another_release(home)
        with home.postgres as postgres:
            url = f"postgresql://127.0.0.1:{postgres.port}/{DATABASE}"
            settings = home.settings(port, url)
            made = Data(postgres, settings, organisations, database=DATABASE)
            everyone = [Small(number) for number in range(organisations)]
            _make(made, everyone, say)
            yield made, _sign_in(made, everyone)


def _make(data: Data, everyone: Sequence[Small], say: Callable[[str], None]) -> None:
    """Make what is missing: what was broken off is gone on with."""
    with psycopg.connect(data.postgres.url(), autocommit=True) as admin:
        found = admin.execute("select from pg_database where datname = %s", (DATABASE,)).fetchone()
        if found is None:
            admin.execute(sql.SQL("create database {}").format(sql.Identifier(DATABASE)))
    with psycopg.connect(data.admin_url) as connection:
        is_migrated = connection.execute("select to_regclass('app.organisations') is not null").fetchone()
    if is_migrated != (True,):
        migrate(data.admin_url, data.settings.secret)
    with psycopg.connect(data.admin_url) as connection:
        there = {row[0] for row in connection.execute("select id from app.organisations")}
    missing = [each for each in everyone if each.id not in there]
    for begin in range(0, len(missing), AT_ONCE):
        some = missing[begin : begin + AT_ONCE]
        # Logins first: an organisation that is in the directory has all that it needs.
        with psycopg.connect(data.admin_url) as connection:
            for each in some:
                provision(connection, data.settings.secret, each.id, OrganisationKind.CBO)
        _fill(data.admin_url, some)
        say(f"{begin + len(some)} of {len(missing)} organisations are made")
    if missing:
        with psycopg.connect(data.admin_url, autocommit=True) as admin:
            admin.execute("vacuum analyze")


def _fill(admin_url: str, some: Sequence[Small]) -> None:
    with psycopg.connect(admin_url) as connection:
        connection.execute("set local role pat_sec")
        connection.cursor().executemany(
            "insert into sec.people (id, email) values (%s, %s) on conflict do nothing",
            [(each.person, f"{each.mark.lower()}@many.example") for each in some],
        )
    cases = [(each, number) for each in some for number in range(CASES_OF_EACH)]
    tables = ("app.organisations", "app.memberships", "app.survivors", "app.cases")
    with as_owner(admin_url, *tables) as connection:
        _copy(
            connection,
            "app.organisations (id, slug, kind, htcds_type, name, state)",
            [
                (
                    each.id,
                    each.mark.lower(),
                    OrganisationKind.CBO.value,
                    OrganisationType.NGO.value,
                    each.mark,
                    "West Bengal",
                )
                for each in some
            ],
        )
        _copy(
            connection,
            "app.memberships (organisation_id, id, person_id, role, name)",
            [(each.id, each.person, each.person, Role.CASE_MANAGER.value, each.mark) for each in some],
        )
        _copy(
            connection,
            "app.survivors (organisation_id, id, code, gender, is_minor_at_intake, created_by)",
            [
                (
                    each.id,
                    each.case(number),
                    f"{each.mark}-{number}",
                    Gender.Feminine.value,
                    False,
                    each.person,
                )
                for each, number in cases
            ],
        )
        _copy(
            connection,
            "app.cases (organisation_id, id, survivor_id, code, status, stage, risk_level, trafficking_status,"
            " opened_on, created_by, updated_by)",
            [
                (
                    each.id,
                    each.case(number),
                    each.case(number),
                    f"{each.mark}-{number}",
                    STATUS,
                    "RESCUED",
                    "LOW",
                    TraffickingStatus.ActualVictimOfTrafficking.value,
                    date(2026, 1, 1) + timedelta(days=number),
                    each.person,
                    each.person,
                )
                for each, number in cases
            ],
        )


def _copy(connection: Connection, into: str, rows: Sequence[Sequence[object]]) -> None:
    with connection.cursor().copy(f"copy {into} from stdin".encode()) as copy:
        for row in rows:
            copy.write_row(row)


def _sign_in(data: Data, everyone: Sequence[Small]) -> tuple[Caller, ...]:
    until = datetime.now(UTC) + timedelta(seconds=DEMO_TOKEN_LIFETIME)
    callers = []
    for each in everyone:
        principal = Principal(each.person, each.id, Role.CASE_MANAGER, uuid4(), SCOPES, "bench")
        cases = tuple(each.case(number) for number in range(CASES_OF_EACH))
        callers.append(Caller(principal, token_of(principal, data.settings), cases))
    with psycopg.connect(data.admin_url) as connection:
        connection.execute("set local role pat_sec")
        connection.cursor().executemany(
            "insert into sec.sessions (id, login, organisation_id, membership_id, person_id, client, expires_at)"
            " values (%s, %s, %s, %s, %s, %s, %s)",
            [
                (of.session, of.login, of.organisation, of.person, of.person, of.client, until)
                for of in (caller.principal for caller in callers)
            ],
        )
    return tuple(callers)
