"""A small network behind the real wall: five organisations, people in every role, rows in every table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql
from tests.support.people import CBOS, KINDS, Member, Row, named
from tests.support.rows import rows_of, rows_of_receiver, rows_of_secretariat
from tests.support.sign_in_rows import rows_of_sign_in

from pat_auth.policy import Role
from pat_platform.database.logins import login_name, login_password
from pat_platform.postgres import EmbeddedPostgres
from pat_server.migrate import migrate
from pat_tenants.isolation.doors import DOORS
from pat_tenants.isolation.provision import provision, provision_services
from pat_tenants.tables import metadata

SECRET = b"the wall's own secret, for tests"
Connection = psycopg.Connection[tuple[Any, ...]]


@dataclass
class Wall:
    """The migrated database and everybody in it. ``rows[table][slug][label]`` are the rows that were put in."""

    cluster: EmbeddedPostgres
    database: str
    admin: Connection
    members: list[Member] = field(default_factory=list)
    rows: dict[str, dict[str, dict[str, Row]]] = field(default_factory=dict)
    _open: dict[str, Connection] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """The superuser's."""
        return self.cluster.url(database=self.database)

    def organisation(self, slug: str) -> UUID:
        return named("organisation", slug)

    def member(self, slug: str, role: Role, number: int = 1) -> Member:
        """Who was put in: everybody but a social worker and a survivor is alone in her role."""
        return next(m for m in self.members if (m.slug, m.role, m.number) == (slug, role, number))

    def id(self, table: str, slug: str, label: str, column: str = "id") -> UUID:
        value = self.rows[table][slug][label][column]
        assert isinstance(value, UUID)
        return value

    def connect(self, login: str, password: str | None = None) -> Connection:
        """A new connection, autocommitting, of a login whose password has its first generation."""
        secret = password or login_password(SECRET, login, 1)
        return psycopg.connect(
            self.cluster.url(user=login, password=secret, database=self.database), autocommit=True
        )

    def connect_service(self, login: str) -> Connection:
        """A new connection of a service login: all databases of a cluster share them, so its password is set first."""
        provision_services(self.admin, SECRET, [login])
        return self.connect(login)

    @contextmanager
    def acting(self, member: Member, *, commit: bool = False) -> Iterator[Connection]:
        """A transaction on the member's own login that has entered her session; rolled back unless ``commit``."""
        if member.login not in self._open:
            self._open[member.login] = self.connect(member.login)
        connection = self._open[member.login]
        with connection.transaction(force_rollback=not commit):
            connection.execute("select sec.enter(%s)", (str(member.session),))
            yield connection

    def close(self) -> None:
        for connection in (*self._open.values(), self.admin):
            connection.close()


def attempt(connection: Connection, statement: str, parameters: Any = None) -> list[tuple[Any, ...]] | str:
    """The rows of a statement, or, where it is refused, the SQLSTATE. Nothing that it did remains when it failed."""
    try:
        with connection.transaction():
            cursor = connection.execute(statement.encode(), parameters)
            return cursor.fetchall() if cursor.description else [(cursor.rowcount,)]
    except psycopg.Error as error:
        return error.sqlstate or type(error).__name__


@contextmanager
def as_superuser(connection: Connection, login: str, session: UUID | None) -> Iterator[None]:
    """Inside a superuser's transaction, become a login and enter a session: for faults that must never be committed."""
    connection.execute(sql.SQL("set local session authorization {}").format(sql.Identifier(login)))
    if session is not None:
        connection.execute("select sec.enter(%s)", (str(session),))
    yield
    connection.execute("set local session authorization default")


def build_wall(cluster: EmbeddedPostgres, database: str) -> Wall:
    """Make the database, migrate it, and put everybody and everything in."""
    with psycopg.connect(cluster.url(), autocommit=True) as server:
        server.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(database)))
        server.execute(sql.SQL("create database {}").format(sql.Identifier(database)))
    migrate(cluster.url(database=database), SECRET)
    wall = Wall(cluster, database, psycopg.connect(cluster.url(database=database), autocommit=True))
    _put_organisations(wall)
    for slug in KINDS:
        _put_people(wall, slug)
    for slug, other in (CBOS, CBOS[::-1]):
        members = [member for member in wall.members if member.slug == slug]
        _put_rows(wall, slug, rows_of(slug, other, members))
    _put_rows(wall, "goa", rows_of_receiver("goa", CBOS))
    _put_rows(wall, "secretariat", rows_of_secretariat("secretariat", CBOS))
    _put_rows(wall, "cbo-a", rows_of_sign_in(wall.member("cbo-a", Role.ORGANISATION_ADMIN)))
    _insert_all(wall)
    return wall


