"""A small network of logins in a database of its own: the real rules in miniature, with stubbed sessions."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from uuid import UUID, uuid4

import psycopg
from psycopg import sql

from pat_platform.database.access import Database
from pat_platform.database.logins import login_name, login_password
from pat_platform.postgres import EmbeddedPostgres
from pat_platform.settings import Settings

SECRET = b"a deployment secret for tests only, long enough"
ROLES = ("case_manager", "social_worker", "counsellor", "legal_aid", "shg_facilitator", "mis_focal")
NOTES_EACH = 5

SCHEMA = """
create schema app;
create schema sec;
create table sec.sessions(id uuid primary key, login name not null, person uuid not null);
create function sec.enter(session text) returns uuid language plpgsql security definer
  set search_path = pg_catalog, pg_temp as $$
declare
  found uuid;
begin
  perform set_config('pat.session', session, true);
  found := (select s.person from sec.sessions s where s.id = session::uuid and s.login = session_user);
  if found is null then raise invalid_authorization_specification using message = 'no such session'; end if;
  return found;
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
Generations = Callable[[], Awaitable[Mapping[str, int]]]


@dataclass(frozen=True)
class Member:
    """Somebody signed in: a login, a session and a person. Only they see the notes that they wrote."""

    login: str
    organisation: UUID
    session: UUID = field(default_factory=uuid4)
    person: UUID = field(default_factory=uuid4)


def member_of(organisation: UUID, role: str) -> Member:
    return Member(login_name(organisation, role), organisation)


@dataclass
class Network:
    """The scratch database, its members, and the superuser's view of it."""

    url: str
    members: list[Member]
    generations: dict[str, int] = field(default_factory=dict)

    def open(self, generations: Generations | None = None, **settings: object) -> Database:
        """A database object for the scratch database, with other settings if given."""
        given = {"database_url": self.url, "secret": SECRET, "pool_size": 4} | settings
        return Database(Settings.from_environment({}, **given), generations or self.load_generations)

    async def load_generations(self) -> Mapping[str, int]:
        await asyncio.sleep(0)
        return {member.login: 1 for member in self.members} | self.generations

    def execute(self, statement: str, parameters: tuple[object, ...] = ()) -> list[tuple[object, ...]]:
        """Run a statement as superuser."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            cursor = connection.execute(statement.encode(), parameters)
            return cursor.fetchall() if cursor.description else []

    def backends(self) -> int:
        """How many connections of organisations' logins the server has."""
        return self._count("usename like 'org%%'")

    def running(self, words: str) -> int:
        """How many statements with these words the server works on."""
        return self._count("usename like 'org%%' and state = 'active' and query like %s", f"%{words}%")

    def hang_up(self, login: str) -> None:
        """Kill the login's backends and wait until they are gone."""
        self.execute(
            "select pg_terminate_backend(pid, 5000) from pg_stat_activity where usename = %s", (login,)
        )

    def set_password(self, login: str, generation: int) -> None:
        password = login_password(SECRET, login, generation)
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(
                sql.SQL("alter role {} password {}").format(sql.Identifier(login), sql.Literal(password))
            )

    def _count(self, condition: str, *parameters: str) -> int:
        counted = "select count(*) from pg_stat_activity where datname = current_database() and "
        ((count,),) = self.execute(counted + condition, parameters)
        assert isinstance(count, int)
        return count


def make_network(postgres: EmbeddedPostgres, *, organisations: int) -> Network:
    """Organisations with six logins each, and five notes for every member."""
    name = f"network_{uuid4().hex}"
    with psycopg.connect(postgres.url(), autocommit=True) as admin:
        admin.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
        # Roles belong to the cluster, which other tests share.
        if not admin.execute("select 1 from pg_roles where rolname = 'pat_application'").fetchone():
            admin.execute("create role pat_application nologin")
    places = [uuid4() for _ in range(organisations)]
    members = [member_of(organisation, role) for role in ROLES for organisation in places]
    with psycopg.connect(postgres.url(database=name)) as admin:
        admin.execute(SCHEMA.encode())
        for member in members:
            _add(admin, member)
    return Network(postgres.url(database=name), members)


def drop_network(postgres: EmbeddedPostgres, network: Network) -> None:
    """Remove the database and its logins."""
    name = network.url.rpartition("/")[2]
    with psycopg.connect(postgres.url(), autocommit=True) as admin:
        admin.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))
        for member in network.members:
            admin.execute(sql.SQL("drop role {}").format(sql.Identifier(member.login)))


def _add(admin: psycopg.Connection, member: Member) -> None:
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
