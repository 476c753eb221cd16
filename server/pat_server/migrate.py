"""``pat migrate``: roles, tables and the wall in one transaction, then the logins; one migration at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, make_url
from sqlalchemy.pool import NullPool

from pat_server.turns import LOCK, MigrationRefused, take_tables_from_requests, take_turn
from pat_tenants.isolation.apply import apply_wall
from pat_tenants.isolation.harden import harden
from pat_tenants.isolation.lint import lint
from pat_tenants.isolation.provision import all_organisations, provision_all
from pat_tenants.isolation.roles import bootstrap

if TYPE_CHECKING:
    import psycopg

__all__ = ["LOCK", "MigrationRefused", "is_served_by_us", "known_revisions", "migrate", "newest_revision"]

MIGRATIONS = Path(__file__).resolve().parents[2] / "migrations"
MINIMUM = 170000


@dataclass(frozen=True)
class Migrated:
    """What ``pat migrate`` did: how many logins stand, and what this server leaves open."""

    logins: int
    open_still: list[str]


def migrate(url: str, secret: bytes, say: Callable[[str], None] = lambda _: None) -> Migrated:
    """Bring the database at ``url`` to this release.

    ``url`` names a role that may create roles: a superuser, or later ``pat_service_migrator``. Tables and the wall change
    together or not at all, then the logins. Servers of the release before go on meanwhile; their requests wait for a moment.
    Raises :class:`MigrationRefused` when the server is older than PostgreSQL 17, when others hold the database for longer than
    a minute, or when the catalogue breaks a rule of the wall afterwards.
    """
    engine = create_engine(make_url(url).set(drivername="postgresql+psycopg"), poolclass=NullPool)
    with engine.begin() as transaction:
        connection = cast("psycopg.Connection", transaction.connection.driver_connection)
        if connection.info.server_version < MINIMUM:
            found = connection.info.server_version // 10000
            raise MigrationRefused(
                f"PostgreSQL {found} is too old: 17 or newer is needed. Upgrade the server, then run again."
            )
        take_turn(connection, say)
        say("roles")
        for statement in bootstrap():
            connection.execute(statement)
        take_tables_from_requests(connection, say)
        say("tables")
        connection.execute("create schema if not exists migrations")
        command.upgrade(_configuration(transaction), "head")
        # Whether a server fits the database is asked as the service that opens sessions.
        connection.execute("grant usage on schema migrations to pat_service_issuer")
        connection.execute("grant select on migrations.versions to pat_service_issuer")
        say("wall")
        apply_wall(connection, (MIGRATIONS / "policies.sql").read_text())
        open_still = harden(connection)
        _demand_rules(connection, "nothing was changed")
        organisations = all_organisations(connection)
    # Apart, since it holds no table: thousands of logins take their time, and nobody has to wait for them.
    with engine.begin() as transaction:
        connection = cast("psycopg.Connection", transaction.connection.driver_connection)
        take_turn(connection, say)
        say("logins")
        logins = provision_all(connection, secret, organisations)
        say("lint")
        _demand_rules(connection, "tables and the wall were changed, the logins were not")
    return Migrated(logins, open_still)


def _demand_rules(connection: psycopg.Connection, standing: str) -> None:
    """Raise MigrationRefused if the catalogue breaks a rule of the wall; ``standing`` says what was done all the same."""
    findings = lint(connection)
    if findings:
        listed = "\n".join(f"  {finding}" for finding in findings)
        raise MigrationRefused(f"The catalogue breaks rules of the wall; {standing}:\n{listed}")


def _configuration(transaction: Connection | None = None) -> Config:
    config = Config(attributes={"connection": transaction})
    config.set_main_option("script_location", str(MIGRATIONS))
    return config


def newest_revision() -> str | None:
    """The revision that this release needs the database to be at."""
    return ScriptDirectory.from_config(_configuration()).get_current_head()


def known_revisions() -> frozenset[str]:
    """Every revision that this release knows how to start from; any other is a newer release's."""
    return frozenset(each.revision for each in ScriptDirectory.from_config(_configuration()).walk_revisions())


def is_served_by_us(revision: str) -> bool:
    """Whether this release serves a database at that revision: at its own newest one, or at a newer release's.

    Migrations are safe while the release before runs, so a server need not stop when the database goes on before it.
    """
    return revision == newest_revision() or revision not in known_revisions()
