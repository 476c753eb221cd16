"""Links by which survivors choose a PIN: who may have one made, for whom, and what becomes of the one before."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from tests.isolation import test_pins
from tests.isolation.test_pins import all_ended, changes, put_ways_in, ways_in
from tests.isolation.test_sign_in_login import ask, events
from tests.support.people import Member
from tests.support.wall import Connection, Wall, as_superuser, attempt

from pat_auth.policy import Role

INVITE = "select sec.invite_survivor(%s, 'Kestrel', %s)"
WITHDRAW = "select sec.withdraw_link(%s)"


@pytest.fixture
def me(wall: Wall) -> Member:
    return wall.member("cbo-a", Role.CASE_MANAGER)


@pytest.fixture
def survivor(wall: Wall) -> UUID:
    return wall.id("app.survivors", "cbo-a", "hers")


def put_survivor(wall: Wall, slug: str = "cbo-a", id: UUID | None = None) -> UUID:
    """One who does not sign in yet."""
    survivor = id or uuid4()
    wall.admin.execute(
        "insert into app.survivors (organisation_id, id, code, gender, is_minor_at_intake, created_by)"
        " values (%s, %s, %s, 'Feminine', false, %s)",
        (wall.organisation(slug), survivor, survivor.hex[:12], uuid4()),
    )
    return survivor


def invite(admin: Connection, me: Member, survivor: UUID, token: bytes = b"token") -> str | None:
    """Why it is refused, or None."""
    with as_superuser(admin, me.login, me.session):
        told = ask(admin, INVITE, survivor, token)
    refused: str | None = told["refused"]
    return refused


def holder(admin: Connection, token: bytes = b"token") -> tuple[Any, ...] | None:
    """Whose the link is, as long as it stands."""
    return admin.execute(
        "select p.id, m.survivor_id, m.role, m.name, p.email, p.link_until = now() + interval '24 hours'"
        " from sec.people p join app.memberships m on m.person_id = p.id where p.link_hash = %s",
        (token,),
    ).fetchone()


def test_who_does_not_sign_in_yet_becomes_a_member_with_a_link_for_a_day(
    wall: Wall, admin: Connection, me: Member
) -> None:
    survivor = put_survivor(wall)
    assert invite(admin, me, survivor) is None
    found = holder(admin)
    assert found is not None
    assert found[1:] == (survivor, "survivor", "Kestrel", None, True)
    invited = (me.login, me.person, "member.invited", [found[0], survivor], {"role": "survivor"})
    assert events(admin, me.organisation)[-1] == invited


def test_who_signs_in_already_stays_who_she_is_and_her_older_link_is_over(
    wall: Wall, admin: Connection, me: Member, survivor: UUID
) -> None:
    invite(admin, me, survivor, b"older")
    assert invite(admin, me, survivor) is None
    found = holder(admin)
    assert found is not None
    assert found[0] == wall.member("cbo-a", Role.SURVIVOR).person
    assert holder(admin, b"older") is None


def test_whom_she_does_not_know_she_invites_nowhere(wall: Wall, admin: Connection, me: Member) -> None:
    for unknown in (wall.id("app.survivors", "cbo-b", "hers"), uuid4()):
        assert invite(admin, me, unknown) == "SURVIVOR_UNKNOWN"
    assert holder(admin) is None


def test_where_no_survivor_signs_in_none_is_invited(
    wall: Wall, admin: Connection, me: Member, survivor: UUID
) -> None:
    hers = wall.member("cbo-a", Role.SURVIVOR)
    admin.execute("delete from sec.sessions where login = %s", (hers.login,))
    admin.execute("delete from sec.logins where login = %s", (hers.login,))
    assert invite(admin, me, survivor) == "ROLE_UNKNOWN"


def test_who_was_disabled_is_not_invited(wall: Wall, admin: Connection, me: Member, survivor: UUID) -> None:
    hers = wall.member("cbo-a", Role.SURVIVOR)
    admin.execute("update sec.people set disabled_at = now() where id = %s", (hers.person,))
    assert invite(admin, me, survivor) == "PERSON_DISABLED"
    assert holder(admin) is None


def test_whose_membership_has_ended_becomes_a_member_anew(
    wall: Wall, admin: Connection, me: Member, survivor: UUID
) -> None:
    hers = wall.member("cbo-a", Role.SURVIVOR)
    admin.execute("update app.memberships set ended_at = now() where id = %s", (hers.membership,))
    assert invite(admin, me, survivor) is None
    found = holder(admin)
    assert found is not None
    assert found[0] != hers.person


def test_nobody_else_gets_her_link_who_stands_on_the_same_record(
    wall: Wall, admin: Connection, me: Member, survivor: UUID
) -> None:
    """In another role here, or in another organisation: ids of records are an organisation's own."""
    mine = put_survivor(wall)
    staff, elsewhere = wall.member("cbo-a", Role.AUDITOR), wall.member("cbo-b", Role.SURVIVOR)
    put_survivor(wall, "cbo-b", mine)
    for each in (staff, elsewhere):
        admin.execute("update app.memberships set survivor_id = %s where id = %s", (mine, each.membership))
    before = ways_in(admin)
    assert invite(admin, me, mine) is None
    found = holder(admin)
    assert found is not None
    assert found[0] not in (staff.person, elsewhere.person)
    assert found[1:] == (mine, "survivor", "Kestrel", None, True)
    assert sorted(table for table, _ in changes(admin, before)) == ["app.memberships", "sec.people"]


