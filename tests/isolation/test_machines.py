"""How programs that act for nobody come in: what the function that lets them in refuses, one reason at a time."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import psycopg
import pytest
from tests.support.issuing import put_client, put_membership
from tests.support.wall import Connection, Wall, as_superuser

from pat_auth.clients.models import ClientKind
from pat_auth.policy import Role
from pat_platform.database.logins import SIGN_IN, login_name

OPEN = b"select sec.open_machine_session(%s, %s, %s)"
EVENTS = "select login, actor, action, subjects, detail::jsonb from trail.events where organisation_id = %s order by number"


@dataclass
class Machine:
    """A machine of cbo-a's, with all of it right until a test makes one thing wrong."""

    wall: Wall
    organisation: UUID
    client: UUID
    session: UUID = field(default_factory=uuid4)

    def opened(self, session: UUID | None = None, scopes: tuple[str, ...] = ("cases",)) -> UUID | None:
        """The handle of the session that the login opens, or None; the transaction goes on either way."""
        with as_superuser(self.wall.admin, SIGN_IN, None):
            row = self.wall.admin.execute(
                OPEN, (session or self.session, self.client, list(scopes))
            ).fetchone()
        assert row is not None
        handle: UUID | None = row[0]
        return handle

    def events(self) -> list[tuple[object, ...]]:
        return self.wall.admin.execute(EVENTS.encode(), (self.organisation,)).fetchall()


@pytest.fixture
def machine(wall: Wall, admin: Connection) -> Machine:
    organisation = wall.organisation("cbo-a")
    client = put_client(
        admin, organisation, kind=ClientKind.MACHINE, redirect_uris=(), scopes=("cases", "groups")
    )
    return Machine(wall, organisation, client)


def test_a_machine_is_somebody_of_its_own_in_its_organisation_and_the_trail_says_so(
    admin: Connection, machine: Machine
) -> None:
    before = len(machine.events())
    handle = machine.opened()
    login = login_name(machine.organisation, "service")
    ((membership, name, ended),) = admin.execute(
        "select id, name, ended_at from app.memberships where person_id = %s and role = 'service'"
        " and organisation_id = %s",
        (machine.client, machine.organisation),
    ).fetchall()
    assert (name, ended) == ("A program", None)
    assert admin.execute("select email from sec.people where id = %s", (machine.client,)).fetchall() == [
        (None,)
    ]
    ((*row, expires_at),) = admin.execute(
        "select id, login, organisation_id, membership_id, person_id, client, browser_id, scopes, auth_time, acr,"
        " expires_at from sec.sessions where handle = %s",
        (handle,),
    ).fetchall()
    client = machine.client
    assert row == [
        *(machine.session, login, machine.organisation, membership, client, str(client)),
        *(None, ["cases"], None, None),
    ]
    assert abs(expires_at - datetime.now(UTC) - timedelta(minutes=6)) < timedelta(minutes=1)
    joined, opened = machine.events()[before:]
    said = {"client": str(client), "role": "service"}
    assert joined == (SIGN_IN, client, "member.joined", [client, membership], said)
    said = {"client": str(client), "session": str(handle)}
    assert opened == (SIGN_IN, client, "session.opened", [client], said)
    with as_superuser(admin, login, machine.session):
        assert admin.execute("select sec.actor()").fetchone() == (client,)
        assert admin.execute("select count(*) from app.memberships").fetchone() == (1,)


def test_it_is_made_a_member_once(admin: Connection, machine: Machine) -> None:
    assert machine.opened()
    before = len(machine.events())
    again = machine.opened(uuid4(), ("groups", "cases"))
    assert again is not None
    assert [event[2] for event in machine.events()[before:]] == ["session.opened"]
    of_it = "select count(*) from app.memberships where person_id = %s"
    assert admin.execute(of_it, (machine.client,)).fetchone() == (1,)


def test_it_comes_in_as_what_it_is_in_its_own_organisation(admin: Connection, machine: Machine) -> None:
    """Also where it is somebody elsewhere too, and in another role."""
    put_neighbours(admin, machine)
    stands = "select m.organisation_id, m.role from sec.sessions s join app.memberships m on m.id = s.membership_id where s.id = %s"
    for session in (uuid4(), uuid4()):
        assert machine.opened(session)
        assert admin.execute(stands.encode(), (session,)).fetchall() == [(machine.organisation, "service")]


