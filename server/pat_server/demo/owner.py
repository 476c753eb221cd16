"""What only the owner of the tables may write: the directory before anything is told, true dates afterwards."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from uuid import UUID, uuid4

import psycopg
from psycopg import Connection, sql
from sqlalchemy import DateTime

from pat_auth.policy import Role
from pat_platform.database.models import Base
from pat_server.demo.chance import SEED
from pat_server.demo.clients import CLIENT_ID, write_client
from pat_server.demo.credentials import write_credentials
from pat_server.demo.organisations import ORGANISATIONS
from pat_server.demo.people import PEOPLE, STAFF, SURVIVORS, Person
from pat_server.demo.places import PLACES
from pat_tenants.alerts.models import Alert
from pat_tenants.cases.models import Case, CaseAssignment, CaseNote
from pat_tenants.consents.models import Consent
from pat_tenants.isolation.provision import provision
from pat_tenants.referrals.models import Referral, ReferralAnswer, ReferralStep
from pat_tenants.survivors.models import Survivor
from pat_tenants.tables import metadata

ON_STAFF_FOR, AN_ACCOUNT_FOR = timedelta(days=7 * 365), timedelta(days=30)
LOADING_TAKES_AT_MOST = timedelta(hours=1)
CLIENT = "demo"


class LoadState(StrEnum):
    """How far a database is: without organisations, left behind by a load that broke off, or loaded."""

    EMPTY = "empty"
    UNFINISHED = "unfinished"
    LOADED = "loaded"


def load_state(admin_url: str) -> LoadState:
    """The state of the database at ``admin_url``, which is migrated."""
    with as_owner(admin_url, "app.organisations") as connection:
        mark = connection.execute("select obj_description('app'::regnamespace, 'pg_namespace')").fetchone()
        if mark is not None and mark[0] is not None:
            return LoadState.LOADED
        first = connection.execute("select from app.organisations limit 1").fetchone()
        return LoadState.EMPTY if first is None else LoadState.UNFINISHED


def mark_loaded(admin_url: str) -> None:
    """Record that the load is complete: on the schema, where a dump keeps it."""
    with as_owner(admin_url) as connection:
        connection.execute(sql.SQL("comment on schema app is {}").format(sql.Literal(SEED)))


@contextmanager
def as_owner(admin_url: str, *tables: str) -> Iterator[Connection]:
    """A transaction of the owner in which row security does not hide the named tables from it.

    Even the owner is bound by row security, and no policy is for it: without this it would see no row, and adding a foreign key or
    copying rows would check nothing.
    """
    with psycopg.connect(admin_url) as connection:
        connection.execute("set local role pat_owner")
        for table in tables:
            connection.execute(f"alter table {table} no force row level security".encode())
        yield connection
        for table in tables:
            connection.execute(f"alter table {table} force row level security".encode())


def write_directory(admin_url: str, secret: bytes) -> dict[str, UUID]:
    """Write places, organisations, staff and the logins, and open a session for everyone on the staff. Returns the sessions by e-mail."""
    now = datetime.now(UTC)
    with as_owner(
        admin_url, "app.places", "app.organisations", "app.memberships", "app.clients"
    ) as connection:
        cursor = connection.cursor()
        cursor.executemany(
            "insert into app.places (id, level, parent_id, name, aliases) values (%s, %s, %s, %s, %s)",
            [
                (spot.id, spot.level, spot.parent and spot.parent.id, spot.name, list(spot.aliases))
                for spot in PLACES
            ],
        )
        cursor.executemany(
            "insert into app.organisations (id, slug, kind, htcds_type, name, state) values (%s, %s, %s, %s, %s, %s)",
            [
                (each.id, each.slug, each.kind, each.htcds_type, each.name, each.state)
                for each in ORGANISATIONS
            ],
        )
        _add_members(connection, [(person, person.name, None) for person in STAFF], now - ON_STAFF_FOR)
        write_client(connection)
    with psycopg.connect(admin_url) as connection:
        for organisation in ORGANISATIONS:
            provision(connection, secret, organisation.id, organisation.kind)
        connection.execute("set local role pat_sec")
        connection.cursor().executemany(
            "insert into sec.people (id, email) values (%s, %s)",
            [(person.id, person.email) for person in PEOPLE],
        )
        write_credentials(connection, secret)
        return _open_sessions(connection, STAFF, now + LOADING_TAKES_AT_MOST)


def let_sign_in(admin_url: str, secret: bytes) -> None:
    """Give a network that was loaded before people could sign in what they need for it; nothing, if they have it."""
    with psycopg.connect(admin_url) as connection:
        connection.execute("set local role pat_sec")
        if connection.execute("select from sec.secrets limit 1").fetchone() is not None:
            return
        write_credentials(connection, secret)
    with as_owner(admin_url, "app.clients") as connection:
        if connection.execute("select from app.clients where id = %s", (CLIENT_ID,)).fetchone() is None:
            write_client(connection)


def _add_members(
    connection: Connection, people: Iterable[tuple[Person, str, UUID | None]], since: datetime
) -> None:
    connection.cursor().executemany(
        "insert into app.memberships (organisation_id, id, person_id, role, name, survivor_id, started_at)"
        " values (%s, %s, %s, %s, %s, %s, %s)",
        [
            (person.organisation.id, person.membership, person.id, person.role, name, survivor, since)
            for person, name, survivor in people
        ],
    )


def open_accounts(admin_url: str, record: Record, acting: Iterable[Person]) -> dict[str, UUID]:
    """Give survivors their accounts, now that it is known who they are, and open a session for those who act themselves."""
    now = datetime.now(UTC)
    with as_owner(admin_url, "app.memberships") as connection:
        accounts = [(person, *_account(record, person)) for person in SURVIVORS]
        members = [(person, code, survivor) for person, survivor, code in accounts]
        _add_members(connection, members, now - AN_ACCOUNT_FOR)
    with psycopg.connect(admin_url) as connection:
        connection.execute("set local role pat_sec")
        return _open_sessions(connection, acting, now + LOADING_TAKES_AT_MOST)


def _open_sessions(connection: Connection, people: Iterable[Person], until: datetime) -> dict[str, UUID]:
    sessions = {person.email: (uuid4(), person) for person in people}
    connection.cursor().executemany(
        "insert into sec.sessions (id, login, organisation_id, membership_id, person_id, client, expires_at)"
        " values (%s, %s, %s, %s, %s, %s, %s)",
        [
            (session, person.login, person.organisation.id, person.membership, person.id, CLIENT, until)
            for session, person in sessions.values()
        ],
    )
    return {email: session for email, (session, _) in sessions.items()}


@dataclass
class Record:
    """What has to be written once everything is told: true dates and codes by table, column and id; and who the survivors are."""

    values: dict[tuple[type[Base], str], dict[UUID, object]] = field(default_factory=dict)
    survivors: dict[tuple[str, int], tuple[UUID, str]] = field(default_factory=dict)
    """By the slug of her organisation and the number of her case: a survivor's id and her case code."""

    def put(self, table: type[Base], column: str, row: UUID, value: object) -> None:
        """Remember one value of one row."""
        self.values.setdefault((table, column), {})[row] = value


