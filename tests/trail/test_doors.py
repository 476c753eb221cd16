"""Who sees which events: through the doors to the trail, and not otherwise. Row by row they are in the matrix."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC
from uuid import UUID

import pytest
from tests.support.events import DRAFTED, EXCHANGED, HERS, REFERRED, Happened, put_events
from tests.support.people import Member, named
from tests.support.wall import Connection, Wall, as_superuser, attempt, careless_view

from pat_auth.policy import POLICY, Permission, Reach, Role
from pat_platform.database.logins import login_name
from pat_platform.trail import EXACT
from pat_tenants.isolation.trail_doors import ACCESS, NETWORK_TRAIL, TRAIL_DOORS

READERS = {
    "door.organisation_events": Role.ORGANISATION_ADMIN,
    "door.own_events": Role.SOCIAL_WORKER,
    "door.network_events": Role.AUDITOR,
    "door.partner_events": Role.CASE_MANAGER,
    "door.access_log": Role.SURVIVOR,
}
HELD = f"insert into app.safety_holds values ('{{}}', gen_random_uuid(), '{HERS}', gen_random_uuid())"


@pytest.fixture
def events(wall: Wall) -> Iterator[list[Happened]]:
    with put_events(wall) as events:
        yield events


@pytest.fixture
def survivor(wall: Wall) -> Member:
    return wall.member("cbo-a", Role.SURVIVOR)


@pytest.fixture
def admin(wall: Wall) -> Iterator[Connection]:
    """A superuser's transaction, which is rolled back."""
    with wall.admin.transaction(force_rollback=True):
        yield wall.admin


def seen(connection: Connection, view: str, member: Member, *, entered: bool = True) -> int:
    """How many events a member sees through a view."""
    with as_superuser(connection, member.login, member.session if entered else None):
        found = attempt(connection, f"select count(*) from {view}")
        assert not isinstance(found, str), found
        return int(found[0][0])


def test_every_view_of_the_trail_has_its_reader() -> None:
    assert set(READERS) == {view.name for door in TRAIL_DOORS for view in door.views}


@pytest.mark.usefixtures("events")
@pytest.mark.parametrize("view", READERS)
def test_a_door_to_the_trail_shows_nothing_to_whoever_has_not_entered(
    wall: Wall, admin: Connection, view: str
) -> None:
    member = wall.member("cbo-a", READERS[view])
    assert seen(admin, view, member) > 0
    # A setting outlives the transaction's login, not the transaction.
    admin.execute("select set_config('pat.session', '', true)")
    assert seen(admin, view, member, entered=False) == 0


@pytest.mark.usefixtures("events")
@pytest.mark.parametrize("view", READERS)
def test_a_door_to_the_trail_closes_with_the_session(wall: Wall, admin: Connection, view: str) -> None:
    member = wall.member("cbo-a", READERS[view])
    with as_superuser(admin, member.login, member.session):
        pass
    admin.execute("update sec.sessions set revoked_at = now() where id = %s", (member.session,))
    assert seen(admin, view, member, entered=False) == 0


@pytest.mark.usefixtures("events")
@pytest.mark.parametrize("view", READERS)
def test_an_event_is_neither_changed_nor_removed_through_a_door(wall: Wall, view: str) -> None:
    with wall.acting(wall.member("cbo-a", READERS[view])) as connection:
        for statement in (
            f"update {view} set action = 'x'",
            f"delete from {view}",
            f"insert into {view} (organisation_id) values (gen_random_uuid())",
        ):
            assert attempt(connection, statement) in ("42501", "55000")


def test_whoever_audits_the_network_reads_neither_who_acted_nor_whom_it_was_about() -> None:
    """Not because a view leaves it out: the door's owner has no right on these columns."""
    (opening,) = NETWORK_TRAIL.openings
    assert not {"actor", "subjects", "number", "previous"} & set(opening.columns)


@pytest.mark.usefixtures("events")
@pytest.mark.parametrize("role", Role)
def test_the_networks_events_are_read_by_its_auditors_whatever_a_view_shows(
    wall: Wall, admin: Connection, role: Role
) -> None:
    member = next(member for member in wall.members if member.role is role)
    careless_view(wall, NETWORK_TRAIL.owner, "trail.events")
    audits = POLICY[Permission.AUDIT_READ].get(role) is Reach.NETWORK
    assert (seen(admin, "door.careless", member) > 0) is audits


