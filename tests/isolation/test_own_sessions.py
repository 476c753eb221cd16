"""What a person sees of her own sessions and ends, and what an administrator ends."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from tests.isolation.test_pins import all_ended, changes, put_ways_in, ways_in
from tests.isolation.test_sign_in_login import ask, events
from tests.support.issuing import put_browser, put_client, put_membership
from tests.support.people import Member
from tests.support.wall import Connection, Wall, as_superuser

from pat_auth.clients.models import Serves
from pat_auth.policy import Role
from pat_platform.database.logins import login_name


@pytest.fixture
def member(wall: Wall) -> Member:
    return wall.member("cbo-a", Role.SOCIAL_WORKER)


def put_session(
    admin: Connection,
    member: Member,
    *,
    client: str = "tests",
    organisation: UUID | None = None,
    membership: UUID | None = None,
    lasts: timedelta = timedelta(hours=1),
) -> tuple[UUID, UUID]:
    """Another session of the member; its id and its handle."""
    row = admin.execute(
        "insert into sec.sessions (id, login, organisation_id, membership_id, person_id, client, expires_at)"
        " values (gen_random_uuid(), %s, %s, %s, %s, %s, now() + %s) returning id, handle",
        (
            *(member.login, organisation or member.organisation, membership or member.membership),
            *(member.person, client, lasts),
        ),
    ).fetchone()
    assert row is not None
    return row[0], row[1]


def handle_of(admin: Connection, session: UUID) -> UUID:
    handle: UUID = ask(admin, "select handle from sec.sessions where id = %s", session)
    return handle


def listed(admin: Connection, member: Member) -> dict[UUID, tuple[Any, ...]]:
    with as_superuser(admin, member.login, member.session):
        rows = admin.execute("select handle, client, client_name, is_this from sec.my_sessions()").fetchall()
    found = {row[0]: row[1:] for row in rows}
    assert len(found) == len(rows)
    return found


def live(admin: Connection, sessions: list[UUID]) -> set[UUID]:
    found = admin.execute(
        "select id from sec.sessions where id = any(%s) and revoked_at is null", (sessions,)
    ).fetchall()
    return {row[0] for row in found}


def test_she_sees_her_own_live_sessions_by_their_handles(
    wall: Wall, admin: Connection, member: Member
) -> None:
    client = put_client(admin, member.organisation, name="Field app")
    put_client(admin, member.organisation, name="A name before it")
    _, other = put_session(admin, member, client=str(client))
    revoked, _ = put_session(admin, member)
    admin.execute("update sec.sessions set revoked_at = now() where id = %s", (revoked,))
    put_session(admin, member, lasts=timedelta(0))
    ended = put_membership(admin, member.person, member.organisation, Role.AUDITOR)
    put_session(admin, member, membership=ended)
    admin.execute("update app.memberships set ended_at = now() where id = %s", (ended,))
    elsewhere = put_membership(admin, member.person, wall.organisation("goa"), Role.DESTINATION_WORKER)
    put_session(admin, member, organisation=wall.organisation("goa"), membership=elsewhere)
    put_session(admin, wall.member("cbo-a", Role.SOCIAL_WORKER, 2))
    assert listed(admin, member) == {
        handle_of(admin, member.session): ("tests", None, True),
        other: (str(client), "Field app", False),
    }


def test_a_session_of_a_membership_elsewhere_is_not_listed_under_this_organisation(
    wall: Wall, admin: Connection, member: Member
) -> None:
    """Ids of memberships are an organisation's own: the same may be an ended one elsewhere."""
    admin.execute(
        "insert into app.memberships (organisation_id, id, person_id, role, name, ended_at) values (%s, %s, %s, 'auditor', 'x', now())",
        (wall.organisation("goa"), member.membership, member.person),
    )
    admin.execute(
        "insert into app.memberships (organisation_id, id, person_id, role, name) values (%s, %s, %s, 'funder', 'x')",
        (wall.organisation("delhi"), member.membership, member.person),
    )
    assert len(listed(admin, member)) == 1


def test_without_a_session_nothing_is_listed_and_nothing_ends(admin: Connection, member: Member) -> None:
    client = put_client(admin, member.organisation)
    session, handle = put_session(admin, member, client=str(client))
    for role in (Role.SOCIAL_WORKER, Role.ORGANISATION_ADMIN):
        with as_superuser(admin, login_name(member.organisation, role.value), None):
            assert admin.execute("select * from sec.my_sessions()").fetchall() == []
            assert ask(admin, "select sec.end_my_session(%s)", handle) is False
            assert ask(admin, "select sec.end_my_sessions()") == 0
    with as_superuser(admin, login_name(member.organisation, Role.ORGANISATION_ADMIN.value), None):
        assert ask(admin, "select sec.end_sessions_of(%s)", client) == 0
    assert live(admin, [session, member.session]) == {session, member.session}


