"""A small network of logins in a database of its own: the real rules in miniature, with stubbed sessions."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import sql
from tests.database.proxy import Proxy, proxy_before

from pat_platform.database.access import Database
from pat_platform.database.logins import login_name, login_password
from pat_platform.postgres import EmbeddedPostgres
from pat_platform.settings import Settings

SECRET = b"a deployment secret for tests only, long enough"
ROLES = ("case_manager", "social_worker", "counsellor", "legal_aid", "shg_facilitator", "mis_focal")
ORGANISATIONS = 12
NOTES_EACH = 5

SCHEMA = """
create schema app;
create schema sec;
create table sec.sessions(id uuid primary key, login name not null, person uuid not null);
create function sec.enter(session text) returns void language plpgsql security definer
  set search_path = pg_catalog, pg_temp as $$
begin
  perform set_config('pat.session', session, true);
  perform 1 from sec.sessions s where s.id = session::uuid and s.login = session_user;
  if not found then raise insufficient_privilege using message = 'no such session'; end if;
end $$;
create function sec.actor() returns uuid language sql stable security definer parallel safe
  set search_path = pg_catalog, pg_temp as $$
  select person from sec.sessions
  where id = nullif(current_setting('pat.session', true), '')::uuid and login = session_user
$$;
create table app.notes(
  organisation_id uuid not null, id uuid not null, author uuid not null, words text not null,
  constraint pk_notes primary key (organisation_id, id),
  constraint uq_notes_organisation_id_words unique (organisation_id, words) deferrable initially deferred);
alter table app.notes enable row level security;
alter table app.notes force row level security;
create policy fence on app.notes as restrictive to pat_application
  using (organisation_id = (select substr(session_user::text, 5, 32)::uuid));
create policy own on app.notes to pat_application using (author = (select sec.actor()));
grant usage on schema app, sec to pat_application;
grant select, insert, update, delete on app.notes to pat_application;
grant execute on function sec.enter(text), sec.actor() to pat_application;
"""


Row = list[bytes | None]


@dataclass(frozen=True)
class Member:
    """Somebody signed in: a login, a session, a person, and the words of the notes that only they may see."""

    login: str
    organisation: UUID
    session: UUID = field(default_factory=uuid4)
    person: UUID = field(default_factory=uuid4)


@dataclass
class Network:
    """The scratch database, its members, and the superuser's view of it."""

    url: str
    members: list[Member]
    generations: dict[str, int]

    def execute(self, statement: str, parameters: tuple[object, ...] = ()) -> list[tuple[object, ...]]:
        """Run a statement as superuser."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            cursor = connection.execute(statement.encode(), parameters)
            return cursor.fetchall() if cursor.description else []

    def backends(self) -> int:
        """How many connections of organisations' logins the server has."""
        count = self.execute(
            "select count(*) from pg_stat_activity where datname = current_database() and usename like 'org%%'"
        )[0][0]
        assert isinstance(count, int)
        return count

    def running(self, words: str) -> int:
        """How many statements with these words the server works on."""
        count = self.execute(
            "select count(*) from pg_stat_activity where state = 'active' and query like %s and usename like %s",
            (f"%{words}%", "org%"),
        )[0][0]
        assert isinstance(count, int)
        return count

    async def load_generations(self) -> Mapping[str, int]:
        await asyncio.sleep(0)
        return dict(self.generations)

    def set_password(self, login: str, generation: int) -> None:
        password = login_password(SECRET, login, generation)
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(
                sql.SQL("alter role {} password {}").format(sql.Identifier(login), sql.Literal(password))
            )


def member_of(organisation: UUID, role: str) -> Member:
    return Member(login_name(organisation, role), organisation)


@pytest.fixture(scope="session")
def network(cluster: EmbeddedPostgres) -> Iterator[Network]:
    """Twelve organisations with six logins each, and five notes for every member."""
    name = f"database_{os.getpid()}"
    with psycopg.connect(cluster.url(), autocommit=True) as admin:
        admin.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
        # Roles belong to the cluster, which other tests share.
        if not admin.execute("select 1 from pg_roles where rolname = 'pat_application'").fetchone():
            admin.execute("create role pat_application nologin")
    members = [member_of(uuid4(), ROLES[0]) for _ in range(ORGANISATIONS)]
    members += [member_of(member.organisation, role) for member in members for role in ROLES[1:]]
    made = Network(cluster.url(database=name), members, {})
    with psycopg.connect(made.url) as admin:
        admin.execute(SCHEMA.encode())
        for member in members:
            add_member(admin, member)
    yield made
    with psycopg.connect(cluster.url(), autocommit=True) as admin:
        admin.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))
        for member in members:
            admin.execute(sql.SQL("drop role {}").format(sql.Identifier(member.login)))


def add_member(admin: psycopg.Connection, member: Member) -> None:
    password = login_password(SECRET, member.login, 1)
    admin.execute(
        sql.SQL("create role {} login password {} in role pat_application").format(
            sql.Identifier(member.login), sql.Literal(password)
        )
    )
    admin.execute(
        "insert into sec.sessions values (%s, %s, %s)", (member.session, member.login, member.person)
    )
    admin.execute(
        "insert into app.notes select %s, gen_random_uuid(), %s, %s || ' ' || n from generate_series(1, %s) n",
        (member.organisation, member.person, member.login, NOTES_EACH),
    )


OpenDatabase = Callable[..., Database]


@pytest.fixture
async def open_database(network: Network) -> AsyncIterator[OpenDatabase]:
    """Opens databases with other settings; all are closed at the end."""
    opened: list[Database] = []

    def open_one(
        generations: Callable[[], Awaitable[Mapping[str, int]]] | None = None, **settings: object
    ) -> Database:
        given = {"database_url": network.url, "secret": SECRET, "pool_size": 4} | settings
        database = Database(
            Settings.from_environment({}, **given),
            network.load_generations if generations is None else generations,
        )
        opened.append(database)
        return database

    yield open_one
    for database in opened:
        await database.close()


@pytest.fixture
def database(open_database: OpenDatabase) -> Database:
    return open_database()


@pytest.fixture
async def proxy(network: Network) -> AsyncIterator[Proxy]:
    async with proxy_before(network.url) as running:
        yield running


@pytest.fixture
def member(network: Network) -> Member:
    return network.members[0]


@pytest.fixture
def colleague(network: Network, member: Member) -> Member:
    """Somebody of the same organisation in another role."""
    return next(other for other in network.members[1:] if other.organisation == member.organisation)


@pytest.fixture
def stranger(network: Network, member: Member) -> Member:
    """Somebody of another organisation."""
    return next(other for other in network.members if other.organisation != member.organisation)