def test_what_is_nobodys_who_asks_is_read_by_none_whatever_a_view_shows(
    wall: Wall, admin: Connection, events: list[Happened]
) -> None:
    """She reads events about herself, and her organisation those about its referrals."""
    sent = {EXCHANGED, DRAFTED, REFERRED}
    careless_view(wall, ACCESS.owner, "trail.events")
    for role, subjects in ((Role.SURVIVOR, {HERS, REFERRED}), (Role.CASE_MANAGER, sent)):
        member = wall.member("cbo-a", role)
        with as_superuser(admin, member.login, member.session):
            found = attempt(admin, "select hash from door.careless")
        assert not isinstance(found, str)
        assert set(found) == {(each.hash,) for each in events if subjects & set(each.subjects)}


def test_of_referrals_that_door_reads_those_of_the_caller(wall: Wall, admin: Connection) -> None:
    careless_view(wall, ACCESS.owner, "app.referrals")
    for slug in ("cbo-a", "cbo-b"):
        member = wall.member(slug, Role.CASE_MANAGER)
        with as_superuser(admin, member.login, member.session):
            found = attempt(admin, "select distinct organisation_id from door.careless")
        assert found == [(member.organisation,)]


@pytest.mark.usefixtures("events")
@pytest.mark.parametrize("view", READERS)
def test_an_event_says_as_what_somebody_acted_and_which_classes_of_ours_she_read(
    wall: Wall, admin: Connection, view: str
) -> None:
    for number, (slug, subject) in enumerate((("cbo-a", HERS), ("goa", REFERRED))):
        admin.execute(
            "insert into trail.events values (%s, %s, now(), 'pat_service_of_ours_with_a_name_that_is_long_enough', %s, 'x.done', %s,"
            """ '{"classes": ["identity", "shoe_size"]}', '', sha256(%s))""",
            (
                *(named("organisation", slug), 900 + number, wall.member("cbo-a", READERS[view]).person),
                *([subject], str(number).encode()),
            ),
        )
    member = wall.member("cbo-a", READERS[view])
    with as_superuser(admin, member.login, member.session):
        found = attempt(admin, f"select distinct role, organisation_id from {view}")
        classes = attempt(admin, f"select distinct classes from {view} where action = 'x.done'")
    assert not isinstance(found, str)
    assert classes == [(["IDENTITY"],)]
    us, them = member.organisation, named("organisation", "goa")
    assert {role for role, _ in found} <= {None, *Role}
    partners = (
        {(None, them), ("destination_worker", them)}
        if view in ("door.access_log", "door.partner_events")
        else set()
    )
    own = set() if view == "door.partner_events" else {(None, us), ("social_worker", us)}
    assert partners | own <= set(found)


@pytest.mark.parametrize("view", ["door.organisation_events", "door.own_events"])
def test_what_a_survivor_did_has_neither_her_name_nor_whom_it_was_about(
    wall: Wall, admin: Connection, view: str
) -> None:
    """Also for herself, where she works here too."""
    member = wall.member("cbo-a", READERS[view])
    for number, role in enumerate((Role.SURVIVOR, Role.SOCIAL_WORKER)):
        admin.execute(
            "insert into trail.events values (%s, %s, now(), %s, %s, 'x.done', %s, '{}', '', sha256(%s))",
            (
                *(member.organisation, 900 + number, login_name(member.organisation, role), member.person),
                *([HERS], str(number).encode()),
            ),
        )
    with as_superuser(admin, member.login, member.session):
        found = attempt(
            admin, f"select role, actor, subjects from {view} where action = 'x.done' order by number"
        )
    assert found == [("survivor", None, []), ("social_worker", member.person, [HERS])]


@pytest.fixture
def in_november(wall: Wall, admin: Connection) -> Connection:
    """cbo-a's chain of a month in which a referral was sent and a danger approved, and somebody signed in."""
    organisation = named("organisation", "cbo-a")
    actions = ("referral.sent", "legal_basis.approved", "session.opened", "record.read", "agreement.signed")
    for number, action in enumerate(actions * 4):
        admin.execute(
            "insert into trail.events values (%s, %s, timestamptz '2026-11-01 00:30+05:30' + make_interval(days => %s),"
            " 'org_x', null, %s, '{}', '{}', '', sha256(%s))",
            (organisation, number, number, action, str(number).encode()),
        )
    return admin