def test_she_ends_one_of_her_sessions_and_no_other(wall: Wall, admin: Connection, member: Member) -> None:
    session, handle = put_session(admin, member)
    colleagues, theirs = put_session(admin, wall.member("cbo-a", Role.SOCIAL_WORKER, 2))
    elsewhere = put_membership(admin, member.person, wall.organisation("goa"), Role.DESTINATION_WORKER)
    other, others = put_session(admin, member, organisation=wall.organisation("goa"), membership=elsewhere)
    with as_superuser(admin, member.login, member.session):
        ended = [
            ask(admin, "select sec.end_my_session(%s)", each) for each in (handle, handle, theirs, others)
        ]
    assert ended == [True, False, False, False]
    everything = [session, member.session, colleagues, other]
    assert live(admin, everything) == {member.session, colleagues, other}
    assert events(admin, member.organisation)[-1] == (
        *(member.login, member.person, "session.revoked", [member.person]),
        {"because": "signed out", "sessions": [str(handle)]},
    )


def test_she_signs_out_everywhere(wall: Wall, admin: Connection, member: Member) -> None:
    """And one organisation is not told which other she belongs to."""
    goa = wall.organisation("goa")
    elsewhere = put_membership(admin, member.person, goa, Role.DESTINATION_WORKER)
    session, _ = put_session(admin, member)
    other, others = put_session(admin, member, organisation=goa, membership=elsewhere)
    over, _ = put_session(admin, member, lasts=timedelta(0))
    colleague = wall.member("cbo-a", Role.SOCIAL_WORKER, 2)
    browser, before = put_browser(admin, member.person), put_browser(admin, member.person)
    theirs = put_browser(admin, colleague.person)
    admin.execute("update sec.browsers set ended_at = 'yesterday' where id = %s", (before,))
    with as_superuser(admin, member.login, member.session):
        assert ask(admin, "select sec.end_my_sessions()") == 3
    everything = [session, other, over, member.session, colleague.session]
    assert live(admin, everything) == {over, colleague.session}
    at: dict[UUID, bool | None] = dict(
        admin.execute("select id, ended_at < now() - interval '1 hour' from sec.browsers").fetchall()
    )
    assert (at[browser], at[before], at[theirs]) == (False, True, None)
    login, actor, action, subjects, detail = events(admin, goa)[-1]
    assert (login, actor, action, subjects) == (
        "elsewhere",
        member.person,
        "session.revoked",
        [member.person],
    )
    assert detail == {"because": "signed out everywhere", "sessions": [str(others)]}
    mine = events(admin, member.organisation)[-1]
    assert (mine[:2], len(mine[4]["sessions"])) == ((member.login, member.person), 2)


def test_signing_out_everywhere_ends_what_is_open_of_hers_and_nothing_else(
    wall: Wall, admin: Connection, member: Member
) -> None:
    """Not even a code that was about to become a session is good any more."""
    for each in (member, wall.member("cbo-a", Role.SOCIAL_WORKER, 2)):
        put_ways_in(admin, each)
    before = ways_in(admin)
    with as_superuser(admin, member.login, member.session):
        ask(admin, "select sec.end_my_sessions()")
    assert changes(admin, before) == all_ended(admin, member, "signed out everywhere")


def test_an_administrator_ends_the_sessions_of_her_organisations_client(
    wall: Wall, admin: Connection, member: Member
) -> None:
    administrator = wall.member("cbo-a", Role.ORGANISATION_ADMIN)
    client, another = (put_client(admin, member.organisation) for _ in range(2))
    foreign = put_client(admin, wall.organisation("cbo-b"), serves=Serves.NETWORK)
    sessions = [put_session(admin, member, client=str(each))[0] for each in (client, another, foreign)]
    over, _ = put_session(admin, member, client=str(client), lasts=timedelta(0))
    with as_superuser(admin, administrator.login, administrator.session):
        assert ask(admin, "select sec.end_sessions_of(%s)", foreign) == 0
        assert ask(admin, "select sec.end_sessions_of(%s)", client) == 1
    assert live(admin, [*sessions, over]) == {*sessions[1:], over}
    assert events(admin, member.organisation)[-1][4]["because"] == "client disabled"