def _put_organisations(wall: Wall) -> None:
    for slug, kind in KINDS.items():
        wall.admin.execute(
            "insert into app.organisations (id, slug, kind, htcds_type, name, state) values (%s, %s, %s, 'NGO', %s, 'West Bengal')",
            (wall.organisation(slug), slug, kind.value, slug.upper()),
        )
        with wall.admin.transaction():
            provision(wall.admin, SECRET, wall.organisation(slug), kind)
    wall.admin.execute(
        "insert into app.places (id, level, name) values (%s, 'STATE', 'West Bengal')", (named("place"),)
    )


def _put_people(wall: Wall, slug: str) -> None:
    """Both CBOs get every role that there is: what an auditor may see of her own organisation's cases is a question too."""
    organisation = wall.organisation(slug)
    for role in Role:
        login = login_name(organisation, role)
        known = wall.admin.execute("select 1 from sec.logins where login = %s", (login,)).fetchone()
        if not known and slug not in CBOS:
            continue
        if not known:
            _make_login(wall, organisation, role)
        for number in (1, 2) if role in {Role.SOCIAL_WORKER, Role.SURVIVOR} else (1,):
            _put_member(wall, Member(slug, organisation, role, number))


def _make_login(wall: Wall, organisation: UUID, role: Role) -> None:
    login = login_name(organisation, role)
    wall.admin.execute(
        sql.SQL("create role {} login inherit password {} in role {}").format(
            sql.Identifier(login),
            sql.Literal(login_password(SECRET, login, 1)),
            sql.Identifier(f"pat_{role}"),
        )
    )
    wall.admin.execute(
        sql.SQL("grant connect on database {} to {}").format(
            sql.Identifier(wall.database), sql.Identifier(login)
        )
    )
    wall.admin.execute(
        "insert into sec.logins (login, organisation_id, role) values (%s, %s, %s)",
        (login, organisation, role.value),
    )


def _put_member(wall: Wall, member: Member) -> None:
    wall.members.append(member)
    wall.admin.execute(
        "insert into sec.people (id, email) values (%s, %s)",
        (member.person, f"{member.role}{member.number}@{member.slug}.example"),
    )
    wall.admin.execute(
        "insert into sec.sessions (id, login, organisation_id, membership_id, person_id, client, expires_at)"
        " values (%s, %s, %s, %s, %s, 'tests', now() + interval '1 day')",
        (member.session, member.login, member.organisation, member.membership, member.person),
    )
    values = {
        "organisation_id": member.organisation,
        "id": member.membership,
        "person_id": member.person,
        "role": member.role.value,
        "name": f"marker {member.slug} {member.role} {member.number}",
        "survivor_id": member.survivor,
    }
    wall.rows.setdefault("app.memberships", {}).setdefault(member.slug, {})[
        f"{member.role}{member.number}"
    ] = values


def _put_rows(wall: Wall, slug: str, tables: Mapping[str, Mapping[str, Row]]) -> None:
    for table, rows in tables.items():
        wall.rows.setdefault(table, {}).setdefault(slug, {}).update(rows)


def _insert_all(wall: Wall) -> None:
    for table in metadata.sorted_tables:
        for labelled in wall.rows.get(table.fullname, {}).values():
            for row in labelled.values():
                insert(wall.admin, table.fullname, row)


def insert(connection: Connection, table: str, row: Row) -> None:
    """Insert one row."""
    schema, name = table.split(".")
    connection.execute(
        sql.SQL("insert into {}.{} ({}) values ({})").format(
            sql.Identifier(schema),
            sql.Identifier(name),
            sql.SQL(", ").join(map(sql.Identifier, row)),
            sql.SQL(", ").join(sql.Placeholder() * len(row)),
        ),
        list(row.values()),
    )


def careless_view(wall: Wall, owner: str, table: str) -> None:
    """A view of everything that a door's owner may read of a table, for everybody."""
    columns = next(o.columns for d in DOORS for o in d.openings if (d.owner, o.table) == (owner, table))
    wall.admin.execute(f"grant create on schema door to {owner}".encode())
    wall.admin.execute(f"set local role {owner}".encode())
    wall.admin.execute(f"create view door.careless as select {', '.join(columns)} from {table}".encode())
    wall.admin.execute("grant select on door.careless to pat_application")
    wall.admin.execute("reset role")
