"""Closing alerts, and telling managers of them: what the database itself lets be written, and whom it names."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

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


def put_alert(wall: Wall, slug: str = "cbo-a", *, is_raised: bool = True) -> UUID:
    alert: UUID = ask(
        wall.admin,
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
