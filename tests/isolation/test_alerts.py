"""Closing alerts, and telling managers of them: what the database itself lets be written, and whom it names."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from tests.isolation.test_sign_in_login import ask
from tests.support.issuing import put_membership
from tests.support.people import Member
from tests.support.wall import Connection, Wall, as_superuser, attempt

from pat_auth.policy import Role
from pat_platform.database.logins import SIGN_IN

REFUSED, TWICE = "42501", "23505"
CLOSE = (
    "insert into app.alert_closings (organisation_id, alert_id, because, created_by) values (%s, %s, %s, %s)"
)


@pytest.fixture(autouse=True)
def _told_before(admin: Connection) -> None:
    admin.execute("update app.alerts set told_at = now()")


@pytest.fixture
def me(wall: Wall) -> Member:
    return wall.member("cbo-a", Role.CASE_MANAGER)


def put_alert(
    wall: Wall, slug: str = "cbo-a", *, is_raised: bool = True, connection: Connection | None = None
) -> UUID:
    alert: UUID = ask(
        connection or wall.admin,
        "insert into app.alerts (organisation_id, survivor_id, is_raised) values (%s, %s, %s) returning id",
        *(wall.organisation(slug), wall.id("app.survivors", slug, "hers"), is_raised),
    )
    return alert


def close(admin: Connection, me: Member, alert: UUID, **changes: Any) -> Any:
    given = {"organisation": me.organisation, "because": "SAFE", "by": me.person, **changes}
    with as_superuser(admin, me.login, me.session):
        done = attempt(admin, CLOSE, (given["organisation"], alert, given["because"], given["by"]))
    return done


def told(admin: Connection) -> list[tuple[Any, ...]]:
    with as_superuser(admin, SIGN_IN, None):
        return admin.execute("select email, language from sec.tell_alerts() order by email").fetchall()


def untold(connection: Connection) -> set[tuple[UUID, UUID]]:
    return set(
        connection.execute("select organisation_id, id from app.alerts where told_at is null").fetchall()
    )


def email_of(admin: Connection, member: Member) -> str:
    email: str = ask(admin, "select email from sec.people where id = %s", member.person)
    return email


def test_a_manager_closes_an_alert_once(wall: Wall, admin: Connection, me: Member) -> None:
    alert = put_alert(wall)
    assert close(admin, me, alert) == [(1,)]
    assert close(admin, me, alert, because="MISTAKE") == TWICE


def test_what_is_no_alert_of_hers_is_not_there_to_be_closed(
    wall: Wall, admin: Connection, me: Member
) -> None:
    """That a survivor came in as she always does is told to nobody, by no error either."""
    for alert in (put_alert(wall, is_raised=False), put_alert(wall, "cbo-b"), uuid4()):
        assert close(admin, me, alert) == REFUSED
    assert close(admin, me, put_alert(wall, "cbo-b"), organisation=wall.organisation("cbo-b")) == REFUSED


def test_nobody_closes_one_in_the_name_of_another(wall: Wall, admin: Connection, me: Member) -> None:
    colleague = wall.member("cbo-a", Role.SOCIAL_WORKER)
    assert close(admin, me, put_alert(wall), by=colleague.person) == REFUSED
    assert close(admin, me, put_alert(wall), because="NO REASON") == "23514"


@pytest.mark.parametrize("is_duress", [True, False])
def test_who_comes_in_by_either_pin_is_noted_alike(wall: Wall, admin: Connection, is_duress: bool) -> None:
    survivor = wall.member("cbo-a", Role.SURVIVOR)
    noted = "select survivor_id, is_raised from app.alerts where created_at = now()"
    with as_superuser(admin, SIGN_IN, None):
        assert isinstance(
            attempt(admin, "select sec.note_arrival(%s, %s)", (survivor.person, is_duress)), list
        )
    assert attempt(admin, noted) == [(wall.id("app.survivors", "cbo-a", "hers"), is_duress)]


def test_an_arrival_is_noted_where_she_has_a_record_of_her_own_and_nowhere_else(
    wall: Wall, admin: Connection
) -> None:
    survivor, elsewhere = wall.member("cbo-a", Role.SURVIVOR), wall.organisation("cbo-b")
    former = wall.id("app.survivors", "cbo-b", "hers")
    for organisation, role, record, ended_at in (
        # She has left it; she works there; and what somebody began there has no record yet.
        (elsewhere, Role.SURVIVOR, former, "epoch"),
        (elsewhere, Role.COUNSELLOR, former, None),
        (wall.organisation("goa"), Role.SURVIVOR, None, None),
    ):
        membership = put_membership(admin, survivor.person, organisation, role)
        admin.execute(
            "update app.memberships set survivor_id = %s, ended_at = %s where id = %s",
            (record, ended_at, membership),
        )
    with as_superuser(admin, SIGN_IN, None):
        done = attempt(admin, "select sec.note_arrival(%s, true)", (survivor.person,))
    assert not isinstance(done, str), done
    noted = attempt(admin, "select organisation_id, survivor_id from app.alerts where created_at = now()")
    assert noted == [(survivor.organisation, survivor.survivor)]


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.CASE_MANAGER])
def test_nobody_else_closes_any(wall: Wall, admin: Connection, role: Role) -> None:
    assert close(admin, wall.member("cbo-a", role), put_alert(wall)) == REFUSED


def test_what_was_said_when_it_was_closed_stays(wall: Wall, admin: Connection, me: Member) -> None:
    alert = put_alert(wall)
    close(admin, me, alert)
    with as_superuser(admin, me.login, me.session):
        for statement in (
            "update app.alert_closings set because = 'MISTAKE'",
            "delete from app.alert_closings",
            "update app.alerts set is_raised = false",
            "insert into app.alert_closings (organisation_id, alert_id, because, created_by, created_at)"
            f" values ('{me.organisation}', '{alert}', 'SAFE', '{me.person}', now())",
        ):
            assert attempt(admin, statement) == REFUSED, statement


def test_the_managers_of_her_organisation_are_told_once(wall: Wall, admin: Connection, me: Member) -> None:
    put_alert(wall)
    put_alert(wall)
    assert told(admin) == [(email_of(admin, me), "en")]
    assert told(admin) == []


def test_nobody_is_told_of_what_is_no_alert_or_is_closed(wall: Wall, admin: Connection, me: Member) -> None:
    put_alert(wall, is_raised=False)
    close(admin, me, put_alert(wall))
    assert told(admin) == []


def test_those_are_told_who_may_still_look(wall: Wall, admin: Connection, me: Member) -> None:
    former, disabled, other = (
        wall.member("cbo-a", role).person for role in (Role.COUNSELLOR, Role.LEGAL_AID, Role.SOCIAL_WORKER)
    )
    ended = put_membership(admin, former, me.organisation, Role.CASE_MANAGER)
    admin.execute("update app.memberships set ended_at = now() where id = %s", (ended,))
    put_membership(admin, disabled, me.organisation, Role.CASE_MANAGER)
    admin.execute("update sec.people set disabled_at = now() where id = %s", (disabled,))
    put_membership(admin, other, me.organisation, Role.CASE_MANAGER)
    admin.execute("update sec.people set language = 'bn' where id = %s", (other,))
    put_alert(wall)
    hers = ask(admin, "select email from sec.people where id = %s", other)
    assert told(admin) == sorted([(email_of(admin, me), "en"), (hers, "bn")])


def test_an_alert_of_which_nobody_can_be_told_waits_for_somebody(
    wall: Wall, admin: Connection, me: Member
) -> None:
    put_alert(wall)
    admin.execute("update sec.people set disabled_at = now() where id = %s", (me.person,))
    assert told(admin) == []
    admin.execute("update sec.people set disabled_at = null where id = %s", (me.person,))
    assert told(admin) == [(email_of(admin, me), "en")]


def test_a_manager_without_an_address_is_not_told_and_alone_leaves_it_to_wait(
    wall: Wall, admin: Connection, me: Member
) -> None:
    silent = wall.member("cbo-a", Role.COUNSELLOR).person
    put_membership(admin, silent, me.organisation, Role.CASE_MANAGER)
    elsewhere = wall.member("cbo-b", Role.CASE_MANAGER).person
    admin.execute("update sec.people set email = null where id = any(%s)", ([silent, elsewhere],))
    put_alert(wall)
    waits = put_alert(wall, "cbo-b")
    assert told(admin) == [(email_of(admin, me), "en")]
    assert untold(admin) == {(wall.organisation("cbo-b"), waits)}


def test_what_is_told_of_one_alert_says_nothing_of_another(wall: Wall, admin: Connection, me: Member) -> None:
    """Ids of alerts are an organisation's own: one that is closed elsewhere may have the same."""
    alert, closed = put_alert(wall), put_alert(wall)
    quiet, elsewhere = put_alert(wall, is_raised=False), put_alert(wall, "cbo-b")
    admin.execute("update app.alerts set id = %s where id = %s", (alert, elsewhere))
    other = wall.member("cbo-b", Role.CASE_MANAGER)
    for member, each in ((me, closed), (other, alert)):
        admin.execute(CLOSE, (member.organisation, each, "SAFE", member.person))
    assert told(admin) == [(email_of(admin, me), "en")]
    assert untold(admin) == {
        *((me.organisation, each) for each in (closed, quiet)),
        (other.organisation, alert),
    }


@pytest.fixture
def raised(wall: Wall) -> Iterator[UUID]:
    """An alert that other connections see too."""
    with psycopg.connect(wall.url, autocommit=True) as connection:
        alert = put_alert(wall, connection=connection)
        yield alert
        connection.execute("delete from app.alerts where id = %s", (alert,))


@pytest.mark.usefixtures("raised")
def test_while_one_tells_another_finds_nothing_to_be_told_and_does_not_wait(wall: Wall, me: Member) -> None:
    with psycopg.connect(wall.url) as one, psycopg.connect(wall.url) as another:
        assert told(one) == [(email_of(one, me), "en")]
        another.execute("set local lock_timeout = '200ms'")
        assert told(another) == []
        for connection in (one, another):
            connection.rollback()