SHOWN = "select at, action, id from door.network_events"


@pytest.mark.parametrize("role", [Role.SECRETARIAT_ADMIN, Role.AUDITOR])
def test_of_events_about_people_the_network_reads_the_month(
    wall: Wall, in_november: Connection, role: Role
) -> None:
    """In India, where what happens in the night of the first is of that month."""
    slug = "secretariat" if role is Role.SECRETARIAT_ADMIN else "cbo-a"
    member = wall.member(slug, role)
    with as_superuser(in_november, member.login, member.session):
        rows = attempt(in_november, SHOWN)
        since = attempt(in_november, f"{SHOWN} where at > '2026-11-02' and action !~ '^(session|agreement)'")
    assert not isinstance(rows, str)
    exact = {at for at, action, _ in rows if action in EXACT}
    cut = [(at, id) for at, action, id in rows if action not in EXACT]
    assert len(exact) == 8
    assert {at.astimezone(UTC).isoformat() for at, _ in cut} == {"2026-10-31T18:30:00+00:00"}
    assert [id for _, id in cut] == sorted((id for _, id in cut), reverse=True)
    assert since == []


def test_the_network_reads_its_newest_events_by_an_index(wall: Wall, admin: Connection) -> None:
    member = wall.member("cbo-a", Role.AUDITOR)
    admin.execute("set local enable_seqscan = off")
    with as_superuser(admin, member.login, member.session):
        plan = attempt(admin, f"explain (costs off) {SHOWN} limit 1")
    assert "ix_events_shown" in str(plan)


def test_nobody_learns_how_much_goes_on_elsewhere() -> None:
    opening = next(each for each in ACCESS.openings if each.table == "trail.events")
    assert not {"number", "previous"} & set(opening.columns)


def test_what_a_survivor_does_is_shown_without_her(wall: Wall, events: list[Happened]) -> None:
    mine = next(event for event in events if event.label == "survivor1")
    organisation = named("organisation", "cbo-a")
    with wall.acting(wall.member("cbo-a", Role.ORGANISATION_ADMIN)) as connection:
        shown = "select role, actor, subjects from door.organisation_events where id = %s"
        assert attempt(connection, shown, (mine.id(organisation),)) == [("survivor", None, [])]


def test_what_signing_in_writes_has_no_role(wall: Wall, events: list[Happened]) -> None:
    event = next(event for event in events if event.label == "signed in")
    with wall.acting(wall.member("cbo-a", Role.ORGANISATION_ADMIN)) as connection:
        shown = "select role, actor from door.organisation_events where id = %s"
        assert attempt(connection, shown, (event.id(event.organisation),)) == [(None, event.actor)]


def numbers_about(connection: Connection, subject: UUID) -> int:
    return len(attempt(connection, f"select trail.numbers_about('{subject}')"))


def test_events_are_found_by_whom_they_are_about(
    wall: Wall, events: list[Happened], admin: Connection
) -> None:
    """Those of the organisation alone; what survivors do is found by nobody; without a session nothing is."""
    mine = [e for e in events if e.slug == "cbo-a" and HERS in e.subjects and "_survivor" not in e.login]
    member = wall.member("cbo-a", Role.ORGANISATION_ADMIN)
    admin.execute("select set_config('pat.session', '', true)")
    with as_superuser(admin, member.login, None):
        assert numbers_about(admin, HERS) == 0
    with as_superuser(admin, member.login, member.session):
        assert numbers_about(admin, HERS) == len(mine)
        assert numbers_about(admin, member.person) == 0
    with wall.acting(wall.member("cbo-b", Role.ORGANISATION_ADMIN)) as other:
        assert numbers_about(other, HERS) == 0
    with wall.acting(wall.member("cbo-a", Role.SOCIAL_WORKER)) as worker:
        assert attempt(worker, f"select trail.numbers_about('{HERS}')") == "42501"


