"""Each organisation has a chain of its own: what is signed of one is not of another, and who is told of a change."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

import pytest
from tests.support.issuing import put_membership
from tests.support.people import KINDS, Member
from tests.support.wall import Connection, Wall, as_superuser, attempt

from pat_auth.policy import Role
from pat_platform.database.logins import JOBS, SIGN_IN

Told = dict[str, list[tuple[object, ...]]]


@pytest.fixture
def admin(wall: Wall) -> Iterator[Connection]:
    """A superuser's transaction, which is rolled back; no chain has an event."""
    with wall.admin.transaction(force_rollback=True):
        wall.admin.execute("delete from trail.events; delete from trail.heads; delete from trail.signatures")
        yield wall.admin


@pytest.fixture
def heads(wall: Wall, admin: Connection) -> dict[UUID, bytes]:
    """The hashes of two chains of one event each."""
    for member in (wall.member("cbo-a", Role.CASE_MANAGER), wall.member("goa", Role.DESTINATION_WORKER)):
        with as_superuser(admin, member.login, member.session):
            admin.execute("select trail.record('case.opened', '{}', '{}')")
    rows = admin.execute("select organisation_id, hash from trail.events where number = 1").fetchall()
    found: dict[UUID, bytes] = dict(rows)
    assert len(set(found.values())) == 2
    return found


def test_what_stands_under_a_number_is_said_of_the_chain_that_is_asked_for(
    admin: Connection, heads: dict[UUID, bytes]
) -> None:
    with as_superuser(admin, JOBS, None):
        for organisation, digest in heads.items():
            assert attempt(admin, "select trail.hash_of(%s, 1)", (organisation,)) == [(digest,)]


def test_a_head_is_to_be_signed_though_anothers_of_the_same_number_is(
    wall: Wall, admin: Connection, heads: dict[UUID, bytes]
) -> None:
    signed, unsigned = wall.organisation("cbo-a"), wall.organisation("goa")
    with as_superuser(admin, JOBS, None):
        admin.execute("select trail.keep_signature(%s, 1, %s, 'signature')", (signed, heads[signed]))
        found = attempt(admin, "select * from trail.unsigned_heads()")
    assert found == [(unsigned, 1, heads[unsigned])]


@pytest.fixture
def person(wall: Wall, admin: Connection) -> UUID:
    """She belongs to two organisations, in two roles to one of them, and has left a third."""
    member: Member = wall.member("cbo-a", Role.COUNSELLOR)
    put_membership(admin, member.person, member.organisation, Role.AUDITOR)
    put_membership(admin, member.person, wall.organisation("goa"), Role.DESTINATION_WORKER)
    left = put_membership(admin, member.person, wall.organisation("delhi"), Role.DESTINATION_WORKER)
    admin.execute("update app.memberships set ended_at = now() where id = %s", (left,))
    return member.person


def noted(wall: Wall, admin: Connection, person: UUID, action: str) -> tuple[object, Told]:
    """What comes of noting a change, and what stands in the trails of all organisations then."""
    with as_superuser(admin, SIGN_IN, None):
        done = attempt(admin, "select sec.note_change(%s, %s)", (person, action))
    told = "select actor, action, subjects from trail.events where organisation_id = %s"
    events = {slug: admin.execute(told, (wall.organisation(slug),)).fetchall() for slug in KINDS}
    return done, {slug: rows for slug, rows in events.items() if rows}


def test_how_she_proves_herself_now_is_told_once_wherever_she_belongs_and_nowhere_else(
    wall: Wall, admin: Connection, person: UUID
) -> None:
    event = (person, "passkey.added", [person])
    assert noted(wall, admin, person, "passkey.added")[1] == {"cbo-a": [event], "goa": [event]}


def test_nothing_but_a_change_of_how_she_proves_herself_is_noted(
    wall: Wall, admin: Connection, person: UUID
) -> None:
    for action in ("member.ended", "passkey", ""):
        assert noted(wall, admin, person, action) == ("22023", {})