def test_while_one_comes_in_every_other_may_be_taken_out(
    wall: Wall, admin: Connection, machine: Machine
) -> None:
    assert machine.opened()
    with psycopg.connect(wall.url, autocommit=True) as meanwhile:
        for table in ("app.clients", "sec.people"):
            everybody = admin.execute(f"select id from {table} where id <> %s".encode(), (machine.client,))
            free = meanwhile.execute(f"select id from {table} for no key update skip locked".encode())
            assert sorted(free.fetchall()) == sorted(everybody.fetchall())


REFUSALS = {
    "the client is disabled": "update app.clients set disabled_at = now() where id = %(client)s",
    "people sign in to it": "update app.clients set kind = 'CONFIDENTIAL' where id = %(client)s",
    "it keeps no key": "update app.clients set kind = 'PUBLIC' where id = %(client)s",
    "it may ask for less": "update app.clients set scopes = '{groups}' where id = %(client)s",
    "its organisation has no machines": (
        "delete from sec.sessions where login like '%%service' and organisation_id = %(organisation)s;"
        "delete from sec.logins where organisation_id = %(organisation)s and role = 'service'"
    ),
    "two organisations have such a client": (
        "insert into app.clients (organisation_id, id, name, kind, scopes, created_by, updated_by)"
        " select %(other)s, id, name, kind, scopes, created_by, updated_by from app.clients where id = %(client)s"
    ),
    "its person is disabled": "update sec.people set disabled_at = now() where id = %(client)s",
    "its person has an address": "update sec.people set email = 'somebody@example.org' where id = %(client)s",
    "its membership was ended": (
        "update app.memberships set ended_at = now() where person_id = %(client)s"
        " and organisation_id = %(organisation)s and role = 'service'"
    ),
}


def put_neighbours(admin: Connection, machine: Machine) -> None:
    """Another machine of the same organisation, and memberships with which this one does not come in here."""
    other = put_client(
        admin, machine.organisation, kind=ClientKind.MACHINE, redirect_uris=(), scopes=("cases",)
    )
    assert Machine(machine.wall, machine.organisation, other).opened()
    put_membership(admin, machine.client, machine.wall.organisation("cbo-b"), Role.SERVICE)
    put_membership(admin, machine.client, machine.organisation, Role.AUDITOR)


@pytest.mark.parametrize("reason", REFUSALS)
def test_no_session_is_opened_when(admin: Connection, machine: Machine, reason: str) -> None:
    assert machine.opened()
    put_neighbours(admin, machine)
    known = {
        "client": machine.client,
        "organisation": machine.organisation,
        "other": machine.wall.organisation("cbo-b"),
    }
    before = machine.events()
    for statement in REFUSALS[reason].split(";"):
        admin.execute(statement.encode(), known)
    assert machine.opened(uuid4()) is None
    assert machine.events() == before


@pytest.mark.parametrize("scopes", [("identity",), ("cases", "identity"), ("openid",)])
def test_no_session_has_more_than_its_client_may_ask_for(machine: Machine, scopes: tuple[str, ...]) -> None:
    assert machine.opened(scopes=scopes) is None


def test_no_session_has_the_id_of_another(machine: Machine) -> None:
    assert machine.opened()
    assert machine.opened() is None


def test_a_client_that_does_not_exist_has_none(machine: Machine) -> None:
    machine.client = uuid4()
    assert machine.opened() is None


def test_nobody_else_lets_machines_in(wall: Wall, machine: Machine) -> None:
    for name in (
        "pat_service_issuer",
        "pat_service_jobs",
        "pat_owner",
        "pat_service",
        "pat_organisation_admin",
    ):
        held = wall.admin.execute(
            "select has_function_privilege(%s, 'sec.open_machine_session(uuid,uuid,text[])', 'execute')",
            (name,),
        ).fetchone()
        assert held == (False,), name


def test_a_machine_ends_with_its_client_at_once(wall: Wall, admin: Connection, machine: Machine) -> None:
    assert machine.opened()
    admin.execute("update app.clients set disabled_at = now() where id = %s", (machine.client,))
    with as_superuser(admin, SIGN_IN, None):
        assert admin.execute("select sec.is_live(%s)", (machine.session,)).fetchone() == (False,)
