"""The login behind the sign-in pages: what its functions refuse, one reason at a time, and that a refusal is no error."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from tests.support.issuing import (
    put_browser,
    put_client,
    put_membership,
    put_second_factor,
)
from tests.support.people import Member
from tests.support.wall import Connection, Wall, as_superuser

from pat_auth.clients.models import Serves
from pat_auth.policy import NEEDS_SECOND_FACTOR, Role
from pat_platform.database.logins import SIGN_IN, login_name

OPEN = "select sec.open_session(%s, %s, %s, %s, %s, %s, %s, %s, %s)"
TRAIL = "select login, actor, action, subjects, detail::jsonb from trail.events where organisation_id = %s order by number"


def ask(connection: Connection, statement: str, *values: Any) -> Any:
    """The only value of a statement that must not fail."""
    row = connection.execute(statement.encode(), values).fetchone()
    assert row is not None
    return row[0]


@dataclass
class Opening:
    """What a session is opened with: all of it right, until a test makes one thing wrong."""

    wall: Wall
    member: Member
    client: UUID
    browser: UUID | None
    scopes: list[str] = field(default_factory=lambda: ["cases", "openid"])
    acr: str | None = "2"
    lasts: timedelta = timedelta(hours=1)
    session: UUID = field(default_factory=uuid4)

    def opened(self, **changes: Any) -> UUID | None:
        """The handle of the session that the login opens, or None; the transaction goes on either way."""
        member = self.member
        values = {
            "session": self.session,
            "person": member.person,
            "membership": member.membership,
            "client": self.client,
            "scopes": self.scopes,
            "browser": self.browser,
            "auth_time": datetime.now(UTC),
            "acr": self.acr,
            "until": datetime.now(UTC) + self.lasts,
            **changes,
        }
        with as_superuser(self.wall.admin, SIGN_IN, None):
            handle: UUID | None = ask(self.wall.admin, OPEN, *values.values())
        return handle


@pytest.fixture
def opening(wall: Wall, admin: Connection) -> Opening:
    member = wall.member("cbo-a", Role.CASE_MANAGER)
    client = put_client(admin, member.organisation)
    return Opening(wall, member, client, put_browser(admin, member.person))


def session_of(admin: Connection, handle: UUID | None) -> dict[str, Any]:
    with admin.cursor(row_factory=psycopg.rows.dict_row) as cursor:
        row = cursor.execute("select * from sec.sessions where handle = %s", (handle,)).fetchone()
    assert row is not None
    return row


def events(admin: Connection, organisation: UUID) -> list[tuple[Any, ...]]:
    return admin.execute(TRAIL.encode(), (organisation,)).fetchall()


def test_a_session_is_opened_for_what_was_agreed_and_the_trail_says_so(
    admin: Connection, opening: Opening
) -> None:
    handle, member = opening.opened(), opening.member
    row = session_of(admin, handle)
    assert (row["id"], row["login"], row["person_id"]) == (opening.session, member.login, member.person)
    assert (row["organisation_id"], row["membership_id"]) == (member.organisation, member.membership)
    assert (row["client"], row["browser_id"]) == (str(opening.client), opening.browser)
    assert (row["scopes"], row["acr"]) == (["cases", "openid"], "2")
    assert abs(row["expires_at"] - datetime.now(UTC) - opening.lasts) < timedelta(minutes=1)
    detail = {"session": str(handle), "client": str(opening.client), "acr": "2"}
    assert events(admin, member.organisation)[-1] == (
        *(SIGN_IN, member.person, "session.opened", [member.person]),
        detail,
    )
    with as_superuser(admin, member.login, opening.session):
        assert ask(admin, "select sec.actor()") == member.person


REFUSALS = {
    "the person is disabled": "update sec.people set disabled_at = now() where id = %(person)s",
    "her membership has ended": "update app.memberships set ended_at = now() where id = %(membership)s",
    "the membership is another's": "update app.memberships set person_id = gen_random_uuid() where id = %(membership)s",
    "the browser was signed out": "update sec.browsers set ended_at = now() where id = %(browser)s",
    "the browser is forgotten": "delete from sec.browsers where id = %(browser)s",
    "the client is disabled": "update app.clients set disabled_at = now() where id = %(client)s",
    "the client may ask for less": "update app.clients set scopes = '{groups}' where id = %(client)s",
    "the client is another organisation's": (
        "update app.clients set organisation_id = %(other)s where id = %(client)s"
    ),
    "two organisations have such a client": (
        "insert into app.clients (organisation_id, id, name, kind, scopes, created_by, updated_by)"
        " select %(other)s, id, name, kind, scopes, created_by, updated_by from app.clients where id = %(client)s"
    ),
    "the id of the session is taken": "update sec.sessions set id = %(session)s where id = %(hers)s",
}


@pytest.mark.parametrize("reason", REFUSALS)
def test_no_session_is_opened_when(wall: Wall, admin: Connection, opening: Opening, reason: str) -> None:
    known = {
        "person": opening.member.person,
        "membership": opening.member.membership,
        "browser": opening.browser,
        "client": opening.client,
        "session": opening.session,
        "hers": opening.member.session,
        "other": wall.organisation("cbo-b"),
    }
    before = events(admin, opening.member.organisation)
    assert admin.execute(REFUSALS[reason].encode(), known).rowcount == 1
    assert opening.opened() is None
    assert events(admin, opening.member.organisation) == before


@pytest.mark.parametrize("changed", ["person", "membership", "client", "browser"])
def test_no_session_is_opened_for_what_does_not_exist(opening: Opening, changed: str) -> None:
    assert opening.opened(**{changed: uuid4()}) is None
    assert opening.opened() is not None


@pytest.mark.parametrize("changed", ["person", "membership", "client", "scopes"])
def test_no_session_is_opened_without_being_told(opening: Opening, changed: str) -> None:
    assert opening.opened(**{changed: None}) is None


def test_no_session_is_opened_for_another_persons_membership(wall: Wall, opening: Opening) -> None:
    colleague = wall.member("cbo-a", Role.SOCIAL_WORKER)
    assert opening.opened(person=colleague.person) is None
    assert opening.opened(person=colleague.person, membership=colleague.membership) is not None


def test_no_session_is_opened_beyond_what_the_client_may_ask_for(opening: Opening) -> None:
    assert opening.opened(scopes=["cases", "identity"]) is None
    assert opening.opened(scopes=["cases"]) is not None


def test_no_session_is_opened_in_a_role_that_has_no_login(
    wall: Wall, admin: Connection, opening: Opening
) -> None:
    """Goa has logins, and others have auditors."""
    client = put_client(admin, wall.organisation("goa"))
    for role, is_opened in ((Role.AUDITOR, False), (Role.DESTINATION_WORKER, True)):
        membership = put_membership(admin, opening.member.person, wall.organisation("goa"), role)
        handle = opening.opened(membership=membership, client=client)
        assert (handle is not None) is is_opened
    assert session_of(admin, handle)["login"] == login_name(
        wall.organisation("goa"), Role.DESTINATION_WORKER.value
    )


def test_a_client_of_the_network_serves_every_organisation(
    wall: Wall, admin: Connection, opening: Opening
) -> None:
    client = put_client(admin, wall.organisation("secretariat"), serves=Serves.NETWORK)
    assert opening.opened(client=client) is not None
    assert opening.opened(client=client, membership=uuid4(), session=uuid4()) is None


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.SERVICE])
def test_a_role_that_needs_two_factors_is_not_acted_in_with_one(
    wall: Wall, opening: Opening, role: Role
) -> None:
    opening.member = wall.member("cbo-a", role)
    for acr in (None, "1"):
        is_opened = opening.opened(acr=acr, session=uuid4()) is not None
        assert is_opened is (role not in NEEDS_SECOND_FACTOR)
    assert opening.opened(acr="2") is not None


@pytest.mark.parametrize(
    ("role", "longest"), [(Role.CASE_MANAGER, timedelta(hours=12)), (Role.SURVIVOR, timedelta(minutes=30))]
)
def test_a_session_ends_whatever_was_asked_for(
    wall: Wall, admin: Connection, opening: Opening, role: Role, longest: timedelta
) -> None:
    opening.member = wall.member("cbo-a", role)
    for until in (datetime.now(UTC) + timedelta(days=30), None):
        row = session_of(admin, opening.opened(until=until, session=uuid4()))
        assert row["expires_at"] - row["created_at"] <= longest + timedelta(minutes=1)


def test_a_session_needs_no_browser(opening: Opening) -> None:
    """A machine has none."""
    assert opening.opened(browser=None) is not None


def test_a_session_is_revoked_once_and_the_trail_says_why(admin: Connection, opening: Opening) -> None:
    handle = opening.opened()
    with as_superuser(admin, SIGN_IN, None):
        revoke = "select sec.revoke_session(%s, 'code replayed')"
        assert ask(admin, revoke, opening.session) is True
        assert ask(admin, revoke, opening.session) is False
        assert ask(admin, revoke, uuid4()) is False
    row = session_of(admin, handle)
    assert (row["revoked_at"] is not None, row["revoked_because"]) == (True, "code replayed")
    told = [event for event in events(admin, opening.member.organisation) if event[2] == "session.revoked"]
    detail = {"because": "code replayed", "sessions": [str(handle)]}
    assert told == [(SIGN_IN, None, "session.revoked", [opening.member.person], detail)]


DEATHS = {
    "revoked": "update sec.sessions set revoked_at = now() where id = %(session)s",
    "expired": "update sec.sessions set expires_at = now() where id = %(session)s",
    "the membership has ended": REFUSALS["her membership has ended"],
    "the membership is another's": REFUSALS["the membership is another's"],
    "the membership is in another role": "update app.memberships set role = 'service' where id = %(membership)s",
    "the membership is in another organisation": (
        "update sec.sessions set organisation_id = %(other)s where id = %(session)s"
    ),
    "the membership is gone": "update sec.sessions set membership_id = gen_random_uuid() where id = %(session)s",
    "the person is disabled": REFUSALS["the person is disabled"],
    "the client is disabled": REFUSALS["the client is disabled"],
    "the client is unknown": "update sec.sessions set client = 'tests' where id = %(session)s",
}


@pytest.mark.parametrize("death", DEATHS)
def test_a_session_lives_until(wall: Wall, admin: Connection, opening: Opening, death: str) -> None:
    elsewhere = wall.member("cbo-b", Role.CASE_MANAGER)
    stays = Opening(wall, elsewhere, put_client(admin, elsewhere.organisation), None)
    stays.opened()
    opening.opened()
    known = {
        "session": opening.session,
        "person": opening.member.person,
        "membership": opening.member.membership,
        "client": opening.client,
        "other": wall.organisation("cbo-b"),
    }
    with as_superuser(admin, SIGN_IN, None):
        assert ask(admin, "select sec.is_live(%s)", opening.session) is True
    assert admin.execute(DEATHS[death].encode(), known).rowcount == 1
    with as_superuser(admin, SIGN_IN, None):
        assert ask(admin, "select sec.is_live(%s)", opening.session) is False
        assert ask(admin, "select sec.is_live(%s)", stays.session) is True


def test_a_client_is_found_with_its_live_keys(wall: Wall, admin: Connection) -> None:
    keys = [{"kid": "old"}, {"kid": "new"}]
    client = put_client(admin, wall.organisation("cbo-a"), keys=keys)
    put_client(admin, wall.organisation("cbo-a"), keys=[{"kid": "another's"}])
    admin.execute("update app.client_keys set retired_at = now() where kid = 'old'")
    with as_superuser(admin, SIGN_IN, None):
        (row,) = admin.execute("select * from sec.find_client(%s)", (client,)).fetchall()
    assert row[:6] == (wall.organisation("cbo-a"), client, "CBO-A", "A program", "PUBLIC", "ORGANISATION")
    assert row[6:] == (
        ["https://client.example/back"],
        [],
        [],
        ["cases"],
        [{"kid": "new", "jwk": {"kid": "new"}}],
    )


def test_a_key_of_another_organisations_client_is_not_believed(wall: Wall, admin: Connection) -> None:
    """Another organisation cannot choose a client's id. If it could, its keys would still not be this one's."""
    client = put_client(admin, wall.organisation("cbo-a"))
    other = put_client(admin, wall.organisation("cbo-b"), keys=[{"kid": "theirs"}])
    admin.execute("alter table app.client_keys drop constraint fk_client_keys_client")
    admin.execute("update app.client_keys set client_id = %s where client_id = %s", (client, other))
    with as_superuser(admin, SIGN_IN, None):
        assert ask(admin, "select keys from sec.find_client(%s)", client) == []


def test_origins_are_those_of_clients_that_are_not_disabled(wall: Wall, admin: Connection) -> None:
    for slug in ("cbo-a", "cbo-b"):
        put_client(admin, wall.organisation(slug), origins=["https://both.example"])
    client = put_client(admin, wall.organisation("cbo-a"), origins=["https://gone.example"])
    admin.execute("update app.clients set disabled_at = now() where id = %s", (client,))
    with as_superuser(admin, SIGN_IN, None):
        found = [origin for (origin,) in admin.execute("select sec.client_origins()").fetchall()]
    assert found.count("https://both.example") == 1
    assert "https://gone.example" not in found


def test_the_memberships_of_a_person_are_those_that_she_can_act_in(wall: Wall, admin: Connection) -> None:
    member = wall.member("cbo-a", Role.CASE_MANAGER)
    goa = wall.organisation("goa")
    worker = put_membership(admin, member.person, goa, Role.DESTINATION_WORKER)
    put_membership(admin, member.person, goa, Role.AUDITOR)
    ended = put_membership(admin, member.person, goa, Role.DESTINATION_ADMIN)
    admin.execute("update app.memberships set ended_at = now() where id = %s", (ended,))
    of_hers = "select * from sec.memberships_of(%s)"
    with as_superuser(admin, SIGN_IN, None):
        assert admin.execute(of_hers, (member.person,)).fetchall() == [
            (member.membership, member.organisation, "cbo-a", "CBO-A", "case_manager"),
            (worker, goa, "goa", "GOA", "destination_worker"),
        ]
    admin.execute("update sec.people set disabled_at = now() where id = %s", (member.person,))
    with as_superuser(admin, SIGN_IN, None):
        assert admin.execute(of_hers, (member.person,)).fetchall() == []


def test_an_operators_commands_read_whom_a_provider_let_in_and_who_has_a_second_factor(
    wall: Wall, admin: Connection
) -> None:
    """As the keeper: `pat upstream disable`, `pat doctor`."""
    me = wall.member("cbo-a", Role.CASE_MANAGER)
    admin.execute("set local session_replication_role = replica")
    admin.execute(
        "insert into sec.upstream_visits (state_hash, upstream_id, browser_id, person_id, created_at, expires_at)"
        " values ('', gen_random_uuid(), gen_random_uuid(), %s, now(), now())",
        (me.person,),
    )
    admin.execute("set local role pat_sec")
    put_second_factor(admin, me.person, b"sealed")
    for table in ("sec.second_factors", "sec.upstream_visits"):
        assert ask(admin, f"select count(*) from {table} where person_id = %s", me.person) == 1
    admin.execute("reset role")