def test_one_record_is_one_persons(wall: Wall, admin: Connection, me: Member, survivor: UUID) -> None:
    """Also if two managers have the link made in the same moment."""
    insert = (
        "insert into app.memberships (organisation_id, id, person_id, role, name, survivor_id)"
        " values (%s, gen_random_uuid(), gen_random_uuid(), 'survivor', 'x', %s)"
    )
    assert attempt(admin, insert, (me.organisation, survivor)) == "23505"


def test_a_link_is_withdrawn_by_her_organisation_alone(
    wall: Wall, admin: Connection, me: Member, survivor: UUID
) -> None:
    invite(admin, me, survivor)
    other = wall.member("cbo-b", Role.CASE_MANAGER)
    with as_superuser(admin, other.login, other.session):
        assert ask(admin, WITHDRAW, survivor) is False
    assert holder(admin) is not None
    with as_superuser(admin, me.login, me.session):
        assert ask(admin, WITHDRAW, survivor) is True
        assert ask(admin, WITHDRAW, survivor) is False
    assert holder(admin) is None
    person = wall.member("cbo-a", Role.SURVIVOR).person
    last = events(admin, me.organisation)[-1]
    assert last == (me.login, me.person, "invitation.withdrawn", [person, survivor], {})


@pytest.mark.parametrize("number", [1, 2])
def test_her_way_in_ends_with_all_that_is_hers_and_nobody_elses_does(
    wall: Wall, admin: Connection, me: Member, number: int
) -> None:
    hers = wall.member("cbo-a", Role.SURVIVOR, number)
    survivor = hers.survivor
    for each in (member for member in wall.members if member.role is Role.SURVIVOR):
        put_ways_in(admin, each)
        test_pins.put_link(admin, each, each.name.encode())
    before = ways_in(admin)
    with as_superuser(admin, me.login, me.session):
        assert ask(admin, WITHDRAW, survivor) is True
        assert ask(admin, WITHDRAW, survivor) is False
    assert changes(admin, before) == {
        ("sec.people", str(hers.person)): {"link_hash": None, "link_until": None},
        ("sec.secrets", f"{hers.person} PIN"): None,
        ("sec.secrets", f"{hers.person} DURESS"): None,
        **all_ended(admin, hers, "way in withdrawn"),
    }


def test_nothing_is_withdrawn_that_is_not_a_survivors_who_signs_in(
    wall: Wall, admin: Connection, me: Member, survivor: UUID
) -> None:
    """A link of somebody whose record is the same but who is no survivor, or is one no more."""
    hers = wall.member("cbo-a", Role.SURVIVOR)
    invite(admin, me, survivor)
    for change in ("role = 'auditor'", "ended_at = now()"):
        with admin.transaction(force_rollback=True):
            admin.execute(f"update app.memberships set {change} where id = %s".encode(), (hers.membership,))
            with as_superuser(admin, me.login, me.session):
                assert ask(admin, WITHDRAW, survivor) is False


@pytest.mark.parametrize("statement", [INVITE, WITHDRAW])
def test_without_a_session_no_link_is_made_or_withdrawn(
    admin: Connection, me: Member, survivor: UUID, statement: str
) -> None:
    values = (survivor, b"token") if statement == INVITE else (survivor,)
    admin.execute(f"set local session authorization {me.login}".encode())
    with pytest.raises(psycopg.errors.InvalidAuthorizationSpecification), admin.transaction():
        admin.execute(statement.encode(), values)


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.CASE_MANAGER])
def test_nobody_but_a_manager_has_one_made(wall: Wall, admin: Connection, survivor: UUID, role: Role) -> None:
    member = wall.member("cbo-a", role)
    with as_superuser(admin, member.login, member.session):
        assert attempt(admin, INVITE, (survivor, b"token")) == "42501"
        assert attempt(admin, WITHDRAW, (survivor,)) == "42501"
