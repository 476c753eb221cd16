"""One person in two roles of one organisation: what she reaches in a role is what is hers in that role."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID, uuid4

import pytest
from tests.support.people import Member
from tests.support.wall import Connection, Wall, as_superuser, attempt

from pat_auth.policy import Role
from pat_platform.database.logins import login_name

OF_A_CASE = (
    "app.cases",
    "app.survivors",
    "app.case_assignments",
    "app.survivor_identities",
    "app.survivor_keys",
)


@dataclass(frozen=True)
class Place:
    """A membership, and a session in it."""

    membership: UUID
    person: UUID
    login: str
    session: UUID


@pytest.fixture
def worker(wall: Wall) -> Member:
    """A social worker of cbo-a. ``hers`` is assigned to her."""
    return wall.member("cbo-a", Role.SOCIAL_WORKER)


@pytest.fixture
def counsellor(admin: Connection, worker: Member) -> Place:
    """The same person, in cbo-a too: as a counsellor."""
    return second_role(admin, worker, Role.COUNSELLOR)


def second_role(admin: Connection, member: Member, role: Role) -> Place:
    place = Place(uuid4(), member.person, login_name(member.organisation, role), uuid4())
    admin.execute(
        "insert into app.memberships (organisation_id, id, person_id, role, name) values (%s, %s, %s, %s, 'again')",
        (member.organisation, place.membership, place.person, role.value),
    )
    admin.execute(
        "insert into sec.sessions (id, login, organisation_id, membership_id, person_id, client, expires_at)"
        " values (%s, %s, %s, %s, %s, 'tests', now() + interval '1 day')",
        (place.session, place.login, member.organisation, place.membership, place.person),
    )
    return place


def assign(wall: Wall, label: str, to: Place | Member) -> str | list[tuple[object, ...]]:
    """Give a case of cbo-a to somebody, as its case manager does."""
    manager, case = wall.member("cbo-a", Role.CASE_MANAGER), wall.rows["app.cases"]["cbo-a"][label]
    with as_superuser(wall.admin, manager.login, manager.session):
        return attempt(
            wall.admin,
            "insert into app.case_assignments"
            " (organisation_id, id, case_id, survivor_id, person_id, membership_id, created_by)"
            " values (%s, gen_random_uuid(), %s, %s, %s, %s, %s)",
            (
                *(manager.organisation, case["id"], case["survivor_id"]),
                *(to.person, to.membership, manager.person),
            ),
        )


def seen(admin: Connection, who: Place | Member, *tables: str) -> list[object]:
    """How many rows of each table she sees, or how she is refused."""
    with as_superuser(admin, who.login, who.session):
        counts = [attempt(admin, f"select count(*) from {table}") for table in tables]
    return [count if isinstance(count, str) else count[0][0] for count in counts]


def test_a_case_that_is_hers_as_a_worker_is_not_hers_as_a_counsellor(
    admin: Connection, worker: Member, counsellor: Place
) -> None:
    assert seen(admin, counsellor, *OF_A_CASE) == [0] * len(OF_A_CASE)
    assert seen(admin, worker, "app.survivor_identities", "app.survivor_keys") == [1, 1]


def test_a_case_may_be_hers_in_both_roles(
    wall: Wall, admin: Connection, worker: Member, counsellor: Place
) -> None:
    assert assign(wall, "hers", counsellor) == [(1,)]
    assert assign(wall, "hers", counsellor) == "23505"
    assert seen(admin, counsellor, *OF_A_CASE) == [1] * len(OF_A_CASE)
    assert seen(admin, worker, "app.survivor_identities", "app.survivor_keys") == [1, 1]
    live = (
        "select count(*) from app.case_assignments where case_id = %s and person_id = %s and ended_at is null"
    )
    case = wall.id("app.cases", "cbo-a", "hers")
    assert admin.execute(live, (case, worker.person)).fetchall() == [(2,)]


def test_what_ends_in_one_role_stays_in_the_other(
    wall: Wall, admin: Connection, worker: Member, counsellor: Place
) -> None:
    assign(wall, "hers", counsellor)
    admin.execute(
        "update app.case_assignments set ended_at = now() where membership_id = %s and ended_at is null",
        (worker.membership,),
    )
    assert seen(admin, worker, "app.survivor_identities") == [0]
    assert seen(admin, counsellor, "app.survivor_identities") == [1]


def test_a_membership_that_ends_takes_its_reach_along_and_no_other(
    wall: Wall, admin: Connection, worker: Member, counsellor: Place
) -> None:
    assign(wall, "ours", counsellor)
    admin.execute("update app.memberships set ended_at = now() where id = %s", (worker.membership,))
    assert seen(admin, counsellor, "app.survivor_identities") == [1]
    with as_superuser(admin, worker.login, None):
        assert attempt(admin, f"select sec.enter('{worker.session}')") == "28000"
        assert attempt(admin, "select 1 from app.case_assignments") == []


def test_a_case_is_given_to_no_membership_of_another_organisation(wall: Wall, admin: Connection) -> None:
    """Refused as one that does not exist is."""
    other = wall.member("cbo-b", Role.SOCIAL_WORKER)
    assert assign(wall, "hers", other) == "23503"
    assert assign(wall, "hers", Place(uuid4(), other.person, other.login, other.session)) == "23503"


def test_she_is_herself_in_the_role_that_she_acts_in(
    wall: Wall, admin: Connection, worker: Member, counsellor: Place
) -> None:
    for place in (worker, counsellor):
        with as_superuser(admin, place.login, place.session):
            assert attempt(admin, "select sec.membership(), sec.actor()") == [
                (place.membership, worker.person)
            ]


def test_a_survivor_is_shown_those_who_work_on_her_case_in_the_role_that_they_do(
    wall: Wall, admin: Connection, worker: Member, counsellor: Place
) -> None:
    survivor = wall.member("cbo-a", Role.SURVIVOR)
    with as_superuser(admin, survivor.login, survivor.session):
        shown = attempt(admin, "select id from app.memberships")
    assert (worker.membership,) in shown
    assert (counsellor.membership,) not in shown