_ASSIGNED_SINCE_OPENING = """
update app.case_assignments a set started_at = c.created_at
from app.cases c where c.organisation_id = a.organisation_id and c.id = a.case_id"""

# Of what happened while stories were told nobody is mailed when the server starts.
_TOLD = "update app.alerts set told_at = created_at where is_raised"

# Steps are taken when their referrals say; what went on again after a pause did so when it was told.
_STEPPED = """
update app.referral_steps s set taken_at = case s.state
    when 'DRAFT' then r.created_at
    when 'CONSENT_RECORDED' then r.created_at + coalesce((r.sent_at - r.created_at) / 2, interval '1 minute')
    when 'SENT' then r.sent_at
    else coalesce(r.ended_at, s.taken_at) end
from app.referrals r where r.organisation_id = s.organisation_id and r.id = s.referral_id and not exists (
    select from app.referral_steps e where e.organisation_id = s.organisation_id and e.referral_id = s.referral_id
    and e.state = s.state and e.taken_at < s.taken_at)"""

DATED = (Survivor, Case, CaseAssignment, CaseNote, Consent, Referral, ReferralStep, ReferralAnswer, Alert)
"""The tables that `finish` writes."""


def finish(admin_url: str, record: Record) -> None:
    """Give every row the date on which its story happened and the code it is known by.

    Verbs know only the present and draw their codes by chance; they refuse an agreement that has run out. Without this all would have
    happened on the day of loading, no referral could have expired, and every load would have other codes. The trail keeps the truth:
    when and by whom it was really written.
    """
    with as_owner(admin_url, *(_name(table) for table in DATED)) as connection:
        for (table, column), by_id in record.values.items():
            _update(connection, table, column, by_id)
        connection.execute(_ASSIGNED_SINCE_OPENING)
        connection.execute(_TOLD)
        connection.execute(_STEPPED)
        for each in metadata.tables.values():
            if each.schema == "app":
                connection.execute(f"analyze {each.fullname}".encode())
    with psycopg.connect(admin_url) as connection:
        connection.execute("set local role pat_sec")
        connection.execute("update sec.sessions set revoked_at = now() where client = %s", (CLIENT,))


def _account(record: Record, person: Person) -> tuple[UUID, str]:
    if person.case is None or person.role is not Role.SURVIVOR:
        raise ValueError(person.email)
    return record.survivors[person.organisation.slug, person.case]


def _update(connection: Connection, table: type[Base], column: str, by_id: dict[UUID, object]) -> None:
    kind = "timestamptz" if isinstance(table.__table__.c[column].type, DateTime) else "text"
    connection.execute(
        sql.SQL(
            "update {table} t set {column} = v.value from unnest(%s::uuid[], %s::{kind}[]) v(id, value) where t.id = v.id"
        ).format(table=sql.SQL(_name(table)), column=sql.Identifier(column), kind=sql.SQL(kind)),
        (list(by_id), list(by_id.values())),
    )


def _name(table: type[Base]) -> str:
    return str(table.__table__)