@pytest.mark.usefixtures("events")
def test_a_partners_event_says_which_referral_it_was_and_not_who(wall: Wall) -> None:
    with wall.acting(wall.member("cbo-a", Role.CASE_MANAGER)) as connection:
        columns = attempt(
            connection,
            "select attname from pg_attribute where attrelid = 'door.partner_events'::regclass and attnum > 0",
        )
        rows = attempt(
            connection, "select role, classes, referral_id, organisation_id from door.partner_events"
        )
    assert not isinstance(columns, str)
    assert {name for (name,) in columns} == {
        *("id", "organisation_id", "at", "role", "action", "classes", "referral_id")
    }
    goa, hers = named("organisation", "goa"), named("cbo-a", "referrals", "hers")
    assert ("destination_worker", ["IDENTITY"], hers, goa) in rows


@pytest.mark.usefixtures("events")
def test_a_safety_hold_hides_who_looked_when_she_is_heard_and_who_works_for_her(
    wall: Wall, survivor: Member, admin: Connection
) -> None:
    views = ("door.access_log", "app.hearings", "app.memberships")
    before = [seen(admin, view, survivor) for view in views]
    assert all(number > 1 for number in (before[0], before[2]))
    assert before[1] == 1
    admin.execute(HELD.format(survivor.organisation).encode())
    # Her own membership is hers.
    assert [seen(admin, view, survivor) for view in views] == [0, 0, 1]
    admin.execute("update app.safety_holds set lifted_at = now() where survivor_id = %s", (HERS,))
    assert [seen(admin, view, survivor) for view in views] == before


@pytest.mark.usefixtures("events")
def test_a_safety_hold_hides_nothing_from_anybody_else(wall: Wall, admin: Connection) -> None:
    admin.execute(HELD.format(wall.organisation("cbo-a")).encode())
    assert seen(admin, "door.access_log", wall.member("cbo-b", Role.SURVIVOR)) >= 0
    for view in ("door.organisation_events", "door.partner_events"):
        role = READERS[view]
        assert seen(admin, view, wall.member("cbo-a", role)) > 0


@pytest.mark.usefixtures("events")
def test_a_hold_on_somebody_of_another_organisation_hides_nothing(
    wall: Wall, survivor: Member, admin: Connection
) -> None:
    before = seen(admin, "door.access_log", survivor)
    other = wall.organisation("cbo-b")
    admin.execute("alter table app.safety_holds drop constraint fk_safety_holds_survivor")
    admin.execute(HELD.format(other).encode())
    assert seen(admin, "door.access_log", survivor) == before


def test_who_is_held_reads_no_hold(wall: Wall, survivor: Member) -> None:
    with wall.acting(survivor) as connection:
        assert attempt(connection, "select 1 from app.safety_holds") == "42501"


@pytest.mark.usefixtures("events")
def test_a_session_under_duress_reads_no_log(wall: Wall, survivor: Member, admin: Connection) -> None:
    admin.execute("update sec.sessions set is_duress = true where id = %s", (survivor.session,))
    assert seen(admin, "door.access_log", survivor) == 0


@pytest.mark.parametrize(
    "detail",
    [
        "{}",
        "[]",
        "1",
        '"identity"',
        '{"classes": "nothing of ours"}',
        '{"classes": {"a": "b"}}',
        '{"classes": [1, null, {}]}',
    ],
)
def test_whatever_a_partner_writes_into_its_chain_her_log_is_read(
    wall: Wall, survivor: Member, detail: str
) -> None:
    goa = wall.member("goa", Role.DESTINATION_WORKER)
    try:
        with wall.acting(goa, commit=True) as connection:
            connection.execute("select trail.record('record.read', %s, %s)", ([REFERRED], detail))
        with wall.acting(survivor) as connection:
            assert attempt(connection, "select classes from door.access_log") == [([],)]
    finally:
        wall.admin.execute("delete from trail.events; delete from trail.heads")


def test_a_class_is_read_in_either_spelling(wall: Wall, survivor: Member) -> None:
    goa = wall.member("goa", Role.DESTINATION_WORKER)
    try:
        with wall.acting(goa, commit=True) as connection:
            detail = json.dumps({"classes": ["legal_status", "HEARING_SCHEDULE", "shoe_size"]})
            connection.execute("select trail.record('record.read', %s, %s)", ([REFERRED], detail))
        with wall.acting(survivor) as connection:
            shown = attempt(connection, "select classes, referral_id from door.access_log")
    finally:
        wall.admin.execute("delete from trail.events; delete from trail.heads")
    hers: UUID = named("cbo-a", "referrals", "hers")
    assert shown == [(["LEGAL_STATUS", "HEARING_SCHEDULE"], hers)]
