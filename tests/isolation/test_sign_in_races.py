"""A session that is being opened while somebody takes away what it is opened on: one waits, and then it has not been."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from tests.isolation.test_invitations import TOKEN
from tests.isolation.test_sign_in_login import OPEN, ask
from tests.support.issuing import put_browser, put_client, put_invitation
from tests.support.people import Member
from tests.support.wall import Connection, Wall, as_superuser

from pat_auth.policy import Role
from pat_platform.database.logins import SIGN_IN


@pytest.fixture
def member(wall: Wall) -> Member:
    return wall.member("cbo-a", Role.LEGAL_AID)


@pytest.fixture
def client(wall: Wall, member: Member) -> Iterator[UUID]:
    """A client that other connections see too."""
    made = put_client(wall.admin, member.organisation)
    yield made
    wall.admin.execute("delete from app.clients where id = %s", (made,))


@pytest.fixture
def browser(wall: Wall, member: Member) -> Iterator[UUID]:
    made = put_browser(wall.admin, member.person)
    yield made
    wall.admin.execute("delete from sec.browsers where id = %s", (made,))


@contextmanager
def another(wall: Wall) -> Iterator[Connection]:
    """A superuser's connection besides the wall's own."""
    with psycopg.connect(wall.url) as connection:
        connection.execute("set lock_timeout = '5s'")
        yield connection
        connection.rollback()


def opened(connection: Connection, member: Member, client: UUID, browser: UUID | None) -> UUID:
    """Open a session as the login behind the pages; it is there when the transaction is committed."""
    session, now = uuid4(), datetime.now(UTC)
    values = (session, member.person, member.membership, client, ["cases"], browser)
    with as_superuser(connection, SIGN_IN, None):
        handle = ask(connection, OPEN, *values, now, "2", now + timedelta(hours=1))
    assert handle is not None
    return session


def meanwhile(other: Connection, act: Callable[[], Any]) -> Callable[[], Any]:
    """Let it run until it waits for somebody; what comes back waits for it to end, and says what it said."""
    said: list[Any] = []
    thread = threading.Thread(target=lambda: said.append(act()))
    thread.start()
    with psycopg.connect(other.info.dsn, password=other.info.password, autocommit=True) as watcher:
        waits = "select count(*) from pg_stat_activity where pid = %s and wait_event_type = 'Lock'"
        deadline = time.monotonic() + 5
        while thread.is_alive() and watcher.execute(waits, (other.info.backend_pid,)).fetchone() == (0,):
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def ended() -> Any:
        thread.join()
        return said[0]

    return ended


def clean(wall: Wall, session: UUID) -> None:
    wall.admin.execute("delete from sec.sessions where id = %s", (session,))
    wall.admin.execute("delete from trail.events; delete from trail.heads")


TAKEN = {
    "the person": "update sec.people set disabled_at = now() where id = %(person)s",
    "the browser": "update sec.browsers set ended_at = now() where id = %(browser)s",
    "the client": "update app.clients set disabled_at = now() where id = %(client)s",
}


@pytest.mark.parametrize("what", TAKEN)
def test_whoever_takes_it_away_waits_for_the_session_and_then_sees_it(
    wall: Wall, member: Member, client: UUID, browser: UUID, what: str
) -> None:
    known = {"person": member.person, "browser": browser, "client": client}
    with another(wall) as opening, another(wall) as taking:
        session = opened(opening, member, client, browser)

        def take() -> Any:
            taking.execute(TAKEN[what].encode(), known)
            return ask(taking, "select count(*) from sec.sessions where id = %s", session)

        seen = meanwhile(taking, take)
        opening.commit()
        try:
            assert seen() == 1
        finally:
            clean(wall, session)


@pytest.mark.parametrize("what", TAKEN)
def test_a_session_is_not_opened_on_what_is_being_taken_away(
    wall: Wall, member: Member, client: UUID, browser: UUID, what: str
) -> None:
    known = {"person": member.person, "browser": browser, "client": client}
    now = datetime.now(UTC)
    values = (uuid4(), member.person, member.membership, client, ["cases"], browser, now, "2")
    with another(wall) as opening, another(wall) as taking:
        taking.execute(TAKEN[what].encode(), known)

        def open_session() -> Any:
            with as_superuser(opening, SIGN_IN, None):
                return ask(opening, OPEN, *values, now + timedelta(hours=1))

        handle = meanwhile(opening, open_session)
        taking.commit()
        try:
            assert handle() is None
        finally:
            opening.rollback()
            wall.admin.execute("update sec.people set disabled_at = null where id = %s", (member.person,))


def test_who_signs_out_everywhere_ends_the_session_that_is_being_opened(
    wall: Wall, member: Member, client: UUID
) -> None:
    with another(wall) as opening, another(wall) as leaving:
        session = opened(opening, member, client, None)

        def leave() -> Any:
            with as_superuser(leaving, member.login, member.session):
                return ask(leaving, "select sec.end_my_sessions()")

        ended = meanwhile(leaving, leave)
        opening.commit()
        try:
            assert ended() == 2
        finally:
            leaving.rollback()
            clean(wall, session)


def test_nobody_waits_for_what_is_somebody_elses(wall: Wall, member: Member, client: UUID) -> None:
    """While a colleague's session is opened, or another client changed, others are let in and out."""
    colleague = wall.member("cbo-b", Role.LEGAL_AID)
    foreign = wall.id("app.clients", "cbo-b", "hers")
    with another(wall) as theirs, another(wall) as mine:
        opened(theirs, colleague, foreign, None)
        theirs.execute("update app.clients set name = name where id = %s", (foreign,))
        opened(mine, member, client, None)
        with as_superuser(mine, member.login, member.session):
            assert ask(mine, "select sec.end_my_sessions()") == 2


def test_an_invitation_is_taken_up_once_however_many_try(wall: Wall, member: Member) -> None:
    email = ask(wall.admin, "select email from sec.people where id = %s", member.person)
    invitation = put_invitation(wall.admin, member.organisation, email, Role.MIS_FOCAL)
    try:
        with another(wall) as first, another(wall) as second:

            def take_up(connection: Connection) -> Any:
                with as_superuser(connection, SIGN_IN, None):
                    return ask(connection, "select sec.take_up(%s, %s)", TOKEN, member.person)

            assert take_up(first) is not None
            again = meanwhile(second, lambda: take_up(second))
            first.commit()
            assert again() is None
    finally:
        wall.admin.execute("delete from app.invitations where id = %s", (invitation,))
        wall.admin.execute("update app.invitations set taken_up_at = null")
        wall.admin.execute(
            "delete from app.memberships where person_id = %s and role = 'mis_focal'", (member.person,)
        )
        wall.admin.execute("delete from trail.events; delete from trail.heads")
